"""What is not there is asked for again when its zone says so, and no sooner (RFC 2308)."""

import dataclasses
from collections.abc import Iterator

import pytest

from mailservices.config import Config
from mailservices.mail.questions import Found, Missing, Nothing, Txt
from mailservices.net.dns import Resolver
from tests.world import NameServer


@pytest.fixture
def names() -> Iterator[NameServer]:
    server = NameServer()
    yield server
    server.close()


@pytest.fixture
def resolver(config: Config, names: NameServer) -> Resolver:
    return Resolver(dataclasses.replace(config, dns=(("127.0.0.1", names.port),)))


@pytest.mark.parametrize(("ttl", "asked"), [(60, 1), (0, 3)])
async def test_absence_is_kept_as_long_as_the_zone_says(
    resolver: Resolver, names: NameServer, ttl: int, asked: int
) -> None:
    names.absent_ttl = ttl
    names.zone["a.test", "A"] = ["192.0.2.1"]
    for _ in range(3):
        assert await resolver.ask(Txt("a.test")) == Nothing()
        assert await resolver.ask(Txt("b.test")) == Missing()
    assert names.asked.count(("a.test", "TXT")) == names.asked.count(("b.test", "TXT")) == asked
    names.say("b.test", "now")
    assert await resolver.ask(Txt("b.test")) == (Missing() if ttl else Found((b"now",)))
