"""SCRAM: the examples of its RFCs, another implementation's client, and every way to get it wrong."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scramp import ScramClient

from mailservices.mail.errors import ProtocolError, SignInFailed
from mailservices.mail.scram import Keys, derive, nobodys
from mailservices.protocols.sasl.exchange import Exchange, KeysOf, Proven
from mailservices.protocols.sasl.scram import NONCE_LIMIT, scram
from tests.protocols.sasl.playing import play

BINDING = b"a digest of the certificate"
KEYS = derive("pencil", 4096, b"0123456789abcdef")
USER, PASSWORD = "alice,=@example.org", "pencil"


def converse(client: ScramClient, exchange: Exchange, keys: Keys) -> Proven:
    """Another implementation's client against ours."""
    assert next(exchange) == b""
    question = exchange.send(client.get_client_first().encode())
    assert isinstance(question, KeysOf)
    client.set_server_first(exchange.send(keys).decode())
    client.set_server_final(exchange.send(client.get_client_final().encode()).decode())
    with pytest.raises(StopIteration) as done:
        exchange.send(b"")
    return done.value.value


@pytest.mark.parametrize(
    ("hash_name", "salt", "ours", "messages"),
    [
        # RFC 5802 §5.
        (
            "SHA-1",
            "QSXCR+Q6sek8bf92",
            "3rfcNHYJY1ZVvWVs7j",
            [
                "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
                "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
                "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
                "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
            ],
        ),
        # RFC 7677 §3.
        (
            "SHA-256",
            "W22ZaJ0SNY7soEsUEjb6gQ==",
            "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            [
                "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
                "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                (
                    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
                ),
                "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            ],
        ),
    ],
)
def test_the_examples_of_the_rfcs(hash_name: str, salt: str, ours: str, messages: list[str]) -> None:
    keys = derive(PASSWORD, 4096, base64.b64decode(salt))[hash_name]
    first, second, third, fourth = (message.encode() for message in messages)
    challenges, outcome = play(scram(hash_name, None, plus=False, nonce=ours), first, third, b"", answers=keys)
    assert challenges == [b"", second, fourth]
    assert outcome == Proven("user")


@pytest.mark.parametrize("hash_name", ["SHA-1", "SHA-256"])
@pytest.mark.parametrize("plus", [False, True])
def test_another_implementation_agrees(hash_name: str, plus: bool) -> None:
    mechanism = f"SCRAM-{hash_name}{'-PLUS' if plus else ''}"
    binding = ("tls-server-end-point", BINDING) if plus else None
    client = ScramClient([mechanism], USER, PASSWORD, channel_binding=binding)
    outcome = converse(client, scram(hash_name, BINDING if plus else None, plus=plus), KEYS[hash_name])
    assert outcome == Proven(USER)


@given(st.text(min_size=1, max_size=30), st.binary(min_size=1, max_size=64))
def test_any_password_and_any_binding(password: str, binding: bytes) -> None:
    keys = derive(password, 4096)
    if keys:
        bound = ("tls-server-end-point", binding)
        client = ScramClient(["SCRAM-SHA-256-PLUS"], "alice", password, channel_binding=bound)
        assert converse(client, scram("SHA-256", binding, plus=True), keys["SHA-256"]) == Proven("alice")


def finals(first: str, final: str, keys: Keys, *, binding: bytes | None = None, plus: bool = False) -> None:
    play(scram("SHA-1", binding, plus=plus, nonce="N"), first.encode(), final.encode(), answers=keys)


PROOF = base64.b64encode(b"x" * 20).decode()


@pytest.mark.parametrize(
    ("keys", "password", "binding"),
    [
        (KEYS["SHA-1"], "another", BINDING),
        (nobodys(b"key", USER, "SHA-1"), PASSWORD, BINDING),
        (KEYS["SHA-1"], PASSWORD, b"somebody in between"),
    ],
)
def test_a_wrong_proof_or_binding_fails(keys: Keys, password: str, binding: bytes) -> None:
    client = ScramClient(["SCRAM-SHA-1-PLUS"], USER, password, channel_binding=("tls-server-end-point", binding))
    exchange = scram("SHA-1", BINDING, plus=True)
    next(exchange)
    exchange.send(client.get_client_first().encode())
    client.set_server_first(exchange.send(keys).decode())
    with pytest.raises(SignInFailed):
        exchange.send(client.get_client_final().encode())


def test_nobody_may_talk_a_client_out_of_binding() -> None:
    """RFC 5802 §6: it says that it could, and believes that we cannot."""
    with pytest.raises(SignInFailed):
        finals("y,,n=u,r=c", "", KEYS["SHA-1"], binding=BINDING)
    assert isinstance(first_question("y,,n=u,r=c"), KeysOf)


def first_question(message: str) -> object:
    exchange = scram("SHA-1", None, plus=False)
    next(exchange)
    return exchange.send(message.encode())


@pytest.mark.parametrize(
    "final",
    [f"c=biws,r=cX,p={PROOF}", f"c=eSws,r=cN,p={PROOF}", f"c=biws,r=cN,p={PROOF}", "c=biws,r=cN,p=AAAA",
     f"c=biws,r=cN,x=ext,p={PROOF}"],
)  # fmt: skip
def test_what_does_not_fit_fails(final: str) -> None:
    with pytest.raises(SignInFailed):
        finals("n,,n=u,r=c,x=extension", final, KEYS["SHA-1"])


@pytest.mark.parametrize(
    ("first", "final"),
    [
        ("", ""),
        ("n,,", ""),
        ("n,,n=u", ""),
        ("n,,r=c,n=u", ""),
        ("n,,n=,r=c", ""),
        ("n,,n=a=b,r=c", ""),
        ("n,,m=x,n=u,r=c", ""),
        ("n,,n=u,r=c,m=x", ""),
        ("n,,n=u,r=c,r=d", ""),
        ("n,,n=u,r=ü", ""),
        ("n,,n=u,r=a\tb", ""),
        ("n,,n=u,r=" + "c" * (NONCE_LIMIT + 1), ""),
        ("p=tls-server-end-point,,n=u,r=c", ""),
        ("n,,n=u,r=c", ""),
        ("n,,n=u,r=c", "c=biws,r=cN"),
        ("n,,n=u,r=c", "c=!,r=cN,p=AAAA"),
        ("n,,n=u,r=c", "c=biws,r=cN,p=AAA"),
        ("n,,n=u,r=c", "c=biws,r=cN,p=ü"),
        ("n,,n=u,r=c", f"c=biws,r=cN,m=x,p={PROOF}"),
    ],
)
def test_what_makes_no_sense_is_refused(first: str, final: str) -> None:
    with pytest.raises(ProtocolError):
        finals(first, final, KEYS["SHA-1"])


@pytest.mark.parametrize("first", ["n,,n=u,r=c", "y,,n=u,r=c", "p=tls-unique,,n=u,r=c"])
def test_plus_wants_the_binding_that_there_is(first: str) -> None:
    with pytest.raises(ProtocolError):
        finals(first, "", KEYS["SHA-1"], binding=BINDING, plus=True)
