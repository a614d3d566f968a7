"""Which hosts take mail: the flow's questions answered from a table (RFC 5321 §5.1, RFC 7505)."""

import pytest

from mailservices.mail.questions import Addresses, Answer, Found, Missing, Mx, Nothing, Question, Trouble
from mailservices.mail.route import ADDRESSES, HOSTS, Hop, NoRoute, find

Answers = dict[Question, Answer]

ONE = {Addresses("mx.far.test"): Found(("192.0.2.1",))}


def route(destination: str, answers: Answers, *, loopback: bool = False) -> list[Hop]:
    flow = find(destination, "us.test", loopback=loopback)
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
