"""All mail of an account as a file: what is in it is what was received, octet by octet."""

import imaplib
import io
import mailbox
import tarfile
from contextlib import closing
from pathlib import Path

from django.test import Client

from tests.conftest import Person
from tests.e2e.test_leading import deliver
from tests.services import Services
from webadmin.audit.models import Entry
from webadmin.directory.models import Account
from webadmin.identity import owner_of
from webadmin.mailstore.models import Mailbox

LARGE = b"Subject: large\r\n\r\n" + b"From the beginning, a line of text\r\n>From here\r\n" * 60_000


def filled(services: Services, person: Person) -> dict[str, bytes]:
    """Flags and folder -> the message as IMAP shows it."""
    assert deliver(services, person.address, subject="one")[0] == 250
    with imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=60) as client:
        client.login(person.address, person.password)
        client.create("Work/Caf&AOk-")
        client.append("Work/Caf&AOk-", r"(\Seen \Flagged)", "", LARGE)
        found = {}
        for folder, name in (("INBOX", "Maildir/cur/0000000001.facteur:2,"),
                             ("Work/Caf&AOk-", "Maildir/.Work.Café/cur/0000000001.facteur:2,FS")):  # fmt: skip
            client.select(f'"{folder}"', readonly=True)
            told = client.fetch("1", "(BODY.PEEK[])")[1][0]
            assert isinstance(told, tuple)
            found[name] = told[1]
    return found


def test_a_maildir_and_an_mbox(services: Services, alice: Person, bob: Person, tmp_path: Path) -> None:
    messages = filled(services, alice)
    deliver(services, bob.address, subject="not hers")
    client = Client()
    client.force_login(owner_of(Account.objects.get(pk=alice.account_id)))
    answer = client.post("/me/export/", {"kind": "maildir"})
    octets = b"".join(answer.streaming_content)  # type: ignore[arg-type]
    assert answer["Content-Length"] == str(len(octets))
    assert answer["Content-Disposition"] == f'attachment; filename="{alice.address}.tar"'
    with tarfile.open(fileobj=io.BytesIO(octets)) as tar:
        read = {one.name: tar.extractfile(one).read() for one in tar.getmembers()}  # type: ignore[union-attr]
    assert read == messages
    over_rest = client.post(f"/api/v1/exports/{alice.account_id}/make/", {"kind": "maildir"}, "application/json")
    assert b"".join(over_rest.streaming_content) == octets  # type: ignore[arg-type]
    assert client.post(f"/api/v1/exports/{bob.account_id}/make/", {}, "application/json").status_code == 404
    answer = client.post("/me/export/", {"kind": "mbox"})
    (tmp_path / "mbox").write_bytes(b"".join(answer.streaming_content))  # type: ignore[arg-type]
    with closing(mailbox.mbox(tmp_path / "mbox")) as box:
        found = list(box)
    assert [(one["Subject"], one["X-Folder"], one["Status"]) for one in found] == [
        ("one", "INBOX", "O"), ("large", r"Work/Caf\xe9", "RO"),
    ]  # fmt: skip
    lines = found[1].get_payload().rstrip("\n").split("\n")
    assert lines == [">From the beginning, a line of text", ">>From here"] * 60_000
    entries = Entry.objects.filter(verb="export mail", username=alice.address).order_by("pk")
    assert [one.after for one in entries] == [
        {"as": kind, "messages": 2} for kind in ("maildir", "maildir", "mbox")
    ]


def test_nothing_is_a_file_too(services: Services, alice: Person) -> None:
    client = Client()
    client.force_login(owner_of(Account.objects.get(pk=alice.account_id)))
    octets = b"".join(client.post("/me/export/").streaming_content)  # type: ignore[arg-type]
    with tarfile.open(fileobj=io.BytesIO(octets)) as tar:
        assert tar.getmembers() == []
    assert Mailbox.objects.filter(account_id=alice.account_id).exists()
