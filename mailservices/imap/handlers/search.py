"""SEARCH (RFC 9051 §6.4.4), SORT and THREAD (RFC 5256), ESEARCH (RFC 7377).

They are answered as RFC 4731 says, or as RFC 3501 §7.2.5 does; results may be kept up to date (RFC 5267).
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mailservices.imap.answers import Bad, Done, No
from mailservices.imap.handlers import contexts, finding, limiting
from mailservices.imap.handlers.locating import shown
from mailservices.imap.session import Session
from mailservices.mail import threads, uidset
from mailservices.mail.errors import MailError
from mailservices.mail.search import ChangedSince, Key, asks_for
from mailservices.mail.sorting import SortKey
from mailservices.protocols.imap import responses, sources
from mailservices.protocols.imap.requests.messages import MultiSearch, Search, Sort, Thread
from mailservices.protocols.imap.search import EVERYTHING, Result, Returns
from mailservices.protocols.imap.session import Extension
from mailservices.protocols.imap.sources import Kind
from mailservices.store import gists, mailboxes, rights

#: Messages from which on their threads are found out in a thread of the machine's.
THREAD_ENTRIES = 1000


async def search(session: Session, command: Search) -> Done:
    # RFC 9051 §6.4.4
    returns = EVERYTHING if command.returns is None and session.rev2 else command.returns
    return await _answer(session, command, returns, b"SEARCH")


async def sort(session: Session, command: Sort) -> Done:
    """RFC 5256 §3, RFC 5267 §3."""
    return await _answer(session, command, command.returns, b"SORT", command.order)


async def thread(session: Session, command: Thread) -> Done:
    """RFC 5256 §3."""
    pool, account_id, folder = session.context.pool, session.folder.account_id, session.folder
    uids, _ = await finding.find(session, finding.selected(session), command.key)
    limiting.check(session, len(uids))
    await gists.complete(pool, account_id, folder.mailbox_id)
    entries = await gists.entries(pool, account_id, folder.mailbox_id, uids)
    wanted = (command.algorithm, entries)
    large = len(entries) > THREAD_ENTRIES
    heads = await asyncio.to_thread(threads.thread, *wanted) if large else threads.thread(*wanted)
    session.say(responses.threads(heads, (lambda uid: uid) if command.by_uid else folder.view.number))
    return Done()


async def _answer(
    session: Session, command: Search | Sort, returns: Returns | None, kind: bytes, order: tuple[SortKey, ...] = ()
) -> Done:
    view, modseq = session.folder.view, session.folder.view.modseq
    asks_modseq = _asks_modseq(session, command.key)
    if returns is not None and returns.updates:
        contexts.check(session)
    uids, modseqs, code = await _find(session, command.key, returns, order)
    numbers = uids if command.by_uid else view.numbers(uids)
    if returns is None:
        session.say(responses.search(numbers, max(modseqs.values(), default=0) if asks_modseq else 0, kind=kind))
    elif returns.tells:
        items = [*_items(returns, numbers)]
        if Result.RELEVANCY in returns.options and uids:
            items.append(await _relevancy(session, finding.selected(session), command.key, returns, uids))
        if asks_modseq and uids:
            # RFC 4731 §3.2: the highest of those that are told.
            items.append(b"MODSEQ %d" % max((modseqs[uid] for uid in returns.ends(uids)), default=0))
        session.say(responses.esearch(session.tag, items, by_uid=command.by_uid))
    if returns is not None and returns.updates:
        contexts.begin(session, command.key, order, uids, modseq, by_uid=command.by_uid)
    return Done(code)


def _asks_modseq(session: Session, key: Key) -> bool:
    asks = asks_for(key, (ChangedSince,))
    if asks:
        session.enable(Extension.CONDSTORE)
    return asks


async def _find(
    session: Session, key: Key, returns: Returns | None, order: Sequence[SortKey] = ()
) -> tuple[Sequence[int], dict[int, int], bytes]:
    """In the selected folder; "$" is what was found, where that is wanted. Last comes the code of the answer."""
    saves = returns is not None and returns.saves
    try:
        found, modseqs = await finding.find(session, finding.selected(session), key, order)
        uids, code = _newest(session, found, returns, order)
    except (MailError, No):
        if saves:
            session.folder.view.save(())  # RFC 5182 §2.1: what fails leaves nothing
        raise
    if returns is not None and saves:
        session.folder.view.save(sorted(returns.ends(uids)))
    return uids, modseqs, code


def _newest(
    session: Session, uids: Sequence[int], returns: Returns | None, order: Sequence[SortKey]
) -> tuple[Sequence[int], bytes]:
    """RFC 9738 §3.1: some, where all would be told one by one; an order or an update is of all, or of none."""
    if returns is not None and Result.ALL not in returns.options and not returns.updates:
        return uids, b""
    if order or (returns is not None and returns.updates):
        limiting.check(session, len(uids))
    return limiting.newest(session, uids)


def _items(returns: Returns, numbers: Sequence[int]) -> Iterator[bytes]:
    """RFC 4731 §3.1: where nothing was found, only COUNT has something to tell, and PARTIAL (RFC 9394 §3.1)."""
    if numbers and Result.MIN in returns.options:
        yield b"MIN %d" % numbers[0]
    if numbers and Result.MAX in returns.options:
        yield b"MAX %d" % numbers[-1]
    if numbers and Result.ALL in returns.options:
        yield b"ALL " + uidset.printed(numbers)
    if returns.partial is not None:
        some = returns.partial.of(numbers)
        yield b"PARTIAL (%b %b)" % (returns.partial.words, uidset.printed(some) if some else b"NIL")
    if Result.COUNT in returns.options:
        yield b"COUNT %d" % len(numbers)


async def _relevancy(
    session: Session, place: finding.Place, key: Key, returns: Returns, uids: Sequence[int]
) -> bytes:
    """RFC 6203 §4: in the order of the results; of some only where some only are told."""
    some = returns.partial.of(uids) if returns.partial is not None else uids
    scores = await finding.relevancies(session, place, key, some)
    return b"RELEVANCY (%b)" % b" ".join(b"%d" % score for score in scores)


async def multi_search(session: Session, command: MultiSearch) -> Done:
    """RFC 7377 §2: of each folder that has something, one answer; it tells UIDs."""
    wants_selected = not command.sources or any(one.kind is Kind.SELECTED for one in command.sources)
    elsewhere = [one for one in command.sources if one.kind is not Kind.SELECTED]
    if wants_selected and session.selected is None:
        raise Bad("", "No folder is selected.")
    if (command.returns.saves or command.returns.updates) and (elsewhere or not wants_selected):
        raise Bad("", "Only what is found in the selected folder can be kept.")
    if command.returns.updates:
        contexts.check(session)
    asks_modseq = _asks_modseq(session, command.key)
    chosen = session.selected.mailbox_id if session.selected is not None and wants_selected else 0
    for account_id, folder in await _sources(session, elsewhere, chosen):
        if folder.mailbox_id == chosen:
            modseq = session.folder.view.modseq
            place = finding.selected(session)
            uids, modseqs, code = await _find(session, command.key, command.returns)
            if command.returns.updates:
                contexts.begin(session, command.key, (), uids, modseq, by_uid=True)
        else:
            place = await finding.elsewhere(session, account_id, folder, command.key)
            found, modseqs = await finding.find(session, place, command.key)
            uids, code = _newest(session, found, command.returns, ())
        if code:
            # Which folder it is about, it does not say.
            limiting.refuse(session)
        if uids and command.returns.tells:
            items = [*_items(command.returns, uids)]
            if Result.RELEVANCY in command.returns.options:
                items.append(await _relevancy(session, place, command.key, command.returns, uids))
            if asks_modseq:
                items.append(b"MODSEQ %d" % max((modseqs[uid] for uid in command.returns.ends(uids)), default=0))
            place_told = responses.in_folder(folder.name, folder.uidvalidity, utf8=session.utf8)
            session.say(responses.esearch(session.tag, items, by_uid=True, place=place_told))
            await session.wire.drain()
    return Done()


async def _sources(
    session: Session, wanted: Sequence[sources.Source], chosen: int
) -> list[tuple[int, mailboxes.Folder]]:
    """The folders that are meant, each once, and whose they are; `chosen` is the id of the selected one, or 0.

    Of others those that may be read (RFC 7377 §2.2), under the names by which they are seen.
    """
    pool, account_id = session.context.pool, session.account_id
    own = await mailboxes.all_folders(pool, account_id)
    found = [(account_id, folder) for folder in own]
    found += [
        (one.account_id, replace(one.folder, name=shown(one.owner, one.folder.name)))
        for one in await rights.shared(pool, account_id)
        if {"l", "r"} <= set(one.rights) or ("r" in one.rights and one.folder.mailbox_id == chosen)
    ]
    roles = {folder.name: folder.special_use for folder in own}
    subscribed: set[str] = set()
    if any(one.kind is Kind.SUBSCRIBED for one in wanted):
        subscribed = set(await mailboxes.subscriptions(pool, account_id))
    return [
        (owner, folder)
        for owner, folder in found
        if folder.mailbox_id == chosen or any(sources.holds(one, folder.name, roles, subscribed) for one in wanted)
    ]
