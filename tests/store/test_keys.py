"""DKIM keys in the store: held by a process, made where they lack, rotated when they are ripe, forgotten."""

from datetime import UTC, datetime

import pytest

from mailservices.config import Config
from mailservices.mail.dkim import custody
from mailservices.mail.dkim.signature import Algorithm
from mailservices.mail.errors import Unavailable
from mailservices.mail.vocabulary import KeyState
from mailservices.store import keys
from mailservices.store.keys import KeyRing, Lack
from mailservices.store.pool import Pool
from tests import direct
from webadmin.directory.models import Domain


async def change(pool: Pool, domain: Domain, words: str) -> None:
    await direct.execute(pool, f"UPDATE policy_dkim_key SET {words} AND domain_id = $1", domain.pk)


async def states(pool: Pool, domain: Domain) -> list[tuple[str, str]]:
    rows = await direct.fetch(
        pool, "SELECT state, algorithm FROM policy_dkim_key WHERE domain_id = $1 ORDER BY id", domain.pk
    )
    return [(row["state"], row["algorithm"]) for row in rows]


async def missing(pool: Pool, domain: Domain) -> list[Lack]:
    return [one for one in await keys.lacking(pool, 10_000) if one.domain_id == domain.pk]


async def make(pool: Pool, config: Config, lack: Lack) -> str:
    kept = custody.new(lack.domain, lack.algorithm, config.sealing_key, datetime.now(UTC).date())
    await keys.add(pool, lack, kept)
    return kept.selector


async def test_a_process_holds_the_keys_that_sign(pool: Pool, config: Config, domain: Domain) -> None:
    ring = KeyRing(pool, config.sealing_key)
    found = await ring.of(domain.name)
    assert [key.algorithm for key in found] == [Algorithm.RSA, Algorithm.ED25519]
    assert await ring.nearest(f"mail.{domain.name}") == (domain.name, found)
    assert await ring.nearest("mail.nowhere.test") == ("mail.nowhere.test", ())
    assert await ring.of("nowhere.test") == ()
    await change(pool, domain, "state = 'retired', retired_at = now() WHERE true")
    assert await ring.of(domain.name) == found
    assert await KeyRing(pool, config.sealing_key).of(domain.name) == ()


async def test_not_without_bound(
    pool: Pool, config: Config, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "HELD_DOMAINS", 2)
    ring = KeyRing(pool, config.sealing_key)
    for number in range(5):
        await ring.of(f"nowhere{number}.test")
        assert len(ring._held) <= 2


async def test_a_key_that_cannot_be_opened_lets_nothing_leave_unsigned(pool: Pool, domain: Domain) -> None:
    with pytest.raises(Unavailable):
        await KeyRing(pool, b"x" * 32).of(domain.name)


async def test_a_domain_without_keys_gets_some_that_sign(pool: Pool, config: Config, domain: Domain) -> None:
    await direct.execute(pool, "DELETE FROM policy_dkim_key WHERE domain_id = $1", domain.pk)
    lacks = await missing(pool, domain)
    assert {(lack.algorithm, lack.state) for lack in lacks} == {(one, KeyState.ACTIVE) for one in Algorithm}
    for lack in lacks:
        await make(pool, config, lack)
        # Two workers at once: the second one's is not needed.
        await make(pool, config, lack)
    assert sorted(await states(pool, domain)) == [("active", "ed25519-sha256"), ("active", "rsa-sha256")]
    assert len(await KeyRing(pool, config.sealing_key).of(domain.name)) == 2
    assert await missing(pool, domain) == []


async def test_old_keys_are_followed_by_others(pool: Pool, config: Config, domain: Domain) -> None:
    await change(pool, domain, "activated_at = now() - interval '151 days' WHERE algorithm = 'rsa-sha256'")
    (lack,) = await missing(pool, domain)
    assert (lack.algorithm, lack.state) == (Algorithm.RSA, KeyState.NEXT)
    selector = await make(pool, config, lack)
    assert await missing(pool, domain) == []
    (asked,) = [
        one for one in await keys.to_ask(pool, 10_000) if (one.domain, one.selector) == (domain.name, selector)
    ]
    assert asked.record.startswith("v=DKIM1; ")
    # Seen, but the other one is not old enough; old enough, but not seen for long enough; not seen any more.
    for seen, old, words in (
        (True, "179 days", "now() - interval '3 days'"),
        (True, "181 days", "now() - interval '1 day'"),
        (False, "181 days", "NULL"),
    ):
        await keys.asked(pool, asked.key_id, seen=seen)
        await change(pool, domain, f"seen_since = {words} WHERE state = 'next'")
        await change(pool, domain, f"activated_at = now() - interval '{old}' WHERE state = 'active'")
        assert domain.name not in await keys.rotate(pool, 1000)
    await keys.asked(pool, asked.key_id, seen=True)
    await change(pool, domain, "seen_since = now() - interval '3 days' WHERE state = 'next'")
    assert domain.name in await keys.rotate(pool, 1000)
    assert sorted(await states(pool, domain)) == [
        ("active", "ed25519-sha256"), ("active", "rsa-sha256"), ("retired", "rsa-sha256"),
    ]  # fmt: skip
    assert selector in [key.selector for key in await KeyRing(pool, config.sealing_key).of(domain.name)]


async def test_retired_keys_are_forgotten_when_their_mail_has_arrived(pool: Pool, domain: Domain) -> None:
    await change(pool, domain, "state = 'retired', retired_at = now() - interval '13 days' WHERE true")
    await keys.drop_retired(pool, 1000)
    assert len(await states(pool, domain)) == 2
    await change(pool, domain, "retired_at = now() - interval '15 days' WHERE algorithm = 'rsa-sha256'")
    assert await keys.drop_retired(pool, 1000) >= 1
    assert await states(pool, domain) == [("retired", "ed25519-sha256")]


async def test_the_dns_was_asked(pool: Pool, domain: Domain) -> None:
    async def row() -> object:
        return await direct.fetchrow(
            pool, "SELECT asked_at, seen_since FROM policy_dkim_key WHERE id = $1", one.key_id
        )

    one = next(key for key in await keys.to_ask(pool, 10_000) if key.domain == domain.name)
    await keys.asked(pool, one.key_id, seen=True)
    asked_at, seen_since = await row()  # type: ignore[misc]
    assert asked_at
    await keys.asked(pool, one.key_id, seen=True)
    assert (await row())[1] == seen_since  # type: ignore[index]
    await keys.asked(pool, one.key_id, seen=False)
    assert (await row())[1] is None  # type: ignore[index]
