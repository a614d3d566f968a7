"""Commands about folders: every one as it is read, and what is refused (RFC 9051 §6.3)."""

import pytest

from mailservices.mail import uidset
from mailservices.protocols.imap.commands import BadCommand, parse
from mailservices.protocols.imap.requests.folders import (
    Check,
    Close,
    Create,
    Delete,
    List,
    Lsub,
    Namespace,
    Rename,
    Request,
    Resync,
    Select,
    Status,
    Subscribe,
    Unselect,
    Unsubscribe,
)
from tests.protocols.feeding import Feed
from tests.protocols.imap.feeding import parts_of


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"SELECT inbox", Select("INBOX", read_only=False)),
        (b"EXAMINE {4}\r\nSent", Select("Sent", read_only=True)),
        (b"SELECT Old (QRESYNC (7 20))",
         Select("Old", read_only=False, resync=Resync(7, 20, uidset.EVERYTHING))),
        (b"EXAMINE Old (CONDSTORE qresync (7 20 1:9))",
         Select("Old", read_only=True, condstore=True, resync=Resync(7, 20, uidset.parse(b"1:9")))),
        (b"SELECT Old (QRESYNC (7 20 1:9 (1,2 3,4)))",
         Select("Old", read_only=False, resync=Resync(7, 20, uidset.parse(b"1:9"), True))),
        (b"SELECT Old (QRESYNC (7 20 (1,2 3,4)))",
         Select("Old", read_only=False, resync=Resync(7, 20, uidset.EVERYTHING, True))),
        (b"SELECT Old (condstore)", Select("Old", read_only=False, condstore=True)),
        (b'CREATE "Entw&APw-rfe"', Create("Entwürfe", "")),
        (b"CREATE Old (USE (\\Archive))", Create("Old", "Archive")),
        (b"CREATE Old (use (\\archive))", Create("Old", "Archive")),
        (b"CREATE Old (USE ())", Create("Old", "")),
        (b"CREATE Old (USE (\\Sent \\Junk))", Create("Old", "Sent Junk")),
        (b"DELETE Old", Delete("Old")),
        (b"RENAME Old inbox/x", Rename("Old", "INBOX/x")),
        (b"SUBSCRIBE Old", Subscribe("Old")),
        (b"UNSUBSCRIBE Old", Unsubscribe("Old")),
        (b'LIST "" %', List("", ("%",))),
        (b'LIST a/ "*"', List("a/", ("*",))),
        (b'LIST () "" %', List("", ("%",), extended=True)),
        (b'LIST "" (% "a b")', List("", ("%", "a b"), extended=True)),
        (b"LIST (subscribed RecursiveMatch) a/ (%) return (Children SUBSCRIBED)",
         List("a/", ("%",), frozenset({"SUBSCRIBED", "RECURSIVEMATCH"}), frozenset({"CHILDREN", "SUBSCRIBED"}),
              extended=True)),
        (b'LIST (REMOTE SPECIAL-USE) "" * RETURN (STATUS (messages SIZE) SPECIAL-USE)',
         List("", ("*",), frozenset({"REMOTE", "SPECIAL-USE"}), frozenset({"STATUS", "SPECIAL-USE"}),
              ("MESSAGES", "SIZE"), extended=True)),
        (b'LSUB "" {1}\r\n*', Lsub("", "*")),
        (b"NAMESPACE", Namespace()),
        (b"STATUS Old (messages UNSEEN)", Status("Old", ("MESSAGES", "UNSEEN"))),
        (b"CHECK", Check()),
        (b"CLOSE", Close()),
        (b"UNSELECT", Unselect()),
    ],
)  # fmt: skip
def test_commands_are_read(feed: Feed, line: bytes, command: Request) -> None:
    assert parse(parts_of(b"a1 " + line, feed)).command == command


@pytest.mark.parametrize(
    "line",
    [
        b"a1 SELECT", b"a1 SELECT a b", b"a1 SELECT a (QRESYNC)", b"a1 SELECT a (QRESYNC (1))",
        b"a1 SELECT a (QRESYNC (1 2 3 4))",
        b"a1 SELECT a (QRESYNC (1 2 3 (4)))", b"a1 SELECT a (QRESYNC (1 2)", b"a1 SELECT a (NONSENSE)",
        b"a1 SELECT a (CONDSTORE", b"a1 SELECT (a)",
        b"a1 SELECT &AAA-", b"a1 SELECT &*-",
        b"a1 SELECT &2AA-", b"a1 SELECT \xff", b"a1 CREATE Old (USE (\\Archive)",
        b"a1 CREATE Old (USE Archive)", b"a1 CREATE Old ()", b"a1 RENAME Old", b"a1 LIST", b'a1 LIST ""',
        b'a1 LIST "" ()', b'a1 LIST (RECURSIVEMATCH) "" a', b'a1 LIST (RECURSIVEMATCH REMOTE) "" a',
        b'a1 LIST (SUBSCRIBED)"" a', b'a1 LIST (X) "" a', b'a1 LIST "" a RETURN (X)',
        b'a1 LIST "" a RETURN (STATUS)', b'a1 LIST "" a RETURN (STATUS ())', b'a1 LIST "" a RETURN',
        b'a1 LIST (STATUS (UNSEEN)) "" a', b"a1 STATUS a (NONSENSE)", b"a1 STATUS Old", b"a1 STATUS Old ()",
        b"a1 STATUS Old (MESSAGES",
        b"a1 STATUS Old MESSAGES",
    ],
)  # fmt: skip
def test_what_is_no_command_is_refused(line: bytes) -> None:
    with pytest.raises(BadCommand):
        parse(parts_of(line))
