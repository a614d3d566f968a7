"""Addresses: what RFC 5321 §4.1.2 and RFC 6531 §3.3 allow, how they are printed, and how they are looked up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail import address
from mailservices.mail.address import Address, parse, parse_path
from mailservices.mail.errors import ProtocolError


@pytest.mark.parametrize(
    ("text", "local", "domain"),
    [
        ("user@example.org", "user", "example.org"),
        ("User.Name@Example.ORG", "User.Name", "example.org"),
        ("user+detail@example.org", "user+detail", "example.org"),
        ("!#$%&'*+-/=?^_`{|}~@example.org", "!#$%&'*+-/=?^_`{|}~", "example.org"),
        ('"two words"@example.org', "two words", "example.org"),
        ('"a@b"@example.org', "a@b", "example.org"),
        (r'"say \"hi\" \\ "@example.org', 'say "hi" \\ ', "example.org"),
        ('"plain"@example.org', "plain", "example.org"),
        ('""@example.org', "", "example.org"),
        ("user@example.org.", "user", "example.org"),
        ("jörg@example.org", "jörg", "example.org"),
        ('"jö rg"@example.org', "jö rg", "example.org"),
        ("user@bücher.example", "user", "xn--bcher-kva.example"),
        ("user@xn--bcher-kva.example", "user", "xn--bcher-kva.example"),
        ("user@[192.0.2.1]", "user", "[192.0.2.1]"),
        ("user@[IPv6:2001:DB8:0:0::1]", "user", "[IPv6:2001:db8::1]"),
        ("user@[ipv6:::1]", "user", "[IPv6:::1]"),
        ("user@localhost", "user", "localhost"),
        ("a" * 64 + "@example.org", "a" * 64, "example.org"),
        ("user@" + "a" * 63 + ".org", "user", "a" * 63 + ".org"),
    ],
)
def test_addresses_are_read(text: str, local: str, domain: str) -> None:
    assert parse(text) == Address(local, domain)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "user",
        "@example.org",
        "user@",
        "a@b@example.org",
        ".user@example.org",
        "user.@example.org",
        "us..er@example.org",
        "two words@example.org",
        '"open@example.org',
        '"no at"example.org',
        '"no domain"',
        '"line\nend"@example.org',
        "user@exa mple.org",
        "user@example..org",
        "user@-example.org",
        "user@example-.org",
        "user@exa_mple.org",
        "user@" + "a" * 64 + ".org",
        "user@" + ".".join(["a" * 60] * 5),
        "user@\u2024\u2024.example",
        "user@ex\u00adample\ufffd.org",
        "user@[192.0.2.1",
        "user@[192.0.2.256]",
        "user@[]",
        "user@[",
        "user@[IPv6:2001:db8::x]",
        "user@[2001:db8::1]",
        "user@[IPv6:fe80::1%eth0]",
        "user@[IPv6:fe80::1%> evil]",
        "user@[192.0.2.1]x]",
        "a" * 65 + "@example.org",
        "ö" * 33 + "@example.org",
        "us\ud800er@example.org",
        "user@example\ud800.org",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", None),
        ("user@example.org", Address("user", "example.org")),
        # RFC 5321 §4.1.1.3: postmaster needs no domain.
        ("Postmaster", Address("Postmaster", "")),
        # RFC 5321 §3.6.1: a source route is read and ignored.
        ("@one.example,@two.example:user@example.org", Address("user", "example.org")),
        ("@[192.0.2.1]:user@example.org", Address("user", "example.org")),
    ],
)
def test_paths_are_read(text: str, path: Address | None) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text", ["@one.example", "@one.example:", "@:user@example.org", "x" * 255, "user", "@a,b:user@example.org"]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_path(text)


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (Address("user", "example.org"), "user@example.org"),
        (Address("two words", "example.org"), '"two words"@example.org'),
        (Address('a"b\\c', "example.org"), r'"a\"b\\c"@example.org'),
        (Address("", "example.org"), '""@example.org'),
        (Address("postmaster", ""), "postmaster"),
        (Address("jörg", "example.org"), "jörg@example.org"),
    ],
)
def test_addresses_are_printed(value: Address, printed: str) -> None:
    assert str(value) == printed


@pytest.mark.parametrize(
    ("text", "key", "plain", "detail"),
    [
        ("User@example.org", "user", "user", ""),
        ("User+Shop+x@example.org", "user+shop+x", "user", "Shop+x"),
        ("+shop@example.org", "+shop", "+shop", ""),
        ("user+@example.org", "user+", "user", ""),
        # One letter with its accent, or a letter and an accent: the same name (RFC 6530 §8.1).
        ("Jo\u0308rg@example.org", "jörg", "jörg", ""),
    ],
)
def test_names_are_looked_up_in_one_spelling(text: str, key: str, plain: str, detail: str) -> None:
    read = parse(text)
    assert (read.key, read.without_detail(), read.detail) == (key, plain, detail)


def test_only_local_parts_beyond_ascii_need_smtputf8() -> None:
    assert parse("jörg@example.org").needs_smtputf8
    assert not parse("user@bücher.example").needs_smtputf8


@pytest.mark.parametrize(
    ("domain", "host"),
    [("[192.0.2.1]", "192.0.2.1"), ("[IPv6:2001:db8::1]", "2001:db8::1"), ("example.org", None)],
)
def test_a_literal_names_a_host(domain: str, host: str | None) -> None:
    assert address.literal_host(domain) == host


@pytest.mark.parametrize(
    ("domain", "shown"),
    [
        ("xn--bcher-kva.example", "bücher.example"),
        ("example.org", "example.org"),
        ("xn--a.example", "xn--a.example"),
        ("[192.0.2.1]", "[192.0.2.1]"),
    ],
)
def test_domains_are_shown_as_people_write_them(domain: str, shown: str) -> None:
    assert address.display_domain(domain) == shown


#: What a quoted string may hold (RFC 5321 §4.1.2, RFC 6531 §3.3).
LOCAL_PARTS = st.text(
    st.one_of(
        st.characters(min_codepoint=0x20, max_codepoint=0x7E),
        st.characters(min_codepoint=0x80, exclude_categories=["Cs"]),
    ),
    max_size=16,
)


@given(LOCAL_PARTS, st.sampled_from(["example.org", "xn--bcher-kva.example", "[192.0.2.1]", "[IPv6:2001:db8::1]"]))
def test_what_is_printed_is_read_again(local: str, domain: str) -> None:
    value = Address(local, domain)
    assert parse(str(value)) == value
