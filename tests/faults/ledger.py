"""What was sent and what was answered, and the count afterwards: nothing lost, nothing doubled, all sums right."""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from tests.faults.clients import Imap
from tests.faults.conftest import Database

#: The folder that gets copies, and nothing else.
COPIES = "Junk"

_ID = re.compile(rb"^X-Id: (\S+)\r\n", re.MULTILINE)
_UID = re.compile(rb"^\* \d+ FETCH \(UID (\d+)")

# Each query finds rows that must not be. A body has a piece for each mebibyte, and one where it is empty.
BROKEN = {
    "a folder's counts differ from its messages": """
        SELECT b.account_id, b.name, b.messages, b.unseen, b.deleted, b.bytes, b.uidnext, b.modseq, found.*
        FROM mail_mailbox b, LATERAL (
            SELECT count(*) AS messages, count(*) FILTER (WHERE flags & 1 = 0) AS unseen,
                   count(*) FILTER (WHERE flags & 8 <> 0) AS deleted, coalesce(sum(size), 0) AS bytes,
                   coalesce(max(modseq), 0) AS modseq
            FROM mail_message m WHERE m.account_id = b.account_id AND m.mailbox_id = b.mailbox_id) found
        WHERE (b.messages, b.unseen, b.deleted, b.bytes)
              <> (found.messages, found.unseen, found.deleted, found.bytes) OR found.modseq > b.modseq""",
    "UIDNEXT is not the one after the last UID that was given out": """
        SELECT b.account_id, b.name, b.uidnext FROM mail_mailbox b WHERE b.uidnext <> 1 + greatest(
            (SELECT coalesce(max(uid), 0) FROM mail_message m
             WHERE m.account_id = b.account_id AND m.mailbox_id = b.mailbox_id),
            (SELECT coalesce(max(uid), 0) FROM mail_expunged e
             WHERE e.account_id = b.account_id AND e.mailbox_id = b.mailbox_id))""",
    "a UID was given out twice": """
        SELECT account_id, mailbox_id, uid FROM mail_message JOIN mail_expunged USING (account_id, mailbox_id, uid)
    """,
    "a change was not noted": """
        SELECT m.account_id, m.mailbox_id, m.uid, m.modseq
        FROM mail_message m JOIN mail_mailbox b USING (account_id, mailbox_id)
        WHERE m.modseq > b.unlogged AND b.logged = b.modseq AND NOT EXISTS (
            SELECT FROM mail_change c WHERE c.account_id = m.account_id AND c.mailbox_id = m.mailbox_id
               AND c.modseq = m.modseq AND c.uids @> m.uid)""",
    "an account's use differs from its messages": """
        SELECT u.account_id, u.messages, u.bytes, count(m.uid), coalesce(sum(m.size), 0)
        FROM mail_usage u LEFT JOIN mail_message m USING (account_id) GROUP BY u.account_id
        HAVING u.messages <> count(m.uid) OR u.bytes <> coalesce(sum(m.size), 0)""",
    "a message has no content, or one of another size": """
        SELECT m.account_id, m.mailbox_id, m.uid, m.size FROM mail_message m
        LEFT JOIN mail_content c ON c.account_id = m.account_id AND c.content_id = m.content_id
        WHERE c.content_id IS NULL OR m.size <> length(c.prefix) + length(c.header) + c.body_size""",
    "a body lacks a piece": """
        SELECT held.blob_id, held.size, count(b.piece), max(b.piece) FROM (
            SELECT blob_id, body_size AS size FROM mail_content
            UNION SELECT blob_id, size - length(prefix) - length(header) FROM queue_message) held
        LEFT JOIN mail_blob b USING (blob_id) GROUP BY held.blob_id, held.size
        HAVING count(b.piece) <> greatest(1, (held.size + 1048575) / 1048576)
            OR max(b.piece) <> count(b.piece) - 1""",
    "a recipient has no final state, or is still held": """
        SELECT recipient_id, address, state, attempts, last_reply, next_attempt_at, lease, lease_until
        FROM queue_recipient WHERE state NOT IN ('relayed', 'failed') OR settled_at IS NULL OR lease IS NOT NULL
            OR report_due <> ''""",
    "a recipient was settled other than once": """
        SELECT r.recipient_id, r.address, r.state, count(a.*) FROM queue_recipient r
        LEFT JOIN queue_attempt a ON a.recipient_id = r.recipient_id AND a.outcome IN ('relayed', 'failed')
        GROUP BY r.recipient_id HAVING count(a.*) <> 1""",
}


class Fate(Enum):
    """What the sender was told."""

    ACKNOWLEDGED = "acknowledged"
    #: By a clear answer, the last time that it was tried; or it was never sent at all.
    REFUSED = "refused"
    #: The answer was lost.
    UNCLEAR = "unclear"


@dataclass
class Sent:
    """One message, and what is known of it. It is never sent again after an unclear answer."""

    id: str
    size: int
    way: str
    #: Accounts here, and addresses elsewhere, that it was sent to.
    here: tuple[int, ...] = ()
    away: tuple[str, ...] = ()
    fate: Fate = Fate.REFUSED
    #: UIDVALIDITY and UID that the answer told, where nobody moves it.
    place: tuple[int, int] | None = None

    @property
    def text(self) -> bytes:
        return compose(self.id, self.size)


def compose(name: str, size: int) -> bytes:
    """A text of about this size that nobody else sends, no part of it like another."""
    head = f"X-Id: {name}\r\nDate: Mon, 3 Aug 2026 23:30:00 +0000\r\n"
    head += f"Message-ID: <{name}@client.test>\r\nSubject: {name}\r\n\r\n"
    line = f".{name} %08d of a text that is kept octet for octet\r\n".encode()
    lines = max(1, (size - len(head)) // (len(line) + 4))
    return head.encode() + b"".join([line % number for number in range(lines)])


@dataclass
class Ledger:
    """Everything that was sent."""

    run: str
    sent: dict[str, Sent] = field(default_factory=dict)
    #: Ids of messages that were taken away: surely, or perhaps.
    removed: set[tuple[int, str]] = field(default_factory=set)
    perhaps: set[tuple[int, str]] = field(default_factory=set)
    #: How often a message was copied into COPIES: surely, and perhaps besides.
    copied: Counter[tuple[int, str]] = field(default_factory=Counter)
    perhaps_copied: Counter[tuple[int, str]] = field(default_factory=Counter)
    #: (account, id) -> the unique id that POP3 gave it.
    unique_ids: dict[tuple[int, str], bytes] = field(default_factory=dict)
    #: Aliases that the API has made.
    aliases: list[str] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def new(self, size: int, way: str, here: Sequence[int] = (), away: Sequence[str] = ()) -> Sent:
        sent = Sent(f"{self.run}-{next(self._numbers)}", size, way, tuple(here), tuple(away))
        self.sent[sent.id] = sent
        return sent

    def saw(self, account_id: int, text: bytes, unique_id: bytes) -> str:
        """A message that a POP3 client took: the same text under the same unique id as ever."""
        name = name_of(text)
        assert text.endswith(self.sent[name].text), f"{name} was changed on the way"
        known = self.unique_ids.setdefault((account_id, name), unique_id)
        assert known == unique_id, f"{name} is there twice: {known!r} and {unique_id!r}"
        assert (account_id, name) not in self.removed, f"{name} came back"
        return name

    def counts(self) -> Counter[tuple[str, str]]:
        return Counter((one.way, one.fate.value) for one in self.sent.values())


def name_of(text: bytes) -> str:
    found = _ID.search(text[:4096])
    assert found, f"not one of ours: {text[:500]!r}"
    return found[1].decode()


Places = dict[tuple[int, str], list[tuple[int, int]]]


async def read_everything(people: Sequence[tuple[int, Imap]], ledger: Ledger) -> tuple[Places, Places]:
    """(account, id) -> where it lies, as (UIDVALIDITY, UID) pairs; every text is compared. Copies come apart."""
    found: Places = defaultdict(list)
    copies: Places = defaultdict(list)
    for account_id, client in people:
        folders = [line.split(b' "/" ')[1].strip() for line in (await client.ask(b'LIST "" "*"'))[:-1]]
        for folder in folders:
            told = b"".join(await client.ask(b"EXAMINE " + folder))
            validity, count = re.search(rb"UIDVALIDITY (\d+)", told), re.search(rb"\* (\d+) EXISTS", told)
            assert validity
            assert count
            uids = []
            for first in range(1, int(count[1]) + 1, 100):
                asked = b"FETCH %d:%d (UID BODY.PEEK[])" % (first, min(first + 99, int(count[1])))
                for response in (await client.ask(asked))[:-1]:
                    uid = _UID.match(response)
                    assert uid, response[:200]
                    text = response.partition(b"\r\n")[2].removesuffix(b")\r\n")
                    name = name_of(text)
                    assert text.endswith(ledger.sent[name].text), f"{name} was changed: {text[:4000]!r}"
                    where = copies if folder.decode().strip('"') == COPIES else found
                    where[account_id, name].append((int(validity[1]), int(uid[1])))
                    uids.append(int(uid[1]))
            assert uids == sorted(set(uids)), "UIDs ascend"
            assert len(uids) == int(count[1])
    return found, copies


def broken(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Rows that must not be."""
    found = {what: database.execute(query).fetchall() for what, query in BROKEN.items()}
    return {what: rows for what, rows in found.items() if rows}
