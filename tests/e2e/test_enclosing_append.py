"""What a client brings into a folder whose owner wants it encrypted; copies stay as they are."""

import imaplib
import os
from pathlib import Path

from tests.conftest import Person
from tests.e2e.private import encrypts, messages, opened
from tests.services import Services, until
from webadmin.directory.models import Domain
from webadmin.privacy.models import Notice

DRAFT = b"From: alice@x.test\r\nBcc: bob@x.test\r\nSubject: quince\r\n\r\nquince\r\n"


def opened_at(services: Services, person: Person) -> imaplib.IMAP4:
    client = imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=30)
    client.login(person.address, person.password)
    return client


def test_what_is_appended_to_a_chosen_folder(services: Services, domain: Domain, alice: Person) -> None:
    encrypts(alice, on_append=("Sent",))
    client = opened_at(services, alice)
    _, [told] = client.append("Sent", r"(\Seen)", None, DRAFT)
    assert b"APPENDUID" in told
    assert told.split()[2].rstrip(b"]") == b"1"
    client.append("Drafts", None, None, DRAFT)
    [sent], [draft] = messages(services, alice, "Sent"), messages(services, alice, "Drafts")
    assert b"quince" not in sent
    assert opened(sent).count(b"quince") == 2
    assert b"Bcc: bob@x.test" in sent
    assert draft == DRAFT
    client.select("Drafts")
    _, [copied] = client.copy("1", "Sent")
    assert b"COPYUID" in copied
    assert messages(services, alice, "Sent")[1] == DRAFT
    client.select("Sent")
    [shown] = client.fetch("1", "(RFC822.SIZE FLAGS)")[1]
    assert f"RFC822.SIZE {len(sent)} ".encode() in shown
    assert rb"\Seen" in shown
    client.logout()


def test_catenate_and_replace(services: Services, domain: Domain, alice: Person) -> None:
    encrypts(alice, on_append=("Sent",))
    client = opened_at(services, alice)
    client.append("Drafts", None, None, DRAFT)
    client.send(b'a1 APPEND Sent CATENATE (URL "/Drafts/;UID=1" TEXT {6}\r\n')
    assert client.readline().startswith(b"+")
    client.send(b"plum\r\n)\r\n")
    assert b"APPENDUID" in client.readline()
    [sent] = messages(services, alice, "Sent")
    assert opened(sent).endswith(b"quince\r\nplum\r\n")
    client.select("Drafts")
    client.send(b"a2 REPLACE 1 Sent {%d+}\r\n%b\r\n" % (len(DRAFT), DRAFT))
    lines = []
    while not lines or not lines[-1].startswith(b"a2"):
        lines.append(client.readline())
    assert b"APPENDUID" in lines[0]
    assert lines[-1].startswith(b"a2 OK")
    assert messages(services, alice, "Drafts") == []
    assert opened(messages(services, alice, "Sent")[1]).count(b"quince") == 2
    client.shutdown()


def test_what_is_brought_gets_into_no_file(services: Services, domain: Domain, alice: Person, bob: Person) -> None:
    encrypts(alice, on_append=("Sent",))
    found = {}
    for person in (alice, bob):
        client = opened_at(services, person)
        client.send(b"a1 APPEND Sent {%d+}\r\n" % (3 * 2**20))
        client.send(b"\r\n" + b"x" * (2 * 2**20))
        found[person] = until(lambda: held(services))
        client.shutdown()
        client.sock.close()
        until(lambda: not held(services))
    assert "memfd:message" in found[alice][0]
    assert "memfd:message" not in found[bob][0]


def held(services: Services) -> list[str]:
    """The files of messages that the processes of the IMAP service have open."""
    folder, found = services.environment["FACTEUR_SPOOL"], []
    for path in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            name = os.readlink(path)
        except OSError:
            continue
        if "memfd:message" in name or (name.startswith(folder) and name.endswith("(deleted)")):
            found.append(name)
    return found


def test_a_key_that_cannot_be_used(services: Services, domain: Domain, alice: Person) -> None:
    encrypts(alice, "expired", on_append=("Sent",))
    client = opened_at(services, alice)
    status, [told] = client.append("Sent", None, None, DRAFT)
    assert status == "NO"
    assert b"UNAVAILABLE" in told
    assert Notice.objects.filter(account_id=alice.account_id).count() == 1
    encrypts(alice, "revoked", when_broken="deliver", on_append=("Sent",))
    assert client.append("Sent", None, None, DRAFT)[0] == "OK"
    assert messages(services, alice, "Sent") == [DRAFT]
    client.logout()
