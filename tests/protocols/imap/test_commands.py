"""IMAP commands: every one as it is read, and what is refused (RFC 9051 §6 and §9, RFC 3501)."""

from datetime import UTC, datetime

import pytest

from mailservices.mail import uidset
from mailservices.mail.flags import DELETED, SEEN, Change, Flags
from mailservices.mail.search import All, HasFlag
from mailservices.protocols.imap.commands import (
    COMMANDS,
    Append,
    Authenticate,
    BadCommand,
    Capability,
    Check,
    Close,
    Command,
    Copy,
    Create,
    Delete,
    Enable,
    Expunge,
    Fetch,
    Id,
    Idle,
    List,
    Login,
    Logout,
    Lsub,
    Move,
    Namespace,
    Noop,
    Rename,
    Search,
    Select,
    Sequence,
    StartTls,
    Status,
    Store,
    Subscribe,
    Unselect,
    Unsubscribe,
    names_append,
    parse,
)
from mailservices.protocols.imap.fetch import Simple
from mailservices.protocols.imap.reader import LiteralAhead, Reader
from mailservices.protocols.imap.search import BadCharset
from tests.protocols.feeding import Feed
from tests.protocols.imap.feeding import parts_of

SET = uidset.parse(b"1:3,*")
MOMENT = datetime(2026, 7, 1, 2, 44, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"CAPABILITY", Capability()),
        (b"noop ", Noop()),
        (b"LOGOUT", Logout()),
        (b"ID NIL", Id(())),
        (b"ID ()", Id(())),
        (b'ID ("name" "x" "version" NIL)', Id((b"name", b"x", b"version", None))),
        (b"STARTTLS", StartTls()),
        (b"LOGIN alice secret", Login("alice", "secret")),
        (b'LOGIN "alice" "se\\"cr\\\\et"', Login("alice", 'se"cr\\et')),
        (b"LOGIN {5}\r\nalice {8}\r\np\xc3\xa4ss wd", Login("alice", "päss wd")),
        (b"AUTHENTICATE plain", Authenticate("PLAIN", None)),
        (b"AUTHENTICATE PLAIN AGEAYg==", Authenticate("PLAIN", b"AGEAYg==")),
        (b"AUTHENTICATE PLAIN =", Authenticate("PLAIN", b"=")),
        (b"ENABLE condstore UTF8=ACCEPT", Enable((b"CONDSTORE", b"UTF8=ACCEPT"))),
        (b"SELECT inbox", Select("INBOX", read_only=False)),
        (b"EXAMINE {4}\r\nSent", Select("Sent", read_only=True)),
        (b'CREATE "Entw&APw-rfe"', Create("Entwürfe", "")),
        (b"CREATE Old (USE (\\Archive))", Create("Old", "Archive")),
        (b"CREATE Old (use (\\archive))", Create("Old", "Archive")),
        (b"CREATE Old (USE ())", Create("Old", "")),
        (b"CREATE Old (USE (\\Sent \\Junk))", Create("Old", "Sent Junk")),
        (b"DELETE Old", Delete("Old")),
        (b"RENAME Old inbox/x", Rename("Old", "INBOX/x")),
        (b"SUBSCRIBE Old", Subscribe("Old")),
        (b"UNSUBSCRIBE Old", Unsubscribe("Old")),
        (b'LIST "" %', List("", "%")),
        (b'LIST a/ "*"', List("a/", "*")),
        (b'LSUB "" {1}\r\n*', Lsub("", "*")),
        (b"NAMESPACE", Namespace()),
        (b"STATUS Old (messages UNSEEN)", Status("Old", ("MESSAGES", "UNSEEN"))),
        (b"APPEND Old {4}\r\ntext", Append("Old", Flags(), None, 4)),
        (b"APPEND Old (\\Seen a) {4}\r\ntext", Append("Old", Flags(SEEN, ("a",)), None, 4)),
        (b'APPEND Old " 1-Jul-2026 02:44:25 +0000" {4+}\r\ntext', Append("Old", Flags(), MOMENT, 4)),
        (b'APPEND {3}\r\nOld () "01-Jul-2026 02:44:25 +0000" {0}\r\n', Append("Old", Flags(), MOMENT, 0)),
        (b"IDLE", Idle()),
        (b"CHECK", Check()),
        (b"CLOSE", Close()),
        (b"UNSELECT", Unselect()),
        (b"EXPUNGE", Expunge(None)),
        (b"UID EXPUNGE 1:3,*", Expunge(SET)),
        (b"SEARCH ALL", Search(All(), by_uid=False)),
        (b"UID SEARCH CHARSET utf-8 SEEN", Search(HasFlag(SEEN), by_uid=True)),
        (b"FETCH 1:3,* FLAGS", Fetch(SET, (Simple.FLAGS,), by_uid=False)),
        (b"UID FETCH 1:3,* (UID)", Fetch(SET, (Simple.UID,), by_uid=True)),
        (b"STORE 1:3,* FLAGS (\\Seen)", Store(SET, Change.REPLACE, Flags(SEEN), silent=False, by_uid=False)),
        (b"STORE 1:3,* +flags.silent \\Seen a",
         Store(SET, Change.ADD, Flags(SEEN, ("a",)), silent=True, by_uid=False)),
        (b"uid store 1:3,* -FLAGS (\\Deleted)",
         Store(SET, Change.REMOVE, Flags(DELETED), silent=False, by_uid=True)),
        (b"COPY 1:3,* Old", Copy(SET, "Old", by_uid=False)),
        (b"UID COPY 1:3,* Old", Copy(SET, "Old", by_uid=True)),
        (b"MOVE 1:3,* Old", Move(SET, "Old", by_uid=False)),
        (b"UID MOVE 1:3,* Old", Move(SET, "Old", by_uid=True)),
    ],
)  # fmt: skip
def test_commands_are_read(feed: Feed, line: bytes, command: Command) -> None:
    tagged = parse(parts_of(b"a1 " + line, feed))
    assert (tagged.tag, tagged.command) == (b"a1", command)
    assert COMMANDS[tagged.name] is tagged.spec


@pytest.mark.parametrize(
    "line",
    [
        b"a1", b"a1 ", b"a1  NOOP", b"a1 NONSENSE", b"a1 UID", b"a1 UID NOOP", b"a1 UID  FETCH 1 UID",
        b"a1 NOOP now", b"a1 \xff", b"a1 ID", b"a1 ID x", b'a1 ID ("a"', b'a1 ID ("a""b")', b"a1 LOGIN",
        b"a1 LOGIN alice", b"a1 LOGIN alice  secret", b"a1 LOGIN alice secret x", b'a1 LOGIN "alice secret',
        b"a1 LOGIN {1}\r\n\xff x", b'a1 LOGIN "a\0b" x', b"a1 LOGIN {3}\r\na\0b x", b'a1 LOGIN "a\\x" x',
        b"a1 AUTHENTICATE", b"a1 AUTHENTICATE PLAIN a b", b"a1 ENABLE", b"a1 ENABLE ", b"a1 SELECT",
        b"a1 SELECT a b", b"a1 SELECT (a)", b"a1 SELECT &AAA-", b"a1 SELECT &*-", b"a1 SELECT &2AA-",
        b"a1 SELECT \xff", b"a1 CREATE Old (USE (\\Archive)", b"a1 CREATE Old (USE Archive)",
        b"a1 CREATE Old ()", b"a1 RENAME Old", b"a1 LIST", b'a1 LIST ""', b'a1 LIST "" (a)', b"a1 STATUS Old",
        b"a1 STATUS Old ()", b"a1 STATUS Old (MESSAGES", b"a1 STATUS Old MESSAGES", b"a1 APPEND Old",
        b"a1 APPEND Old text", b'a1 APPEND Old "text"', b"a1 APPEND Old (\\Seen {4}\r\ntext",
        b'a1 APPEND Old "1 Jul 2026" {4}\r\ntext', b"a1 APPEND Old {4}\r\ntext more",
        b"a1 APPEND Old (\\Bad) {4}\r\ntext", b"a1 APPEND Old {4}\r\ntext{4}\r\nmore", b"a1 NOOP {4}\r\ntext",
        b"a1 UID EXPUNGE", b"a1 UID EXPUNGE 0", b"a1 SEARCH", b"a1 FETCH 1", b"a1 FETCH x FLAGS",
        b"a1 FETCH 1 (FLAGS", b"a1 STORE 1 FLAGS", b"a1 STORE 1 FLAGS ", b"a1 STORE 1 FLAGS.LOUD (\\Seen)",
        b"a1 STORE 1 (\\Seen)", b"a1 STORE 1 FLAGS (\\Seen) x", b"a1 COPY 1", b"a1 COPY Old 1", b"a1 MOVE 1:3",
        b"a1 MOVE 1:3 ",
    ],
)  # fmt: skip
def test_what_is_no_command_is_refused_by_its_tag(line: bytes) -> None:
    with pytest.raises(BadCommand) as caught:
        parse(parts_of(line))
    assert caught.value.tag == b"a1"
    assert str(caught.value)


@pytest.mark.parametrize(
    "line", [b"", b" ", b"+ NOOP", b"* NOOP", b"(a) NOOP", b'"a" NOOP', b"\xff NOOP", b"a+b NOOP"]
)
def test_without_a_tag_the_answer_has_none(line: bytes) -> None:
    with pytest.raises(BadCommand) as caught:
        parse(parts_of(line))
    assert caught.value.tag == (b"a" if line.startswith(b"a") else b"*")


def test_a_charset_that_is_not_known_is_told_apart() -> None:
    with pytest.raises(BadCharset):
        parse(parts_of(b"a1 SEARCH CHARSET KOI8-R ALL"))


@pytest.mark.parametrize("line", [b"a1 LOGIN alice secret", b"a1 AUTHENTICATE PLAIN secret"])
def test_passwords_are_never_shown(line: bytes) -> None:
    assert "secret" not in repr(parse(parts_of(line)))


def test_only_numbers_forbid_to_tell_expunges() -> None:
    """RFC 9051 §7.5.1: not during FETCH, STORE and SEARCH; their UID forms may."""
    using = {name for name, spec in COMMANDS.items() if spec.sequence is Sequence.USES}
    assert using == {"FETCH", "STORE", "SEARCH"}


def test_every_command_has_a_row() -> None:
    read = {type(parse(parts_of(b"a " + line)).command) for line in EXAMPLES}
    assert read == set(Command.__args__)  # type: ignore[attr-defined]
    assert {parse(parts_of(b"a " + line)).name for line in EXAMPLES} == set(COMMANDS)


#: One line of each.
EXAMPLES = (
    b"CAPABILITY", b"NOOP", b"LOGOUT", b"ID NIL", b"STARTTLS", b"LOGIN a b", b"AUTHENTICATE PLAIN", b"ENABLE x",
    b"SELECT a", b"EXAMINE a", b"CREATE a", b"DELETE a", b"RENAME a b", b"SUBSCRIBE a", b"UNSUBSCRIBE a",
    b"LIST a b", b"LSUB a b", b"NAMESPACE", b"STATUS a (UNSEEN)", b"APPEND a {1}\r\nx", b"IDLE", b"CHECK",
    b"CLOSE", b"UNSELECT", b"EXPUNGE", b"UID EXPUNGE 1", b"SEARCH ALL", b"UID SEARCH ALL", b"FETCH 1 UID",
    b"UID FETCH 1 UID", b"STORE 1 FLAGS ()", b"UID STORE 1 FLAGS ()", b"COPY 1 a", b"UID COPY 1 a",
    b"MOVE 1 a", b"UID MOVE 1 a",
)  # fmt: skip


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        (b"a APPEND Old {1}", [True]),
        (b"a append Old (\\Seen) {1}", [True]),
        (b'a APPEND "My Folder" {1}', [True]),
        # The mailbox may be a literal too, which then is the first one.
        (b"a APPEND {3}\r\nOld {1}", [False, True]),
        (b"a APPEND {3+}\r\nOld (\\Seen) {1}", [False, True]),
        (b"a LOGIN {1}", [False]),
        (b"a {1}", [False]),
        (b"{1}", [False]),
    ],
)
def test_which_literal_is_a_message(line: bytes, answers: list[bool]) -> None:
    reader, found = Reader(), []
    reader.receive(line + b"\r\n")
    while isinstance(event := reader.next_event(), LiteralAhead):
        found.append(names_append(event.parts))
        reader.accept()
    assert found == answers
