"""Asks the REST API, and tells its problems in words."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

#: Where `make run` leaves the address of the web and a token.
FOUND = Path(__file__).resolve().parent.parent / "var" / "appliance.json"
#: Seconds for one answer: many accounts take their time.
PATIENCE = 600.0
#: Rows of one page.
PAGE = 500


class Refused(Exception):
    """What the API says is wrong, in lines."""


class Api:
    """One token's way to it."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.Client(base_url=f"{url.rstrip('/')}/api/v1/", headers=headers, timeout=PATIENCE)

    def close(self) -> None:
        self._client.close()

    def ask(self, method: str, path: str, body: Any = None, **asked: Any) -> Any:
        """The answer; None where there is none.

        Raises:
            Refused
        """
        told = {name: value for name, value in asked.items() if value not in (None, "")}
        try:
            answer = self._client.request(method, path, json=body, params=told)
        except httpx.HTTPError as error:
            raise Refused(f"{self._client.base_url} does not answer: {error}") from error
        if answer.is_error:
            raise Refused(_words(answer))
        return answer.json() if answer.content else None

    def all(self, path: str, limit: int = 0, **asked: Any) -> Iterator[Any]:
        """The rows of a list, page after page; at most so many, 0: all.

        Raises:
            Refused
        """
        page = self.ask("GET", path, limit=min(limit, PAGE) if limit else PAGE, **asked)
        count = 0
        while True:
            for row in page["results"]:
                yield row
                count += 1
                if count == limit:
                    return
            if not page["next"]:
                return
            page = self.ask("GET", page["next"])

    def one(self, path: str, **asked: Any) -> Any:
        """The only row that fits.

        Raises:
            Refused: there is none.
        """
        found = next(self.all(path, 1, **asked), None)
        if found is None:
            raise Refused(f"There is no {', '.join(str(value) for value in asked.values())}.")
        return found

    def plain(self, path: str) -> Any:
        """What the web itself says at this path, outside the API; also when it says that it is not well."""
        try:
            return self._client.get(self._client.base_url.join(path)).json()
        except (httpx.HTTPError, ValueError) as error:
            raise Refused(f"{self._client.base_url} does not answer: {error}") from error


def _words(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        lines = [
            f"{name}: {words}" if name else words
            for name, sentences in problem.get("errors", {}).items()
            for words in sentences
        ]
        return "\n".join(lines) or str(problem["detail"])
    except (ValueError, KeyError, AttributeError):
        return f"{answer.status_code} {answer.reason_phrase}"


def found() -> tuple[str, str]:
    """Address and token that `make run` has left; empty where it has not."""
    try:
        facts = json.loads(FOUND.read_text())
        return str(facts["web"]), str(facts["api_token"])
    except (OSError, ValueError, KeyError):
        return "", ""
