"""Questions to the database that are asked together: those that come while one is being asked wait for the next.

Alone, a question is asked at once; under load the cost of a round trip is shared, as appender.py does for commits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")

#: Questions that are asked together at most.
TOGETHER: Final = 200


class Gathering(Generic[Question, Answer]):
    """One kind of question. Made inside the event loop.

    Args:
        ask: answers several, in their order; what it raises, all of them get.
    """

    def __init__(self, ask: Callable[[Sequence[Question]], Awaitable[Sequence[Answer]]]) -> None:
        self._ask = ask
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._asking = False
        self._task: asyncio.Task[None] | None = None

    async def answer(self, question: Question) -> Answer:
        """What `ask` says to it, or raises."""
        if self._asking:
            waiter: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
            self._waiting.append((question, waiter))
            return await waiter
        self._asking = True
        try:
            [answer] = await self._ask([question])
            return answer
        finally:
            self._asking = False
            self._go_on()

    def _go_on(self) -> None:
        if self._waiting:
            self._asking = True
            self._task = asyncio.create_task(self._ask_together())

    async def _ask_together(self) -> None:
        together, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
        waiters = [waiter for _, waiter in together]
        try:
            answers = await self._ask([question for question, _ in together])
            for waiter, answer in zip(waiters, answers, strict=True):
                if not waiter.done():  # whoever asked may be gone
                    waiter.set_result(answer)
        except Exception as error:  # noqa: BLE001 - each of those who wait is told
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(error)
        finally:
            for waiter in waiters:
                waiter.cancel()  # the process ends
            self._asking = False
            self._go_on()
