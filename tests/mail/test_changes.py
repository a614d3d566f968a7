"""What sessions tell each other is plain data."""

from mailservices.mail.changes import Changes, Flagged


def test_nothing_happened_is_the_default() -> None:
    assert Changes(7) == Changes(7, (), ())


def test_changes_are_compared_by_value() -> None:
    assert Changes(7, (Flagged(1, 2, ("a",), 6),), (3,)) == Changes(7, (Flagged(1, 2, ("a",), 6),), (3,))
