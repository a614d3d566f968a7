"""Tokens: whose they are, what makes them bad, and an issuer that changes its keys or is away."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from mailservices.auth import oauth
from mailservices.auth.credentials import Gate
from mailservices.mail.errors import SignInFailed, Unavailable
from mailservices.net.web import ANSWER_OCTETS
from mailservices.store import signin as stored
from tests.auth.issuer import AUDIENCE, CLIENT, SECRET, PlayedIssuer
from tests.auth.world import HERE, base64url, by_answers, by_token, web
from tests.conftest import Person
from webadmin.audit.record import OPERATOR
from webadmin.directory import signin
from webadmin.directory.models import Issuer


@asynccontextmanager
async def configured(gate: Gate, **more: str) -> AsyncIterator[PlayedIssuer]:
    """A played issuer whose tokens are good here."""
    played = PlayedIssuer()
    told = {name: value.replace("URL", played.url) for name, value in more.items()}
    row = await web(lambda: signin.create_issuer(OPERATOR, played.url, AUDIENCE, **told))
    await gate.learn()
    yield played
    await web(lambda: signin.delete_issuer(OPERATOR, row))
    played.stop()


@pytest.fixture
async def issuer(gate: Gate, committed: None) -> AsyncIterator[PlayedIssuer]:
    """One that is checked by its keys."""
    async with configured(gate, jwks_url="URL/keys") as played:
        yield played


@pytest.fixture
async def asked(gate: Gate, committed: None) -> AsyncIterator[PlayedIssuer]:
    """One that is asked."""
    way = {"introspection_url": "URL/ask", "client_id": CLIENT, "client_secret": SECRET, "claim": "username"}
    async with configured(gate, **way) as played:
        yield played


async def refused(attempt: Any) -> None:
    with pytest.raises(SignInFailed):
        await attempt


async def test_a_good_token_signs_in(gate: Gate, issuer: PlayedIssuer, alice: Person, bob: Person) -> None:
    token = issuer.token(alice.address)
    assert (await by_token(gate, token)).account_id == alice.account_id
    assert (await by_token(gate, token, alice.address)).address == alice.address
    old = f"user={alice.address}\x01auth=Bearer {token}\x01\x01".encode()
    assert (await by_answers(gate, "XOAUTH2", lambda _: old, HERE)).account_id == alice.account_id
    # The keys were asked for once.
    assert issuer.asked == ["/keys"]
    await refused(by_token(gate, token, bob.address))
    await refused(by_token(gate, issuer.token("nobody@nowhere.test")))


async def test_what_makes_a_token_bad(gate: Gate, issuer: PlayedIssuer, alice: Person) -> None:
    now = int(time.time())
    bad = [
        issuer.token(alice.address, exp=now - oauth.LEEWAY - 1),
        issuer.token(alice.address, exp=None),
        issuer.token(alice.address, exp="soon"),
        issuer.token(alice.address, nbf=now + oauth.LEEWAY + 60),
        issuer.token(alice.address, aud="another service"),
        issuer.token(alice.address, aud=None),
        issuer.token(alice.address, iss="https://elsewhere.example"),
        issuer.token(alice.address, email=None),
        issuer.token(alice.address, email=7),
        issuer.token(alice.address, email_verified=False),
        issuer.token(alice.address)[:-4] + "AAAA",
        "", "x", "a.b.c", "ü", "A" * (oauth.TOKEN_OCTETS + 1),
    ]  # fmt: skip
    for token in bad:
        await refused(by_token(gate, token))
    assert await by_token(gate, issuer.token(alice.address, exp=now - oauth.LEEWAY + 20))
    assert await by_token(gate, issuer.token(alice.address, aud=["x", AUDIENCE]))


async def test_who_knows_the_public_key_cannot_sign(gate: Gate, issuer: PlayedIssuer, alice: Person) -> None:
    claims = {"iss": issuer.url, "aud": AUDIENCE, "exp": int(time.time()) + 300, "email": alice.address}
    public = json.dumps(issuer.keys[0].as_dict(private=False))
    forged = jwt.encode({"alg": "HS256", "kid": "one"}, claims, OctKey.import_key(public))
    header, body = (base64url(json.dumps(part).encode()) for part in ({"alg": "none", "kid": "one"}, claims))
    for token in (forged, f"{header}.{body}."):
        await refused(by_token(gate, token))


async def test_keys_change(
    gate: Gate, issuer: PlayedIssuer, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await by_token(gate, issuer.token(alice.address))
    issuer.keys.append(ECKey.generate_key("P-256", {"kid": "two"}))
    new = issuer.token(alice.address, key=1)
    # A key that is not known is asked for, but not by everybody who names one.
    await refused(by_token(gate, new))
    await refused(by_token(gate, new))
    assert issuer.asked == ["/keys"]
    monkeypatch.setattr(oauth, "UNKNOWN_KEY_SECONDS", 0.0)
    assert await by_token(gate, new)
    assert issuer.asked == ["/keys", "/keys"]


@pytest.mark.parametrize(
    ("status", "broken"),
    [(500, b"{}"), (302, b"{}"), (200, b"no JSON"), (200, b"[]"), (200, b'{"keys": []}'),
     (200, b'{"x": "' + b"x" * ANSWER_OCTETS + b'"}')],
)  # fmt: skip
async def test_an_issuer_that_makes_no_sense_is_an_outage(
    gate: Gate, issuer: PlayedIssuer, alice: Person, status: int, broken: bytes
) -> None:
    issuer.status, issuer.broken = status, broken
    with pytest.raises(Unavailable):
        await by_token(gate, issuer.token(alice.address))
    issuer.status, issuer.broken = 200, None
    assert await by_token(gate, issuer.token(alice.address))


async def test_an_issuer_that_is_away_is_an_outage(gate: Gate, issuer: PlayedIssuer, alice: Person) -> None:
    token = issuer.token(alice.address)
    issuer.stop()
    with pytest.raises(Unavailable):
        await by_token(gate, token)


async def test_an_issuer_is_asked(gate: Gate, asked: PlayedIssuer, alice: Person) -> None:
    asked.known["opaque"] = {"active": True, "username": alice.address, "exp": int(time.time()) + 60}
    assert (await by_token(gate, "opaque")).account_id == alice.account_id
    assert await by_token(gate, "opaque")
    assert asked.asked == ["/ask"]
    await refused(by_token(gate, "unknown"))


@pytest.mark.parametrize(
    "told",
    [
        {"active": False},
        {"active": "true"},
        {"exp": 1},
        {"exp": "soon"},
        {"aud": "another service"},
        {"aud": ["another service"]},
        {"iss": "https://elsewhere.example"},
        {"username": None},
    ],
)
async def test_what_an_issuer_tells_against_it(
    gate: Gate, asked: PlayedIssuer, alice: Person, told: dict[str, Any]
) -> None:
    asked.known["opaque"] = {"active": True, "username": alice.address, **told}
    await refused(by_token(gate, "opaque"))


async def test_a_secret_that_was_sealed_elsewhere_is_an_outage(
    gate: Gate, asked: PlayedIssuer, alice: Person
) -> None:
    await web(lambda: Issuer.objects.update(client_secret=b"\1damaged"))
    await gate.learn()
    with pytest.raises(Unavailable):
        await by_token(gate, "opaque")


async def test_without_an_issuer_no_token_is_good(gate: Gate, alice: Person) -> None:
    await gate.learn()
    assert gate.begin("OAUTHBEARER", HERE) is None
    assert await gate.tokens.address("anything") is None


async def test_who_looked_earlier_has_not_the_last_word(
    gate: Gate, issuer: PlayedIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered, offers = asyncio.Event(), asyncio.Event(), stored.offers

    async def nothing_yet(*_: object) -> tuple[list[Any], list[Any]]:
        asked.set()
        await answered.wait()
        return [], []

    with monkeypatch.context() as patch:
        patch.setattr(stored, "offers", nothing_yet)
        earlier = asyncio.create_task(gate.learn())
        await asked.wait()
        patch.setattr(stored, "offers", offers)
        later = asyncio.create_task(gate.learn())
        await asyncio.wait([later], timeout=0.2)
        answered.set()
        await asyncio.gather(earlier, later)
    assert [one.issuer for one in gate.tokens.issuers] == [issuer.url]
