"""What is announced in which state."""

import pytest

from mailservices.protocols.imap.capabilities import words

MECHANISMS = ("PLAIN", "LOGIN")


def told(**state: bool) -> set[str]:
    asked = {"signed_in": False, "starttls": False, "may_sign_in": False, **state}
    return set(words(**asked, mechanisms=MECHANISMS, append_limit=7))


@pytest.mark.parametrize(
    ("state", "has", "has_not"),
    [
        ({}, {"LOGINDISABLED"}, {"STARTTLS", "AUTH=PLAIN", "UIDPLUS"}),
        # RFC 9051 §6.2.1: before TLS no password may be told.
        ({"starttls": True}, {"STARTTLS", "LOGINDISABLED"}, {"AUTH=PLAIN"}),
        ({"starttls": True, "may_sign_in": True}, {"STARTTLS", "AUTH=PLAIN", "AUTH=LOGIN"}, {"LOGINDISABLED"}),
        ({"may_sign_in": True}, {"AUTH=PLAIN"}, {"STARTTLS", "LOGINDISABLED"}),
        ({"signed_in": True, "starttls": True}, {"UIDPLUS", "MOVE", "APPENDLIMIT=7"}, {"STARTTLS", "AUTH=PLAIN"}),
    ],
)
def test_a_state_has_its_capabilities(state: dict[str, bool], has: set[str], has_not: set[str]) -> None:
    found = told(**state)
    assert {"IMAP4rev1", "IDLE", "LITERAL+"} | has <= found
    assert not has_not & found
