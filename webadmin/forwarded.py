"""Who the client is where a web server with HTTPS stands before this one: limits and audit go by her address."""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class Client:
    """Middleware, the first: REMOTE_ADDR becomes the last address that no trusted server has told of itself.

    Only where FACTEUR_WEB_HTTPS says that there is such a server, and from this machine or FACTEUR_PROXY_FROM:
    anybody else may write into X-Forwarded-For what she likes.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        told = request.META.get("HTTP_X_FORWARDED_FOR", "")
        if settings.CONFIG.web_https and told and _trusted(request.META.get("REMOTE_ADDR", "")):
            for word in reversed(told.split(",")):
                address = word.strip()
                if _address(address) is None:
                    break
                request.META["REMOTE_ADDR"] = address
                if not _trusted(address):
                    break
        return self.get_response(request)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _trusted(text: str) -> bool:
    address = _address(text)
    if address is None:
        return False
    return address.is_loopback or any(address in network for network in settings.CONFIG.proxy_from)
