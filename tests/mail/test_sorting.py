"""What messages are sorted by."""

from mailservices.mail.sorting import PLAIN, By, SortKey


def test_criteria() -> None:
    assert set(By) > PLAIN
    assert SortKey(By.DATE) == SortKey(By.DATE, reverse=False) != SortKey(By.DATE, reverse=True)
