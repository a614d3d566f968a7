"""Who watches a folder hears of what is new, and of what came before anybody listened."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from mailservices.imap import watch as watching
from mailservices.imap.watch import Watch, Watching
from mailservices.mail.errors import Unavailable
from mailservices.net.nudges import UNHEARD, Watcher
from mailservices.store import mailboxes
from mailservices.store.pool import Pool

HERE, GONE = 1, 9


class Ears:
    """Stands for the nudges: what was given to it to be called."""

    def __init__(self) -> None:
        self.called: set[Watcher] = set()

    def watch(self, _account_id: int, watcher: Watcher) -> None:
        self.called.add(watcher)

    def unwatch(self, _account_id: int, watcher: Watcher) -> None:
        self.called.discard(watcher)

    def call(self, mailbox_id: int, modseq: int) -> None:
        for watcher in list(self.called):
            watcher(mailbox_id, modseq)


class Folders:
    """Stands for the store: one folder with its modseq, and whether it can be asked."""

    def __init__(self) -> None:
        self.modseq = 5
        self.away = False

    async def modseqs(self, _pool: Pool, folders: object) -> dict[tuple[int, int], int]:
        if self.away:
            raise Unavailable
        return {(1, HERE): self.modseq}


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch) -> Folders:
    made = Folders()
    monkeypatch.setattr(mailboxes, "modseqs", made.modseqs)
    return made


@pytest.fixture
async def watch(pool: Pool, ears: Ears, folders: Folders) -> AsyncIterator[Watch]:
    opened = Watch(pool, ears)  # type: ignore[arg-type]
    yield opened
    await opened.close()


@pytest.fixture
def session(watch: Watch) -> Callable[[int], list[int]]:
    def begin(mailbox_id: int) -> list[int]:
        heard = list[int]()
        watch.start(Watching(1, mailbox_id, lambda: 5, heard.append))
        return heard

    return begin


async def test_only_what_is_new_is_told(ears: Ears, session: Callable[[int], list[int]]) -> None:
    heard = session(HERE)
    ears.call(HERE, 5)
    ears.call(HERE + 1, 6)
    assert heard == []
    ears.call(HERE, 6)
    # What folder it is of, or what of it, is not said.
    ears.call(0, 0)
    assert heard == [HERE, HERE]


async def test_what_may_have_been_missed_is_looked_for(
    ears: Ears, folders: Folders, session: Callable[[int], list[int]]
) -> None:
    heard, of_gone = session(HERE), session(GONE)
    ears.call(0, UNHEARD)
    await asyncio.sleep(0.01)
    assert (heard, of_gone) == ([], [GONE])
    folders.modseq = 6
    ears.call(0, UNHEARD)
    await asyncio.sleep(0.01)
    assert heard == [HERE]


async def test_where_nobody_can_look_the_session_does(
    ears: Ears, folders: Folders, session: Callable[[int], list[int]]
) -> None:
    heard, folders.away = session(HERE), True
    ears.call(0, UNHEARD)
    await asyncio.sleep(0.01)
    assert heard == [HERE]


async def test_nudges_that_were_lost_are_made_up_for(
    pool: Pool, ears: Ears, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "POLL_SECONDS", 0.01)
    watch, heard = Watch(pool, ears), asyncio.get_running_loop().create_future()  # type: ignore[arg-type]
    folders.modseq = 6
    watch.start(Watching(1, HERE, lambda: 5, lambda mailbox_id: heard.done() or heard.set_result(mailbox_id)))
    async with asyncio.timeout(10):
        assert await heard == HERE
    await watch.close()
