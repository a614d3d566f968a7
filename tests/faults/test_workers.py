"""Workers killed at random while mail goes out: every recipient ends in exactly one state, and none is lost.

A host may get a message twice only where the worker died between its answer and the settlement (RFC 1047).
"""

import os
import random
import signal
import smtplib
import ssl
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from tests.conftest import Database, Person
from tests.services import Services, until

DOMAINS = [f"storm{number}.test" for number in range(8)]
MESSAGES = 250
RECIPIENTS = 40
KILLS = 8
#: Seconds: several leases.
LIMIT = 300.0
FINAL = "('relayed', 'delivered', 'expanded', 'failed', 'expired', 'cancelled')"


def submit_all(services: Services, sender: Person) -> set[str]:
    """All messages over one connection; the recipients."""
    everybody = set()
    with smtplib.SMTP("127.0.0.1", services.ports["submission"], timeout=60) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.login(sender.address, sender.password)
        for number in range(MESSAGES):
            domain = DOMAINS[number % len(DOMAINS)]
            recipients = [f"m{number}r{one}@{domain}" for one in range(RECIPIENTS)]
            text = f"From: {sender.address}\r\nSubject: {number}\r\n\r\n{number}\r\n"
            client.sendmail(sender.address, recipients, text)
            everybody.update(recipients)
    return everybody


def test_workers_that_are_killed_lose_nothing_and_send_nothing_twice_but_what_nobody_can_tell(
    services: Services, alice: Person, database: Database
) -> None:
    for domain in DOMAINS:
        services.names.lead(domain, "127.0.0.1")
    database.execute("UPDATE directory_domain SET sending_messages = 100000, sending_recipients = 100000, "
                     "sending_newcomers = 100000")  # fmt: skip
    # Answers take a moment, so that a kill finds some on their way.
    services.far.before_answer = lambda: time.sleep(0.02)
    dice, kills = random.Random(7), 0
    ended = f"SELECT count(*) FILTER (WHERE state IN {FINAL}), count(*) FROM queue_recipient "
    query = ended + "WHERE destination = ANY(%s)"
    try:
        # In a thread: a process ends with the thread that started it.
        with ThreadPoolExecutor(1) as submitting:
            submitted = submitting.submit(submit_all, services, alice)
            while kills < KILLS:
                time.sleep(dice.uniform(0.3, 1.5))
                process = services.child("worker").process
                assert process is not None
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                kills += 1
                services.restart("worker")
            everybody = submitted.result()
        until(lambda: database.execute(query, [DOMAINS]).fetchone() == (len(everybody),) * 2, LIMIT)
    finally:
        services.far.before_answer = lambda: None
    states = "SELECT DISTINCT state FROM queue_recipient WHERE destination = ANY(%s)"
    assert database.execute(states, [DOMAINS]).fetchall() == [("relayed",)]
    copies: dict[str, list[bool]] = defaultdict(list)
    for one in services.far.taken:
        for recipient in one.recipients:
            if recipient.partition("@")[2] in DOMAINS:
                copies[recipient].append(one.followed)
    assert set(copies) == everybody
    for taken in copies.values():
        # Whoever goes on after an answer has settled it: none of those is sent again.
        assert not any(taken[:-1])
    doubled = [recipient for recipient, taken in copies.items() if len(taken) > 1]
    print(f"{len(everybody)} recipients, {kills} kills, {len(doubled)} sent twice")
    settled = (
        "SELECT count(*) FROM queue_attempt a JOIN queue_recipient r USING (recipient_id) "
        "WHERE r.destination = ANY(%s) AND a.outcome = 'relayed'"
    )
    assert database.execute(settled, [DOMAINS]).fetchone() == (len(everybody),)
