"""Keys in the directories of other domains (draft-koch-openpgp-webkey-service-19 §3.1), over HTTPS, verified.

The advanced method is asked; the direct one only where its host is not there. Nothing is followed, and no host of
our own network is asked.
"""

from datetime import datetime

from mailservices.config import Config
from mailservices.mail import webhooks, wkd
from mailservices.mail.address import Address
from mailservices.mail.openpgp import keys
from mailservices.mail.openpgp.keys import Usable
from mailservices.mail.privacy import PrivacyError
from mailservices.mail.questions import Addresses, Found, Missing
from mailservices.net import requests
from mailservices.net.dns import Resolver
from mailservices.net.requests import NoAnswer

#: Seconds for one answer: whoever sends a message waits for it.
ANSWER_LIMIT = 5.0
_OK = 200


class NotFound(Exception):
    """There is no key to be had: why, in words for the log."""


async def find(resolver: Resolver, config: Config, recipient: Address, now: datetime) -> Usable:
    """The key of an address.

    Raises:
        NotFound
    """
    advanced, direct = wkd.urls(recipient)
    host, url = f"{wkd.HOST}.{recipient.domain}", advanced
    answer = await resolver.ask(Addresses(host))
    if isinstance(answer, Missing):
        host, url = recipient.domain, direct
        answer = await resolver.ask(Addresses(host))
    found = [str(one) for one in answer.records] if isinstance(answer, Found) else []
    # Strangers name these hosts: one that leads into our own network would let them in there.
    allowed = [one for one in found if config.webhooks_private or webhooks.is_public(one)]
    if not allowed:
        raise NotFound(f"{host} has no address")
    ported = url.replace(host, f"{host}:{config.remote_https_port}", 1)
    try:
        told = await requests.ask("GET", ported, allowed, seconds=ANSWER_LIMIT, octets=wkd.KEY_OCTETS)
    except NoAnswer as error:
        raise NotFound(str(error)) from error
    if told.status != _OK or told.cut:
        raise NotFound("it is too long" if told.cut else f"status {told.status}")
    try:
        return keys.usable(told.octets, f"{recipient.key}@{recipient.domain}", now)
    except PrivacyError as error:
        raise NotFound(str(error)) from error
