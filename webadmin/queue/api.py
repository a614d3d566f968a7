"""The outgoing queue over REST: to look at, and the verbs of actions.py; addresses that are suppressed."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from mailservices.mail.vocabulary import QueueState
from webadmin.api import Keyed, Once, actor
from webadmin.queue import actions, jobs, suppressions
from webadmin.queue.models import Attempt, Recipient, Route, Suppression
from webadmin.reports.models import Return

#: What may be done to recipients that are chosen.
VERBS = ("hold", "release", "retry", "cancel", "reroute", "expire_at")


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    """One try, with the other host's words."""

    class Meta:
        model = Attempt
        fields = (
            "at", "outcome", "stage", "host", "address", "tls", "verdict", "code", "enhanced", "text", "about",
            "seconds",
        )  # fmt: skip


class RecipientSerializer(serializers.ModelSerializer[Recipient]):
    """One recipient of one message on its way out."""

    id = serializers.IntegerField(source="recipient_id", read_only=True)
    message = serializers.UUIDField(source="message_id", read_only=True)
    sender = serializers.CharField(source="message.sender", read_only=True)
    size = serializers.IntegerField(source="message.size", read_only=True)
    message_id_field = serializers.CharField(source="message.message_id_field", read_only=True)
    created_at = serializers.DateTimeField(source="message.created_at", read_only=True)
    expires_at = serializers.DateTimeField(source="ends_at", read_only=True)

    class Meta:
        model = Recipient
        fields = (
            "id", "message", "sender", "address", "destination", "state", "held_by", "attempts", "next_attempt_at",
            "route", "last_reply", "report_due", "report_lost", "settled_at", "size", "message_id_field",
            "created_at", "expires_at",
        )  # fmt: skip


class ReturnSerializer(serializers.ModelSerializer[Return]):
    """What somebody else reports of it, after we relayed it; `trace_id` is that of the report."""

    class Meta:
        model = Return
        fields = ("at", "what", "status", "text", "about", "reporter", "trace_id")


class RecipientDetailSerializer(RecipientSerializer):
    """With its history, and what came back."""

    history = AttemptSerializer(many=True, read_only=True)
    returns = ReturnSerializer(many=True, read_only=True)

    class Meta(RecipientSerializer.Meta):
        fields = (*RecipientSerializer.Meta.fields, "history", "returns")  # type: ignore[assignment]


class VerbSerializer(serializers.Serializer[Any]):
    """What is done, and to whom: at least one of id, message, address, destination, sender, state and q."""

    verb = serializers.ChoiceField(choices=VERBS)
    id = serializers.IntegerField(required=False)
    message = serializers.UUIDField(required=False)
    address = serializers.CharField(max_length=320, required=False)
    destination = serializers.CharField(max_length=255, required=False)
    sender = serializers.CharField(max_length=320, required=False, help_text="an address or a domain")
    older = serializers.IntegerField(required=False, min_value=1, max_value=10_000, help_text="hours")
    ids = serializers.ListField(child=serializers.IntegerField(), required=False, max_length=1000)
    state = serializers.ChoiceField(choices=list(QueueState), required=False)
    q = serializers.CharField(max_length=320, required=False, help_text="a part of a recipient or sender")
    tell = serializers.BooleanField(default=False, help_text="cancel: senders get a report")
    route = Keyed(queryset=Route.objects.all(), required=False, allow_null=True, default=None, help_text="reroute")
    expires_at = serializers.DateTimeField(required=False, help_text="expire_at")


class QueueViewSet(Once, viewsets.ReadOnlyModelViewSet[Recipient]):
    """Filter by ?state=, ?destination=, ?address=, ?sender=, ?message=, ?report_due=, ?report_lost= and ?returned=
    (what others report of it: failed, complained)."""

    filters = ("state", "destination", "address", "sender", "message", "report_due", "report_lost", "returned")
    queryset = Recipient.objects.all()

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return RecipientDetailSerializer if self.action == "retrieve" else RecipientSerializer

    def get_queryset(self) -> QuerySet[Recipient]:
        asked = self.request.query_params
        found = Recipient.objects.select_related("message").order_by("-pk")
        if (state := asked.get("state")) is not None:
            if state not in list(QueueState):
                raise serializers.ValidationError({"state": f"One of {', '.join(QueueState)}."})
            found = found.filter(state=state)
        names = {
            "destination": "destination",
            "address": "address",
            "sender": "message__sender",
            "report_due": "report_due",
            "report_lost": "report_lost",
            "returned": "returns__what",
        }
        if "message" in asked:
            message = serializers.UUIDField().run_validation(asked["message"])
            found = found.filter(message_id=message)
        return found.filter(**{names[name]: asked[name] for name in names if name in asked})

    @extend_schema(request=VerbSerializer, responses={200: {"type": "object"}})
    @action(detail=False, methods=["post"])
    def act(self, request: Request) -> Response:
        """Hold, release, retry now, cancel, re-route, or change the end of what is chosen; how many they were.

        Of very many it answers 202 with a job, which goes on by itself: GET /jobs/{id}/.
        """
        form = VerbSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        told = dict(form.validated_data)
        verb, tell, route = told.pop("verb"), told.pop("tell"), told.pop("route")
        expires_at = told.pop("expires_at", None)
        if verb == "expire_at" and expires_at is None:
            raise serializers.ValidationError({"expires_at": "Say when."})
        options = {"cancel": {"tell": tell}, "reroute": {"route": route}, "expire_at": {"expires_at": expires_at}}
        name, chosen = verb.removesuffix("_at"), actions.choose(**told)
        if chosen.order_by()[: jobs.AT_ONCE + 1].count() > jobs.AT_ONCE:
            job = jobs.begin(actor(request), name, told, "", **options.get(verb, {}))
            return Response({"recipients": job.total, "job": job.pk}, status=status.HTTP_202_ACCEPTED)
        count = actions.carry_out(actor(request), name, chosen, **options.get(verb, {}))
        return Response({"recipients": count})


class SuppressionSerializer(serializers.ModelSerializer[Suppression]):
    """An address to which nothing is sent; hits 0: because an administrator wishes it."""

    address = serializers.CharField(max_length=320)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)
    expires_at = serializers.DateTimeField(required=False)

    class Meta:
        model = Suppression
        fields = ("address", "hits", "reason", "since", "expires_at")
        read_only_fields = ("hits", "since")

    def create(self, validated_data: dict[str, Any]) -> Suppression:
        text = validated_data.pop("address")
        return suppressions.suppress(actor(self.context["request"]), text, **validated_data)


class SuppressionViewSet(
    Once,
    mixins.ListModelMixin,
    mixins.CreateModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[Suppression],
):
    """Addresses that hosts said do not exist (from 3 times on nothing is sent), or that you wish suppressed."""

    serializer_class = SuppressionSerializer
    queryset = Suppression.objects.all()
    lookup_value_regex = "[^/]+"

    def perform_destroy(self, instance: Suppression) -> None:
        suppressions.lift(actor(self.request), instance)
