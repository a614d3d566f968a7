"""Functions of octets that remember their answers: short ones only, for a stranger may write at any length."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

#: Octets of the longest that is remembered.
SHORT_OCTETS: Final = 200

Others = ParamSpec("Others")
Answer = TypeVar("Answer")
_Of = Callable[Concatenate[bytes, Others], Answer]


def remembered(count: int) -> Callable[[_Of[Others, Answer]], _Of[Others, Answer]]:
    """Decorates a function whose first argument are octets, and whose answer nobody changes; `count` are kept."""

    def decorate(function: _Of[Others, Answer]) -> _Of[Others, Answer]:
        known = lru_cache(count)(function)

        @wraps(function)
        def ask(octets: bytes, /, *others: Others.args, **named: Others.kwargs) -> Answer:
            return (known if len(octets) <= SHORT_OCTETS else function)(octets, *others, **named)

        return ask

    return decorate
