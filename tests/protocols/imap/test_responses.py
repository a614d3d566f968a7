"""Responses as octets (RFC 9051 §7)."""

from mailservices.mail.flags import SEEN
from mailservices.mail.search import All
from mailservices.protocols.imap import responses
from mailservices.protocols.imap.contexts import Context
from mailservices.protocols.imap.responses import Style
from mailservices.protocols.imap.view import Exists, Expunged, NewFlags, NewModseq


def test_status_responses() -> None:
    assert responses.tagged(b"a1", "OK", "Done.") == b"a1 OK Done.\r\n"
    assert responses.tagged(b"a1", "NO", "No.", "TRYCREATE") == b"a1 NO [TRYCREATE] No.\r\n"
    assert responses.untagged("OK", "Here.", b"UIDNEXT 7") == b"* OK [UIDNEXT 7] Here.\r\n"
    assert responses.untagged("BYE", "Bye.") == b"* BYE Bye.\r\n"


def test_continuations() -> None:
    assert responses.continuation() == b"+ Ready\r\n"
    assert responses.continuation(b"") == b"+ \r\n"


def test_data_responses() -> None:
    assert responses.capability(["IMAP4rev2", "IMAP4rev1", "IDLE"]) == b"* CAPABILITY IMAP4rev2 IMAP4rev1 IDLE\r\n"
    assert responses.mailbox('Büro "1"') == b'"B&APw-ro \\"1\\""'
    assert responses.mailbox('Entw\u00fcrfe \\"', utf8=True) == '"Entw\u00fcrfe \\\\\\""'.encode()
    assert responses.mailbox("R&D", utf8=True) == b'"R&D"'
    old = responses.oldname("\u00fc", utf8=True)
    assert (
        responses.list_line(b"LIST", [], "a", old, utf8=True)
        == '* LIST () "/" "a" ("OLDNAME" ("\u00fc"))\r\n'.encode()
    )
    assert responses.status("\u00fc", [("SIZE", 1)], utf8=True) == '* STATUS "\u00fc" (SIZE 1)\r\n'.encode()
    assert responses.list_line(b"LIST", ["\\HasChildren", "\\Sent"], "a/b") == (
        b'* LIST (\\HasChildren \\Sent) "/" "a/b"\r\n'
    )
    more = responses.childinfo(["SPECIAL-USE", "SUBSCRIBED"])
    assert responses.list_line(b"LIST", [], "a", more) == (
        b'* LIST () "/" "a" ("CHILDINFO" ("SPECIAL-USE" "SUBSCRIBED"))\r\n'
    )
    assert responses.list_line(b"LSUB", [], "a") == b'* LSUB () "/" "a"\r\n'
    assert responses.status("a", [("MESSAGES", 3), ("UNSEEN", 0)]) == b'* STATUS "a" (MESSAGES 3 UNSEEN 0)\r\n'
    items = [b"MIN 2", b"COUNT 3"]
    assert responses.esearch(b"a1", items, by_uid=False) == b'* ESEARCH (TAG "a1") MIN 2 COUNT 3\r\n'
    assert responses.esearch(b"a1", [], by_uid=True) == b'* ESEARCH (TAG "a1") UID\r\n'
    assert responses.quota(b"", [("STORAGE", 1, 2), ("MAILBOX", 3, 4)]) == (
        b'* QUOTA "" (STORAGE 1 2 MAILBOX 3 4)\r\n'
    )
    values = [("/private/a", b"x"), ("/shared/b", None), ("/shared/c", b"\0")]
    assert (
        responses.metadata("", values) == b'* METADATA "" (/private/a "x" /shared/b NIL /shared/c ~{1}\r\n\0)\r\n'
    )
    assert responses.metadata_changed("a", ["/shared/b", "/shared/c"]) == b'* METADATA "a" /shared/b /shared/c\r\n'
    assert responses.my_rights("a b", "lr") == b'* MYRIGHTS "a b" lr\r\n'
    place = responses.in_folder("\u00fc", 7, utf8=False)
    assert responses.esearch(b"a1", [b"ALL 1"], by_uid=True, place=place) == (
        b'* ESEARCH (TAG "a1" MAILBOX "&APw-" UIDVALIDITY 7) UID ALL 1\r\n'
    )
    assert responses.search([]) == b"* SEARCH\r\n"
    assert responses.search([2], 7) == b"* SEARCH 2 (MODSEQ 7)\r\n"
    assert responses.search([2, 84, 882]) == b"* SEARCH 2 84 882\r\n"
    assert responses.search([84, 2], 7, kind=b"SORT") == b"* SORT 84 2 (MODSEQ 7)\r\n"


def test_what_a_client_is_told_of_changes() -> None:
    events = [Expunged(3, 6), Exists(23), NewFlags(2, 7, SEEN, ("a",), 9)]
    assert responses.told(events, Style()) == (b"* 3 EXPUNGE\r\n* 23 EXISTS\r\n* 2 FETCH (FLAGS (\\Seen a))\r\n")
    # RFC 9051 §6.4.9: what a UID command brings tells the UID.
    assert responses.told(events[2:], Style(with_uid=True)) == (b"* 2 FETCH (UID 7 FLAGS (\\Seen a))\r\n")
    # RFC 7162 §3.2: whoever knows of CONDSTORE is told when.
    assert responses.told([*events[2:], NewModseq(3, 8, 10)], Style(with_uid=True, with_modseq=True)) == (
        b"* 2 FETCH (UID 7 FLAGS (\\Seen a) MODSEQ (9))\r\n* 3 FETCH (UID 8 MODSEQ (10))\r\n"
    )
    assert responses.told([], Style()) == b""
    # RFC 9586 §3.3
    assert responses.told(events, Style(with_uid=True, vanished=True, uid_only=True)) == (
        b"* VANISHED 6\r\n* 23 EXISTS\r\n* 7 UIDFETCH (FLAGS (\\Seen a))\r\n"
    )
    assert responses.in_progress(b"a1", 7, 9) == b'* OK [INPROGRESS ("a1" 7 9)] Still at it.\r\n'
    assert responses.in_progress(b"a1", 7, None) == b'* OK [INPROGRESS ("a1" 7 NIL)] Still at it.\r\n'
    # RFC 7162 §3.2.10: UIDs instead of numbers.
    gone = [Expunged(5, 9), Expunged(2, 4), Expunged(1, 3), Exists(4)]
    assert responses.told(gone, Style(vanished=True)) == b"* VANISHED 3:4,9\r\n* 4 EXISTS\r\n"
    assert responses.told([Exists(4)], Style(vanished=True)) == b"* 4 EXISTS\r\n"
    assert responses.vanished([(1, 1), (3, 5)], earlier=True) == b"* VANISHED (EARLIER) 1,3:5\r\n"


def test_what_a_client_is_told_of_a_search_that_it_keeps() -> None:
    """RFC 5267 §4.3."""
    numbers, uids = (Context(b"a1", All(), (), by_uid, [], 1) for by_uid in (False, True))
    changes = [(1, [7, 8, 2]), (5, [4])]
    assert responses.context(numbers, b"ADDTO", changes, lambda uid: uid + 10) == (
        b'* ESEARCH (TAG "a1") ADDTO (1 17:18,12 5 14)\r\n'
    )
    assert responses.context(uids, b"REMOVEFROM", changes, lambda uid: 0) == (
        b'* ESEARCH (TAG "a1") UID REMOVEFROM (1 7:8,2 5 4)\r\n'
    )


def test_batches_of_uids() -> None:
    """RFC 9957 §3.1."""
    assert responses.uid_batches(b"a1", [(9, 7), (6, 1)]) == b'* UIDBATCHES (TAG "a1") 9:7,6:1\r\n'
    assert responses.uid_batches(b"a1", []) == b'* UIDBATCHES (TAG "a1")\r\n'
