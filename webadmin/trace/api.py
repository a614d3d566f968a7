"""What happened to messages, over REST: by address, Message-ID or trace id, the newest first."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from rest_framework import mixins, serializers, viewsets

from webadmin.api import Pages
from webadmin.trace.models import TraceEvent


class EventSerializer(serializers.ModelSerializer[TraceEvent]):
    """One thing that happened."""

    class Meta:
        model = TraceEvent
        fields = (
            "at", "trace_id", "kind", "service", "sender", "recipient", "remote_host", "message_id_field", "size",
            "detail",
        )  # fmt: skip


class NewestFirst(Pages):
    ordering = ("-at", "-event_id")  # type: ignore[assignment]


def find(asked: Any) -> QuerySet[TraceEvent]:
    """The events that these words ask for: `address`, `message_id`, `trace_id`, `kind`."""
    found = TraceEvent.objects.order_by("-at", "-event_id")
    if address := asked.get("address", "").strip():
        found = found.filter(Q(recipient=address) | Q(sender=address))
    if message_id := asked.get("message_id", "").strip():
        found = found.filter(message_id_field=message_id)
    if trace_id := asked.get("trace_id", "").strip():
        try:
            found = found.filter(trace_id=UUID(trace_id))
        except ValueError:
            found = found.none()
    if kind := asked.get("kind", "").strip():
        found = found.filter(kind=kind)
    return found


class TraceViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[TraceEvent]):
    """Filter by ?address=, ?message_id=, ?trace_id= and ?kind=."""

    queryset = TraceEvent.objects.all()
    serializer_class = EventSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[TraceEvent]:
        return find(self.request.query_params)
