"""Records over REST: what a domain needs, what the DNS says of it; TLS policies; our addresses in blocklists."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from mailservices.mail.mta_sts import Mode
from webadmin.api import Named, Once, actor
from webadmin.directory.models import Domain
from webadmin.records import actions, advice, live
from webadmin.records.advice import Record
from webadmin.records.checks import State, Verdict
from webadmin.records.models import StsOffer
from webadmin.scope import visible


class RecordSerializer(serializers.Serializer[Any]):
    """One record to publish; `state` and what follows only where the DNS was asked."""

    name = serializers.CharField()
    type = serializers.CharField()
    value = serializers.CharField()
    why = serializers.CharField()
    state = serializers.ChoiceField(choices=list(State), required=False)
    words = serializers.CharField(required=False)
    seen = serializers.ListField(child=serializers.CharField(), required=False)


class RecordsSerializer(serializers.Serializer[Any]):
    """All of a domain, and as a zone file."""

    domain = serializers.CharField()
    records = RecordSerializer(many=True)
    zone = serializers.CharField()


class RecordsViewSet(viewsets.ViewSet):
    """The records that a domain needs, by its name; ?check=yes asks the DNS for each."""

    lookup_value_regex = "[^/]+"
    queryset = Domain.objects.all()

    @extend_schema(
        parameters=[
            OpenApiParameter("id", OpenApiTypes.STR, OpenApiParameter.PATH, description="the domain's name"),
            OpenApiParameter("check", OpenApiTypes.STR, enum=["yes"]),
        ],
        responses=RecordsSerializer,
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        domain = get_object_or_404(visible(actor(request), Domain), name=pk.lower())
        told: list[tuple[Record, Verdict | None]] = [(record, None) for record in advice.records(domain)]
        if request.query_params.get("check") == "yes":
            told = list(live.look_up(domain))
        rows = [_told(record, verdict) for record, verdict in told]
        return Response({"domain": domain.name, "records": rows, "zone": advice.zone_file(domain)})


def _told(record: Record, verdict: Verdict | None) -> dict[str, Any]:
    told = {"name": record.name, "type": record.kind, "value": record.value, "why": record.why}
    if verdict is None:
        return told
    return {**told, "state": verdict.state, "words": verdict.words, "seen": list(verdict.seen)}


class StsOfferSerializer(serializers.ModelSerializer[StsOffer]):
    """What a domain of ours says of TLS (MTA-STS); `record_id` is what its TXT record has to name."""

    domain = Named("name", queryset=Domain.objects.all())
    mode = serializers.ChoiceField(choices=list(Mode))
    max_age_days = serializers.IntegerField(min_value=1, max_value=365, default=7)
    record_id = serializers.CharField(read_only=True)

    class Meta:
        model = StsOffer
        fields = ("domain", "mode", "max_age_days", "record_id", "changed_at")
        read_only_fields = ("changed_at",)

    def create(self, validated_data: dict[str, Any]) -> StsOffer:
        return actions.offer_sts(actor(self.context["request"]), **validated_data)

    def update(self, instance: StsOffer, validated_data: dict[str, Any]) -> StsOffer:
        values = {name: getattr(instance, name) for name in ("mode", "max_age_days")}
        values |= {name: value for name, value in validated_data.items() if name in values}
        return actions.offer_sts(actor(self.context["request"]), instance.domain, **values)


class StsOfferViewSet(Once, viewsets.ModelViewSet[StsOffer]):
    """TLS policies that domains of ours offer, by the domain's name; POST sets one, new or not."""

    queryset = StsOffer.objects.all()
    serializer_class = StsOfferSerializer
    lookup_field = "domain__name"
    lookup_url_kwarg = "domain"
    lookup_value_regex = "[^/]+"

    def get_queryset(self) -> QuerySet[StsOffer]:
        return StsOffer.objects.select_related("domain")

    def perform_destroy(self, instance: StsOffer) -> None:
        actions.withdraw_sts(actor(self.request), instance.domain)


class ListingSerializer(serializers.Serializer[live.Listing]):
    """One address of ours in one list; `listed` is null where the list did not tell."""

    address = serializers.IPAddressField()
    zone = serializers.CharField()
    listed = serializers.BooleanField(allow_null=True)
    words = serializers.CharField()


class ListingViewSet(viewsets.ViewSet):
    """Our addresses in blocklists, asked now."""

    @extend_schema(responses=ListingSerializer(many=True))
    def list(self, _request: Request) -> Response:
        return Response([ListingSerializer(one).data for one in live.listings()])
