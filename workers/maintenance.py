"""What is done once an hour: partitions ahead; what nobody needs any more is removed, in bounded steps."""

from mailservices import log
from mailservices.store import allowance, greylist, maintenance
from mailservices.store.pool import Pool

#: Rows of one step, and steps of one kind in one round.
STEP_ROWS = 1000
STEPS = 500

_log = log.get()


async def tidy(pool: Pool) -> None:
    """One round.

    Raises:
        Unavailable: the rest is left to the next round.
    """
    await maintenance.make_partitions(pool)
    removed = {"trace_days": await maintenance.drop_partitions(pool)}
    for step in (
        maintenance.drop_old_trace,
        maintenance.drop_tombstones,
        maintenance.drop_settled,
        maintenance.drop_accounts,
        greylist.drop_greylisted,
        allowance.drop_days,
        allowance.drop_correspondents,
    ):
        removed[step.__name__] = 0
        for _ in range(STEPS):
            count = await step(pool, STEP_ROWS)
            removed[step.__name__] += count
            if not count:
                break
    removed["bodies"] = await maintenance.drop_unheld(pool, STEP_ROWS)
    if any(removed.values()):
        _log.info("tidied", **removed)
