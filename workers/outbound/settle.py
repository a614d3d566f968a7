"""From what a host said to what becomes of a recipient: done, again later, or failed; and who must be told.

Pure: the rules of RFC 5321 §4.5.4.1 (retrying) and RFC 3461 §5 (reporting) in one place.
"""

from dataclasses import dataclass
from datetime import datetime

from mailservices.mail import backoff
from mailservices.mail.bounces import about
from mailservices.mail.life import Happening, settled
from mailservices.mail.routing import NONE, Rule
from mailservices.mail.vocabulary import Event
from mailservices.store.queue import Attempt, QueuedMessage, QueuedRecipient


@dataclass(frozen=True, slots=True)
class Outcome:
    """One try for one recipient, as it went."""

    stage: str
    #: 0 where no host answered.
    code: int
    enhanced: str
    text: str
    host: str = ""
    address: str = ""
    tls: str = ""
    #: The host reports deliveries itself (RFC 3461 §5.2.2), and keeps to times (RFC 2852).
    reports: bool = False
    keeps_time: bool = False
    #: What TLS came to, and who wanted it to.
    verdict: str = ""

    @property
    def taken(self) -> bool:
        return 200 <= self.code < 300

    @property
    def broken(self) -> bool:
        """The connection did not last: whatever is said of it was not said to this recipient."""
        return not self.code or self.code == 421

    @property
    def too_many(self) -> bool:
        """RFC 5321 §4.5.3.1.10: not in this transaction, but in the next."""
        return self.stage == "rcpt" and self.code == 452

    @property
    def permanent(self) -> bool:
        """A refusal for ever; without an answer, only if the status says so (no such domain ...)."""
        return self.code >= 500 or (not self.code and self.enhanced.startswith("5"))


def settle(
    message: QueuedMessage,
    recipient: QueuedRecipient,
    outcome: Outcome,
    seconds: float,
    now: datetime,
    rule: Rule = NONE,
) -> Attempt:
    """What follows from a try, under the rule by which it was made."""
    expires_at = end(message, recipient.expires_at, rule)
    event, happening, again = Event.DEFERRED, Happening.DEFER, None
    text, enhanced = outcome.text, outcome.enhanced
    if outcome.taken:
        event, happening = Event.RELAYED, Happening.RELAY
    elif outcome.permanent:
        event, happening = Event.FAILED, Happening.REFUSE
    elif now >= expires_at:
        # RFC 3463: 4.4.7, delivery time expired; permanent by now.
        event, happening = Event.FAILED, Happening.EXPIRE
        text, enhanced = f"Given up after {recipient.attempts + 1} attempts; the last one: {text}", "5.4.7"
    else:
        again = backoff.next_attempt(
            recipient.attempts + 1, now, first=rule.first_pause, longest=rule.longest_pause
        )
        # Never past the end: at that moment it is given up.
        again = min(again, expires_at)
        if message.deliver_by and message.deliver_by > now:
            # RFC 2852 §4.1.3: at that moment it is returned, or its sender is told.
            again = min(again, message.deliver_by)
    return Attempt(
        recipient=recipient,
        outcome=event,
        state=settled(happening),
        next_attempt_at=again,
        report=_report(message, recipient, event, outcome, now),
        seconds=seconds,
        stage=outcome.stage,
        host=outcome.host,
        address=outcome.address,
        tls=outcome.tls,
        verdict=outcome.verdict,
        about="" if outcome.taken else about(outcome.stage, outcome.enhanced, outcome.text),
        code=outcome.code,
        enhanced=enhanced,
        text=text,
    )


def end(message: QueuedMessage, chosen: datetime | None, rule: Rule) -> datetime:
    """When a recipient is given up: as an administrator has said of just this mail, else as the rule does.

    Args:
        chosen: the recipient's own end.
    """
    if chosen is not None and chosen != message.expires_at:
        return chosen
    return message.created_at + rule.lifetime if rule.lifetime else message.expires_at


def _report(
    message: QueuedMessage, recipient: QueuedRecipient, event: Event, outcome: Outcome, now: datetime
) -> str:
    """The kind of report that is due; empty: none. Never to the null path (RFC 5321 §6.1)."""
    notify = recipient.notify
    if not message.sender:
        return ""
    if event is Event.FAILED:
        return "failed" if notify is None or "FAILURE" in notify else ""
    if event is Event.RELAYED:
        return "relayed" if _handing_on_is_told(message, notify, outcome) else ""
    late = now - message.created_at >= backoff.DELAY_NOTICE
    if message.deliver_by:
        late = late or now >= message.deliver_by
    wanted = notify is None or "DELAY" in notify
    return "delayed" if late and wanted and not recipient.delay_reported else ""


def _handing_on_is_told(message: QueuedMessage, notify: tuple[str, ...] | None, outcome: Outcome) -> bool:
    """RFC 3461 §5.2.2; RFC 2852 §4.1.4 for what had to be delivered in time."""
    if notify is not None and "SUCCESS" in notify and not outcome.reports:
        return True
    if not message.by_mode or notify == ("NEVER",):
        return False
    return message.by_mode.endswith("T") or not outcome.keeps_time
