"""Address lists as ENVELOPE tells them (RFC 9051 §7.5.2): groups, routes, comments, and what strangers write."""

import pytest

from mailservices.mail.addresses import ADDRESSES, GROUP_END, Listed, parse


def one(
    mailbox: bytes | None, host: bytes | None, name: bytes | None = None, route: bytes | None = None
) -> Listed:
    return Listed(name, route, mailbox, host)


def group(name: bytes) -> Listed:
    return Listed(None, None, name, None)


AB = one(b"a", b"b")


@pytest.mark.parametrize(
    ("value", "listed"),
    [
        (b"", []),
        (b"a@b", [AB]),
        (b"<a@b>", [AB]),
        (b"Ann <a@b>", [one(b"a", b"b", b"Ann")]),
        (b'"Ann, the first" <a@b>', [one(b"a", b"b", b"Ann, the first")]),
        (b'"" <a@b>', [AB]),
        (b'"Ann \\"A\\" B" <a@b>', [one(b"a", b"b", b'Ann "A" B')]),
        (b'Ann "the first" of  many <a@b>', [one(b"a", b"b", b"Ann the first of many")]),
        (b"J. Q. Public <a@b>", [one(b"a", b"b", b"J. Q. Public")]),
        (b"=?utf-8?q?J=C3=B6rg?= <a@b>", [one(b"a", b"b", b"=?utf-8?q?J=C3=B6rg?=")]),
        (b"J\xc3\xb6rg <a@b>", [one(b"a", b"b", b"J\xc3\xb6rg")]),
        (b"j\xc3\xb6rg@b", [one(b"j\xc3\xb6rg", b"b")]),
        (b"a@b, c@d", [AB, one(b"c", b"d")]),
        (b",a@b,,c@d,", [AB, one(b"c", b"d")]),
        # A comment behind an address is a name in the old way; a phrase goes before it.
        (b"a@b (Ann)", [one(b"a", b"b", b"Ann")]),
        (b"(Ann) a@b", [one(b"a", b"b", b"Ann")]),
        (b"<a@b> (Ann)", [one(b"a", b"b", b"Ann")]),
        (b"Ann (not me) <a@b>", [one(b"a", b"b", b"Ann")]),
        (b"a@b ()", [AB]),
        (b"a(x)@(y)b(z)", [one(b"a", b"b", b"z")]),
        # Groups (RFC 5322 §3.4).
        (b"Friends: a@b, Cid <c@d>;", [group(b"Friends"), AB, one(b"c", b"d", b"Cid"), GROUP_END]),
        (b"undisclosed-recipients:;", [group(b"undisclosed-recipients"), GROUP_END]),
        (b"My Friends:;, a@b", [group(b"My Friends"), GROUP_END, AB]),
        (b"Open: a@b", [group(b"Open"), AB, GROUP_END]),
        (b"One: Two: a@b;", [group(b"One"), one(b"Twoa", b"b"), GROUP_END]),
        (b"a@b;c@d", [AB, one(b"c", b"d")]),
        # Obsolete forms (RFC 5322 §4.4).
        (b"<@one,@two:a@b>", [one(b"a", b"b", route=b"@one,@two")]),
        (b"<@one:a@b>", [one(b"a", b"b", route=b"@one")]),
        (b"<a . b@c . d>", [one(b"a.b", b"c.d")]),
        (b"a . b @ c . d", [one(b"a.b", b"c.d")]),
        (b"a@c .d. e", [one(b"a", b"c.d.e")]),
        (b'<"a b" . c@d>', [one(b"a b.c", b"d")]),
        (b'"a b"@c', [one(b"a b", b"c")]),
        (b"a@[192.0.2.1]", [one(b"a", b"[192.0.2.1]")]),
        (b"<a@[192.0.2.1]>", [one(b"a", b"[192.0.2.1]")]),
        # What is no address at all.
        (b"a@b <c@d>", [one(b"c", b"d", b"a@b")]),
        (b"just words", [one(b"justwords", b"")]),
        (b"<words>", [one(b"words", b"")]),
        (b"<>", []),
        (b"<@b>", [one(b"", b"b")]),
        (b"Ann <a@b", [one(b"a", b"b", b"Ann")]),
        (b"<a@b> c@d <e@f>", [AB]),
        (b"a@b@c", [one(b"a", b"b@c")]),
        (b"a@", [one(b"a", b"")]),
        (b"@", []),
        (b"<:a@b>", [one(b"a", b"b", route=b"@")]),
        (b"<,a@b>", [one(b"a", b",@b")]),
        (b"(", []),
        (b'"', [one(b"", b"")]),
    ],
)
def test_lists(value: bytes, listed: list[Listed]) -> None:
    assert parse(value) == listed


def test_a_list_without_end_is_cut() -> None:
    assert parse(b"a@b," * (ADDRESSES + 5)) == [AB] * ADDRESSES
