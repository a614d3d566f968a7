"""Whether a signature of S/MIME holds, and whose it is (RFC 5652 §5.6, RFC 8550, RFC 8551 §3).

The results are those of RFC 7281: fail where the text or the signature was changed, policy where it holds and its
certificate is not good enough (untrusted, expired, revoked, weak, of another address), neutral where it cannot be
read. Trusted is what leads to a root, or whom somebody of ours has vouched for.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final

from asn1crypto import algos, cms, core
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from mailservices.mail.findings import Result
from mailservices.mail.privacy import PrivacyError, Verdict
from mailservices.mail.smime import certificates
from mailservices.mail.smime.signed import Signed
from mailservices.mail.smime.trust import Roots

#: Signers of one message, and certificates and revocation lists with it that are read.
SIGNERS: Final = 5
CERTIFICATES: Final = 20
LISTS: Final = 5
#: Octets of one revocation list, and of all certificates, lists and signers: reading them takes time.
LIST_OCTETS: Final = 1024 * 1024
SET_OCTETS: Final = {"certificates": 2 * 1024 * 1024, "crls": 4 * 1024 * 1024, "signer_infos": 128 * 1024}
NAME_CHARACTERS: Final = 200

#: RFC 8551 §2.1; older ones can be forged (§B.1).
_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
_WEAK: Final = frozenset({"md2", "md5", "sha1", "sha224"})
_UNREADABLE: Final = (*certificates.UNREADABLE, KeyError, IndexError, OverflowError, AttributeError)


@dataclass(frozen=True, slots=True)
class Known:
    """What the appliance knows of certificates, by their fingerprints."""

    roots: Roots
    #: Somebody of ours says that they are their addresses'.
    vouched: Collection[str] = ()
    #: Revoked, or refused.
    refused: Collection[str] = ()
    #: Of the authors, for signatures that come without (DER).
    certificates: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict, and who signed."""

    verdict: Verdict
    #: In DER; empty where it is not there.
    certificate: bytes = b""
    chain: bytes = b""
    issuer: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What is read of a signature."""

    content: bytes
    signers: Sequence[cms.SignerInfo]
    certificates: Sequence[x509.Certificate]
    lists: Sequence[x509.CertificateRevocationList] = field(default=())


def verify(found: Signed, authors: Collection[str], known: Known, now: datetime) -> Outcome:
    """Judge by the best of its signers.

    Args:
        authors: the addresses in From and Sender, in normal form (RFC 8550 §3).
    """
    try:
        message = read(found)
        outcomes = [_judge(message, signer, authors, known, now) for signer in message.signers]
    except (PrivacyError, *_UNREADABLE) as error:
        words = str(error) if isinstance(error, PrivacyError) else "the signature cannot be read"
        return Outcome(Verdict(Result.NEUTRAL, words))
    order = (Result.PASS, Result.POLICY, Result.FAIL, Result.PERMERROR)
    return min(outcomes, key=lambda one: order.index(one.verdict.result))


def read(found: Signed) -> Message:
    """Raises PrivacyError, or what the libraries raise, for what cannot be read."""
    outer = cms.ContentInfo.load(found.signature)
    if outer["content_type"].native != "signed_data":
        raise PrivacyError("there is no signature in it")
    data = outer["content"]
    inner = data["encap_content_info"]
    for name, octets in SET_OCTETS.items():
        if not isinstance(data[name], core.Void) and len(data[name].contents) > octets:
            raise PrivacyError("there is too much in it")
    signers = list(data["signer_infos"])
    if not 0 < len(signers) <= SIGNERS:
        raise PrivacyError(f"it has {len(signers)} signers")
    if inner["content_type"].native != "data":
        raise PrivacyError("something else than mail is signed")
    said = found.content
    if said is None:
        if isinstance(inner["content"], core.Void):
            raise PrivacyError("what is signed is not in it")
        said = bytes(inner["content"])
    return Message(said, signers, list(_certificates(data)), list(_lists(data)))


def _certificates(data: cms.SignedData) -> Iterator[x509.Certificate]:
    """Those that can be read; attributes and certificates of other kinds are passed over."""
    if not isinstance(data["certificates"], core.Void):
        for one in islice(data["certificates"], CERTIFICATES):
            if one.name == "certificate":
                with suppress(PrivacyError):
                    yield certificates.load(one.chosen.dump())


def _lists(data: cms.SignedData) -> Iterator[x509.CertificateRevocationList]:
    if not isinstance(data["crls"], core.Void):
        for one in islice(data["crls"], LISTS):
            der = one.chosen.dump()
            if one.name != "other" and len(der) <= LIST_OCTETS:
                yield x509.load_der_x509_crl(der)


def _judge(
    message: Message, signer: cms.SignerInfo, authors: Collection[str], known: Known, now: datetime
) -> Outcome:
    learnt = [certificates.load(one) for one in known.certificates]
    certificate = next((one for one in (*message.certificates, *learnt) if _is_of(signer["sid"], one)), None)
    if certificate is None:
        return Outcome(Verdict(Result.PERMERROR, "the signer's certificate is not with it"))
    addresses = tuple(dict.fromkeys(certificates.addresses(certificate)))
    verdict = Verdict(Result.FAIL, "", certificates.fingerprint(certificate), addresses, _signed_at(signer))
    outcome = Outcome(
        verdict,
        certificates.der(certificate),
        issuer=certificate.issuer.rfc4514_string()[:NAME_CHARACTERS],
        serial=f"{certificate.serial_number:X}"[:NAME_CHARACTERS],
    )
    if weak := _weak(signer):
        return replace(outcome, verdict=replace(verdict, result=Result.POLICY, reason=weak))
    if broken := _broken(message, signer, certificate):
        return replace(outcome, verdict=replace(verdict, reason=broken))
    return _trusted(outcome, certificate, message, authors, known, now)


def _trusted(
    outcome: Outcome,
    certificate: x509.Certificate,
    message: Message,
    authors: Collection[str],
    known: Known,
    now: datetime,
) -> Outcome:
    """The signature holds: is it good enough?"""
    verdict = outcome.verdict
    chain = known.roots.chain(certificate, [one for one in message.certificates if one != certificate], now)
    reason = _unfit(certificate, now)
    if reason:
        pass
    elif verdict.fingerprint in known.refused or _revoked(certificate, message, chain.above):
        reason = "its certificate was revoked or refused"
    elif chain.refusal and verdict.fingerprint not in known.vouched:
        reason = f"untrusted: {chain.refusal}"
    elif set(verdict.addresses).isdisjoint(authors):
        reason = "its certificate is for another address than the author's"
    result = Result.POLICY if reason else Result.PASS
    return replace(outcome, verdict=replace(verdict, result=result, reason=reason), chain=chain.der)


def _unfit(certificate: x509.Certificate, now: datetime) -> str:
    """What of the certificate itself speaks against it."""
    if words := certificates.refusal(certificate):
        return words[0].lower() + words.rstrip(".")[1:]
    if not certificates.may_sign(certificate):
        return "its key is not for signatures"
    if now < certificate.not_valid_before_utc:
        return f"its certificate is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}"
    if now > certificate.not_valid_after_utc:
        return f"its certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    return ""


def _revoked(certificate: x509.Certificate, message: Message, above: Sequence[x509.Certificate]) -> bool:
    """By a list that came with it: one of its issuer's, and whole. None is fetched."""
    for one in message.lists:
        issuer = next((issuer for issuer in above if issuer.subject == one.issuer == certificate.issuer), None)
        public = issuer.public_key() if issuer is not None else None
        if isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) and one.is_signature_valid(public):
            return one.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
    return False


def _is_of(sid: cms.SignerIdentifier, certificate: x509.Certificate) -> bool:
    if sid.name == "subject_key_identifier":
        try:
            named = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        except x509.ExtensionNotFound:
            return False
        return bool(named.digest == sid.chosen.native)
    if sid.chosen["serial_number"].native != certificate.serial_number:
        return False
    return bool(sid.chosen["issuer"].dump() == certificate.issuer.public_bytes())


def _attribute(signer: cms.SignerInfo, name: str) -> Any:
    """The value of a signed attribute; None unless there is one (RFC 5652 §5.3)."""
    if isinstance(signer["signed_attrs"], core.Void):
        return None
    found = [value for one in signer["signed_attrs"] if one["type"].native == name for value in one["values"]]
    return found[0].native if len(found) == 1 else None


def _signed_at(signer: cms.SignerInfo) -> datetime | None:
    """What the signer says; nothing hangs on it."""
    said = _attribute(signer, "signing_time")
    return said if isinstance(said, datetime) else None


def _weak(signer: cms.SignerInfo) -> str:
    name = str(signer["digest_algorithm"]["algorithm"].native)
    if name in _HASHES:
        return ""
    return f"signed with {name.upper()}, which can be forged" if name in _WEAK else "signed with an unknown hash"


def _broken(message: Message, signer: cms.SignerInfo, certificate: x509.Certificate) -> str:
    """Why the signature does not hold; empty: it does (RFC 5652 §5.4 and §5.6)."""
    name = signer["digest_algorithm"]["algorithm"].native
    hashing = _HASHES[name]()
    octets = message.content
    if not isinstance(signer["signed_attrs"], core.Void):
        digest = hashes.Hash(hashing)
        digest.update(message.content)
        if _attribute(signer, "message_digest") != digest.finalize():
            return "what was signed has been changed"
        if _attribute(signer, "content_type") != "data":
            return "something else than mail was signed"
        # §5.4: they are signed as a SET OF, whatever tag they have here.
        octets = b"\x31" + signer["signed_attrs"].dump()[1:]
    holds = _holds(certificate, signer["signature_algorithm"], signer["signature"].native, octets, name)
    return "" if holds else "the signature does not hold"


def _holds(
    certificate: x509.Certificate,
    algorithm: algos.SignedDigestAlgorithm,
    signature: bytes,
    octets: bytes,
    name: str,
) -> bool:
    """RSA (RFC 8017), elliptic curves (RFC 5753 §2.1), Ed25519 (RFC 8419)."""
    said, hashing = algorithm["algorithm"].native, _HASHES[name]()
    try:
        match certificate.public_key(), said:
            case rsa.RSAPublicKey() as key, "rsassa_pss":
                key.verify(signature, octets, *_pss(algorithm, name))
            case rsa.RSAPublicKey() as key, ("rsassa_pkcs1v15" | "sha256_rsa" | "sha384_rsa" | "sha512_rsa"):
                key.verify(signature, octets, padding.PKCS1v15(), hashing)
            case ec.EllipticCurvePublicKey() as key, ("sha256_ecdsa" | "sha384_ecdsa" | "sha512_ecdsa"):
                key.verify(signature, octets, ec.ECDSA(hashing))
            case ed25519.Ed25519PublicKey() as key, "ed25519":
                key.verify(signature, octets)
            case _:
                return False
    except InvalidSignature:
        return False
    # A combined name says the hash once more.
    return "_" not in said or said.startswith(("rsassa", name))


def _pss(algorithm: algos.SignedDigestAlgorithm, name: str) -> tuple[padding.PSS, hashes.HashAlgorithm]:
    """RFC 4056 §3: the hash is the one of the digest; the mask may have another one."""
    said = algorithm["parameters"]
    if said["hash_algorithm"]["algorithm"].native != name:
        raise InvalidSignature
    masking = _HASHES[said["mask_gen_algorithm"]["parameters"]["algorithm"].native]()
    return padding.PSS(padding.MGF1(masking), said["salt_length"].native), _HASHES[name]()
