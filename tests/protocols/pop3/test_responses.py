"""POP3 responses (RFC 1939 §3, RFC 2449 §8, RFC 6856 §3)."""

import pytest

from mailservices.protocols.pop3 import responses


def test_one_line() -> None:
    assert responses.ok() == b"+OK\r\n"
    assert responses.ok("2 320") == b"+OK 2 320\r\n"
    assert responses.error("No such message") == b"-ERR No such message\r\n"
    assert responses.error("Busy", "IN-USE") == b"-ERR [IN-USE] Busy\r\n"


def test_many_lines() -> None:
    assert responses.lines("2 messages", [b"1 120", b"2 200"]) == b"+OK 2 messages\r\n1 120\r\n2 200\r\n.\r\n"
    assert responses.lines("", []) == b"+OK\r\n.\r\n"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("en", "en"), ("*", "en"), ("de", None), ("e", None), ("en-gb", None), ("mul", None)],
)
def test_a_language_range_finds_a_language(wanted: str, found: str | None) -> None:
    """RFC 4647 §3.3.1: a range fits a tag that is the same or goes on after it with a hyphen."""
    assert responses.language(wanted) == found


@pytest.mark.parametrize(
    ("body", "count", "shown", "wanted"),
    [
        (b"one\r\ntwo\r\n", 0, b"", 0),
        (b"one\r\ntwo\r\n", 1, b"one\r\n", 0),
        (b"one\r\ntwo\r\n", 2, b"one\r\ntwo\r\n", 0),
        (b"one\r\ntwo\r\n", 5, b"one\r\ntwo\r\n", 3),
        # The next piece may go on with this line.
        (b"one\r\ntw", 2, b"one\r\ntw", 1),
        (b"", 1, b"", 1),
    ],
)
def test_so_many_lines_of_a_body(body: bytes, count: int, shown: bytes, wanted: int) -> None:
    assert responses.top(body, count) == (shown, wanted)
