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

from appliance import ROOT, Trouble, programs
from bench.comparisons import CHECKED, DOMAIN, SENDER_DOMAIN, USERS, Side
from bench.drivers.signing import KEY
from mailservices.mail.dkim import sign
from tests.world import NameServer

DRIVERS = ROOT / "bench" / "drivers"
PACKAGES = {
    "/usr/lib/dovecot/pop3": ("dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd"),
    "/usr/sbin/postfix": ("postfix",),
}
START_LIMIT = 120.0
PASSWORD = "pass"


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
                 "FACTEUR_DNS": f"127.0.0.1:{names.port}"},
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
            "ours", found["smtp"][1], found["imap"][1], f"user%@{DOMAIN}", f"{PASSWORD}%",
            {"smtp": f"{pids['smtp']},{pids['imap']},{store}", "imap": f"{pids['imap']},{store}",
             "idle": pids["imap"]},
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
        post("domains", name=domain)
        post("inbound-policies", domain=domain, **wishes)
        for number in range(1, USERS + 1):
            post("accounts", address=f"user{number}@{domain}", password=f"{PASSWORD}{number}")


def _names() -> NameServer:
    """What the checks ask for: a sender that may send from this machine, and signs."""
    names = NameServer()
    names.ttl = 300
    names.zone |= {
        (SENDER_DOMAIN, "TXT"): ['"v=spf1 ip4:127.0.0.1 -all"'],
        (f"_dmarc.{SENDER_DOMAIN}", "TXT"): ['"v=DMARC1; p=reject"'],
        (f"bench._domainkey.{SENDER_DOMAIN}", "TXT"): [f'"{sign.record(KEY)}"'],
        ("client.bench.test", "A"): ["127.0.0.1"],
        ("1.0.0.127.in-addr.arpa", "PTR"): ["client.bench.test."],
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
        dovecot, postfix = peer("dovecot", "pid"), peer("postfix", "pid")
        pids = {"smtp": f"{postfix},{dovecot}", "imap": dovecot, "idle": dovecot}
        yield Side("peers", 11025, 11143, "user%", f"{PASSWORD}%", pids)
    finally:
        peer("postfix", "stop")
        peer("dovecot", "stop")
        shutil.rmtree(folder, ignore_errors=True)
