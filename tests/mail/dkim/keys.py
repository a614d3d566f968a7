"""Keys that tests sign with, and an outside world of a few TXT records."""

from collections.abc import Mapping
from functools import cache
from typing import TypeVar

from mailservices.mail.dkim import sign
from mailservices.mail.dkim.canonical import BodyHashes, Form
from mailservices.mail.dkim.sign import Key
from mailservices.mail.dkim.signature import Algorithm
from mailservices.mail.questions import Answer, Flow, Found, Missing, Txt

Result = TypeVar("Result")


@cache
def rsa() -> Key:
    return Key("rsa", sign.new_private(Algorithm.RSA))


@cache
def ed25519() -> Key:
    return Key("ed", sign.new_private(Algorithm.ED25519))


def published(domain: str) -> dict[str, str | Answer]:
    """The records of both keys."""
    return {f"{key.selector}._domainkey.{domain}": sign.record(key.private) for key in (rsa(), ed25519())}


def run(flow: Flow[Result], records: Mapping[str, str | Answer]) -> Result:
    """Answer a flow's questions from a table."""
    try:
        question = next(flow)
        while True:
            assert isinstance(question, Txt)
            answer = records.get(question.name, Missing())
            question = flow.send(Found((answer.encode(),)) if isinstance(answer, str) else answer)
    except StopIteration as done:
        result: Result = done.value
        return result


def digest_of(body: bytes, form: Form = Form.RELAXED) -> bytes:
    hashes = BodyHashes()
    hashes.want(form)
    hashes.feed(body)
    return hashes.digest(form)
