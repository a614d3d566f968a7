"""The wildcards of transcripts and golden files."""

import pytest

from tests.wildcards import filled, matches


@pytest.mark.parametrize(
    ("pattern", "line", "fits"),
    [
        ("plain.", "plain.", True),
        ("plain.", "plainx", False),
        ("a * c", "a b b c", True),
        ("a *", "a ", True),
        ("a*", "b", False),
        ("id $id, again $id", "id 7, again 7", True),
        ("id $id, again $id", "id 7, again 8", False),
        ("known $seen", "known 5", True),
        ("known $seen", "known 6", False),
        ("<$id>", "<a b>", False),
    ],
)
def test_patterns(pattern: str, line: str, fits: bool) -> None:
    assert matches(pattern, line, {"seen": "5"}) is fits


def test_what_was_seen_is_kept() -> None:
    variables: dict[str, str] = {}
    assert matches("UID $uid of $count", "UID 7 of 9", variables)
    assert variables == {"uid": "7", "count": "9"}
    assert not matches("UID $other x", "UID 7 y", variables)
    assert "other" not in variables
    assert filled("FETCH $uid (*)", variables) == "FETCH 7 (*)"
