"""Rows of the outgoing queue, made by the database itself: what waits for a host that is not there, for example."""

import json
from pathlib import Path

from appliance.private import DATABASE, USER, Private
from mailservices.config import Database

#: Marks them, so that they are found again.
SENDER = "backlog@bench.test"

FILL = """
WITH made AS (
    INSERT INTO queue_message (message_id, expires_at, sender, size, prefix, header, blob_id)
    SELECT gen_random_uuid(), now() + interval '5 days', $1, 4096, '', '', gen_random_uuid()
    FROM generate_series(1, $2::bigint) RETURNING message_id
), numbered AS (
    SELECT message_id, row_number() OVER () AS number FROM made
)
INSERT INTO queue_recipient (message_id, address, destination, next_attempt_at)
SELECT message_id, 'user@' || destination, destination, now() FROM numbered, LATERAL (
    SELECT ($3::text[])[1 + number % cardinality($3::text[])] AS destination) d
"""
EMPTY = (
    "DELETE FROM queue_attempt WHERE recipient_id IN (SELECT recipient_id FROM queue_recipient"
    " JOIN queue_message m USING (message_id) WHERE m.sender = $1)",
    "DELETE FROM queue_recipient r USING queue_message m WHERE m.message_id = r.message_id AND m.sender = $1",
    "DELETE FROM queue_message WHERE sender = $1",
)


def database(folder: Path) -> Database:
    """How the database of the appliance in this folder is reached."""
    port = json.loads((folder / "appliance.json").read_text())["database"][1]
    return Database("127.0.0.1", port, USER, DATABASE, Private(folder, port, 0).secret("database_password"))
