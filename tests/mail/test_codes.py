"""Every SMTP reply by name is one that RFC 5321 §4.2 and RFC 3463 allow."""

import re

import pytest

from mailservices.mail import codes
from mailservices.mail.codes import Reply

REPLIES = {name: value for name, value in vars(codes).items() if isinstance(value, Reply)}
#: RFC 5321 §4.2.3, RFC 4954 §6, RFC 3207 §4.
CODES = {
    214, 220, 221, 235, 250, 252, 354, 421, 450, 451, 452, 454, 500, 501, 502, 503, 504, 530, 535, 538, 550, 552,
    553, 554, 555,
}  # fmt: skip


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_agrees_with_itself(name: str) -> None:
    reply = REPLIES[name]
    assert reply.code in CODES
    assert re.fullmatch(r"[!-~][ -~]*", reply.text)
    assert reply.permanent == (reply.code >= 500)
    if reply.enhanced:
        assert re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", reply.enhanced)
        # RFC 2034 §4: the classes are the same.
        assert reply.enhanced[0] == str(reply.code)[0]
        assert bytes(reply) == f"{reply.code} {reply.enhanced} {reply.text}\r\n".encode()
    else:
        assert bytes(reply) == f"{reply.code} {reply.text}\r\n".encode()
    assert len(bytes(reply)) <= 512


def test_a_chunk_is_counted() -> None:
    assert bytes(codes.chunk_received(12)) == b"250 2.0.0 12 octets received\r\n"
