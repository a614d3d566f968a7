"""DKIM keys over REST: to read, to prepare and to switch to. The private half is never shown."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webadmin.api import Named, Once, actor
from webadmin.directory.models import Domain
from webadmin.signing import actions
from webadmin.signing.models import DkimKey


class DkimKeySerializer(serializers.ModelSerializer[DkimKey]):
    """One key: what to publish, and where it stands."""

    domain = serializers.CharField(source="domain.name", read_only=True)
    name = serializers.CharField(read_only=True, help_text="Where the TXT record is to be published.")
    strings = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="The record in strings of at most 255 octets."
    )

    class Meta:
        model = DkimKey
        fields = (
            "id", "domain", "selector", "algorithm", "state", "name", "record", "strings", "created_at",
            "activated_at", "retired_at", "asked_at", "seen_since",
        )  # fmt: skip
        read_only_fields = fields


class DomainNameSerializer(serializers.Serializer[Any]):
    """The domain whose keys are meant."""

    domain = Named(slug_field="name", queryset=Domain.objects.all())


class DkimKeyViewSet(Once, viewsets.ReadOnlyModelViewSet[DkimKey]):
    """Filter by ?domain= and ?state=."""

    filters = ("domain", "state")
    serializer_class = DkimKeySerializer
    queryset = DkimKey.objects.all()

    def get_queryset(self) -> QuerySet[DkimKey]:
        asked = self.request.query_params
        names = {"domain": "domain__name", "state": "state"}
        found = DkimKey.objects.select_related("domain").order_by("pk")
        return found.filter(**{names[name]: asked[name] for name in names if name in asked})

    @extend_schema(request=DomainNameSerializer, responses={201: DkimKeySerializer(many=True)})
    @action(detail=False, methods=["post"], pagination_class=None)
    def prepare(self, request: Request) -> Response:
        """Make the next keys, unless there are some: publish their records, then rotate."""
        keys = actions.prepare_keys(actor(request), self._domain(request))
        return Response(DkimKeySerializer(keys, many=True).data, status.HTTP_201_CREATED)

    @extend_schema(request=DomainNameSerializer, responses={200: DkimKeySerializer(many=True)})
    @action(detail=False, methods=["post"], pagination_class=None)
    def rotate(self, request: Request) -> Response:
        """Sign with the next keys from now on."""
        keys = actions.rotate_keys(actor(request), self._domain(request))
        return Response(DkimKeySerializer(keys, many=True).data)

    def _domain(self, request: Request) -> Domain:
        asked = DomainNameSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        domain: Domain = asked.validated_data["domain"]
        return domain
