"""Which certificate is learnt from a signature."""

from typing import Any

from asn1crypto import cms

from mailservices.mail.smime import learning, signed, trust, verifying
from tests.mail.smime.test_verifying import changed
from tests.mail_certificates import NOW, Issued, MailAuthority, alone

AUTHORITY = MailAuthority()
KNOWN = verifying.Known(trust.Roots([AUTHORITY.root]))
AUTHORS = ("boss@example.org", "a@example.org")


def made(issued: Issued, *others: Issued) -> signed.Signed:
    entity = signed.sign(b"\r\nHello.\r\n", issued.der, issued.chain_der, issued.pkcs8)
    found = signed.find(entity.fields + b"\r\n", entity.body)
    assert found is not None

    def add(data: Any) -> None:
        more = [cms.CertificateChoices.load(one.der) for one in others]
        data["certificates"] = [*data["certificates"], *more]

    return changed(found, add)


def learnt(found: signed.Signed, known: verifying.Known = KNOWN) -> learning.Learnt | None:
    outcome = verifying.verify(found, AUTHORS, known, NOW)
    return learning.learnt(found, outcome, AUTHORS, known, NOW)


def test_the_signers_own_is_learnt_where_it_can_be_encrypted_to() -> None:
    issued = AUTHORITY.issue("x@example.org", "a@example.org")
    told = learnt(made(issued, AUTHORITY.issue("a@example.org")))
    assert told is not None
    assert (told.address, told.public, told.chain) == ("a@example.org", issued.der, issued.chain_der)
    assert told.described.encrypts


def test_another_one_of_the_same_address_may_be_for_that() -> None:
    signer = AUTHORITY.issue("a@example.org", usage="digital_signature")
    reader = AUTHORITY.issue("a@example.org", usage="key_agreement")
    told = learnt(made(signer, alone("a@example.org"), AUTHORITY.issue("b@example.org"), reader))
    assert told is not None
    assert told.public == reader.der
    assert learnt(made(signer)) is None
    assert learnt(made(signer, AUTHORITY.issue("b@example.org"))) is None


def test_nothing_is_learnt_of_what_does_not_hold_or_leads_nowhere() -> None:
    own = alone("a@example.org")
    assert learnt(made(own)) is None
    vouched = verifying.Known(KNOWN.roots, vouched={verifying.certificates.fingerprint(own.certificate)})
    assert learnt(made(own), vouched) is None
