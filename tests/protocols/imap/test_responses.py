"""Responses as octets (RFC 9051 §7)."""

from mailservices.mail.flags import SEEN
from mailservices.protocols.imap import responses
from mailservices.protocols.imap.view import Exists, Expunged, NewFlags


def test_status_responses() -> None:
    assert responses.tagged(b"a1", "OK", "Done.") == b"a1 OK Done.\r\n"
    assert responses.tagged(b"a1", "NO", "No.", "TRYCREATE") == b"a1 NO [TRYCREATE] No.\r\n"
    assert responses.untagged("OK", "Here.", b"UIDNEXT 7") == b"* OK [UIDNEXT 7] Here.\r\n"
    assert responses.untagged("BYE", "Bye.") == b"* BYE Bye.\r\n"


def test_continuations() -> None:
    assert responses.continuation() == b"+ Ready\r\n"
    assert responses.continuation(b"") == b"+ \r\n"


def test_data_responses() -> None:
    assert responses.capability(["IMAP4rev1", "IDLE"]) == b"* CAPABILITY IMAP4rev1 IDLE\r\n"
    assert responses.mailbox('Büro "1"') == b'"B&APw-ro \\"1\\""'
    assert responses.list_line(b"LIST", ["\\HasChildren", "\\Sent"], "a/b") == (
        b'* LIST (\\HasChildren \\Sent) "/" "a/b"\r\n'
    )
    assert responses.list_line(b"LSUB", [], "a") == b'* LSUB () "/" "a"\r\n'
    assert responses.status("a", [("MESSAGES", 3), ("UNSEEN", 0)]) == b'* STATUS "a" (MESSAGES 3 UNSEEN 0)\r\n'
    assert responses.search([]) == b"* SEARCH\r\n"
    assert responses.search([2, 84, 882]) == b"* SEARCH 2 84 882\r\n"


def test_what_a_client_is_told_of_changes() -> None:
    events = [Expunged(3), Exists(23), NewFlags(2, 7, SEEN, ("a",))]
    assert responses.told(events, with_uid=False) == (
        b"* 3 EXPUNGE\r\n* 23 EXISTS\r\n* 2 FETCH (FLAGS (\\Seen a))\r\n"
    )
    # RFC 9051 §6.4.9: what a UID command brings tells the UID.
    assert responses.told(events[2:], with_uid=True) == b"* 2 FETCH (UID 7 FLAGS (\\Seen a))\r\n"
    assert responses.told([], with_uid=False) == b""
