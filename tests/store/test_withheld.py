"""What is withheld from whom, and how long that is remembered."""

from mailservices.store.pool import Pool
from mailservices.store.withheld import KEPT_SECONDS, Withheld
from tests import direct
from tests.conftest import Person

INSERT = "INSERT INTO policy_withheld (account_id, client, capabilities) VALUES ($1, $2, $3)"


async def test_what_is_withheld(pool: Pool, alice: Person, bob: Person) -> None:
    odd = f"odd{alice.account_id}"
    for account_id, client, word in (
        (alice.account_id, "", "IDLE"), (alice.account_id, "mailer", "QRESYNC"), (None, odd, "NOTIFY"),
    ):  # fmt: skip
        await direct.execute(pool, INSERT, account_id, client, [word])
    now = 0.0
    withheld = Withheld(pool, lambda: now)
    assert await withheld.of(alice.account_id, "") == {"IDLE"}
    assert await withheld.of(alice.account_id, "Mailer") == {"IDLE", "QRESYNC"}
    assert await withheld.of(bob.account_id, odd.upper()) == {"NOTIFY"}
    assert await withheld.of(None, "mailer") == frozenset()
    await direct.execute(
        pool, "DELETE FROM policy_withheld WHERE account_id = $1 OR client = $2", alice.account_id, odd
    )
    assert await withheld.of(alice.account_id, "") == {"IDLE"}
    now += KEPT_SECONDS
    assert await withheld.of(alice.account_id, "") == frozenset()
