"""What is stored of a message that was opened: nobody is believed for what is inside."""

import pytest

from mailservices.mail import headers, privacy
from mailservices.mail.opened import readable
from mailservices.mail.privacy import PrivacyError

OUTER = (
    b"Received: from a by b; now\r\nFrom: alice@example.org\r\nSubject: [...]\r\n"
    b"Date: Thu, 26 Nov 2026 12:00:00 +0000\r\n"
    b'MIME-Version: 1.0\r\nContent-Type: multipart/encrypted; boundary="b"\r\n\r\n'
)


def names(header: bytes) -> list[bytes]:
    return [name for name, _ in headers.fields(header)]


def test_what_we_encrypted_is_what_it_was() -> None:
    header = b"From: alice@example.org\r\nSubject: between us\r\nX-Mood: fine\r\nContent-Type: text/html\r\n\r\n"
    payload = privacy.payload(header, b"<p>hello\r\n", privacy.outer_of_arrived(header, hide_subject=True))
    made, body = readable(OUTER, payload)
    assert body == b"<p>hello\r\n"
    assert headers.first(made, b"subject") == b"between us"
    assert headers.first(made, b"x-mood") == b"fine"
    assert headers.first(made, b"content-type") == b'text/html; hp="cipher"; protected-headers="v1"'
    assert names(made) == [b"received", b"from", b"date", b"subject", b"x-mood", b"mime-version", b"content-type"]


def test_the_author_is_the_outer_header_s_to_say() -> None:
    inner = (
        b"From: boss@example.org\r\nSender: boss@example.org\r\nDate: yesterday\r\nReceived: forged\r\n"
        b"Authentication-Results: us; dmarc=pass\r\nSubject: inside\r\n"
        b'Content-Type: text/plain; hp="cipher"\r\n\r\nx'
    )
    made, _ = readable(OUTER, inner)
    assert headers.first(made, b"from") == b"alice@example.org"
    assert headers.first(made, b"date") == b"Thu, 26 Nov 2026 12:00:00 +0000"
    assert headers.first(made, b"subject") == b"inside"
    assert not {b"sender", b"authentication-results"} & set(names(made))
    assert names(made).count(b"received") == 1


def test_what_is_not_protected_is_not_taken() -> None:
    made, body = readable(OUTER, b"Subject: inside\nContent-Type: text/plain\nContent-Language: en\n\nhello\n")
    assert headers.first(made, b"subject") == b"[...]"
    assert headers.first(made, b"content-language") == b"en"
    assert body == b"hello\r\n"
    made, _ = readable(OUTER, b'Content-Type: text/plain; protected-headers="v1"\r\n\r\nhello\r\n')
    assert headers.first(made, b"subject") == b"[...]"


def test_what_was_in_the_text_itself() -> None:
    made, body = readable(b"From: alice@example.org\r\nContent-Type: text/plain\r\n\r\n", "Grüße\n".encode())
    assert body == "Grüße\r\n".encode()
    assert headers.first(made, b"content-type") == b"text/plain; charset=utf-8"
    assert headers.first(made, b"content-transfer-encoding") == b"8bit"


def test_what_no_message_may_hold() -> None:
    with pytest.raises(PrivacyError):
        readable(OUTER, b"Content-Type: text/plain\r\n\r\n\0")
