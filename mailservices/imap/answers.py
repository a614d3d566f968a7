"""How a handler ends: Done, or No and Bad, which it raises."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from mailservices.protocols.imap import responses

#: RFC 9051 §7.1.5: the last word of a service that stops.
RESTARTING: Final = responses.untagged("BYE", "The service is restarting.", "UNAVAILABLE")


@dataclass(frozen=True, slots=True)
class Done:
    """The tagged answer; `code` without its brackets. `then` runs after it was sent.

    With `tells_modseq`, the code is up to which modification sequence the client knows everything, for those who
    have switched QRESYNC on (RFC 7162 §3.2.7).
    """

    code: str | bytes = ""
    text: str = "Done."
    status: str = "OK"
    tells_modseq: bool = False
    then: Callable[[], Awaitable[None]] | None = None

    @property
    def ok(self) -> bool:
        return self.status == "OK"


class No(Exception):
    """The command cannot be carried out."""

    status = "NO"

    def __init__(self, code: str | bytes, words: str) -> None:
        self.code = code
        self.words = words
        super().__init__(words)


class Bad(No):
    """The command makes no sense."""

    status = "BAD"
