"""What is asked of whoever brings a key, makes one, or wishes something for her mail."""

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from mailservices.mail.privacy_policy import Policy as Wished
from mailservices.mail.smime.bringing import ALGORITHMS
from mailservices.mail.vocabulary import Arrival, Encrypting, KeyKind, Signing, SpecialUse, Trust, WhenBroken
from webadmin.certificates.pages import Unseen
from webadmin.dashboard.forms import Form, Words
from webadmin.directory.models import Account
from webadmin.privacy import reading
from webadmin.privacy.actions import USES, YEARS_MOST, YEARS_USUAL
from webadmin.privacy.models import Key, Policy
from webadmin.privacy.owners import Owner, own_addresses

_SELECT = {"class": "form-select"}
_ON_ARRIVAL = {
    Arrival.OFF: gettext_lazy("It is stored as it comes"),
    Arrival.OPENPGP: gettext_lazy("It is encrypted by OpenPGP"),
    Arrival.SMIME: gettext_lazy("It is encrypted by S/MIME"),
}
_WHEN_BROKEN = {
    WhenBroken.WAIT: gettext_lazy("It waits: the sender is told to come again"),
    WhenBroken.DELIVER: gettext_lazy("It is stored readable"),
}
_SIGN = {
    Signing.OFF: gettext_lazy("It is not signed"),
    Signing.OPENPGP: gettext_lazy("It is signed by OpenPGP"),
    Signing.SMIME: gettext_lazy("It is signed by S/MIME"),
    Signing.EITHER: gettext_lazy("It is signed by S/MIME, or else by OpenPGP"),
}
_ENCRYPT = {
    Encrypting.NEVER: gettext_lazy("It is not encrypted"),
    Encrypting.POSSIBLE: gettext_lazy("It is encrypted where all keys are known"),
    Encrypting.REQUIRED: gettext_lazy("It is encrypted, or does not leave"),
}
_YES_NO = {True: gettext_lazy("Yes"), False: gettext_lazy("No")}
_NOWHERE = "-"
#: Into folders of these roles programs put copies of what was sent, and what is being written.
_APPEND = {
    _NOWHERE: gettext_lazy("Nothing"),
    SpecialUse.SENT: gettext_lazy("What was sent (Sent)"),
    f"{SpecialUse.DRAFTS},{SpecialUse.SENT}": gettext_lazy("What was sent, and drafts"),
}
_USED = {
    "signs": (
        gettext_lazy("Sign what leaves"),
        gettext_lazy("Where it is wished that mail be signed. One key of each kind signs."),
    ),
    "encrypts": (
        gettext_lazy("Encrypt what arrives to it"),
        gettext_lazy("Where it is wished that mail be encrypted on arrival."),
    ),
    "decrypts": (
        gettext_lazy("Open what arrives"),
        gettext_lazy("Mail that comes in encrypted to it is opened before it is stored, where that is wished."),
    ),
    "published": (
        gettext_lazy("Show it to others"),
        gettext_lazy("Whoever knows the address finds the key (WKD, SMIMEA)."),
    ),
}


class _Brought(Form):
    """A file or text."""

    @property
    def octets(self) -> bytes:
        """What was brought; of a file that is too long no more than shows that."""
        file, text = self.cleaned_data["file"], str(self.cleaned_data["text"])
        return bytes(file.read(reading.OCTETS + 1)) if file else text.encode()


class BringForm(_Brought):
    """A key, perhaps with its private half."""

    file = forms.FileField(
        label=gettext_lazy("File"), required=False, help_text=gettext_lazy("Such as alice.asc, alice.p12.")
    )
    text = forms.CharField(
        label=gettext_lazy("Or its text"),
        required=False,
        widget=Unseen(attrs={"rows": 6, "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy("From the line that has BEGIN to the one that has END."),
    )
    password = forms.CharField(
        label=gettext_lazy("Password of the file"),
        required=False,
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Only of PKCS #12 (.p12, .pfx) and of private keys in PEM. It is not kept."),
    )


class OthersForm(BringForm):
    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        del self.fields["password"]


def _address_field(owner: Owner) -> forms.Field:
    """Of an account one of its own; of a domain whichever."""
    if not isinstance(owner, Account):
        return forms.CharField(
            label=gettext_lazy("Address"), max_length=320, help_text=gettext("Of {name}.").format(name=owner.name)
        )
    others = sorted(own_addresses(owner) - {owner.address})
    choices = [(one, one) for one in (owner.address, *others)]
    return forms.ChoiceField(label=gettext_lazy("Address"), choices=choices, widget=forms.Select(attrs=_SELECT))


class MakeForm(Form):
    """An OpenPGP key."""

    address: Any = forms.CharField()
    years = forms.IntegerField(
        label=gettext_lazy("Good for years"), min_value=1, max_value=YEARS_MOST, initial=YEARS_USUAL,
        help_text=gettext_lazy("It can be renewed: you are told a month before it ends."),
    )  # fmt: skip

    def __init__(self, owner: Owner, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.fields["address"] = _address_field(owner)
        self.fields["address"].widget.attrs.setdefault("class", "form-control")


class RequestForm(MakeForm):
    """A certificate that is asked for."""

    algorithm = forms.ChoiceField(
        label=gettext_lazy("Key"),
        choices=[(one, one) for one in ALGORITHMS],
        widget=forms.Select(attrs=_SELECT),
        help_text=gettext_lazy("RSA is known to every program and issuer."),
    )

    def __init__(self, owner: Owner, *arguments: Any, **more: Any) -> None:
        super().__init__(owner, *arguments, **more)
        del self.fields["years"]


class CertificateForm(_Brought):
    file = forms.FileField(label=gettext_lazy("File"), required=False)
    text = forms.CharField(
        label=gettext_lazy("Or its text"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )


class YearsForm(Form):
    years = forms.IntegerField(
        label=gettext_lazy("Years from now"), min_value=1, max_value=YEARS_MOST, initial=YEARS_USUAL
    )


class PrivateHalfForm(Form):
    """A file of PKCS #12 is locked; an OpenPGP key is told as it is."""

    password = forms.CharField(
        label=gettext_lazy("Password for the file"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Your program asks for it when you bring the file. At least eight characters."),
    )

    def __init__(self, key: Key, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        if key.kind == KeyKind.OPENPGP:
            del self.fields["password"]


class UsesForm(Form):
    """What one's own key is for."""

    def __init__(self, key: Key, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, initial={name: getattr(key, name) for name in USES}, **more)
        for name in USES:
            label, words = _USED[name]
            field = forms.BooleanField(label=label, required=False, help_text=words)
            field.widget.attrs["class"] = "form-check-input"
            self.fields[name] = field


class TrustForm(Form):
    trust = forms.ChoiceField(
        label=gettext_lazy("Is it really hers?"),
        choices=[
            (Trust.VERIFIED.value, gettext_lazy("Yes: its fingerprint was compared")),
            (Trust.SEEN.value, gettext_lazy("Not known: it is used, since it was found")),
            (Trust.REFUSED.value, gettext_lazy("No: it is not used")),
        ],
        widget=forms.Select(attrs=_SELECT),
    )


class DirectoryForm(Form):
    active = forms.BooleanField(
        label=gettext_lazy("Show keys of its addresses to whoever asks for one (WKD)"), required=False
    )
    submission = forms.CharField(
        label=gettext_lazy("Address to which programs send keys"),
        max_length=320,
        required=False,
        help_text=gettext_lazy(
            "It has to lead to one account of its own. What comes there is confirmed by whoever it is for, "
            "then shown. Empty: keys are added on these pages only."
        ),
    )


class WishesForm(Form):
    """A choice for each wish; the first one leaves it to the domain, and there to what is usual."""

    def __init__(self, owner: Owner, above: Wished, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        of_account = isinstance(owner, Account)
        said = gettext("As the domain says") if of_account else gettext("As usual")
        if of_account:
            self._add("on_arrival", gettext_lazy("Mail that arrives"), _ON_ARRIVAL, gettext("Nothing said"), above)
        self._add(
            "when_broken",
            gettext_lazy("If it cannot be encrypted, as by a key that has ended"),
            _WHEN_BROKEN,
            said,
            above,
        )
        self._add(
            "on_append", gettext_lazy("What programs put into folders is encrypted, too"), _APPEND, said, above
        )
        self._add("sign", gettext_lazy("Mail that leaves"), _SIGN, said, above)
        self._add("encrypt", gettext_lazy("Mail that leaves, for its recipients"), _ENCRYPT, said, above)
        self._add("hide_subject", gettext_lazy("The subject of encrypted mail is hidden"), _YES_NO, said, above)
        self._add(
            "autocrypt", gettext_lazy("Mail that leaves tells the sender's key (Autocrypt)"), _YES_NO, said, above
        )
        self._add("learn", gettext_lazy("Keys of others are learnt from what they send"), _YES_NO, said, above)
        self._add(
            "decrypt", gettext_lazy("What arrives encrypted is opened by keys held for that"), _YES_NO, said, above
        )

    def _add(self, name: str, label: Words, words: Any, said: str, above: Wished) -> None:
        there = _shown(name, getattr(above, name))
        first = f"{said}: {words.get(there, there)}"
        choices = [("", first), *((str(one), text) for one, text in words.items())]
        self.fields[name] = forms.ChoiceField(
            label=label, choices=choices, required=False, widget=forms.Select(attrs=_SELECT)
        )

    @staticmethod
    def shown(row: Policy) -> dict[str, Any]:
        """What stands in the fields before anybody fills them in."""
        names = ("on_arrival", "when_broken", "on_append", "sign", "encrypt")
        flags = ("hide_subject", "autocrypt", "learn", "decrypt")
        found = {name: getattr(row, name) for name in (*names, *flags)}
        return {name: "" if value is None else str(_shown(name, value)) for name, value in found.items()}

    @property
    def values(self) -> dict[str, Any]:
        """What the verb is told."""
        return {name: _read(name, value) for name, value in self.cleaned_data.items()}


def _shown(name: str, value: Any) -> Any:
    if name == "on_append":
        return ",".join(sorted(value)) or _NOWHERE
    return value


def _read(name: str, value: str) -> Any:
    if not value:
        return None
    if name == "on_append":
        return [] if value == _NOWHERE else value.split(",")
    return {"True": True, "False": False}.get(value, value)
