"""Programs outside are told what becomes of each recipient, and can tell that it was us."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from mailservices.store.webhooks import KEPT_SECONDS
from tests.conftest import Database, Person
from tests.e2e.test_sending import retry_now, submit
from tests.services import Services, until
from tests.world import Program
from webadmin.audit.record import OPERATOR
from webadmin.queue import actions as queue
from webadmin.webhooks import actions
from webadmin.webhooks.models import Delivery, Webhook


@pytest.fixture
def program(services: Services, committed: None) -> Iterator[Program]:
    made = Program()
    yield made
    # Though workers may be telling it something.
    for row in Webhook.objects.all():
        actions.delete_webhook(OPERATOR, row)
    made.stop()


def kinds(program: Program, recipient: str) -> list[str]:
    told: list[dict[str, Any]] = [json.loads(one.body) for one in program.asked]
    return [one["type"] for one in told if one["data"]["recipient"] == recipient]


def test_every_change_is_told_and_signed(
    services: Services, program: Program, alice: Person, database: Database
) -> None:
    services.names.lead("hooked.test", "127.0.0.1")
    url = f"http://127.0.0.1:{program.port}/told"
    row, secret = actions.create_webhook(OPERATOR, url=url, domain="hooked.test")
    actions.send_test(OPERATOR, row)
    # Until every process knows of it.
    time.sleep(KEPT_SECONDS)
    services.far.later.add("later")
    submit(services, alice, ["two@hooked.test", "later@hooked.test"])
    until(lambda: sorted(kinds(program, "two@hooked.test")) == ["recipient.queued", "recipient.relayed"])
    until(lambda: "recipient.deferred" in kinds(program, "later@hooked.test"))
    chosen = queue.choose(address="later@hooked.test")
    until(lambda: queue.hold(OPERATOR, chosen))
    queue.release(OPERATOR, chosen)
    until(lambda: kinds(program, "later@hooked.test").count("recipient.deferred") >= 2)
    services.far.later.discard("later")
    services.far.never.add("later")
    until(
        lambda: (
            retry_now(database, "later@hooked.test") or "recipient.failed" in kinds(program, "later@hooked.test")
        )
    )
    services.far.never.discard("later")
    until(lambda: {"recipient.held", "recipient.released"} <= set(kinds(program, "later@hooked.test")))
    for asked in program.asked:
        signed = f"{asked.headers['webhook-id']}.{asked.headers['webhook-timestamp']}.".encode() + asked.body
        key = base64.b64decode(secret.removeprefix("whsec_"))
        right = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        assert asked.headers["webhook-signature"] == f"v1,{right}"
    assert len({one.headers["webhook-id"] for one in program.asked}) == len(program.asked)


def test_what_was_not_taken_comes_again_under_its_id(services: Services, program: Program) -> None:
    url = f"http://127.0.0.1:{program.port}/broken"
    program.answers["/broken"] = 500, {}
    row, _ = actions.create_webhook(OPERATOR, url=url)
    told = actions.send_test(OPERATOR, row)
    until(lambda: Delivery.objects.get(pk=told.pk).tries == 1)
    row.refresh_from_db()
    assert row.failing_since is not None
    del program.answers["/broken"]
    actions.redeliver(OPERATOR, Delivery.objects.filter(pk=told.pk))
    until(lambda: Delivery.objects.get(pk=told.pk).state == "done")
    assert {one.headers["webhook-id"] for one in program.told("/broken")} == {told.pk.hex}
    row.refresh_from_db()
    assert row.failing_since is None
