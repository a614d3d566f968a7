"""What travels around a message."""

from datetime import UTC, datetime, timedelta

from mailservices.mail.address import Address
from mailservices.mail.envelope import DeliverBy, Envelope, Hold, Recipient

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_return_path_of_the_null_sender_is_empty() -> None:
    assert Envelope(None).return_path == ""
    assert Envelope(Address("a b", "example.org")).return_path == '"a b"@example.org'


def test_envelopes_do_not_share_recipients() -> None:
    first, second = Envelope(None), Envelope(None)
    first.recipients.append(Recipient(Address("a", "example.org")))
    assert not second.recipients


def test_a_hold_is_for_a_time_or_until_a_moment() -> None:
    assert Hold(seconds=60).release(NOW) == NOW + timedelta(minutes=1)
    assert Hold(seconds=60).request == "for;60"
    assert Hold(until=NOW).release(NOW - timedelta(days=1)) == NOW
    assert Hold(until=NOW).request == "until;2026-01-02T03:04:05Z"


def test_a_time_for_delivery_has_a_mode() -> None:
    assert [DeliverBy(1, returned, traced).mode for returned in (True, False) for traced in (True, False)] == [
        "RT", "R", "NT", "N",
    ]  # fmt: skip
