"""What a process keeps of the lines of FETCH: bounded, by folder and form; who has what goes has it still."""

import pytest

from mailservices.imap import lines
from mailservices.imap.lines import LINE_OCTETS, Lines


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
    monkeypatch.setattr(lines, "ALL_OCTETS", 3 * (LINE_OCTETS + 1))
    monkeypatch.setattr(lines, "FOLDER_OCTETS", 2 * (LINE_OCTETS + 1))
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
