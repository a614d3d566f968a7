"""What refusals are about: the words of hosts that there are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail.bounces import PATTERNS, About, about


@pytest.mark.parametrize(
    ("stage", "status", "words", "found"),
    [
        ("rcpt", "5.1.1", "The email account that you tried to reach does not exist.", About.MAILBOX),
        ("rcpt", "5.0.0", "sorry, no such user here", About.MAILBOX),
        (
            "rcpt",
            "5.1.1",
            "<x@y.test>: Recipient address rejected: User unknown in virtual mailbox table",
            About.MAILBOX,
        ),
        ("rcpt", "5.5.0", "Requested action not taken: mailbox unavailable", About.OTHER),
        ("rcpt", "5.1.1", "Nobody of that name", About.MAILBOX),
        ("rcpt", "5.1.1", "", About.MAILBOX),
        ("rcpt", "4.0.0", "unknown user lookup failed", About.OTHER),
        ("rcpt", "5.2.2", "The email account that you tried to reach is over quota", About.FULL),
        ("rcpt", "4.2.2", "", About.FULL),
        ("rcpt", "4.7.1", "Greylisted, come again in 300 seconds", About.GREYLIST),
        ("final", "5.7.1", "Message rejected as spam by Content Filtering.", About.SPAM),
        ("rcpt", "5.7.1", "Service unavailable; Client host blocked using zen.spamhaus.org", About.REPUTATION),
        ("mail", "5.7.25", "The IP address does not have a PTR record", About.REPUTATION),
        ("final", "5.7.26", "Unauthenticated email is not accepted due to DMARC policy", About.AUTHENTICATION),
        ("mail", "5.7.23", "", About.AUTHENTICATION),
        ("mail", "4.7.28", "receiving mail at an unusual rate", About.RATE),
        ("mail", "4.7.0", "", About.RATE),
        ("rcpt", "5.7.1", "Relay access denied", About.POLICY),
        ("mail", "5.3.4", "", About.SIZE),
        ("data", "5.0.0", "Message size exceeds fixed maximum message size", About.SIZE),
        ("mail", "5.6.7", "takes no addresses beyond ASCII", About.CONTENT),
        ("final", "5.7.0", "This message contains malware", About.CONTENT),
        ("starttls", "4.7.5", "The TLS handshake failed", About.TLS),
        ("dns", "4.7.5", "no host of the policy", About.TLS),
        ("helo", "5.7.30", "does not promise", About.TLS),
        ("dns", "5.1.2", "The domain far.test does not exist.", About.DOMAIN),
        ("dns", "4.4.3", "cannot be looked up", About.NETWORK),
        ("connect", "4.4.1", "The host refused the connection", About.NETWORK),
        ("rcpt", "5.1.2", "", About.DOMAIN),
        ("mail", "4.3.2", "System not accepting messages", About.SYSTEM),
        ("final", "4.4.2", "The host closed the connection", About.NETWORK),
        ("rcpt", "", "", About.OTHER),
    ],
)
def test_what_a_refusal_is_about(stage: str, status: str, words: str, found: About) -> None:
    assert about(stage, status, words) is found


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=600))
def test_anything_is_about_something(stage: str, status: str, words: str) -> None:
    assert about(stage, status, words) in About


def test_each_kind_has_a_row() -> None:
    assert {one.about for one in PATTERNS} == set(About) - {About.OTHER}
