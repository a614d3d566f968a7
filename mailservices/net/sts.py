"""Policies of MTA-STS over HTTPS (RFC 8461 §3.3): from the domain's own host, verified, nothing followed."""

from mailservices.mail import mta_sts
from mailservices.mail.errors import ProtocolError
from mailservices.mail.mta_sts import Policy
from mailservices.mail.questions import Addresses, Found
from mailservices.net import requests
from mailservices.net.dns import Resolver
from mailservices.net.requests import Answer, NoAnswer

#: Seconds for the whole answer; the RFC would wait for a minute, but mail waits meanwhile.
ANSWER_LIMIT = 10.0
_OK = 200


class NotFetched(Exception):
    """There is no policy to be had: why, in words for the log."""


async def fetch(resolver: Resolver, domain: str, port: int) -> Policy:
    """The policy of a domain.

    Raises:
        NotFetched
    """
    host = mta_sts.host(domain)
    answer = await resolver.ask(Addresses(host))
    if not isinstance(answer, Found):
        raise NotFetched("the host has no address")
    try:
        return mta_sts.parse(
            _text(
                await requests.ask(
                    "GET",
                    f"https://{host}:{port}{mta_sts.PATH}",
                    [str(one) for one in answer.records],
                    seconds=ANSWER_LIMIT,
                    octets=mta_sts.POLICY_OCTETS,
                    headers={"Accept": "text/plain"},
                )
            )
        )
    except (NoAnswer, ProtocolError) as error:
        raise NotFetched(f"{type(error).__name__}: {error}") from error


def _text(answer: Answer) -> bytes:
    if answer.status != _OK:
        raise NotFetched(f"status {answer.status}")
    if not answer.kind.startswith("text/plain"):
        raise NotFetched("it is no plain text")
    if answer.cut:
        raise NotFetched("it is too long")
    return answer.octets
