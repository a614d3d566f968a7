r"""Tokens of an OAuth issuer: OAUTHBEARER (RFC 7628), and XOAUTH2, which came before it.

Both send key=value pairs that end with \x01. A token that is not good is answered with a challenge that says so in
JSON; the client answers that with nothing, and the exchange has failed (RFC 7628 §3.2.3).
"""

import json
from typing import Final

from mailservices.mail.errors import ProtocolError, SignInFailed
from mailservices.protocols.sasl.exchange import BearerOf, Exchange, Proven, text
from mailservices.protocols.sasl.gs2 import read_header

_END: Final = "\x01"
#: RFC 7628 §3.2.2, and what clients of XOAUTH2 look for.
_REFUSED: Final = json.dumps({"status": "invalid_token", "scope": ""}).encode()
_REFUSED_OLD: Final = json.dumps({"status": "401", "schemes": "bearer", "scope": ""}).encode()


def oauthbearer() -> Exchange:
    """RFC 7628 §3.1: a GS2 header without channel binding, then the pairs."""
    header, mark, rest = text((yield b"")).partition(_END)
    if not mark:
        raise ProtocolError("OAUTHBEARER wants pairs after its header.")
    gs2 = read_header(header)
    if gs2.rest or gs2.binding is not None:
        raise ProtocolError("OAUTHBEARER knows no channel binding.")
    return (yield from _check(_pairs(rest), gs2.authorize_as, _REFUSED))


def xoauth2() -> Exchange:
    """As Google describes it: user=, auth=, each with its end."""
    pairs = _pairs(text((yield b"")))
    return (yield from _check(pairs, pairs.get("user", ""), _REFUSED_OLD))


def _pairs(rest: str) -> dict[str, str]:
    if not rest.endswith(_END + _END):
        raise ProtocolError("The pairs have no end.")
    found = {}
    for pair in rest[:-2].split(_END):
        name, mark, value = pair.partition("=")
        if not mark or not name:
            raise ProtocolError("A pair has a name and a value.")
        found[name] = value
    return found


def _check(pairs: dict[str, str], asked: str, refusal: bytes) -> Exchange:
    """RFC 6750 §2.1: the value of auth= is what an Authorization field would be."""
    scheme, _, token = pairs.get("auth", "").partition(" ")
    if scheme.lower() != "bearer":
        raise ProtocolError("A bearer token is needed.")
    name: str | None = yield BearerOf(token.strip())
    if name is None:
        yield refusal
        raise SignInFailed
    return Proven(name, asked)
