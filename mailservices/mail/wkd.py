"""Where the OpenPGP key of an address is found in the directory of its domain (WKD).

draft-koch-openpgp-webkey-service-19 §3.1: the local part is mapped, hashed by SHA-1 and written in z-base-32 (RFC
6189 §5.1.6). The hash is a name, and nothing relies on its strength.
"""

import hashlib
import re
from typing import Final
from urllib.parse import quote

from mailservices.mail.address import Address

#: The name in front of a domain at which programs ask first; at the domain itself they ask if it is not there.
HOST: Final = "openpgpkey"
ROOT: Final = "/.well-known/openpgpkey"
POLICY: Final = "policy"
SUBMISSION: Final = "submission-address"
#: §3.1: of keys, and of the two files.
KEY_TYPE: Final = "application/octet-stream"
TEXT_TYPE: Final = "text/plain; charset=utf-8"
#: Octets of one answer that a reader takes.
KEY_OCTETS: Final = 256 * 1024

_ALPHABET: Final = "ybndrfg8ejkmcpqxot1uwisza345h769"
_UPPER: Final = re.compile("[A-Z]+")
#: What stands behind ROOT: the domain, by the advanced method; what is asked for; the hash of a key.
_PATH: Final = re.compile(r"/(?:([^/]{1,255})/)?(?:(policy|submission-address)|hu/([a-z0-9]{32}))")


def hashed(local: str) -> str:
    """The name of a local part, 32 characters: letters of ASCII in lower case, all others as they are."""
    mapped = _UPPER.sub(lambda found: found[0].lower(), local)
    digest = hashlib.sha1(mapped.encode(), usedforsecurity=False).digest()
    bits = int.from_bytes(digest, "big")
    return "".join(_ALPHABET[bits >> shift & 31] for shift in range(155, -1, -5))


def urls(address: Address) -> tuple[str, str]:
    """Where to ask for its key: by the advanced method, and, where that host has no address, by the direct one."""
    name = f"hu/{hashed(address.local)}?l={quote(address.local, safe='')}"
    domain = address.domain
    return f"https://{HOST}.{domain}{ROOT}/{domain}/{name}", f"https://{domain}{ROOT}/{name}"


def asked(path: str) -> tuple[str, str, str] | None:
    """What a path below ROOT asks for: the domain if it names one, POLICY or SUBMISSION, or the hash of a key."""
    found = _PATH.fullmatch(path)
    return (found[1] or "", found[2] or "", found[3] or "") if found else None
