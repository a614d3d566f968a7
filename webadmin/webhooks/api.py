"""Webhooks over REST: the hooks, what they were told, and the verbs of actions.py."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mailservices.mail.webhooks import KINDS
from webadmin.api import Once, Pages, actor
from webadmin.webhooks import actions
from webadmin.webhooks.models import STATES, Delivery, Try, Webhook


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    """A hook. `secret` is in the answer that makes it, and never again."""

    kinds = serializers.ListField(child=serializers.ChoiceField(choices=list(KINDS)), required=False)
    domain = serializers.CharField(max_length=255, required=False, allow_blank=True, help_text="from or to it")
    secret = serializers.SerializerMethodField()
    _secret = ""

    class Meta:
        model = Webhook
        fields = ("id", *actions.FIELDS, "secure", "failing_since", "switched_off", "created_at", "secret")
        read_only_fields = ("secure", "failing_since", "switched_off", "created_at")
        extra_kwargs = {"note": {"required": False, "allow_blank": True}, "active": {"required": False}}

    def get_secret(self, _row: Webhook) -> str:
        return str(self.context.get("secret", self._secret))

    def create(self, validated_data: dict[str, Any]) -> Webhook:
        row, self._secret = actions.create_webhook(actor(self.context["request"]), **validated_data)
        return row

    def update(self, instance: Webhook, validated_data: dict[str, Any]) -> Webhook:
        return actions.change_webhook(actor(self.context["request"]), instance, **validated_data)


class TrySerializer(serializers.ModelSerializer[Try]):
    """One request."""

    class Meta:
        model = Try
        fields = ("at", "code", "text", "seconds")


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """What a hook is told, and every try; its id is the request's webhook-id, without dashes there."""

    id = serializers.UUIDField(source="delivery_id", read_only=True)
    history = TrySerializer(many=True, read_only=True)

    class Meta:
        model = Delivery
        fields = (
            "id", "webhook", "kind", "body", "state", "tries", "created_at", "next_try_at", "settled_at",
            "history",
        )  # fmt: skip


class WebhookViewSet(Once, viewsets.ModelViewSet[Webhook]):
    """URLs that are told what happens to recipients of our mail, signed in the manner of Standard Webhooks."""

    once = False
    http_method_names: tuple[str, ...] = ("get", "post", "patch", "delete", "head", "options")
    serializer_class = WebhookSerializer
    queryset = Webhook.objects.all()

    def perform_destroy(self, instance: Webhook) -> None:
        actions.delete_webhook(actor(self.request), instance)

    @extend_schema(request=None, responses=DeliverySerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: Any = None) -> Response:
        """Send a test."""
        made = actions.send_test(actor(request), self.get_object())
        made.refresh_from_db()
        return Response(DeliverySerializer(made).data, 201)

    @extend_schema(request=None, responses=WebhookSerializer)
    @action(detail=True, methods=["post"], url_path="renew-secret")
    def renew_secret(self, request: Request, pk: Any = None) -> Response:
        """A new secret, shown once."""
        row = self.get_object()
        context = {**self.get_serializer_context(), "secret": actions.renew_secret(actor(request), row)}
        return Response(WebhookSerializer(row, context=context).data)


class Newest(Pages):
    ordering = ("-created_at", "-delivery_id")  # type: ignore[assignment]


class DeliveryViewSet(Once, mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Delivery]):
    """What hooks were told in the last days. Filter by ?webhook=, ?state= and ?kind=."""

    filters = ("webhook", "state", "kind")
    serializer_class = DeliverySerializer
    pagination_class = Newest
    queryset = Delivery.objects.all()

    def get_queryset(self) -> QuerySet[Delivery]:
        asked = self.request.query_params
        found = Delivery.objects.prefetch_related("history")
        if "state" in asked and asked["state"] not in STATES:
            raise serializers.ValidationError({"state": f"One of {', '.join(STATES)}."})
        if "webhook" in asked:
            found = found.filter(webhook=serializers.IntegerField().run_validation(asked["webhook"]))
        return found.filter(**{name: asked[name] for name in ("state", "kind") if name in asked})

    @extend_schema(request=None, responses={200: {"type": "object"}})
    @action(detail=True, methods=["post"])
    def redeliver(self, request: Request, pk: Any = None) -> Response:
        """Tell it again, at once."""
        count = actions.redeliver(actor(request), Delivery.objects.filter(pk=self.get_object().pk))
        return Response({"deliveries": count})
