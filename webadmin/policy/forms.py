"""The forms of policy: what is asked, in the words of somebody who runs mail."""

from django import forms

from mailservices.mail.policy import Action, ListEffect
from webadmin.dashboard.forms import Form

WORDS = {
    Action.OFF: "Do not check",
    Action.NOTE: "Note it in the header",
    Action.JUNK: "To the Junk folder",
    Action.REFUSE: "Refuse",
    Action.APPLY: "Do what the sender's domain wishes",
}
EFFECT_WORDS = {
    ListEffect.NOTE: "Note it in the header",
    ListEffect.JUNK: "To the Junk folder",
    ListEffect.REFUSE: "Refuse",
    ListEffect.ALLOW: "Let pass: an allowlist",
}


def _choice(label: str, help_text: str, *actions: Action) -> forms.ChoiceField:
    widget = forms.Select(attrs={"class": "form-select"})
    choices = [(action.value, WORDS[action]) for action in actions]
    return forms.ChoiceField(label=label, choices=choices, help_text=help_text, widget=widget)


_PLAIN = (Action.OFF, Action.NOTE, Action.JUNK, Action.REFUSE)


class InboundForm(Form):
    """One field for each check."""

    spf = _choice("SPF fails", "The host may not send for the sender's domain.", *_PLAIN)
    dkim = _choice("DKIM fails", "A signature does not fit the message.", *_PLAIN)
    dmarc = _choice(
        "DMARC fails", "Neither bears out the domain in From.", Action.OFF, Action.NOTE, Action.JUNK, Action.APPLY
    )
    iprev = _choice("No reverse DNS", "The host's address has no name that leads back to it.", *_PLAIN)
    helo = _choice("False greeting", "The host calls itself what it cannot be.", *_PLAIN)
    dnslists = forms.BooleanField(
        label="Ask the DNS lists", required=False, help_text="Those of the page Policy, each with its effect."
    )
    greylist = forms.BooleanField(
        label="Greylisting",
        required=False,
        help_text="Hosts that nobody knows have to come again after 5 minutes.",
    )
    reports = forms.BooleanField(
        label="Report to others",
        required=False,
        help_text="Domains that ask for DMARC reports are told once a day what was seen of them.",
    )


class DnsListForm(Form):
    zone = forms.CharField(label="Zone", max_length=200, help_text="Such as zen.example.org.")
    effect = forms.ChoiceField(
        label="Who is listed",
        choices=[(effect.value, words) for effect, words in EFFECT_WORDS.items()],
        widget=forms.Select(attrs={"class": "form-select"}),
        initial=ListEffect.REFUSE.value,
    )
    codes = forms.CharField(
        label="Return codes",
        max_length=1000,
        required=False,
        help_text="Such as 127.0.0.2 127.0.0.4-7; empty: all.",
    )


class NetworkForm(Form):
    network = forms.CharField(label="Network", max_length=49, help_text="Such as 192.0.2.0/24.")


class SealerForm(Form):
    domain = forms.CharField(label="Domain of the sealer", max_length=255, help_text="Such as lists.example.org.")


class LimitsForm(Form):
    connections = forms.IntegerField(label="Connections a minute", min_value=1, max_value=2**31 - 1)
    messages = forms.IntegerField(label="Messages a minute", min_value=1, max_value=2**31 - 1)


class WithheldForm(Form):
    capabilities = forms.CharField(
        label="Capabilities", max_length=2000, help_text="As IMAP shows them, such as QRESYNC COMPRESS."
    )
    account = forms.CharField(label="Account", max_length=320, required=False, help_text="Empty: every account.")
    client = forms.CharField(
        label="Client", max_length=100, required=False, help_text="The name that it tells; empty: any."
    )
