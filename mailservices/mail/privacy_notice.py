"""What owners are told of their keys by mail: that one ends soon, or that what arrives cannot be encrypted."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Final

from mailservices.mail import address

BROKEN: Final = "broken"
EXPIRES: Final = "expires"
_SUBJECTS: Final = {
    BROKEN: "Your mail could not be encrypted",
    EXPIRES: "Your key for private mail ends soon",
}
_BROKEN: Final = """\
Mail to {address} is to be encrypted before it is stored, but that was not possible:

    {words}

As you chose, such mail {fate}. Renew your key, or add another one, under
"Private mail" where you sign in to your account, or ask your administrator.
"""
_EXPIRES: Final = """\
A key for private mail of {address} ends on {end}:

    {fingerprint}

Renew it before, under "Private mail" where you sign in to your account: mail that
comes later could not be encrypted to it, and what you sign would not be believed.
"""
_FATES: Final = {
    "wait": "waits: whoever sends it is told to come again later",
    "deliver": "is stored readable",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """What somebody is to be told."""

    about: str
    address: str
    #: Of the key; empty where there was none.
    fingerprint: str
    #: Why, of what is broken.
    words: str
    #: What happens to such mail: wait, or deliver.
    when_broken: str
    #: Of what ends.
    expires_at: datetime | None


def build(notice: Notice, message_id: str, now: datetime) -> bytes:
    """The message, with CRLF.

    Args:
        message_id: with its angle brackets.

    Raises:
        ProtocolError: there is no such address.
    """
    to = address.parse(notice.address)
    message = EmailMessage(SMTPUTF8 if to.needs_smtputf8 else SMTP)
    message["From"] = Mailbox("Facteur", "postmaster", to.domain)
    message["To"] = Mailbox("", to.local, to.domain)
    message["Subject"] = _SUBJECTS[notice.about]
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id
    # RFC 3834 §5.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_text(notice), charset="utf-8", cte="base64")
    return message.as_bytes()


def _text(notice: Notice) -> str:
    if notice.about == EXPIRES:
        end = f"{notice.expires_at:%Y-%m-%d}" if notice.expires_at else "a day that is near"
        return _EXPIRES.format(address=notice.address, end=end, fingerprint=notice.fingerprint)
    words = notice.words or "there is no key that can be used"
    return _BROKEN.format(address=notice.address, words=words, fate=_FATES[notice.when_broken])
