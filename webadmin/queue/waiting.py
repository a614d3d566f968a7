"""The pages of what is on its way out: the list, one recipient with its tries, the message itself, the buttons."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from mailservices.mail import headers, mime
from mailservices.mail import text as texts
from mailservices.mail.vocabulary import QueueState
from webadmin import engine
from webadmin.audit.record import record
from webadmin.dashboard.forms import actor
from webadmin.queue import actions, jobs
from webadmin.queue.models import Lane, Message, Recipient, Route
from webadmin.scope import Right, may, visible, within

ROWS = 50
#: Destinations of which the page tells that they are down.
LANES = 20
#: So many are counted; beyond, there are "more".
COUNTED = 1_000
#: Hours until which mail may be kept on being tried.
LONGEST_HOURS = 720
#: Hours since a message came in, to choose from.
AGES = {
    1: gettext_lazy("an hour"),
    6: gettext_lazy("6 hours"),
    24: gettext_lazy("a day"),
    72: gettext_lazy("3 days"),
}
#: Octets of a body that are shown; a file has it all.
SHOWN = 256 * 1024
#: Ids of messages begin with the time at which they came in.
NEWEST = ("-message_id", "-pk")
FILTERS = ("state", "destination", "sender", "q", "older")


def recipients(request: HttpRequest) -> QuerySet[Recipient]:
    """All that they may see here."""
    return visible(actor(request), Recipient)


def _choice(asked: Any) -> dict[str, Any]:
    """What the filters say, for actions.choose."""
    chosen = {name: asked.get(name, "").strip() for name in FILTERS}
    if chosen["state"] not in list(QueueState):
        chosen["state"] = ""
    if not chosen["older"].isdigit() or int(chosen["older"]) not in AGES:
        chosen["older"] = ""
    return {name: value for name, value in chosen.items() if value}


def index(request: HttpRequest) -> HttpResponse:
    chosen = _choice(request.GET)
    fitting = actions.filtered(recipients(request), **chosen)
    rows, further = _page(fitting, request.GET.get("before", ""))
    context = {
        "rows": rows,
        "further": further,
        "chosen": chosen,
        "query": urlencode(chosen),
        # Counting very many takes longer than all else of the page.
        "count": gettext("{rows} and more").format(rows=ROWS)
        if further or request.GET.get("before")
        else len(rows),
        "states": list(QueueState),
        "ages": AGES.items(),
        "routes": visible(actor(request), Route).filter(active=True),
        "down": visible(actor(request), Lane).filter(failures__gt=0).order_by("down_since")[:LANES],
    }
    return render(request, "queue.html", context)


def _page(found: QuerySet[Recipient], before: str) -> tuple[list[Recipient], str]:
    """The newest messages first, those behind `before`; and what is said to have the next ones."""
    found = found.order_by(*NEWEST)
    message, _, pk = before.partition(".")
    if message and pk.isdigit():
        try:
            last = UUID(message)
        except ValueError as error:
            raise Http404 from error
        found = found.filter(Q(message_id__lt=last) | Q(message_id=last, pk__lt=int(pk)), message_id__lte=last)
    keys = list(found.values_list("pk", flat=True)[: ROWS + 1])
    rows = list(Recipient.objects.filter(pk__in=keys).select_related("message").order_by(*NEWEST))
    more = len(rows) > ROWS
    return rows[:ROWS], f"{rows[ROWS - 1].message_id.hex}.{rows[ROWS - 1].pk}" if more else ""


def one(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(recipients(request).select_related("message", "route"), pk=pk)
    context = {
        "recipient": found,
        "history": found.history.order_by("-at")[:100],
        "returns": found.returns.order_by("-at"),
        "others": recipients(request).filter(message_id=found.message_id).exclude(pk=pk)[:20],
        "routes": visible(actor(request), Route).filter(active=True),
        "fields": _fields(found.message),
        "readable": may_read(request),
    }
    return render(request, "recipient.html", context)


def _fields(message: Message) -> list[tuple[str, str]]:
    """The header as it will be sent, field by field."""
    head = bytes(message.prefix) + bytes(message.header)
    return [
        (name.decode("ascii", "replace").title(), headers.unfold(value).decode("utf-8", "replace"))
        for name, value in headers.fields(head)
    ]


def may_read(request: HttpRequest) -> bool:
    """Whether they may read other people's mail while it waits."""
    return may(actor(request), Right.OPERATE)


@require_POST
def content(request: HttpRequest, pk: int) -> HttpResponse:
    """The message itself: who has read it is noted."""
    found = get_object_or_404(recipients(request).select_related("message"), pk=pk)
    if not may_read(request):
        raise PermissionDenied
    message, whole = found.message, request.POST.get("verb") == "download"
    head = bytes(message.prefix) + bytes(message.header)
    size = message.size - len(head)
    record(actor(request), "read queued message", found.address, after={"message": message.message_id.hex})
    body = engine.body(message.blob_id, size if whole else min(size, SHOWN))
    if whole:
        answer = HttpResponse(head + body, content_type="message/rfc822")
        answer["Content-Disposition"] = f'attachment; filename="{message.message_id.hex}.eml"'
        return answer
    tree = mime.scan(head, body)
    context = {"recipient": found, "texts": list(texts.body_texts(tree, body)), "cut": size > SHOWN}
    return render(request, "recipient_content.html", context)


@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """A verb on one recipient, on those that are ticked, or on all that the list shows for its filters."""
    asked, verb = request.POST, request.POST.get("verb", "")
    back = _back(request)
    try:
        chosen = _chosen(request)
        name, options = _verb(request)
        rows = within(actor(request), actions.choose(**chosen))
        if name == "cancel" and not asked.get("sure"):
            return _ask(request, rows, tell=options["tell"], back=back)
        if rows.order_by()[: jobs.AT_ONCE + 1].count() > jobs.AT_ONCE:
            job = jobs.begin(actor(request), name, chosen, back, **options)
            return redirect("job", job.pk)
        count = actions.carry_out(actor(request), name, rows, **options)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect(back)
    said = gettext(actions.VERBS[name].said)
    words = gettext("{said}, and senders told").format(said=said) if verb == "cancel-tell" else said
    whom = ngettext("{count} recipient is {words}.", "{count} recipients are {words}.", count)
    messages.success(request, whom.format(count=count, words=words))
    return redirect(back)


def _back(request: HttpRequest) -> str:
    if (pk := request.POST.get("id", "")).isdigit():
        return reverse("recipient", args=[int(pk)])
    query = urlencode(_choice(request.POST))
    return reverse("queue") + (f"?{query}" if query else "")


def _chosen(request: HttpRequest) -> dict[str, Any]:
    asked = request.POST
    if pk := asked.get("id"):
        if not pk.isdigit():
            raise Http404
        return {"id": int(pk)}
    if asked.get("whom") == "ticked":
        ids = [int(pk) for pk in asked.getlist("ids") if pk.isdigit()]
        if not ids:
            raise ValidationError(gettext("Tick some first."))
        return {"ids": ids}
    return _choice(asked)


def _verb(request: HttpRequest) -> tuple[str, dict[str, Any]]:
    """A name of actions.VERBS, and what it is told."""
    asked = request.POST
    match verb := asked.get("verb", ""):
        case "hold" | "release" | "retry":
            return verb, {}
        case "cancel" | "cancel-tell":
            return "cancel", {"tell": verb == "cancel-tell"}
        case "reroute":
            return verb, {"route": _route(request, asked.get("route", ""))}
        case "expire":
            return verb, {"expires_at": timezone.now() + timedelta(hours=_hours(asked.get("hours", "")))}
    raise Http404


def _route(request: HttpRequest, pk: str) -> Route | None:
    return get_object_or_404(visible(actor(request), Route), pk=pk) if pk.isdigit() else None


def _hours(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= LONGEST_HOURS:
        raise ValidationError(
            gettext("Say in how many hours, from 1 to {longest_hours}.").format(longest_hours=LONGEST_HOURS)
        )
    return int(text)


def _ask(request: HttpRequest, rows: QuerySet[Recipient], *, tell: bool, back: str) -> HttpResponse:
    count = rows.filter(state__in=[QueueState.WAITING, QueueState.HELD]).order_by()[: COUNTED + 1].count()
    whom = (
        gettext("more than 1,000 recipients")
        if count > COUNTED
        else ngettext("{count} recipient", "{count} recipients", count).format(count=count)
    )
    kept = [(name, value) for name in request.POST for value in request.POST.getlist(name)]
    context = {
        "title": gettext("Cancel mail to {whom}?").format(whom=whom),
        "words": gettext("It is never sent, and cannot be brought back.")
        + (gettext(" Its senders are told.") if tell else gettext(" Nobody is told.")),
        "fields": [(name, value) for name, value in kept if name != "csrfmiddlewaretoken"],
        "action": reverse("queue-act"),
        "yes": gettext("Cancel it"),
        "back": back,
    }
    return render(request, "confirm.html", context)
