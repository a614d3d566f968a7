"""CRAM-MD5 (RFC 2195) and APOP (RFC 1939 §7): for old clients; only with an app password that may be read."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from mailservices.mail.errors import ProtocolError, SignInFailed
from mailservices.protocols.sasl.exchange import Exchange, Proven, SecretsOf, text


def cram_md5(hostname: str, nonce: str = "") -> Exchange:
    """One challenge, one answer: the name, a space, and a keyed digest of the challenge in hexadecimal."""
    challenge = f"<{nonce or secrets.token_hex(16)}@{hostname}>".encode()
    name, space, digest = text((yield challenge)).rpartition(" ")
    if not space:
        raise ProtocolError("CRAM-MD5 wants a name and a digest.")
    known: list[bytes] = yield SecretsOf(name)
    return _proven(name, digest, [hmac.new(secret, challenge, "md5").hexdigest() for secret in known])


def apop(timestamp: str, name: str, digest: str) -> Exchange:
    """Nothing is asked: the challenge stood in the greeting; the answer is a digest of it and the secret."""
    known: list[bytes] = yield SecretsOf(name)
    challenge = timestamp.encode()
    return _proven(name, digest, [hashlib.md5(challenge + secret).hexdigest() for secret in known])  # noqa: S324


def _proven(name: str, told: str, right: Sequence[str]) -> Proven:
    """Raises: SignInFailed: none of the digests is the one that was told."""
    # All are compared, whichever fits: time does not tell.
    fitting = [hmac.compare_digest(one.encode(), told.lower().encode()) for one in right]
    if not any(fitting):
        raise SignInFailed
    return Proven(name, fitting=fitting.index(True))
