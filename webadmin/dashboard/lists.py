"""What is only looked at: the queue, the trace ("where is my mail?"), the audit."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from mailservices.mail.vocabulary import QueueState
from webadmin.audit.models import Entry
from webadmin.dashboard.forms import page
from webadmin.queue.models import Recipient
from webadmin.trace.api import find

#: Events of one search.
EVENTS = 200


def queue(request: HttpRequest) -> HttpResponse:
    state, words = request.GET.get("state", ""), request.GET.get("q", "").strip()
    found = Recipient.objects.select_related("message").order_by("-pk")
    if state in list(QueueState):
        found = found.filter(state=state)
    if words:
        found = found.filter(address__icontains=words) | found.filter(message__sender__icontains=words)
    context = {"page": page(request, found), "q": words, "state": state, "states": list(QueueState)}
    return render(request, "queue.html", context)


def recipient(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Recipient.objects.select_related("message"), pk=pk)
    return render(request, "recipient.html", {"recipient": found, "history": found.history.order_by("-at")[:100]})


def trace(request: HttpRequest) -> HttpResponse:
    """By address or Message-ID; without either, what happened last."""
    words = request.GET.get("q", "").strip()
    asked = {"message_id": words} if words.startswith("<") else {"address": words.lower()}
    if request.GET.get("id"):
        asked = {"trace_id": request.GET["id"]}
    events = find(asked)[:EVENTS]
    return render(request, "trace.html", {"events": events, "q": words, "limit": EVENTS})


def audit(request: HttpRequest) -> HttpResponse:
    entries = Paginator(Entry.objects.all(), 50).get_page(request.GET.get("page"))
    return render(request, "audit.html", {"page": entries})
