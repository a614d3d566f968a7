"""Who is away answers each sender once, and not very many in a day."""

import pytest

from mailservices.store import answers
from mailservices.store.answers import Waiting
from mailservices.store.ids import new_id
from mailservices.store.pool import Pool
from tests.conftest import Database, Person


@pytest.mark.parametrize(("before", "hours", "answered"), [(199, 1, True), (200, 1, False), (200, 25, True)])
async def test_not_very_many_are_answered_in_a_day(
    pool: Pool, database: Database, alice: Person, before: int, hours: int, answered: bool
) -> None:
    account = alice.account_id
    database.execute("DELETE FROM own_answered WHERE account_id = %s", [account])
    database.execute(
        "INSERT INTO own_vacation (account_id, active, subject, text, days) VALUES (%s, true, '', 'Away.', 7)"
        " ON CONFLICT (account_id) DO UPDATE SET active = true",
        [account],
    )
    database.execute(
        "INSERT INTO own_answered (account_id, sender, at)"
        " SELECT %s, 'p' || n || '@far.test', now() - make_interval(hours => %s) FROM generate_series(1, %s) n",
        [account, hours, before],
    )
    said = await answers.said(pool, Waiting(1, account, new_id(), "new@far.test", b""))
    assert (said is not None) is answered
