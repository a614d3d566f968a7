"""A key comes to the directory as a mail program sends it, its owner confirms it, and it is published; by the
services as they run. Owners are told of keys that end by the same worker.
"""

from datetime import UTC, datetime, timedelta

import pysequoia
import pytest
from pysequoia import Tsk

from mailservices.config import Config
from mailservices.mail import headers
from mailservices.mail import mime as parts
from mailservices.mail.openpgp import keys, mime
from mailservices.net.bell import MAINTENANCE_QUEUE, celery
from tests.conftest import Person, make_person
from tests.e2e.test_sending import inbox, submit
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory.models import Account, Domain
from webadmin.privacy import actions
from webadmin.privacy import directory as directories
from webadmin.privacy.models import Key
from workers.app import PRIVATE


@pytest.fixture
def postbox(committed: None, domain: Domain) -> Person:
    """Who reads what comes to the directory's address."""
    made = make_person(domain, "keys")
    directories.set_directory(OPERATOR, domain, submission=made.address)
    return made


def tend(config: Config) -> None:
    """What the timetable orders once a minute."""
    app = celery(config.redis_url)
    app.send_task(PRIVATE, queue=MAINTENANCE_QUEUE, ignore_result=True)
    app.close()


def send(services: Services, config: Config, alice: Person, postbox: Person, payload: str) -> None:
    """Encrypted to the directory, by the port for submission."""
    public = bytes(Key.objects.get(address=postbox.address).public)
    entity = mime.encrypt(payload.encode(), [public])
    head = f"From: {alice.address}\r\nTo: {postbox.address}\r\nSubject: key\r\n".encode()
    before = len(inbox(services, postbox))
    submit(services, alice, [postbox.address], head + entity.fields + b"\r\n" + entity.body)
    until(lambda: len(inbox(services, postbox)) > before)
    tend(config)


def test_a_key_is_published_by_mail(services: Services, config: Config, alice: Person, postbox: Person) -> None:
    pair = keys.generate("", alice.address)
    armoured = keys.armoured(pair.public)
    send(services, config, alice, postbox, f"Content-Type: application/pgp-keys\n\n{armoured}")
    [letter] = until(lambda: inbox(services, alice))
    header, body = headers.split(letter)
    assert b"WKS-Phase: confirm" in header
    closed = parts.scan(header, body).children[0].children[1]
    opened = pysequoia.decrypt(mime.octets(closed, body), Tsk.from_bytes(pair.secret or b"").decryptor())
    nonce = bytes(opened.bytes or b"").decode().rpartition("nonce: ")[2].strip()
    told = f"type: confirmation-response\nsender: x@y.test\naddress: {alice.address}\nnonce: {nonce}\n"
    send(services, config, alice, postbox, f"Content-Type: application/vnd.gnupg.wks\n\n{told}")
    until(lambda: len(inbox(services, alice)) == 2)
    key = Key.objects.get(account=alice.account_id)
    assert (key.fingerprint, key.published) == (keys.describe(pair.public).fingerprint, True)


def test_an_owner_is_told_that_her_key_ends(services: Services, config: Config, alice: Person) -> None:
    key = actions.generate(OPERATOR, Account.objects.get(pk=alice.account_id), alice.address)
    Key.objects.filter(pk=key.pk).update(expires_at=datetime.now(UTC) + timedelta(days=5))
    tend(config)
    [letter] = until(lambda: inbox(services, alice))
    assert b"Subject: Your key for private mail ends soon" in letter
