"""The forms of the queue."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy

from mailservices.mail import backoff
from mailservices.mail.routing import MECHANISMS, TlsMode
from webadmin.dashboard.forms import Form
from webadmin.queue.models import Route, Source
from webadmin.queue.routes import CONNECTIONS, FIELDS
from webadmin.queue.sources import FIELDS as SOURCE_FIELDS

TLS_WORDS = {
    TlsMode.OPPORTUNISTIC: gettext_lazy("What the destination's domain demands, else where the host offers it"),
    TlsMode.NONE: gettext_lazy("None"),
    TlsMode.ENCRYPTED: gettext_lazy("Always, whoever the host is"),
    TlsMode.VERIFIED: gettext_lazy("Always, and the host proves its name"),
    TlsMode.IMPLICIT: gettext_lazy("From the first octet (port 465), and the host proves its name"),
}


class RouteForm(Form):
    """One route. Times are asked for in minutes and hours."""

    recipient = forms.CharField(
        label=gettext_lazy("For recipients at"),
        max_length=255,
        required=False,
        help_text=gettext_lazy("Such as example.org; .example.org is what lies below it. Empty: everybody."),
    )
    sender = forms.CharField(
        label=gettext_lazy("From"),
        max_length=320,
        required=False,
        help_text=gettext_lazy("An address or a domain. Empty: everybody."),
    )
    host = forms.CharField(
        label=gettext_lazy("By this host"),
        max_length=255,
        required=False,
        help_text=gettext_lazy("Empty: the hosts that the DNS names."),
    )
    port = forms.IntegerField(
        label=gettext_lazy("Port"),
        min_value=0,
        max_value=65535,
        initial=0,
        help_text=gettext_lazy("0: the usual."),
    )
    tls = forms.ChoiceField(
        label=gettext_lazy("TLS"),
        choices=[(mode.value, TLS_WORDS[mode]) for mode in TlsMode],
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    username = forms.CharField(label=gettext_lazy("Our name there"), max_length=255, required=False)
    secret = forms.CharField(
        label=gettext_lazy("Our password there, or token"),
        max_length=4000,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Empty: stays as it is."),
    )
    mechanism = forms.ChoiceField(
        label=gettext_lazy("Sign in by"),
        choices=[("", gettext_lazy("The best that both know")), *((one, one) for one in MECHANISMS)],
        required=False,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    source4 = forms.CharField(label=gettext_lazy("From our IPv4 address"), max_length=15, required=False)
    source6 = forms.CharField(label=gettext_lazy("From our IPv6 address"), max_length=45, required=False)
    helo = forms.CharField(
        label=gettext_lazy("Greet as"),
        max_length=255,
        required=False,
        help_text=gettext_lazy("The address's name. Empty: the host's own."),
    )
    pool = forms.CharField(
        label=gettext_lazy("Or from a pool of our addresses"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("See Address pools."),
    )
    connections = forms.IntegerField(
        label=gettext_lazy("Connections to one destination"),
        min_value=0,
        max_value=CONNECTIONS,
        initial=0,
        help_text=gettext_lazy("At most. 0: as many as turn out well."),
    )
    first_pause = forms.IntegerField(
        label=gettext_lazy("Minutes until the second try"),
        min_value=1,
        required=False,
        help_text=format_lazy(
            gettext_lazy("Empty: {what}; then longer each time."), what=backoff.FIRST_PAUSE // timedelta(minutes=1)
        ),
    )
    longest_pause = forms.IntegerField(
        label=gettext_lazy("Minutes between tries at most"),
        min_value=1,
        required=False,
        help_text=format_lazy(gettext_lazy("Empty: {what}."), what=backoff.LONGEST_PAUSE // timedelta(minutes=1)),
    )
    lifetime = forms.IntegerField(
        label=gettext_lazy("Hours until it is given up"),
        min_value=1,
        required=False,
        help_text=format_lazy(gettext_lazy("Empty: {what}."), what=backoff.LIFETIME // timedelta(hours=1)),
    )
    note = forms.CharField(label=gettext_lazy("What it is for"), max_length=200, required=False)
    active = forms.BooleanField(label=gettext_lazy("Holds"), required=False, initial=True)

    @staticmethod
    def values_of(route: Route) -> dict[str, Any]:
        """What the form shows of a route; never its secret."""
        values = {name: getattr(route, name) for name in FIELDS}
        for name, unit in _UNITS.items():
            if values[name] is not None:
                values[name] //= unit
        return values

    @property
    def values(self) -> dict[str, Any]:
        """What the verbs are told."""
        told = dict(self.cleaned_data)
        for name, unit in _UNITS.items():
            told[name] = None if told[name] is None else told[name] * unit
        return told


class SourceForm(Form):
    """One of our own addresses in a pool."""

    pool = forms.CharField(
        label=gettext_lazy("Pool"), max_length=40, help_text=gettext_lazy("Any name; routes name it.")
    )
    address = forms.CharField(
        label=gettext_lazy("Our address"), max_length=45, help_text=gettext_lazy("IPv4 or IPv6, of this machine.")
    )
    helo = forms.CharField(
        label=gettext_lazy("Greet as"),
        max_length=255,
        required=False,
        help_text=gettext_lazy("The address's name. Empty: the host's own."),
    )
    warmup = forms.CharField(
        label=gettext_lazy("Messages of the first days"),
        max_length=1000,
        required=False,
        help_text=gettext_lazy("Warm-up, a number for each day, such as 50 100 200 400 800. Empty: none."),
    )
    began = forms.DateField(
        label=gettext_lazy("First day (UTC)"), required=False, help_text=gettext_lazy("Empty: today.")
    )
    daily = forms.IntegerField(
        label=gettext_lazy("Messages of each day after"),
        min_value=0,
        initial=0,
        help_text=gettext_lazy("At most. 0: no limit."),
    )
    position = forms.IntegerField(
        label=gettext_lazy("Position"),
        initial=0,
        help_text=gettext_lazy("The lowest that may still send today is taken."),
    )
    active = forms.BooleanField(label=gettext_lazy("In use"), required=False, initial=True)

    @staticmethod
    def values_of(source: Source) -> dict[str, Any]:
        """What the form shows of an address."""
        return {name: getattr(source, name) for name in SOURCE_FIELDS} | {
            "warmup": " ".join(map(str, source.warmup))
        }

    def clean_warmup(self) -> list[int]:
        try:
            return [int(word) for word in self.cleaned_data["warmup"].split()]
        except ValueError as error:
            raise forms.ValidationError(gettext("Numbers with spaces between them.")) from error

    @property
    def values(self) -> dict[str, Any]:
        """What the verbs are told."""
        return {**self.cleaned_data, "began": self.cleaned_data["began"] or timezone.now().date()}


class SuppressionForm(Form):
    address = forms.CharField(label=gettext_lazy("Address"), max_length=320)
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=500, required=False)
    days = forms.IntegerField(label=gettext_lazy("For so many days"), min_value=1, max_value=3650, initial=30)

    @property
    def values(self) -> dict[str, Any]:
        """What the verb is told."""
        told = self.cleaned_data
        until = timezone.now() + timedelta(days=told["days"])
        return {"text": told["address"], "reason": told["reason"], "expires_at": until}


_UNITS = {
    "first_pause": timedelta(minutes=1),
    "longest_pause": timedelta(minutes=1),
    "lifetime": timedelta(hours=1),
}
