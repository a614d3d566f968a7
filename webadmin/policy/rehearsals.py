"""What would happen? A message that is only asked about, by page and REST: each stage's verdict."""

import ipaddress
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from webadmin import engine
from webadmin.api import actor as caller
from webadmin.audit.record import Actor
from webadmin.dashboard.forms import Form, actor, attempt
from webadmin.directory.models import Account, Domain
from webadmin.engine import Question, Step
from webadmin.scope import reaches_all, visible

#: Octets of a message that is looked at.
TEXT = 10 * 2**20


def ask(who: Actor, **told: Any) -> list[Step]:
    """The way of a message: `client`, `helo`, `sender`, `recipient`, `size`, `account`, `text`.

    Raises:
        ValidationError: the client's address is none.
        PermissionDenied: it concerns domains beyond reach.
    """
    try:
        peer = str(ipaddress.ip_address(told["client"].strip()))
    except ValueError as error:
        raise ValidationError({"client": gettext("An IP address, such as 192.0.2.1 or 2001:db8::1.")}) from error
    account, recipient = told["account"].strip().lower(), told["recipient"].strip().lower()
    if not reaches_all(who):
        ours = visible(who, Domain).filter(name=recipient.rpartition("@")[2]).exists()
        if not ours and not visible(who, Account).filter(address=account, deleted_at__isnull=True).exists():
            raise PermissionDenied(gettext("Neither the recipient nor the account is yours."))
    text = told["text"].replace("\r\n", "\n").replace("\n", "\r\n").encode()[:TEXT]
    size = told["size"] or len(text)
    return engine.rehearse(
        Question(peer, told["helo"].strip(), told["sender"], told["recipient"], size, account, text)
    )


class RehearsalForm(Form):
    sender = forms.CharField(
        label=gettext_lazy("Sender"),
        max_length=320,
        required=False,
        help_text=gettext_lazy("Empty: a delivery report."),
    )
    recipient = forms.CharField(label=gettext_lazy("Recipient"), max_length=320)
    client = forms.CharField(label=gettext_lazy("Address that it comes from"), max_length=45, initial="192.0.2.1")
    helo = forms.CharField(label=gettext_lazy("Name by which that greets"), max_length=255, required=False)
    size = forms.IntegerField(label=gettext_lazy("Size in octets"), required=False, min_value=0, max_value=2**40)
    account = forms.CharField(
        label=gettext_lazy("Signed in as"),
        max_length=320,
        required=False,
        help_text=gettext_lazy("An account of ours; empty: a stranger."),
    )
    text = forms.CharField(
        label=gettext_lazy("The message itself"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        help_text=gettext_lazy("With its header, for the checks of signatures; they need it unchanged."),
    )


def index(request: HttpRequest) -> HttpResponse:
    form = RehearsalForm(request.POST or None)
    steps = None
    if request.method == "POST" and form.is_valid():
        steps = attempt(form, lambda: ask(actor(request), **form.cleaned_data))
    return render(
        request, "rehearsal.html", {"title": gettext("What would happen?"), "form": form, "steps": steps}
    )


class QuestionSerializer(serializers.Serializer[Any]):
    """The message that is asked about."""

    sender = serializers.CharField(max_length=320, allow_blank=True, default="")
    recipient = serializers.CharField(max_length=320)
    client = serializers.IPAddressField(help_text=gettext_lazy("from where it comes"))
    helo = serializers.CharField(max_length=255, allow_blank=True, default="")
    size = serializers.IntegerField(min_value=0, max_value=2**40, default=0)
    account = serializers.CharField(
        max_length=320, allow_blank=True, default="", help_text=gettext_lazy("who has signed in")
    )
    text = serializers.CharField(
        max_length=TEXT,
        allow_blank=True,
        default="",
        trim_whitespace=False,
        help_text=gettext_lazy("the whole message"),
    )


class StageSerializer(serializers.Serializer[Step]):
    """What one part of the way says."""

    name = serializers.CharField()
    outcome = serializers.ChoiceField(choices=("accept", "junk", "later", "refuse", "note"))
    words = serializers.CharField()
    reply = serializers.CharField()
    findings = serializers.SerializerMethodField()

    def get_findings(self, step: Step) -> list[str]:
        return [f"{one.method}={one.result}" for one in step.findings]


class RehearsalViewSet(viewsets.ViewSet):
    """What would happen to a message: nothing of it is kept, counted or sent."""

    @extend_schema(request=QuestionSerializer, responses={200: StageSerializer(many=True)})
    def create(self, request: Request) -> Response:
        """Each step in order; the last one says what becomes of it."""
        asked = QuestionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        steps = ask(caller(request), **asked.validated_data)
        return Response([StageSerializer(one).data for one in steps])
