"""What SORT and THREAD compare of a header."""

import pytest

from mailservices.mail import gist
from mailservices.mail.gist import REFERENCES, Gist


def header(*fields: str) -> bytes:
    return "\r\n".join([*fields, "", ""]).encode()


def test_a_whole_header() -> None:
    assert gist.read(
        header(
            "From: =?utf-8?q?Zo=C3=AB?= <zoe@x.test>, other@x.test", "To: bob@y.test",
            "Cc: Friends: carol@z.test;",
            "Subject: Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Message-ID: <2@x.test>",
            "References: <0@x.test>\r\n <1@x.test>", "In-Reply-To: <9@x.test>",
        )
    ) == Gist(
        "GRU\u0308ßE", True, "ZOE", "BOB", "FRIENDS", "ZOE\u0308", "BOB@Y.TEST", "2@x.test",
        ("0@x.test", "1@x.test"),
    )  # fmt: skip


def test_an_empty_header() -> None:
    assert gist.read(b"\r\n") == Gist("", False, "", "", "", "", "", "", ())


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("From: Zoe <z@x.test>", "ZOE"),
        ('From: "" <z@x.test>', "Z@X.TEST"),
        ("From: Friends: z@x.test;", "FRIENDS"),
        ("From:", ""),
    ],
)
def test_how_an_address_is_shown(field: str, shown: str) -> None:
    """RFC 5957 §3."""
    assert gist.read(header(field)).shown_sender == shown


@pytest.mark.parametrize(
    ("fields", "references"),
    [
        (["References: nothing", "In-Reply-To: your mail of <today> <1@x.test> <2@x.test>"], ("1@x.test",)),
        (["In-Reply-To: <>"], ()),
        # §3 THREAD: quoting makes no difference.
        (['References: <"01KF"@x.test> <"a\\"b"@x.test>'], ("01KF@x.test", 'a"b@x.test')),
        ([f"References: {' '.join(f'<{n}@x.test>' for n in range(300))}"], tuple(
            f"{n}@x.test" for n in range(300 - REFERENCES, 300)
        )),
    ],
)  # fmt: skip
def test_what_a_message_refers_to(fields: list[str], references: tuple[str, ...]) -> None:
    assert gist.read(header(*fields)).references == references


def test_what_a_database_cannot_keep_is_replaced() -> None:
    found = gist.read(b"Subject: a\0b =?utf-7?q?+2AA-?=\r\n\r\n")
    found.subject.encode()
    assert "\0" not in found.subject
