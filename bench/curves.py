"""`python -m bench.curves`: what commands cost in folders of 1,000 to 1,000,000 messages, and a session in memory.

Ours alone: nothing may grow with what lies elsewhere, and most of it not with the folder. Each account has a
folder of its size, 200 small ones, and one of 100 messages beside them; all lie in one database.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psycopg

from appliance import Trouble
from bench import sides
from bench.comparisons import DOMAIN, Side
from bench.drivers import benchlib as lib
from bench.drivers.queue_rows import database

SIZES = (1_000, 10_000, 100_000, 1_000_000)
FOLDERS, SMALL = 200, 100
#: What is copied to fill the others.
SEED = 1_000
TURNS = 9
#: Sessions that have the folder selected while their memory is looked at.
SESSIONS, REMEMBERED = 20, 100_000

FILL = (
    """CREATE TEMP TABLE made AS
    SELECT n, gen_random_uuid() AS content_id, 1 + (n - 1) %% %(seed)s AS like_uid
    FROM generate_series(1, %(count)s) n""",
    """INSERT INTO mail_content (account_id, content_id, blob_id, body_size, prefix, header, envelope,
        bodystructure, sent_at, sent_on)
    SELECT %(account)s, d.content_id, c.blob_id, c.body_size, c.prefix, c.header, c.envelope, c.bodystructure,
        c.sent_at, c.sent_on
    FROM made d JOIN mail_message m ON m.account_id = %(from_account)s AND m.mailbox_id = %(from_box)s
        AND m.uid = d.like_uid
    JOIN mail_content c ON c.account_id = m.account_id AND c.content_id = m.content_id""",
    """INSERT INTO mail_message (account_id, mailbox_id, uid, modseq, flags, internaldate, size, content_id)
    SELECT %(account)s, %(box)s, d.n, 2, m.flags, m.internaldate, m.size, d.content_id
    FROM made d JOIN mail_message m ON m.account_id = %(from_account)s AND m.mailbox_id = %(from_box)s
        AND m.uid = d.like_uid""",
    """UPDATE mail_mailbox b SET uidnext = t.last + 1, modseq = 3, logged = 3, unlogged = 3,
        messages = t.messages, bytes = t.bytes, unseen = t.unseen, recent_from = t.last + 1
    FROM (SELECT max(uid) AS last, count(*) AS messages, sum(size) AS bytes,
            count(*) FILTER (WHERE flags & 1 = 0) AS unseen FROM mail_message
          WHERE account_id = %(account)s AND mailbox_id = %(box)s) t
    WHERE b.account_id = %(account)s AND b.mailbox_id = %(box)s""",
    """UPDATE mail_usage u SET bytes = u.bytes + b.bytes, messages = u.messages + b.messages
    FROM mail_mailbox b WHERE u.account_id = %(account)s AND b.account_id = %(account)s
        AND b.mailbox_id = %(box)s""",
    "DROP TABLE made",
)
BOX = """SELECT account_id, mailbox_id FROM mail_mailbox JOIN directory_account a ON a.id = account_id
WHERE address = %s AND name = %s"""


async def client(side: Side, number: int) -> Any:
    found = await lib.ImapClient("127.0.0.1", side.imap).connect()
    await found.login(side.user.replace("%", str(number)), side.password.replace("%", str(number)))
    return found


def fill(db: "psycopg.Connection[Any]", number: int, name: str, count: int) -> None:
    """Copies of what the first user has, as if they had come."""

    def box(of: int, called: str) -> tuple[int, int]:
        found = db.execute(BOX, [f"user{of}@{DOMAIN}", called]).fetchone()
        if found is None:
            raise Trouble(f"There is no folder {called}.")
        return found[0], found[1]

    (from_account, from_box), (account, mailbox) = box(1, "seed"), box(number, name)
    told = {
        "seed": SEED, "count": count, "from_account": from_account, "from_box": from_box, "account": account,
        "box": mailbox,
    }  # fmt: skip
    for statement in FILL:
        db.execute(statement, told)


async def prepare(side: Side) -> None:
    """User 1 brings the seed; the users after it have the folders, a size each."""
    first = await client(side, 1)
    await first.command('CREATE "seed"')
    made = [
        lib.make_message(n, 4096, "sender@client.bench.test", "user1@bench.test", "mixed") for n in range(SEED)
    ]
    for start in range(0, SEED, 100):
        parts = (b" (\\Seen) {%d+}\r\n%b" % (len(one), one) for one in made[start : start + 100])
        await first.command(b'APPEND "seed"' + b"".join(parts))
    await first.close()
    d = database(Path(side.folder))
    with psycopg.connect(
        host=d.host, port=d.port, user=d.user, password=d.password, dbname=d.name, autocommit=True
    ) as db:
        for number, size in enumerate(SIZES, 2):
            owner = await client(side, number)
            for name in ("large", "small", *(f"folder {n}" for n in range(FOLDERS))):
                await owner.command(f'CREATE "{name}"')
            await owner.close()
            fill(db, number, "large", size)
            fill(db, number, "small", SMALL)
            print("filled", size, flush=True)
        db.execute("ANALYZE")


async def median_ms(work: Callable[[], Awaitable[Any]]) -> float:
    times = []
    for _ in range(TURNS):
        began = time.perf_counter()
        await work()
        times.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(times), 2)


async def measure(side: Side, number: int, size: int) -> dict[str, float]:
    """Milliseconds of each command."""
    one = await client(side, number)
    found: dict[str, float] = {}
    found["SELECT"] = await median_ms(lambda: one.command('SELECT "large"'))
    found["FETCH of the last 50"] = await median_ms(
        lambda: one.command(f"FETCH {size - 49}:{size} (UID FLAGS ENVELOPE RFC822.SIZE)")
    )
    signs = iter("+-" * TURNS)
    found["STORE of one"] = await median_ms(
        lambda: one.command(f"STORE {size // 2} {next(signs)}FLAGS (\\Flagged)")
    )
    found["STATUS of 200 folders"] = await median_ms(
        lambda: one.command('LIST "" "folder %" RETURN (STATUS (MESSAGES UNSEEN UIDNEXT))')
    )
    found["SELECT of a small one"] = await median_ms(lambda: one.command('SELECT "small"'))
    found["FETCH of 50 of it"] = await median_ms(
        lambda: one.command("FETCH 51:100 (UID FLAGS ENVELOPE RFC822.SIZE)")
    )
    await one.close()
    return found


async def remember(side: Side) -> float:
    """MiB of each session that has a large folder selected."""
    number = 2 + SIZES.index(REMEMBERED)
    pids = lib.split_pids(side.pids["idle"])
    # The first takes what the process keeps of anything.
    held = [await client(side, number)]
    await held[0].command('SELECT "large"')
    before = lib.tree_memory(pids)["pss_kib"]
    for _ in range(SESSIONS):
        held.append(await client(side, number))
        await held[-1].command('SELECT "large"')
    after = lib.tree_memory(pids)["pss_kib"]
    for one in held:
        await one.close()
    return round((after - before) / SESSIONS / 1024, 2)


async def run(side: Side) -> None:
    await prepare(side)
    columns = {size: await measure(side, number, size) for number, size in enumerate(SIZES, 2)}
    print("| ms | " + " | ".join(f"{size:,}" for size in SIZES) + " |")
    print("|---|" + "---|" * len(SIZES))
    for work in columns[SIZES[0]]:
        print(f"| {work} | " + " | ".join(str(columns[size][work]) for size in SIZES) + " |")
    print(json.dumps({"MiB of a session in a folder of 100,000": await remember(side)}))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="facteur-bench-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        with sides.ours(Path(name) / "ours") as us:
            asyncio.run(run(us))


if __name__ == "__main__":
    try:
        main()
    except Trouble as trouble:
        sys.exit(f"facteur: {trouble}")
