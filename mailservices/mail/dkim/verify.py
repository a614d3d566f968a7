"""Which signatures of a message hold (RFC 6376 §6), as findings.

- what cannot be read is "neutral", what no verifier may accept "permerror", what we do not accept "policy"
- l= must reach the end of the body: whoever may add text to a signed message could say anything in it (§8.2)
- the key of a domain that tries DKIM out (t=y) proves nothing, whatever comes of it (§3.6.1)
- nothing is asked of the DNS for a signature that has failed already, and one question at most for each other
"""

from typing import Final

from mailservices.mail.dkim import canonical, keys, signature
from mailservices.mail.dkim.canonical import BodyHashes, Fields
from mailservices.mail.dkim.keys import Rejected
from mailservices.mail.dkim.signature import NotAccepted, Signature
from mailservices.mail.errors import ProtocolError
from mailservices.mail.findings import Finding, Result
from mailservices.mail.questions import Flow

#: Signatures of one message that are looked at, from the top, so questions to the DNS too (RFC 6376 §6.1).
SIGNATURES: Final = 8
#: Characters of b= that tell one signature from another (RFC 6008 §3).
_B_CHARACTERS: Final = 8
_NAME: Final = b"dkim-signature"


class Verifier:
    """The signatures of one message: made with its header, fed its body, then asked."""

    def __init__(self, header: bytes, now: int, hashes: BodyHashes | None = None) -> None:
        """`hashes` may be shared with others who want the body's hash; it is then fed once for all."""
        self._now = now
        self._hashes = hashes or BodyHashes()
        self._fields = Fields(header)
        self._read = [_read(octets) for octets in self._fields.named(_NAME)[:SIGNATURES]]
        for _, found in self._read:
            if isinstance(found, Signature):
                self._hashes.want(found.body_form)

    def feed(self, piece: bytes) -> None:
        """The body, piece by piece."""
        self._hashes.feed(piece)

    def finish(self) -> Flow[tuple[Finding, ...]]:
        """One finding for each signature, from the top; or that there is none."""
        findings: list[Finding] = []
        for octets, found in self._read:
            if isinstance(found, Finding):
                findings.append(found)
            else:
                findings.append((yield from self._verify(octets, found)))
        return tuple(findings) or (Finding("dkim", Result.NONE),)

    def _verify(self, octets: bytes, found: Signature) -> Flow[Finding]:
        try:
            self._check_body(found)
            record = yield from keys.find(found)
            result, words = self._judge(octets, found, record)
        except Rejected as rejected:
            result, words = rejected.result, str(rejected)
        return Finding("dkim", result, words, _properties(found))

    def _check_body(self, found: Signature) -> None:
        if found.expires is not None and found.expires < self._now:
            raise Rejected(Result.PERMERROR, "the signature has expired")
        size = self._hashes.size(found.body_form)
        if found.length is not None and found.length < size:
            raise Rejected(Result.POLICY, "l= leaves the end of the body unsigned")
        if found.length is not None and found.length > size:
            raise Rejected(Result.FAIL, "the body is shorter than l=")
        if self._hashes.digest(found.body_form) != found.body_hash:
            raise Rejected(Result.FAIL, "the body was changed")

    def _judge(self, octets: bytes, found: Signature, record: keys.Record) -> tuple[Result, str]:
        result, words = Result.PASS, ""
        try:
            keys.check(record, found)
        except Rejected as rejected:
            result, words = rejected.result, str(rejected)
        else:
            signed = self._fields.chosen(found.names)
            if not keys.holds(record.key, found.octets, canonical.digest(signed, octets, found.header_form)):
                result, words = Result.FAIL, "the signature does not hold"
        if record.testing:
            return Result.NEUTRAL, "; ".join(filter(None, ("the domain is testing DKIM", words)))
        return result, words


def _read(octets: bytes) -> tuple[bytes, Signature | Finding]:
    """A field, and the signature in it, or why there is none."""
    try:
        return octets, signature.parse(octets.partition(b":")[2])
    except NotAccepted as error:
        return octets, Finding("dkim", Result.PERMERROR, str(error))
    except ProtocolError as error:
        return octets, Finding("dkim", Result.NEUTRAL, str(error))


def _properties(found: Signature) -> tuple[tuple[str, str], ...]:
    """RFC 8601 §2.7.1."""
    return (
        ("header.d", found.domain),
        ("header.i", found.identity),
        ("header.s", found.selector),
        ("header.a", str(found.algorithm)),
        ("header.b", found.b[:_B_CHARACTERS]),
    )
