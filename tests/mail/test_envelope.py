"""What travels around a message."""

from mailservices.mail.address import Address
from mailservices.mail.envelope import Envelope, Recipient


def test_the_return_path_of_the_null_sender_is_empty() -> None:
    assert Envelope(None).return_path == ""
    assert Envelope(Address("a b", "example.org")).return_path == '"a b"@example.org'


def test_envelopes_do_not_share_recipients() -> None:
    first, second = Envelope(None), Envelope(None)
    first.recipients.append(Recipient(Address("a", "example.org")))
    assert not second.recipients
