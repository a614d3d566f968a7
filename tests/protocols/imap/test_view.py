"""What a client knows of a folder: it replays what it was told, and must know what the view knows.

The folder of the model changes at random: messages come, go, get flags, and the client asks or is told, with
expunges and without. Its replay of EXISTS, EXPUNGE and FETCH must always be the view, and in the end the folder.
"""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mailservices.mail import uidset
from mailservices.mail.changes import Changes, Flagged
from mailservices.mail.errors import ProtocolError
from mailservices.protocols.imap.view import Exists, Expunged, NewFlags, Told, View


class Client:
    """What anybody would make of the untagged responses (RFC 9051 §7.4.1, §7.5.1, §7.5.2)."""

    def __init__(self, count: int) -> None:
        #: Of each message, the flags that were told; None where nothing was.
        self.flags: list[int | None] = [None] * count

    def hear(self, events: list[Told]) -> None:
        for event in events:
            match event:
                case Exists(count):
                    assert count >= len(self.flags), "only EXPUNGE takes messages away"
                    self.flags += [None] * (count - len(self.flags))
                case Expunged(number, _):
                    del self.flags[number - 1]
                case NewFlags(number, _, bits, _, _):
                    assert 1 <= number <= len(self.flags)
                    self.flags[number - 1] = bits


class Folder(RuleBasedStateMachine):
    """One folder, one view of it, and its client."""

    def __init__(self) -> None:
        super().__init__()
        #: UID -> flags, and the modification sequence of its last change.
        self.messages: dict[int, tuple[int, int]] = {1: (0, 1), 2: (0, 1), 3: (0, 1)}
        #: UID -> when it was expunged.
        self.expunged: dict[int, int] = {}
        self.modseq, self.next_uid = 1, 4
        self.view = View(sorted(self.messages), self.modseq)
        self.client = Client(len(self.messages))
        #: What "$" stands for.
        self.saved: set[int] = set()
        #: What the client believes to be at its numbers: UIDs in order.
        self.believed = sorted(self.messages)

    def told(self, events: list[Told]) -> None:
        self.client.hear(events)
        for event in events:
            if isinstance(event, Expunged):
                assert self.believed.pop(event.number - 1) == event.uid
            elif isinstance(event, Exists):
                known = self.believed[-1] if self.believed else self.last_told
                self.believed += [uid for uid in self.view._uids if uid > max(known, self.last_told)]
                self.last_told = max([self.last_told, *self.believed])
            else:
                assert self.believed[event.number - 1] == event.uid

    last_told = 3

    def changes(self) -> Changes:
        """What the store would tell of everything since the view's modification sequence."""
        since = self.view.modseq
        flagged = [
            Flagged(uid, bits, (), modseq)
            for uid, (bits, modseq) in sorted(self.messages.items())
            if modseq > since
        ]
        gone = sorted(uid for uid, modseq in self.expunged.items() if modseq > since)
        return Changes(self.modseq, tuple(flagged), tuple(gone))

    @rule(count=st.integers(1, 3))
    def messages_come(self, count: int) -> None:
        self.modseq += 1
        for _ in range(count):
            self.messages[self.next_uid] = (0, self.modseq)
            self.next_uid += 1

    @precondition(lambda self: self.messages)
    @rule(data=st.data())
    def others_expunge(self, data: st.DataObject) -> None:
        self.modseq += 1
        for uid in data.draw(st.sets(st.sampled_from(sorted(self.messages)), min_size=1)):
            del self.messages[uid]
            self.expunged[uid] = self.modseq

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), bits=st.integers(0, 31))
    def others_set_flags(self, data: st.DataObject, bits: int) -> None:
        self.modseq += 1
        self.messages[data.draw(st.sampled_from(sorted(self.messages)))] = (bits, self.modseq)

    @rule(may_expunge=st.booleans())
    def the_client_asks(self, may_expunge: bool) -> None:
        events = self.view.learn(self.changes(), may_expunge=may_expunge)
        assert may_expunge or not any(isinstance(event, Expunged) for event in events)
        self.told(events)
        assert not (may_expunge and self.view.waiting)
        assert self.view.modseq == self.modseq
        assert may_expunge <= (self.view.told_modseq == self.modseq)

    @rule()
    def expunges_are_told(self) -> None:
        self.told(self.view.expunge())
        assert not self.view.waiting

    @precondition(lambda self: self.messages)
    @rule(data=st.data())
    def the_client_expunges(self, data: st.DataObject) -> None:
        """Its own EXPUNGE: the store tells which UIDs were removed, and the modification sequence that it drew."""
        uids = sorted(data.draw(st.sets(st.sampled_from(sorted(self.messages)))))
        before = self.modseq
        self.modseq += 1
        for uid in uids:
            del self.messages[uid]
            self.expunged[uid] = self.modseq
        nothing_missed = self.view.modseq == before
        self.told(self.view.forget(uids))
        assert self.view.keep_up(self.modseq) == nothing_missed

    @precondition(lambda self: self.believed)
    @rule(data=st.data())
    def the_client_names_messages(self, data: st.DataObject) -> None:
        """By number and by UID: what it believes to be there, without what is gone."""
        count = len(self.believed)
        low, high = data.draw(st.integers(1, count)), data.draw(st.integers(1, count))
        low, high = min(low, high), max(low, high)
        named = self.believed[low - 1 : high]
        gone = self.view._gone
        by_number = uidset.parse(b"%d:%d" % (low, high))
        assert list(self.view.chosen(by_number, by_uid=False)) == [uid for uid in named if uid not in gone]
        assert self.view.names_gone(by_number) == bool(gone & set(named))
        by_uid = uidset.parse(b"%d:%d" % (named[0], named[-1]))
        assert list(self.view.chosen(by_uid, by_uid=True)) == [uid for uid in named if uid not in gone]

    @precondition(lambda self: self.believed)
    @rule(data=st.data())
    def a_search_is_saved(self, data: st.DataObject) -> None:
        self.saved = data.draw(st.sets(st.sampled_from(self.believed)))
        self.view.save(sorted(self.saved))

    @invariant()
    def nothing_untold_is_older_than_what_is_said_to_be_told(self) -> None:
        """RFC 7162 §3.1.2.1: a client that begins anew from there misses nothing."""
        told = self.view.told_modseq
        assert told <= self.view.modseq
        assert all(self.expunged[uid] > told for uid in self.view._gone)

    @invariant()
    def what_is_missing_is_every_uid_that_was_given_and_is_not_there(self) -> None:
        """RFC 7162 §3.2.6, where tombstones are gone: too many may be told, too few may not."""
        for text, asked in ((b"1:*", range(1, self.next_uid)), (b"2:3,5:900", [2, 3, *range(5, self.next_uid)])):
            missing = self.view.missing(uidset.parse(text), self.next_uid)
            told = [uid for low, high in missing for uid in range(low, high + 1)]
            assert told == [uid for uid in asked if uid < self.next_uid and uid not in self.believed]

    @invariant()
    def the_saved_result_has_no_message_that_is_gone(self) -> None:
        """RFC 5182 §2.1: it names the same messages, whatever their numbers are meanwhile."""
        left = [uid for uid in self.believed if uid in self.saved]
        for by_uid in (False, True):
            chosen = list(self.view.chosen(uidset.SAVED, by_uid=by_uid))
            assert chosen == [uid for uid in left if uid not in self.view._gone]
        assert self.view.names_gone(uidset.SAVED) == (len(chosen) < len(left))

    @invariant()
    def the_client_knows_what_the_view_knows(self) -> None:
        assert len(self.client.flags) == len(self.view) == len(self.believed)
        assert self.believed == list(self.view._uids)
        assert [self.view.number(uid) for uid in self.believed] == list(range(1, len(self.believed) + 1))
        assert [self.view.below(uid) for uid in self.believed] == list(range(len(self.believed)))
        assert self.view.last_uid == (self.believed[-1] if self.believed else 0)

    def teardown(self) -> None:
        """Told of everything, the client knows the folder, and every flag that it was told is right."""
        self.the_client_asks(may_expunge=True)
        self.the_client_knows_what_the_view_knows()
        assert self.believed == sorted(self.messages)
        for uid, flags in zip(self.believed, self.client.flags, strict=True):
            assert flags is None or flags == self.messages[uid][0]


TestFolder = Folder.TestCase
TestFolder.settings = settings(max_examples=60, stateful_step_count=30)


def test_an_empty_folder() -> None:
    view = View([], 7)
    assert (len(view), view.last_uid, view.number(1), view.waiting) == (0, 0, 0, False)
    for text in (b"*", b"1:*", b"1"):
        assert list(view.chosen(uidset.parse(text), by_uid=True)) == []
    for text in (b"*", b"1:*"):
        assert list(view.chosen(uidset.parse(text), by_uid=False)) == []


@pytest.mark.parametrize("text", [b"4", b"1:4", b"5:2", b"4:*", b"1,4"])
def test_a_number_that_no_message_has_is_an_error(text: bytes) -> None:
    """RFC 9051 §9 seq-number."""
    view = View([11, 12, 13], 1)
    with pytest.raises(ProtocolError):
        view.chosen(uidset.parse(text), by_uid=False)


def test_the_largest_uid_and_what_lies_beyond() -> None:
    view = View([3, 2**32 - 1], 1)
    assert view.number(2**32 - 1) == 2
    assert list(view.chosen(uidset.parse(b"4:4294967295"), by_uid=True)) == [2**32 - 1]
    # RFC 9051 §9: the range has the last message, whatever is named beside "*".
    assert list(view.chosen(uidset.parse(b"4294967295:*"), by_uid=True)) == [2**32 - 1]


@pytest.mark.parametrize(("modseq", "known"), [(5, False), (6, True), (7, False)])
def test_a_change_of_ones_own_is_known_only_if_nothing_came_between(*, modseq: int, known: bool) -> None:
    view = View([1], 5)
    assert view.keep_up(modseq) is known
    assert view.modseq == (6 if known else 5)


def test_who_is_gone_keeps_its_number_until_that_may_be_told() -> None:
    """RFC 9051 §7.5.1, and RFC 7162 §3.1.2.1: HIGHESTMODSEQ counts nothing that was not told."""
    view = View([11, 12, 13, 14], 5)
    assert view.learn(Changes(6, (), (12,)), may_expunge=False) == []
    assert view.learn(Changes(7, (), (14,)), may_expunge=False) == []
    assert (view.modseq, view.told_modseq) == (7, 5)
    assert list(view.chosen(uidset.parse(b"1:3"), by_uid=False)) == [11, 13]
    assert view.names_gone(uidset.parse(b"2"))
    assert not view.names_gone(uidset.parse(b"1,3"))
    assert view.learn(Changes(8), may_expunge=True) == [Expunged(4, 14), Expunged(2, 12)]
    assert view.told_modseq == 8
    assert list(view.chosen(uidset.parse(b"1:2"), by_uid=False)) == [11, 13]


def test_a_search_passes_over_numbers_that_no_message_has() -> None:
    """RFC 7377 §2."""
    view = View([3, 5, 9], 1)
    assert list(view.chosen(uidset.parse(b"2:100"), by_uid=False, beyond=True)) == [5, 9]
    assert list(view.chosen(uidset.parse(b"7"), by_uid=False, beyond=True)) == []


def test_who_waits_to_be_told() -> None:
    view = View([3, 5, 9], 1)
    view.learn(Changes(2, expunged=(5,)), may_expunge=False)
    assert view.gone == {5}


def test_batches_are_all_there_is_and_none_is_twice() -> None:
    """RFC 9957 §3.1."""
    view = View([2, 3, 5, 8, 9, 20, 21], 1)
    assert view.batches(3) == [(21, 9), (8, 3), (2, 1)]
    assert view.batches(7) == view.batches(8) == [(21, 1)]
    view.learn(Changes(2, (), (9, 21)), may_expunge=False)
    assert view.batches(3) == [(20, 5), (4, 1)]
    assert view.batches(5) == [(20, 1)]
    assert View([], 1).batches(3) == []


def test_who_goes_from_one_to_the_next_goes_on() -> None:
    view = View([2, 3, 5, 8, 9], 1)
    assert list(view.onward(0, 3, 3)) == [3]
    assert list(view.onward(2, 3, 3)) == [3, 5, 8]
    assert list(view.onward(8, 9, 3)) == [9]
    assert list(view.onward(8, 5, 2)) == [3, 5]
    assert list(view.onward(5, 3, 9)) == [2, 3]
    assert list(view.onward(2, 8, 3)) == list(view.onward(4, 8, 3)) == [8]


@pytest.mark.parametrize("uids", [[1, 2, 3], [4, 5, 6], [2, 5, 6], []])
def test_numbers_of_many(uids: list[int]) -> None:
    view = View(uids, 1)
    assert list(view.numbers(uids[1:])) == [view.number(uid) for uid in uids[1:]]
