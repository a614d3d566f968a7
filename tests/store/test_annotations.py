"""Annotations (RFC 5464 §4.3): all of a command or nothing of it."""

import pytest

from mailservices.mail.errors import NoSuchFolder
from mailservices.store import annotations
from mailservices.store.annotations import ENTRIES, OF_ACCOUNT, TooMany
from mailservices.store.pool import Pool
from tests.conftest import Person


async def test_there_may_be_too_many(pool: Pool, alice: Person) -> None:
    values = [(f"/private/{number}", b"x") for number in range(ENTRIES)]
    await annotations.write(pool, alice.account_id, OF_ACCOUNT, values)
    with pytest.raises(TooMany):
        await annotations.write(
            pool, alice.account_id, OF_ACCOUNT, [("/private/0", b"y"), ("/private/more", b"x")]
        )
    await annotations.write(pool, alice.account_id, OF_ACCOUNT, [("/private/1", None), ("/private/more", b"x")])
    kept = await annotations.read(pool, alice.account_id, [OF_ACCOUNT], ["/private"], 1)
    assert len(kept[OF_ACCOUNT]) == ENTRIES
    assert (kept[OF_ACCOUNT]["/private/0"], kept[OF_ACCOUNT]["/private/more"]) == (b"x", b"x")


async def test_a_folder_must_be_there(pool: Pool, alice: Person) -> None:
    with pytest.raises(NoSuchFolder):
        await annotations.write(pool, alice.account_id, 2**40, [("/private/a", b"x")])
