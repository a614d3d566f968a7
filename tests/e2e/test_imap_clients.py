"""IMAP with foreign clients that use its extensions: IMAPClient, offlineimap, mutt."""

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from imapclient import IMAPClient

from tests.conftest import Person
from tests.services import Services, until

MAIL = "From: {}@x.test\r\nSubject: {}\r\nMessage-ID: <{}@x.test>\r\nIn-Reply-To: <{}@x.test>\r\n\r\nHello\r\n"


def mail(sender: str, subject: str, number: int, answers: int = 0) -> bytes:
    return MAIL.format(sender, subject, number, answers).encode()


@pytest.fixture
def client(services: Services, alice: Person) -> Iterator[IMAPClient]:
    opened = IMAPClient("127.0.0.1", services.ports["imap"], ssl=False, timeout=20)
    opened.login(alice.address, alice.password)
    with opened:
        yield opened


def test_imapclient(services: Services, alice: Person, client: IMAPClient) -> None:
    client.id_({"name": "IMAPClient"})
    client.enable("CONDSTORE")
    for number, sender, subject in ((1, "zoe", "b"), (2, "abe", "Re: b"), (3, "kim", "a")):
        client.append("INBOX", mail(sender, subject, number, number - 1 if number == 2 else 0))
    assert client.select_folder("INBOX")[b"EXISTS"] == 3
    assert client.sort(["FROM"]) == [2, 3, 1]
    assert client.sort("REVERSE SUBJECT", "UNSEEN") == [1, 2, 3]
    assert client.thread("REFERENCES") == (((1, 2), (3,)),)
    assert client.search(["SUBJECT", "B"]) == [1, 2]
    root, [quota] = client.get_quota_root("INBOX")
    assert (root.quota_roots, quota.resource, quota.usage) == ([""], "MAILBOX", 6)
    assert client.namespace().personal == (("", "/"),)
    modseq = client.fetch(1, ["MODSEQ"])[1][b"MODSEQ"][0]
    client.add_flags([2, 3], [b"\\Flagged"])
    assert set(client.fetch([1, 2, 3], ["FLAGS"], [f"CHANGEDSINCE {modseq}"])) == {2, 3}
    client.move([3], "Archive")
    assert client.folder_status("Archive", ["MESSAGES"]) == {b"MESSAGES": 1}
    client.idle()
    with IMAPClient("127.0.0.1", services.ports["imap"], ssl=False, timeout=20) as other:
        other.login(alice.address, alice.password)
        other.append("INBOX", mail("bob", "new", 4))
    told: list[object] = []
    until(lambda: (3, b"EXISTS") in (told.extend(client.idle_check(1)) or told))
    client.idle_done()


def test_offlineimap_copies_both_ways(
    services: Services, alice: Person, client: IMAPClient, tmp_path: Path
) -> None:
    for number in range(3):
        client.append("INBOX", mail("bob", f"mail {number}", number))
    (tmp_path / "offlineimaprc").write_text(
        f"[general]\naccounts = us\nmetadata = {tmp_path}/state\n\n[Account us]\nlocalrepository = near\n"
        f"remoterepository = far\n\n[Repository near]\ntype = Maildir\nlocalfolders = {tmp_path}/mail\n\n"
        f"[Repository far]\ntype = IMAP\nremotehost = 127.0.0.1\nremoteport = {services.ports['imap']}\n"
        f"remoteuser = {alice.address}\nremotepass = {alice.password}\nssl = no\nstarttls = no\n"
    )
    sync = ["offlineimap", "-o", "-c", str(tmp_path / "offlineimaprc"), "-u", "quiet"]

    def run() -> None:
        done = subprocess.run(sync, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr

    run()
    inbox = tmp_path / "mail" / "INBOX"
    found = sorted([*(inbox / "new").iterdir(), *(inbox / "cur").iterdir()])
    assert len(found) == 3
    found[0].unlink()
    found[1].rename(inbox / "cur" / f"{found[1].name.partition(':')[0]}:2,FS")
    (inbox / "new" / "1.a.b").write_bytes(b"Subject: from here\n\nnew\n")
    run()
    client.select_folder("INBOX")
    assert len(client.search("UNDELETED")) == 3
    assert len(client.search(["FLAGGED", "SEEN"])) == 1
    assert len(client.search(["SUBJECT", "from here"])) == 1


def test_mutt_moves_and_deletes(services: Services, alice: Person, client: IMAPClient, tmp_path: Path) -> None:
    for number, subject in enumerate(("keep", "drop", "file"), 1):
        client.append("INBOX", mail("bob", subject, number))
    user = alice.address.replace("@", "%40")
    folder = f"imap://{user}@127.0.0.1:{services.ports['imap']}/"
    (tmp_path / "muttrc").write_text(
        f'set folder="{folder}"\nset spoolfile="+INBOX"\nset imap_pass="{alice.password}"\n'
        "set ssl_starttls=no ssl_force_tls=no\n"
        f'set header_cache=""\nset confirmappend=no delete=yes move=no quit=yes\nset tmpdir="{tmp_path}"\n'
        'push "<delete-pattern>~s drop<enter><tag-pattern>~s file<enter>'
        '<tag-prefix><save-message>=Archive<enter><sync-mailbox><quit>"\n'
    )
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "HOME": str(tmp_path)}
    process = subprocess.Popen(
        ["mutt", "-n", "-F", str(tmp_path / "muttrc")], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    try:
        _drain(ours)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    client.select_folder("INBOX")
    assert len(client.search("ALL")) == 1
    assert len(client.search(["SUBJECT", "keep"])) == 1
    assert client.folder_status("Archive", ["MESSAGES"]) == {b"MESSAGES": 1}


def _drain(terminal: int) -> None:
    """What is shown, up to the end of the program."""
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        return  # so ends a terminal that nobody holds any more
