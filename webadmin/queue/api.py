"""The outgoing queue over REST, to look at."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers, viewsets

from mailservices.mail.vocabulary import QueueState
from webadmin.queue.models import Attempt, Recipient


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    """One try, with the other host's words."""

    class Meta:
        model = Attempt
        fields = ("at", "outcome", "stage", "host", "address", "tls", "code", "enhanced", "text", "seconds")


class RecipientSerializer(serializers.ModelSerializer[Recipient]):
    """One recipient of one message on its way out."""

    id = serializers.IntegerField(source="recipient_id", read_only=True)
    message = serializers.UUIDField(source="message_id", read_only=True)
    sender = serializers.CharField(source="message.sender", read_only=True)
    size = serializers.IntegerField(source="message.size", read_only=True)
    message_id_field = serializers.CharField(source="message.message_id_field", read_only=True)
    created_at = serializers.DateTimeField(source="message.created_at", read_only=True)
    expires_at = serializers.DateTimeField(source="message.expires_at", read_only=True)

    class Meta:
        model = Recipient
        fields = (
            "id", "message", "sender", "address", "destination", "state", "attempts", "next_attempt_at",
            "last_reply", "settled_at", "size", "message_id_field", "created_at", "expires_at",
        )  # fmt: skip


class RecipientDetailSerializer(RecipientSerializer):
    """With its history."""

    history = AttemptSerializer(many=True, read_only=True)

    class Meta(RecipientSerializer.Meta):
        fields = (*RecipientSerializer.Meta.fields, "history")  # type: ignore[assignment]


class QueueViewSet(viewsets.ReadOnlyModelViewSet[Recipient]):
    """Filter by ?state=, ?destination=, ?address= and ?sender=."""

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
        names = {"destination": "destination", "address": "address", "sender": "message__sender"}
        return found.filter(**{names[name]: asked[name] for name in names if name in asked})
