"""Which hosts take mail: the flow's questions answered from a table (RFC 5321 §5.1, RFC 7505)."""

from dataclasses import replace

import pytest

from mailservices.mail.dane import Record
from mailservices.mail.questions import (
    Addresses,
    Answer,
    Cname,
    Flow,
    Found,
    Missing,
    Mx,
    Nothing,
    Question,
    Tlsa,
    Trouble,
)
from mailservices.mail.route import ADDRESSES, HOSTS, Hop, NoRoute, find, reach, tlsa
from tests.mail.asking import run

Answers = dict[Question, Answer]
Tlsas = tuple[str, tuple[Record, ...]] | None

ONE = {Addresses("mx.far.test"): Found(("192.0.2.1",))}


def route(destination: str, answers: Answers, *, loopback: bool = False) -> list[Hop]:
    return played(find(destination, "us.test", loopback=loopback), answers)


def played(flow: Flow[list[Hop]], answers: Answers) -> list[Hop]:
    try:
        question = next(flow)
        while True:
            question = flow.send(answers[question])
    except StopIteration as done:
        hops: list[Hop] = done.value
        return hops


def mx(*records: tuple[int, str]) -> Answers:
    return {Mx("far.test"): Found(records)}


def test_the_lowest_preference_comes_first() -> None:
    answers = {
        **mx((20, "b.test"), (10, "a.test")),
        Addresses("a.test"): Found(("192.0.2.1", "2001:db8::1")),
        Addresses("b.test"): Found(("192.0.2.2",)),
    }
    assert route("far.test", answers) == [
        Hop("a.test", "192.0.2.1"),
        Hop("a.test", "2001:db8::1"),
        Hop("b.test", "192.0.2.2"),
    ]


def test_hosts_of_one_preference_are_tried_in_any_order() -> None:
    answers = {
        **mx((10, "a.test"), (10, "b.test")),
        **{Addresses(host): Found(("192.0.2.1",)) for host in ("a.test", "b.test")},
    }
    assert {route("far.test", answers)[0].host for _ in range(200)} == {"a.test", "b.test"}


def test_only_so_many_hosts_and_addresses_are_tried() -> None:
    hosts = [f"mx{n}.test" for n in range(HOSTS + 3)]
    many = Found(tuple(f"192.0.2.{n}" for n in range(ADDRESSES + 3)))
    answers = {**mx(*((n, host) for n, host in enumerate(hosts))), **{Addresses(host): many for host in hosts}}
    assert len(route("far.test", answers)) == HOSTS * ADDRESSES


@pytest.mark.parametrize(
    ("answers", "host"),
    [
        # RFC 5321 §5.1: without an MX the domain is its own host.
        ({Mx("far.test"): Nothing(), Addresses("far.test"): Found(("192.0.2.1",))}, "far.test"),
        ({**mx((10, "gone.test"), (20, "mx.far.test")), **ONE, Addresses("gone.test"): Missing()}, "mx.far.test"),
        ({**mx((10, "gone.test"), (20, "mx.far.test")), **ONE, Addresses("gone.test"): Nothing()}, "mx.far.test"),
        (
            {**mx((10, "slow.test"), (20, "mx.far.test")), **ONE, Addresses("slow.test"): Trouble("x")},
            "mx.far.test",
        ),
        # What is no better than this host itself is left out.
        ({**mx((10, "mx.far.test"), (20, "us.test"), (20, "x.test"), (30, "y.test")), **ONE}, "mx.far.test"),
        # A root among others is no host.
        ({**mx((5, ""), (10, "mx.far.test")), **ONE}, "mx.far.test"),
    ],
)
def test_a_host_that_can_be_reached_is_found(answers: Answers, host: str) -> None:
    assert [(hop.host, hop.address) for hop in route("far.test", answers)] == [(host, "192.0.2.1")]


@pytest.mark.parametrize(
    ("mail_hosts", "host", "secure"),
    [
        (Found(((10, "mx.far.test"),)), "mx.far.test", False),
        (Found(((10, "mx.far.test"),), secure=True), "mx.far.test", True),
        # The name is the one that was asked for: nobody can put another in its place.
        (Nothing(), "far.test", True),
    ],
)
def test_a_name_is_sure_if_it_is_signed_or_the_domains_own(mail_hosts: Answer, host: str, secure: bool) -> None:
    answers = {Mx("far.test"): mail_hosts, Addresses(host): Found(("192.0.2.1",))}
    assert route("far.test", answers) == [Hop(host, "192.0.2.1", secure)]


@pytest.mark.parametrize(
    ("destination", "answers", "enhanced"),
    [
        ("far.test", {Mx("far.test"): Missing()}, "5.1.2"),
        ("far.test", {Mx("far.test"): Trouble("SERVFAIL")}, "4.4.3"),
        # RFC 7505 §4: the null MX.
        ("far.test", mx((0, "")), "5.1.10"),
        ("far.test", {**mx((10, "slow.test")), Addresses("slow.test"): Trouble("timeout")}, "4.4.3"),
        ("far.test", {**mx((10, "gone.test")), Addresses("gone.test"): Missing()}, "5.4.4"),
        # RFC 5321 §5.1: a loop.
        ("far.test", mx((10, "us.test"), (20, "x.test")), "5.4.6"),
        ("us.test", {Mx("us.test"): Nothing()}, "5.4.6"),
        # A stranger's DNS must not make us talk to ourselves.
        ("far.test", {**mx((10, "mx.far.test")), Addresses("mx.far.test"): Found(("127.0.0.1", "::1"))}, "5.4.4"),
        (
            "far.test",
            {**mx((10, "mx.far.test")), Addresses("mx.far.test"): Found(("0.0.0.0", "224.0.0.1"))},
            "5.4.4",
        ),
        ("far.test", {**mx((10, "mx.far.test")), Addresses("mx.far.test"): Found(("nonsense",))}, "5.4.4"),
        ("[127.0.0.1]", {}, "5.4.4"),
        ("[IPv6:::1]", {}, "5.4.4"),
    ],
)
def test_there_is_no_way(destination: str, answers: Answers, enhanced: str) -> None:
    with pytest.raises(NoRoute) as caught:
        route(destination, answers)
    assert caught.value.enhanced == enhanced
    assert caught.value.permanent == enhanced.startswith("5")
    assert str(caught.value) == caught.value.words


@pytest.mark.parametrize(
    ("destination", "address"), [("[192.0.2.1]", "192.0.2.1"), ("[IPv6:2001:db8::1]", "2001:db8::1")]
)
def test_an_address_literal_is_its_own_way(destination: str, address: str) -> None:
    assert route(destination, {}) == [Hop(destination, address)]


def test_a_trial_may_talk_to_this_machine() -> None:
    assert route("[127.0.0.1]", {}, loopback=True) == [Hop("[127.0.0.1]", "127.0.0.1")]


def test_a_host_that_was_named_is_asked_for_its_addresses_only() -> None:
    answers: Answers = {Addresses("relay.test"): Found(("192.0.2.1", "127.0.0.1"))}
    assert played(reach("relay.test"), answers) == [Hop("relay.test", "192.0.2.1", secure=True)]
    assert len(played(reach("relay.test", loopback=True), answers)) == 2
    assert played(reach("127.0.0.1"), {}) == [Hop("127.0.0.1", "127.0.0.1", secure=True)]
    assert played(reach("2001:db8::1"), {}) == [Hop("2001:db8::1", "2001:db8::1", secure=True)]


def test_mail_waits_for_a_host_that_was_named_and_is_not_there() -> None:
    with pytest.raises(NoRoute) as caught:
        played(reach("relay.test"), {Addresses("relay.test"): Missing()})
    assert (caught.value.enhanced, caught.value.permanent) == ("4.4.4", False)


SIGNED = Hop("mx.far.test", "192.0.2.1", secure=True, signed=True)
WHERE = Tlsa("_25._tcp.mx.far.test")
GOOD = b"\x03\x01\x01" + bytes(32)


def test_signed_addresses_are_told() -> None:
    answers: Answers = {**mx((10, "mx.far.test")), Addresses("mx.far.test"): Found(("192.0.2.1",), secure=True)}
    assert route("far.test", answers) == [Hop("mx.far.test", "192.0.2.1", secure=False, signed=True)]


@pytest.mark.parametrize(
    ("hop", "answer", "records"),
    [
        (SIGNED, Found((GOOD,), secure=True), ("mx.far.test", (Record(3, 1, 1, bytes(32)),))),
        (SIGNED, Found((GOOD,), secure=False), None),
        (SIGNED, Found((b"\1" + GOOD[1:],), secure=True), ("mx.far.test", ())),
        (SIGNED, Nothing(), None),
        (SIGNED, Missing(), None),
        (Hop("mx.far.test", "192.0.2.1", secure=True, signed=False), None, None),
        (Hop("mx.far.test", "192.0.2.1", secure=False, signed=True), None, None),
    ],
)
def test_only_signed_records_of_signed_hosts_count(hop: Hop, answer: Answer | None, records: Tlsas) -> None:
    assert answered(tlsa(hop, 25), answer) == records


def test_a_host_of_which_nobody_can_tell_is_not_used() -> None:
    with pytest.raises(NoRoute) as caught:
        answered(tlsa(SIGNED, 25), Trouble("SERVFAIL"))
    assert caught.value.enhanced == "4.7.5"


ALIAS = Hop("mx.far.test", "192.0.2.1", secure=True, signed=True, canonical="real.test")
BEHIND, BEFORE = Tlsa("_25._tcp.real.test"), Tlsa("_25._tcp.mx.far.test")
RECORD = (Record(3, 1, 1, bytes(32)),)


@pytest.mark.parametrize(
    ("hop", "answers", "found"),
    [
        (ALIAS, {BEHIND: Found((GOOD,), secure=True)}, ("real.test", RECORD)),
        (ALIAS, {BEFORE: Found((GOOD,), secure=True)}, ("mx.far.test", RECORD)),
        (ALIAS, {BEHIND: Found((GOOD,)), BEFORE: Found((GOOD,), secure=True)}, ("mx.far.test", RECORD)),
        (ALIAS, {}, None),
        (
            replace(ALIAS, signed=False),
            {Cname("mx.far.test"): Found(("real.test",), secure=True), BEFORE: Found((GOOD,), secure=True)},
            ("mx.far.test", RECORD),
        ),
        (
            replace(ALIAS, signed=False),
            {Cname("mx.far.test"): Found(("real.test",)), BEFORE: Found((GOOD,), secure=True)},
            None,
        ),
    ],
)
def test_records_lie_where_signed_aliases_lead(hop: Hop, answers: Answers, found: Tlsas) -> None:
    assert run(tlsa(hop, 25), answers)[0] == found


def test_an_alias_of_which_nobody_can_tell_is_not_used() -> None:
    with pytest.raises(NoRoute, match="Where"):
        run(tlsa(replace(ALIAS, signed=False), 25), {Cname("mx.far.test"): Trouble("SERVFAIL")})


def test_the_name_to_which_aliases_led_is_told() -> None:
    answers: Answers = {
        **mx((10, "mx.far.test")),
        Addresses("mx.far.test"): Found(("192.0.2.1",), canonical="r.test"),
    }
    assert route("far.test", answers) == [Hop("mx.far.test", "192.0.2.1", canonical="r.test")]


def answered(flow: Flow[Tlsas], answer: Answer | None) -> Tlsas:
    try:
        assert next(flow) == WHERE
        assert answer is not None
        flow.send(answer)
    except StopIteration as done:
        found: tuple[Record, ...] | None = done.value
        return found
    raise AssertionError
