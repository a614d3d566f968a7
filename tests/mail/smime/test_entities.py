"""What S/MIME looks like in a message."""

import base64

from mailservices.mail import headers, mime
from mailservices.mail.mime import Part
from mailservices.mail.smime import entities


def read(fields: bytes, body: bytes = b"") -> Part:
    return mime.scan(fields + b"\r\n", body)


def test_one_part_says_what_lies_in_it() -> None:
    made = entities.pkcs7(bytes(range(256)), b"enveloped-data")
    assert max(len(line) for line in made.body.split(b"\r\n")) == 76
    assert base64.b64decode(made.body) == bytes(range(256))
    part = read(made.fields, made.body)
    assert entities.is_encrypted(part)
    assert entities.octets(part, made.body) == bytes(range(256))
    assert headers.first(made.fields, b"content-disposition") == b'attachment; filename="smime.p7m"'


def test_base64_has_whole_lines() -> None:
    for length in (0, 1, 56, 57, 58, 114):
        assert (
            entities.base64(b"x" * length) == base64.encodebytes(b"x" * length).replace(b"\n", b"\r\n") or b"\r\n"
        )


def test_what_is_encrypted_says_so() -> None:
    told = {
        b"application/pkcs7-mime; smime-type=enveloped-data": True,
        b"application/x-pkcs7-mime; smime-type=Enveloped-Data": True,
        b"application/pkcs7-mime; smime-type=authEnveloped-data": True,
        b"application/pkcs7-mime; smime-type=signed-data": False,
        b"application/pkcs7-mime": False,
        b"text/pkcs7-mime; smime-type=enveloped-data": False,
        b"application/octet-stream; smime-type=enveloped-data": False,
    }
    for value, encrypted in told.items():
        assert entities.is_encrypted(read(b"Content-Type: " + value + b"\r\n")) is encrypted
