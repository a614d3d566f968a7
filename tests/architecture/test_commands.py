"""Every command of a protocol has a row, a parser, a handler and a transcript; so has every reply of SMTP."""

import dataclasses
import re

import pytest

from mailservices.imap import dispatch
from mailservices.mail import codes
from mailservices.mail.codes import Reply
from mailservices.pop3 import handlers
from mailservices.pop3 import pop2 as pop2_handlers
from mailservices.protocols.imap import commands as imap
from mailservices.protocols.pop2 import commands as pop2
from mailservices.protocols.pop3 import commands as pop3
from mailservices.protocols.smtp import commands as smtp
from mailservices.smtp import verbs
from tests.transcripts.runner import TRANSCRIPTS, steps
from tests.wildcards import matches


def spoken(suffix: str) -> list[str]:
    """All lines of clients in the transcripts of a protocol, and those that are alone."""
    lines = []
    for path in TRANSCRIPTS:
        for step in steps(path):
            if step.kind == "C" and path.suffix == suffix:
                lines += step.text.replace(r"\r\n", "\n").split("\n")
    return lines


def answered() -> list[str]:
    return [
        step.text for path in TRANSCRIPTS for step in steps(path) if step.kind == "S" and path.suffix == ".smtp"
    ]


SMTP, IMAP, POP3 = spoken(".smtp") + spoken(".lmtp"), spoken(".imap"), spoken(".pop3")


@pytest.mark.parametrize("verb", smtp.COMMANDS)
def test_an_smtp_command_has_a_transcript(verb: str) -> None:
    assert any(re.match(rf"{verb}\b", line, re.IGNORECASE) for line in SMTP)


@pytest.mark.parametrize("name", imap.COMMANDS)
def test_an_imap_command_has_a_transcript(name: str) -> None:
    assert any(re.match(rf"[a-z]+\d* {name}\b", line, re.IGNORECASE) for line in IMAP)


@pytest.mark.parametrize("name", pop2.COMMANDS)
def test_a_pop2_command_has_a_transcript(name: str) -> None:
    assert any(re.match(rf"{name}\b", line, re.IGNORECASE) for line in spoken(".pop2"))


@pytest.mark.parametrize("name", pop3.COMMANDS)
def test_a_pop3_command_has_a_transcript(name: str) -> None:
    assert any(re.match(rf"{name}\b", line, re.IGNORECASE) for line in POP3)


def test_every_smtp_command_has_a_parser_and_a_verb() -> None:
    """DATA, BDAT and STARTTLS take over the wire: the conversation itself carries them out."""
    kinds = set(smtp.Command.__args__)  # type: ignore[attr-defined]
    # BDAT is read as one of two.
    assert len(smtp.COMMANDS) == len(kinds) - 1
    assert set(verbs.VERBS) == kinds - {smtp.Data, smtp.Bdat, smtp.LastBdat, smtp.StartTls}


def test_every_imap_command_has_a_parser_and_a_handler() -> None:
    kinds = set(imap.Command.__args__)  # type: ignore[attr-defined]
    assert set(dispatch.HANDLERS) == kinds
    assert all(callable(spec.read) and spec.states for spec in imap.COMMANDS.values())


def test_every_pop3_command_has_a_parser_and_a_handler() -> None:
    kinds = set(pop3.Command.__args__)  # type: ignore[attr-defined]
    assert set(handlers.HANDLERS) == kinds
    assert len(pop3.COMMANDS) == len(kinds)
    assert all(callable(spec.read) and spec.states for spec in pop3.COMMANDS.values())


def test_every_pop2_command_has_a_parser_and_a_handler() -> None:
    kinds = set(pop2.Command.__args__)  # type: ignore[attr-defined]
    assert set(pop2_handlers.HANDLERS) == kinds
    assert len(pop2.COMMANDS) == len(kinds)


def test_commands_are_frozen() -> None:
    for module in (smtp, imap, pop3, pop2):
        for kind in module.Command.__args__:  # type: ignore[attr-defined]
            assert dataclasses.is_dataclass(kind)
            assert kind.__dataclass_params__.frozen


#: Replies that a conversation alone cannot bring about: they need an outage, time, many of something, a stranger.
ELSEWHERE = {
    "SHUTTING_DOWN", "TIMED_OUT", "TOO_MANY_CONNECTIONS", "UNAVAILABLE", "AUTH_UNAVAILABLE", "AUTH_NEEDS_TLS",
    "TLS_UNAVAILABLE", "EARLY_TALKER", "TOO_MANY_HELD", "SLOW_DOWN",
}  # fmt: skip
REPLIES = {name for name, value in vars(codes).items() if isinstance(value, Reply)} - ELSEWHERE


@pytest.mark.parametrize("name", sorted(REPLIES))
def test_an_smtp_reply_has_a_transcript(name: str) -> None:
    """Word by word; a wildcard may stand for its end."""
    line = bytes(getattr(codes, name)).decode().strip()
    assert [said for said in answered() if matches(said, line) and len(said) > len("250 2.0.0 *")]
