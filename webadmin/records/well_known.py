"""https://mta-sts.<domain>/.well-known/mta-sts.txt (RFC 8461 §3.3), for whatever domain offers a policy.

A middleware before all others: these hosts are none of the web's own, and nothing else is served there.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from mailservices.mail.mta_sts import PATH
from webadmin.records.actions import policy_text
from webadmin.records.models import StsOffer

_PREFIX = "mta-sts."


def policies(answer: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    def serve(request: HttpRequest) -> HttpResponseBase:
        if request.path != PATH:
            return answer(request)
        host = request.META.get("HTTP_HOST", "").partition(":")[0].lower()
        domain = host.removeprefix(_PREFIX)
        offer = StsOffer.objects.filter(domain__name=domain, domain__active=True).first()
        if domain == host or offer is None:
            return HttpResponse("There is no policy here.\n", status=404, content_type="text/plain")
        return HttpResponse(policy_text(offer), content_type="text/plain")

    return serve
