"""What is compared of reading by IMAP, beside Dovecot."""

from bench.comparisons import Comparison, Result, imap, large


def _search(label: str) -> Comparison:
    def figure(found: Result) -> float:
        return float(found[label]["s"])

    work = f"IMAP SEARCH of 10,000 messages: {label.upper()}"
    return Comparison(work, imap("search", f"--searches={label}"), figure, "s", ratio=1.0, less_is_better=True)


def _clients(count: int) -> Comparison:
    work = f"IMAP sessions of people at work, {count} at once"
    command = imap("clients", f"--clients={count}", "--seconds=5", "--users=1")
    return Comparison(work, command, lambda found: float(found["sessions_per_s"]), "sessions/s", ratio=2.0)


READING = (
    Comparison(
        "IMAP FETCH of single bodies, one after the other", imap("bodies1"),
        lambda found: float(found["fetch"]["p50_ms"]), "ms", ratio=1.0, less_is_better=True,
    ),
    *map(_search, ("from", "subject", "since", "flag", "text_again")),
    Comparison(
        "IMAP STORE on 1,000 messages in one command", imap("store"),
        lambda found: float(found["one_command_s"]), "s", ratio=1.0, less_is_better=True,
    ),
    Comparison(
        "IMAP STORE on 1,000 messages, one after the other", imap("store"),
        lambda found: float(found["singly"]["p50_ms"]), "ms", ratio=1.0, less_is_better=True,
    ),
    Comparison(
        "IMAP APPEND, one after the other", imap("append"), lambda found: float(found["appends_per_s"]),
        "messages/s", ratio=1.0,
    ),
    Comparison(
        "IMAP APPEND of 1,000 messages in one command", imap("multiappend"),
        lambda found: float(found["appends_per_s"]), "messages/s", ratio=5.0,
    ),
    Comparison(
        "IMAP COPY of 1,000 messages", imap("copy"), lambda found: float(found["s"]), "s", ratio=1.0,
        less_is_better=True,
    ),
    Comparison(
        "IMAP MOVE of 1,000 messages", imap("move"), lambda found: float(found["s"]), "s", ratio=1.0,
        less_is_better=True,
    ),
    Comparison(
        "IMAP EXPUNGE of some thousand messages", imap("expunge"), lambda found: float(found["msgs_per_s"]),
        "messages/s", ratio=1.0, turns=1,
    ),
    Comparison(
        "IMAP return to 10,000 messages after 1,000 changes (QRESYNC)", imap("qresync"),
        lambda found: float(found["select"]["p50_ms"]), "ms", ratio=1.0, less_is_better=True,
    ),
    *map(_clients, (10, 50)),
    Comparison(
        "IMAP SEARCH of 100,000 messages: TEXT", large("search", "--searches=text"),
        lambda found: float(found["text"]["s"]), "s", ratio=20.0, less_is_better=True,
    ),
    Comparison(
        "IMAP return to 100,000 messages after 1,000 changes (QRESYNC)", large("qresync"),
        lambda found: float(found["select"]["p50_ms"]), "ms", ratio=1.0, less_is_better=True,
    ),
)  # fmt: skip
