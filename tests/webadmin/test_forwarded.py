"""Who the client is behind a web server with HTTPS."""

import dataclasses
import ipaddress

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from webadmin.forwarded import Client


@pytest.mark.parametrize(
    ("https", "peer", "told", "client"),
    [
        (True, "10.0.0.1", "192.0.2.7", "192.0.2.7"),
        (True, "127.0.0.1", "192.0.2.7, 10.0.0.2", "192.0.2.7"),
        # What she has written herself stands further left.
        (True, "10.0.0.1", "198.51.100.1, 192.0.2.7", "192.0.2.7"),
        (True, "10.0.0.1", "2001:db8::1", "2001:db8::1"),
        (True, "10.0.0.1", "192.0.2.7, nonsense", "10.0.0.1"),
        (True, "10.0.0.1", "", "10.0.0.1"),
        (True, "192.0.2.9", "192.0.2.7", "192.0.2.9"),
        (True, "", "192.0.2.7", ""),
        (False, "10.0.0.1", "192.0.2.7", "10.0.0.1"),
    ],
)
def test_the_client_is_known(
    https: bool, peer: str, told: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = (ipaddress.ip_network("10.0.0.0/8"),)
    changed = dataclasses.replace(settings.CONFIG, web_https=https, proxy_from=networks)
    monkeypatch.setattr(settings, "CONFIG", changed)
    request = HttpRequest()
    request.META |= {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": told}
    Client(lambda _request: HttpResponse())(request)
    assert request.META["REMOTE_ADDR"] == client
