"""The forms of policy: what is asked, in the words of somebody who runs mail."""

from django import forms
from django.utils.translation import gettext_lazy

from mailservices.mail.policy import Action, ListEffect
from webadmin.dashboard.forms import Form, Words

WORDS = {
    Action.OFF: gettext_lazy("Do not check"),
    Action.NOTE: gettext_lazy("Note it in the header"),
    Action.JUNK: gettext_lazy("To the Junk folder"),
    Action.REFUSE: gettext_lazy("Refuse"),
    Action.APPLY: gettext_lazy("Do what the sender's domain wishes"),
}
EFFECT_WORDS = {
    ListEffect.NOTE: gettext_lazy("Note it in the header"),
    ListEffect.JUNK: gettext_lazy("To the Junk folder"),
    ListEffect.REFUSE: gettext_lazy("Refuse"),
    ListEffect.ALLOW: gettext_lazy("Let pass: an allowlist"),
}


def _choice(label: Words, help_text: Words, *actions: Action) -> forms.ChoiceField:
    widget = forms.Select(attrs={"class": "form-select"})
    choices = [(action.value, WORDS[action]) for action in actions]
    return forms.ChoiceField(label=label, choices=choices, help_text=help_text, widget=widget)


_PLAIN = (Action.OFF, Action.NOTE, Action.JUNK, Action.REFUSE)


class InboundForm(Form):
    """One field for each check."""

    spf = _choice(
        gettext_lazy("SPF fails"), gettext_lazy("The host may not send for the sender's domain."), *_PLAIN
    )
    dkim = _choice(gettext_lazy("DKIM fails"), gettext_lazy("A signature does not fit the message."), *_PLAIN)
    dmarc = _choice(
        gettext_lazy("DMARC fails"),
        gettext_lazy("Neither bears out the domain in From."),
        Action.OFF,
        Action.NOTE,
        Action.JUNK,
        Action.APPLY,
    )
    iprev = _choice(
        gettext_lazy("No reverse DNS"),
        gettext_lazy("The host's address has no name that leads back to it."),
        *_PLAIN,
    )
    helo = _choice(
        gettext_lazy("False greeting"), gettext_lazy("The host calls itself what it cannot be."), *_PLAIN
    )
    dnslists = forms.BooleanField(
        label=gettext_lazy("Ask the DNS lists"),
        required=False,
        help_text=gettext_lazy("Those of the page Policy, each with its effect."),
    )
    greylist = forms.BooleanField(
        label=gettext_lazy("Greylisting"),
        required=False,
        help_text=gettext_lazy("Hosts that nobody knows have to come again after 5 minutes."),
    )
    reports = forms.BooleanField(
        label=gettext_lazy("Report to others"),
        required=False,
        help_text=gettext_lazy("Domains that ask for DMARC reports are told once a day what was seen of them."),
    )


class DnsListForm(Form):
    zone = forms.CharField(
        label=gettext_lazy("Zone"), max_length=200, help_text=gettext_lazy("Such as zen.example.org.")
    )
    effect = forms.ChoiceField(
        label=gettext_lazy("Who is listed"),
        choices=[(effect.value, words) for effect, words in EFFECT_WORDS.items()],
        widget=forms.Select(attrs={"class": "form-select"}),
        initial=ListEffect.REFUSE.value,
    )
    codes = forms.CharField(
        label=gettext_lazy("Return codes"),
        max_length=1000,
        required=False,
        help_text=gettext_lazy("Such as 127.0.0.2 127.0.0.4-7; empty: all."),
    )


class NetworkForm(Form):
    network = forms.CharField(
        label=gettext_lazy("Network"), max_length=49, help_text=gettext_lazy("Such as 192.0.2.0/24.")
    )


class SealerForm(Form):
    domain = forms.CharField(
        label=gettext_lazy("Domain of the sealer"),
        max_length=255,
        help_text=gettext_lazy("Such as lists.example.org."),
    )


class LimitsForm(Form):
    connections = forms.IntegerField(label=gettext_lazy("Connections a minute"), min_value=1, max_value=2**31 - 1)
    messages = forms.IntegerField(label=gettext_lazy("Messages a minute"), min_value=1, max_value=2**31 - 1)


class WithheldForm(Form):
    capabilities = forms.CharField(
        label=gettext_lazy("Capabilities"),
        max_length=2000,
        help_text=gettext_lazy("As IMAP shows them, such as QRESYNC COMPRESS."),
    )
    account = forms.CharField(
        label=gettext_lazy("Account"),
        max_length=320,
        required=False,
        help_text=gettext_lazy("Empty: every account."),
    )
    client = forms.CharField(
        label=gettext_lazy("Client"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("The name that it tells; empty: any."),
    )
