"""Questions that are asked together: each gets its own answer, and all the same failure."""

import asyncio
from collections.abc import Sequence

import pytest

from mailservices.store import gathering
from mailservices.store.gathering import Gathering


class Asked:
    """Doubles numbers, when it is let."""

    def __init__(self) -> None:
        self.together: list[list[int]] = []
        self.may = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.together.append(list(numbers))
        await self.may.wait()
        if self.error is not None:
            raise self.error
        return [2 * number for number in numbers]


async def test_alone_a_question_is_asked_at_once() -> None:
    asked = Asked()
    asked.may.set()
    one = Gathering(asked)
    assert [await one.answer(number) for number in range(3)] == [0, 2, 4]
    assert asked.together == [[0], [1], [2]]


async def test_those_that_come_meanwhile_are_asked_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "TOGETHER", 4)
    asked = Asked()
    one = Gathering(asked)
    several = [asyncio.create_task(one.answer(number)) for number in range(6)]
    await asyncio.sleep(0)
    asked.may.set()
    assert await asyncio.gather(*several) == [0, 2, 4, 6, 8, 10]
    assert asked.together == [[0], [1, 2, 3, 4], [5]]
    assert await one.answer(7) == 14


async def test_a_failure_is_everybodys_and_ends_with_it() -> None:
    asked = Asked()
    asked.error = ValueError("x")
    one = Gathering(asked)
    several = [asyncio.create_task(one.answer(number)) for number in range(3)]
    await asyncio.sleep(0)
    asked.may.set()
    found = await asyncio.gather(*several, return_exceptions=True)
    assert [str(error) for error in found] == ["x"] * 3
    asked.error = None
    assert await one.answer(4) == 8


async def test_whoever_goes_takes_nobody_along() -> None:
    asked = Asked()
    one = Gathering(asked)
    several = [asyncio.create_task(one.answer(number)) for number in range(4)]
    await asyncio.sleep(0)
    several[0].cancel()  # the one that asks
    several[2].cancel()
    asked.may.set()
    found = await asyncio.gather(*several, return_exceptions=True)
    assert found[1::2] == [2, 6]
    assert all(isinstance(error, asyncio.CancelledError) for error in found[::2])
    assert await one.answer(4) == 8
