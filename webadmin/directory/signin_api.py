"""App passwords, token issuers and blocks over REST; every change calls a verb of signin.py."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from mailservices.mail.vocabulary import Protocol
from webadmin.api import Keyed, Once, actor
from webadmin.audit.record import Actor
from webadmin.directory import signin
from webadmin.directory.models import Account, AppPassword, Issuer
from webadmin.engine import Block


class AppPasswordSerializer(serializers.ModelSerializer[AppPassword]):
    """A password of one program. `password` is in the answer to POST, and never again."""

    account = Keyed(queryset=Account.objects.filter(deleted_at__isnull=True))
    protocols = serializers.ListField(
        child=serializers.ChoiceField(choices=list(Protocol)), required=False, help_text="none named: all"
    )
    networks = serializers.ListField(
        child=serializers.CharField(max_length=50), required=False, help_text="none named: from anywhere"
    )
    readable = serializers.BooleanField(
        default=False, help_text="keep it sealed, so that CRAM-MD5 and APOP are possible with it"
    )
    #: The name for mechanisms that send no password.
    name = serializers.SerializerMethodField()
    password = serializers.SerializerMethodField(help_text="only in the answer to POST")

    class Meta:
        model = AppPassword
        fields = (
            "id", "account", "name", "label", "password", "protocols", "networks", "readable", "expires_at",
            "created_at", "last_used_at", "last_used_from",
        )  # fmt: skip
        read_only_fields = ("created_at", "last_used_at", "last_used_from")

    def get_name(self, app: AppPassword) -> str:
        return f"{app.account.address}/{app.pk}"

    def get_password(self, app: AppPassword) -> str | None:
        return getattr(app, "shown_once", None)

    def to_representation(self, instance: AppPassword) -> dict[str, Any]:
        instance.readable = instance.secret is not None  # type: ignore[attr-defined]
        return super().to_representation(instance)

    def create(self, validated_data: dict[str, Any]) -> AppPassword:
        if not validated_data.get("protocols"):
            validated_data["protocols"] = tuple(Protocol)
        app, text = signin.create_app_password(actor(self.context["request"]), **validated_data)
        app.shown_once = text  # type: ignore[attr-defined]
        return app


class AppPasswordViewSet(
    Once, mixins.CreateModelMixin, mixins.DestroyModelMixin, viewsets.ReadOnlyModelViewSet[AppPassword]
):
    """App passwords: made and revoked, never changed. Filter by ?account=.

    POST takes no Idempotency-Key: its answer holds a secret, which is not kept to be repeated.
    """

    filters = ("account",)
    once = False
    serializer_class = AppPasswordSerializer
    queryset = AppPassword.objects.all()

    def get_queryset(self) -> QuerySet[AppPassword]:
        found = AppPassword.objects.filter(account__deleted_at__isnull=True)
        account = self.request.query_params.get("account")
        if account is not None:
            found = found.filter(account_id=int(account) if account.isascii() and account.isdigit() else 0)
        return found.select_related("account").order_by("pk")

    def perform_destroy(self, instance: AppPassword) -> None:
        signin.revoke_app_password(actor(self.request), instance)


class IssuerSerializer(serializers.ModelSerializer[Issuer]):
    """Who gives out tokens: by the address of its keys, or the address at which it is asked."""

    client_secret = serializers.CharField(write_only=True, required=False, allow_blank=True)

    class Meta:
        model = Issuer
        fields = (
            "id", "issuer", "audience", "jwks_url", "introspection_url", "client_id", "client_secret", "claim",
            "active", "created_at",
        )  # fmt: skip
        read_only_fields = ("created_at",)
        extra_kwargs: ClassVar[dict[str, Any]] = {"issuer": {"validators": []}}

    def create(self, validated_data: dict[str, Any]) -> Issuer:
        return signin.create_issuer(actor(self.context["request"]), **validated_data)

    def update(self, instance: Issuer, validated_data: dict[str, Any]) -> Issuer:
        if validated_data.pop("issuer", instance.issuer) != instance.issuer:
            raise serializers.ValidationError({"issuer": "An issuer cannot be renamed: create the new one."})
        return signin.change_issuer(actor(self.context["request"]), instance, **validated_data)


class IssuerViewSet(Once, viewsets.ModelViewSet[Issuer]):
    """Issuers of tokens for OAUTHBEARER and XOAUTH2."""

    http_method_names = ("get", "post", "patch", "delete", "head", "options")
    serializer_class = IssuerSerializer
    queryset = Issuer.objects.order_by("pk")

    def perform_destroy(self, instance: Issuer) -> None:
        signin.delete_issuer(actor(self.request), instance)


class BlockSerializer(serializers.Serializer[Any]):
    """Who may not try to sign in for a while."""

    id = serializers.CharField(read_only=True)
    limit = serializers.CharField(read_only=True, help_text="account, address or network")
    what = serializers.CharField(read_only=True)
    until = serializers.SerializerMethodField()
    why = serializers.CharField(read_only=True, help_text="the last thing that was tried")

    def get_until(self, block: Block) -> datetime:
        return datetime.fromtimestamp(block.until, UTC)


class BlockViewSet(viewsets.ViewSet):
    """Blocks end by themselves; DELETE lifts one at once."""

    serializer_class = BlockSerializer

    @extend_schema(responses=BlockSerializer(many=True))
    def list(self, request: Request) -> Response:
        return Response(BlockSerializer(signin.blocks_for(actor(request)), many=True).data)

    @extend_schema(
        parameters=[OpenApiParameter("id", OpenApiTypes.STR, OpenApiParameter.PATH)], responses={204: None}
    )
    def destroy(self, request: Request, pk: str) -> Response:
        signin.lift_block(actor(request), find_block(actor(request), pk))
        return Response(status=204)


def find_block(who: Actor, pk: str) -> Block:
    """Raises Http404: there is none within reach, or it has ended."""
    found = next((block for block in signin.blocks_for(who) if block.id == pk), None)
    if found is None:
        raise Http404
    return found
