"""What is done once an hour: partitions ahead; what nobody needs any more is removed, in bounded steps."""

from mailservices import log
from mailservices.store import (
    aggregates,
    allowance,
    answers,
    counting,
    greylist,
    keydirectory,
    lanes,
    maintenance,
    returned,
    signins,
    sources,
    sts,
    suppression,
    webhooks,
)
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
    # Before days are dropped.
    await counting.count_hours(pool)
    removed = {"trace_days": await maintenance.drop_partitions(pool)}
    for step in (
        maintenance.drop_old_trace,
        maintenance.drop_tombstones,
        maintenance.drop_changes,
        maintenance.drop_settled,
        maintenance.drop_accounts,
        greylist.drop_greylisted,
        sts.drop_sts,
        lanes.drop_lanes,
        suppression.drop_suppressions,
        webhooks.drop_told,
        returned.drop_unread,
        answers.drop_away,
        answers.drop_answered,
        aggregates.drop_counted,
        aggregates.drop_dmarc,
        aggregates.drop_tls,
        allowance.drop_days,
        allowance.drop_correspondents,
        sources.drop_source_days,
        signins.drop_sign_ins,
        keydirectory.drop_submissions,
        counting.drop_counts,
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
