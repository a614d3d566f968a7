"""SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC 7677), with channel binding and without.

The client proves that it knows the password, and we prove that we have its keys; neither tells the other more. A
name that nobody has gets keys too (mail/scram.py): only the proof fails, as for a wrong password.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

from mailservices.mail.errors import ProtocolError, SignInFailed
from mailservices.mail.scram import Keys
from mailservices.protocols.sasl.exchange import Exchange, KeysOf, Proven, text
from mailservices.protocols.sasl.gs2 import Header, read_header, read_name

#: RFC 5929 §4: Python's ssl gives no tls-exporter, and tls-unique is not defined for TLS 1.3.
BINDING_TYPE: Final = "tls-server-end-point"
#: Characters of a client's nonce.
NONCE_LIMIT: Final = 512
_ALGORITHMS: Final = {"SHA-1": "sha1", "SHA-256": "sha256"}


def scram(hash_name: str, binding: bytes | None, *, plus: bool, nonce: str = "") -> Exchange:
    """The exchange of RFC 5802 §5.

    Args:
        hash_name: "SHA-1" or "SHA-256".
        binding: what the client must bind to; None where TLS gives nothing, so that no -PLUS was announced.
        plus: the client chose the mechanism that ends with -PLUS.
        nonce: our part of the nonce; made where none is given.
    """
    header = read_header(text((yield b"")))
    _check_binding(header, binding, plus=plus)
    first = _attributes(header.rest, "nr")
    name, client_nonce = read_name(first["n"]), first["r"]
    if len(client_nonce) > NONCE_LIMIT or not client_nonce.isascii() or not client_nonce.isprintable():
        raise ProtocolError("The nonce is not one.")
    keys: Keys = yield KeysOf(name, hash_name)
    whole_nonce = client_nonce + (nonce or secrets.token_urlsafe(24))
    server_first = f"r={whole_nonce},s={_written(keys.salt)},i={keys.iterations}"
    final = text((yield server_first.encode()))
    without_proof = final.rpartition(",p=")[0]
    told = _attributes(final, "crp")
    message = f"{header.rest},{server_first},{without_proof}".encode()
    bound = header.written.encode() + ((binding or b"") if header.binding else b"")
    algorithm = _ALGORITHMS[hash_name]
    well = hmac.compare_digest(_octets(told["c"]), bound)
    well &= hmac.compare_digest(told["r"].encode(), whole_nonce.encode())
    well &= _proves(algorithm, keys, message, _octets(told["p"]))
    if not well:
        raise SignInFailed
    # RFC 5802 §5: the client answers our proof with nothing, whatever the protocol makes of that.
    yield b"v=" + base64.b64encode(hmac.digest(keys.server_key, message, algorithm))
    return Proven(name, header.authorize_as)


def _check_binding(header: Header, binding: bytes | None, *, plus: bool) -> None:
    """RFC 5802 §6: the header must fit the mechanism, and nobody may have talked the client out of binding."""
    if (header.binding is not None) != plus:
        raise ProtocolError("The GS2 header does not fit the mechanism.")
    if header.binding not in (None, BINDING_TYPE):
        raise ProtocolError(f"The channel binding must be {BINDING_TYPE}.")
    if header.could_bind and binding is not None:
        raise SignInFailed


def _attributes(message: str, wanted: str) -> dict[str, str]:
    """RFC 5802 §5.1: these attributes in this order; extensions may stand before a proof, or at the end."""
    parts = [part.partition("=") for part in message.split(",")]
    if any(len(name) != 1 or not mark or not value for name, mark, value in parts):
        raise ProtocolError("A SCRAM message has attributes, each with a value.")
    names = "".join(name for name, _, _ in parts)
    fits = names.startswith(wanted) or (wanted.endswith("p") and names.startswith("cr") and names.endswith("p"))
    if not fits or "m" in names or len(set(names)) != len(names):
        # RFC 5802 §5.1: m is reserved for extensions that must be understood.
        raise ProtocolError("The attributes of the SCRAM message are not the right ones.")
    return {name: value for name, _, value in parts}


def _proves(algorithm: str, keys: Keys, message: bytes, proof: bytes) -> bool:
    """RFC 5802 §3: ClientProof = ClientKey XOR HMAC(StoredKey, AuthMessage)."""
    signature = hmac.digest(keys.stored_key, message, algorithm)
    if len(proof) != len(signature):
        return False
    client_key = bytes(one ^ other for one, other in zip(proof, signature, strict=True))
    return hmac.compare_digest(hashlib.new(algorithm, client_key).digest(), keys.stored_key)


def _octets(written: str) -> bytes:
    try:
        return base64.b64decode(written.encode(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError("An attribute is not base64.") from error


def _written(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
