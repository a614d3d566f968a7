"""What forms share: a verb is tried, and what it objects to is shown beside the field it is about."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.forms.utils import flatatt
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import make_aware
from django.utils.translation import gettext_lazy

from mailservices.mail.report_texts import ENGLISH, LANGUAGES
from mailservices.mail.vocabulary import Posting, Protocol
from webadmin.audit.record import of_request
from webadmin.directory.models import Domain, Tenant

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

#: What people read, in the language that they have asked for.
Words: TypeAlias = "_StrOrPromise"

Row = TypeVar("Row", bound=Model)
Result = TypeVar("Result")

#: Rows of one page of a list.
ROWS = 50
GIB = 2**30

#: Who calls a verb.
actor = of_request


def attempt(form: forms.Form, verb: Callable[[], Result]) -> Result | None:
    """What the verb returns; None where it objected, which the form then shows."""
    try:
        return verb()
    except ValidationError as error:
        found = error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
        for name, messages in found.items():
            for message in messages:
                form.add_error(name if name in form.fields else None, message)
    return None


def page(request: HttpRequest, rows: QuerySet[Row]) -> Page[Row]:
    """The page of a list that ?page= names; the nearest one where there is no such page."""
    return Paginator(rows, ROWS).get_page(request.GET.get("page"))


class Form(forms.Form):
    """A form in Tabler's look, whose errors a screen reader finds."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        for field in self.fields.values():
            match field.widget:
                case forms.CheckboxInput() | forms.CheckboxSelectMultiple():
                    look = "form-check-input"
                case forms.Select():
                    look = "form-select"
                case _:
                    look = "form-control"
            field.widget.attrs.setdefault("class", look)

    def keep(self, *names: str) -> None:
        """Ask for nothing but these."""
        self.fields = {name: field for name, field in self.fields.items() if name in names}


class LongSelect(forms.Select):
    """Of very many choices: Django's own asks a template for each, which takes longer than all else of a page."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        widget = self.get_context(name, value, attrs)["widget"]
        options = format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            (
                (option["value"], mark_safe(" selected") if option["selected"] else "", option["label"])
                for _, group, _ in widget["optgroups"]
                for option in group
            ),
        )
        return format_html('<select name="{}"{}>{}</select>', name, flatatt(widget["attrs"]), options)


class DomainForm(Form):
    name = forms.CharField(
        label=gettext_lazy("Domain"), max_length=255, help_text=gettext_lazy("Such as example.org.")
    )
    name.widget.attrs = {"placeholder": "example.org", "autocomplete": "off", "spellcheck": "false"}


def _limit(label: Words, help_text: Words = "") -> forms.IntegerField:
    """Of what is sent in a day; empty is no limit of this kind."""
    return forms.IntegerField(label=label, min_value=1, max_value=2**31 - 1, required=False, help_text=help_text)


class AccountForm(Form):
    """`address` is asked only of a new account; a password only where it is to change."""

    address = forms.CharField(
        label=gettext_lazy("Address"), max_length=320, help_text=gettext_lazy("The name to sign in with, too.")
    )
    display_name = forms.CharField(label=gettext_lazy("Name"), max_length=200, required=False)
    quota = forms.FloatField(
        label=gettext_lazy("Quota in GiB"),
        required=False,
        min_value=0.001,
        help_text=gettext_lazy("Empty: no limit."),
        localize=False,
    )
    quota_messages = forms.IntegerField(
        label=gettext_lazy("Quota in messages"),
        required=False,
        min_value=1,
        max_value=2**62 - 1,
        help_text=gettext_lazy("Empty: no limit."),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    send_as = forms.CharField(
        label=gettext_lazy("May also send as"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Addresses of others here, one on each line; @example.org is all of a domain's."),
    )
    sending_messages = _limit(
        gettext_lazy("Messages it may send a day"), gettext_lazy("Empty, here and below: as its domain says.")
    )
    sending_recipients = _limit(gettext_lazy("Recipients it may write to a day"))
    sending_newcomers = _limit(gettext_lazy("Of these, recipients never written to before"))
    active = forms.BooleanField(label=gettext_lazy("May sign in and receive mail"), required=False, initial=True)

    @property
    def quota_bytes(self) -> int | None:
        quota = self.cleaned_data.get("quota")
        return round(quota * GIB) if quota else None


class PopForm(Form):
    """A field for each choice; without a number of days there is no limit."""

    active = forms.BooleanField(label=gettext_lazy("Served by POP"), required=False)
    folder = forms.CharField(label=gettext_lazy("The folder that is served"), max_length=1000)
    newest_days = forms.IntegerField(
        label=gettext_lazy("Only mail of the last days"),
        required=False,
        min_value=1,
        help_text=gettext_lazy("Empty: everything."),
    )
    delete_retrieved = forms.BooleanField(label=gettext_lazy("Remove what was retrieved"), required=False)
    to_trash = forms.BooleanField(label=gettext_lazy("What is removed goes to Trash"), required=False)
    expire_days = forms.IntegerField(
        label=gettext_lazy("Remove mail after days"),
        required=False,
        min_value=1,
        help_text=gettext_lazy("With the next QUIT, whether it was retrieved or not. Empty: never."),
    )
    login_delay = forms.IntegerField(label=gettext_lazy("Seconds between two sign-ins"), min_value=0, initial=0)


class AliasForm(Form):
    address = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=320,
        help_text=gettext_lazy(
            "@example.org takes what no other address takes, shop-*@example.org whatever begins with shop-."
        ),
    )
    targets = forms.CharField(
        label=gettext_lazy("Leads to"),
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("One address on each line."),
    )

    posting = forms.ChoiceField(
        label=gettext_lazy("Who may write to it"),
        choices=[
            (Posting.EVERYONE, gettext_lazy("Everyone")),
            (Posting.DOMAIN, gettext_lazy("Accounts of its domain")),
            (Posting.MEMBERS, gettext_lazy("Accounts that it leads to")),
            (Posting.NAMED, gettext_lazy("The accounts below")),
        ],
        initial=Posting.EVERYONE,
    )
    posters = forms.CharField(
        label=gettext_lazy("Accounts that may write to it"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    note = forms.CharField(label=gettext_lazy("What it is for"), max_length=200, required=False)
    expires_at = forms.DateTimeField(
        label=gettext_lazy("Expires"),
        required=False,
        help_text=gettext_lazy("Then its mail is refused. Empty: never. In UTC."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    @property
    def changes(self) -> dict[str, Any]:
        """What the verbs are told."""
        values = self.cleaned_data
        return {
            "targets": _words(values["targets"]),
            "posters": _words(values["posters"]),
            "posting": values["posting"],
            "note": values["note"],
            "expires_at": values["expires_at"],
        }


def _words(text: str) -> list[str]:
    return text.replace(",", "\n").split()


class DomainSettingsForm(Form):
    """What may be said of a domain's addresses, and of how much its accounts send."""

    alias_of = forms.ModelChoiceField(
        label=gettext_lazy("Leads to"),
        queryset=Domain.objects.none(),
        widget=LongSelect(),
        required=False,
        empty_label=gettext_lazy("itself"),
        help_text=gettext_lazy("Each of its addresses is then the one of the same name there."),
    )
    tenant = forms.ModelChoiceField(
        label=gettext_lazy("Tenant"),
        queryset=Tenant.objects.all(),
        required=False,
        empty_label=gettext_lazy("none: the appliance's own"),
        help_text=gettext_lazy("Whose administrators have it, and from whose limits it takes."),
    )
    detail_folders = forms.BooleanField(
        label=gettext_lazy("Mail to user+detail goes into the folder of that name, where there is one"),
        required=False,
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language of delivery reports"), choices=[*LANGUAGES.items()], initial=ENGLISH
    )
    sending_messages = forms.IntegerField(label=gettext_lazy("Messages of one account a day"), min_value=1)
    sending_recipients = forms.IntegerField(label=gettext_lazy("Recipients of one account a day"), min_value=1)
    sending_newcomers = forms.IntegerField(
        label=gettext_lazy("Of these, recipients never written to before"),
        min_value=1,
        help_text=gettext_lazy(
            "Beyond a limit, mail is held until you release it: the usual sign of a stolen password."
        ),
    )
    total_messages = _limit(
        gettext_lazy("Messages of all accounts together a day"), gettext_lazy("Empty, here and below: no limit.")
    )
    total_recipients = _limit(gettext_lazy("Recipients of all accounts together a day"))
    total_newcomers = _limit(gettext_lazy("Of these, recipients that the account never wrote to before"))


class AppPasswordForm(Form):
    label = forms.CharField(
        label=gettext_lazy("For"), max_length=100, help_text=gettext_lazy("Such as: Thunderbird on the laptop.")
    )
    protocols = forms.MultipleChoiceField(
        label=gettext_lazy("Good for"),
        choices=[(one.value, one.name) for one in Protocol],
        initial=[one.value for one in Protocol],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )
    networks = forms.CharField(
        label=gettext_lazy("Only from these networks"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Such as 192.0.2.0/24, one on each line. Empty: from anywhere."),
    )
    until = forms.DateField(
        label=gettext_lazy("Until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("Empty: until it is revoked."),
    )
    readable = forms.BooleanField(
        label=gettext_lazy(
            "For an old program that knows CRAM-MD5 or APOP only: the password is then kept, sealed"
        ),
        required=False,
        help_text=gettext_lazy("Name its networks: within them other programs may choose these too, and fail."),
    )

    @property
    def values(self) -> dict[str, Any]:
        """What the verb is told."""
        told = {name: self.cleaned_data[name] for name in ("label", "protocols", "readable")}
        until = self.cleaned_data["until"]
        ends = make_aware(datetime.combine(until, time.min) + timedelta(days=1)) if until else None
        return {**told, "networks": self.cleaned_data["networks"].split(), "expires_at": ends}


class IssuerForm(Form):
    """`issuer` is asked only of a new one; a secret only where it is to change."""

    issuer = forms.CharField(
        label=gettext_lazy("Issuer"), max_length=300, help_text=gettext_lazy("Such as https://login.example.org.")
    )
    audience = forms.CharField(
        label=gettext_lazy("Audience"),
        max_length=300,
        help_text=gettext_lazy("Whom its tokens for mail are made for."),
    )
    jwks_url = forms.CharField(label=gettext_lazy("Address of its keys (JWKS)"), max_length=500, required=False)
    introspection_url = forms.CharField(
        label=gettext_lazy("Or the address at which it is asked (introspection)"), max_length=500, required=False
    )
    client_id = forms.CharField(label=gettext_lazy("Our name there, to ask"), max_length=300, required=False)
    client_secret = forms.CharField(
        label=gettext_lazy("Our secret there"),
        max_length=1000,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    claim = forms.CharField(
        label=gettext_lazy("The claim that holds the address"), max_length=100, initial="email"
    )
    active = forms.BooleanField(label=gettext_lazy("Its tokens are good here"), required=False, initial=True)


class PasswordForm(Form):
    old = forms.CharField(
        label=gettext_lazy("Password now"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new = forms.CharField(
        label=gettext_lazy("New password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("At least ten characters."),
    )
