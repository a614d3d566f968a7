"""NOTIFY as it is read, what is refused, and what is wanted of which folder (RFC 5465 §8)."""

import pytest

from mailservices.protocols.imap.commands import BadCommand, parse
from mailservices.protocols.imap.fetch import Simple
from mailservices.protocols.imap.requests.notify import GROUPS, Event, Group, Notify
from mailservices.protocols.imap.sources import Kind, Source
from tests.protocols.feeding import Feed
from tests.protocols.imap.feeding import parts_of

NEW, EXPUNGE, FLAGS = Event.MESSAGE_NEW, Event.MESSAGE_EXPUNGE, Event.FLAG_CHANGE
MESSAGES = frozenset({NEW, EXPUNGE})
NAMES = frozenset({Event.MAILBOX_NAME})


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"NOTIFY NONE", Notify()),
        (b"notify set (selected (MessageNew (uid FLAGS) messageexpunge))",
         Notify((Group(Source(Kind.SELECTED), MESSAGES, (Simple.UID, Simple.FLAGS)),))),
        (b"NOTIFY SET STATUS (selected-delayed NONE) (subtree Lists (MessageExpunge MessageNew FlagChange))",
         Notify((Group(Source(Kind.SELECTED_DELAYED), frozenset()),
                 Group(Source(Kind.SUBTREE, ("Lists",)), MESSAGES | {FLAGS})), status=True)),
        (b"NOTIFY SET (mailboxes (a b) MailboxName) (personal (AnnotationChange SubscriptionChange))",
         Notify((Group(Source(Kind.MAILBOXES, ("a", "b")), NAMES),
                 Group(Source(Kind.PERSONAL), frozenset({Event.SUBSCRIPTION_CHANGE}), unknown=True)))),
    ],
)  # fmt: skip
def test_commands_are_read(feed: Feed, line: bytes, command: Notify) -> None:
    read = parse(parts_of(b"a1 " + line, feed)).command
    assert read == command
    assert isinstance(read, Notify)
    assert read.unknown is (b"Annotation" in line)


@pytest.mark.parametrize(
    "line",
    [
        b"NOTIFY", b"NOTIFY SET", b"NOTIFY SET STATUS", b"NOTIFY SET (selected)",
        b"NOTIFY SET (selected MessageNew)",
        b"NOTIFY SET (selected (MessageNew MessageExpunge)", b"NOTIFY SET (personal FlagChange)",
        b"NOTIFY SET (selected MailboxName)", b"NOTIFY SET (personal (MessageNew (UID) MessageExpunge))",
        b"NOTIFY SET (selected NONE) (selected-delayed NONE)", b"NOTIFY SET (subtree-one a MailboxName)",
        b"NOTIFY SET (nonsense MailboxName)", b"NOTIFY SET" + b" (personal NONE)" * (GROUPS + 1), b"NOTIFY NONE x",
    ],
)  # fmt: skip
def test_what_is_no_command_is_refused(line: bytes) -> None:
    with pytest.raises(BadCommand):
        parse(parts_of(b"a1 " + line))


def test_what_is_wanted_of_which_folder() -> None:
    """RFC 5465 §6: several groups add up, and the selected folder has its own."""
    selected = Group(Source(Kind.SELECTED), MESSAGES)
    wanted = Notify((selected, Group(Source(Kind.INBOXES), MESSAGES), Group(Source(Kind.PERSONAL), NAMES)))
    roles = {"INBOX": "", "a": ""}
    assert wanted.selected is selected
    assert wanted.everything == MESSAGES | NAMES
    assert wanted.wanted("INBOX", roles, set()) == MESSAGES | NAMES
    assert wanted.wanted("a", roles, set()) == NAMES
    assert Notify().selected is None
    assert Notify().everything == Notify().wanted("a", roles, set()) == frozenset()


@pytest.mark.parametrize(
    ("kind", "elsewhere"),
    [(Kind.SUBTREE, True), (Kind.SUBSCRIBED, True), (Kind.MAILBOXES, True), (Kind.PERSONAL, False)],
)
def test_folders_of_others_may_be_meant(kind: Kind, *, elsewhere: bool) -> None:
    own = Group(Source(Kind.INBOXES), MESSAGES)
    assert Notify((own, Group(Source(kind), NAMES))).elsewhere is elsewhere
