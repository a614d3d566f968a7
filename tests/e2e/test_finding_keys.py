"""Keys of whoever is written to, found in the directory of her domain while the message waits (WKD)."""

import smtplib

import pytest

from mailservices.mail.openpgp import keys
from tests.conftest import Person
from tests.e2e.test_leaving_private import pgp, sent, text, wish
from tests.e2e.test_sending import submit
from tests.services import DIRECTORY, Services
from webadmin.directory.models import Domain
from webadmin.privacy.models import Key

PEER = f"Peer@{DIRECTORY.partition('.')[2]}"


def test_a_key_is_found_and_used(services: Services, domain: Domain, alice: Person) -> None:
    pair = keys.generate("", PEER.lower())
    services.names.zone[DIRECTORY, "A"] = ["127.0.0.1"]
    services.policies.answers[DIRECTORY] = pair.public
    pgp(alice)
    wish(alice, encrypt="required", hide_subject=True)
    [octets] = sent(services, alice, PEER)
    assert b"multipart/encrypted" in octets
    assert b"Secret plans" not in octets
    [row] = Key.objects.filter(account_id=alice.account_id, ours=False)
    described = keys.describe(pair.public)
    assert (row.address, row.origin, row.trust) == (PEER.lower(), "wkd", "seen")
    assert (row.fingerprint, row.algorithm) == (described.fingerprint, described.algorithm)
    # What is known is not asked for again; and nobody else has a key there.
    asked = services.policies.asked.count(DIRECTORY)
    sent(services, alice, PEER)
    assert services.policies.asked.count(DIRECTORY) == asked
    nobody = PEER.lower().replace("peer", "nobody")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        submit(services, alice, [nobody], text(alice, nobody))
    assert nobody.encode() in bytes(refused.value.smtp_error)
    assert not Key.objects.filter(address=nobody).exists()
