"""A large site, made by the database itself: 1,000 domains, 100,000 accounts, 1 M queue rows, 10 M trace events.

It lies in a folder of its own with a private PostgreSQL and Redis, and stays there for the next run.
"""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from appliance import ROOT, Trouble
from appliance.ports import free_port
from appliance.private import DATABASE, USER, Private
from appliance.supervisor import Supervisor

FOLDER = ROOT / "var" / "big"
DOMAINS, ACCOUNTS, QUEUED, EVENTS = 1_000, 100_000, 1_000_000, 10_000_000
#: Days over which the events are spread; each message has three of them.
DAYS = 10

DIRECTORY = (
    "INSERT INTO directory_domain (name) SELECT 'd' || n || '.big.test' FROM generate_series(1, %(domains)s) n",
    """INSERT INTO directory_account (domain_id, address, password, quota_bytes)
    SELECT d.id, 'user' || n || '@' || d.name, '!', 1000000000
    FROM generate_series(1, %(accounts)s) n
    JOIN directory_domain d ON d.name = 'd' || (1 + n %% %(domains)s) || '.big.test'
    """,
    """INSERT INTO directory_address (domain_id, local_part, account_id)
    SELECT domain_id, split_part(address, '@', 1), id FROM directory_account""",
    """INSERT INTO mail_usage (account_id, bytes, messages)
    SELECT id, (random() * 1000000000)::bigint, (random() * 1000)::int FROM directory_account""",
    """INSERT INTO mail_mailbox (account_id, name, special_use)
    SELECT a.id, f.name, f.role FROM directory_account a,
    (VALUES ('INBOX', ''), ('Sent', 'Sent'), ('Trash', 'Trash')) f(name, role)""",
)

QUEUE = (
    """CREATE TEMP TABLE made AS SELECT n, at, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
        || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text || at::text), 1, 15))::uuid AS id
    FROM (SELECT n, now() - random() * interval '5 days' AS at FROM generate_series(1, %(queued)s) n) t""",
    """INSERT INTO queue_message (message_id, account_id, created_at, expires_at, sender, size, prefix, header,
        blob_id, message_id_field, words)
    SELECT made.id, a.id, at, at + interval '5 days', s.sender, 4096, '',
        convert_to('Subject: number ' || n || E'\\r\\n\\r\\n', 'UTF8'), gen_random_uuid(),
        '<' || n || '@big.test>', s.sender || ' to' || n || '@far' || (n %% 5000) || '.test'
    FROM made CROSS JOIN LATERAL (SELECT
        'user' || (n %% %(accounts)s) || '@d' || (1 + n %% %(domains)s) || '.big.test' AS sender) s
    LEFT JOIN directory_account a ON a.address = s.sender""",
    """INSERT INTO queue_recipient (message_id, address, destination, state, attempts, next_attempt_at, last_reply)
    SELECT id, 'to' || n || '@far' || (n %% 5000) || '.test', 'far' || (n %% 5000) || '.test',
        (ARRAY['waiting','waiting','waiting','held','failed','relayed','relayed','expired'])[1 + n %% 8],
        n %% 7, now() + random() * interval '1 hour', '451 4.7.1 come back later'
    FROM made""",
    """INSERT INTO queue_attempt (recipient_id, seconds, outcome, host, stage, code, text)
    SELECT recipient_id, 0.5, 'deferred', 'mx.' || destination, 'rcpt', 451, 'come back later'
    FROM queue_recipient WHERE attempts > 0""",
    "DROP TABLE made",
)

DAY = """
WITH m AS MATERIALIZED (
    SELECT at, n, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
            || '7' || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text || at::text), 1, 15))::uuid AS id,
        'user' || (n %% %(accounts)s) || '@d' || (1 + n %% %(domains)s) || '.big.test' AS ours,
        'person' || (random() * 1000000)::int || '@far' || (random() * 5000)::int || '.test' AS theirs,
        n %% 2 = 0 AS leaves, '<' || md5(n::text || at::text) || '@mail.test>' AS message_id,
        (%(words)s::text[])[1 + (random() * 99)::int] || ' '
            || (%(words)s::text[])[1 + (random() * 99)::int] || ' ' || n AS subject,
        ('198.51.' || (random() * 255)::int || '.' || (random() * 255)::int)::inet AS peer
    FROM (SELECT n, %(day)s::timestamptz + random() * interval '1 day' AS at
          FROM generate_series(1, %(messages)s) n) t
), fit AS (
    SELECT m.*, CASE WHEN leaves THEN ours ELSE theirs END AS sender,
        CASE WHEN leaves THEN theirs ELSE ours END AS rcpt FROM m
)
INSERT INTO {table} (at, trace_id, kind, service, remote_host, sender, recipient, message_id_field, size, detail,
    subject, words, domains)
SELECT at, id, 'accepted', 'smtp', peer, sender, rcpt, message_id, 4096, 'spf=pass dkim=pass dmarc=pass', subject,
    lower(sender || ' ' || rcpt || ' ' || message_id || ' ' || subject || ' ' || host(peer)),
    ARRAY[split_part(rcpt, '@', 2), split_part(ours, '@', 2)] FROM fit
UNION ALL SELECT at, id, CASE WHEN leaves THEN 'queued' ELSE 'delivered' END, 'smtp', NULL, sender, rcpt,
    message_id, 4096, '', '', '', ARRAY[split_part(rcpt, '@', 2), split_part(ours, '@', 2)] FROM fit
UNION ALL SELECT at + interval '2 seconds', id, 'relayed', 'worker', peer, sender, rcpt, message_id, 4096,
    '250 2.0.0 OK', '', '', ARRAY[split_part(rcpt, '@', 2), split_part(ours, '@', 2)]
    FROM fit WHERE at + interval '2 seconds' < %(day)s::timestamptz + interval '1 day'
"""
WORDS = [
    f"{first}{second}"
    for first in ("invoice", "order", "meeting", "report", "photo", "ticket", "offer", "news", "bill", "plan")
    for second in ("", "s", " draft", " final", " today", " urgent", " again", " re", " fwd", " done")
]


def start(folder: Path = FOLDER) -> Supervisor:
    """PostgreSQL and Redis of the folder; this process's environment is pointed at them."""
    (folder / "log").mkdir(parents=True, exist_ok=True)
    private = Private(folder, free_port(), free_port(), fast=True)
    private.prepare()
    supervisor = Supervisor(private.programs(), folder / "log", lambda _pids: None)
    supervisor.start(["postgresql", "redis"])
    os.environ.update(private.environment())
    os.environ["FACTEUR_HOSTNAME"] = "mail.facteur.test"
    os.environ["FACTEUR_WEB_HOSTS"] = "testserver"
    return supervisor


def connect(database: str = DATABASE) -> "psycopg.Connection[Any]":
    """As soon as the server lets anybody in."""
    url = os.environ["FACTEUR_DATABASE_URL"].rpartition("/")[0]
    password = Path(os.environ["FACTEUR_DATABASE_PASSWORD_FILE"]).read_text().strip()
    for _ in range(300):
        try:
            return psycopg.connect(f"{url}/{database}", user=USER, password=password, autocommit=True)
        except psycopg.OperationalError as error:
            if "starting up" not in str(error):
                raise
            time.sleep(0.2)
    raise Trouble("PostgreSQL does not come up.")


def make_database() -> None:
    with connect("postgres") as db:
        if not db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            db.execute(f"CREATE DATABASE {DATABASE}")


def fill() -> None:
    """Make whatever is missing of the site. It takes some minutes the first time."""
    told = {"domains": DOMAINS, "accounts": ACCOUNTS, "queued": QUEUED}
    with connect() as db:
        for table, statements in (("directory_account", DIRECTORY), ("queue_recipient", QUEUE)):
            if not db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():
                print("filling", table)
                for statement in statements:
                    db.execute(statement, told)
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if not db.execute("SELECT 1 FROM trace_event LIMIT 1").fetchone():
            for back in range(DAYS):
                _fill_day(db, today - timedelta(days=back))
        db.execute("ANALYZE")


def _fill_day(db: "psycopg.Connection[Any]", day: datetime) -> None:
    table, end = f"trace_event_{day:%Y%m%d}", day + timedelta(days=1)
    print("filling", table)
    db.execute(f"CREATE TABLE {table} (LIKE trace_event INCLUDING DEFAULTS)")
    told = {"day": day, "messages": EVENTS // 3 // DAYS, "accounts": ACCOUNTS, "domains": DOMAINS, "words": WORDS}
    db.execute(DAY.format(table=table), told)
    span = f"FROM ('{day.isoformat()}') TO ('{end.isoformat()}')"
    db.execute(f"ALTER TABLE trace_event ATTACH PARTITION {table} FOR VALUES {span}")


def site() -> Supervisor:
    """The site, up and filled, with the newest schema."""
    supervisor = start()
    make_database()
    from django.core.management import call_command

    os.environ["DJANGO_SETTINGS_MODULE"] = "webadmin.settings"
    import django

    django.setup()
    call_command("migrate", verbosity=0)
    fill()
    return supervisor


if __name__ == "__main__":
    site().stop()
