"""Header fields as octets: found, unfolded, chosen, never changed."""

import mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail import headers

HEADER = (
    b"Return-Path: <a@b>\r\n"
    b"Received: one\r\n"
    b"\tfolded\r\n"
    b"RECEIVED : two\r\n"
    b"this is no field\r\n"
    b"Subject:no space\r\n"
    b"Empty:\r\n"
    b"\r\n"
)


@pytest.mark.parametrize(
    ("message", "header"),
    [
        (b"A: b\r\n\r\nbody", b"A: b\r\n\r\n"),
        (b"A: b\n\nbody\n\nmore", b"A: b\n\n"),
        (b"A: b\r\n\nbody", b"A: b\r\n\n"),
        (b"A: b\n\r\nbody", b"A: b\n\r\n"),
        (b"\r\nbody\r\n\r\nmore", b"\r\n"),
        (b"\nbody", b"\n"),
        (b"A: b\r\n", b"A: b\r\n"),
        (b"A: b", b"A: b"),
        (b"A: b\r\n \r\n\r\nbody", b"A: b\r\n \r\n\r\n"),
        (b"", b""),
    ],
)
def test_a_header_ends_with_the_first_empty_line(message: bytes, header: bytes) -> None:
    assert headers.split(message) == (header, message[len(header) :])


def test_a_header_ends_within_its_part() -> None:
    octets = b"xx\r\nA: b\r\n\r\nbody"
    assert headers.end_of_header(octets, 4, len(octets)) == octets.index(b"body")
    assert headers.end_of_header(octets, 4, 8) == 8
    with mmap.mmap(-1, len(octets)) as mapped:
        mapped[:] = octets
        assert headers.end_of_header(mapped, 4, len(octets)) == octets.index(b"body")


def test_fields_come_in_their_order_as_received() -> None:
    assert list(headers.fields(HEADER)) == [
        (b"return-path", b" <a@b>\r"),
        (b"received", b" one\r\n\tfolded\r"),
        (b"received", b" two\r"),
        (b"subject", b"no space\r"),
        (b"empty", b"\r"),
    ]


def test_an_index_keeps_every_value() -> None:
    assert headers.index(HEADER)[b"received"] == [b" one\r\n\tfolded\r", b" two\r"]
    assert headers.index(b"") == {}


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (b" one\r\n\ttwo\r\n  three\r", b"one\ttwo  three"),
        (b" one\n two", b"one two"),
        (b"  \r\n \r\n ", b""),
        (b"", b""),
    ],
)
def test_values_are_unfolded(value: bytes, line: bytes) -> None:
    assert headers.unfold(value) == line


def test_the_first_field_of_a_name_is_found() -> None:
    assert headers.first(HEADER, b"received") == b"one\tfolded"
    assert headers.first(HEADER, b"empty") == b""
    assert headers.first(HEADER, b"absent") is None
    assert (headers.count(HEADER, b"received"), headers.count(HEADER, b"absent")) == (2, 0)


@given(
    st.lists(st.sampled_from([b"a", b"A", b"b.c", b"bxc", b" ", b"\t", b":", b"\r", b"\n", b"\xe4"])).map(b"".join)
)
def test_the_first_field_is_the_first_of_all(header: bytes) -> None:
    for name in (b"a", b"b.c", b"absent"):
        values = [headers.unfold(value) for one, value in headers.fields(header) if one == name]
        assert headers.first(header, name) == (values[0] if values else None)


@pytest.mark.parametrize(
    ("header", "names", "exclude", "chosen"),
    [
        (HEADER, [b"Received"], False, b"Received: one\r\n\tfolded\r\nRECEIVED : two\r\n\r\n"),
        (HEADER, [b"received", b"SUBJECT"], True, b"Return-Path: <a@b>\r\nEmpty:\r\n\r\n"),
        (HEADER, [b"absent"], False, b"\r\n"),
        (b"A: b\nC: d\n\n", [b"c"], False, b"C: d\n\r\n"),
        # RFC 9051 §6.4.5.1: the empty line is always there, even where the message ends before it.
        (b"A: b\r\nC: d", [b"c"], False, b"C: d\r\n\r\n"),
        (b"", [b"c"], True, b"\r\n"),
    ],
)
def test_fields_are_chosen(header: bytes, names: list[bytes], exclude: bool, chosen: bytes) -> None:
    assert headers.select(header, names, exclude=exclude) == chosen


def test_whole_fields_are_as_they_were_received() -> None:
    found = list(headers.whole_fields(HEADER))
    assert found[1] == (b"received", b"Received: one\r\n\tfolded\r\n")
    assert found[2] == (b"received", b"RECEIVED : two\r\n")
    assert b"".join(octets for _, octets in found) == HEADER[:-2].replace(b"this is no field\r\n", b"")


def test_unwanted_fields_are_left_out_and_nothing_else() -> None:
    kept = headers.without(HEADER, lambda name, octets: name == b"received" and b"two" in octets)
    assert kept == HEADER.replace(b"RECEIVED : two\r\n", b"")
    assert headers.without(HEADER, lambda *_: False) == HEADER
