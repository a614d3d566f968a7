"""IMAP from outside: the standard library's client, mbsync and curl, and who is told what."""

import base64
import imaplib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Person
from tests.e2e.test_receiving import Port25
from tests.services import Services, until

Client = imaplib.IMAP4


def sign_in(services: Services, person: Person) -> Client:
    client = imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=20)
    client.login(person.address, person.password)
    return client


@pytest.fixture
def imap(services: Services, alice: Person) -> Iterator[Client]:
    client = sign_in(services, alice)
    yield client
    try:
        client.logout()
    except (OSError, imaplib.IMAP4.error):
        client.shutdown()


MULTIPART = (
    b"From: Bob <bob@x.test>\r\nTo: alice@x.test\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n"
    b"Date: Mon, 3 Aug 2026 23:30:00 -0700\r\nMessage-ID: <1@x.test>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="o"\r\n\r\npreamble\r\n'
    b"--o\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Gr=FC=DFe\r\n"
    b"--o\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment; filename=x.eml\r\n\r\n"
    b'Subject: inner\r\nContent-Type: multipart/alternative; boundary="i"\r\n\r\n'
    b"--i\r\n\r\nplain inside\r\n--i\r\nContent-Type: text/html\r\n\r\n<p>inside</p>\r\n--i--\r\n"
    b"--o--\r\n"
)


def append(client: Client, text: bytes, folder: str = "INBOX", flags: str = "") -> int:
    answer = client.append(folder, flags, "", text)
    assert answer[0] == "OK", answer
    return int(client.untagged_responses and answer[1][0].split()[2].rstrip(b"]"))


def fetched(client: Client, items: str, number: str = "1") -> bytes:
    """What a FETCH answers, its literals included, as octets in a row."""
    status, parts = client.fetch(number, items)
    assert status == "OK"
    return b"".join(b"".join(part) if isinstance(part, tuple) else part or b"" for part in parts)


def test_envelope_and_structure(imap: Client) -> None:
    append(imap, MULTIPART)
    imap.select()
    envelope = fetched(imap, "(ENVELOPE)")
    assert b'("Mon, 3 Aug 2026 23:30:00 -0700" "=?utf-8?q?caf=C3=A9?=" (("Bob" NIL "bob" "x.test"))' in envelope
    structure = fetched(imap, "(BODYSTRUCTURE)")
    assert b'("TEXT" "PLAIN" ("CHARSET" "iso-8859-1") NIL NIL "QUOTED-PRINTABLE" 9 0 NIL NIL NIL NIL)' in structure
    assert b'("MESSAGE" "RFC822" NIL NIL NIL "7BIT"' in structure
    assert b'"ALTERNATIVE" ("BOUNDARY" "i") NIL NIL NIL)' in structure
    assert b'("ATTACHMENT" ("FILENAME" "x.eml"))' in structure


@pytest.mark.parametrize(
    ("section", "octets"),
    [
        ("BODY.PEEK[]", MULTIPART),
        ("BODY.PEEK[]<10.5>", MULTIPART[10:15]),
        ("BODY.PEEK[HEADER]", MULTIPART[: MULTIPART.index(b"preamble")]),
        ("BODY.PEEK[TEXT]", MULTIPART[MULTIPART.index(b"preamble") :]),
        ("BODY.PEEK[HEADER.FIELDS (SUBJECT)]", b"Subject: =?utf-8?q?caf=C3=A9?=\r\n\r\n"),
        ("BODY.PEEK[1]", b"Gr=FC=DFe"),
        (
            "BODY.PEEK[1.MIME]",
            b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
        ),
        ("BODY.PEEK[2.HEADER]", b'Subject: inner\r\nContent-Type: multipart/alternative; boundary="i"\r\n\r\n'),
        ("BODY.PEEK[2.1]", b"plain inside"),
        ("BODY.PEEK[2.2]", b"<p>inside</p>"),
        ("BODY.PEEK[2.2.MIME]", b"Content-Type: text/html\r\n\r\n"),
        ("RFC822.HEADER", MULTIPART[: MULTIPART.index(b"preamble")]),
    ],
)  # fmt: skip
def test_sections(imap: Client, section: str, octets: bytes) -> None:
    append(imap, MULTIPART)
    imap.select()
    _, parts = imap.fetch("1", f"({section})")
    assert parts[0][1] == octets  # type: ignore[index]
    assert b"\\Seen" not in fetched(imap, "(FLAGS)")


def test_absent_parts_and_seen(imap: Client) -> None:
    append(imap, MULTIPART)
    imap.select()
    assert b"BODY[7] NIL" in fetched(imap, "(BODY.PEEK[7])")
    assert b'BODY[1]<50> ""' in fetched(imap, "(BODY.PEEK[1]<50.10>)")
    assert b"\\Seen" in fetched(imap, "(BODY[1] FLAGS)")


def test_large_messages_are_streamed(imap: Client) -> None:
    large = b"Subject: big\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n"
    large += b"0123456789abcdef" * 200_000 + b"\r\n--x\r\n\r\nsecond\r\n--x--\r\n"
    append(imap, large)
    imap.select()
    assert imap.fetch("1", "(BODY.PEEK[])")[1][0][1] == large  # type: ignore[index]
    assert imap.fetch("1", "(BODY.PEEK[2])")[1][0][1] == b"second"  # type: ignore[index]
    assert imap.fetch("1", "(BODY.PEEK[]<2000000.20>)")[1][0][1] == large[2_000_000:2_000_020]  # type: ignore[index]
    assert imap.search(None, "BODY", "second")[1] == [b"1"]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("ALL", b"1 2 3"), ("ANSWERED", b""), ("SEEN", b"2"), ("UNSEEN", b"1 3"), ("KEYWORD blue", b"2"),
        ("UNKEYWORD BLUE", b"1 3"), ("FROM bob", b"1"), ('SUBJECT "café"', b"1"), ('NOT SUBJECT "café"', b"2 3"),
        ('BODY "Grüße"', b"1"), ("TEXT inside", b"1"), ("BODY Subject", b""),
        # RFC 9051 §6.4.4: TEXT matches fields of parts, too, but BODY none, nor those of a message within.
        ("TEXT inner", b"1"), ("TEXT rfc822", b"1"), ("BODY rfc822", b""), ("HEADER Message-ID 1@x", b"1"),
        ('HEADER X-None ""', b""), ("SENTON 3-Aug-2026", b"1"), ("SENTSINCE 4-Aug-2026", b""),
        ("SENTBEFORE 4-Aug-2026", b"1"), ("ON 6-Jan-2020", b"3"), ("BEFORE 7-Jan-2020", b"3"),
        ("SINCE 1-Jan-2026", b"1 2"), ("LARGER 300", b"1"), ("SMALLER 300", b"2 3"), ("2:*", b"2 3"),
        ("UID 1:2", b"1 2"), ("OR SEEN BODY inside", b"1 2"), ("(UNSEEN SMALLER 300)", b"3"),
        ("NOT (OR SEEN TEXT inside)", b"3"), ("OLD", b""), ("RECENT", b"1 2 3"), ("NEW", b"1 3"), ("*", b"3"),
    ],
)  # fmt: skip
def test_search(imap: Client, key: str, found: bytes) -> None:
    append(imap, MULTIPART)
    append(imap, b"Subject: two\r\n\r\nsecond\r\n", flags=r"(\Seen blue)")
    imap.append("INBOX", "", '" 5-Jan-2020 23:00:00 -0500"', b"Subject: three\r\n\r\nthird\r\n")
    imap.append("Sent", "", "", b"Subject: elsewhere\r\n\r\nx\r\n")
    imap.select()
    imap._encoding = "utf-8"  # type: ignore[attr-defined]
    status, answer = imap.search("UTF-8", key)
    assert (status, answer) == ("OK", [found])


def test_folders(imap: Client) -> None:
    for name in ('"Work/2026"', '"Entw&APw-rfe"'):
        assert imap.create(name)[0] == "OK"
    listed = b"\n".join(imap.list()[1])  # type: ignore[arg-type]
    assert b'(\\HasChildren) "/" "Work"' in listed
    assert b'"Entw&APw-rfe"' in listed
    assert b'(\\HasNoChildren \\Sent) "/" "Sent"' in listed
    assert imap.create("Sent")[0] == "NO"
    assert imap.rename('"Work"', '"Jobs"')[0] == "OK"
    assert b'"Jobs/2026"' in b"\n".join(imap.list()[1])  # type: ignore[arg-type]
    assert imap.subscribe('"Jobs/2026"')[0] == "OK"
    assert b'"Jobs/2026"' in b"\n".join(imap.lsub()[1])  # type: ignore[arg-type]
    assert imap.delete('"Jobs/2026"')[0] == "OK"
    assert imap.select('"Jobs/2026"')[0] == "NO"
    assert imap.delete("INBOX")[0] == "NO"
    assert imap.namespace()[1] == [b'(("" "/")) (("Other Users/" "/")) NIL']


def test_copy_move_store_expunge(imap: Client) -> None:
    for number in range(4):
        append(imap, f"Subject: {number}\r\n\r\nx\r\n".encode())
    imap.select()
    assert b"COPYUID" in imap.copy("1:2", "Archive")[1][0]
    assert imap.uid("MOVE", "3", "Trash")[0] == "OK"
    assert imap.store("1", "+FLAGS.SILENT", r"(\Deleted)")[0] == "OK"
    assert imap.uid("EXPUNGE", "2")[0] == "OK"
    assert imap.search(None, "ALL")[1] == [b"1 2 3"]
    imap.response("EXPUNGE")
    assert imap.expunge()[1] == [b"1"]
    assert imap.status("Archive", "(MESSAGES UNSEEN UIDNEXT)")[1] == [b'"Archive" (MESSAGES 2 UNSEEN 2 UIDNEXT 3)']
    assert imap.copy("1", "Nowhere")[1][0].startswith(b"[TRYCREATE]")
    imap.close()
    assert imap.state == "AUTH"


def test_idle_is_told_of_new_mail(services: Services, alice: Person, imap: Client) -> None:
    imap.select()
    imap.send(b"i1 IDLE\r\n")
    assert imap.readline().startswith(b"+")
    conversation = Port25(services)
    assert conversation.send(alice.address, b"Subject: now\r\n\r\nx\r\n.\r\n").startswith("250")
    conversation.close()
    assert imap.readline() == b"* 1 EXISTS\r\n"
    assert imap.readline() == b"* 1 RECENT\r\n"
    imap.send(b"DONE\r\n")
    while not (line := imap.readline()).startswith(b"i1"):
        assert line.startswith(b"* 1 FETCH")
    assert line.startswith(b"i1 OK")


def test_two_sessions_see_each_other(services: Services, alice: Person, imap: Client) -> None:
    for number in range(3):
        append(imap, f"Subject: {number}\r\n\r\nx\r\n".encode())
    imap.select()
    other = sign_in(services, alice)
    other.select()
    other.store("2", "+FLAGS", r"(\Deleted \Seen)")
    other.expunge()
    # A number keeps its meaning until an EXPUNGE is told (RFC 9051 §7.5.1).
    assert imap.fetch("2", "(FLAGS)")[0] == "NO"
    until(lambda: imap.noop()[0] == "OK" and imap.response("EXPUNGE")[1] == [b"2"])
    assert imap.search(None, "ALL")[1] == [b"1 2"]
    other.logout()


def test_sign_in_ways(services: Services, alice: Person) -> None:
    client = imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=20)
    assert b"AUTH=PLAIN" in client.capability()[1][0]
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.login(alice.address, "wrong")
    client.authenticate("PLAIN", lambda _: f"\0{alice.address}\0{alice.password}".encode())
    assert client.xatom("ID", "NIL")[0] == "OK"
    assert client.enable("CONDSTORE")[0] == "OK"
    client.logout()


def test_errors_are_clear(imap: Client) -> None:
    for line, answer in (
        (b"a1 NONSENSE\r\n", b"a1 BAD"),
        (b"a2 SELECT\r\n", b"a2 BAD"),
        (b"a3 FETCH 1 FLAGS\r\n", b"a3 BAD"),
        (b"a4 SELECT Nowhere\r\n", b"a4 NO [NONEXISTENT]"),
        (b"\r\n", b"* BAD"),
        (b"a5 LOGIN {9999999999}\r\n", b"a5 "),
    ):
        imap.send(line)
        assert imap.readline().startswith(answer), line
    assert imap.noop()[0] == "OK"


def test_mbsync_copies_both_ways(services: Services, alice: Person, imap: Client, tmp_path: Path) -> None:
    for number in range(5):
        append(imap, f"Subject: {number}\r\nMessage-ID: <{number}@x>\r\n\r\nbody {number}\r\n".encode())
    append(imap, MULTIPART, folder="Archive")
    config = tmp_path / "mbsyncrc"
    config.write_text(
        f"IMAPAccount us\nHost 127.0.0.1\nPort {services.ports['imap']}\nUser {alice.address}\n"
        f'Pass "{alice.password}"\nSSLType None\nAuthMechs LOGIN\n\nIMAPStore far\nAccount us\n\n'
        f"MaildirStore near\nPath {tmp_path}/mail/\nInbox {tmp_path}/mail/INBOX\nSubFolders Verbatim\n\n"
        "Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSync All\n"
        f"SyncState {tmp_path}/state/\n"
    )
    (tmp_path / "mail").mkdir()
    (tmp_path / "state").mkdir()

    def sync() -> None:
        done = subprocess.run(
            ["mbsync", "-c", str(config), "-a"], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr

    sync()
    inbox = tmp_path / "mail" / "INBOX"
    found = [*(inbox / "new").iterdir(), *(inbox / "cur").iterdir()]
    assert len(found) == 5
    found[0].unlink()
    (inbox / "cur" / "1.a.b:2,FS").write_bytes(b"Subject: from here\n\nnew\n")
    sync()
    imap.select()
    assert len(imap.search(None, "ALL")[1][0].split()) == 5
    assert imap.search(None, "SUBJECT", '"from here"', "FLAGGED")[1][0]


def test_curl_reads_and_appends(services: Services, alice: Person, tmp_path: Path) -> None:
    base = f"imap://127.0.0.1:{services.ports['imap']}"
    user = ["--user", f"{alice.address}:{alice.password}"]
    (tmp_path / "mail").write_bytes(MULTIPART)
    subprocess.run(["curl", "-sS", *user, "-T", str(tmp_path / "mail"), f"{base}/INBOX"], check=True, timeout=30)
    got = subprocess.run(
        ["curl", "-sS", *user, f"{base}/INBOX;UID=1"], check=True, capture_output=True, timeout=30
    )
    assert got.stdout == MULTIPART


THUNDERBIRD = (
    "capability",
    "authenticate PLAIN TOKEN",
    'ID ("name" "Thunderbird" "version" "140")',
    "namespace",
    'list (subscribed) "" "*" return (special-use)',
    'lsub "" "*"',
    'list "" "INBOX"',
    'list "" "%"',
    'select "INBOX"',
    'getquotaroot "INBOX"',
    "UID fetch 1:* (FLAGS)",
    "UID fetch 1 (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date References)])",
    "UID fetch 1 (UID RFC822.SIZE BODY.PEEK[])",
    "noop",
    "logout",
)


def test_start_up_of_a_mail_program(services: Services, alice: Person, imap: Client) -> None:
    """What Thunderbird says first, in its order."""
    append(imap, MULTIPART)
    with services.connect("imap") as client:
        file = client.makefile("rb")
        assert file.readline().startswith(b"* OK")
        token = base64.b64encode(f"\0{alice.address}\0{alice.password}".encode()).decode()
        for number, said in enumerate(THUNDERBIRD):
            line = said.replace("TOKEN", token)
            client.sendall(f"{number} {line}\r\n".encode())
            while not (answer := file.readline()).startswith(f"{number} ".encode()):
                assert answer, line
            assert answer.split()[1] in (b"OK", b"BAD"), (line, answer)
            if not line.startswith(("getquotaroot", "list (subscribed)")):
                assert answer.split()[1] == b"OK", (line, answer)
        file.close()


def test_slow_and_half_open_clients_do_no_harm(services: Services, alice: Person, imap: Client) -> None:
    append(imap, b"Subject: x\r\n\r\n" + b"y" * 5_000_000 + b"\r\n")
    greedy = services.connect("imap")
    greedy.sendall(f'a LOGIN "{alice.address}" "{alice.password}"\r\nb SELECT INBOX\r\n'.encode())
    greedy.sendall(b"c FETCH 1 BODY.PEEK[]\r\n" * 50)
    time.sleep(1)
    assert imap.noop()[0] == "OK"
    greedy.close()
    with services.connect("imap") as endless:
        endless.settimeout(5)
        try:
            for _ in range(200):
                endless.sendall(b"A" * 10_000)
        except OSError:
            pass
    assert imap.noop()[0] == "OK"
