"""What is learnt of correspondents' keys, and what is left as it was said."""

from datetime import UTC, datetime, timedelta

import pytest

from mailservices.mail.openpgp import keys
from mailservices.mail.vocabulary import KeyOrigin, Trust
from mailservices.store import learnt
from mailservices.store.learnt import Found
from mailservices.store.pool import Pool
from tests import direct
from tests.conftest import Person
from tests.mail.openpgp.cast import public

NOW = datetime.now(UTC).replace(microsecond=0)
SAID = "SELECT fingerprint, origin, trust, prefers_encryption, created_at FROM privacy_key WHERE account_id = $1"
JUDGE = "UPDATE privacy_key SET trust = $2 WHERE account_id = $1"
WISH = "INSERT INTO privacy_policy (account_id, learn) VALUES ($1, $2)"
AGE = "UPDATE privacy_key SET created_at = created_at - $2::interval WHERE account_id = $1"


def found(
    name: str, moment: datetime = NOW, origin: KeyOrigin = KeyOrigin.AUTOCRYPT, *, mutual: bool = False
) -> Found:
    return Found("peer@elsewhere.test", public(name), keys.describe(public(name)), moment, origin, mutual)


def fingerprint(name: str) -> str:
    return keys.describe(public(name)).fingerprint


async def test_those_learn_who_wish_it(pool: Pool, alice: Person, bob: Person, charlie: Person) -> None:
    await direct.execute(pool, WISH, alice.account_id, True)
    await direct.execute(pool, WISH, bob.account_id, False)
    assert await learnt.learners(pool, [one.account_id for one in (alice, bob, charlie)]) == [alice.account_id]


async def test_the_newest_counts(pool: Pool, alice: Person) -> None:
    accounts = [alice.account_id]
    await learnt.keep(pool, accounts, found("alice"))
    await learnt.keep(pool, accounts, found("alice", NOW + timedelta(hours=1), mutual=True))
    [row] = await direct.fetch(pool, SAID, alice.account_id)
    told = (fingerprint("alice"), "autocrypt", Trust.SEEN, True, NOW + timedelta(hours=1))
    assert tuple(row) == told
    # An older message, brought again, changes nothing; a newer one with another key does.
    await learnt.keep(pool, accounts, found("bob"))
    await learnt.keep(pool, accounts, found("alice"))
    assert [tuple(one) for one in await direct.fetch(pool, SAID, alice.account_id)] == [told]
    await learnt.keep(pool, accounts, found("bob", NOW + timedelta(hours=2)))
    [row] = await direct.fetch(pool, SAID, alice.account_id)
    assert row["fingerprint"] == fingerprint("bob")


@pytest.mark.parametrize("trust", [Trust.VERIFIED, Trust.REFUSED])
async def test_what_was_said_of_a_key_stays(pool: Pool, alice: Person, trust: Trust) -> None:
    accounts = [alice.account_id]
    await learnt.keep(pool, accounts, found("alice"))
    await direct.execute(pool, JUDGE, alice.account_id, trust.value)
    await learnt.keep(pool, accounts, found("alice", NOW + timedelta(hours=1), mutual=True))
    [row] = await direct.fetch(pool, SAID, alice.account_id)
    assert (row["trust"], row["prefers_encryption"], row["created_at"]) == (trust.value, False, NOW)
    await learnt.keep(pool, accounts, found("bob", NOW + timedelta(hours=1)))
    there = {row["fingerprint"] for row in await direct.fetch(pool, SAID, alice.account_id)}
    expected = {fingerprint("alice")} if trust is Trust.VERIFIED else {fingerprint("alice"), fingerprint("bob")}
    assert there == expected


async def test_what_was_found_is_looked_for_again(pool: Pool, alice: Person) -> None:
    await learnt.keep(pool, [alice.account_id], found("alice", origin=KeyOrigin.WKD))

    async def old() -> list[learnt.Old]:
        return [one for one in await learnt.old(pool, 1000) if one.account_id == alice.account_id]

    assert await old() == []
    await direct.execute(pool, AGE, alice.account_id, learnt.AGAIN + timedelta(hours=1))
    [one] = await old()
    assert one == learnt.Old(alice.account_id, "peer@elsewhere.test", fingerprint("alice"))
    await learnt.put_off(pool, one)
    assert await old() == []
