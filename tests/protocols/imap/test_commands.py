"""IMAP commands: every one as it is read, and what is refused (RFC 9051 §6 and §9, RFC 3501)."""

import pytest

from mailservices.protocols.imap.commands import COMMANDS, NUMBERED, BadCommand, Command, Sequence, parse
from mailservices.protocols.imap.requests.folders import List
from mailservices.protocols.imap.search import BadCharset
from tests.protocols.feeding import Feed
from tests.protocols.imap.feeding import parts_of


def test_a_command_comes_with_its_tag_and_its_row(feed: Feed) -> None:
    tagged = parse(parts_of(b"a1 uid fetch 1 uid ", feed))
    assert (tagged.tag, tagged.name) == (b"a1", "UID FETCH")
    assert COMMANDS[tagged.name] is tagged.spec


@pytest.mark.parametrize(
    "line",
    [
        b"a1", b"a1 ", b"a1  NOOP", b"a1 NONSENSE", b"a1 UID", b"a1 UID  FETCH 1 UID", b"a1 \xff",
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
    """RFC 9051 §7.5.1: not during FETCH, STORE and SEARCH; their UID forms may. RFC 5256 §3 says the same."""
    using = {name for name, spec in COMMANDS.items() if spec.sequence is Sequence.USES}
    assert using == {"FETCH", "STORE", "SEARCH", "SORT", "THREAD"}


def test_what_names_messages_by_number_has_a_twin_that_does_by_uid() -> None:
    assert {"SEARCH", "SORT", "THREAD", "FETCH", "STORE", "COPY", "MOVE", "REPLACE"} == NUMBERED


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
    b"MOVE 1 a", b"UID MOVE 1 a", b"SORT (DATE) UTF-8 ALL", b"UID SORT (DATE) UTF-8 ALL", b"THREAD REFS UTF-8 ALL",
    b"UID THREAD REFS UTF-8 ALL", b"ESEARCH ALL", b"CANCELUPDATE a", b"UIDBATCHES 500",
    b"GETMETADATA a /private/a", b"SETMETADATA a (/private/a NIL)",
    b"GETACL a", b"SETACL a b l", b"DELETEACL a b", b"LISTRIGHTS a b", b"MYRIGHTS a",
    b"NOTIFY NONE", b"UNAUTHENTICATE", b"COMPRESS DEFLATE", b"REPLACE 1 a {1}\r\nx", b"UID REPLACE 1 a {1}\r\nx",
    b'GETQUOTA ""', b"GETQUOTAROOT a",
)  # fmt: skip


def test_names_are_read_as_the_client_spells_them() -> None:
    line = parts_of(b'a1 LIST "&AOk-" &AOk-')
    assert parse(line).command == List("é", ("é",))
    assert parse(line, utf8=True).command == List("&AOk-", ("&AOk-",))
