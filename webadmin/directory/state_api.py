"""Declarative provisioning over REST: GET tells what is there, PUT lets it be as its document says."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from webadmin.api import Once, actor
from webadmin.directory import state


class StateSerializer(serializers.Serializer[Any]):
    """Domains (by name), accounts and aliases (by address), each with any of the fields that they have elsewhere.

    A section, or a field, that is missing is left alone. Accounts may bring password (of new ones only) or
    password_hash.
    """

    domains = serializers.ListField(child=serializers.DictField(), required=False)
    accounts = serializers.ListField(child=serializers.DictField(), required=False)
    aliases = serializers.ListField(child=serializers.DictField(), required=False)


class ChangeSerializer(serializers.Serializer[Any]):
    """What was, or would be, done to one thing."""

    kind = serializers.ChoiceField(choices=["domain", "account", "alias"])
    name = serializers.CharField()
    what = serializers.ChoiceField(choices=["create", "change", "delete"])
    before = serializers.DictField()
    after = serializers.DictField()


class OutcomeSerializer(serializers.Serializer[Any]):
    """`extra`: what is there beside the document, and stayed."""

    dry_run = serializers.BooleanField()
    changes = ChangeSerializer(many=True)
    unchanged = serializers.IntegerField()
    extra = serializers.ListField(child=serializers.CharField())


class StateViewSet(Once, viewsets.ViewSet):
    """Domains, accounts and aliases as one document. In one transaction; twice is once."""

    @extend_schema(responses=StateSerializer)
    def now(self, request: Request) -> Response:
        """What is there, without passwords."""
        return Response(state.now(actor(request)))

    @extend_schema(
        request=StateSerializer,
        responses=OutcomeSerializer,
        parameters=[
            OpenApiParameter("dry_run", bool, description="only tell what would be done"),
            OpenApiParameter(
                "prune", bool, description="delete accounts and aliases of the document's domains that it lacks"
            ),
        ],
    )
    def apply(self, request: Request) -> Response:
        """Let it be as the document says."""
        if not isinstance(request.data, dict):
            raise serializers.ValidationError({"": "An object with domains, accounts, aliases."})
        flags = {
            name: serializers.BooleanField().run_validation(request.query_params.get(name, "false"))
            for name in ("dry_run", "prune")
        }
        outcome = state.apply(actor(request), request.data, **flags)
        return Response({"dry_run": flags["dry_run"], **outcome.told()})
