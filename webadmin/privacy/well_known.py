"""Directories of keys (WKD), on whatever host they are asked for: openpgpkey.<domain>, <domain>, our own.

draft-koch-openpgp-webkey-service §3.1: a key in binary form, for GET and HEAD, also for programs in browsers. A
middleware before all others: most of these hosts are none of the web's own. An address without a key and one that
is not there get the same answer, for only keys are looked up.
"""

from collections.abc import Callable, Iterator

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_cache_control

from mailservices.mail import wkd
from mailservices.mail.address import normal_domain
from mailservices.mail.errors import ProtocolError
from mailservices.mail.openpgp import publishing
from mailservices.mail.privacy import PrivacyError
from mailservices.mail.vocabulary import KeyKind
from webadmin.directory.models import Domain
from webadmin.privacy.directory import directory_of, shown
from webadmin.privacy.owners import normal

#: Seconds for which an answer may be kept.
KEPT = 300
#: Keys of one address that are shown: those in use, and those that were revoked.
SHOWN = 10
_NOTHING = "There is no such key here.\n"


def keys(answer: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    def serve(request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(f"{wkd.ROOT}/"):
            return answer(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        found = _found(request)
        if found is None:
            told = HttpResponse(_NOTHING, status=404, content_type="text/plain")
        else:
            octets, kind = found
            told = HttpResponse(octets, content_type=kind)
        told["Content-Length"] = str(len(told.content))
        told["Access-Control-Allow-Origin"] = "*"
        patch_cache_control(told, public=True, max_age=KEPT)
        if request.method == "HEAD":
            told.content = b""
        return told

    return serve


def _found(request: HttpRequest) -> tuple[bytes, str] | None:
    """What is asked for, and of which type it is."""
    asked = wkd.asked(request.path.removeprefix(wkd.ROOT))
    if asked is None:
        return None
    named, file, hashed = asked
    domain = _domain(named or _host(request))
    if domain is None:
        return None
    row = directory_of(domain)
    if not row.active:
        return None
    if not file:
        octets = _keys(domain, hashed, request.GET.get("l", ""))
        return (octets, wkd.KEY_TYPE) if octets else None
    if file == wkd.SUBMISSION:
        return (f"{row.submission}\n".encode(), wkd.TEXT_TYPE) if row.submission else None
    policy = f"submission-address: {row.submission}\n" if row.submission else ""
    return policy.encode(), wkd.TEXT_TYPE


def _keys(domain: Domain, hashed: str, local: str) -> bytes:
    """Those of one address, one behind the other, what is in use first."""
    one = _address(domain, hashed, local)
    if not one:
        return b""
    found = b""
    for octets in _shown(domain, one):
        if len(found) + len(octets) <= wkd.KEY_OCTETS:
            found += octets
    return found


def _shown(domain: Domain, one: str) -> Iterator[bytes]:
    known = set()
    for key in shown(domain, KeyKind.OPENPGP).filter(address=one)[:SHOWN]:
        if key.fingerprint in known:
            continue
        known.add(key.fingerprint)
        try:
            yield publishing.only(bytes(key.public), one)
        except PrivacyError:
            continue


def _address(domain: Domain, hashed: str, local: str) -> str:
    """Whose name has this hash; where the name is not told as well, all that have keys are gone through."""
    if local:
        try:
            return normal(f"{local}@{domain.name}") if wkd.hashed(local) == hashed else ""
        except (ProtocolError, UnicodeEncodeError):
            return ""
    names = shown(domain, KeyKind.OPENPGP).order_by().values_list("address", flat=True).distinct()
    return next((name for name in names if wkd.hashed(name.rpartition("@")[0]) == hashed), "")


def _domain(name: str) -> Domain | None:
    try:
        normalised = normal_domain(name)
    except ProtocolError:
        return None
    return Domain.objects.filter(name=normalised, active=True).first()


def _host(request: HttpRequest) -> str:
    host = str(request.META.get("HTTP_HOST", "")).partition(":")[0].lower()
    return host.removeprefix(f"{wkd.HOST}.")
