"""CRAM-MD5 (RFC 2195): for old clients, and only with an app password whose secret may be read."""

import hmac
import secrets

from mailservices.mail.errors import ProtocolError, SignInFailed
from mailservices.protocols.sasl.exchange import Exchange, Proven, SecretsOf, text


def cram_md5(hostname: str, nonce: str = "") -> Exchange:
    """One challenge, one answer: the name, a space, and a keyed digest of the challenge in hexadecimal."""
    challenge = f"<{nonce or secrets.token_hex(16)}@{hostname}>".encode()
    name, space, digest = text((yield challenge)).rpartition(" ")
    if not space:
        raise ProtocolError("CRAM-MD5 wants a name and a digest.")
    known: list[bytes] = yield SecretsOf(name)
    told = digest.lower().encode()
    # All are compared, whichever fits: time does not tell.
    fitting = [hmac.compare_digest(_digest(secret, challenge), told) for secret in known]
    if not any(fitting):
        raise SignInFailed
    return Proven(name, fitting=fitting.index(True))


def _digest(secret: bytes, challenge: bytes) -> bytes:
    return hmac.new(secret, challenge, "md5").hexdigest().encode()
