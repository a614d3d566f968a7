"""JSON of other web servers: short limits, nothing followed, nothing large read."""

from typing import Any

import httpx
import orjson

#: Seconds for a whole answer, and octets of it.
ANSWER_LIMIT = 5.0
ANSWER_OCTETS = 256 * 1024


class NoAnswer(Exception):
    """Not reached, not in time, not 200, too large, or not JSON."""


class Web:
    """A client, for one process. Made inside the event loop."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(timeout=ANSWER_LIMIT, follow_redirects=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def get(self, url: str) -> Any:
        """Raises NoAnswer."""
        return await self._ask("GET", url)

    async def post(self, url: str, fields: dict[str, str], name: str, secret: str) -> Any:
        """A form, signed in with name and secret. Raises NoAnswer."""
        return await self._ask("POST", url, data=fields, auth=(name, secret))

    async def _ask(self, method: str, url: str, **more: Any) -> Any:
        headers = {"Accept": "application/json"}
        try:
            async with self._client.stream(method, url, headers=headers, **more) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise NoAnswer(f"status {answer.status_code}")
                octets = b""
                async for piece in answer.aiter_bytes():
                    octets += piece
                    if len(octets) > ANSWER_OCTETS:
                        raise NoAnswer("too large")
            return orjson.loads(octets)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise NoAnswer(type(error).__name__) from error
        except orjson.JSONDecodeError as error:
            raise NoAnswer("not JSON") from error
