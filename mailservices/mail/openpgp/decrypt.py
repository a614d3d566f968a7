"""OpenPGP messages opened with a key that is held here.

What comes out may be a thousand times larger than what came in, for it may be compressed, and the library gives it
whole: whoever opens what a stranger sent does it where memory has an end (net/aside.py).
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import pysequoia
from pysequoia import Cert, Tsk

from mailservices.mail import mime as parts
from mailservices.mail.findings import Result
from mailservices.mail.headers import Octets
from mailservices.mail.openpgp import keys, mime
from mailservices.mail.openpgp.library import errors
from mailservices.mail.privacy import PrivacyError, Verdict

#: Octets of an encrypted message that is opened.
SEALED_OCTETS: Final = 50 * 2**20

#: Nor does the library look below a layer that is compressed, as GnuPG makes it.
_NOT_CHECKED: Final = Verdict(Result.NONE, "no signature inside could be checked")


class Opened(NamedTuple):
    """What was encrypted, and what became of a signature that was in the same layer."""

    payload: bytes
    verdict: Verdict


def sealed(header: bytes, body: Octets) -> bytes | None:
    """The armoured message that a message holds; None where it is not encrypted by OpenPGP.

    Raises:
        PrivacyError: it is too large.
    """
    message = parts.scan(header, body)
    part = mime.encrypted_part(message)
    if part is None or not mime.is_encrypted(message, body):
        return None
    if len(part.body) > SEALED_OCTETS:
        raise PrivacyError(f"more than {SEALED_OCTETS} octets are encrypted")
    return mime.octets(part, body, SEALED_OCTETS)


def decrypt(armoured: bytes, secret: bytes, certificates: Sequence[bytes] = ()) -> Opened:
    """Open a message.

    Args:
        certificates: whose signatures are known.

    Raises:
        PrivacyError: it is not for this key, or was changed.
    """
    with errors("it could not be opened"):
        tsk = Tsk.from_bytes(secret)
        known = [Cert.from_bytes(one) for one in certificates]
        try:
            done = pysequoia.decrypt(armoured, tsk.decryptor(), lambda _: known)
            verdict = _verdict(done.valid_sigs[0], certificates)
        except (RuntimeError, OSError):
            # Signed by somebody unknown, or where the library does not look: it can be opened all the same.
            done, verdict = pysequoia.decrypt(armoured, tsk.decryptor()), _NOT_CHECKED
    return Opened(done.bytes or b"", verdict)


def _verdict(signature: Any, certificates: Sequence[bytes]) -> Verdict:
    """Of a signature that holds: whether its key may be used still."""
    described = next(one for one in map(keys.describe, certificates) if one.fingerprint == signature.certificate)
    refusal = described.refusal or ("the key was revoked" if described.revoked else "")
    result = Result.POLICY if refusal else Result.PASS
    return Verdict(result, refusal, described.fingerprint, described.addresses)
