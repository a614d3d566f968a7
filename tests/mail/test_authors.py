"""Whose a message says it is."""

import pytest

from mailservices.mail import authors


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (b"From: Alice <Alice@EXAMPLE.org>\r\nTo: bob@example.org\r\n\r\n", ("alice@example.org",)),
        (
            b"Sender: b@example.org\r\nFrom: a@example.org,\r\n b@example.org\r\n",
            ("b@example.org", "a@example.org"),
        ),
        ("From: Jörg <jörg@bücher.example>\r\n".encode(), ("jörg@xn--bcher-kva.example",)),
        (b"From: nobody\r\nFrom: @example.org\r\nFrom: a..b@example.org\r\nFrom: \xff@example.org\r\n", ()),
        (b"Subject: a@example.org\r\n", ()),
    ],
)
def test_the_addresses_of_from_and_sender_count(header: bytes, found: tuple[str, ...]) -> None:
    assert authors.of(header) == found


def test_no_more_than_a_few_are_looked_at() -> None:
    many = b", ".join(b"a%d@example.org" % number for number in range(50))
    assert len(authors.of(b"From: " + many + b"\r\nFrom: b@example.org\r\n")) == authors.AUTHORS


def test_readers_are_those_that_are_named() -> None:
    header = b"To: A <a@example.org>,\r\n b@example.org\r\nCc: C@example.org\r\nBcc: d@example.org\r\n"
    assert authors.readers(header) == ("a@example.org", "b@example.org", "c@example.org")


def test_the_author_is_the_first_in_from() -> None:
    assert authors.author(b"Sender: b@example.org\r\nFrom: A@example.org, c@example.org\r\n") == "a@example.org"
    assert authors.author(b"Sender: b@example.org\r\n") == ""
