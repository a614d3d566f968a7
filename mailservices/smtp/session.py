"""What one SMTP session knows, and what all sessions of a process share."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from mailservices.auth.client import Client
from mailservices.auth.credentials import Gate, Identity
from mailservices.config import Config
from mailservices.mail import headers, text
from mailservices.mail.codes import Reply
from mailservices.mail.envelope import Envelope
from mailservices.mail.vocabulary import Event
from mailservices.net import metrics
from mailservices.net.bell import Bell
from mailservices.net.connection import is_loopback
from mailservices.protocols.smtp.reader import Reader
from mailservices.protocols.smtp.session import State
from mailservices.smtp.directories import Directories
from mailservices.smtp.incoming import Incoming
from mailservices.smtp.stages.arrival import Arrival, Desk, Stranger
from mailservices.smtp.wire import Wire
from mailservices.store.allowance import Charges
from mailservices.store.appender import Appender
from mailservices.store.directory import Lookups, Owners, Route
from mailservices.store.ids import new_id
from mailservices.store.keys import KeyRing
from mailservices.store.leaving_keys import Wishes
from mailservices.store.policy import Rules
from mailservices.store.pool import Pool
from mailservices.store.trace import Journal, Row, domain_of, words


class SentAway(Exception):
    """The client has to go, after these last words."""

    def __init__(self, reason: str, reply: Reply | None = None) -> None:
        self.reason = reason
        self.last_words = bytes(reply) if reply is not None else b""
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Context:
    """What all sessions of a process share."""

    config: Config
    pool: Pool
    lookups: Lookups
    owners: Owners
    charges: Charges
    appender: Appender
    gate: Gate
    journal: Journal
    bell: Bell
    keys: KeyRing
    desk: Desk
    directories: Directories
    wishes: Wishes


@dataclass(frozen=True, slots=True)
class Profile:
    """What a port is for."""

    name: str
    #: Submission: clients sign in, and may then send anywhere (RFC 6409).
    submission: bool
    #: TLS can be started.
    starttls: bool
    #: RFC 2033: one reply for each recipient at the end; for neighbours, which are asked nothing.
    lmtp: bool = False

    @property
    def exempt(self) -> bool:
        """Whether nothing is asked of its clients: they have to sign in, or are neighbours."""
        return self.submission or self.lmtp


RECEPTION = Profile("smtp", submission=False, starttls=True)
SUBMISSION = Profile("submission", submission=True, starttls=True)
LMTP = Profile("lmtp", submission=False, starttls=True, lmtp=True)
SUBMISSIONS = Profile("submissions", submission=True, starttls=False)


@dataclass(slots=True)
class Session:
    """One client's session."""

    context: Context
    profile: Profile
    wire: Wire
    reader: Reader = field(default_factory=Reader)
    state: State = State.CONNECTED
    helo: str = ""
    extended: bool = False
    identity: Identity | None = None
    envelope: Envelope | None = None
    #: The message while it arrives, from the first chunk to the last.
    incoming: Incoming | None = None
    #: Where the recipients of the envelope lead, in their order.
    routes: list[Route] = field(default_factory=list)
    #: What the stages know of the transaction, from MAIL on; and of the client.
    arrival: Arrival | None = None
    stranger: Stranger = field(init=False)
    #: Names the transaction in trace, log, Received field and final reply.
    trace_id: UUID = field(default_factory=new_id)
    errors: int = 0

    def __post_init__(self) -> None:
        self.stranger = Stranger(self.wire.peer)

    @property
    def secure(self) -> bool:
        """Whether a password may be told: under TLS, or on this very machine."""
        return bool(self.wire.tls) or is_loopback(self.wire.peer)

    @property
    def client(self) -> Client:
        """Whom the auth room has before it."""
        return self.context.gate.meet(self.wire.peer, self.wire.secured)

    @property
    def private(self) -> bool:
        """Whether a recipient has her mail encrypted before it is stored: then nothing of it is left behind."""
        return any(box.encrypts for route in self.routes for box in route.mailboxes)

    def begin(self) -> None:
        """Forget a transaction: RSET, a new greeting, or the end of one (RFC 5321 §4.1.1.5)."""
        self.envelope = None
        if self.incoming is not None:
            self.incoming.close()
            self.incoming = None
        self.arrival = None
        self.routes = []
        self.trace_id = new_id()

    def arrive(self, rules: Rules, envelope: Envelope | None = None) -> Arrival:
        """What the stages are given. Nothing is asked of who signed in, or comes from a trusted network."""
        desk, peer = self.context.desk, self.wire.peer
        # An address that many hide behind is nobody's to trust.
        trusted = bool(peer) and rules.trusts(peer) and desk.gateway.suspected != peer
        return Arrival(
            desk, self.stranger, self.context.config.hostname, rules,
            exempt=self.profile.exempt or trusted or not peer, helo=self.helo, envelope=envelope,
        )  # fmt: skip

    def restart(self) -> None:
        """Forget everything but the connection: after STARTTLS (RFC 3207 §4.2)."""
        self.begin()
        self.reader.clear()
        self.helo = ""
        self.extended = False
        self.identity = self.wire.account_id = None

    def facts(self) -> dict[str, Any]:
        """How the transaction came, and what was found out about it: for the trace."""
        arrival = self.arrival
        checks = [
            [one.method, one.result, one.reason, " ".join(f"{name}={value}" for name, value in one.properties)]
            for one in (arrival.findings if arrival else ())
        ]
        found = {
            "port": self.profile.name,
            "helo": self.helo,
            "tls": self.wire.tls,
            "account": self.identity.address if self.identity else "",
            "checks": checks,
            "junk": list(arrival.junk) if arrival else [],
        }
        return {name: value for name, value in found.items() if value}

    def refused(self, reply: Reply, recipient: str = "", reason: str = "") -> None:
        """Leave a trace of what was turned away, and why where the reply does not say it all.

        Outside of a transaction it has nothing to do with what comes next.
        """
        metrics.MESSAGES.labels("smtp", Event.REFUSED).inc()
        sender = self.envelope.return_path if self.envelope else ""
        envid = self.envelope.envid if self.envelope else ""
        header = self.arrival.header if self.arrival else b""
        subject, message_id = named(header)
        if self.private:
            subject = ""
        self.context.journal.add(
            Row(
                self.trace_id,
                Event.REFUSED,
                "smtp",
                account_id=self.identity.account_id if self.identity else None,
                remote_host=self.wire.peer or None,
                sender=sender,
                recipient=recipient,
                message_id_field=message_id,
                subject=subject,
                envid=envid,
                words=words(sender, recipient, message_id, subject, envid, self.wire.peer),
                facts={**self.facts(), "reason": reason} if reason else self.facts(),
                of=domain_of(self.identity.address) if self.identity else "",
                detail=f"{reply.code} {reply.enhanced} {reply.text}" + (f" ({reason})" if reason else ""),
            )
        )
        if self.envelope is None:
            self.trace_id = new_id()


def named(header: bytes) -> tuple[str, str]:
    """Subject and Message-ID of a message, as people look for them; empty where it has none."""
    subject, message_id = (headers.first(header, name) for name in (b"subject", b"message-id"))
    return text.decode_field(subject or b""), (message_id or b"").decode("utf-8", "replace")
