"""Routes over REST; every change calls a verb of routes.py."""

from typing import Any

from rest_framework import serializers, viewsets

from webadmin.api import Once, actor
from webadmin.queue import routes
from webadmin.queue.models import Route


class RouteSerializer(serializers.ModelSerializer[Route]):
    """How some mail leaves. `secret` is only written; `has_secret` says whether there is one."""

    recipient = serializers.CharField(
        max_length=255, required=False, allow_blank=True, help_text='a domain; ".example.org": those below it'
    )
    sender = serializers.CharField(max_length=320, required=False, allow_blank=True)
    secret = serializers.CharField(max_length=4000, required=False, write_only=True)
    has_secret = serializers.SerializerMethodField()

    class Meta:
        model = Route
        fields = ("id", *routes.FIELDS, "secret", "has_secret")
        validators: tuple[Any, ...] = ()

    def get_has_secret(self, route: Route) -> bool:
        return route.secret is not None

    def create(self, validated_data: dict[str, Any]) -> Route:
        return routes.create_route(actor(self.context["request"]), **validated_data)

    def update(self, instance: Route, validated_data: dict[str, Any]) -> Route:
        return routes.change_route(actor(self.context["request"]), instance, **validated_data)


class RouteViewSet(Once, viewsets.ModelViewSet[Route]):
    """Rules of how mail leaves: by which host, how secured, from which address, how often tried."""

    http_method_names: tuple[str, ...] = ("get", "post", "patch", "delete", "head", "options")
    serializer_class = RouteSerializer
    queryset = Route.objects.all()

    def perform_destroy(self, instance: Route) -> None:
        routes.delete_route(actor(self.request), instance)
