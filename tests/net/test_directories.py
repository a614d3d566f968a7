"""Keys in the directories of others (draft-koch-openpgp-webkey-service): found, or why not, whatever is there."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailservices.config import Config
from mailservices.mail import address, wkd
from mailservices.net import directories
from mailservices.net.directories import NotFound
from mailservices.net.dns import Resolver
from tests.certificates import make_for_names
from tests.mail.openpgp.cast import public
from tests.world import NameServer, PolicyHost

ALICE = address.parse("Alice@example.org")
NOW = datetime.now(UTC)
ADVANCED, DIRECT = "openpgpkey.example.org", "example.org"


@dataclasses.dataclass
class Outside:
    """A directory, and the DNS that leads there."""

    config: Config
    names: NameServer
    host: PolicyHost
    resolver: Resolver

    async def find(self) -> bytes:
        return (await directories.find(self.resolver, self.config, ALICE, NOW)).public


@pytest.fixture
def outside(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    names = NameServer()
    host = PolicyHost(make_for_names(tmp_path / "far.pem", ADVANCED, DIRECT)).start()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "far.pem"))
    ours = dataclasses.replace(
        config, dns=(("127.0.0.1", names.port),), remote_https_port=host.port, webhooks_private=True
    )
    yield Outside(ours, names, host, Resolver(ours))
    host.stop()
    names.close()


async def test_the_advanced_method_comes_first(outside: Outside) -> None:
    for name in (ADVANCED, DIRECT):
        outside.names.zone[name, "A"] = ["127.0.0.1"]
    outside.host.answers[ADVANCED] = public("expired") + public("alice")
    assert await outside.find() == public("alice")
    assert outside.host.asked == [ADVANCED]
    # §3.1: who has that host has no key elsewhere.
    outside.host.answers = {DIRECT: public("alice")}
    with pytest.raises(NotFound, match="status 404"):
        await outside.find()
    assert outside.host.asked == [ADVANCED] * 2


async def test_the_direct_method_where_that_host_is_not_there(outside: Outside) -> None:
    outside.names.zone[DIRECT, "A"] = ["127.0.0.1"]
    outside.host.answers[DIRECT] = public("alice")
    assert await outside.find() == public("alice")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: https://example.org/\r\nContent-Length: 0\r\n\r\n", "status 302"),
        (b"x" * (wkd.KEY_OCTETS + 1), "it is too long"),
        (b"no key", "no OpenPGP certificate"),
        (public("bob"), "for another address"),
        (public("expired"), "the key expired"),
    ],
)
async def test_what_is_no_key_is_not_found(outside: Outside, answer: bytes, why: str) -> None:
    outside.names.zone[ADVANCED, "A"] = ["127.0.0.1"]
    outside.host.answers[ADVANCED] = answer
    with pytest.raises(NotFound, match=why):
        await outside.find()


async def test_nobody_of_our_own_network_is_asked(outside: Outside) -> None:
    outside.names.zone[ADVANCED, "A"] = ["127.0.0.1"]
    outside.config = dataclasses.replace(outside.config, webhooks_private=False)
    with pytest.raises(NotFound, match="has no address"):
        await outside.find()
    assert outside.host.asked == []


async def test_a_host_that_does_not_answer(outside: Outside) -> None:
    outside.names.zone[ADVANCED, "A"] = ["127.0.0.1"]
    outside.config = dataclasses.replace(outside.config, remote_https_port=1)
    with pytest.raises(NotFound, match="ConnectError"):
        await outside.find()
    outside.names.zone.clear()
    outside.names.failing.add(ADVANCED)
    with pytest.raises(NotFound, match="has no address"):
        await Outside(outside.config, outside.names, outside.host, Resolver(outside.config)).find()
