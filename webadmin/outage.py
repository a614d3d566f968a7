"""What the web says when something failed that no view foresaw: 503 for an outage, 500 for a mistake of ours.

Neither asks the database, which may be what is away. The cause is in the log, never in the answer.
"""

import sys

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.views.defaults import page_not_found
from redis.exceptions import RedisError

from webadmin.api import PROBLEM

#: What passes by itself, so that trying again helps.
OUTAGES = (OperationalError, InterfaceError, RedisError)
#: Seconds.
RETRY_AFTER = 5


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: what is no address of the API is told as its errors are."""
    if not request.path.startswith("/api/"):
        return page_not_found(request, exception)
    words = gettext("There is no such address in this API: see /api/v1/docs/.")
    body = {"type": "about:blank", "title": gettext("Not found"), "status": 404, "detail": words}
    return JsonResponse(body, status=404, content_type=PROBLEM)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: called while the exception is being handled."""
    passing = isinstance(sys.exc_info()[1], OUTAGES)
    status, title, words = (
        (
            503,
            gettext("Not available now"),
            gettext("Something that this needs does not answer just now: try again in a moment."),
        )
        if passing
        else (
            500,
            gettext("Something went wrong"),
            gettext("It is noted in the log. If it happens again, tell your administrator."),
        )
    )
    if request.path.startswith("/api/"):
        body = {"type": "about:blank", "title": title, "status": status, "detail": words}
        answer: HttpResponse = JsonResponse(body, status=status, content_type=PROBLEM)
    else:
        page = render_to_string("alone.html", {"title": title, "words": words, "version": settings.VERSION})
        answer = HttpResponse(page, status=status)
    if passing:
        answer["Retry-After"] = str(RETRY_AFTER)
    return answer
