"""What a process keeps, of lines, small messages and the text index: bounded, what is wanted least goes first."""

from uuid import UUID

import pytest

from mailservices.imap import kept as keeping
from mailservices.imap.kept import LINE_OCTETS, ROW_OCTETS, Indexed, Lines, Texts
from mailservices.store import bodies
from mailservices.store.fetch import AHEAD_OCTETS


def test_lines_are_kept_by_folder_and_form() -> None:
    kept = Lines()
    kept.keep(1, b"a", {1: b"one", 2: b"two"})
    kept.keep(1, b"b", {1: b"uno"})
    kept.keep(2, b"a", {3: b"three"})
    kept.keep(1, b"a", {2: b"never another", 4: b"four"})
    assert dict(kept.of(1, b"a")) == {1: b"one", 2: b"two", 4: b"four"}
    assert dict(kept.of(1, b"b")) == {1: b"uno"}
    assert dict(kept.of(2, b"a")) == {3: b"three"}
    assert dict(kept.of(2, b"b")) == {}


def test_what_is_wanted_least_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "ALL_OCTETS", 3 * (LINE_OCTETS + 1))
    monkeypatch.setattr(keeping, "FOLDER_OCTETS", 2 * (LINE_OCTETS + 1))
    kept = Lines()
    for mailbox_id in (1, 2):
        kept.keep(mailbox_id, b"a", {1: b"x"})
    first, second = kept.of(1, b"a"), kept.of(2, b"a")
    kept.of(1, b"a")
    # A folder has its own limit.
    kept.keep(3, b"a", {1: b"x", 2: b"x", 3: b"x"})
    assert dict(kept.of(3, b"a")) == {1: b"x", 2: b"x"}
    assert dict(kept.of(2, b"a")) == {}
    assert dict(kept.of(1, b"a")) == {1: b"x"}
    assert (dict(first), dict(second)) == ({1: b"x"}, {1: b"x"})
    # What had gone takes room again.
    kept.keep(2, b"a", {1: b"x", 2: b"x"})
    assert dict(kept.of(3, b"a")) == {}


def _row(uid: int, octets: int = 4) -> tuple[int, bytes, bytes, UUID, int, bool, bytes]:
    return uid, b"pre", b"hdr", UUID(int=uid), octets, *bodies.pack(b"x" * octets)


def test_small_messages_are_kept_until_others_are_wanted_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "TEXT_OCTETS", 3 * (ROW_OCTETS + 10))
    kept = Texts()
    one, two, three, large = _row(1), _row(2), _row(3), _row(9, AHEAD_OCTETS)
    assert kept.keep(1, [one, two, large]) == {1: one, 2: two, 9: large}
    kept.keep(2, [three])
    assert (kept.of(1, 9), kept.of(3, 1)) == (None, None)
    assert kept.of(1, 1) == one
    # It is wanted less than the other, though it came later.
    kept.keep(1, [one, three])
    assert kept.among(1, [1, 2, 3]) == {1: one, 3: three}
    assert kept.of(2, 3) == three


def test_small_messages_are_kept_unpacked() -> None:
    kept, packed = Texts(), _row(1, 1000)
    assert packed[5]
    whole = (*packed[:5], False, b"x" * 1000)
    assert kept.keep(1, [packed]) == {1: whole}
    assert kept.of(1, 1) == whole


def test_what_is_indexed_is_remembered_of_so_many_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "FOLDERS", 2)
    kept = Indexed()
    for mailbox_id, uid in ((1, 10), (2, 20), (1, 11), (3, 30)):
        kept.keep(mailbox_id, uid)
    assert [kept.until(mailbox_id) for mailbox_id in (1, 2, 3)] == [11, 0, 30]
