"""Conversations (RFC 5256 §3 THREAD)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.threads import Algorithm, Entry, Node, thread
from mailservices.protocols.imap import responses

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
ORDEREDSUBJECT, REFERENCES, REFS = Algorithm.ORDEREDSUBJECT, Algorithm.REFERENCES, Algorithm.REFS


def entry(
    uid: int, subject: str = "", refers_to: str = "", *, message_id: str | None = None, is_reply: bool = False,
    sent: int | None = None, arrived: int | None = None,
) -> Entry:  # fmt: skip
    """Its id is its UID, and ids are single words."""
    return Entry(
        uid, subject, is_reply, str(uid) if message_id is None else message_id, tuple(refers_to.split()),
        EPOCH + timedelta(hours=uid if sent is None else sent),
        EPOCH + timedelta(hours=uid if arrived is None else arrived),
    )  # fmt: skip


def told(algorithm: Algorithm, *entries: Entry) -> str:
    line = responses.threads(thread(algorithm, entries), lambda uid: uid)
    return line.decode().removeprefix("* THREAD").strip()


def test_nothing() -> None:
    assert [told(algorithm) for algorithm in Algorithm] == ["", "", ""]


def test_ordered_subject() -> None:
    entries = [
        entry(1, "b", sent=5),
        entry(2, "a", sent=6),
        entry(3, "b", sent=7),
        entry(4, "b", sent=1),
        entry(5),
    ]
    assert told(ORDEREDSUBJECT, *entries) == "(4 (1)(3))(5)(2)"
    assert told(ORDEREDSUBJECT, entry(1, "b"), entry(2, "b")) == "(1 2)"


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        ([entry(1), entry(2, "", "1"), entry(3, "", "1 2")], "(1 2 3)"),
        ([entry(1), entry(2, "", "1"), entry(3, "", "1"), entry(4, "", "1 3")], "(1 (2)(3 4))"),
        # A message that nobody has: an only child takes its place, several stay together.
        ([entry(1, "", "x")], "(1)"),
        ([entry(1, "", "x"), entry(2, "", "x")], "((1)(2))"),
        ([entry(1, "", "x y z"), entry(2, "", "x y"), entry(3, "", "x")], "((1)(2)(3))"),
        ([entry(1), entry(2, "", "1 x"), entry(3, "", "1 x")], "(1 (2)(3))"),
        # (1) (A): no id, and ids that were there before.
        ([entry(1, message_id=""), entry(2, message_id="")], "(1)(2)"),
        ([entry(1, message_id="a"), entry(2, message_id="a"), entry(3, "", "a")], "(1 3)(2)"),
        # (1) (A): no loops, whatever they claim.
        ([entry(1, "", "1")], "(1)"),
        ([entry(1, "", "2"), entry(2, "", "1")], "(2 1)"),
        ([entry(1, "", "3"), entry(2, "", "1"), entry(3, "", "2")], "(3 1 2)"),
        # (1) (B): what a message says of itself counts.
        ([entry(1, "", "2 3"), entry(2), entry(3), entry(4, "", "2")], "(2 4)(3 1)"),
        ([entry(1), entry(2), entry(3, "", "1 2"), entry(4, "", "1")], "(1 (2 3)(4))"),
        ([entry(1, "", "x 2"), entry(2)], "(2 1)"),
        # (6): by date, the message's own or its first child's.
        ([entry(1, sent=9), entry(2, "", "1", sent=8), entry(3, "", "1", sent=7)], "(1 (3)(2))"),
        ([entry(1, sent=9), entry(2, sent=8), entry(3, "", "x", sent=10), entry(4, "", "x", sent=3)],
         "((4)(3))(2)(1)"),
    ],
)  # fmt: skip
def test_references(entries: list[Entry], wanted: str) -> None:
    assert told(REFERENCES, *entries) == wanted


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        # (5) (C): a reply becomes a child, two of a kind become siblings.
        ([entry(1, "a"), entry(2, "a", is_reply=True)], "(1 2)"),
        ([entry(1, "a", is_reply=True), entry(2, "a")], "(2 1)"),
        ([entry(1, "a"), entry(2, "a"), entry(3, "a", is_reply=True)], "((1)(2)(3))"),
        ([entry(1, "a"), entry(2, "a"), entry(3, "a")], "((1)(2)(3))"),
        ([entry(1, "a", is_reply=True), entry(2, "a", is_reply=True)], "((1)(2))"),
        ([entry(1), entry(2)], "(1)(2)"),
        ([entry(1, "a"), entry(2, "b")], "(1)(2)"),
        # Heads without a message.
        ([entry(1, "a", "x"), entry(2, "a", "x"), entry(3, "a")], "((1)(2)(3))"),
        ([entry(3, "a"), entry(4, "a", "x"), entry(5, "a", "x")], "((3)(4)(5))"),
        ([entry(1, "a", "x"), entry(2, "b", "x"), entry(3, "a", "y"), entry(4, "c", "y")], "((1)(2)(3)(4))"),
    ],
)
def test_subjects_join_threads(entries: list[Entry], wanted: str) -> None:
    assert told(REFERENCES, *entries) == wanted


def test_refs() -> None:
    """The thread that something came into last stands last, whatever its subject is and its dates say."""
    entries = [entry(1, "a", arrived=1), entry(2, "a", arrived=2), entry(3, "a", "1", arrived=3, sent=0)]
    assert told(REFS, *entries) == "(2)(1 3)"
    assert told(REFS, entry(1, "", "x"), entry(2, "", "x")) == "((1)(2))"
    answers = [entry(2, "", "1", arrived=2, sent=3), entry(3, "", "1", arrived=3, sent=2)]
    assert told(REFS, *answers) == "((3)(2))"
    assert told(REFS, entry(1, ""), *answers) == "(1 (3)(2))"


def test_a_thread_may_be_as_deep_as_a_folder() -> None:
    deep = [entry(uid, "", str(uid - 1)) for uid in range(1, 20_001)]
    assert told(REFERENCES, *deep) == f"({' '.join(map(str, range(1, 20_001)))})"
    backwards = [entry(uid, "", str(uid + 1)) for uid in range(1, 3_001)]
    assert told(REFS, *backwards).startswith("(3000 2999 ")


def numbers(nodes: list[Node]) -> Iterator[int]:
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if node.entry is not None:
            yield node.entry.uid
        assert all(child.parent is node for child in node.children)
        assert all(child.entry is not None for child in node.children)
        assert node.entry is not None or len(node.children) > 1
        waiting += node.children


WORDS = st.sampled_from("12345678x")


@given(
    st.sampled_from(Algorithm),
    st.lists(
        st.tuples(
            st.sampled_from(["", "a", "b"]), st.lists(WORDS, max_size=4).map(" ".join),
            st.one_of(st.just(""), WORDS), st.booleans(), st.integers(0, 5),
        ),
        max_size=9,
    ),
)  # fmt: skip
def test_every_message_stands_in_one_place(
    algorithm: Algorithm, drawn: list[tuple[str, str, str, bool, int]]
) -> None:
    entries = [
        entry(uid, subject, refers_to, message_id=message_id, is_reply=is_reply, sent=sent)
        for uid, (subject, refers_to, message_id, is_reply, sent) in enumerate(drawn, 1)
    ]
    heads = thread(algorithm, entries)
    assert sorted(numbers(heads)) == list(range(1, len(entries) + 1))
    # What it is given, in whatever order, it threads in the same way.
    assert told(algorithm, *reversed(entries)) == told(algorithm, *entries)
