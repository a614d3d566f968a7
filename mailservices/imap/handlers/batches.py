"""UIDBATCHES (RFC 9957 §3.1): ranges of UIDs that hold so many messages each, for clients that ask in portions."""

from mailservices.imap.answers import Bad, Done, No
from mailservices.imap.session import Session
from mailservices.protocols.imap import responses
from mailservices.protocols.imap.requests.messages import Batches

#: Messages of a batch at least, and of all batches of a range at most.
LEAST = 500
MOST = 100_000


async def batches(session: Session, command: Batches) -> Done:
    """From the newest messages on; "$" stays what it is."""
    if command.first > (command.last or command.first):
        raise Bad("CLIENTBUG", "The first batch comes first.")
    if command.size < LEAST:
        raise No("TOOFEW", f"A batch has {LEAST} messages at least.")
    if command.last is not None and command.size * (command.last - command.first + 1) > MOST:
        raise No("TOOMANY", f"That is more than {MOST} messages.")
    found = session.folder.view.batches(command.size)[command.first - 1 : command.last]
    session.say(responses.uid_batches(session.tag, found))
    return Done()
