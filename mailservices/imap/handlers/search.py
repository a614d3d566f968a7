"""SEARCH and UID SEARCH (RFC 9051 §6.4.4, answered as RFC 3501 §7.2.5 says)."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from mailservices.imap.answers import Done
from mailservices.imap.handlers import sections
from mailservices.imap.session import Session
from mailservices.mail import text
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part
from mailservices.mail.search import And, InBody, InHeader, InSequence, InText, InUids, Not, Or, asks_for
from mailservices.protocols.imap import commands, responses
from mailservices.store import fetch as store
from mailservices.store import search as rows
from mailservices.store.search import Answered, Found, Seen

#: Octets of text above which a batch is looked through in a thread.
THREAD_OCTETS = 64 * 1024


async def search(session: Session, command: commands.Search) -> Done:
    selected, view = session.folder, session.folder.view

    def named(key: InSequence | InUids) -> Sequence[int]:
        return view.chosen(key.numbers, by_uid=isinstance(key, InUids))

    found = await rows.find(
        session.context.pool, session.account_id, selected.mailbox_id, command.key,
        Seen(named, selected.recent_from),
    )  # fmt: skip
    # What this client has not been told of has no number yet.
    known = [row for row in found.rows if view.number(row[0])]
    uids = [row[0] for row in known] if found.rest is None else await _ask_texts(session, found, known)
    session.say(responses.search(uids if command.by_uid else map(view.number, uids)))
    return Done()


async def _ask_texts(session: Session, found: Found, known: Sequence[Sequence[Any]]) -> list[int]:
    """Those whose text says so."""
    key, matching = found.rest, []
    with_body = asks_for(key, (InBody, InText))  # type: ignore[arg-type]
    pool, account_id, mailbox_id = session.context.pool, session.account_id, session.folder.mailbox_id
    answers = {row[0]: row[2:] for row in known}
    sized = [(row[0], row[1]) for row in known]
    async for batch in store.texts(pool, account_id, mailbox_id, sized, bodies=with_body):
        for row in batch:
            uid = row[0]
            with sections.Message.of(pool, row) as message:
                body = await message.whole() if with_body else b""
                tree = await message.tree() if with_body else None
                wanted = (key, answers[uid], _Text(message.head, body, tree))
                large = len(message.head) + len(body) > THREAD_OCTETS
                if await asyncio.to_thread(_holds, *wanted) if large else _holds(*wanted):
                    matching.append(uid)
        await asyncio.sleep(0)
    return matching


class _Text:
    """One message's text, decoded as far as it is asked for, in lower case."""

    def __init__(self, head: bytes, body: Octets, tree: Part | None) -> None:
        self._head = head
        self._body = body
        self._tree = tree
        self._fields: list[tuple[str, str]] | None = None

    def fields(self) -> list[tuple[str, str]]:
        if self._fields is None:
            self._fields = [(name, value.casefold()) for name, value in text.header_texts(self._head)]
        return self._fields

    def body(self) -> Iterator[str]:
        if self._tree is not None:
            for one in text.body_texts(self._tree, self._body):
                yield one.casefold()

    def header_has(self, name: str, words: str) -> bool:
        return any(one == name and words in value for one, value in self.fields())

    def body_has(self, words: str) -> bool:
        return any(words in one for one in self.body())

    def has(self, words: str) -> bool:
        return any(words in f"{name}: {value}" for name, value in self.fields()) or self.body_has(words)


def _holds(key: Any, answers: Sequence[bool], message: _Text) -> bool:
    """Whether the tree holds for this message."""
    match key:
        case Answered(column):
            return bool(answers[column])
        case And(keys):
            return all(_holds(one, answers, message) for one in keys)
        case Or(left, right):
            return _holds(left, answers, message) or _holds(right, answers, message)
        case Not(inner):
            return not _holds(inner, answers, message)
        case InHeader(name, words):
            return message.header_has(name, words.casefold())
        case InBody(words):
            return message.body_has(words.casefold())
        case InText(words):
            return message.has(words.casefold())
        case _:
            raise TypeError(f"the text knows nothing of {type(key).__name__}")
