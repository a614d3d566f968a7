"""Where is my mail? The search, the timeline of one message, and what of it may be shown outside."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from webadmin.audit.record import Actor, record
from webadmin.dashboard.forms import actor
from webadmin.directory.models import Administrator
from webadmin.trace import finding, timeline

#: How long a link to a trace can be read without signing in.
SHARED_SECONDS = 14 * 24 * 3600
SALT = "trace"
TEXT = "text/plain; charset=utf-8"


def index(request: HttpRequest) -> HttpResponse:
    words = request.GET.get("q", "").strip()
    found, objection = [], ""
    if (trace_id := _named(words)) is not None:
        return redirect("trace-one", trace_id)
    try:
        found = finding.search(actor(request), words, _moment(request.GET.get("before", "")))
    except ValidationError as error:
        objection = " ".join(error.messages)
    older = found[-1].at.isoformat() if len(found) == finding.TRACES else ""
    context = {"found": found, "q": words, "objection": objection, "older": older}
    return render(request, "trace.html", context, status=400 if objection else 200)


def _named(words: str) -> UUID | None:
    """A trace that is named whole: as in "250 OK, queued as ..."."""
    try:
        return UUID(words)
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def one(request: HttpRequest, pk: UUID) -> HttpResponse:
    return render(request, "trace_one.html", {"line": timeline.read(actor(request), pk)})


@require_safe
def text(request: HttpRequest, pk: UUID) -> HttpResponse:
    """For the other side's postmaster."""
    return HttpResponse(
        timeline.plain(timeline.read(actor(request), pk), settings.CONFIG.hostname), content_type=TEXT
    )


@require_POST
def share(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A link by which whoever has it reads the plain text, for a while."""
    found = timeline.read(actor(request), pk)
    link = reverse("trace-shared", args=[signing.dumps([pk.hex, request.user.pk], salt=SALT)])
    record(actor(request), "share trace", pk.hex)
    messages.success(
        request, gettext("Whoever has the link below can read the plain text for 14 days, without signing in.")
    )
    return render(request, "trace_one.html", {"line": found, "link": request.build_absolute_uri(link)})


@login_not_required
@require_safe
def shared(_request: HttpRequest, token: str) -> HttpResponse:
    """As much of it as whoever has shared it may see."""
    try:
        trace_id, pk = signing.loads(token, salt=SALT, max_age=SHARED_SECONDS)
    except signing.BadSignature as error:
        raise Http404 from error
    sharer = Actor(get_object_or_404(Administrator, pk=pk, is_active=True))
    plain = timeline.plain(timeline.read(sharer, UUID(trace_id)), settings.CONFIG.hostname)
    answer = HttpResponse(plain, content_type=TEXT)
    answer["X-Robots-Tag"] = "noindex"
    return answer
