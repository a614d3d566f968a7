"""What hooks are told, how it is signed, where it may go, and when it is told again."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from mailservices.mail import webhooks
from mailservices.mail.errors import ProtocolError
from mailservices.mail.vocabulary import QueueState
from mailservices.mail.webhooks import PAUSES, Happening, Kind, target

AT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


def test_a_body_tells_what_happened() -> None:
    one = Happening(
        Kind.FAILED, AT, "ab12", "a@Us.test", "b@Far.test", "<1@us.test>", "Q1", "550 5.1.1 No\0body ü"
    )
    assert json.loads(one.body()) == {
        "type": "recipient.failed",
        "timestamp": "2026-05-04T03:02:01+00:00",
        "data": {
            "message": "ab12", "sender": "a@Us.test", "recipient": "b@Far.test", "message_id": "<1@us.test>",
            "envid": "Q1", "reply": "550 5.1.1 No\0body ü",
        },
    }  # fmt: skip
    assert one.body().isascii()
    assert one.body().isprintable()
    assert one.domains == ("us.test", "far.test")
    assert Happening(Kind.QUEUED, AT).domains == ("", "")
    assert json.loads(Happening(Kind.TEST, AT).body())["type"] == "test"


def test_every_state_has_a_kind() -> None:
    assert set(webhooks.OF_STATE) == set(QueueState)
    assert Kind.TEST not in webhooks.KINDS


def test_a_signature_is_that_of_standard_webhooks() -> None:
    """The example of its specification's libraries."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    made = webhooks.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert webhooks.told_secret(secret) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_pauses_grow_and_end() -> None:
    assert list(PAUSES) == sorted(PAUSES)
    assert webhooks.next_try(1, AT) == AT + PAUSES[0]
    assert webhooks.next_try(len(PAUSES), AT) == AT + PAUSES[-1]
    assert webhooks.next_try(len(PAUSES) + 1, AT) is None
    assert timedelta(days=3) < sum(PAUSES, timedelta()) < webhooks.PATIENCE


@pytest.mark.parametrize(
    ("url", "normal", "port"),
    [
        ("https://Hook.TEST", "https://hook.test/", 443),
        ("https://hook.test:443/a?b=c", "https://hook.test/a?b=c", 443),
        ("http://hook.test:8080/a", "http://hook.test:8080/a", 8080),
        ("http://[2001:DB8::1]/a", "http://[2001:db8::1]/a", 80),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443/", 8443),
        ("http://192.0.2.1:443/", "http://192.0.2.1:443/", 443),
    ],
)
def test_a_url_is_taken_apart(url: str, normal: str, port: int) -> None:
    found = target(url)
    assert (str(found), found.port) == (normal, port)
    assert found.secure == url.startswith("https")


@pytest.mark.parametrize(
    "url",
    [
        "hook.test", "ftp://hook.test/", "https:///a", "https://user:secret@hook.test/", "https://hook.test/#a",
        "https://hook.test:port/", "https://hook.test/a b", "https://hook.test/\r\nX: y", "https://hoök.test/",
        "https://[::1/", "https://a..b/", "https://hook.test/" + "a" * 1000,
    ],
)  # fmt: skip
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ProtocolError):
        target(url)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_the_world_is_public(address: str) -> None:
    assert webhooks.is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "255.255.255.255", "224.0.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1",
        "ff0e::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "2001:0:1::1",
        "2001:db8::1",
    ],
)  # fmt: skip
def test_what_is_ours_or_nobodys_is_not(address: str) -> None:
    assert not webhooks.is_public(address)
