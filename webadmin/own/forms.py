"""What owners of accounts fill in."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.timezone import localdate, make_aware
from django.utils.translation import gettext_lazy

from mailservices.mail.vacation import DAYS_MOST, DAYS_USUAL
from webadmin.dashboard.forms import Form, Words
from webadmin.own.models import Vacation


class ForwardingForm(Form):
    targets = forms.CharField(
        label=gettext_lazy("Send my mail on to"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "off"}),
        help_text=gettext_lazy("One address on each line. Empty: all of it stays here."),
    )
    copy = forms.BooleanField(label=gettext_lazy("Keep a copy here"), required=False, initial=True)

    @property
    def values(self) -> dict[str, Any]:
        """What the verb is told."""
        return {
            "targets": self.cleaned_data["targets"].replace(",", "\n").split(),
            "keep": self.cleaned_data["copy"],
        }


def _day(label: Words, help_text: Words) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, widget=widget, help_text=help_text)


class VacationForm(Form):
    active = forms.BooleanField(label=gettext_lazy("Answer whoever writes to me"), required=False)
    #: Whole days, in UTC; the last one is answered for, too.
    begins_at = _day("From", gettext_lazy("Empty: from now on."))
    ends_at = _day(gettext_lazy("To and with"), gettext_lazy("Empty: until it is switched off."))
    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Empty: that of the message, behind “Auto:”."),
    )
    text = forms.CharField(label=gettext_lazy("Text"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 6}))
    days = forms.IntegerField(
        label=gettext_lazy("Days until the same sender is answered again"),
        min_value=1,
        max_value=DAYS_MOST,
        initial=DAYS_USUAL,
    )

    @staticmethod
    def shown(row: Vacation) -> dict[str, Any]:
        """What stands in the fields before anybody fills them in."""
        return {
            "active": row.active,
            "subject": row.subject,
            "text": row.text,
            "days": row.days,
            "begins_at": localdate(row.begins_at) if row.begins_at else None,
            "ends_at": localdate(row.ends_at - timedelta(seconds=1)) if row.ends_at else None,
        }

    @property
    def values(self) -> dict[str, Any]:
        """What the verb is told."""
        told = dict(self.cleaned_data)
        for name, days in (("begins_at", 0), ("ends_at", 1)):
            day = told[name]
            told[name] = make_aware(datetime.combine(day, time.min) + timedelta(days=days)) if day else None
        return told


class AddressForm(Form):
    note = forms.CharField(
        label=gettext_lazy("What it is for"), max_length=200, help_text=gettext_lazy("Such as: the bookshop.")
    )
