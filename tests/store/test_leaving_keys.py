"""What an account wishes for what it sends, and whose keys count for it."""

from datetime import UTC, datetime, timedelta

import pytest

from mailservices.config import Config
from mailservices.mail.errors import Unavailable
from mailservices.mail.privacy_policy import Policy
from mailservices.store import leaving_keys
from mailservices.store.pool import Pool
from tests.conftest import Person, orm
from tests.mail_certificates import MailAuthority, alone, rsa_key
from webadmin.audit.record import OPERATOR
from webadmin.directory.models import Account, Domain
from webadmin.privacy import actions, policy
from webadmin.privacy.models import Key

AUTHORITY = MailAuthority()
READER = "reader@far.test"


async def account(person: Person) -> Account:
    return await orm(lambda: Account.objects.get(pk=person.account_id))


async def upload(owner: Account | Domain, octets: bytes, *, ours: bool) -> Key:
    return (await orm(lambda: actions.upload(OPERATOR, owner, octets, ours=ours)))[0]


async def change(key: Key, **values: object) -> None:
    await orm(lambda: Key.objects.filter(pk=key.pk).update(**values))


async def of(pool: Pool, person: Person, address: str = READER) -> list[bytes]:
    readers = await leaving_keys.of_recipients(pool, [address], person.account_id)
    assert readers.knows(address) is bool(readers.of(address, "smime"))
    return readers.of(address, "smime")


async def test_an_accounts_wish_counts_before_its_domains(pool: Pool, domain: Domain, alice: Person) -> None:
    now = 0.0
    wishes = leaving_keys.Wishes(pool, lambda: now)
    assert await wishes.of(alice.account_id) == Policy()
    await orm(lambda: policy.change_policy(OPERATOR, domain, sign="smime", encrypt="possible", on_append=["Sent"]))
    one = await account(alice)
    await orm(lambda: policy.change_policy(OPERATOR, one, encrypt="required"))
    assert await wishes.of(alice.account_id) == Policy()
    now += leaving_keys.HELD_FOR + 1
    found = await wishes.of(alice.account_id)
    assert (found.sign, found.encrypt, found.hide_subject, found.on_append) == (
        "smime",
        "required",
        False,
        ("Sent",),
    )


async def test_not_without_bound(pool: Pool, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving_keys, "HELD_ACCOUNTS", 1)
    wishes = leaving_keys.Wishes(pool)
    for person in (alice, bob, alice):
        await wishes.of(person.account_id)
        assert len(wishes._held) == 1


async def test_what_is_verified_counts_before_what_was_seen(pool: Pool, domain: Domain, alice: Person) -> None:
    owner = await account(alice)
    first = await upload(owner, alone(READER).der, ours=False)
    await change(first, trust="seen")
    assert await of(pool, alice) == [bytes(first.public)]
    second = await upload(domain, AUTHORITY.issue(READER).der, ours=False)
    assert await of(pool, alice) == [bytes(second.public)]
    await change(second, trust="refused")
    assert await of(pool, alice) == [bytes(first.public)]


@pytest.mark.parametrize(
    "values",
    [
        {"trust": "refused"},
        {"expires_at": datetime.now(UTC) - timedelta(days=1)},
        {"not_before": datetime.now(UTC) + timedelta(days=1)},
    ],
    ids=["refused", "expired", "not yet valid"],
)
async def test_what_is_of_no_use_does_not_count(pool: Pool, alice: Person, values: dict[str, object]) -> None:
    key = await upload(await account(alice), alone(READER).der, ours=False)
    assert await of(pool, alice)
    await change(key, **values)
    assert await of(pool, alice) == []


async def test_somebody_elses_keys_do_not_count(pool: Pool, alice: Person, bob: Person) -> None:
    await upload(await account(bob), alone(READER).der, ours=False)
    assert await of(pool, alice) == []


async def test_of_people_here_their_own_counts_where_they_wish_it(pool: Pool, alice: Person, bob: Person) -> None:
    key = await upload(await account(bob), AUTHORITY.issue(bob.address).der, ours=True)
    assert await of(pool, alice, bob.address) == [bytes(key.public)]
    await change(key, encrypts=False, published=False)
    assert await of(pool, alice, bob.address) == []
    await change(key, encrypts=True, revoked_at=datetime.now(UTC))
    assert await of(pool, alice, bob.address) == []


async def test_the_authors_own_sign_and_only_hers(
    pool: Pool, config: Config, domain: Domain, alice: Person, bob: Person
) -> None:
    issued = AUTHORITY.issue(alice.address, key=rsa_key())
    key = await upload(await account(alice), issued.pem.encode(), ours=True)
    shared = AUTHORITY.issue(bob.address)
    await upload(domain, shared.pem.encode(), ours=True)
    [found] = await leaving_keys.own(pool, config.sealing_key, alice.address, alice.account_id)
    assert found.signing is not None
    assert (found.signing.secret, found.signing.chain) == (issued.pkcs8, issued.chain_der)
    assert await leaving_keys.own(pool, config.sealing_key, alice.address, bob.account_id) == []
    [of_domain] = await leaving_keys.own(pool, config.sealing_key, bob.address, bob.account_id)
    assert of_domain.public == shared.der
    await change(key, signs=False)
    [silent] = await leaving_keys.own(pool, config.sealing_key, alice.address, alice.account_id)
    assert silent.signing is None


async def test_a_key_that_does_not_open_lets_nothing_leave(pool: Pool, alice: Person) -> None:
    await upload(await account(alice), AUTHORITY.issue(alice.address).pem.encode(), ours=True)
    with pytest.raises(Unavailable):
        await leaving_keys.own(pool, bytes(32), alice.address, alice.account_id)
