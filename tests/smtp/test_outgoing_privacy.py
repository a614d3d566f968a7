"""Which way a submission can leave so that all can read it, and into how many copies it goes."""

import pytest

from mailservices.mail.address import Address, parse
from mailservices.mail.envelope import Envelope, Recipient
from mailservices.mail.privacy_policy import Policy
from mailservices.smtp import outgoing_privacy
from mailservices.smtp.outgoing_privacy import Copy
from mailservices.store.directory import Mailbox, Route
from mailservices.store.ids import new_id
from mailservices.store.leaving_keys import Readers
from tests.mail_certificates import NOW, MailAuthority

AUTHORITY = MailAuthority()
KEYS = {name: AUTHORITY.issue(f"{name}@us.test").der for name in ("alice", "bob", "charlie")}


def box(name: str) -> Mailbox:
    return Mailbox(1, 1, f"{name}@us.test", None, None)


def known(*names: str) -> Readers:
    return Readers({(f"{name}@us.test", "smime"): [KEYS[name]] for name in names})


def keys(recipient: str, route: Route, readers: Readers) -> list[bytes]:
    places = list(outgoing_privacy._places(parse(recipient), route))
    return outgoing_privacy._keys(places, readers, "smime", NOW)


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


def groups(copy: Copy) -> list[list[str]]:
    way = outgoing_privacy._Way(Policy(), None, "smime", (), [[b"x"] for _ in copy.routes])
    made = list(outgoing_privacy._each(copy, way))
    assert made[0][0].trace_id == copy.trace_id
    assert len({one.trace_id for one, _ in made}) == len(made)
    assert all(len(one.routes) == len(to.readers) == len(one.envelope.recipients) for one, to in made)
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


def test_what_is_not_encrypted_needs_no_copies() -> None:
    copy = whole(b"\r\n", "a@us.test", "b@us.test")
    assert list(outgoing_privacy._each(copy, outgoing_privacy._Way(Policy()))) == [
        (copy, outgoing_privacy._Way(Policy()))
    ]
    assert outgoing_privacy._hidden(copy) == 2


@pytest.mark.parametrize(
    ("lack", "hidden", "words"),
    [
        (["a@us.test"], 0, "no key of a@us.test: add it first"),
        (
            [f"{name}@us.test" for name in "abcde"],
            0,
            "no key of a@us.test, b@us.test, c@us.test and 2 more",
        ),
        (["ä@us.test"], 0, "no key of ?@us.test"),
        ([], outgoing_privacy.HIDDEN + 1, "more than 50 recipients stand in neither To nor Cc"),
        ([], 0, "write to them apart"),
    ],
)
def test_a_refusal_says_what_to_do(lack: list[str], hidden: int, words: str) -> None:
    reply = outgoing_privacy._no_key(lack, hidden).reply
    assert (reply.code, reply.enhanced) == (550, "5.7.10")
    assert words in reply.text
    assert len(bytes(reply)) < 512
