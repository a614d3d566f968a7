"""Who guesses, who is blocked, who sends too much; whom we shut out or never block; certificates that end."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Max, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from mailservices.mail.vocabulary import SignInOutcome
from webadmin.certificates.models import Certificate
from webadmin.dashboard.forms import Form, actor, attempt
from webadmin.directory import signin
from webadmin.policy.models import Notice
from webadmin.scope import visible
from webadmin.security import actions
from webadmin.security.models import AccessRule, SignIn

#: Rows of each list, and days that are looked at.
ROWS = 20
DAYS = 7


class AccessForm(Form):
    network = forms.CharField(
        label=gettext_lazy("Address or network"),
        max_length=50,
        help_text=gettext_lazy("Such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32."),
    )
    effect = forms.ChoiceField(
        label=gettext_lazy("What is done with it"),
        choices=[
            ("deny", gettext_lazy("Shut out of every server")),
            ("allow", gettext_lazy("Never blocked for wrong passwords")),
        ],
    )
    note = forms.CharField(label=gettext_lazy("Why"), max_length=200, required=False)
    days = forms.IntegerField(
        label=gettext_lazy("For so many days"),
        required=False,
        min_value=1,
        help_text=gettext_lazy("Empty: for good."),
    )

    @property
    def values(self) -> dict[str, Any]:
        """What the verb is told."""
        days = self.cleaned_data["days"]
        told = {name: self.cleaned_data[name] for name in ("network", "effect", "note")}
        return {**told, "expires_at": timezone.now() + timedelta(days=days) if days else None}


def index(request: HttpRequest) -> HttpResponse:
    form = AccessForm(request.POST or None, initial={"network": request.GET.get("network", "")})
    if request.method == "POST" and form.is_valid():
        row = attempt(form, lambda: actions.set_access(actor(request), **form.values))
        if row is not None:
            messages.success(request, gettext("{network}: it holds within seconds.").format(network=row.network))
            return redirect("security")
    who = actor(request)
    since = timezone.now() - timedelta(days=DAYS)
    failed = visible(who, SignIn).filter(at__gte=since).exclude(outcome=SignInOutcome.ACCEPTED)
    blocks = [(block, datetime.fromtimestamp(block.until, UTC)) for block in signin.blocks_for(who)]
    context = {
        "title": gettext("Security"),
        "form": form,
        "blocks": blocks,
        "rules": AccessRule.objects.all(),
        "now": timezone.now(),
        "by_address": failed.exclude(remote_host=None)
        .values("remote_host")
        .annotate(total=Sum("times"), last=Max("at"))
        .order_by("-total")[:ROWS],
        "by_name": failed.values("name").annotate(total=Sum("times"), last=Max("at")).order_by("-total")[:ROWS],
        "senders": Notice.objects.filter(name__contains="sending ", at__gte=since).order_by("-at")[:ROWS],
        "certificates": Certificate.objects.all()[:ROWS],
    }
    return render(request, "security.html", context)


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(AccessRule, pk=pk)
    actions.remove_access(actor(request), row)
    messages.success(
        request, gettext("{network} is treated as any other within seconds.").format(network=row.network)
    )
    return redirect("security")
