"""Encrypt to certificates, and decrypt (RFC 5652 §6, RFC 8551 §2.3 and §2.7).

- one random key for the content: AES-256 in CBC, or in GCM where all certificates say that it is read (RFC 5083)
- that key is told to an RSA key by PKCS #1 v1.5, as every program does; OAEP is read, too
- to a key on a curve by ECDH with a key made for this message alone (RFC 5753 §3.1.1), one for each recipient
"""

import secrets
from collections.abc import Sequence
from typing import Final, NamedTuple

from asn1crypto import algos, cms, core, keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailservices.mail.privacy import Entity, PrivacyError
from mailservices.mail.smime import bringing, certificates, entities

#: Whom one message may be encrypted to; of a stranger's, how many are looked through.
RECIPIENTS: Final = 1000

_BLOCK_OCTETS: Final = 16
_KEY_OCTETS: Final = 32
#: RFC 5084 §3.2: what is recommended; the tag is whole.
_NONCE_OCTETS: Final = 12
_TAG_OCTETS: Final = 16
_AES256_WRAP: Final = "2.16.840.1.101.3.4.1.45"
#: RFC 5753 §7.1.4: dhSinglePass-stdDH-sha256kdf-scheme.
_ECDH_SHA256: Final = "1.3.132.1.11.1"
#: The same with other hashes, and with the cofactor, which is one for our curves (§7.1.3, §7.1.4, RFC 3278).
_ECDH: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "1.3.133.16.840.63.0.2": hashes.SHA1,
    "1.3.132.1.11.0": hashes.SHA224,
    _ECDH_SHA256: hashes.SHA256,
    "1.3.132.1.11.2": hashes.SHA384,
    "1.3.132.1.11.3": hashes.SHA512,
    "1.3.133.16.840.63.0.3": hashes.SHA1,
    "1.3.132.1.14.0": hashes.SHA224,
    "1.3.132.1.14.1": hashes.SHA256,
    "1.3.132.1.14.2": hashes.SHA384,
    "1.3.132.1.14.3": hashes.SHA512,
}
_WRAPS: Final = {"2.16.840.1.101.3.4.1.5": 16, "2.16.840.1.101.3.4.1.25": 24, _AES256_WRAP: 32}
_OAEP_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
_CBC: Final = {"aes128_cbc": 16, "aes192_cbc": 24, "aes256_cbc": 32}
_GCM: Final = {"aes128_gcm": 16, "aes192_gcm": 24, "aes256_gcm": 32}


class _GcmParameters(core.Sequence):
    """RFC 5084 §3.2."""

    _fields = [  # noqa: RUF012 - the library's own way
        ("nonce", core.OctetString),
        ("icv_length", core.Integer, {"default": 12}),
    ]


class _SharedInfo(core.Sequence):
    """RFC 5753 §7.2."""

    _fields = [  # noqa: RUF012 - the library's own way
        ("key_info", algos.AlgorithmIdentifier),
        ("entity_u_info", core.OctetString, {"explicit": 0, "optional": True}),
        ("supp_pub_info", core.OctetString, {"explicit": 2}),
    ]


class _Own(NamedTuple):
    certificate: asn1_x509.Certificate
    key: bringing.PrivateKey


def encrypt(payload: bytes, recipients: Sequence[bytes]) -> Entity:
    """What only the owners of these certificates (DER) can read.

    Raises:
        PrivacyError: one of them cannot be encrypted to; whether it has expired is the caller's to ask.
    """
    if not 0 < len(recipients) <= RECIPIENTS:
        raise PrivacyError(f"There are {len(recipients)} certificates, and {RECIPIENTS} are the most.")
    read = [certificates.load(one) for one in recipients]
    key = secrets.token_bytes(_KEY_OCTETS)
    infos = [_told(key, one, der) for one, der in zip(read, recipients, strict=True)]
    if all(certificates.knows_gcm(one) for one in read):
        return _in_gcm(payload, key, infos)
    return _in_cbc(payload, key, infos)


def _in_cbc(payload: bytes, key: bytes, infos: Sequence[cms.RecipientInfo]) -> Entity:
    vector = secrets.token_bytes(_BLOCK_OCTETS)
    padder = PKCS7(_BLOCK_OCTETS * 8).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    sealed = encryptor.update(padder.update(payload)) + encryptor.update(padder.finalize()) + encryptor.finalize()
    data = cms.EnvelopedData({
        # RFC 5652 §6.1: where a key is agreed on.
        "version": "v2" if any(info.name == "kari" for info in infos) else "v0",
        "recipient_infos": infos,
        "encrypted_content_info": {
            "content_type": "data",
            "content_encryption_algorithm": {"algorithm": "aes256_cbc", "parameters": core.OctetString(vector)},
            "encrypted_content": sealed,
        },
    })  # fmt: skip
    return entities.pkcs7(_content("enveloped_data", data), b"enveloped-data")


def _in_gcm(payload: bytes, key: bytes, infos: Sequence[cms.RecipientInfo]) -> Entity:
    nonce = secrets.token_bytes(_NONCE_OCTETS)
    sealed = AESGCM(key).encrypt(nonce, payload, None)
    parameters = _GcmParameters({"nonce": nonce, "icv_length": _TAG_OCTETS})
    data = cms.AuthEnvelopedData({
        "version": "v0",
        "recipient_infos": infos,
        "auth_encrypted_content_info": {
            "content_type": "data",
            "content_encryption_algorithm": {"algorithm": "aes256_gcm", "parameters": parameters},
            "encrypted_content": sealed[:-_TAG_OCTETS],
        },
        "mac": sealed[-_TAG_OCTETS:],
    })  # fmt: skip
    return entities.pkcs7(_content("authenticated_enveloped_data", data), b"authEnveloped-data")


def _content(kind: str, data: core.Sequence) -> bytes:
    made: bytes = cms.ContentInfo({"content_type": kind, "content": data}).dump()
    return made


def _told(key: bytes, certificate: x509.Certificate, der: bytes) -> cms.RecipientInfo:
    """The key for one recipient."""
    read = asn1_x509.Certificate.load(der)
    rid = cms.IssuerAndSerialNumber({"issuer": read.issuer, "serial_number": read.serial_number})
    public = certificate.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return _transported(key, public, rid)
    if isinstance(public, ec.EllipticCurvePublicKey):
        return _agreed(key, public, rid)
    raise PrivacyError("Nothing can be encrypted to such a key.")


def _transported(key: bytes, public: rsa.RSAPublicKey, rid: cms.IssuerAndSerialNumber) -> cms.RecipientInfo:
    info = cms.KeyTransRecipientInfo({
        "version": "v0",
        "rid": cms.RecipientIdentifier("issuer_and_serial_number", rid),
        "key_encryption_algorithm": {"algorithm": "rsaes_pkcs1v15"},
        "encrypted_key": public.encrypt(key, padding.PKCS1v15()),
    })  # fmt: skip
    return cms.RecipientInfo("ktri", info)


def _agreed(key: bytes, public: ec.EllipticCurvePublicKey, rid: cms.IssuerAndSerialNumber) -> cms.RecipientInfo:
    once = ec.generate_private_key(public.curve)
    wrap = algos.AlgorithmIdentifier({"algorithm": _AES256_WRAP})
    wrapping = _derived(once.exchange(ec.ECDH(), public), wrap, None, hashes.SHA256(), _KEY_OCTETS)
    originator = keys.PublicKeyInfo.load(_spki(once.public_key()))
    info = cms.KeyAgreeRecipientInfo({
        "version": "v3",
        "originator": cms.OriginatorIdentifierOrKey("originator_key", originator),
        "key_encryption_algorithm": {"algorithm": _ECDH_SHA256, "parameters": wrap},
        "recipient_encrypted_keys": [{
            "rid": cms.KeyAgreementRecipientIdentifier("issuer_and_serial_number", rid),
            "encrypted_key": keywrap.aes_key_wrap(wrapping, key),
        }],
    })  # fmt: skip
    return cms.RecipientInfo("kari", info)


def _spki(public: ec.EllipticCurvePublicKey) -> bytes:
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _derived(
    shared: bytes, wrap: core.Sequence, ukm: bytes | None, hashing: hashes.HashAlgorithm, octets: int
) -> bytes:
    info = {"key_info": wrap, "supp_pub_info": (octets * 8).to_bytes(4, "big")}
    if ukm is not None:
        info["entity_u_info"] = ukm
    return X963KDF(hashing, octets, _SharedInfo(info).dump()).derive(shared)


def decrypt(der: bytes, certificate: bytes, key: bytes) -> bytes:
    """What was encrypted to the owner of this certificate.

    Args:
        key: in PKCS #8.

    Raises:
        PrivacyError: it is not for it, is damaged, or is no such thing at all.
    """
    certificates.load(certificate)
    own = _Own(asn1_x509.Certificate.load(certificate), bringing.load_key(key))
    try:
        return _opened(der, own)
    except PrivacyError:
        raise
    except (*certificates.UNREADABLE, KeyError, IndexError, InvalidTag, keywrap.InvalidUnwrap) as error:
        raise PrivacyError("It cannot be decrypted: it is damaged, or no such message.") from error


def _opened(der: bytes, own: _Own) -> bytes:
    outer = cms.ContentInfo.load(der, strict=True)
    kind, data = outer["content_type"].native, outer["content"]
    if kind == "enveloped_data":
        inner = data["encrypted_content_info"]
        algorithm = inner["content_encryption_algorithm"]
        key = _key(data["recipient_infos"], own, _CBC[algorithm["algorithm"].native])
        vector = algorithm["parameters"].native
        return _from_cbc(inner["encrypted_content"].native, key, vector)
    if kind == "authenticated_enveloped_data":
        inner = data["auth_encrypted_content_info"]
        algorithm = inner["content_encryption_algorithm"]
        key = _key(data["recipient_infos"], own, _GCM[algorithm["algorithm"].native])
        nonce = algorithm["parameters"].parse(_GcmParameters)["nonce"].native
        attributes = data["auth_attrs"]
        # RFC 5083 §2.2: they are authenticated as a SET OF.
        more = b"\x31" + attributes.dump()[1:] if attributes.native is not None else None
        return AESGCM(key).decrypt(nonce, inner["encrypted_content"].native + data["mac"].native, more)
    raise PrivacyError("It is not encrypted.")


def _from_cbc(sealed: bytes, key: bytes, vector: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    unpadder = PKCS7(_BLOCK_OCTETS * 8).unpadder()
    return unpadder.update(decryptor.update(sealed) + decryptor.finalize()) + unpadder.finalize()


def _key(infos: cms.RecipientInfos, own: _Own, octets: int) -> bytes:
    """The key of the content."""
    for number, info in enumerate(infos):
        if number >= RECIPIENTS:
            break
        chosen = info.chosen
        if info.name == "ktri" and isinstance(own.key, rsa.RSAPrivateKey) and _is_for(chosen["rid"], own):
            found = own.key.decrypt(chosen["encrypted_key"].native, _padding(chosen["key_encryption_algorithm"]))
        elif info.name == "kari" and isinstance(own.key, ec.EllipticCurvePrivateKey):
            wrapped = next((one for one in chosen["recipient_encrypted_keys"] if _is_for(one["rid"], own)), None)
            if wrapped is None:
                continue
            found = keywrap.aes_key_unwrap(_wrapping(chosen, own.key), wrapped["encrypted_key"].native)
        else:
            continue
        if len(found) != octets:
            raise PrivacyError("It cannot be decrypted: its key is damaged.")
        return found
    raise PrivacyError("It is encrypted to others.")


def _is_for(rid: core.Choice, own: _Own) -> bool:
    """By issuer and number, or by the identifier of the key (RFC 5652 §6.2.1 and §6.2.2)."""
    chosen = rid.chosen
    if rid.name == "issuer_and_serial_number":
        issuer, number = chosen["issuer"], chosen["serial_number"].native
        return bool(number == own.certificate.serial_number and issuer == own.certificate.issuer)
    named = chosen["subject_key_identifier"].native if rid.name == "r_key_id" else chosen.native
    return bool(named == own.certificate.key_identifier)


def _padding(algorithm: cms.KeyEncryptionAlgorithm) -> padding.AsymmetricPadding:
    if algorithm["algorithm"].native == "rsaes_pkcs1v15":
        return padding.PKCS1v15()
    # RFC 4055 §4.1: the masks may have a hash of their own; labels are not in use (RFC 8551 §2.3).
    said = algorithm["parameters"]
    hashing = _OAEP_HASHES[said["hash_algorithm"]["algorithm"].native]
    masking = _OAEP_HASHES[said["mask_gen_algorithm"]["parameters"]["algorithm"].native]
    return padding.OAEP(padding.MGF1(masking()), hashing(), None)


def _wrapping(info: cms.KeyAgreeRecipientInfo, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key that wraps the key of the content."""
    algorithm = info["key_encryption_algorithm"]
    wrap = algorithm["parameters"].parse(algos.AlgorithmIdentifier)
    point = info["originator"].chosen["public_key"].native
    public = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, point)
    shared = key.exchange(ec.ECDH(), public)
    hashing = _ECDH[algorithm["algorithm"].dotted]()
    return _derived(shared, wrap, info["ukm"].native, hashing, _WRAPS[wrap["algorithm"].dotted])
