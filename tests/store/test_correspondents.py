"""Whose keys count for an author, and who learns one."""

from mailservices.mail.smime.certificates import describe
from mailservices.mail.smime.learning import Learnt
from mailservices.store import correspondents
from mailservices.store.pool import Pool
from tests.conftest import Person, orm
from tests.mail_certificates import MailAuthority, alone
from webadmin.audit.record import OPERATOR
from webadmin.directory.models import Account, Domain
from webadmin.privacy import actions, policy
from webadmin.privacy.models import Key

AUTHORITY = MailAuthority()
AUTHOR = "a@sender.test"


def learnt() -> Learnt:
    issued = AUTHORITY.issue(AUTHOR)
    return Learnt(AUTHOR, issued.der, issued.chain_der, describe(issued.der))


async def keep(owner: Account | Domain, address: str, *, ours: bool) -> str:
    keys = await orm(lambda: actions.upload(OPERATOR, owner, alone(address).der, ours=ours))
    return keys[0].fingerprint


async def account(person: Person) -> Account:
    return await orm(lambda: Account.objects.get(pk=person.account_id))


async def test_keys_of_an_account_count_for_its_mail_alone(
    pool: Pool, domain: Domain, alice: Person, bob: Person
) -> None:
    of_alice = await keep(await account(alice), AUTHOR, ours=False)
    assert {one.fingerprint for one in await of([alice], pool)} == {of_alice}
    assert await of([bob], pool) == []
    assert await of([alice, bob], pool) == []
    of_domain = await keep(domain, AUTHOR, ours=False)
    assert {one.fingerprint for one in await of([bob], pool)} == {of_domain}
    assert {one.fingerprint for one in await of([alice], pool)} == {of_domain, of_alice}
    assert {one.fingerprint for one in await of([alice, bob], pool)} == {of_domain}


async def of(people: list[Person], pool: Pool) -> list[correspondents.Known]:
    return await correspondents.of_authors(
        pool, [AUTHOR, "nobody@sender.test"], [one.account_id for one in people]
    )


async def test_an_authors_own_key_counts_for_everybody(pool: Pool, alice: Person, charlie: Person) -> None:
    own = await keep(await account(charlie), charlie.address, ours=True)
    [found] = await correspondents.of_authors(pool, [charlie.address], [alice.account_id])
    assert (found.fingerprint, found.kind, found.trust, found.revoked) == (own, "smime", "own", False)


async def test_only_who_wishes_it_learns_and_once(pool: Pool, domain: Domain, alice: Person, bob: Person) -> None:
    found = learnt()
    await correspondents.learn(pool, [alice.account_id, bob.account_id], found)
    assert not await orm(Key.objects.filter(address=AUTHOR, account__domain=domain).exists)
    await orm(lambda: policy.change_policy(OPERATOR, domain, learn=True))
    one = await account(bob)
    await orm(lambda: policy.change_policy(OPERATOR, one, learn=False))
    for _ in range(2):
        await correspondents.learn(pool, [alice.account_id, bob.account_id], found)
    [kept] = await orm(lambda: list(Key.objects.filter(address=AUTHOR, account__domain=domain)))
    assert kept.account_id == alice.account_id
    assert (kept.subject, kept.issuer) == (found.described.subject, found.described.issuer)
