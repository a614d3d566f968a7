"""What is compared, by which driver, and the ratio or limit that must be reached."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Result = Mapping[str, Any]

USERS = 50
DOMAIN = "bench.test"
#: A domain of ours that checks everything, and the one that its mail comes from.
CHECKED, SENDER_DOMAIN = "checked.test", "sender.test"
#: Where what is relayed goes: domains below this one, and the port of their host.
FAR_DOMAIN, FAR_DOMAINS, SINK_PORT = "relayed.test", 20, 11026
#: The folder that `fill` fills, and the messages in it.
BOX, MESSAGES = "bench", 10_000
LARGE_BOX, MANY_MESSAGES = "large", 100_000
#: The user whose INBOX has as many, and the one who has the large folder.
RICH, RICHEST = "48", "47"


@dataclass(frozen=True)
class Side:
    """Us or the peers: where they listen, how one signs in, whose CPU time counts."""

    name: str
    smtp: int
    imap: int
    pop3: int
    #: The driver's templates: % stands for a user's number.
    user: str
    password: str
    pids: Mapping[str, str]
    #: Where it takes what is to be relayed.
    relay: int = 0
    #: The appliance's own folder, for drivers that reach its database.
    folder: str = ""


@dataclass(frozen=True)
class Comparison:
    """One line of the table."""

    work: str
    #: The driver and its arguments for one side.
    command: Callable[[Side], list[str]]
    #: What of the driver's last line counts.
    figure: Callable[[Result], float]
    unit: str
    #: At least so many times the peers' figure (rates), or their time divided by ours (seconds).
    ratio: float | None = None
    #: Or simply under this.
    limit: float | None = None
    less_is_better: bool = False
    #: Whether we are compared with ourselves: each run of theirs is `other` for us.
    other: Callable[[Side], list[str]] | None = None
    #: How often each side runs.
    turns: int = 3


def smtp(sessions: int, messages: int, *, checked: bool = False) -> Callable[[Side], list[str]]:
    """With `checked`, we check everything of signed messages; the peers know no checks."""

    def command(side: Side) -> list[str]:
        full = ["--imap-full-name"] if "@" in side.user else []
        if checked and side.name == "ours":
            full += [f"--sender=bench@{SENDER_DOMAIN}", "--sign"]
        domain = CHECKED if checked and side.name == "ours" else DOMAIN
        return [
            "smtp_load.py", f"--port={side.smtp}", f"--sessions={sessions}", f"--messages={messages}",
            "--size=4096", f"--users={USERS}", f"--domain={domain}", f"--imap-port={side.imap}", *full,
            f"--password={side.password}", f"--pid={side.pids['smtp']}",
        ]  # fmt: skip

    return command


def relay(sessions: int, messages: int, *more: str) -> Callable[[Side], list[str]]:
    """From accepted over SMTP to accepted by a sink, through the queue, for many destinations."""

    def command(side: Side) -> list[str]:
        signed_in = ["--sender=" + side.user, f"--auth={side.user}:{side.password}"] if "@" in side.user else []
        return [
            "smtp_load.py", f"--port={side.relay}", f"--sessions={sessions}", f"--messages={messages}",
            "--size=4096", f"--users={USERS}", f"--domain={FAR_DOMAIN}", f"--domains={FAR_DOMAINS}",
            f"--sink-port={SINK_PORT}", f"--pid={side.pids['relay']}", *signed_in, *more,
        ]  # fmt: skip

    return command


def backlog(side: Side) -> list[str]:
    """Likewise while a hundred thousand wait for a host that is not there."""
    return relay(50, 4000, "--backlog=100000", f"--folder={side.folder}")(side)


def claim(rows: int) -> Callable[[Side], list[str]]:
    """So many recipients wait in the queue."""

    def command(side: Side) -> list[str]:
        return ["claim_load.py", f"--folder={side.folder}", f"--rows={rows}"]

    return command


def imap(scenario: str, *more: str, pids: str = "imap") -> Callable[[Side], list[str]]:
    def command(side: Side) -> list[str]:
        return [
            "imap_load.py", f"--port={side.imap}", f"--user={side.user}", f"--password={side.password}",
            f"--users={USERS}", f"--box={BOX}", f"--count={MESSAGES}", f"--scenarios={scenario}",
            f"--pid={side.pids[pids]}", *more,
        ]  # fmt: skip

    return command


def pop3(scenario: str, *more: str, user: str = "%") -> Callable[[Side], list[str]]:
    def command(side: Side) -> list[str]:
        name, password = side.user.replace("%", user), side.password.replace("%", user)
        return [
            "pop3_load.py", f"--port={side.pop3}", f"--user={name}", f"--password={password}",
            f"--scenarios={scenario}", f"--pid={side.pids['pop3']}", *more,
        ]  # fmt: skip

    return command


def fill_inbox(side: Side) -> list[str]:
    """What POP3 serves to RICH."""
    name, password = side.user.replace("%", RICH), side.password.replace("%", RICH)
    return [*imap("fill", "--box=INBOX")(side), f"--user={name}", f"--password={password}"]


def idle(connections: int, users: int) -> Callable[[Side], list[str]]:
    def command(side: Side) -> list[str]:
        # More than 128 watchers of one system user need another kernel setting for the peers.
        count = connections if side.name == "ours" else 100
        return imap("idle", f"--idle={count}", f"--idle-users={users}", "--rounds=10", pids="idle")(side)

    return command


def dkim(work: str) -> Callable[[Side], list[str]]:
    """Neither side's servers take part: the peer is dkimpy."""

    def command(side: Side) -> list[str]:
        return ["dkim_load.py", f"--engine={'ours' if side.name == 'ours' else 'dkimpy'}", f"--work={work}"]

    return command


def private(kind: str, size: int, rounds: int) -> Callable[[Side], list[str]]:
    """Neither side's servers take part: the peer is GnuPG or OpenSSL, as a process for each message."""

    def command(side: Side) -> list[str]:
        engine = "ours" if side.name == "ours" else "other"
        sized = [f"--size={size}", f"--rounds={rounds}"]
        return ["privacy_load.py", f"--engine={engine}", f"--kind={kind}", *sized]

    return command


def front(size: int, messages: int, sessions: int) -> Callable[[Side], list[str]]:
    """Neither side's servers take part: the peer is aiosmtpd as it comes."""

    def command(side: Side) -> list[str]:
        engine = "ours" if side.name == "ours" else "aiosmtpd"
        return [
            "front_load.py", f"--engine={engine}", f"--size={size}", f"--messages={messages}",
            f"--sessions={sessions}",
        ]  # fmt: skip

    return command


FILL = imap("fill")


def large(scenario: str, *more: str) -> Callable[[Side], list[str]]:
    """In the large folder."""

    def command(side: Side) -> list[str]:
        name, password = side.user.replace("%", RICHEST), side.password.replace("%", RICHEST)
        box = [f"--box={LARGE_BOX}", f"--count={MANY_MESSAGES}", f"--user={name}", f"--password={password}"]
        return [*imap(scenario, *more)(side), *box]

    return command


FILL_LARGE = large("fill")

COMPARISONS = (
    Comparison(
        "4 KiB messages, accepted by SMTP until visible in IMAP, 50 sessions",
        smtp(50, 3000), lambda found: float(found["delivered_msgs_per_s"]), "messages/s", ratio=4.0,
    ),
    Comparison(
        "the same, 1 session", smtp(1, 500), lambda found: float(found["delivered_msgs_per_s"]), "messages/s",
        ratio=2.0,
    ),
    Comparison(
        "the same with all checks, signed messages, 50 sessions (peers: without checks)",
        smtp(50, 2000, checked=True), lambda found: float(found["delivered_msgs_per_s"]), "messages/s", ratio=2.0,
    ),
    Comparison(
        "the same beside ourselves without checks", smtp(50, 2000, checked=True),
        lambda found: float(found["delivered_msgs_per_s"]), "messages/s", ratio=0.6, other=smtp(50, 2000),
    ),
    Comparison(
        "4 KiB messages through the queue, from SMTP to a sink, 20 destinations (ours signed)", relay(50, 4000),
        lambda found: float(found["delivered_msgs_per_s"]), "messages/s", ratio=2.0,
    ),
    Comparison(
        "the same while 100,000 wait for a dead host, beside ourselves without them", backlog,
        lambda found: float(found["delivered_msgs_per_s"]), "messages/s", ratio=0.95, other=relay(50, 4000),
    ),
    Comparison(
        "from submission until a sink has it through the queue, one at a time, median",
        relay(1, 100, "--pause=0.1"), lambda found: float(found["passed"]["p50_ms"]), "ms", limit=100.0,
        less_is_better=True,
    ),
    Comparison(
        "a claim of 10 from a queue of 100,000, beside one of 10,000", claim(100_000),
        lambda found: float(found["claim"]["p50_ms"]), "ms", ratio=0.7, less_is_better=True,
        other=claim(10_000),
    ),
    Comparison(
        "a claim of 10 from a queue of 1,000,000, beside one of 10,000", claim(1_000_000),
        lambda found: float(found["claim"]["p50_ms"]), "ms", ratio=0.7, less_is_better=True,
        other=claim(10_000), turns=1,
    ),
    Comparison(
        "IMAP header sync of 10,000 messages, warm", imap("sync"),
        lambda found: float(found["second"]["fetch_s"]), "s", ratio=3.0, less_is_better=True, turns=5,
    ),
    Comparison(
        "all bodies of 10,000 messages in one FETCH", imap("bodies"), lambda found: float(found["fetch_s"]), "s",
        ratio=1.5, less_is_better=True, turns=5,
    ),
    Comparison(
        "logins, 10 at once", imap("login", "--logins=1000", "--clients=10"),
        lambda found: float(found["logins_per_s"]), "logins/s", ratio=5.0,
    ),
    Comparison(
        "POP3 logins, 10 at once", pop3("login", "--logins=1000", "--sessions=10"),
        lambda found: float(found["logins_per_s"]), "logins/s", ratio=4.0,
    ),
    Comparison(
        "POP3 LIST of a maildrop of 10,000", pop3("list", user=RICH),
        lambda found: float(found["command"]["p50_ms"]), "ms", ratio=1.0, less_is_better=True, turns=5,
    ),
    Comparison(
        "POP3 UIDL of a maildrop of 10,000", pop3("uidl", user=RICH),
        lambda found: float(found["command"]["p50_ms"]), "ms", ratio=1.0, less_is_better=True, turns=5,
    ),
    Comparison(
        "POP3 RETR, one after the other", pop3("retr", "--max-messages=5000", user=RICH),
        lambda found: float(found["msgs_per_s"]), "messages/s", ratio=0.7,
    ),
    Comparison(
        "POP3 RETR, 50 at once (pipelined)", pop3("retr", "--max-messages=5000", "--window=50", user=RICH),
        lambda found: float(found["msgs_per_s"]), "messages/s", ratio=0.7,
    ),
    Comparison(
        "memory of one idle IMAP connection, 1,000 of them", idle(1000, 50),
        lambda found: float(found["kib_per_connection"]["pss_kib"]), "KiB", limit=60.0, less_is_better=True,
        turns=1,
    ),
    Comparison(
        "new mail told to a watcher, median", idle(1000, 50),
        lambda found: float(found["exists_latency"]["p50_ms"]), "ms", limit=100.0, less_is_better=True, turns=1,
    ),
    Comparison(
        "memory of one idle IMAP connection, 5,000 of them", idle(5000, 5),
        lambda found: float(found["kib_per_connection"]["pss_kib"]), "KiB", limit=25.0, less_is_better=True,
        turns=1,
    ),
    Comparison(
        "new mail told to the last of 1,000 watchers of one folder (of 5,000), median", idle(5000, 5),
        lambda found: float(found["last_client"]["p50_ms"]), "ms", limit=200.0, less_is_better=True, turns=1,
    ),
    Comparison(
        "SMTP front alone on one core, 3 KiB messages (beside aiosmtpd as it comes)", front(3072, 5000, 10),
        lambda found: float(found["msgs_per_core_s"]), "messages/s", ratio=3.0,
    ),
    Comparison(
        "SMTP front alone, 150 MB of 5 MB messages (beside aiosmtpd as it comes)", front(5_000_000, 40, 4),
        lambda found: round(150 / float(found["mb_per_core_s"]), 3), "s", limit=1.0, less_is_better=True,
    ),
    Comparison(
        "DKIM: sign 4 KiB with RSA 2048 (beside dkimpy)", dkim("sign-rsa"), lambda found: float(found["ms"]), "ms",
        limit=1.5, less_is_better=True,
    ),
    Comparison(
        "DKIM: sign 4 KiB with Ed25519 (beside dkimpy with RSA)", dkim("sign-ed25519"),
        lambda found: float(found["ms"]), "ms", limit=0.4, less_is_better=True,
    ),
    Comparison(
        "DKIM: verify 4 KiB (beside dkimpy)", dkim("verify"), lambda found: float(found["ms"]), "ms", limit=0.5,
        less_is_better=True,
    ),
    Comparison(
        "encrypt 4 KiB on arrival, OpenPGP: CPU (beside gpg)", private("openpgp", 4096, 100),
        lambda found: float(found["ms"]), "ms", limit=1.5, less_is_better=True,
    ),
    Comparison(
        "encrypt 10 MiB on arrival, OpenPGP: CPU (beside gpg)", private("openpgp", 10 * 2**20, 5),
        lambda found: float(found["ms"]), "ms", limit=150.0, less_is_better=True,
    ),
    Comparison(
        "encrypt 4 KiB on arrival, S/MIME: CPU (beside openssl)", private("smime", 4096, 100),
        lambda found: float(found["ms"]), "ms", limit=1.5, less_is_better=True,
    ),
    Comparison(
        "encrypt 10 MiB on arrival, S/MIME: CPU (beside openssl)", private("smime", 10 * 2**20, 5),
        lambda found: float(found["ms"]), "ms", limit=150.0, less_is_better=True,
    ),
)  # fmt: skip
