"""Tokens of other people's sign-in services: whose are they, and are they good?

A token that is a JWT names its issuer, and is checked by that issuer's keys (RFC 7519, RFC 7517); any other token
is shown to the issuers that are asked (RFC 7662). An issuer that cannot be reached is a temporary failure, never a
yes.
"""

import hashlib
import time
from dataclasses import dataclass
from typing import Any

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.util import urlsafe_b64decode

from mailservices import log
from mailservices.mail.errors import Unavailable
from mailservices.mail.sealing import NotSealedHere, issuer_context, unseal
from mailservices.net.web import NoAnswer, Web
from mailservices.store.signin import Issuer

#: Signatures by an issuer's public key only: with HS256 whoever knows that key could sign.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
#: Seconds that two clocks may differ.
LEEWAY = 60
#: Seconds that an issuer's keys are kept, and until they are asked for again because of a key that is not known.
KEYS_SECONDS = 3600.0
UNKNOWN_KEY_SECONDS = 60.0
#: Seconds that an issuer's word on a token is remembered, and how many are.
WORD_SECONDS = 60.0
WORDS = 5000
#: Octets of a token.
TOKEN_OCTETS = 7 * 1024

_log = log.get()


@dataclass(slots=True)
class _Keys:
    """An issuer's keys, when they came, and when they were last asked for, on the monotonic clock."""

    keys: KeySet
    came: float
    asked: float


class Tokens:
    """Checks tokens for one process."""

    def __init__(self, sealing_key: bytes) -> None:
        self._sealing_key = sealing_key
        self._web: Web | None = None
        self.issuers: list[Issuer] = []
        self._keys: dict[str, _Keys] = {}
        #: digest -> (address, until when); oldest first.
        self._words: dict[bytes, tuple[str | None, float]] = {}

    async def close(self) -> None:
        if self._web is not None:
            await self._web.close()

    async def address(self, token: str) -> str | None:
        """Whose token it is; None where it is not good.

        Raises:
            Unavailable: an issuer that could tell does not answer.
        """
        if not token or len(token) > TOKEN_OCTETS or not token.isascii():
            return None
        named = _issuer_named(token)
        for issuer in self.issuers:
            try:
                if issuer.introspection_url and named in (None, issuer.issuer):
                    found = await self._ask(issuer, token)
                elif issuer.jwks_url and named == issuer.issuer:
                    found = await self._verify(issuer, token)
                else:
                    continue
            except NoAnswer as error:
                _log.error("issuer does not answer", issuer=issuer.issuer, cause=str(error))
                raise Unavailable from error
            if found is not None:
                return found
        return None

    # by its keys

    async def _verify(self, issuer: Issuer, token: str) -> str | None:
        keys = await self._keys_of(issuer, _key_named(token))
        try:
            read = jwt.decode(token, keys, algorithms=ALGORITHMS)
            jwt.JWTClaimsRegistry(
                leeway=LEEWAY,
                iss={"essential": True, "value": issuer.issuer},
                aud={"essential": True, "value": issuer.audience},
                exp={"essential": True},
            ).validate(read.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            _log.info("token refused", issuer=issuer.issuer, cause=type(error).__name__)
            return None
        return _address(issuer, read.claims)

    async def _keys_of(self, issuer: Issuer, key_id: str | None) -> KeySet:
        """RFC 7517: asked for once an hour, and when a token names a key that is new."""
        kept, now = self._keys.get(issuer.jwks_url), time.monotonic()
        if kept is not None:
            known = key_id is None or any(key.kid == key_id for key in kept.keys.keys)
            if now - kept.came < KEYS_SECONDS and (known or now - kept.asked < UNKNOWN_KEY_SECONDS):
                return kept.keys
            kept.asked = now
        try:
            keys = KeySet.import_key_set(await self._client().get(issuer.jwks_url))
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise NoAnswer("not a set of keys") from error
        self._keys[issuer.jwks_url] = _Keys(keys, now, now)
        return keys

    # by asking

    async def _ask(self, issuer: Issuer, token: str) -> str | None:
        """RFC 7662 §2."""
        digest, now = hashlib.sha256(f"{issuer.issuer}\0{token}".encode()).digest(), time.monotonic()
        word = self._words.get(digest)
        if word is not None and word[1] > now:
            return word[0]
        try:
            secret = unseal(self._sealing_key, issuer.client_secret or b"", issuer_context(issuer.issuer)).decode()
        except NotSealedHere as error:
            raise NoAnswer("its secret was sealed elsewhere") from error
        told = await self._client().post(issuer.introspection_url, {"token": token}, issuer.client_id, secret)
        found = _address(issuer, told) if isinstance(told, dict) and _is_good(issuer, told) else None
        seconds = WORD_SECONDS
        if found is not None and "exp" in told:
            seconds = min(seconds, told["exp"] - time.time())
        if len(self._words) >= WORDS:
            del self._words[next(iter(self._words))]
        self._words[digest] = (found, now + seconds)
        return found

    def _client(self) -> Web:
        if self._web is None:
            self._web = Web()
        return self._web


def _is_good(issuer: Issuer, told: dict[str, Any]) -> bool:
    """RFC 7662 §2.2: active, and for us; what it does not tell of issuer and audience it vouches for by active."""
    audience, ends = told.get("aud", issuer.audience), told.get("exp")
    audiences = audience if isinstance(audience, list) else [audience]
    if told.get("active") is not True or issuer.audience not in audiences:
        return False
    in_time = "exp" not in told or (isinstance(ends, int | float) and ends > time.time() - LEEWAY)
    return in_time and told.get("iss", issuer.issuer) == issuer.issuer


def _address(issuer: Issuer, claims: dict[str, Any]) -> str | None:
    """What the claim says; not an address that its issuer has not verified."""
    found = claims.get(issuer.claim)
    if not isinstance(found, str) or (issuer.claim == "email" and claims.get("email_verified") is False):
        return None
    return found


def _part(token: str, number: int) -> dict[str, Any]:
    """A part of what may be a JWT, nobody having vouched for it yet."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        read = orjson.loads(urlsafe_b64decode(parts[number].encode()))
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _issuer_named(token: str) -> str | None:
    named = _part(token, 1).get("iss")
    return named if isinstance(named, str) else None


def _key_named(token: str) -> str | None:
    named = _part(token, 0).get("kid")
    return named if isinstance(named, str) else None
