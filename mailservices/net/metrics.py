"""What is counted. One place, so that names and labels stay alike; labels are few, no stranger chooses them."""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

CONNECTIONS = Counter("facteur_connections_total", "Connections accepted", ["listener"])
CONNECTED = Gauge("facteur_connected", "Connections open now", ["listener"], multiprocess_mode="livesum")
SIGN_INS = Counter("facteur_sign_ins_total", "Sign-ins tried", ["service", "outcome"])
COMMANDS = Counter("facteur_commands_total", "Commands carried out", ["service", "command", "outcome"])
COMMAND_SECONDS = Histogram(
    "facteur_command_seconds",
    "Seconds from commands that came together, or the end of a message, to the answer",
    ["service"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
)
MESSAGES = Counter("facteur_messages_total", "Messages by what became of them", ["service", "event"])
VERDICTS = Counter(
    "facteur_verdicts_total", "What stages of reception objected to, by what came of it", ["stage", "outcome"]
)
FINDINGS = Counter("facteur_findings_total", "What checks of reception found", ["method", "result"])
OCTETS = Counter("facteur_message_octets_total", "Octets of accepted messages", ["service"])
COMMIT_SECONDS = Histogram(
    "facteur_commit_seconds",
    "Seconds from the end of a message to its commit",
    ["service"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0),
)
ATTEMPTS = Counter("facteur_attempts_total", "Attempts to deliver to other hosts", ["outcome", "stage"])
QUEUED = Gauge(
    "facteur_queue_recipients", "Recipients in the outgoing queue", ["state"], multiprocess_mode="mostrecent"
)
RETURNED = Counter("facteur_returned_total", "Reports that came in on mail of ours", ["what", "about"])
WEBHOOKS = Counter("facteur_webhooks_total", "Requests to webhooks", ["outcome"])


@cache
def commands(service: str, command: str, outcome: str) -> Counter:
    """One of COMMANDS: to find it by its labels takes longer than to count."""
    return COMMANDS.labels(service, command, outcome)


@cache
def command_seconds(service: str) -> Histogram:
    """One of COMMAND_SECONDS."""
    return COMMAND_SECONDS.labels(service)
