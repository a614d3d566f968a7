"""Our own sign-ins against the appliance's side of the same mechanisms."""

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailservices.mail import scram as kept
from mailservices.mail.errors import ProtocolError, SignInFailed
from mailservices.mail.routing import MECHANISMS
from mailservices.protocols.sasl.client import ITERATIONS_LIMIT, SignIn, Talk, choose, scram
from mailservices.protocols.sasl.cram import cram_md5
from mailservices.protocols.sasl.exchange import Claim, KeysOf, Proven, SecretsOf
from mailservices.protocols.sasl.plain import login, plain
from mailservices.protocols.sasl.scram import scram as scram_server

NAME, PASSWORD = "us@host.test", "pässword"
ALL = MECHANISMS


def chosen(wanted: str, *, secured: bool = True) -> SignIn:
    found = choose(ALL, wanted, NAME, PASSWORD, secured=secured)
    assert found
    return found


def played(talk: Talk, server: Generator[Any, Any, Any], password: str = PASSWORD) -> tuple[Any, bool]:
    """What the server made of it, and whether our side had nothing more to say."""
    known = kept.derive(password, 4096)
    ours, question = next(talk), next(server)
    if ours is not None:
        assert question == b""
        question = server_step(server, ours, known, password)
    while isinstance(question, bytes):
        ours = talk.send(question)
        assert ours is not None
        question = server_step(server, ours, known, password)
    return question, next(talk, "over") == "over"


def server_step(server: Generator[Any, Any, Any], answer: Any, known: dict[str, kept.Keys], password: str) -> Any:
    try:
        question = server.send(answer)
        while not isinstance(question, bytes):
            match question:
                case KeysOf(_, hash_name):
                    question = server.send(known[hash_name])
                case SecretsOf():
                    question = server.send([password.encode()])
    except StopIteration as done:
        return done.value
    return question


@pytest.mark.parametrize(
    ("mechanism", "server"),
    [
        ("PLAIN", plain),
        ("LOGIN", login),
    ],
)
def test_a_password_is_told(mechanism: str, server: Any) -> None:
    assert played(chosen(mechanism).talk, server()) == (Claim(NAME, PASSWORD), True)


def test_a_challenge_is_answered_by_its_digest() -> None:
    assert played(chosen("CRAM-MD5").talk, cram_md5("host.test")) == (Proven(NAME), True)
    with pytest.raises(SignInFailed):
        played(chosen("CRAM-MD5").talk, cram_md5("host.test"), "another")


@pytest.mark.parametrize("hash_name", ["SHA-1", "SHA-256"])
def test_both_sides_prove_themselves(hash_name: str) -> None:
    found = chosen(f"SCRAM-{hash_name}")
    assert found.mutual
    assert played(found.talk, scram_server(hash_name, None, plus=False)) == (Proven(NAME), True)


def test_a_token_is_told_and_its_refusal_acknowledged() -> None:
    talk = chosen("XOAUTH2").talk
    assert next(talk) == f"user={NAME}\1auth=Bearer {PASSWORD}\1\1".encode()
    assert talk.send(b'{"status":"401"}') == b""
    assert next(talk, "over") == "over"


def first_of(talk: Talk) -> str:
    first = next(talk)
    assert first
    return first.decode()


@pytest.mark.parametrize(
    "challenge",
    [
        b"r=another,s=c2FsdHNhbHRzYWx0c2FsdA==,i=4096",
        b"nonsense",
        b"\xff",
        b"r=mine,s=c2FsdHNhbHRzYWx0c2FsdA==,i=%d" % (ITERATIONS_LIMIT + 1),
        b"r=mine,s=c2FsdHNhbHRzYWx0c2FsdA==",
        b"r=mine+,s=no base64,i=4096",
    ],
)
def test_a_host_that_is_no_scram_server_gets_nothing(challenge: bytes) -> None:
    talk = scram("SCRAM-SHA-256", NAME, PASSWORD, "mine")
    assert first_of(talk).endswith("r=mine")
    with pytest.raises(ProtocolError):
        talk.send(challenge)


@pytest.mark.parametrize("proof", [b"v=AAAA", b"e=other-error", b"\xff", b"x"])
def test_a_host_that_does_not_know_us_is_found_out(proof: bytes) -> None:
    talk = scram("SCRAM-SHA-256", NAME, PASSWORD, "mine")
    first_of(talk)
    assert talk.send(b"r=mineyours,s=c2FsdHNhbHRzYWx0c2FsdA==,i=4096")
    with pytest.raises(ProtocolError):
        talk.send(proof)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_whatever_a_host_says_it_is_understood_or_refused(one: bytes, two: bytes) -> None:
    for mechanism in ALL:
        talk = chosen(mechanism).talk
        next(talk)
        try:
            talk.send(one)
            talk.send(two)
        except (ProtocolError, StopIteration):
            continue


def test_the_best_is_chosen_and_no_secret_is_told_in_plain_text() -> None:
    assert choose(ALL, "", NAME, PASSWORD, secured=True).mechanism == "SCRAM-SHA-256"  # type: ignore[union-attr]
    assert choose(["CRAM-MD5", "PLAIN"], "", NAME, "x", secured=True).mechanism == "PLAIN"  # type: ignore[union-attr]
    assert choose(["CRAM-MD5", "PLAIN"], "", NAME, "x", secured=False).mechanism == "CRAM-MD5"  # type: ignore[union-attr]
    for mechanism in ("PLAIN", "LOGIN", "XOAUTH2"):
        assert choose(ALL, mechanism, NAME, PASSWORD, secured=False) is None
    assert choose(["XOAUTH2"], "", NAME, PASSWORD, secured=True) is None
    assert choose(["GSSAPI"], "", NAME, PASSWORD, secured=True) is None
