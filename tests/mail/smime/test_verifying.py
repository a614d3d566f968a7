"""Which signatures hold, made by ourselves and by OpenSSL; all that speaks against one is told."""

import subprocess
import tempfile
from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms, core
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from mailservices.mail import headers
from mailservices.mail.smime import certificates, signed, trust, verifying
from mailservices.mail.smime.verifying import Known, Outcome
from tests.mail_certificates import NOW, Issued, MailAuthority, alone, rsa_key

AUTHORITY = MailAuthority()
KNOWN = Known(trust.Roots([AUTHORITY.root]))
RSA = AUTHORITY.issue("a@example.org", key=rsa_key())
EC = AUTHORITY.issue("a@example.org")
P384 = AUTHORITY.issue("a@example.org", key=ec.generate_private_key(ec.SECP384R1()))
PAYLOAD = b"Content-Type: text/plain\r\n\r\nHello.\r\n"


def ours(issued: Issued = RSA, payload: bytes = PAYLOAD) -> signed.Signed:
    entity = signed.sign(payload, issued.der, issued.chain_der, issued.pkcs8)
    found = signed.find(entity.fields + b"\r\n", entity.body)
    assert found is not None
    return found


def theirs(issued: Issued = RSA, *options: str) -> signed.Signed:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "own.pem").write_text(issued.pem)
        (folder / "chain.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in issued.chain))
        command = ["openssl", "cms", "-sign", "-binary", "-crlfeol", "-signer", str(folder / "own.pem")]
        command += ["-certfile", str(folder / "chain.pem")] if issued.chain else []
        command += options
        made = subprocess.run(command, input=PAYLOAD, capture_output=True, check=True).stdout
    found = signed.find(*headers.split(made))
    assert found is not None
    return found


def verify(
    found: signed.Signed, authors: Collection[str] = ("a@example.org",), known: Known = KNOWN, days: int = 0
) -> Outcome:
    return verifying.verify(found, authors, known, NOW + timedelta(days=days))


def said(outcome: Outcome) -> str:
    return f"{outcome.verdict.result} {outcome.verdict.reason}".strip()


@pytest.mark.parametrize("issued", [RSA, EC, P384], ids=["RSA", "P-256", "P-384"])
def test_what_we_sign_holds(issued: Issued) -> None:
    outcome = verify(ours(issued))
    assert said(outcome) == "pass"
    assert outcome.verdict.fingerprint == certificates.fingerprint(issued.certificate)
    assert outcome.verdict.addresses == ("a@example.org",)
    assert outcome.verdict.signed_at is not None
    assert (outcome.certificate, outcome.chain) == (issued.der, issued.chain_der)
    assert outcome.issuer == "CN=Mail Root\\, issuing"
    assert int(outcome.serial, 16) == issued.certificate.serial_number


@pytest.mark.parametrize("issued", [RSA, EC, P384], ids=["RSA", "P-256", "P-384"])
@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-nodetach"],
        ["-nodetach", "-stream", "-indef"],
        ["-noattr"],
        ["-keyid"],
        ["-md", "sha384"],
        ["-md", "sha512", "-nodetach", "-noattr"],
    ],
    ids=" ".join,
)
def test_what_openssl_signs_holds(issued: Issued, options: list[str]) -> None:
    found = theirs(issued, *options)
    assert said(verify(found)) == "pass"
    assert verifying.read(found).content == PAYLOAD
    assert (verify(found).verdict.signed_at is None) is ("-noattr" in options)


@pytest.mark.parametrize("more", [[], ["-keyopt", "rsa_mgf1_md:sha512"], ["-keyopt", "rsa_pss_saltlen:0"]])
def test_the_newer_padding_of_rsa_holds(more: list[str]) -> None:
    assert said(verify(theirs(RSA, "-keyopt", "rsa_padding_mode:pss", *more))) == "pass"


def changed(found: signed.Signed, change: Callable[[Any], None], content: bytes | None = None) -> signed.Signed:
    """The signature after something in it was set anew."""
    read = cms.ContentInfo.load(found.signature)
    change(read["content"])
    return signed.Signed(bytes(read.dump(force=True)), content or found.content)


def signer(name: str, value: Any) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        data["signer_infos"][0][name] = value

    return change


def attribute(number: int, change: Callable[[Any], None]) -> Callable[[Any], None]:
    def of_signer(data: Any) -> None:
        change(data["signer_infos"][0]["signed_attrs"][number])

    return of_signer


def twice(name: str) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        attributes = data["signer_infos"][0]["signed_attrs"]
        data["signer_infos"][0]["signed_attrs"] = [
            *attributes,
            *(one for one in attributes if one["type"].native == name),
        ]

    return change


def test_whatever_is_changed_is_noticed() -> None:
    assert said(verify(signed.Signed(ours().signature, PAYLOAD + b"x"))) == "fail what was signed has been changed"
    for issued in (RSA, EC):
        for options in ([], ["-noattr"]):
            found = theirs(issued, *options)
            broken = changed(found, signer("signature", b"\x30\x06\x02\x01\x01\x02\x01\x01"))
            assert said(verify(broken)) == "fail the signature does not hold"
    found = theirs(RSA, "-noattr")
    assert said(verify(signed.Signed(found.signature, b"x"))) == "fail the signature does not hold"
    assert said(verify(changed(ours(), twice("message_digest")))) == "fail what was signed has been changed"
    assert said(verify(changed(ours(), twice("content_type")))) == "fail something else than mail was signed"
    mixed = changed(theirs(RSA, "-noattr"), signer("signature_algorithm", {"algorithm": "sha512_rsa"}))
    assert said(verify(mixed)) == "fail the signature does not hold"
    other = changed(ours(RSA), signer("signature_algorithm", {"algorithm": "sha256_ecdsa"}))
    assert said(verify(other)) == "fail the signature does not hold"


def test_the_two_hashes_of_the_newer_padding_agree() -> None:
    found = theirs(RSA, "-keyopt", "rsa_padding_mode:pss", "-noattr")
    assert said(verify(changed(found, signer("digest_algorithm", {"algorithm": "sha512"})))).startswith("fail")


def test_old_hashes_do_not_count() -> None:
    assert said(verify(theirs(RSA, "-md", "sha1"))) == "policy signed with SHA1, which can be forged"
    unknown = changed(ours(), signer("digest_algorithm", {"algorithm": "1.2.3"}))
    assert said(verify(unknown)) == "policy signed with an unknown hash"


@pytest.mark.parametrize(
    ("issued", "days", "words"),
    [
        (alone("a@example.org"), 0, "policy untrusted: it is signed by itself"),
        (MailAuthority("Others").issue("a@example.org"), 0, "policy untrusted: no way to a trusted root"),
        (RSA, 100, f"policy its certificate expired on {NOW + timedelta(days=90):%Y-%m-%d}"),
        (RSA, -100, f"policy its certificate is not valid before {NOW - timedelta(days=1):%Y-%m-%d}"),
        (
            AUTHORITY.issue("a@example.org", extended=[ExtendedKeyUsageOID.SERVER_AUTH]),
            0,
            "policy it is not for mail: its extended key usage does not name emailProtection",
        ),
        (AUTHORITY.issue("a@example.org", usage="key_agreement"), 0, "policy its key is not for signatures"),
        (
            AUTHORITY.issue("a@example.org", key=rsa_key(1024)),
            0,
            "policy its key is too weak: RSA with 1024 bits, and 2048 are the least",
        ),
        (
            AUTHORITY.issue("b@example.org"),
            0,
            "policy its certificate is for another address than the author's",
        ),
        (AUTHORITY.issue(), 0, "policy its certificate is for another address than the author's"),
    ],
)
def test_what_speaks_against_the_certificate_is_told(issued: Issued, days: int, words: str) -> None:
    assert said(verify(ours(issued), days=days)) == words


def test_sender_counts_as_the_author_does() -> None:
    assert said(verify(ours(), ("boss@example.org", "a@example.org"))) == "pass"


def test_whom_somebody_vouches_for_needs_no_root() -> None:
    issued = alone("a@example.org")
    mark = certificates.fingerprint(issued.certificate)
    assert said(verify(ours(issued), known=Known(KNOWN.roots, vouched={mark}))) == "pass"
    refused = Known(KNOWN.roots, vouched={mark}, refused={mark})
    assert said(verify(ours(issued), known=refused)) == "policy its certificate was revoked or refused"


def test_a_list_that_comes_along_revokes() -> None:
    assert said(verify(with_list(AUTHORITY, RSA))) == "policy its certificate was revoked or refused"
    assert said(verify(with_list(AUTHORITY, EC))) == "pass"
    assert said(verify(with_list(MailAuthority(), RSA))) == "pass"


def with_list(authority: MailAuthority, revoked: Issued) -> signed.Signed:
    """Signed by RSA; the authority, or one of the same name, says who is revoked."""
    entry = x509.RevokedCertificateBuilder().serial_number(revoked.certificate.serial_number).revocation_date(NOW)
    made = x509.CertificateRevocationListBuilder().issuer_name(authority.issuing.subject).last_update(NOW)
    made = made.next_update(NOW + timedelta(days=1)).add_revoked_certificate(entry.build())
    der = made.sign(authority.key, SHA256()).public_bytes(Encoding.DER)

    def add(data: Any) -> None:
        data["crls"] = [cms.RevocationInfoChoice.load(der)]

    return changed(ours(RSA), add)


def test_a_certificate_may_be_known_already() -> None:
    found = theirs(RSA, "-nocerts")
    assert said(verify(found)) == "permerror the signer's certificate is not with it"
    known = Known(KNOWN.roots, {certificates.fingerprint(RSA.certificate)}, certificates=[EC.der, RSA.der])
    assert said(verify(found, known=known)) == "pass"
    bare = theirs(Issued(RSA.certificate, RSA.key), "-nocerts")
    assert said(verify(bare, known=known)) == "pass"
    unnamed = Known(KNOWN.roots, certificates=[alone("b@example.org").der])
    assert said(verify(theirs(RSA, "-nocerts", "-keyid"), known=unnamed)).startswith("permerror")


def test_ed25519_holds() -> None:
    """RFC 8419; OpenSSL 3.0 does not sign so."""
    key = ed25519.Ed25519PrivateKey.generate()
    issued = AUTHORITY.issue("a@example.org", key=key)
    data = cms.ContentInfo.load(ours(EC).signature)
    one = data["content"]["signer_infos"][0]
    data["content"]["certificates"] = [cms.CertificateChoices.load(der) for der in (issued.der, issued.chain_der)]
    one["sid"] = cms.SignerIdentifier(
        "issuer_and_serial_number",
        {"issuer": one["sid"].chosen["issuer"], "serial_number": issued.certificate.serial_number},
    )
    one["signature_algorithm"] = {"algorithm": "ed25519"}
    one["signature"] = key.sign(b"\x31" + one["signed_attrs"].dump()[1:])
    assert said(verify(signed.Signed(bytes(data.dump(force=True)), PAYLOAD))) == "pass"
    one["signature"] = bytes(64)
    found = signed.Signed(bytes(data.dump(force=True)), PAYLOAD)
    assert said(verify(found)) == "fail the signature does not hold"


def test_the_best_of_several_signers_counts() -> None:
    others = cms.ContentInfo.load(ours(MailAuthority("Others").issue("a@example.org")).signature)["content"]

    def add(data: Any) -> None:
        data["signer_infos"] = [*others["signer_infos"], *data["signer_infos"]]
        data["certificates"] = [*others["certificates"], *data["certificates"]]

    assert said(verify(changed(ours(), add))) == "pass"


def test_what_cannot_be_read_is_told() -> None:
    def no_signer(data: Any) -> None:
        data["signer_infos"] = []

    def many(data: Any) -> None:
        data["signer_infos"] = list(data["signer_infos"]) * (verifying.SIGNERS + 1)

    def much(data: Any) -> None:
        data["signer_infos"] = list(data["signer_infos"]) * 1000

    def empty(data: Any) -> None:
        data["encap_content_info"] = {"content_type": "data"}

    def something_else(data: Any) -> None:
        data["encap_content_info"]["content_type"] = "enveloped_data"

    whole = theirs(RSA, "-nodetach")
    told = {
        said(verify(signed.Signed(b"", PAYLOAD))): "neutral the signature cannot be read",
        said(verify(signed.Signed(b"\x30\x00", PAYLOAD))): "neutral the signature cannot be read",
        said(verify(signed.Signed(whole.signature[:-9], None))): "neutral the signature cannot be read",
        said(verify(changed(ours(), no_signer))): "neutral it has 0 signers",
        said(verify(changed(ours(), many))): "neutral it has 6 signers",
        said(verify(changed(ours(), much))): "neutral there is too much in it",
        said(verify(changed(whole, empty))): "neutral what is signed is not in it",
        said(verify(changed(ours(), something_else))): "neutral something else than mail is signed",
        said(verify(signed.Signed(cms.ContentInfo({"content_type": "data", "content": b"x"}).dump(), None))): (
            "neutral there is no signature in it"
        ),
    }
    for words, expected in told.items():
        assert words == expected


def test_certificates_of_other_kinds_are_passed_over() -> None:
    def add(data: Any) -> None:
        other = cms.CertificateChoices("other", {"other_cert_format": "1.2.3", "other_cert": core.Null()})
        data["certificates"] = [other, *data["certificates"]]
        of_another_kind = {"other_rev_info_format": "1.2.3", "other_rev_info": core.Null()}
        data["crls"] = [cms.RevocationInfoChoice("other", of_another_kind)]

    def flood(data: Any) -> None:
        data["certificates"] = list(data["certificates"]) * verifying.CERTIFICATES

    assert said(verify(changed(ours(), add))) == "pass"
    # A set is in order: what is needed may stand behind what is looked at.
    assert said(verify(changed(ours(), flood))) == "permerror the signer's certificate is not with it"


def test_a_date_that_is_none_is_not_told() -> None:
    def undated(data: Any) -> None:
        for one in data["signer_infos"][0]["signed_attrs"]:
            if one["type"].native == "signing_time":
                one["type"] = "1.2.3"

    assert verify(changed(ours(), undated)).verdict.signed_at is None
