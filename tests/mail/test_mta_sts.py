"""MTA-STS: records and policies (RFC 8461)."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail import mta_sts
from mailservices.mail.errors import ProtocolError
from mailservices.mail.mta_sts import HOSTS, LONGEST, POLICY_OCTETS, Mode, Policy, parse, record_id


@pytest.mark.parametrize(
    ("records", "found"),
    [
        ([b"v=STSv1; id=20160831085700Z;"], "20160831085700Z"),
        ([b"v=STSv1;id=a"], "a"),
        ([b"v=spf1 -all", b"v=STSv1; id=a; more=1"], "a"),
        ([b"v=STSv1; more=1 ; id = a ;"], "a"),
        ([], ""),
        ([b"v=STSv1;"], ""),
        ([b"v=STSv1; id=;"], ""),
        ([b"v=STSv1; id=a-b;"], ""),
        ([b"v=STSv1; id=" + b"a" * 33], ""),
        ([b"v=STSv2; id=a;"], ""),
        # RFC 8461 §3.1: several are as none.
        ([b"v=STSv1; id=a;", b"v=STSv1; id=b;"], ""),
    ],
)
def test_a_record_says_whether_there_is_a_policy(records: list[bytes], found: str) -> None:
    assert record_id(records) == found


EXAMPLE = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


def test_the_policy_of_the_rfc_is_read() -> None:
    policy = parse(EXAMPLE)
    assert policy == Policy(Mode.ENFORCE, ("mail.example.com", "*.example.net"), timedelta(days=7))
    assert policy.names("mail.example.com")
    assert policy.names("mx.example.net")
    assert not policy.names("example.net")
    assert not policy.names("a.mx.example.net")
    assert not policy.names("mail.example.org")


@pytest.mark.parametrize(
    ("octets", "policy"),
    [
        (b"mode:none\nversion:STSv1\nmax_age:1\n\n", Policy(Mode.NONE, (), timedelta(seconds=1))),
        (
            b"version: STSv1\nmode: testing\nmode: enforce\nmx: A.test.\nmax_age: 9999999999\nnew: thing",
            Policy(Mode.TESTING, ("a.test",), LONGEST),
        ),
    ],
)
def test_other_policies_are_read(octets: bytes, policy: Policy) -> None:
    assert parse(octets) == policy


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"<html>",
        b"version: STSv1\nmode: enforce\nmax_age: 1\n",
        b"version: STSv1\nmode: maybe\nmx: a.test\nmax_age: 1\n",
        b"version: STSv2\nmode: enforce\nmx: a.test\nmax_age: 1\n",
        b"version: STSv1\nmode: enforce\nmx: a.test\n",
        b"version: STSv1\nmode: enforce\nmx: a.test\nmax_age: soon\n",
        b"version: STSv1\nmode: enforce\nmx: a.test\nmax_age: 99999999999\n",
        b"version: STSv1\nmode: enforce\nmx: *\nmax_age: 1\n",
        b"version: STSv1\nmode: enforce\nmx: a.*.test\nmax_age: 1\n",
        b"version: STSv1\nmode: enforce\nmax_age: 1\n" + b"mx: a.test\n" * (HOSTS + 1),
        b"x" * (POLICY_OCTETS + 1),
    ],
)
def test_what_is_no_policy_is_refused(octets: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(octets)


@given(st.binary(max_size=300))
def test_anything_is_read_or_refused(octets: bytes) -> None:
    try:
        parse(octets)
        parse(EXAMPLE + octets)
    except ProtocolError:
        pass


def test_names() -> None:
    assert (mta_sts.name("a.test"), mta_sts.host("a.test")) == ("_mta-sts.a.test", "mta-sts.a.test")
