"""When an address is suppressed."""

from mailservices.mail.suppressing import HELD_FOR, HITS


def test_one_refusal_suppresses_nobody_and_nobody_is_suppressed_for_ever() -> None:
    assert HITS > 1
    assert 1 <= HELD_FOR.days <= 31
