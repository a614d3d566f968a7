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
from webadmin.api import Named, Once, actor
from webadmin.directory import actions, aliases, creating
from webadmin.directory.models import Account, Address, Domain, PopChoices, Tenant
from webadmin.directory.pop import FIELDS as POP_FIELDS
from webadmin.directory.pop import change_pop, pop_of
from webadmin.queue import actions as queue


class DomainSerializer(serializers.ModelSerializer[Domain]):
    """A domain that this appliance takes mail for.

    Each address of a domain with `alias_of` is the one of the same name there. With `detail_folders`, mail to
    user+detail goes into the user's folder of that name, where there is one. sending_... is what one account may
    send in a day, total_... what all of them together may (null: no limit); beyond it, mail is held until it is
    released. `language` (en, fr, de, es) is that of delivery reports to its people.
    """

    alias_of = Named(
        "name",
        queryset=Domain.objects.all(),
        required=False,
        allow_null=True,
        help_text="its name, or null",
    )
    tenant = Named(
        "name",
        queryset=Tenant.objects.all(),
        required=False,
        allow_null=True,
        help_text="its name, or null",
    )

    class Meta:
        model = Domain
        fields = (
            "id", "name", "tenant", "active", "alias_of", "detail_folders", "language", *actions.SENDING,
            *actions.TOTALS, "created_at",
        )  # fmt: skip
        read_only_fields = ("created_at",)
        # The verb knows better than a validator: it puts the name in its normal form first.
        extra_kwargs: ClassVar[dict[str, Any]] = {"name": {"validators": []}}

    def create(self, validated_data: dict[str, Any]) -> Domain:
        who = actor(self.context["request"])
        tenant = validated_data.pop("tenant", None)
        domain = actions.create_domain(who, validated_data.pop("name"), tenant)
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


#: What a new account is told in a second step.
LATER = ("active", "quota_messages", *actions.SENDING)


class AccountSerializer(serializers.ModelSerializer[Account]):
    """A mailbox. The address is the name to sign in with; the password is never shown.

    sending_... is what it may send in a day; null: what its domain says of each account.
    """

    password = serializers.CharField(write_only=True, trim_whitespace=False)
    quota_bytes = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=2**62 - 1, help_text="null: no limit"
    )
    quota_messages = serializers.IntegerField(
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
            "id", "address", "display_name", "password", "quota_bytes", "quota_messages", "active", "send_as",
            *actions.SENDING, "usage", "created_at",
        )  # fmt: skip
        read_only_fields = ("created_at",)

    def create(self, validated_data: dict[str, Any]) -> Account:
        who = actor(self.context["request"])
        account = actions.create_account(
            who, validated_data["address"], validated_data["password"], validated_data.get("quota_bytes"),
            validated_data.get("display_name", ""),
        )  # fmt: skip
        later = {name: validated_data[name] for name in LATER if name in validated_data}
        actions.change_account(who, account, **later)
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
        alias = aliases.create_alias(who, validated_data.pop("__str__"), **validated_data)
        return _whole(alias)

    def update(self, instance: Address, validated_data: dict[str, Any]) -> Address:
        if validated_data.pop("__str__", str(instance)) != str(instance):
            raise serializers.ValidationError({"address": "An alias cannot be renamed: create the new one."})
        return _whole(aliases.change_alias(actor(self.context["request"]), instance, **validated_data))


def _whole(alias: Address) -> Address:
    return Address.objects.prefetch_related("targets", "posters").select_related("domain").get(pk=alias.pk)


def _moment(value: datetime | None) -> Any:
    return None if value is None else serializers.DateTimeField().to_representation(value)


class PopSerializer(serializers.ModelSerializer[PopChoices]):
    """How POP serves an account, from its next sign-in on.

    Only the `folder` and what came in the last `newest_days` is served (null: everything). What is removed, by the
    client, because it was retrieved (`delete_retrieved`), or because it came more than `expire_days` ago (null:
    never), goes away or `to_trash`. `login_delay` is in seconds.
    """

    class Meta:
        model = PopChoices
        fields = POP_FIELDS


class HeldSerializer(serializers.Serializer[Any]):
    """How many recipients it was."""

    recipients = serializers.IntegerField(read_only=True)


class DisposableSerializer(serializers.Serializer[Address]):
    """What a disposable address is for, and how long it lives."""

    note = serializers.CharField(max_length=200)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class BulkRowSerializer(serializers.Serializer[Any]):
    """One account, with a password or its hash: Argon2, such as $argon2id$v=19$m=19456,t=2,p=1$..."""

    address = serializers.CharField(max_length=320)
    password = serializers.CharField(required=False, trim_whitespace=False, max_length=1024)
    password_hash = serializers.CharField(required=False, max_length=200)
    display_name = serializers.CharField(required=False, allow_blank=True, max_length=200)
    quota_bytes = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**62 - 1)


class BulkSerializer(serializers.Serializer[Any]):
    """Accounts to create: at most 10,000, of which 1,000 may bring passwords that are yet to be hashed."""

    accounts = BulkRowSerializer(many=True)


class BulkOutcomeSerializer(serializers.Serializer[Any]):
    """What became of one row; `id` is null where something was wrong with it."""

    address = serializers.CharField()
    id = serializers.IntegerField(allow_null=True)
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField())
    )


class BulkOutcomesSerializer(serializers.Serializer[Any]):
    """One for each row, in their order."""

    created = serializers.IntegerField()
    results = BulkOutcomeSerializer(many=True)


class _Changing(Once, viewsets.ModelViewSet[Any]):
    """PUT is left out: a part that is not named is not changed."""

    http_method_names = ("get", "post", "patch", "delete", "head", "options")

    def perform_destroy(self, instance: Any) -> None:
        raise NotImplementedError


class DomainViewSet(_Changing):
    """Domains."""

    filters = ("search", "name")
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

    filters = ("search", "address", "domain")
    serializer_class = AccountSerializer
    queryset = Account.objects.filter(deleted_at__isnull=True)

    def get_queryset(self) -> QuerySet[Account]:
        asked = self.request.query_params
        found = Account.objects.filter(deleted_at__isnull=True).order_by("pk")
        found = found.select_related("usage").prefetch_related("send_as")
        if words := asked.get("search"):
            found = found.filter(Q(address__icontains=words) | Q(display_name__icontains=words))
        if (address := asked.get("address")) is not None:
            found = found.filter(address=address.strip().lower())
        if (domain := asked.get("domain")) is not None:
            found = found.filter(domain__name=_domain(domain))
        return found

    def perform_destroy(self, instance: Account) -> None:
        actions.delete_account(actor(self.request), instance)

    @extend_schema(request=BulkSerializer, responses={200: BulkOutcomesSerializer})
    @action(detail=False, methods=["post"], serializer_class=BulkSerializer, pagination_class=None)
    def bulk(self, request: Request) -> Response:
        """Create many accounts: the rows that are good, in one transaction; what is wrong with the others."""
        told = request.data.get("accounts") if isinstance(request.data, dict) else None
        if not isinstance(told, list) or not all(isinstance(row, dict) for row in told):
            raise serializers.ValidationError({"accounts": "A list of objects."})
        outcomes = creating.create_accounts(actor(request), told)
        results = [{"address": one.address, "id": one.id, "errors": one.errors} for one in outcomes]
        return Response({"created": sum(1 for one in outcomes if one.id), "results": results})

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

    @extend_schema(methods=["get"], responses={200: PopSerializer})
    @extend_schema(methods=["patch"], request=PopSerializer(partial=True), responses={200: PopSerializer})
    @action(detail=True, methods=["get", "patch"], serializer_class=PopSerializer)
    def pop(self, request: Request, pk: str) -> Response:
        """How POP serves the account; PATCH changes what is named."""
        account = self.get_object()
        choices = pop_of(account)
        if request.method == "PATCH":
            asked = PopSerializer(choices, data=request.data, partial=True)
            asked.is_valid(raise_exception=True)
            choices = change_pop(actor(request), account, **asked.validated_data)
        return Response(PopSerializer(choices).data)

    @extend_schema(request=DisposableSerializer, responses={201: AliasSerializer})
    @action(detail=True, methods=["post"], serializer_class=DisposableSerializer)
    def disposable(self, request: Request, pk: str) -> Response:
        """Make an alias of the account with a name that nobody guesses, to give away."""
        account = self.get_object()
        asked = DisposableSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        alias = aliases.create_disposable(actor(request), account, **asked.validated_data)
        return Response(AliasSerializer(_whole(alias)).data, 201)


class AliasViewSet(_Changing):
    """Aliases and catch-alls."""

    filters = ("search", "domain", "address")
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
        aliases.delete_alias(actor(self.request), instance)
