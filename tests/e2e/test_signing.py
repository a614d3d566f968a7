"""DKIM from end to end: what is submitted leaves signed, and whoever reads the API's records can verify it."""

import dataclasses
import email
import smtplib
import ssl
from collections.abc import AsyncIterator, Mapping
from email.message import EmailMessage

import dkim
import pytest
from rest_framework.test import APIClient

from mailservices.config import Config
from mailservices.mail import headers
from mailservices.mail.dkim import custody
from mailservices.mail.dkim.verify import Verifier
from mailservices.mail.findings import Result
from mailservices.net.dns import Resolver
from mailservices.store.pool import Pool
from tests import direct
from tests.conftest import Person, make_person
from tests.e2e.test_sending import inbox, submit
from tests.mail.dkim.keys import run
from tests.services import Services, until
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions, aliases
from webadmin.directory.models import Administrator, Domain
from workers import signing
from workers.engine import Engine
from workers.outbound.drain import drain

NOW = 1_900_000_000


def records(domain: Domain) -> dict[str, str]:
    """What the API tells to publish."""
    administrator = Administrator.objects.filter(username="signing").first()
    token = actions.create_token(
        administrator or actions.create_administrator("signing", "a long passphrase"), "x"
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token[1]}")
    found = client.get(f"/api/v1/dkim-keys/?domain={domain.name}").json()["results"]
    return {one["name"]: "".join(one["strings"]) for one in found}


def sent(services: Services, sender: Person, recipient: str, text: bytes | None = None) -> bytes:
    """Submitted, and taken by the far side."""
    services.names.lead(recipient.partition("@")[2], "127.0.0.1")
    submit(services, sender, [recipient], text)
    return until(lambda: [one for one in services.far.taken if one.recipients == [recipient]])[0].text


def dkimpy_holds(message: bytes, published: Mapping[str, str]) -> bool:
    def lookup(name: bytes, timeout: int = 5) -> bytes:
        return published.get(name.decode().rstrip("."), "").encode()

    return bool(dkim.verify(message, dnsfunc=lookup))


def results(message: bytes, published: Mapping[str, str]) -> list[tuple[Result, str]]:
    header, body = headers.split(message)
    verifier = Verifier(header, NOW)
    verifier.feed(body)
    return [(one.result, dict(one.properties)["header.d"]) for one in run(verifier.finish(), published)]


def test_a_submission_is_signed_with_both_keys(services: Services, domain: Domain, alice: Person) -> None:
    message = sent(services, alice, "reader@signed.test")
    published = records(domain)
    assert len(published) == 2
    assert dkimpy_holds(message, published)
    assert results(message, published) == [(Result.PASS, domain.name)] * 2
    assert not dkimpy_holds(message.replace(b"How do you do?", b"How did you do?"), published)


def test_what_we_added_is_signed_too(services: Services, domain: Domain, alice: Person) -> None:
    message = sent(services, alice, "reader@added.test")
    assert results(message, records(domain)) == [(Result.PASS, domain.name)] * 2
    for field in ("Date", "Message-ID"):
        value = email.message_from_bytes(message)[field].encode()
        assert results(message.replace(value, b"x" + value), records(domain))[0][0] is Result.FAIL


def test_a_large_body_is_signed(services: Services, domain: Domain, alice: Person) -> None:
    text = f"From: {alice.address}\r\nSubject: Large\r\n\r\n".encode() + b"Line  of a large body. \r\n" * 120_000
    message = sent(services, alice, "reader@large.test", text)
    assert len(message) > 2 * 2**20
    assert results(message, records(domain)) == [(Result.PASS, domain.name)] * 2


def test_the_copy_here_is_signed_too(services: Services, domain: Domain, alice: Person, bob: Person) -> None:
    submit(services, alice, [bob.address])
    (message,) = until(lambda: inbox(services, bob))
    assert results(message, records(domain)) == [(Result.PASS, domain.name)] * 2


def test_the_domain_in_from_signs(services: Services, domain: Domain, alice: Person) -> None:
    """Whoever stands in From is one of hers (test_submitting.py): that domain speaks, not the envelope's."""
    other = actions.create_domain(OPERATOR, f"other.{domain.name}")
    aliases.create_alias(OPERATOR, f"boss@{other.name}", [alice.address])
    message = EmailMessage()
    message["From"], message["Subject"] = f"boss@{other.name}", "Pay"
    message.set_content("at once\n")
    taken = sent(services, alice, "reader@from.test", message.as_bytes().replace(b"\n", b"\r\n"))
    assert results(taken, records(other)) == [(Result.PASS, other.name)] * 2


def test_what_comes_in_is_not_signed(services: Services, alice: Person) -> None:
    with smtplib.SMTP("127.0.0.1", services.ports["smtp"], timeout=20) as client:
        client.sendmail("x@outside.test", [alice.address], b"From: x@outside.test\r\n\r\nHi\r\n")
    (message,) = until(lambda: inbox(services, alice))
    assert b"DKIM-Signature" not in message


def test_a_report_that_leaves_is_signed(services: Services, committed: None) -> None:
    """As the domain of this host, or the one above it."""
    host = Domain.objects.filter(name="facteur.test").first() or actions.create_domain(OPERATOR, "facteur.test")
    sender = make_person(host, "absent")
    aliases.create_alias(OPERATOR, "away@facteur.test", ["away@elsewhere.test", sender.address])
    services.names.lead("elsewhere.test", "127.0.0.1")
    services.names.lead("refuses.test", "127.0.0.1")
    services.far.never.add("gone")
    message = EmailMessage()
    message["From"] = "away@facteur.test"
    message.set_content("x\n")
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=20) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(sender.address, sender.password)
        client.sendmail("away@facteur.test", ["gone@refuses.test"], message.as_bytes().replace(b"\n", b"\r\n"))
    report = until(lambda: [one for one in services.far.taken if one.recipients == ["away@elsewhere.test"]])[0]
    assert report.mail.startswith("<>")
    assert results(report.text, records(host)) == [(Result.PASS, "facteur.test")] * 2


@pytest.fixture
async def engine(config: Config, services: Services) -> AsyncIterator[Engine]:
    """A worker's engine in this process."""
    opened = Engine(dataclasses.replace(config, dns=(("127.0.0.1", services.names.port),)), drain)
    await opened.open()
    yield opened
    await opened.close()


def zone_text(record: str) -> list[str]:
    return [" ".join(f'"{one}"' for one in custody.strings(record.replace("; ", " ;  ")))]


async def test_workers_tend_the_keys(
    services: Services, engine: Engine, pool: Pool, committed: None, domain: Domain
) -> None:
    """Made where they lack, seen once they are published, signing once they are due."""

    async def rows(columns: str) -> list[tuple[object, ...]]:
        found = await direct.fetch(
            pool,
            f"SELECT {columns} FROM policy_dkim_key WHERE domain_id = $1 ORDER BY state, algorithm",
            domain.pk,
        )
        return [tuple(row) for row in found]

    await direct.execute(pool, "DELETE FROM policy_dkim_key WHERE domain_id = $1", domain.pk)
    await signing.tend(engine)
    assert await rows("state, asked_at IS NULL, seen_since IS NULL") == [("active", False, True)] * 2
    selectors = await rows("selector")
    await direct.execute(
        pool,
        "UPDATE policy_dkim_key SET activated_at = now() - interval '200 days' WHERE domain_id = $1",
        domain.pk,
    )
    await signing.tend(engine)
    assert [row[0] for row in await rows("state")] == ["active", "active", "next", "next"]
    # Spelt otherwise than we would, with something else beside it.
    published = {
        (custody.name(domain.name, str(selector)), "TXT"): ['"v=spf1 -all"', *zone_text(str(record))]
        for selector, record in await rows("selector, record")
    }
    services.names.zone.update(published)
    engine.resolver = Resolver(engine.config)
    await signing.tend(engine)
    assert await rows("seen_since IS NOT NULL") == [(True,)] * 4
    services.names.failing.update(name for name, _ in published)
    await direct.execute(
        pool, "UPDATE policy_dkim_key SET seen_since = now() - interval '3 days' WHERE domain_id = $1", domain.pk
    )
    engine.resolver = Resolver(engine.config)
    await signing.tend(engine)
    assert [row[0] for row in await rows("state")] == ["active", "active", "retired", "retired"]
    assert [row for row in await rows("selector, state") if row[1] == "retired"] == [
        (selector, "retired") for (selector,) in selectors
    ]
