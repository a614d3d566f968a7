#!/usr/bin/env python3
"""What a claim costs, by how much waits: fills the queue in a transaction that is undone at the end.

    claim_load.py --folder APPLIANCE --rows 1000000

Half of what waits is for one destination; claims of ten go to it and to others, turn about.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

import benchlib as lib

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.drivers.queue_rows import FILL, SENDER, database  # noqa: E402
from mailservices.store import pool as pools  # noqa: E402
from mailservices.store import queue  # noqa: E402
from mailservices.store.ids import new_id  # noqa: E402

OTHERS = 500


async def main(args):
    pool = await pools.open_pool(database(args.folder), "bench", 1)
    others = [f"d{number}.waiting.test" for number in range(OTHERS)]
    claims, dues = [], []
    async with pools.connection(pool) as db:
        whole = db.transaction()
        await whole.start()
        await db.execute("SET LOCAL statement_timeout = 0")
        destinations = [name for other in others for name in (other, "big.waiting.test")]
        await db.execute(FILL, SENDER, args.rows, destinations, timeout=600)
        await db.execute("ANALYZE queue_recipient", timeout=600)
        for number in range(args.claims):
            destination = others[number // 2 % OTHERS] if number % 2 else "big.waiting.test"
            started = time.perf_counter()
            rows = await db.fetch(
                queue.CLAIM, [destination], [10], [new_id()], queue.LEASE, queue.SETTLE_FIRST
            )
            claims.append(time.perf_counter() - started)
            if len(rows) != 10:
                sys.exit(f"{len(rows)} claimed instead of 10 for {destination}, claim {number}")
            if number % 20 == 0:
                started = time.perf_counter()
                await db.fetch(queue.DUE, 1000)
                dues.append(time.perf_counter() - started)
        await whole.rollback()
    await pool.close()
    lib.report({"what": "claim", "rows": args.rows, "claim": lib.summary_ms(claims), "due": lib.summary_ms(dues)})


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="the appliance's own folder")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--claims", type=int, default=400)
    args = parser.parse_args()
    if args.rows > 2_000_000:
        parser.error("bounded at 2000000 rows")
    return args


if __name__ == "__main__":
    asyncio.run(main(arguments()))
