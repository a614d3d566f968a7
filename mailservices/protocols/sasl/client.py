"""Our own sign-ins, at hosts that send mail on for us: the client's side of the mechanisms. Sans-IO.

A talk yields what to send: first its initial response, or None where the host speaks first (RFC 4954 §4); then an
answer to each challenge that it is sent. It raises ProtocolError where the host is not who it should be.
"""

import hmac
import re
from collections.abc import Collection, Generator
from dataclasses import dataclass
from typing import Final, TypeAlias

from scramp import ScramClient, ScramException

from mailservices.mail.errors import ProtocolError
from mailservices.mail.routing import MECHANISMS, NEED_TLS

Talk: TypeAlias = Generator[bytes | None, bytes, None]

#: What a host may make us compute (RFC 5802 §9 has the client on its guard).
ITERATIONS_LIMIT: Final = 1_000_000
XOAUTH2: Final = "XOAUTH2"
_ITERATIONS: Final = re.compile(r"(?:^|,)i=(\d{1,9})(?:,|$)", re.ASCII)


@dataclass(frozen=True, slots=True)
class SignIn:
    """A mechanism, and its talk."""

    mechanism: str
    talk: Talk
    #: The host has to prove itself: success counts only once the talk has ended.
    mutual: bool = False


def choose(offered: Collection[str], wanted: str, name: str, secret: str, *, secured: bool) -> SignIn | None:
    """The best way to sign in that both sides know; None where there is none.

    Args:
        offered: as the host announces them, in capitals.
        wanted: one mechanism, or empty for the best. XOAUTH2 only where it is wanted: its secret is a token.
    """
    for mechanism in (wanted,) if wanted else [one for one in MECHANISMS if one != XOAUTH2]:
        if mechanism in offered and (secured or mechanism not in NEED_TLS):
            return _sign_in(mechanism, name, secret)
    return None


def _sign_in(mechanism: str, name: str, secret: str) -> SignIn:
    match mechanism:
        case "PLAIN":
            talk = plain(name, secret)
        case "LOGIN":
            talk = login(name, secret)
        case "CRAM-MD5":
            talk = cram_md5(name, secret)
        case "XOAUTH2":
            talk = xoauth2(name, secret)
        case _:
            return SignIn(mechanism, scram(mechanism, name, secret), mutual=True)
    return SignIn(mechanism, talk)


def plain(name: str, password: str) -> Talk:
    """RFC 4616 §2."""
    yield f"\0{name}\0{password}".encode()


def login(name: str, password: str) -> Talk:
    """Two questions, whatever their words."""
    yield None
    yield name.encode()
    yield password.encode()


def cram_md5(name: str, password: str) -> Talk:
    """RFC 2195 §2."""
    challenge = yield None
    yield f"{name} {hmac.new(password.encode(), challenge, 'md5').hexdigest()}".encode()


def xoauth2(name: str, token: str) -> Talk:
    """What large providers want: a bearer token. A challenge after it is an error in JSON, to be acknowledged."""
    yield f"user={name}\1auth=Bearer {token}\1\1".encode()
    yield b""


def scram(mechanism: str, name: str, password: str, nonce: str | None = None) -> Talk:
    """RFC 5802 §5, without channel binding; the host's own proof is checked.

    Args:
        nonce: our part; made where none is given.
    """
    try:
        client = ScramClient([mechanism], name, password, c_nonce=nonce)
        first = _text((yield client.get_client_first().encode()))
        count = _ITERATIONS.search(first)
        if not count or int(count[1]) > ITERATIONS_LIMIT:
            raise ProtocolError("The host wants more iterations than anybody should.")
        client.set_server_first(first)
        client.set_server_final(_text((yield client.get_client_final().encode())))
    except (ScramException, ValueError, KeyError) as error:
        raise ProtocolError("The host does not prove that it knows us.") from error
    yield b""


def _text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise ProtocolError("A challenge is not text.") from error
