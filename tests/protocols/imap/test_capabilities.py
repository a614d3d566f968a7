"""What is announced in which state."""

import pytest

from mailservices.protocols.imap.capabilities import words

MECHANISMS = ("PLAIN", "LOGIN")


def told(**state: bool) -> set[str]:
    asked = {"compressed": False, "signed_in": False, "starttls": False, "may_sign_in": False, **state}
    return set(words(**asked, mechanisms=MECHANISMS, append_limit=7))


@pytest.mark.parametrize(
    ("state", "has", "has_not"),
    [
        ({}, {"LOGINDISABLED"}, {"STARTTLS", "AUTH=PLAIN", "UIDPLUS"}),
        # RFC 9051 §6.2.1: before TLS no password may be told.
        ({"starttls": True}, {"STARTTLS", "LOGINDISABLED"}, {"AUTH=PLAIN"}),
        ({"starttls": True, "may_sign_in": True}, {"STARTTLS", "AUTH=PLAIN", "AUTH=LOGIN"}, {"LOGINDISABLED"}),
        ({"may_sign_in": True}, {"AUTH=PLAIN"}, {"STARTTLS", "LOGINDISABLED"}),
        ({"signed_in": True, "compressed": True}, {"UIDPLUS"}, {"COMPRESS=DEFLATE"}),
        (
            {"signed_in": True, "starttls": True},
            {"COMPRESS=DEFLATE", "UIDPLUS", "MOVE", "APPENDLIMIT=7"},
            {"STARTTLS", "AUTH=PLAIN"},
        ),
    ],
)
def test_a_state_has_its_capabilities(state: dict[str, bool], has: set[str], has_not: set[str]) -> None:
    found = told(**state)
    assert {"IMAP4rev1", "IDLE", "LITERAL+"} | has <= found
    assert not has_not & found


def test_a_limit_is_announced_where_there_is_one() -> None:
    """RFC 9738 §2; nobody who has not signed in need know."""
    asked = {"starttls": False, "compressed": False, "may_sign_in": True}
    told = [
        set(words(signed_in=one, message_limit=9, mechanisms=(), append_limit=7, **asked)) for one in (True, False)
    ]
    assert ["MESSAGELIMIT=9" in one for one in told] == [True, False]


def test_what_is_withheld_is_not_announced() -> None:
    asked = {"signed_in": True, "starttls": False, "compressed": False, "may_sign_in": True}
    withheld = frozenset({"QUOTA", "IMAP4REV2", "THREAD=REFS"})
    found = words(**asked, mechanisms=MECHANISMS, append_limit=7, withheld=withheld)
    assert not {"QUOTA", "QUOTA=RES-STORAGE", "IMAP4rev2", "THREAD=REFS"} & set(found)
    assert {"IMAP4rev1", "THREAD=REFERENCES"} <= set(found)
