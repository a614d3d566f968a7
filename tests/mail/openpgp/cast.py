"""Keys that GnuPG has made, each of its own kind; none has a passphrase but one, which is to be refused."""

from pathlib import Path

from mailservices.mail.openpgp import keys
from mailservices.mail.openpgp.keys import KeyPair

HERE = Path(__file__).parent
KEYS = HERE / "keys"
CASES = HERE / "cases"


def pair(name: str) -> KeyPair:
    """With its secret key, where that is there."""
    [path] = KEYS.glob(f"{name}.*asc")
    return keys.read(path.read_bytes())


def secret(name: str) -> bytes:
    found = pair(name).secret
    assert found is not None
    return found


def public(name: str) -> bytes:
    return pair(name).public
