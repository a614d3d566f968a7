"""What leaves, signed and encrypted as its account wishes: OpenSSL and GnuPG verify and read it, DKIM holds."""

import email
import smtplib
import ssl
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from mailservices.mail import headers, mime, privacy
from mailservices.mail.openpgp import keys
from mailservices.mail.openpgp import mime as openpgp
from mailservices.mail.smime import entities, enveloped, signed
from tests.conftest import Person
from tests.e2e.test_sending import inbox, submit
from tests.e2e.test_signing import dkimpy_holds, records
from tests.mail.openpgp import cast
from tests.mail_certificates import Issued, MailAuthority, rsa_key
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory.models import Account, Domain
from webadmin.mailstore.models import Blob
from webadmin.privacy import actions, policy
from webadmin.privacy.models import Key
from webadmin.queue.models import Message
from webadmin.trace.models import TraceEvent

AUTHORITY = MailAuthority()
TEXT = (
    "From: {sender}\r\nTo: {to}\r\nSubject: Secret plans\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    "Grüße, wie geht es?\r\n"
)


def account(person: Person) -> Account:
    return Account.objects.get(pk=person.account_id)


def wish(person: Person, **wishes: object) -> None:
    """Before she sends for the first time: the services hold what an account wishes for a moment."""
    policy.change_policy(OPERATOR, account(person), **wishes)


def own(person: Person, key: object = None) -> Issued:
    """A certificate and its key, kept for her."""
    issued = AUTHORITY.issue(person.address, key=key or rsa_key())  # type: ignore[arg-type]
    actions.upload(OPERATOR, account(person), issued.pem.encode())
    return issued


def pgp(person: Person) -> keys.KeyPair:
    pair = keys.generate("", person.address)
    assert pair.secret is not None
    actions.upload(OPERATOR, account(person), pair.secret)
    return pair


def knows(person: Person, address: str, kind: str) -> Issued | keys.KeyPair:
    """She has a key of somebody elsewhere."""
    if kind == "smime":
        issued = AUTHORITY.issue(address)
        actions.upload(OPERATOR, account(person), issued.der, ours=False)
        return issued
    pair = keys.generate("", address)
    actions.upload(OPERATOR, account(person), pair.public, ours=False)
    return pair


def text(sender: Person, to: str) -> bytes:
    return TEXT.format(sender=sender.address, to=to).encode()


def sent(services: Services, sender: Person, *to: str, message: bytes | None = None) -> list[bytes]:
    """Submitted, and taken by the far side: what each of these got."""
    for one in to:
        services.names.lead(one.partition("@")[2], "127.0.0.1")
    submit(services, sender, list(to), message or text(sender, ", ".join(to)))
    return [until(partial(taken, services, one))[0] for one in to]


def taken(services: Services, recipient: str) -> list[bytes]:
    return [one.text for one in services.far.taken if recipient in one.recipients]


def run(command: list[str], given: bytes) -> bytes:
    done = subprocess.run(command, input=given, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def told(person: Person) -> str:
    """What the trace says was done with her message."""
    return until(lambda: TraceEvent.objects.filter(kind="accepted", account_id=person.account_id).first()).detail


@pytest.fixture
def gpg(tmp_path: Path) -> Iterator[list[str]]:
    """GnuPG in a folder of its own, as a command begins."""
    folder = tmp_path / "gnupg"
    folder.mkdir(mode=0o700)
    yield ["gpg", "--homedir", str(folder), "--batch", "--trust-model", "always"]
    run(["gpgconf", "--homedir", str(folder), "--kill", "all"], b"")


def test_a_signature_of_smime_is_verified_by_openssl(
    services: Services, domain: Domain, alice: Person, tmp_path: Path
) -> None:
    own(alice)
    wish(alice, sign="smime")
    [message] = sent(services, alice, "reader@smime-signed.test")
    root = tmp_path / "root.pem"
    root.write_bytes(AUTHORITY.root.public_bytes(Encoding.PEM))
    content = run(["openssl", "cms", "-verify", "-purpose", "smimesign", "-CAfile", str(root)], message)
    assert content.isascii()
    inner = email.message_from_bytes(content)
    assert inner.get_payload(decode=True).decode().strip() == "Grüße, wie geht es?"  # type: ignore[union-attr]
    assert inner["Subject"] == "Secret plans"
    assert inner["Message-ID"] == email.message_from_bytes(message)["Message-ID"]
    assert email.message_from_bytes(message).get_all("Date") == [inner["Date"]]
    assert dkimpy_holds(message, records(domain))
    assert told(alice) == "signed (S/MIME)"


def test_a_signature_of_openpgp_is_verified_by_gnupg(
    services: Services, alice: Person, gpg: list[str], tmp_path: Path
) -> None:
    pair = pgp(alice)
    wish(alice, sign="either", autocrypt=True)
    [message] = sent(services, alice, "reader@pgp-signed.test")
    header, body = headers.split(message)
    first, second = mime.scan(header, body).children
    assert first.header is not None
    (tmp_path / "text").write_bytes(body[first.header.start : first.body.end])
    (tmp_path / "signature").write_bytes(body[second.body.start : second.body.end])
    run([*gpg, "--import"], pair.public)
    run([*gpg, "--verify", str(tmp_path / "signature"), str(tmp_path / "text")], b"")
    assert headers.first(header, b"autocrypt") is not None
    assert told(alice) == "signed (OpenPGP)"


def test_it_is_encrypted_where_all_have_keys(
    services: Services, alice: Person, bob: Person, tmp_path: Path
) -> None:
    """To a stranger and to somebody here, signed inside, its subject hidden; nothing of it stays readable."""
    mine, his = own(alice), own(bob)
    reader = knows(alice, "reader@encrypted.test", "smime")
    assert isinstance(reader, Issued)
    wish(alice, sign="smime", encrypt="possible", hide_subject=True)
    message = text(alice, f"reader@encrypted.test, {bob.address}")
    services.names.lead("encrypted.test", "127.0.0.1")
    submit(services, alice, ["reader@encrypted.test", bob.address], message)
    [away] = until(partial(taken, services, "reader@encrypted.test"))
    for got in (away, inbox(services, bob)[0]):
        assert b"Secret plans" not in got
        assert b"\r\nSubject: [...]\r\n" in got
    path = tmp_path / "own.pem"
    for one in (mine, his, reader):
        path.write_text(one.pem)
        content = run(["openssl", "cms", "-decrypt", "-recip", str(path)], away)
        found = signed.find(*headers.split(content))
        assert found is not None
        assert found.content is not None
        assert b"\r\nSubject: Secret plans\r\n" in found.content
    assert told(alice) == "signed (S/MIME), encrypted (S/MIME)"
    event = TraceEvent.objects.get(kind="accepted", account_id=alice.account_id)
    assert event.subject == "[...]"


def test_openpgp_signs_and_encrypts_in_one(
    services: Services, alice: Person, gpg: list[str], tmp_path: Path
) -> None:
    mine, reader = pgp(alice), cast.pair("alice")
    actions.upload(OPERATOR, account(alice), reader.public, ours=False)
    assert reader.secret is not None
    wish(alice, sign="openpgp", encrypt="required")
    [message] = sent(services, alice, "alice@example.org")
    header, body = headers.split(message)
    part = openpgp.encrypted_part(mime.scan(header, body))
    assert part is not None
    run([*gpg, "--import"], reader.secret)
    run([*gpg, "--import"], mine.public)
    path = tmp_path / "status"
    content = run([*gpg, "--status-file", str(path), "--decrypt"], body[part.body.start : part.body.end])
    assert "Grüße".encode() in content or b"Gr=C3=BC" in content
    assert b"GOODSIG" in path.read_bytes()
    assert headers.first(header, b"subject") == b"Secret plans"


def test_required_and_a_key_lacks(services: Services, alice: Person, bob: Person) -> None:
    knows(alice, "reader@lacking.test", "smime")
    wish(alice, encrypt="required")
    services.names.lead("lacking.test", "127.0.0.1")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        submit(services, alice, ["reader@lacking.test", bob.address, "other@lacking.test"])
    assert refused.value.smtp_code == 550
    words = refused.value.smtp_error
    words = words if isinstance(words, bytes) else words.encode()
    assert words.startswith(b"5.7.10 Not sent: it may leave encrypted only, and there is no key of ")
    assert bob.address.encode() in words
    assert b"other@lacking.test" in words
    assert b"reader@" not in words
    assert not inbox(services, bob)
    event = until(lambda: TraceEvent.objects.filter(kind="refused", recipient=bob.address).first())
    assert bob.address in event.detail


def test_possible_and_a_key_lacks(services: Services, alice: Person) -> None:
    knows(alice, "reader@mixed.test", "smime")
    wish(alice, encrypt="possible")
    first, second = sent(services, alice, "reader@mixed.test", "other@mixed.test")
    assert b"Secret plans" in first
    assert first == second
    assert told(alice) == ""


def test_some_have_openpgp_and_others_smime(services: Services, alice: Person) -> None:
    """Each gets it as she reads it."""
    knows(alice, "one@apart.test", "smime")
    knows(alice, "two@apart.test", "openpgp")
    wish(alice, encrypt="required")
    one, two = sent(services, alice, "one@apart.test", "two@apart.test")
    assert b"smime-type=enveloped-data" in one
    assert b"-----BEGIN PGP MESSAGE-----" in two
    events = TraceEvent.objects.filter(kind="accepted", account_id=alice.account_id)
    assert {(event.recipient, event.detail) for event in events} == {
        ("one@apart.test", "encrypted (S/MIME)"),
        ("two@apart.test", "encrypted (OpenPGP)"),
    }


def test_whoever_is_not_named_gets_a_copy_of_her_own(services: Services, alice: Person, bob: Person) -> None:
    """No key of hers stands in what the others get, and no key of theirs in hers."""
    mine, his = own(alice), own(bob)
    seen, hidden = (knows(alice, f"{name}@blind.test", "smime") for name in ("seen", "hidden"))
    assert isinstance(seen, Issued)
    assert isinstance(hidden, Issued)
    wish(alice, encrypt="required")
    message = text(alice, "seen@blind.test")
    of_seen, of_hidden = blindly(services, alice, bob, message)
    [of_bob] = inbox(services, bob)
    readers = {"mine": mine, "his": his, "seen": seen, "hidden": hidden}
    assert who_reads(of_seen, readers) == ["mine", "seen"]
    assert who_reads(of_hidden, readers) == ["mine", "hidden"]
    assert who_reads(of_bob, readers) == ["mine", "his"]


def blindly(services: Services, alice: Person, bob: Person, message: bytes) -> tuple[bytes, bytes]:
    services.names.lead("blind.test", "127.0.0.1")
    submit(services, alice, ["seen@blind.test", "hidden@blind.test", bob.address], message)
    seen, hidden = (until(partial(taken, services, f"{name}@blind.test")) for name in ("seen", "hidden"))
    return seen[0], hidden[0]


def who_reads(message: bytes, readers: dict[str, Issued]) -> list[str]:
    header, body = headers.split(message)
    der = entities.octets(mime.scan(header, body), body)
    found = []
    for name, one in readers.items():
        try:
            enveloped.decrypt(der, one.der, one.pkcs8)
        except privacy.PrivacyError:
            continue
        found.append(name)
    return found


def test_what_is_protected_already_is_left_alone(services: Services, alice: Person) -> None:
    own(alice)
    reader = knows(alice, "reader@already.test", "smime")
    assert isinstance(reader, Issued)
    wish(alice, sign="smime", encrypt="required")
    entity = enveloped.encrypt(b"\r\nHello.\r\n", [reader.der])
    header = f"From: {alice.address}\r\nTo: reader@already.test\r\nSubject: x\r\nMIME-Version: 1.0\r\n".encode()
    message = header + entity.fields + b"\r\n" + entity.body
    [away] = sent(services, alice, "reader@already.test", message=message)
    assert away.endswith(entity.fields + b"\r\n" + entity.body)
    assert told(alice) == "encrypted by its author"


def test_an_account_without_wishes_sends_as_it_is(services: Services, alice: Person) -> None:
    own(alice)
    [message] = sent(services, alice, "reader@as-it-is.test")
    assert message.endswith(text(alice, "reader@as-it-is.test"))


def test_what_is_held_is_held_as_it_will_leave(services: Services, alice: Person) -> None:
    """FUTURERELEASE: nothing readable waits, and nothing has to be done when it is let go."""
    reader = knows(alice, "reader@later.test", "smime")
    assert isinstance(reader, Issued)
    wish(alice, encrypt="required", hide_subject=True)
    services.names.lead("later.test", "127.0.0.1")
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(alice.address, alice.password)
        client.sendmail(alice.address, ["reader@later.test"], text(alice, "reader@later.test"), ["HOLDFOR=3600"])
    [waiting] = Message.objects.filter(account_id=alice.account_id)
    held = bytes(waiting.header) + b"".join(
        bytes(one.data) for one in Blob.objects.filter(blob_id=waiting.blob_id)
    )
    assert b"Secret plans" not in held
    assert b"smime-type=enveloped-data" in held


def test_a_key_is_found_in_the_directory_of_its_domain_or_not_at_all(services: Services, alice: Person) -> None:
    """No directory answers here: nothing is kept, and it leaves readable where that may be."""
    wish(alice, encrypt="possible")
    [message] = sent(services, alice, "reader@nowhere-to-look.test")
    assert b"Secret plans" in message
    assert not Key.objects.filter(address="reader@nowhere-to-look.test").exists()


def test_an_authors_own_program_may_have_signed_it(services: Services, alice: Person, tmp_path: Path) -> None:
    """Then it is not signed again, and may be encrypted as it is."""
    mine = own(alice)
    reader = knows(alice, "reader@signed-before.test", "smime")
    assert isinstance(reader, Issued)
    wish(alice, sign="smime", encrypt="required")
    entity = signed.sign(b"Content-Type: text/plain\r\n\r\nHello.\r\n", mine.der, b"", mine.pkcs8)
    header = f"From: {alice.address}\r\nTo: reader@signed-before.test\r\nMIME-Version: 1.0\r\n".encode()
    [away] = sent(
        services, alice, "reader@signed-before.test", message=header + entity.fields + b"\r\n" + entity.body
    )
    path = tmp_path / "own.pem"
    path.write_text(reader.pem)
    content = run(["openssl", "cms", "-decrypt", "-recip", str(path)], away)
    assert content.endswith(entity.body)
    assert told(alice) == "encrypted (S/MIME)"


def test_a_domains_wish_counts_for_its_accounts(services: Services, domain: Domain, alice: Person) -> None:
    issued = AUTHORITY.issue(alice.address)
    actions.upload(OPERATOR, domain, issued.pem.encode())
    policy.change_policy(OPERATOR, domain, sign="smime")
    [message] = sent(services, alice, "reader@of-domain.test")
    assert b"multipart/signed" in message


def test_a_very_large_message_leaves_as_every_other(services: Services, alice: Person, bob: Person) -> None:
    own(alice)
    his, seen = own(bob), knows(alice, "seen@very-large.test", "smime")
    assert isinstance(seen, Issued)
    wish(alice, sign="smime", encrypt="required")
    message = text(alice, "seen@very-large.test") + b"Line of a very large message. \r\n" * 200_000
    services.names.lead("very-large.test", "127.0.0.1")
    submit(services, alice, ["seen@very-large.test", bob.address], message)
    away = until(partial(taken, services, "seen@very-large.test"))[0]
    [here] = inbox(services, bob)
    for got, reader in ((away, seen), (here, his)):
        header, body = headers.split(got)
        content = enveloped.decrypt(entities.octets(mime.scan(header, body), body), reader.der, reader.pkcs8)
        found = signed.find(*headers.split(content))
        assert found is not None
        assert found.content is not None
        assert found.content.count(b"\nLine of a very large message.=20\r") == 200_000
