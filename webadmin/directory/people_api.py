"""Administrators, tenants and API tokens over REST; every change calls a verb."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets

from webadmin.api import Named, Once, actor
from webadmin.directory import administrators, tenants
from webadmin.directory.models import Administrator, ApiToken, Domain, Role, Tenant
from webadmin.scope import Right


class TenantSerializer(serializers.ModelSerializer[Tenant]):
    """An organisation with domains of its own. A limit that is null is none; `used` is what it has of them."""

    name = serializers.CharField(max_length=100)
    most_domains = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**31 - 1)
    most_accounts = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**31 - 1)
    most_bytes = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**62 - 1)
    used = serializers.SerializerMethodField()

    class Meta:
        model = Tenant
        fields = ("id", *tenants.FIELDS, "used", "created_at")
        read_only_fields = ("created_at",)

    def get_used(self, tenant: Tenant) -> dict[str, int]:
        return tenants.used(tenant)

    def create(self, validated_data: dict[str, Any]) -> Tenant:
        return tenants.create_tenant(actor(self.context["request"]), **validated_data)

    def update(self, instance: Tenant, validated_data: dict[str, Any]) -> Tenant:
        return tenants.change_tenant(actor(self.context["request"]), instance, **validated_data)


class AdministratorSerializer(serializers.ModelSerializer[Administrator]):
    """Who may sign in: of which role, and of which tenant or domains."""

    username = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=[role.value for role in administrators.ROLES])
    tenant = Named("name", queryset=Tenant.objects.all(), required=False, allow_null=True)
    domains = Named("name", queryset=Domain.objects.all(), many=True, required=False)
    email = serializers.CharField(
        max_length=320, required=False, allow_blank=True, help_text="by which an identity provider knows her"
    )
    password = serializers.CharField(write_only=True, max_length=1000, trim_whitespace=False)

    class Meta:
        model = Administrator
        fields = (
            "id", "username", "role", "tenant", "domains", "email", "password", "is_active", "last_login",
            "created_at",
        )  # fmt: skip
        read_only_fields = ("last_login", "created_at")

    def create(self, validated_data: dict[str, Any]) -> Administrator:
        who, active = actor(self.context["request"]), validated_data.pop("is_active", True)
        made = administrators.create_administrator(
            validated_data.pop("username"), validated_data.pop("password"), who, **validated_data
        )
        return made if active else administrators.change_administrator(who, made, is_active=False)

    def update(self, instance: Administrator, validated_data: dict[str, Any]) -> Administrator:
        if validated_data.pop("username", instance.username) != instance.username:
            raise serializers.ValidationError({"username": "An administrator cannot be renamed."})
        return administrators.change_administrator(actor(self.context["request"]), instance, **validated_data)


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """A token of whoever asks for it. `token` is in the answer to POST, and never again."""

    administrator = serializers.CharField(source="__str__", read_only=True)
    rights = serializers.ListField(
        child=serializers.ChoiceField(choices=[right.value for right in Right]), required=False,
        help_text="what it may do at most; none: whatever its administrator may",
    )  # fmt: skip
    domains = Named("name", queryset=Domain.objects.all(), many=True, required=False)
    networks = serializers.ListField(child=serializers.CharField(max_length=50), required=False)
    token = serializers.SerializerMethodField(help_text="only in the answer to POST")

    class Meta:
        model = ApiToken
        fields = (
            "id", "administrator", "label", "prefix", "token", "rights", "domains", "networks", "created_at",
            "expires_at", "last_used_at", "last_used_from",
        )  # fmt: skip
        read_only_fields = ("prefix", "created_at", "last_used_at", "last_used_from")

    def get_token(self, token: ApiToken) -> str | None:
        return getattr(token, "shown_once", None)

    def to_representation(self, instance: ApiToken) -> dict[str, Any]:
        return {**super().to_representation(instance), "administrator": str(instance.administrator)}

    def create(self, validated_data: dict[str, Any]) -> ApiToken:
        who = actor(self.context["request"])
        assert who.administrator is not None  # noqa: S101 - strangers get 401
        made, text = administrators.create_token(who.administrator, actor=who, **validated_data)
        made.shown_once = text  # type: ignore[attr-defined]
        return made


class TenantViewSet(Once, viewsets.ModelViewSet[Tenant]):
    """Tenants, with what is handed down to them."""

    http_method_names: tuple[str, ...] = ("get", "post", "patch", "delete", "head", "options")
    serializer_class = TenantSerializer
    queryset = Tenant.objects.order_by("pk")

    def perform_destroy(self, instance: Tenant) -> None:
        tenants.delete_tenant(actor(self.request), instance)


class AdministratorViewSet(Once, viewsets.ModelViewSet[Administrator]):
    """Administrators; users are what their accounts are."""

    http_method_names: tuple[str, ...] = ("get", "post", "patch", "delete", "head", "options")
    serializer_class = AdministratorSerializer
    queryset = Administrator.objects.all()

    def get_queryset(self) -> QuerySet[Administrator]:
        found = Administrator.objects.exclude(role=Role.USER).order_by("pk")
        return found.select_related("tenant").prefetch_related("domains")

    def perform_destroy(self, instance: Administrator) -> None:
        administrators.delete_administrator(actor(self.request), instance)


class TokenViewSet(
    Once, mixins.CreateModelMixin, mixins.DestroyModelMixin, viewsets.ReadOnlyModelViewSet[ApiToken]
):
    """API tokens: made and revoked, never changed. One is made in a session of the browser, not by another token.

    POST takes no Idempotency-Key: its answer holds a secret, which is not kept to be repeated.
    """

    once = False
    serializer_class = TokenSerializer
    queryset = ApiToken.objects.all()

    def get_queryset(self) -> QuerySet[ApiToken]:
        found = ApiToken.objects.select_related("administrator__account").prefetch_related("domains")
        return found.order_by("pk")

    def perform_destroy(self, instance: ApiToken) -> None:
        administrators.revoke_token(actor(self.request), instance)
