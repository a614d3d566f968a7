"""Requests over HTTPS or HTTP to hosts that strangers name: at an address that was looked up before, nothing
followed, time and answer bounded."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from mailservices.net.tls import verified_context

#: Addresses of a host that are tried.
ADDRESSES = 4


class NoAnswer(Exception):
    """There was none, or not in time: why, in words for the log."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    #: Content-Type in lower case, or empty.
    kind: str
    octets: bytes
    #: Whether there was more than we wanted to read.
    cut: bool


async def ask(
    method: str,
    url: str,
    addresses: Sequence[str],
    *,
    seconds: float,
    octets: int,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Answer:
    """Ask the host at the first of these addresses that can be reached; the certificate has to be for its name.

    Args:
        seconds: for all of it.
        octets: of the answer that are read at most.

    Raises:
        NoAnswer
    """
    failed: Exception = OSError("it has no address")
    try:
        parts = httpx.URL(url)
        # Nothing compressed: it may be far more than it seems.
        headers = {"Host": parts.netloc.decode(), "Accept-Encoding": "identity", **(headers or {})}
        # The client's own limit is for each read: a host that trickles would hold us up for days.
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncClient(
                timeout=seconds, follow_redirects=False, verify=verified_context(), trust_env=False
            ) as client,
        ):
            for address in addresses[:ADDRESSES]:
                request = client.build_request(
                    method,
                    parts.copy_with(host=address),
                    headers=headers,
                    content=content,
                    # Whom the certificate has to be for, although we connect to an address.
                    extensions={"sni_hostname": parts.host},
                )
                try:
                    return await _answer(client, request, octets)
                except httpx.ConnectError as error:
                    failed = error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        failed = error
    raise NoAnswer(f"{type(failed).__name__}: {failed}") from failed


async def _answer(client: httpx.AsyncClient, request: httpx.Request, octets: int) -> Answer:
    response = await client.send(request, stream=True)
    try:
        read, cut = await _read(response, octets)
        return Answer(response.status_code, response.headers.get("Content-Type", "").lower(), read, cut)
    finally:
        await response.aclose()


async def _read(response: httpx.Response, most: int) -> tuple[bytes, bool]:
    octets = b""
    async for piece in response.aiter_raw():
        octets += piece
        if len(octets) > most:
            return octets[:most], True
    return octets, False
