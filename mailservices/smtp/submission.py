"""What a message that one of our own hands in must be, and what is put right (RFC 6409 §6 and §8).

- every author in From must be an address of the account: its own, an alias of it, or one that it may send as
- Bcc goes: it is for the sender's own copy (RFC 5322 §3.6.3)
- what an account or its domain sends beyond the limits of a day is held, and the administrator told
"""

from mailservices import log
from mailservices.mail import address, addresses, headers
from mailservices.mail.address import Address
from mailservices.mail.envelope import Envelope
from mailservices.mail.errors import NotYourAddress, ProtocolError
from mailservices.smtp.session import Session
from mailservices.store import allowance as store
from mailservices.store import policy

#: Authors of one message.
AUTHORS = 20

_log = log.get()


async def prepared(session: Session, header: bytes) -> bytes:
    """The header as it may leave; one of a stranger stays as it is.

    Raises:
        NotYourAddress: somebody else stands in From.
        Unavailable: nobody can tell.
    """
    if session.identity is None or session.envelope is None:
        return header
    for author in authors(header):
        # The envelope's sender was asked for already.
        if author != session.envelope.sender and not await session.context.owners.answer(
            (session.identity.account_id, author)
        ):
            raise NotYourAddress
    if b"bcc" not in header.lower():
        return header
    return headers.without(header, lambda name, _: name == b"bcc")


async def is_held(session: Session, envelope: Envelope) -> bool:
    """Count the message, and say whether it has to wait until the administrator has seen it."""
    identity = session.identity
    if identity is None:
        return False
    recipients = {f"{one.address.key}@{one.address.domain}" for one in envelope.recipients}
    allowance = await store.charge(session.context.charges, store.Message(identity.account_id, recipients))
    if allowance.near:
        who = allowance.domain or identity.address
        what = "mail is held" if allowance.exceeded else "close to the limit"
        _log.warning(
            "much is sent", who=who, account=identity.address, sent=str(allowance), held=allowance.exceeded
        )
        name = f"domain sending {allowance.domain_id}" if allowance.domain else f"sending {identity.account_id}"
        await policy.notice(session.context.pool, name, f"{who}: {allowance}; {what}.")
    return allowance.exceeded


def authors(header: bytes) -> list[Address]:
    """Every address of every From field.

    Raises:
        NotYourAddress: it has none that can be read, or too many.
    """
    found: list[Address] = []
    for name, value in headers.fields(header):
        if name != b"from":
            continue
        listed = [
            (one.mailbox, one.host) for one in addresses.parse(headers.unfold(value)) if one.mailbox and one.host
        ]
        if not listed or len(found) + len(listed) > AUTHORS:
            raise NotYourAddress
        try:
            found += [address.parse(f"{mailbox.decode()}@{host.decode()}") for mailbox, host in listed]
        except (ProtocolError, UnicodeDecodeError) as error:
            raise NotYourAddress from error
    return found
