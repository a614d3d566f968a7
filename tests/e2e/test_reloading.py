"""HUP replaces the workers of a service: no listener is dropped, nobody in the middle of something is cut off."""

import os
import signal
import urllib.request

import pytest

from tests.services import Services, until

GREETINGS = {"smtp": b"220 ", "imap": b"* OK ", "pop3": b"+OK "}


def workers(services: Services, name: str) -> set[int]:
    process = services.child(name).process
    assert process
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
        return set(map(int, children.read().split()))


@pytest.mark.parametrize("name", GREETINGS)
def test_new_workers_take_over(services: Services, name: str) -> None:
    process = services.child(name).process
    assert process
    before = workers(services, name)
    for _ in range(2):
        old = workers(services, name)
        os.kill(process.pid, signal.SIGHUP)
        greeted = 0
        while old & workers(services, name) or greeted < 20:
            with services.connect(name) as client:
                greeting = client.makefile("rb").readline()
            # Whoever comes to a worker that is about to go is told so, never cut off without a word.
            assert greeting.startswith((GREETINGS[name], b"421 ", b"* BYE ", b"-ERR ")), greeting
            greeted += 1
    assert not before & workers(services, name)
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{services.ports[name + '_health']}/metrics", timeout=10)
    assert b"facteur_connections_total" in metrics.read()
    until(services.child(name).healthy)
