"""Reports over REST: what others report of our domains, in whole and in short, and where it comes."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webadmin.api import Named, Once, Pages, actor
from webadmin.directory.models import Domain
from webadmin.reports import actions, deliverability, summaries
from webadmin.reports.models import DmarcReport, DmarcRow, Mailbox, TlsReport, TlsRow


class MailboxSerializer(serializers.ModelSerializer[Mailbox]):
    """The address of ours to which reports on a domain come: DMARC's, and those on TLS."""

    domain = Named(slug_field="name", queryset=Domain.objects.all())
    address = serializers.CharField(max_length=320)

    class Meta:
        model = Mailbox
        fields = ("id", "domain", "address")
        validators: tuple[Any, ...] = ()

    def create(self, validated_data: dict[str, Any]) -> Mailbox:
        return self._set(validated_data["domain"], validated_data["address"])

    def update(self, instance: Mailbox, validated_data: dict[str, Any]) -> Mailbox:
        if validated_data.pop("domain", instance.domain) != instance.domain:
            raise serializers.ValidationError({"domain": "It stays its domain's: create the other one."})
        return self._set(instance.domain, validated_data.get("address", instance.address))

    def _set(self, domain: Domain, address: str) -> Mailbox:
        row = actions.set_mailbox(actor(self.context["request"]), domain, address)
        assert row is not None  # noqa: S101 - blank addresses are refused before
        return row


class MailboxViewSet(Once, viewsets.ModelViewSet[Mailbox]):
    """Where reports on our domains come; without one they are mail like any other."""

    http_method_names: tuple[str, ...] = ("get", "post", "patch", "delete", "head", "options")
    serializer_class = MailboxSerializer
    queryset = Mailbox.objects.select_related("domain")

    def perform_destroy(self, instance: Mailbox) -> None:
        actions.set_mailbox(actor(self.request), instance.domain, "")


class DmarcRowSerializer(serializers.ModelSerializer[DmarcRow]):
    """Messages that had so much in common."""

    class Meta:
        model = DmarcRow
        fields = (
            "source", "count", "disposition", "dkim", "spf", "header_from", "envelope_from", "reasons", "details",
        )  # fmt: skip


class DmarcReportSerializer(serializers.ModelSerializer[DmarcReport]):
    """One report. `proven`: the mail that brought it passed DMARC."""

    class Meta:
        model = DmarcReport
        fields = (
            "id", "organisation", "email", "report_id", "domain", "begins", "ends", "policy", "proven", "trace_id",
        )  # fmt: skip


class DmarcDetailSerializer(DmarcReportSerializer):
    """With its rows."""

    rows = DmarcRowSerializer(many=True, read_only=True)

    class Meta(DmarcReportSerializer.Meta):
        fields = (*DmarcReportSerializer.Meta.fields, "rows")  # type: ignore[assignment]


class TlsRowSerializer(serializers.ModelSerializer[TlsRow]):
    """Sessions that had so much in common; `failure` is empty where TLS came about as it should."""

    class Meta:
        model = TlsRow
        fields = ("policy_type", "policy", "count", "failure", "host", "address", "own_address", "reason")


class TlsReportSerializer(serializers.ModelSerializer[TlsReport]):
    """One report. `proven`: the mail that brought it passed DMARC."""

    class Meta:
        model = TlsReport
        fields = ("id", "organisation", "contact", "report_id", "domain", "begins", "ends", "proven", "trace_id")


class TlsDetailSerializer(TlsReportSerializer):
    """With its rows."""

    rows = TlsRowSerializer(many=True, read_only=True)

    class Meta(TlsReportSerializer.Meta):
        fields = (*TlsReportSerializer.Meta.fields, "rows")  # type: ignore[assignment]


class Newest(Pages):
    ordering = ("-ends", "-pk")  # type: ignore[assignment]


def _choice(request: Request) -> summaries.Choice:
    return summaries.of_query(request.query_params.get("domain", ""), request.query_params.get("days", ""))


class DmarcReportViewSet(Once, viewsets.ReadOnlyModelViewSet[DmarcReport]):
    """Aggregate reports that came in. Filter by ?domain=."""

    filters = ("domain",)
    queryset = DmarcReport.objects.all()
    pagination_class = Newest

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return DmarcDetailSerializer if self.action == "retrieve" else DmarcReportSerializer

    def get_queryset(self) -> QuerySet[DmarcReport]:
        found = DmarcReport.objects.all()
        domain = self.request.query_params.get("domain")
        return found.filter(domain=domain.lower()) if domain else found

    @extend_schema(responses={200: {"type": "object"}})
    @action(detail=False)
    def sources(self, request: Request) -> Response:
        """Who sent in our domains' names: by source and From, of ?domain= in the last ?days= (7, 30 or 90)."""
        return Response({"results": list(summaries.sources(_choice(request), actor(request))[: summaries.ROWS])})


class TlsReportViewSet(Once, viewsets.ReadOnlyModelViewSet[TlsReport]):
    """Reports on TLS that came in. Filter by ?domain=."""

    filters = ("domain",)
    queryset = TlsReport.objects.all()
    pagination_class = Newest

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        return TlsDetailSerializer if self.action == "retrieve" else TlsReportSerializer

    def get_queryset(self) -> QuerySet[TlsReport]:
        found = TlsReport.objects.all()
        domain = self.request.query_params.get("domain")
        return found.filter(domain=domain.lower()) if domain else found

    @extend_schema(responses={200: {"type": "object"}})
    @action(detail=False)
    def failures(self, request: Request) -> Response:
        """What went wrong at which host, of ?domain= in the last ?days= (7, 30 or 90)."""
        return Response({"results": list(summaries.failures(_choice(request), actor(request))[: summaries.ROWS])})


class DeliverabilitySerializer(serializers.Serializer[Any]):
    """Of one destination, what became of its recipients, and why not: classes of bounces and how often."""

    destination = serializers.CharField()
    recipients = serializers.IntegerField()
    taken = serializers.IntegerField()
    failed = serializers.IntegerField()
    waiting = serializers.IntegerField()
    tries = serializers.IntegerField()
    percent = serializers.IntegerField(help_text="of what is over, how much was taken")
    reasons = serializers.ListField(child=serializers.ListField())


class DeliverabilityViewSet(viewsets.ViewSet):
    """How well other hosts take our mail, by destination; those to which most goes."""

    @extend_schema(
        parameters=[OpenApiParameter("days", int, enum=deliverability.SPANS)],
        responses=DeliverabilitySerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        asked = request.query_params.get("days", str(deliverability.USUAL))
        if asked not in map(str, deliverability.SPANS):
            raise serializers.ValidationError({"days": f"One of {', '.join(map(str, deliverability.SPANS))}."})
        rows: Any = deliverability.by_destination(actor(request), int(asked))
        return Response(DeliverabilitySerializer(rows, many=True).data)
