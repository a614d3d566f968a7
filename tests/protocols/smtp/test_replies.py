"""Replies of several lines, and what other hosts answer (RFC 5321 §4.2, RFC 2034)."""

import pytest

from mailservices.mail.errors import ProtocolError
from mailservices.protocols.smtp.replies import LINE_OCTETS, LINES, PeerReply, ReplyReader, lines
from tests.protocols.feeding import Feed, whole


class Reader(ReplyReader):
    """A reply is the event."""

    next_event = ReplyReader.next_reply


def test_all_lines_but_the_last_have_a_hyphen() -> None:
    assert lines(250, ["us.test", "SIZE 1", "DSN"]) == b"250-us.test\r\n250-SIZE 1\r\n250 DSN\r\n"
    assert lines(250, ["OK"]) == b"250 OK\r\n"


@pytest.mark.parametrize(
    ("octets", "replies"),
    [
        (b"250 OK\r\n", [PeerReply(250, "", ("OK",))]),
        (b"250\r\n", [PeerReply(250, "", ("",))]),
        (b"250 \r\n", [PeerReply(250, "", ("",))]),
        (b"250 OK\n221 Bye\n", [PeerReply(250, "", ("OK",)), PeerReply(221, "", ("Bye",))]),
        (b"250 2.1.0 Fine\r\n", [PeerReply(250, "2.1.0", ("Fine",))]),
        (b"250 2.1.0\r\n", [PeerReply(250, "2.1.0", ("",))]),
        (b"250 2.1.0x\r\n", [PeerReply(250, "", ("2.1.0x",))]),
        ("250 2.\u0661.0 x\r\n".encode(), [PeerReply(250, "", ("2.\u0661.0 x",))]),
        (
            b"550-5.1.1 Nobody\r\n550-5.1.1\r\n550 5.1.1 here\r\n",
            [PeerReply(550, "5.1.1", ("Nobody", "", "here"))],
        ),
        (b"250-us\r\n250-\r\n250 DSN\r\n", [PeerReply(250, "", ("us", "", "DSN"))]),
        (b"550 gr\xfc\xdfe\r\n", [PeerReply(550, "", ("gr\ufffd\ufffde",))]),
    ],
)
def test_replies_are_read(feed: Feed, octets: bytes, replies: list[PeerReply]) -> None:
    assert list(feed(Reader(), octets)) == replies


@pytest.mark.parametrize(
    "octets",
    [
        b"hello\r\n",
        b"\r\n",
        b"25 OK\r\n",
        b"2500 OK\r\n",
        b"150 OK\r\n",
        b"600 OK\r\n",
        b"250_OK\r\n",
        b"250-one\r\n251 two\r\n",
        b"250-x\r\n" * (LINES + 1),
        b"250 " + b"x" * LINE_OCTETS,
    ],
)
def test_nonsense_is_refused(feed: Feed, octets: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(feed(Reader(), octets))


def test_whether_something_came_that_was_not_asked_for() -> None:
    reader = Reader()
    assert reader.empty
    assert list(whole(reader, b"250-one\r\n")) == []
    assert not reader.empty
    assert len(list(whole(reader, b"250 two\r\n250"))) == 1
    assert not reader.empty


@pytest.mark.parametrize(
    ("code", "positive", "permanent"),
    [(220, True, False), (354, False, False), (450, False, False), (550, False, True)],
)
def test_what_a_reply_means(*, code: int, positive: bool, permanent: bool) -> None:
    reply = PeerReply(code, "", ("one", "", "two"))
    assert (reply.positive, reply.permanent, reply.text) == (positive, permanent, "one two")
