"""Keys that came to a directory by mail: their owners are asked, and what they confirm is published (WKD)."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailservices import log
from mailservices.mail import address
from mailservices.mail.address import Address
from mailservices.mail.errors import MailError, ProtocolError, Unavailable
from mailservices.mail.openpgp import decrypt, keys, submissions
from mailservices.mail.openpgp.submissions import Confirmed, Letter, Submitted
from mailservices.mail.privacy import Described, PrivacyError
from mailservices.mail.vocabulary import KeyKind
from mailservices.net import opener
from mailservices.net.opener import Private
from mailservices.store import bodies
from mailservices.store import keydirectory as store
from mailservices.store.ids import new_id
from mailservices.store.keydirectory import Came, Directory, Pending
from workers import own_mail

if TYPE_CHECKING:
    from workers.engine import Engine

#: Messages of one directory in one round, and addresses of one key whose owners are asked.
ROUND = 50
ADDRESSES = 10

_log = log.get()


async def read(engine: "Engine") -> None:
    """One round.

    Raises:
        Unavailable: the rest is left to the next one.
    """
    for directory in await store.directories(engine.pool, engine.config.sealing_key):
        for message in await store.came(engine.pool, directory, ROUND):
            try:
                await _read(engine, directory, message)
            except Unavailable:
                raise
            except (MailError, ProtocolError, PrivacyError) as error:
                _log.info("submission not taken", domain=directory.domain, uid=message.uid, cause=str(error)[:200])
            except Exception as error:  # noqa: BLE001 - what a stranger wrote must not keep the others waiting
                _log.exception("submission not read", domain=directory.domain, error=type(error).__name__)
            await store.read_to(engine.pool, directory, message.uid)


async def _read(engine: "Engine", directory: Directory, message: Came) -> None:
    if message.body_size > submissions.MESSAGE_OCTETS:
        return
    body = b"".join([piece async for piece in bodies.read(engine.pool, message.blob_id, 0, message.body_size)])
    armoured = await asyncio.to_thread(decrypt.sealed, message.header, body)
    if armoured is None:
        return
    held = [Private(fingerprint, b"", secret) for fingerprint, secret in directory.secrets]
    opened = await opener.open_sealed(KeyKind.OPENPGP, armoured, held, ())
    match await asyncio.to_thread(submissions.read, opened.payload):
        case Submitted(public):
            await _ask(engine, directory, public)
        case Confirmed(told, nonce):
            await _publish(engine, directory, told, nonce)


async def _ask(engine: "Engine", directory: Directory, public: bytes) -> None:
    """Write to everybody here whose address is in the key, if it is good; that it was revoked may be told, too."""
    described = await asyncio.to_thread(keys.describe, public)
    words = "" if described.revoked else described.broken(datetime.now(UTC))
    if words:
        raise PrivacyError(words)
    for told in described.addresses[:ADDRESSES]:
        try:
            parsed = address.parse(told)
        except ProtocolError:
            continue
        if parsed.domain == directory.domain:
            await _ask_owner(engine, directory, parsed, public, described)


async def _ask_owner(
    engine: "Engine", directory: Directory, parsed: Address, public: bytes, described: Described
) -> None:
    account = await store.owner(engine.pool, directory, parsed.key)
    if account is None:
        return
    own = f"{parsed.key}@{parsed.domain}"
    nonce = submissions.nonce()
    letter = _letter(engine, directory, own, described.fingerprint)
    octets = await asyncio.to_thread(submissions.confirmation, letter, nonce, public, directory.secrets[0][1])
    pending = Pending(account, own, described.fingerprint, public)
    if await store.wait(engine.pool, pending, nonce):
        await own_mail.write(engine, letter.directory, address.parse(own), octets)
        _log.info("owner asked to confirm a key", address=own, fingerprint=described.fingerprint)


async def _publish(engine: "Engine", directory: Directory, told: str, nonce: str) -> None:
    published = await store.confirm(engine.pool, nonce, told)
    if published is None:
        raise PrivacyError("no key waits for that")
    _log.info("key published", address=published.address, fingerprint=published.fingerprint)
    if keys.describe(published.public).revoked:
        # It reads nothing any more that she should read.
        return
    letter = _letter(engine, directory, published.address, published.fingerprint)
    octets = await asyncio.to_thread(submissions.done, letter, published.public)
    await own_mail.write(engine, letter.directory, address.parse(published.address), octets)


def _letter(engine: "Engine", directory: Directory, own: str, fingerprint: str) -> Letter:
    message_id = f"<{new_id().hex}@{engine.config.hostname}>"
    return Letter(address.parse(directory.submission), own, fingerprint, message_id, datetime.now(UTC))
