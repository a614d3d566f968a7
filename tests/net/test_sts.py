"""A host that has MTA-STS policies may not hold up the mail, whatever it does (RFC 8461 §3.3)."""

import asyncio
import dataclasses
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailservices.config import Config
from mailservices.mail.mta_sts import Mode
from mailservices.net import sts
from mailservices.net.dns import Resolver
from mailservices.net.sts import NotFetched
from mailservices.net.tls import make_self_signed, server_context
from tests.world import NameServer

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
POLICY = b"version: STSv1\r\nmode: enforce\r\nmx: mx.far.test\r\nmax_age: 86400\r\n"


class Trickling:
    """Says these words at once, then an octet again and again."""

    def __init__(self, words: bytes, octet: bytes) -> None:
        self.words, self.octet = words, octet

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self.words)
            while self.octet:
                writer.write(self.octet)
                await writer.drain()
                await asyncio.sleep(0.02)
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest.fixture
def resolver(config: Config) -> Iterator[Resolver]:
    names = NameServer()
    names.zone["mta-sts.far.test", "A"] = ["127.0.0.1"]
    yield Resolver(dataclasses.replace(config, dns=(("127.0.0.1", names.port),)))
    names.close()


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    make_self_signed("mta-sts.far.test", tmp_path / "far.pem", tmp_path / "far.key")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "far.pem"))
    return server_context(tmp_path / "far.pem", tmp_path / "far.key")


@pytest.mark.parametrize(
    ("words", "octet"),
    [
        (b"", b"H"),
        (HEAD + b"X-Padding: ", b"x"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nv\r\n"),
        (HEAD + b"Content-Length: 1000\r\n\r\n" + POLICY, b"\n"),
    ],
)
async def test_an_answer_that_trickles_is_not_waited_for(
    resolver: Resolver, certified: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, words: bytes, octet: bytes
) -> None:
    monkeypatch.setattr(sts, "ANSWER_LIMIT", 0.5)
    async with await asyncio.start_server(Trickling(words, octet), "127.0.0.1", 0, ssl=certified) as server:
        # No single read lasts: only the whole of them does.
        with pytest.raises(NotFetched, match="Timeout"):
            await sts.fetch(resolver, "far.test", server.sockets[0].getsockname()[1])


async def test_an_answer_in_time_is_a_policy(resolver: Resolver, certified: ssl.SSLContext) -> None:
    answer = Trickling(HEAD + b"Content-Length: %d\r\n\r\n" % len(POLICY) + POLICY, b"")
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=certified) as server:
        policy = await sts.fetch(resolver, "far.test", server.sockets[0].getsockname()[1])
    assert (policy.mode, policy.hosts) == (Mode.ENFORCE, ("mx.far.test",))
