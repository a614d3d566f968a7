"""Whether the chain of a message holds (RFC 8617 §5.2): structure, newest message signature, every seal."""

from dataclasses import dataclass, replace
from typing import Final

from mailservices.mail import authentication_results
from mailservices.mail.arc import chain
from mailservices.mail.arc.chain import ArcSet
from mailservices.mail.authentication_results import AuthenticationResults
from mailservices.mail.dkim import canonical, keys
from mailservices.mail.dkim.canonical import BodyHashes, Fields, Form
from mailservices.mail.dkim.keys import Rejected
from mailservices.mail.dkim.signature import Signature
from mailservices.mail.errors import ProtocolError
from mailservices.mail.findings import Finding, Result
from mailservices.mail.questions import Flow

#: Different keys that are asked for: a chain through more hosts than that is somebody's joke.
KEYS: Final = 20


@dataclass(frozen=True, slots=True)
class Chain:
    """What came of it. Only of a chain that passed may anything be believed."""

    finding: Finding
    sets: tuple[ArcSet, ...] = ()

    @property
    def sealers(self) -> tuple[str, ...]:
        """The domains that sealed it, in order; none unless it passed."""
        return tuple(one.read_seal().domain for one in self.sets)

    def told_by(self, domain: str) -> AuthenticationResults | None:
        """What the newest set of this sealer says of the message as it came there.

        Only as good as those who sealed later: a policy asks about the newest first (RFC 8617 §7.2).
        """
        for one in reversed(self.sets):
            if one.read_seal().domain == domain:
                try:
                    return authentication_results.parse(one.findings)
                except ProtocolError:
                    return None
        return None


class Verifier:
    """The chain of one message: made with its header, fed its body, then asked."""

    def __init__(self, header: bytes, now: int, hashes: BodyHashes | None = None) -> None:
        """`hashes` may be shared with others who want the body's hash; it is then fed once for all."""
        self._now = now
        self._fields = Fields(header)
        self._hashes = hashes or BodyHashes()
        self._sets: tuple[ArcSet, ...] = ()
        self._broken = ""
        self._known: dict[tuple[str, str], keys.Record] = {}
        try:
            self._sets = chain.read(self._fields)
            chain.check(self._sets)
            self._seals = [one.read_seal() for one in self._sets]
            if self._sets:
                self._newest = self._sets[-1].read_message_signature()
                self._hashes.want(self._newest.body_form)
        except ProtocolError as error:
            self._broken = str(error)

    def feed(self, piece: bytes) -> None:
        """The body, piece by piece."""
        self._hashes.feed(piece)

    def finish(self) -> Flow[Chain]:
        """RFC 8617 §5.2. Where the DNS does not tell, it is "temperror"; sealed, that is a failure (§5.2.1)."""
        if self._broken:
            return Chain(Finding("arc", Result.FAIL, self._broken))
        if not self._sets:
            return Chain(Finding("arc", Result.NONE))
        try:
            yield from self._verify_message()
            for number in range(len(self._sets), 0, -1):
                yield from self._verify_seal(number)
        except Rejected as rejected:
            result = rejected.result if rejected.result is Result.TEMPERROR else Result.FAIL
            return Chain(Finding("arc", result, str(rejected)))
        return Chain(Finding("arc", Result.PASS, "", (("header.d", self._seals[-1].domain),)), self._sets)

    def _verify_message(self) -> Flow[None]:
        newest = self._newest
        if newest.expires is not None and newest.expires < self._now:
            raise Rejected(Result.FAIL, "the newest signature has expired")
        digest, size = self._hashes.digest(newest.body_form), self._hashes.size(newest.body_form)
        if digest != newest.body_hash or newest.length not in (None, size):
            raise Rejected(Result.FAIL, "the body was changed after the newest seal")
        record = yield from self._key(newest)
        signed = self._fields.chosen(newest.names)
        if not keys.holds(
            record.key,
            newest.octets,
            canonical.digest(signed, self._sets[-1].message_signature, newest.header_form),
        ):
            raise Rejected(Result.FAIL, "the newest message signature does not hold")

    def _verify_seal(self, number: int) -> Flow[None]:
        seal = self._seals[number - 1]
        record = yield from self._key(seal)
        signed = [octets for one in self._sets[:number] for octets in one.fields()]
        if not keys.holds(record.key, seal.octets, canonical.digest(signed[:-1], signed[-1], Form.RELAXED)):
            raise Rejected(Result.FAIL, f"seal {number} does not hold")

    def _key(self, signature: Signature) -> Flow[keys.Record]:
        """Each key is asked for once."""
        name = (signature.key_name, str(signature.algorithm))
        if name not in self._known:
            if len(self._known) == KEYS:
                raise Rejected(Result.FAIL, "the chain has too many keys")
            record = yield from keys.find(signature)
            keys.check(replace(record, strict=False), signature)
            self._known[name] = record
        return self._known[name]
