"""Which chains lead to a root that is trusted for mail."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from mailservices.mail.smime import certificates, trust
from tests.mail_certificates import NOW, Issued, MailAuthority, alone, key_usage, named, rsa_key

AUTHORITY = MailAuthority()
ROOTS = trust.Roots([AUTHORITY.root])
SIGNER = AUTHORITY.issue("a@example.org")


def refusal(issued: Issued, roots: trust.Roots = ROOTS) -> str:
    return roots.chain(issued.certificate, issued.chain, NOW).refusal


def below(*, ca: bool | None, usage: str = "key_cert_sign", extended: object = None) -> Issued:
    """Issued by one that may, or may not, issue."""
    key = rsa_key()
    made = AUTHORITY._builder(named("Below"), key)
    if ca is not None:
        made = made.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    made = made.add_extension(key_usage(usage), critical=True)
    if extended:
        made = made.add_extension(x509.ExtendedKeyUsage([extended]), critical=False)  # type: ignore[list-item]
    middle = AUTHORITY._sign(made, AUTHORITY.issuing.subject, AUTHORITY.key)
    last = AUTHORITY._builder(named("Last"), rsa_key())
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    signed = last.issuer_name(middle.subject).add_extension(above, critical=False).sign(key, SHA256())
    return Issued(signed, rsa_key(), (middle, AUTHORITY.issuing))


def test_a_chain_is_followed_to_its_root() -> None:
    chain = ROOTS.chain(SIGNER.certificate, [AUTHORITY.root, SIGNER.certificate, AUTHORITY.issuing], NOW)
    assert chain.above == (AUTHORITY.issuing, AUTHORITY.root)
    assert chain.der == certificates.der(AUTHORITY.issuing)
    assert ROOTS.count == 1
    assert refusal(below(ca=True)) == ""
    assert refusal(below(ca=True, extended=ExtendedKeyUsageOID.EMAIL_PROTECTION)) == ""
    assert refusal(AUTHORITY.issue("a@example.org", extended=None, usage=None)) == ""


@pytest.mark.parametrize(
    ("issued", "words"),
    [
        (alone("a@example.org"), "signed by itself"),
        (MailAuthority("Others").issue("a@example.org"), "no way to a trusted root"),
        (MailAuthority("Mail Root").issue("a@example.org"), "signature does not match"),
        (Issued(SIGNER.certificate, SIGNER.key), "no way to a trusted root"),
        (AUTHORITY.issue("a@example.org", extended=[ExtendedKeyUsageOID.SERVER_AUTH]), "it is not for mail"),
        (AUTHORITY.issue("a@example.org", until=NOW - timedelta(hours=1)), "not valid at validation time"),
        (below(ca=False), "cA must be asserted"),
        (below(ca=None), "no basicConstraints"),
        (below(ca=True, usage="crl_sign"), "its issuer may not issue"),
        (below(ca=True, extended=ExtendedKeyUsageOID.SERVER_AUTH), "it is not for mail"),
    ],
)
def test_why_there_is_no_way_is_told(issued: Issued, words: str) -> None:
    said = refusal(issued)
    assert words in said
    assert "object" not in said
    assert "\n" not in said


def test_without_roots_nobody_is_trusted() -> None:
    assert refusal(SIGNER, trust.Roots([])) == "no root is trusted"
