"""The two sides: our appliance as `make run` starts it, and Debian's Postfix and Dovecot. Both sync to disk."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from appliance import ROOT, Trouble, programs
from bench.comparisons import CHECKED, DOMAIN, FAR_DOMAIN, FAR_DOMAINS, SENDER_DOMAIN, SINK_PORT, USERS, Side
from bench.drivers.queue_rows import database
from bench.drivers.signing import KEY
from mailservices.mail.dkim import sign
from tests.world import NameServer

DRIVERS = ROOT / "bench" / "drivers"
PACKAGES = {
    "/usr/lib/dovecot/pop3": ("dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd"),
    "/usr/sbin/postfix": ("postfix",),
}
START_LIMIT = 120.0
#: Seconds until the text index has all; it reads some hundred messages a second.
INDEX_LIMIT = 900.0
UNREAD = """SELECT count(*) FROM mail_content c
WHERE NOT EXISTS (SELECT FROM mail_wording w WHERE w.account_id = c.account_id AND w.content_id = c.content_id)"""
PASSWORD = "pass"
#: What an account may send in a day, and enough of it.
SENDING, MANY = ("sending_messages", "sending_recipients", "sending_newcomers"), 1_000_000


@contextmanager
def ours(folder: Path) -> Iterator[Side]:
    """The appliance, in a folder of its own, with the drivers' users."""
    names = _names()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FACTEUR_")}
    report = folder / "appliance.json"
    with (folder.with_suffix(".log")).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "appliance", "run"], cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
            env={**kept, "FACTEUR_VAR": str(folder), "FACTEUR_PORTS": "free",
                 "FACTEUR_DNS": f"127.0.0.1:{names.port}", "FACTEUR_REMOTE_SMTP_PORT": str(SINK_PORT)},
        )  # fmt: skip
    try:
        deadline = time.monotonic() + START_LIMIT
        while not report.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise Trouble(f"The appliance does not start: see {folder.with_suffix('.log')}.")
            time.sleep(0.2)
        found = json.loads(report.read_text())
        _provision(found)
        pids = {name: str(numbers[0]) for name, numbers in found["pids"].items()}
        store = f"{pids['postgresql']},{pids['redis']}"
        yield Side(
            "ours", found["smtp"][1], found["imap"][1], found["pop3"][1], f"user%@{DOMAIN}", f"{PASSWORD}%",
            {"smtp": f"{pids['smtp']},{pids['imap']},{store}", "imap": f"{pids['imap']},{store}",
             "pop3": f"{pids['pop3']},{store}", "idle": pids["imap"],
             "relay": f"{pids['smtp']},{pids['worker']},{store}"},
            found["submission"][1], str(folder),
        )  # fmt: skip
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        names.close()


def _provision(found: dict[str, Any]) -> None:
    def post(kind: str, **body: object) -> None:
        request = urllib.request.Request(
            f"{found['web']}/api/v1/{kind}/", json.dumps(body).encode(),
            {"Authorization": f"Bearer {found['api_token']}", "Content-Type": "application/json"},
        )  # fmt: skip
        urllib.request.urlopen(request, timeout=60).close()

    checks = ("spf", "dkim", "dmarc", "iprev", "helo")
    post("dns-lists", zone="bl.test", effect="refuse")
    for domain, wishes in (
        (DOMAIN, {**dict.fromkeys(checks, "off"), "dnslists": False}),
        (CHECKED, {**dict.fromkeys(checks, "junk"), "dmarc": "apply", "dnslists": True}),
    ):
        # All comparisons together send more than a person does in a day, and the rest would be held.
        post("domains", name=domain, **dict.fromkeys(SENDING, MANY))
        post("inbound-policies", domain=domain, **wishes)
        for number in range(1, USERS + 1):
            post("accounts", address=f"user{number}@{domain}", password=f"{PASSWORD}{number}")


def wait_for_index(us: Side) -> None:
    """Until the worker has read what was brought: it does so within some minutes of when it came."""
    d, deadline = database(Path(us.folder)), time.monotonic() + INDEX_LIMIT
    with psycopg.connect(host=d.host, port=d.port, user=d.user, password=d.password, dbname=d.name) as db:
        while db.execute(UNREAD).fetchone() != (0,):
            if time.monotonic() > deadline:
                raise Trouble("The text index does not come to its end.")
            time.sleep(1)
            db.rollback()


def _names() -> NameServer:
    """What the checks ask for: a sender that may send from this machine, and signs."""
    names = NameServer()
    names.ttl = names.absent_ttl = 300
    names.zone |= {
        (SENDER_DOMAIN, "TXT"): ['"v=spf1 ip4:127.0.0.1 -all"'],
        (f"_dmarc.{SENDER_DOMAIN}", "TXT"): ['"v=DMARC1; p=reject"'],
        (f"bench._domainkey.{SENDER_DOMAIN}", "TXT"): [f'"{sign.record(KEY)}"'],
        ("client.bench.test", "A"): ["127.0.0.1"],
        ("1.0.0.127.in-addr.arpa", "PTR"): ["client.bench.test."],
    }
    # Nobody listens at the second.
    names.zone |= {(f"mx.{FAR_DOMAIN}", "A"): ["127.0.0.1"], (f"mx.dead.{FAR_DOMAIN}", "A"): ["127.0.0.9"]}
    names.zone[(f"dead.{FAR_DOMAIN}", "MX")] = [f"10 mx.dead.{FAR_DOMAIN}."]
    names.zone |= {
        (f"d{number}.{FAR_DOMAIN}", "MX"): [f"10 mx.{FAR_DOMAIN}."] for number in range(1, FAR_DOMAINS + 1)
    }
    return names


@contextmanager
def peers(folder: Path) -> Iterator[Side]:
    """Postfix that delivers by LMTP to Dovecot with maildirs, as `drivers/peers/peer.py` sets them up."""
    missing = [name for path, names in PACKAGES.items() if not Path(path).exists() for name in names]
    if missing and not programs.can_install():
        raise Trouble(f"The peers are missing: run `apt-get install {' '.join(missing)}`.")
    if missing:
        programs.install(*missing)

    def peer(*words: str) -> str:
        command = [sys.executable, str(DRIVERS / "peers" / "peer.py"), *words, f"--base={folder}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Trouble(f"{' '.join(words)} failed: {(done.stderr or done.stdout).strip()}")
        return done.stdout.strip()

    folder.mkdir(mode=0o755)
    try:
        peer("dovecot", "start")
        peer("postfix", "start")
        peer("relay", "start")
        dovecot, postfix = peer("dovecot", "pid"), peer("postfix", "pid")
        pids = {
            "smtp": f"{postfix},{dovecot}", "imap": dovecot, "pop3": dovecot, "idle": dovecot,
            "relay": peer("relay", "pid"),
        }  # fmt: skip
        yield Side("peers", 11025, 11143, 11110, "user%", f"{PASSWORD}%", pids, 11028)
    finally:
        peer("relay", "stop")
        peer("postfix", "stop")
        peer("dovecot", "stop")
        shutil.rmtree(folder, ignore_errors=True)
