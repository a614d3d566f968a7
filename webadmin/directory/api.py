"""Domains, accounts and aliases over REST. Reading is the ORM's; every change calls a verb of actions.py."""

from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mailservices.mail.address import normal_domain
from mailservices.mail.errors import ProtocolError
from mailservices.mail.vocabulary import Posting
from webadmin.api import Once, actor
from webadmin.directory import actions
from webadmin.directory.models import Account, Address, Domain
from webadmin.queue import actions as queue


class DomainSerializer(serializers.ModelSerializer[Domain]):
    """A domain that this appliance takes mail for.

    Each address of a domain with `alias_of` is the one of the same name there. With `detail_folders`, mail to
    user+detail goes into the user's folder of that name, where there is one. sending_... is what one account may
    send in a day; beyond it, its mail is held until it is released.
    """

    alias_of = serializers.SlugRelatedField(
        "name",
        queryset=Domain.objects.all(),
        required=False,
        allow_null=True,
        help_text="a domain's name, or null",
    )

    class Meta:
        model = Domain
        fields = ("id", "name", "active", "alias_of", "detail_folders", *actions.SENDING, "created_at")
        read_only_fields = ("created_at",)
        # The verb knows better than a validator: it puts the name in its normal form first.
        extra_kwargs: ClassVar[dict[str, Any]] = {"name": {"validators": []}}

    def create(self, validated_data: dict[str, Any]) -> Domain:
        who = actor(self.context["request"])
        domain = actions.create_domain(who, validated_data.pop("name"))
        return actions.change_domain(who, domain, **validated_data)

    def update(self, instance: Domain, validated_data: dict[str, Any]) -> Domain:
        if validated_data.get("name", instance.name) != instance.name:
            raise serializers.ValidationError({"name": "A domain cannot be renamed: create the new one."})
        validated_data.pop("name", None)
        return actions.change_domain(actor(self.context["request"]), instance, **validated_data)


class UsageSerializer(serializers.Serializer[Any]):
    """What an account holds."""

    bytes = serializers.IntegerField(read_only=True)
    messages = serializers.IntegerField(read_only=True)


class AddressList(serializers.ListField):
    """The addresses of related rows."""

    def get_attribute(self, instance: Any) -> list[str]:
        return [row.address for row in getattr(instance, str(self.field_name)).all()]


class AccountSerializer(serializers.ModelSerializer[Account]):
    """A mailbox. The address is the name to sign in with; the password is never shown."""

    password = serializers.CharField(write_only=True, trim_whitespace=False)
    quota_bytes = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=2**62 - 1, help_text="null: no limit"
    )
    usage = UsageSerializer(read_only=True)
    send_as = AddressList(
        child=serializers.CharField(max_length=320), required=False,
        help_text="addresses of ours that it may send as, besides its own; @example.org: all of the domain",
    )  # fmt: skip

    class Meta:
        model = Account
        fields = (
            "id", "address", "display_name", "password", "quota_bytes", "active", "send_as", "usage", "created_at",
        )  # fmt: skip
        read_only_fields = ("created_at",)

    def create(self, validated_data: dict[str, Any]) -> Account:
        who = actor(self.context["request"])
        account = actions.create_account(
            who, validated_data["address"], validated_data["password"], validated_data.get("quota_bytes"),
            validated_data.get("display_name", ""),
        )  # fmt: skip
        if validated_data.get("active") is False:
            actions.change_account(who, account, active=False)
        actions.lend_addresses(who, account, validated_data.get("send_as", ()))
        return account

    def update(self, instance: Account, validated_data: dict[str, Any]) -> Account:
        if validated_data.pop("address", instance.address) != instance.address:
            raise serializers.ValidationError({"address": "An account cannot be renamed: create an alias."})
        password = validated_data.pop("password", None)
        lent = validated_data.pop("send_as", None)
        if lent is not None:
            actions.lend_addresses(actor(self.context["request"]), instance, lent)
        return actions.change_account(
            actor(self.context["request"]), instance, password=password, **validated_data
        )


class AliasSerializer(serializers.Serializer[Address]):
    """An address that leads to others.

    @example.org takes what no other address takes, shop-*@example.org whatever begins with shop-.
    """

    id = serializers.IntegerField(read_only=True)
    address = serializers.CharField(source="__str__", max_length=320)
    targets = serializers.ListField(child=serializers.CharField(max_length=320), allow_empty=False)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, help_text="then its mail is refused")
    posting = serializers.ChoiceField([posting.value for posting in Posting], required=False)
    posters = serializers.ListField(
        child=serializers.CharField(max_length=320), required=False, help_text="accounts, for posting: named"
    )
    created_at = serializers.DateTimeField(read_only=True)

    def to_representation(self, instance: Address) -> dict[str, Any]:
        return {
            "id": instance.pk,
            "address": str(instance),
            "targets": [target.address for target in instance.targets.all()],
            "note": instance.note,
            "expires_at": _moment(instance.expires_at),
            "posting": instance.posting,
            "posters": [poster.address for poster in instance.posters.all()],
            "created_at": _moment(instance.created_at),
        }

    def create(self, validated_data: dict[str, Any]) -> Address:
        who = actor(self.context["request"])
        alias = actions.create_alias(who, validated_data.pop("__str__"), **validated_data)
        return _whole(alias)

    def update(self, instance: Address, validated_data: dict[str, Any]) -> Address:
        if validated_data.pop("__str__", str(instance)) != str(instance):
            raise serializers.ValidationError({"address": "An alias cannot be renamed: create the new one."})
        return _whole(actions.change_alias(actor(self.context["request"]), instance, **validated_data))


def _whole(alias: Address) -> Address:
    return Address.objects.prefetch_related("targets", "posters").select_related("domain").get(pk=alias.pk)


def _moment(value: datetime | None) -> Any:
    return None if value is None else serializers.DateTimeField().to_representation(value)


class HeldSerializer(serializers.Serializer[Any]):
    """How many recipients it was."""

    recipients = serializers.IntegerField(read_only=True)


class DisposableSerializer(serializers.Serializer[Address]):
    """What a disposable address is for, and how long it lives."""

    note = serializers.CharField(max_length=200)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class _Changing(Once, viewsets.ModelViewSet[Any]):
    """PUT is left out: a part that is not named is not changed."""

    http_method_names = ("get", "post", "patch", "delete", "head", "options")

    def perform_destroy(self, instance: Any) -> None:
        raise NotImplementedError


class DomainViewSet(_Changing):
    """Domains."""

    serializer_class = DomainSerializer
    queryset = Domain.objects.order_by("pk")

    def get_queryset(self) -> QuerySet[Domain]:
        words = self.request.query_params.get("search", "")
        name = self.request.query_params.get("name")
        found = Domain.objects.filter(name__contains=words.lower()).order_by("pk")
        return found if name is None else found.filter(name=_domain(name))

    def perform_destroy(self, instance: Domain) -> None:
        actions.delete_domain(actor(self.request), instance)


def _domain(name: str) -> str:
    try:
        return normal_domain(name.strip())
    except ProtocolError:
        return ""


class AccountViewSet(_Changing):
    """Accounts. Deleted ones are not shown."""

    serializer_class = AccountSerializer
    queryset = Account.objects.filter(deleted_at__isnull=True)

    def get_queryset(self) -> QuerySet[Account]:
        asked = self.request.query_params
        found = Account.objects.filter(deleted_at__isnull=True).select_related("usage").prefetch_related("send_as")
        found = found.order_by("pk")
        if words := asked.get("search"):
            found = found.filter(Q(address__icontains=words) | Q(display_name__icontains=words))
        if (address := asked.get("address")) is not None:
            found = found.filter(address=address.strip().lower())
        if (domain := asked.get("domain")) is not None:
            found = found.filter(domain__name=_domain(domain))
        return found

    def perform_destroy(self, instance: Account) -> None:
        actions.delete_account(actor(self.request), instance)

    @extend_schema(request=None, responses={200: HeldSerializer})
    @action(detail=True, methods=["post"], serializer_class=HeldSerializer)
    def release(self, request: Request, pk: str) -> Response:
        """Let go what was held because the account had sent too much."""
        return Response({"recipients": queue.release_held(actor(request), self.get_object())})

    @extend_schema(request=None, responses={200: HeldSerializer})
    @action(detail=True, methods=["post"], serializer_class=HeldSerializer)
    def discard(self, request: Request, pk: str) -> Response:
        """Never send what was held because the account had sent too much."""
        return Response({"recipients": queue.discard_held(actor(request), self.get_object())})

    @extend_schema(request=DisposableSerializer, responses={201: AliasSerializer})
    @action(detail=True, methods=["post"], serializer_class=DisposableSerializer)
    def disposable(self, request: Request, pk: str) -> Response:
        """Make an alias of the account with a name that nobody guesses, to give away."""
        asked = DisposableSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        alias = actions.create_disposable(actor(request), self.get_object(), **asked.validated_data)
        return Response(AliasSerializer(_whole(alias)).data, 201)


class AliasViewSet(_Changing):
    """Aliases and catch-alls."""

    serializer_class = AliasSerializer
    queryset = Address.objects.filter(account__isnull=True)

    def get_queryset(self) -> QuerySet[Address]:
        asked = self.request.query_params
        found = Address.objects.filter(account__isnull=True).select_related("domain")
        found = found.prefetch_related("targets", "posters")
        if words := asked.get("search"):
            found = found.filter(Q(local_part__icontains=words) | Q(targets__address__icontains=words)).distinct()
        if (domain := asked.get("domain")) is not None:
            found = found.filter(domain__name=_domain(domain))
        if (address := asked.get("address")) is not None:
            local, _, name = address.strip().lower().rpartition("@")
            found = found.filter(local_part=local, domain__name=_domain(name))
        return found.order_by("pk")

    def perform_destroy(self, instance: Address) -> None:
        actions.delete_alias(actor(self.request), instance)
