"""Where mail programs look for their settings, on whatever host they ask: autoconfig.<domain>, <domain>, our own.

A middleware before all others: most of these hosts are none of the web's own. Domains that are not here get 404;
of addresses nothing is told, for nothing is looked up.
"""

from collections.abc import Callable
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.cache import patch_cache_control

from mailservices.mail import elements
from mailservices.mail.address import Address, normal_domain, parse
from mailservices.mail.errors import ProtocolError
from webadmin.directory.models import Domain
from webadmin.own import autoconfig

#: In lower case: programs spell them in several ways.
THUNDERBIRD = ("/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml")
OUTLOOK = "/autodiscover/autodiscover.xml"
OUTLOOK_JSON = "/autodiscover/autodiscover.json"
APPLE = "/email.mobileconfig"
_PREFIXES = ("autoconfig.", "autodiscover.")
#: Octets of a question.
QUESTION = 16 * 1024
_NOWHERE = "There are no settings here.\n"


def mail_programs(answer: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    def serve(request: HttpRequest) -> HttpResponseBase:
        path = request.path.lower()
        if path in THUNDERBIRD:
            found = _thunderbird(request)
        elif path == OUTLOOK:
            found = _outlook(request)
        elif path.startswith(OUTLOOK_JSON):
            found = _outlook_json(request)
        elif path == APPLE:
            found = _apple(request)
        else:
            return answer(request)
        found = found or HttpResponse(_NOWHERE, status=404, content_type="text/plain")
        patch_cache_control(found, private=True, max_age=300)
        return found

    return serve


def _thunderbird(request: HttpRequest) -> HttpResponse | None:
    address = _address(request.GET.get("emailaddress", ""))
    domain = _ours(address.domain if address else _host(request))
    return HttpResponse(autoconfig.thunderbird(domain), content_type="text/xml") if domain else None


def _outlook(request: HttpRequest) -> HttpResponse | None:
    """It asks by POST; a browser is told nothing."""
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > QUESTION:
        return HttpResponse("That is too long.\n", status=413, content_type="text/plain")
    try:
        asked = elements.parse(request.read(QUESTION)).value("Request", "EMailAddress")
    except ProtocolError as error:
        return HttpResponse(f"{error}\n", status=400, content_type="text/plain")
    address = _address(asked)
    if address is None or not _ours(address.domain):
        return None
    return HttpResponse(autoconfig.outlook(str(address)), content_type="text/xml")


def _outlook_json(request: HttpRequest) -> HttpResponse | None:
    """Where the XML is (MS-OXDSCLI is silent of it, programs ask so): .../autodiscover.json/v1.0/<address>."""
    asked = request.GET.get("Email") or request.path.rpartition("/")[2]
    address = _address(asked)
    if address is None or not _ours(address.domain):
        return None
    host = quote(settings.CONFIG.hostname)
    return JsonResponse({"Protocol": "AutodiscoverV1", "Url": f"https://{host}{OUTLOOK}"})


def _apple(request: HttpRequest) -> HttpResponse | None:
    address = _address(request.GET.get("email", ""))
    return profile(str(address)) if address and _ours(address.domain) else None


def profile(address: str, name: str = "") -> HttpResponse:
    """For Apple Mail, to be installed."""
    return HttpResponse(
        autoconfig.apple(address, name),
        content_type="application/x-apple-aspen-config",
        headers={"Content-Disposition": 'attachment; filename="mail.mobileconfig"'},
    )


def _address(text: str) -> Address | None:
    try:
        return parse(text.strip())
    except ProtocolError:
        return None


def _host(request: HttpRequest) -> str:
    host = str(request.META.get("HTTP_HOST", "")).partition(":")[0].lower()
    return next((host.removeprefix(one) for one in _PREFIXES if host.startswith(one)), host)


def _ours(name: str) -> str:
    """The domain if mail for it comes here; else nothing."""
    try:
        normal = normal_domain(name)
    except ProtocolError:
        return ""
    return normal if Domain.objects.filter(name=normal, active=True).exists() else ""
