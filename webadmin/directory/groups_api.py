"""Groups over REST. Who may write to one, and everything else of it, is changed as of any alias."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webadmin.api import Once, actor
from webadmin.directory import groups
from webadmin.directory.aliases import TARGETS
from webadmin.directory.api import AliasSerializer
from webadmin.directory.models import Address


class MembersSerializer(serializers.Serializer[Any]):
    """Addresses of members, here or elsewhere."""

    members = serializers.ListField(
        child=serializers.CharField(max_length=320), max_length=TARGETS, allow_empty=False
    )


class GroupViewSet(Once, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Address]):
    """Aliases that lead to several, or that not everybody may write to."""

    filters = ("search",)
    serializer_class = AliasSerializer
    queryset = Address.objects.filter(account__isnull=True)

    def get_queryset(self) -> QuerySet[Address]:
        found = Address.objects.filter(account__isnull=True)
        if self.action == "list":
            words = self.request.query_params.get("search", "")
            found = groups.groups_among(found.filter(local_part__icontains=words))
        # One that has lost its members but one is had by its id nevertheless.
        return found.select_related("domain").prefetch_related("targets", "posters").order_by("pk")

    @extend_schema(request=MembersSerializer, responses=MembersSerializer)
    @action(detail=True, methods=["post"], serializer_class=MembersSerializer)
    def add_members(self, request: Request, pk: str) -> Response:
        """Let it lead to these, too; those that were new."""
        return Response({"members": groups.add_members(actor(request), self.get_object(), self._asked(request))})

    @extend_schema(request=MembersSerializer, responses=MembersSerializer)
    @action(detail=True, methods=["post"], serializer_class=MembersSerializer)
    def remove_members(self, request: Request, pk: str) -> Response:
        """Let it lead to these no more; those that were there."""
        gone = groups.remove_members(actor(request), self.get_object(), self._asked(request))
        return Response({"members": gone})

    def _asked(self, request: Request) -> list[str]:
        asked = MembersSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        found: list[str] = asked.validated_data["members"]
        return found
