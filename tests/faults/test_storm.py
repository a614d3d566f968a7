"""kill -9 of any process, at any moment, under load: no acknowledged message is lost, none is there twice.

FAULTS_SEED, FAULTS_KILLS and FAULTS_SECONDS say which storm and how long; all are printed.
"""

import asyncio
import os
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from mailservices.store.maildrops import LEASE
from tests.conftest import Person
from tests.faults.clients import Imap, Pop3, Refused, eventually
from tests.faults.conftest import MODULES, Log, World
from tests.faults.ledger import Fate, Ledger, Places, broken, name_of, read_everything
from tests.faults.storm import Storm

SEED = int(os.environ.get("FAULTS_SEED") or time.time())
KILLS = int(os.environ.get("FAULTS_KILLS") or 200)
SECONDS = float(os.environ.get("FAULTS_SECONDS") or 120)
#: Seconds in which a queue that a dead worker held is empty again: its lease, and then some work.
QUEUE_LIMIT = 240.0
#: What must have gone well since the last kill: each kind of client is served again.
KINDS = {"smtp", "submission", "append", "imap", "pop3", "web"}


async def test_kill_anything_at_any_moment(whole: World) -> None:
    world, dice = whole, random.Random(SEED)
    print(f"\nFAULTS_SEED={SEED} FAULTS_KILLS={KILLS} FAULTS_SECONDS={SECONDS:.0f}")
    people = await asyncio.to_thread(world.people, 8)
    readers, takers = people[:4], people[4:]
    logs = {name: Log(world, name) for name in MODULES}
    storm = Storm(world, dice, Ledger(f"s{SEED}"))
    async with asyncio.TaskGroup() as group:
        helping = group.create_task(storm.keep_alive())
        for _ in range(6):
            group.create_task(storm.send_mail(people))
        for number, person in enumerate(readers):
            group.create_task(storm.read(person))
            group.create_task(storm.submit(person, readers[number - 1]))
        for person in readers[:2]:
            group.create_task(storm.append(person))
        for person in takers:
            group.create_task(storm.take(person))
        group.create_task(storm.administer(readers[0]))
        await storm.kill(KILLS, SECONDS)
        await world.healthy()
        await eventually(lambda: _all_well(storm), "all clients are served again", 180.0)
        storm.ending.set()
        helping.cancel()
    print(_report(storm))
    await eventually(lambda: asyncio.to_thread(_nothing_waits, world), "the queue is empty", QUEUE_LIMIT)
    await _everybody_may_sign_in(world, takers)
    await _nothing_lost_nothing_doubled(storm, people)
    _every_sum_is_right(storm)
    _sent_on_once(storm)
    _no_surprises(logs)


async def _all_well(storm: Storm) -> bool:
    return storm.lately.keys() >= KINDS


def _report(storm: Storm) -> str:
    lines = [f"kills: {len(storm.kills)} {dict(sorted(storm.tally().items()))}"]
    lines += [f"messages: {dict(sorted((' '.join(key), n) for key, n in storm.ledger.counts().items()))}"]
    lines += [f"aliases: {len(storm.ledger.aliases)}"]
    lines += [f"sessions that went well: {dict(storm.done)}; that broke: {dict(storm.broken)}"]
    lines += [f"  {count:5} {words}" for words, count in storm.ledger.refusals.most_common()]
    return "\n".join(lines)


def _nothing_waits(world: World) -> bool:
    with world.database() as database:
        query = "SELECT NOT EXISTS (SELECT FROM queue_recipient WHERE state = 'waiting' OR report_due <> '')"
        return bool(database.execute(query).fetchone()[0])  # type: ignore[index]


async def _everybody_may_sign_in(world: World, people: Sequence[Person]) -> None:
    """Whatever sessions died: a maildrop is free again when its lease has run out."""

    async def may(person: Person) -> bool:
        try:
            async with Pop3(world.services.ports["pop3"]) as client:
                await client.sign_in(person)
                await client.ask(b"QUIT")
        except Refused:
            return False
        return True

    for person in people:
        await eventually(lambda person=person: may(person), "the lease ends", LEASE.total_seconds() + 10)


async def _nothing_lost_nothing_doubled(storm: Storm, people: Sequence[Person]) -> None:
    ledger, clients = storm.ledger, []
    for person in people:
        client = await Imap(storm.port("imap")).__aenter__()
        await client.sign_in(person)
        clients.append((person.account_id, client))
    found, copies = await read_everything(clients, ledger)
    for _, client in clients:
        await client.close()
    lost, doubled, revived, misplaced = list[Any](), list[Any](), [], []
    for sent in ledger.sent.values():
        for account_id in sent.here:
            key = account_id, sent.id
            places = found.pop(key, [])
            if len(places) > 1:
                doubled.append((sent, places))
            if places and (sent.fate is Fate.REFUSED or key in ledger.removed):
                revived.append((sent, places))
            if not places and sent.fate is Fate.ACKNOWLEDGED and key not in ledger.perhaps | ledger.removed:
                lost.append(sent)
            if len(places) == 1 and sent.place and sent.place[0] == places[0][0] and sent.place != places[0]:
                misplaced.append((sent, places))
    _count_copies(ledger, copies, lost, doubled)
    unclear = [sent for sent in ledger.sent.values() if sent.fate is Fate.UNCLEAR]
    print(f"lost {len(lost)}, doubled {len(doubled)}, unclear {len(unclear)}")
    assert (lost, doubled) == ([], [])
    assert not revived, "refused or removed, and there all the same"
    assert not misplaced, "not where APPENDUID said"
    assert not found, "nobody sent these"


def _count_copies(ledger: Ledger, copies: Places, lost: list[Any], doubled: list[Any]) -> None:
    for key in copies.keys() | ledger.copied.keys() | ledger.perhaps_copied.keys():
        surely, perhaps, count = ledger.copied[key], ledger.perhaps_copied[key], len(copies.get(key, ()))
        if count < surely:
            lost.append((key, "copies", surely, count))
        if count > surely + perhaps:
            doubled.append((key, "copies", surely, perhaps, count))


def _every_sum_is_right(storm: Storm) -> None:
    with storm.world.database() as database:
        assert broken(database) == {}
        query = """SELECT message_id_field, count(*) FROM queue_message WHERE message_id_field LIKE %s
                   GROUP BY message_id_field HAVING count(*) > 1"""
        assert not database.execute(query, [f"<{storm.ledger.run}-%"]).fetchall(), "queued twice"
        query = """SELECT count(*) FROM directory_address a JOIN directory_domain d ON d.id = a.domain_id
                   WHERE a.local_part || '@' || d.name = ANY(%s)"""
        assert database.execute(query, [storm.ledger.aliases]).fetchone() == (len(storm.ledger.aliases),)


def _sent_on_once(storm: Storm) -> None:
    """What was acknowledged is at the far side; twice only where the worker died before it could settle."""
    taken: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for one in storm.world.services.far.taken:
        if (name := name_of(one.text)).startswith(f"{storm.ledger.run}-"):
            for recipient in one.recipients:
                taken[name, recipient].append(one)
    again = 0
    for sent in storm.ledger.sent.values():
        for recipient in sent.away:
            copies = taken.pop((sent.id, recipient), [])
            assert copies or sent.fate is not Fate.ACKNOWLEDGED, f"{sent.id} never left"
            assert not (copies and sent.fate is Fate.REFUSED), f"{sent.id} was refused, and left all the same"
            assert all(copy.text.endswith(sent.text) for copy in copies), f"{sent.id} was changed on the way"
            again += len(copies) - 1 if copies else 0
            unsettled = [copy for copy in copies[:-1] if copy.followed]
            assert not unsettled, f"{sent.id} was sent again though its worker lived"
    print(f"sent twice because the worker died between answer and settlement: {again}")
    assert not taken, "nobody sent these"


def _no_surprises(logs: dict[str, Log]) -> None:
    """Whatever is killed, nothing happens that the code did not foresee."""
    surprises = list[Any]()
    for name, log in logs.items():
        surprises += [(name, line) for line in log.lines() if line.startswith(b"Traceback")]
        for event in log.events():
            if "exception" in event and not _foreseen(event):
                last = event["exception"][-1]
                surprises.append((name, event["event"], last["exc_type"], last["exc_value"], last["frames"][-3:]))
    assert not surprises


def _foreseen(event: dict[str, Any]) -> bool:
    """Celery tells so of every order that Redis did not take, or not take back; Django of every 503.

    Where Redis goes while one of Celery's threads acknowledges and another closes the connection, the worker ends
    itself (kombu asks a closed transport for its host) and is started anew like one that was killed.
    """
    if event.get("logger") == "celery.beat" or event["event"].startswith(("Service Unavailable", "Couldn't ack")):
        return True
    lost = any(cause["exc_type"] == "ConnectionError" for cause in event["exception"])
    return lost and event["event"].startswith(("Unrecoverable error: ", "Error on stopping Hub: "))
