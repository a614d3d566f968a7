"""Whoever guesses passwords is blocked by where it comes from: real sockets, behind a balancer."""

import base64
import ssl
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.conftest import Person
from tests.e2e.test_policy import Client
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory import signin
from webadmin.engine import blocks

NEAR, FAR, NETWORK = "203.0.113.77", "203.0.113.78", "203.0.113.0/24"
WRONG, BLOCKED, RIGHT = 535, 454, 235


def sign_in(world: Services, address: str, name: str, password: str) -> int:
    """The code of the reply to AUTH."""
    with Client(world, address, "world_submission") as client:
        client.starttls(context=ssl._create_unverified_context())
        client.ehlo()
        token = base64.b64encode(f"\0{name}\0{password}".encode()).decode()
        return client.docmd("AUTH", f"PLAIN {token}")[0]


def guess(world: Services, *addresses: str) -> None:
    """One wrong password from each, each for another account, all at once."""
    with ThreadPoolExecutor(len(addresses)) as pool:
        codes = set(pool.map(lambda address: sign_in(world, address, f"{uuid4()}@nowhere.test", "x"), addresses))
    assert codes <= {WRONG, BLOCKED}


@pytest.mark.usefixtures("committed")
def test_an_address_then_its_network_is_blocked_until_somebody_lifts_it(world: Services, alice: Person) -> None:
    guess(world, *[NEAR] * 25)
    until(lambda: sign_in(world, NEAR, alice.address, alice.password) == BLOCKED)
    assert sign_in(world, FAR, alice.address, alice.password) == RIGHT
    [near] = [block for block in blocks() if block.what == NEAR]
    assert near.limit == "address"
    signin.lift_block(OPERATOR, near)
    until(lambda: sign_in(world, NEAR, alice.address, alice.password) == RIGHT)

    others = [f"203.0.113.{number}" for number in range(100, 106)]
    guess(world, *others * 16)
    until(lambda: sign_in(world, FAR, alice.address, alice.password) == BLOCKED)
    assert sign_in(world, "198.51.100.9", alice.address, alice.password) == RIGHT
    [network] = [block for block in blocks() if block.limit == "network"]
    assert network.what == NETWORK
    signin.lift_block(OPERATOR, network)
    until(lambda: sign_in(world, FAR, alice.address, alice.password) == RIGHT)
