"""Messages that come back, all mail as a file, and where a link goes if the password is forgotten, over REST.

Of one's own account, or of those that one manages; each by the id of the account, as the pages have it.
"""

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mailservices.mail.vocabulary import INBOX
from webadmin.api import Pages, actor
from webadmin.directory.models import Account
from webadmin.own import recovery, undelete
from webadmin.own.api import OfAccount
from webadmin.own.export import MAILDIR, MBOX, sent
from webadmin.own.models import Recovery
from webadmin.scope import Right, own_or


class RemovedSerializer(serializers.Serializer[Any]):
    """A message that can be had back."""

    content_id = serializers.UUIDField()
    removed_at = serializers.DateTimeField()
    folder = serializers.CharField()
    sender = serializers.CharField()
    subject = serializers.CharField()


class PutBackSerializer(serializers.Serializer[Any]):
    contents = serializers.ListField(child=serializers.UUIDField(), max_length=undelete.AT_ONCE, allow_empty=False)
    folder = serializers.CharField(default=INBOX, max_length=1000)


class _Newest(Pages):
    ordering = "-expunged_at"


class RemovedViewSet(OfAccount):
    """Messages that an account has removed of late, by its id: GET lists them, POST puts some back."""

    serializer_class = RemovedSerializer
    pagination_class = _Newest

    @extend_schema(responses=RemovedSerializer(many=True))
    def retrieve(self, request: Request, pk: str) -> Response:
        """The last removed first, in pages."""
        account = self.get_object()
        own_or(actor(request), account, Right.MANAGE)
        stones: Any = undelete.removed_of(account)
        shown: list[Any] = self.paginate_queryset(stones) or []
        return self.get_paginated_response(RemovedSerializer(undelete.told(account, shown), many=True).data)

    @extend_schema(request=PutBackSerializer, responses={200: {"type": "object"}})
    @action(detail=True, methods=["post"], serializer_class=PutBackSerializer)
    def put_back(self, request: Request, pk: str) -> Response:
        """Put these into a folder; how many there were."""
        account = self.get_object()
        asked = PutBackSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response({"messages": undelete.undelete(actor(request), account, **asked.validated_data)})


class ExportSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=[MAILDIR, MBOX], default=MAILDIR)


class ExportViewSet(OfAccount):
    """All mail of an account as one file, by its id."""

    serializer_class = ExportSerializer
    # What is sent is not kept to be sent again.
    once = False

    @extend_schema(request=ExportSerializer, responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["post"])
    def make(self, request: Request, pk: str) -> HttpResponseBase:
        """A tar of a Maildir, whose length is told beforehand, or an mbox; noted in the audit."""
        account = self.get_object()
        asked = ExportSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return sent(actor(request), account, asked.validated_data["kind"])


class RecoverySerializer(serializers.Serializer[Any]):
    """Where a link goes if the password is forgotten; the owner confirms it by a link on her pages."""

    address = serializers.CharField(max_length=320, allow_blank=True, help_text="empty: nowhere")
    confirmed_at = serializers.DateTimeField(read_only=True, allow_null=True)


class RecoveryViewSet(OfAccount):
    """The recovery address of an account, by its id."""

    serializer_class = RecoverySerializer

    def as_told(self, row: Account) -> Any:
        return _told(Recovery.objects.filter(account=row).first())

    def retrieve(self, request: Request, pk: str) -> Response:
        account = self.get_object()
        own_or(actor(request), account, Right.MANAGE)
        return Response(self.as_told(account))

    @extend_schema(responses=RecoverySerializer)
    def update(self, request: Request, pk: str) -> Response:
        """Set it, or with an empty one forget it."""
        account = self.get_object()
        asked = RecoverySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(_told(recovery.set_recovery(actor(request), account, asked.validated_data["address"])))


def _told(row: Recovery | None) -> Any:
    return RecoverySerializer(row or {"address": "", "confirmed_at": None}).data
