"""Which way a submission can leave so that all can read it, and into how many copies it goes."""

import pytest

from mailservices.mail.address import Address, parse
from mailservices.mail.envelope import Envelope, Recipient
from mailservices.mail.privacy_policy import Policy
from mailservices.mail.protecting import SigningKey
from mailservices.smtp import outgoing_privacy, ways
from mailservices.smtp.outgoing_privacy import Copy
from mailservices.smtp.ways import Author, Reader
from mailservices.store.directory import Mailbox, Route
from mailservices.store.ids import new_id
from mailservices.store.leaving_keys import OwnKey, Readers
from tests.mail_certificates import NOW, MailAuthority

AUTHORITY = MailAuthority()
KEYS = {name: AUTHORITY.issue(f"{name}@us.test").der for name in ("alice", "bob", "charlie")}


def box(name: str) -> Mailbox:
    return Mailbox(1, 1, f"{name}@us.test", None, None)


def known(*names: str) -> Readers:
    return Readers({(f"{name}@us.test", "smime"): [KEYS[name]] for name in names})


def keys(recipient: str, route: Route, readers: Readers) -> list[bytes]:
    places = list(ways._places(parse(recipient), route))
    return ways._keys(places, readers, "smime", NOW)


def test_a_recipients_key_is_that_of_the_address_or_of_all_whom_it_leads_to() -> None:
    to_two = Route((box("alice"),), (Address("bob", "us.test"),))
    assert keys("alice@us.test", Route((box("alice"),), ()), known("alice")) == [KEYS["alice"]]
    assert keys("Alice+detail@us.test", Route((box("alice"),), ()), known("alice")) == [KEYS["alice"]]
    assert keys("list@us.test", to_two, known("alice", "bob")) == [KEYS["alice"], KEYS["bob"]]
    assert keys("list@us.test", to_two, known("alice")) == []
    assert keys("list@us.test", Route((), ()), known("alice")) == []


def whole(header: bytes, *recipients: str) -> Copy:
    envelope = Envelope(parse("alice@us.test"), recipients=[Recipient(parse(one)) for one in recipients])
    return Copy(new_id(), envelope, [Route((), ()) for _ in recipients], b"", header, b"")


def groups(copy: Copy, *kinds: str) -> list[list[str]]:
    readers = [Reader(kind, [b"x"]) for kind in kinds or ["smime"] * len(copy.routes)]
    made = list(outgoing_privacy._each(copy, readers))
    assert made[0][0].trace_id == copy.trace_id
    assert len({one.trace_id for one, _ in made}) == len(made)
    assert all(len(one.routes) == len(of_them) == len(one.envelope.recipients) for one, of_them in made)
    assert all(len({reader.kind for reader in of_them}) == 1 for _, of_them in made)
    return [[str(recipient.address) for recipient in one.envelope.recipients] for one, _ in made]


def test_whoever_is_named_shares_a_copy() -> None:
    header = b"To: A <a@us.test>\r\nCc: B@us.test\r\n\r\n"
    assert groups(whole(header, "a@us.test", "b@us.test")) == [["a@us.test", "b@us.test"]]
    assert groups(whole(header, "c@us.test", "a@us.test", "d@us.test")) == [
        ["a@us.test"],
        ["c@us.test"],
        ["d@us.test"],
    ]
    assert groups(whole(b"\r\n", "a@us.test", "b@us.test")) == [["a@us.test"], ["b@us.test"]]


def test_whoever_reads_it_otherwise_has_another_copy() -> None:
    header = b"To: a@us.test, b@us.test, c@us.test\r\n\r\n"
    copy = whole(header, "a@us.test", "b@us.test", "c@us.test")
    assert groups(copy, "smime", "openpgp", "smime") == [["a@us.test", "c@us.test"], ["b@us.test"]]


def test_what_is_not_encrypted_needs_no_copies() -> None:
    copy = whole(b"\r\n", "a@us.test", "b@us.test")
    assert list(outgoing_privacy._each(copy, [])) == [(copy, ())]
    assert ways.named(copy.envelope, copy.header) == [False, False]


def test_one_way_for_all_is_taken_where_there_is_one() -> None:
    smime, openpgp = Reader("smime", [b"s"]), Reader("openpgp", [b"o"])
    chosen = ways._chosen
    assert chosen([[openpgp, smime], [smime]], ["openpgp", "smime"]) == [smime, smime]
    assert chosen([[openpgp, smime], [openpgp, smime]], ["openpgp", "smime"]) == [openpgp, openpgp]
    assert chosen([[openpgp], [smime]], ["openpgp", "smime"]) == [openpgp, smime]


def test_either_signs_as_it_is_encrypted() -> None:
    keys = [OwnKey(kind, b"", SigningKey(kind, b"", b"", b"")) for kind in ("openpgp", "smime")]

    def kind_of(sign: str, kind: str = "", *, signed: bool = False) -> str:
        signing = Author("", Policy(sign=sign), keys, signed).signing(kind)
        return signing.kind if signing else ""

    assert [kind_of("either", kind) for kind in ("", "smime", "openpgp")] == ["smime", "smime", "openpgp"]
    assert [kind_of("openpgp", kind) for kind in ("", "smime")] == ["openpgp", "openpgp"]
    assert kind_of("off") == kind_of("either", signed=True) == ""


@pytest.mark.parametrize(
    ("lack", "words"),
    [
        (["a@us.test"], "no key of a@us.test: add it first"),
        ([f"{name}@us.test" for name in "abcde"], "no key of a@us.test, b@us.test, c@us.test and 2 more: add it"),
        (["ä@us.test"], "no key of ?@us.test"),
        ([], "more than 50 recipients stand in neither To nor Cc"),
    ],
)
def test_a_refusal_says_what_to_do(lack: list[str], words: str) -> None:
    reply = ways._no_key(lack).reply
    assert (reply.code, reply.enhanced) == (550, "5.7.10")
    assert words in reply.text
    assert len(bytes(reply)) < 512
