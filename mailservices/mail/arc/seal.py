"""Adding a set to the chain (RFC 8617 §5.1): what was found when the message came in, signed for others."""

import base64
from collections.abc import Sequence

from mailservices.mail.arc import chain
from mailservices.mail.arc.chain import ArcSet, Broken
from mailservices.mail.dkim import sign
from mailservices.mail.dkim.canonical import Covered, Fields, Form
from mailservices.mail.dkim.sign import Key
from mailservices.mail.findings import Result


def seal(
    header: bytes,
    body_hash: bytes,
    validation: Result,
    results: str,
    key: Key,
    domain: str,
    now: int,
    names: Sequence[str] | None = None,
) -> bytes:
    """The three fields to prepend; nothing where the chain has ended already.

    Args:
        header: of the message as it goes on, with its own DKIM signatures.
        body_hash: SHA-256 of the body in its relaxed form.
        validation: of the chain as it came in; whatever is neither pass nor none was a failure (§5.2.1).
        results: what authentication_results.text makes of the findings.
        names: of the fields to sign; by default those that DKIM signs, and the DKIM signatures (§4.1.2).
    """  # fmt: skip
    fields = Fields(header)
    number, told = chain.highest(fields)
    # §5.1: a failure is sealed once, and fifty are enough.
    if told == "fail" or number >= chain.SETS:
        return b""
    cv = str(validation) if validation in (Result.PASS, Result.NONE) else "fail"
    before = _before(fields) if cv == "pass" else ()
    if (cv == "none" and number) or (cv == "pass" and not before):
        cv = "fail"
    own = OwnSet(number + 1, key, domain, now)
    aar = f"ARC-Authentication-Results: i={number + 1}; {results}\r\n".encode()
    ams = own.message_signature(fields, body_hash, _names(fields) if names is None else names)
    return own.seal(cv, [*(octets for one in before for octets in one.fields()), aar, ams]) + ams + aar


def _before(fields: Fields) -> tuple[ArcSet, ...]:
    """The chain that passed; none where it did not."""
    try:
        return chain.read(fields)
    except Broken:
        return ()


def _names(fields: Fields) -> list[str]:
    return sign.signed_names(fields) + ["dkim-signature"] * len(fields.named(b"dkim-signature"))


class OwnSet:
    """Tags in the order of the alphabet: sealing has test cases, and they are written so."""

    def __init__(self, number: int, key: Key, domain: str, now: int) -> None:
        self._number, self._key, self._domain, self._now = str(number), key, domain, str(now)

    def message_signature(self, fields: Fields, body_hash: bytes, names: Sequence[str]) -> bytes:
        tags = (
            ("a", str(self._key.algorithm)), ("b", ""), ("bh", base64.b64encode(body_hash).decode()),
            ("c", "relaxed/relaxed"), ("d", self._domain), ("h", ":".join(names)), ("i", self._number),
            ("s", self._key.selector), ("t", self._now),
        )  # fmt: skip
        covered = Covered(fields.chosen(names), Form.RELAXED)
        return sign.signed_field("ARC-Message-Signature", tags, covered, self._key)

    def seal(self, cv: str, signed: Sequence[bytes]) -> bytes:
        """§5.1.1; a failure covers this set alone (§5.1.2)."""
        tags = (
            ("a", str(self._key.algorithm)), ("b", ""), ("cv", cv), ("d", self._domain), ("i", self._number),
            ("s", self._key.selector), ("t", self._now),
        )  # fmt: skip
        return sign.signed_field("ARC-Seal", tags, Covered(signed, Form.RELAXED), self._key)
