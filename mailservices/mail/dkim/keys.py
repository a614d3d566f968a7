"""The key that a domain has published (RFC 6376 §3.6): asked for, read, and what it says of a signature."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mailservices.mail.dkim import tags
from mailservices.mail.dkim.signature import Algorithm, Signature
from mailservices.mail.errors import ProtocolError
from mailservices.mail.findings import Result
from mailservices.mail.questions import Flow, Found, Trouble, Txt

#: RFC 8301 §3.2: less is never valid; verifiers need not take more than 4096, and more only costs time.
RSA_BITS_LEAST: Final = 1024
RSA_BITS_MOST: Final = 4096
#: Records of one name that are looked at: there should be one (RFC 6376 §3.6.2.2).
RECORDS: Final = 4
_ED25519_OCTETS: Final = 32
#: Records whose reading is remembered: a few hosts send most mail.
PARSED: Final = 1024

PublicKey: TypeAlias = RSAPublicKey | Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Record:
    """A key record. A key that was revoked has None."""

    key: PublicKey | None
    #: t=s: i= must name the very domain, none below it.
    strict: bool = False
    #: t=y: the domain only tries DKIM out.
    testing: bool = False

    @property
    def algorithm(self) -> Algorithm:
        return Algorithm.ED25519 if isinstance(self.key, Ed25519PublicKey) else Algorithm.RSA


class Rejected(Exception):
    """There is no key to verify with; the result says whether there may be later."""

    def __init__(self, result: Result, words: str) -> None:
        self.result = result
        super().__init__(words)


@lru_cache(PARSED)
def parse(octets: bytes) -> Record:
    """A TXT record below _domainkey.

    Raises:
        ProtocolError: it is none, or not for mail.
    """
    read = tags.parse(octets)
    # §3.6.1: v= is not needed, but where it is, it is the first.
    if "v" in read and (read["v"] != "DKIM1" or next(iter(read)) != "v"):
        raise ProtocolError("unknown version of a key record")
    if not {"*", "email"} & set(tags.split(read.get("s", "*"))):
        raise ProtocolError("the key is not for mail")
    if "sha256" not in tags.split(read.get("h", "sha256")):
        raise ProtocolError("the key is not for sha256")
    if "p" not in read:
        raise ProtocolError("p= is missing")
    flags = set(tags.split(read.get("t", "")))
    key = _public_key(read.get("k", "rsa"), tags.decode_base64(read["p"])) if read["p"] else None
    return Record(key, strict="s" in flags, testing="y" in flags)


def _public_key(kind: str, octets: bytes) -> PublicKey:
    if kind == "ed25519":
        # RFC 8463 §4.2: the 32 octets of the key alone.
        if len(octets) != _ED25519_OCTETS:
            raise ProtocolError("the key is not valid")
        return Ed25519PublicKey.from_public_bytes(octets)
    if kind != "rsa":
        raise ProtocolError("unknown kind of key")
    try:
        key = load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ProtocolError("the key is not valid") from error
    if not isinstance(key, RSAPublicKey):
        raise ProtocolError("the key is not valid")
    return key


def find(signature: Signature) -> Flow[Record]:
    """The key of a signature.

    Raises:
        Rejected
    """
    match (yield Txt(signature.key_name)):
        case Trouble():
            raise Rejected(Result.TEMPERROR, "the key cannot be looked up now")
        case Found(records):
            return _first(records, signature.algorithm)
        case _:
            raise Rejected(Result.PERMERROR, "no key")


def _first(records: tuple[object, ...], algorithm: Algorithm) -> Record:
    """The first record with a key for this algorithm; RFC 6376 §6.1.2: keys of the wrong kind do not count."""
    words = "no key for this algorithm"
    for octets in records[:RECORDS]:
        try:
            record = parse(octets if isinstance(octets, bytes) else b"")
        except ProtocolError as error:
            words = str(error)
            continue
        if record.key is None:
            words = "the key was revoked"
        elif record.algorithm is algorithm:
            return record
    raise Rejected(Result.PERMERROR, words)


def check(record: Record, signature: Signature) -> None:
    """What the key's owner and RFC 8301 allow.

    Raises:
        Rejected
    """
    if isinstance(record.key, RSAPublicKey) and not RSA_BITS_LEAST <= record.key.key_size <= RSA_BITS_MOST:
        raise Rejected(Result.POLICY, f"an RSA key of {record.key.key_size} bits is not accepted")
    if record.strict and signature.identity.rpartition("@")[2] != signature.domain:
        raise Rejected(Result.PERMERROR, "the key is for the domain itself, not for one below it")


def holds(key: PublicKey | None, octets: bytes, digest: bytes) -> bool:
    """Whether these octets sign that SHA-256 digest (RFC 6376 §3.3.2, RFC 8463 §3)."""
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(octets, digest)
        elif key is not None:
            key.verify(octets, digest, PKCS1v15(), Prehashed(SHA256()))
    except InvalidSignature:
        return False
    return key is not None
