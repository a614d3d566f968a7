"""Words that are stored: once in a database, they stay what they are."""

from mailservices.mail import vocabulary
from mailservices.mail.vocabulary import Event, QueueState, SpecialUse


def test_words_that_the_database_holds_never_change() -> None:
    states = ["waiting", "held", "relayed", "delivered", "expanded", "failed", "expired", "cancelled"]
    assert list(QueueState) == states
    assert list(SpecialUse) == ["Archive", "Drafts", "Junk", "Sent", "Trash"]
    assert {Event.REFUSED, Event.ACCEPTED, Event.DELIVERED} == {"refused", "accepted", "delivered"}


def test_a_new_account_has_inbox_and_one_folder_for_each_role() -> None:
    names = [name for name, _ in vocabulary.FIRST_FOLDERS]
    assert names[0] == vocabulary.INBOX
    assert [use for _, use in vocabulary.FIRST_FOLDERS] == [None, *SpecialUse]
    assert len(set(names)) == len(names)
