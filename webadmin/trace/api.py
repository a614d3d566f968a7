"""What happened to messages, over REST: by address, Message-ID or trace id, the newest first."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from webadmin.api import Pages, actor
from webadmin.trace import finding, timeline
from webadmin.trace.models import TraceEvent


class EventSerializer(serializers.ModelSerializer[TraceEvent]):
    """One thing that happened."""

    class Meta:
        model = TraceEvent
        fields = (
            "at", "trace_id", "kind", "service", "sender", "recipient", "remote_host", "message_id_field", "size",
            "detail", "subject", "envid", "facts",
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

    filters = ("address", "message_id", "trace_id", "kind")
    queryset = TraceEvent.objects.all()
    serializer_class = EventSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[TraceEvent]:
        return find(self.request.query_params)


class FoundSerializer(serializers.Serializer[finding.Found]):
    """One message of a search, and how many of its recipients stand where."""

    trace_id = serializers.UUIDField()
    at = serializers.DateTimeField()
    sender = serializers.CharField()
    recipients = serializers.ListField(child=serializers.CharField())
    subject = serializers.CharField()
    message_id_field = serializers.CharField()
    remote_host = serializers.IPAddressField(allow_null=True)
    stands = serializers.DictField(child=serializers.IntegerField())


class CheckSerializer(serializers.Serializer[timeline.Check]):
    """What one check said."""

    method = serializers.CharField()
    result = serializers.CharField()
    reason = serializers.CharField()
    properties = serializers.CharField()


class StepSerializer(serializers.Serializer[timeline.Step]):
    """One thing that happened to it; `lines` is what there is to say of that."""

    at = serializers.DateTimeField()
    kind = serializers.CharField()
    sender = serializers.CharField()
    recipient = serializers.CharField()
    remote_host = serializers.IPAddressField(allow_null=True)
    detail = serializers.CharField()
    checks = CheckSerializer(many=True)
    lines = serializers.ListField(child=serializers.CharField())


class RelatedSerializer(serializers.Serializer[timeline.Related]):
    """Another trace that belongs to it."""

    trace_id = serializers.UUIDField()
    why = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)


class TimelineSerializer(serializers.Serializer[timeline.Timeline]):
    """One message from the connection to the mailbox or the bounce; `plain` is for the other side's postmaster."""

    found = FoundSerializer()
    envid = serializers.CharField()
    size = serializers.IntegerField(allow_null=True)
    steps = StepSerializer(many=True)
    related = RelatedSerializer(many=True)
    plain = serializers.SerializerMethodField()

    def get_plain(self, line: timeline.Timeline) -> str:
        return timeline.plain(line, settings.CONFIG.hostname)


class MessageViewSet(viewsets.ViewSet):
    """Where is my mail? Messages by any part of an address, Message-ID, subject or ENVID, or by an IP address."""

    lookup_value_regex = "[0-9a-fA-F-]{32,36}"

    @extend_schema(
        parameters=[
            OpenApiParameter("q", description="parts of what is sought, or an IP address or network"),
            OpenApiParameter("before", OpenApiTypes.DATETIME, description="only older ones: `at` of the last one"),
        ],
        responses=FoundSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        before = request.query_params.get("before")
        end = serializers.DateTimeField().run_validation(before) if before else None
        found = finding.search(actor(request), request.query_params.get("q", ""), end)
        return Response([FoundSerializer(one).data for one in found])

    @extend_schema(
        parameters=[OpenApiParameter("id", OpenApiTypes.UUID, OpenApiParameter.PATH)], responses=TimelineSerializer
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(
            TimelineSerializer(timeline.read(actor(request), serializers.UUIDField().run_validation(pk))).data
        )
