"""Main passwords and app passwords by every mechanism, and what neither words nor salts tell."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from mailservices.auth.client import Client
from mailservices.auth.credentials import Gate
from mailservices.config import Config
from mailservices.mail import sealing
from mailservices.mail.errors import SignInFailed
from mailservices.protocols.sasl.exchange import Claim
from mailservices.store.pool import Pool
from tests.auth.world import HERE, by_answers, by_cram, by_scram, eventually, web
from tests.conftest import Person
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions, signin
from webadmin.directory.models import Account, AppPassword
from webadmin.security.models import SignIn


async def app_password(person: Person, **more) -> tuple[AppPassword, str]:
    return await web(
        lambda: signin.create_app_password(OPERATOR, Account.objects.get(pk=person.account_id), "phone", **more)
    )


async def change(person: Person, **changes) -> None:
    await web(lambda: actions.change_account(OPERATOR, Account.objects.get(pk=person.account_id), **changes))


async def refused(attempt) -> None:
    with pytest.raises(SignInFailed):
        await attempt


@pytest.mark.parametrize("hash_name", ["SHA-1", "SHA-256"])
@pytest.mark.parametrize("client", [HERE, Client("127.0.0.1", b"a digest")], ids=["plain", "plus"])
async def test_scram_proves_the_main_password(gate: Gate, alice: Person, hash_name: str, client: Client) -> None:
    identity = await by_scram(gate, alice.address, alice.password, client, hash_name)
    assert (identity.account_id, identity.address) == (alice.account_id, alice.address)
    await refused(by_scram(gate, alice.address, "wrong", client, hash_name))
    await refused(by_scram(gate, "nobody@nowhere.test", alice.password, client, hash_name))


async def test_a_name_is_read_in_any_case(gate: Gate, alice: Person) -> None:
    assert (await by_scram(gate, alice.address.upper(), alice.password)).address == alice.address


async def test_a_changed_password_changes_what_scram_proves(gate: Gate, alice: Person) -> None:
    await change(alice, password="another one")
    assert await by_scram(gate, alice.address, "another one")
    await refused(by_scram(gate, alice.address, alice.password))
    await refused(gate.check(Claim(alice.address, alice.password), HERE))


async def test_an_older_account_gets_its_keys_at_the_first_sign_in(gate: Gate, alice: Person) -> None:
    await web(lambda: Account.objects.filter(pk=alice.account_id).update(scram=None))
    await refused(by_scram(gate, alice.address, alice.password))
    await gate.check(Claim(alice.address, alice.password), HERE)
    await eventually(lambda: Account.objects.get(pk=alice.account_id).scram)
    assert await by_scram(gate, alice.address, alice.password)


async def first_answer(gate: Gate, name: str, mechanism: str = "SCRAM-SHA-256") -> str:
    """The salt and the iterations that a stranger is told."""
    told = []

    def answer(challenge: bytes) -> bytes:
        told.append(challenge)
        return b"n,,n=%b,r=abc" % name.encode() if len(told) == 1 else b"c=biws,r=x,p=AAAA"

    await refused(by_answers(gate, mechanism, answer, HERE))
    return told[1].decode().partition(",s=")[2]


async def test_salts_do_not_tell_who_exists(gate: Gate, alice: Person) -> None:
    for name in (alice.address, f"nobody@{alice.address.partition('@')[2]}", f"{alice.address}/1"):
        first, again = await first_answer(gate, name), await first_answer(gate, name, "SCRAM-SHA-1")
        assert first == again
    real = await first_answer(gate, alice.address)
    false = await first_answer(gate, "other" + alice.address)
    assert len(real) == len(false)
    assert real.partition(",i=")[2] == false.partition(",i=")[2]
    app, _ = await app_password(alice)
    number, unknown = f"{alice.address}/{app.pk}", f"{alice.address}/{app.pk + 1}"
    real, false = await first_answer(gate, number), await first_answer(gate, unknown)
    assert real.partition(",i=")[2] == false.partition(",i=")[2] != ""


async def test_a_disabled_account_is_nobodys(gate: Gate, alice: Person) -> None:
    await change(alice, active=False)
    await refused(by_scram(gate, alice.address, alice.password))
    await refused(gate.check(Claim(alice.address, alice.password), HERE))


async def test_an_app_password_is_good_by_every_mechanism(gate: Gate, alice: Person) -> None:
    app, text = await app_password(alice, readable=True)
    await gate.learn()
    name = f"{alice.address}/{app.pk}"
    assert await gate.check(Claim(alice.address, text.upper().replace("-", " ")), HERE)
    assert await gate.check(Claim(name, text), HERE)
    assert await by_scram(gate, name, text)
    assert await by_cram(gate, name, text)
    # CRAM-MD5 tries each; SCRAM takes a name without a number for the main password.
    assert await by_cram(gate, alice.address, text)
    await refused(by_scram(gate, alice.address, text))
    await refused(by_scram(gate, name, alice.password))
    await refused(gate.check(Claim(name, alice.password), HERE))
    await refused(gate.check(Claim(f"{alice.address}/{app.pk + 1}", text), HERE))
    await refused(by_cram(gate, alice.address, alice.password))


async def test_an_app_password_outlives_a_change_of_the_secret_key(
    gate: Gate, alice: Person, config: Config, pool: Pool
) -> None:
    app, text = await app_password(alice)
    changed = replace(config, digest_key=sealing.derive("new", b"digests"))
    for former, good in ((None, False), (config.digest_key, True)):
        later = Gate(pool, replace(changed, former_digest_key=former), "imap")
        try:
            if good:
                assert (await later.check(Claim(alice.address, text), HERE)).account_id == alice.account_id
                assert await later.check(Claim(alice.address, alice.password), HERE)
                await web(lambda: AppPassword.objects.filter(pk=app.pk).delete())
            await refused(later.check(Claim(alice.address, text), HERE))
        finally:
            await later.close()


async def test_an_app_password_is_somebodys(gate: Gate, alice: Person, bob: Person) -> None:
    _, text = await app_password(alice)
    await refused(gate.check(Claim(bob.address, text), HERE))


@pytest.mark.parametrize(
    "limits",
    [{"protocols": ["smtp", "pop3"]}, {"networks": ["192.0.2.0/24", "2001:db8::/32"]}],
    ids=["protocol", "network"],
)
async def test_an_app_password_is_not_good_elsewhere(gate: Gate, alice: Person, limits: dict) -> None:
    app, text = await app_password(alice, readable=True, **limits)
    # Another one, so that the mechanism is there to be tried.
    await app_password(alice, readable=True)
    await gate.learn()
    await refused(gate.check(Claim(alice.address, text), HERE))
    await refused(by_scram(gate, f"{alice.address}/{app.pk}", text))
    await refused(by_cram(gate, alice.address, text))
    if "networks" in limits:
        assert await gate.check(Claim(alice.address, text), Client("2001:db8::1"))


async def test_an_app_password_ends_at_once(gate: Gate, alice: Person) -> None:
    app, text = await app_password(alice, expires_at=timezone.now() + timedelta(hours=1))
    assert await gate.check(Claim(alice.address, text), HERE)
    await web(lambda: AppPassword.objects.filter(pk=app.pk).update(expires_at=timezone.now()))
    await refused(gate.check(Claim(alice.address, text), HERE))
    await web(lambda: AppPassword.objects.filter(pk=app.pk).update(expires_at=None))
    assert await gate.check(Claim(alice.address, text), HERE)
    await web(lambda: signin.revoke_app_password(OPERATOR, app))
    await refused(gate.check(Claim(alice.address, text), HERE))


async def test_its_last_use_is_noted(gate: Gate, alice: Person) -> None:
    app, text = await app_password(alice)
    await gate.check(Claim(alice.address, text), HERE)
    noted = await eventually(lambda: AppPassword.objects.filter(pk=app.pk, last_used_at__isnull=False).first())
    assert noted.last_used_from == "127.0.0.1"
    await gate.check(Claim(alice.address, text), HERE)
    await asyncio.sleep(0.1)
    assert (await web(lambda: AppPassword.objects.get(pk=app.pk))).last_used_at == noted.last_used_at


async def test_cram_is_offered_only_where_somebody_opted_in(gate: Gate, alice: Person) -> None:
    await web(lambda: AppPassword.objects.filter(secret__isnull=False).delete())
    await app_password(alice)
    await gate.learn()
    assert "CRAM-MD5" not in gate.offered(HERE)
    app, _ = await app_password(alice, readable=True)
    await gate.learn()
    assert "CRAM-MD5" in gate.offered(HERE)
    await web(lambda: AppPassword.objects.filter(pk=app.pk).update(networks=["192.0.2.0/24"]))
    await gate.learn()
    assert "CRAM-MD5" not in gate.offered(HERE)
    assert "CRAM-MD5" in gate.offered(Client("192.0.2.7"))
    assert "CRAM-MD5" not in gate.offered(Client(""))
    await web(lambda: AppPassword.objects.filter(pk=app.pk).update(networks=[], protocols=["smtp"]))
    await gate.learn()
    assert "CRAM-MD5" not in gate.offered(HERE)
    await web(lambda: signin.revoke_app_password(OPERATOR, app))
    await gate.learn()
    assert gate.begin("CRAM-MD5", HERE) is None


async def test_nobody_acts_for_another(gate: Gate, alice: Person, bob: Person) -> None:
    await refused(gate.check(Claim(alice.address, alice.password, bob.address), HERE))
    assert await gate.check(Claim(alice.address, alice.password, alice.address), HERE)


async def test_nothing_of_a_password_is_in_the_database(alice: Person) -> None:
    app, text = await app_password(alice, readable=True)
    kept = [bytes(one) for one in (app.digest, app.scram, app.secret)]
    account = await web(lambda: Account.objects.get(pk=alice.account_id))
    kept += [bytes(account.scram or b"")]
    assert not [one for one in kept if text.encode() in one or alice.password.encode() in one]
    assert all(kept)


async def test_each_sign_in_is_written_down(gate: Gate, alice: Person) -> None:
    await gate.check(Claim(alice.address, alice.password), HERE)
    await refused(gate.check(Claim(alice.address, "wrong"), HERE))
    await gate.ledger.flush()
    rows = await web(lambda: list(SignIn.objects.filter(name=alice.address).order_by("outcome")))
    assert [(one.outcome, one.account_id, one.protocol, one.remote_host) for one in rows] == [
        ("accepted", alice.account_id, "imap", "127.0.0.1"),
        ("refused", None, "imap", "127.0.0.1"),
    ]
