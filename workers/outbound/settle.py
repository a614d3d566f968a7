"""From what a host said to what becomes of a recipient: done, again later, or failed; and who must be told.

Pure: the rules of RFC 5321 §4.5.4.1 (retrying) and RFC 3461 §5 (reporting) in one place.
"""

from dataclasses import dataclass
from datetime import datetime

from mailservices.mail import backoff
from mailservices.mail.vocabulary import Event, QueueState
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

    @property
    def taken(self) -> bool:
        return 200 <= self.code < 300

    @property
    def permanent(self) -> bool:
        """A refusal for ever; without an answer, only if the status says so (no such domain ...)."""
        return self.code >= 500 or (not self.code and self.enhanced.startswith("5"))


def settle(
    message: QueuedMessage, recipient: QueuedRecipient, outcome: Outcome, seconds: float, now: datetime
) -> Attempt:
    """What follows from a try."""
    event, state, again = Event.DEFERRED, QueueState.WAITING, None
    text, enhanced = outcome.text, outcome.enhanced
    if outcome.taken:
        event, state = Event.RELAYED, QueueState.RELAYED
    elif outcome.permanent:
        event, state = Event.FAILED, QueueState.FAILED
    elif now >= message.expires_at:
        # RFC 3463: 4.4.7, delivery time expired; permanent by now.
        event, state = Event.FAILED, QueueState.FAILED
        text, enhanced = f"Given up after {recipient.attempts + 1} attempts; the last one: {text}", "5.4.7"
    else:
        again = backoff.next_attempt(recipient.attempts + 1, now)
        if message.deliver_by and message.deliver_by > now:
            # RFC 2852 §4.1.3: at that moment it is returned, or its sender is told.
            again = min(again, message.deliver_by)
    return Attempt(
        recipient=recipient,
        outcome=event,
        state=state,
        next_attempt_at=again,
        report=_report(message, recipient, event, outcome, now),
        seconds=seconds,
        stage=outcome.stage,
        host=outcome.host,
        address=outcome.address,
        tls=outcome.tls,
        code=outcome.code,
        enhanced=enhanced,
        text=text,
    )


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
