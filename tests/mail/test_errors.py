"""The tree of what can go wrong: every leaf has its answer in every protocol, and the drawing is the tree."""

import re
from collections.abc import Iterator

import pytest

from mailservices.mail import codes, errors
from mailservices.mail.errors import BadMessage, MailError, Permanent, ProtocolError, Temporary, Unavailable

#: Response codes of RFC 5530, RFC 7889, RFC 6154 and RFC 9051 §7.1 that a NO may carry.
IMAP = {
    "UNAVAILABLE", "OVERQUOTA", "LIMIT", "INUSE", "AUTHENTICATIONFAILED", "PRIVACYREQUIRED", "NONEXISTENT",
    "CONTACTADMIN", "NOPERM", "TOOBIG", "CANNOT", "ALREADYEXISTS", "USEATTR", "EXPUNGEISSUED",
}  # fmt: skip
#: RFC 2449 §8, RFC 3206 §4 and §5.
POP3 = {"SYS/TEMP", "SYS/PERM", "IN-USE", "LOGIN-DELAY", "AUTH"}


def leaves(kind: type[MailError]) -> Iterator[type[MailError]]:
    below = kind.__subclasses__()
    for one in below:
        yield from leaves(one)
    if not below:
        yield kind


LEAVES = sorted(leaves(MailError), key=lambda leaf: leaf.__name__)


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.__name__)
def test_a_leaf_has_its_reply_in_smtp_imap_and_pop3(leaf: type[MailError]) -> None:
    error = leaf()
    assert error.reply.code // 100 == (4 if issubclass(leaf, Temporary) else 5)
    assert error.reply.enhanced[0] == str(error.reply.code)[0]
    assert error.imap in IMAP
    assert error.pop3 in POP3
    assert error.words == str(error) == error.reply.text
    # RFC 3206 §4: a client that is told SYS/TEMP tries again, one that is told SYS/PERM does not.
    assert issubclass(leaf, Temporary) == (error.pop3 in ("SYS/TEMP", "IN-USE", "LOGIN-DELAY"))


def test_every_error_is_temporary_or_permanent() -> None:
    assert set(MailError.__subclasses__()) == {Temporary, Permanent}


def test_the_drawing_is_the_tree() -> None:
    drawn = re.findall(r"[├└]── (\w+)", str(errors.__doc__))
    assert sorted(drawn) == sorted([*(leaf.__name__ for leaf in LEAVES), "Temporary", "Permanent"])


def test_unknown_means_temporary() -> None:
    assert MailError().reply == Unavailable().reply == codes.UNAVAILABLE


def test_who_raises_may_say_more() -> None:
    error = BadMessage(codes.LOOP)
    assert (error.reply, error.words) == (codes.LOOP, codes.LOOP.text)
    assert BadMessage(words="So it is.").words == "So it is."


def test_a_protocol_error_is_no_fate_of_mail() -> None:
    assert not issubclass(ProtocolError, MailError)
