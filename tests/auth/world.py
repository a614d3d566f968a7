"""A client for the gate's tests: it answers challenges as another implementation would."""

import asyncio
import base64
import hmac
from collections.abc import Callable
from typing import TypeVar

from django.db import connection
from scramp import ScramClient

from mailservices.auth.client import Client
from mailservices.auth.credentials import Gate, Identity
from mailservices.protocols.sasl.exchange import decode, encode

Value = TypeVar("Value")

#: Addresses that are nobody's (RFC 5737), one for each test that needs one.
ADDRESSES = iter([f"198.51.{network}.7" for network in range(1, 250)])
HERE = Client("127.0.0.1")


async def by_answers(gate: Gate, mechanism: str, answer: Callable[[bytes], bytes], client: Client) -> Identity:
    """Sign in by whatever answers the challenges."""
    begun = gate.begin(mechanism, client)
    assert begun is not None, f"{mechanism} is not offered"

    async def ask(challenge: bytes) -> bytes:
        return encode(answer(decode(challenge)))

    return await gate.sign_in(begun, None, ask, client)


async def by_scram(
    gate: Gate, name: str, password: str, client: Client = HERE, hash_name: str = "SHA-256"
) -> Identity:
    """With channel binding where the client has one."""
    bound = ("tls-server-end-point", client.binding) if client.binding else None
    mechanism = f"SCRAM-{hash_name}{'-PLUS' if bound else ''}"
    scram = ScramClient([mechanism], name, password, channel_binding=bound)
    told: list[bytes] = []

    def answer(challenge: bytes) -> bytes:
        told.append(challenge)
        if len(told) == 1:
            return scram.get_client_first().encode()
        if len(told) == 2:
            scram.set_server_first(challenge.decode())
            return scram.get_client_final().encode()
        scram.set_server_final(challenge.decode())
        return b""

    return await by_answers(gate, mechanism, answer, client)


async def web(verb: Callable[[], Value]) -> Value:
    """What the web does, in a thread of its own: Django works without an event loop."""

    def carry_out() -> Value:
        try:
            return verb()
        finally:
            connection.close()

    return await asyncio.to_thread(carry_out)


async def eventually(true: Callable[[], Value]) -> Value:
    """Wait for what the gate does after it has answered."""
    for _ in range(500):
        if value := await web(true):
            return value
        await asyncio.sleep(0.02)
    raise AssertionError("it never came")


async def by_cram(gate: Gate, name: str, secret: str, client: Client = HERE) -> Identity:
    def answer(challenge: bytes) -> bytes:
        return f"{name} {hmac.new(secret.encode(), challenge, 'md5').hexdigest()}".encode()

    return await by_answers(gate, "CRAM-MD5", answer, client)


async def by_token(gate: Gate, token: str, name: str = "", client: Client = HERE) -> Identity:
    message = f"n,{f'a={name}' if name else ''},\x01auth=Bearer {token}\x01\x01".encode()
    return await by_answers(gate, "OAUTHBEARER", lambda challenge: b"\x01" if challenge else message, client)


def base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
