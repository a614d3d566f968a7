"""Forwarding and vacation over REST: of one's own account, or of those that one manages; as the pages do."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from mailservices.mail.vacation import DAYS_MOST
from webadmin.api import Once, actor
from webadmin.directory.models import Account
from webadmin.own import actions


class ForwardingSerializer(serializers.Serializer[Any]):
    """Where the account's mail goes on to. Without targets, all of it stays."""

    address = serializers.CharField(source="account.address", read_only=True)
    targets = serializers.ListField(child=serializers.CharField(max_length=320), max_length=1000)
    keep = serializers.BooleanField(default=True, help_text="a copy stays in the account")


class VacationSerializer(serializers.Serializer[Any]):
    """What senders are answered while the owner is away; PATCH changes what is named."""

    address = serializers.CharField(source="account.address", read_only=True)
    active = serializers.BooleanField(required=False)
    begins_at = serializers.DateTimeField(required=False, allow_null=True, help_text="null: at once")
    ends_at = serializers.DateTimeField(required=False, allow_null=True, help_text="null: never")
    subject = serializers.CharField(max_length=200, required=False, allow_blank=True)
    text = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    days = serializers.IntegerField(
        required=False, min_value=1, max_value=DAYS_MOST, help_text="within which nobody is answered twice"
    )


class OfAccount(Once, viewsets.GenericViewSet[Account]):
    """Named by the id of the account."""

    queryset = Account.objects.filter(deleted_at__isnull=True)

    def get_queryset(self) -> QuerySet[Account]:
        return Account.objects.filter(deleted_at__isnull=True).select_related("domain").order_by("pk")


class ForwardingViewSet(OfAccount):
    """Forwarding, by the id of the account."""

    serializer_class = ForwardingSerializer

    def as_told(self, row: Account) -> Any:
        return ForwardingSerializer(actions.forwarding_of(row)).data

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.as_told(self.get_object()))

    @extend_schema(responses=ForwardingSerializer)
    def update(self, request: Request, pk: str) -> Response:
        """Forward to exactly these addresses."""
        account = self.get_object()
        asked = ForwardingSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(
            ForwardingSerializer(actions.forward(actor(request), account, **asked.validated_data)).data
        )


class VacationViewSet(OfAccount):
    """Vacation, by the id of the account."""

    serializer_class = VacationSerializer

    def as_told(self, row: Account) -> Any:
        return VacationSerializer(actions.vacation_of(row)).data

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.as_told(self.get_object()))

    @extend_schema(responses=VacationSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change what is named."""
        account = self.get_object()
        asked = VacationSerializer(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        changed = actions.change_vacation(actor(request), account, **asked.validated_data)
        return Response(VacationSerializer(changed).data)
