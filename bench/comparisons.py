"""What is compared, by which driver, and the ratio or limit that must be reached."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Result = Mapping[str, Any]

USERS = 50
DOMAIN = "bench.test"
#: A domain of ours that checks everything, and the one that its mail comes from.
CHECKED, SENDER_DOMAIN = "checked.test", "sender.test"
#: The folder that `fill` fills, and the messages in it.
BOX, MESSAGES = "bench", 10_000


@dataclass(frozen=True)
class Side:
    """Us or the peers: where they listen, how one signs in, whose CPU time counts."""

    name: str
    smtp: int
    imap: int
    #: The driver's templates: % stands for a user's number.
    user: str
    password: str
    pids: Mapping[str, str]


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


def imap(scenario: str, *more: str, pids: str = "imap") -> Callable[[Side], list[str]]:
    def command(side: Side) -> list[str]:
        return [
            "imap_load.py", f"--port={side.imap}", f"--user={side.user}", f"--password={side.password}",
            f"--users={USERS}", f"--box={BOX}", f"--count={MESSAGES}", f"--scenarios={scenario}",
            f"--pid={side.pids[pids]}", *more,
        ]  # fmt: skip

    return command


def idle(side: Side) -> list[str]:
    # More than 128 watchers of one system user need another kernel setting for the peers; memory grows by line.
    connections = 1000 if side.name == "ours" else 100
    return imap("idle", f"--idle={connections}", "--idle-users=50", "--rounds=10", pids="idle")(side)


def dkim(work: str) -> Callable[[Side], list[str]]:
    """Neither side's servers take part: the peer is dkimpy."""

    def command(side: Side) -> list[str]:
        return ["dkim_load.py", f"--engine={'ours' if side.name == 'ours' else 'dkimpy'}", f"--work={work}"]

    return command


FILL = imap("fill")

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
        "IMAP header sync of 10,000 messages, warm", imap("sync"),
        lambda found: float(found["second"]["fetch_s"]), "s", ratio=1.5, less_is_better=True, turns=5,
    ),
    Comparison(
        "all bodies of 10,000 messages in one FETCH", imap("bodies"), lambda found: float(found["fetch_s"]), "s",
        ratio=1.0, less_is_better=True, turns=5,
    ),
    Comparison(
        "logins, 10 at once", imap("login", "--logins=1000", "--clients=10"),
        lambda found: float(found["logins_per_s"]), "logins/s", ratio=4.0,
    ),
    Comparison(
        "memory of one idle IMAP connection, 1,000 of them", idle,
        lambda found: float(found["kib_per_connection"]["pss_kib"]), "KiB", limit=60.0, less_is_better=True,
        turns=1,
    ),
    Comparison(
        "new mail told to a watcher, median", idle, lambda found: float(found["exists_latency"]["p50_ms"]), "ms",
        limit=100.0, less_is_better=True, turns=1,
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
)  # fmt: skip
