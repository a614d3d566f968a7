"""Pools of our own addresses over REST; every change calls a verb of sources.py."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers, viewsets

from webadmin.api import Once, actor
from webadmin.queue import sources
from webadmin.queue.models import Source


class SourceSerializer(serializers.ModelSerializer[Source]):
    """One address of a pool. `today`: messages that are counted of this day, where it has a limit."""

    warmup = serializers.ListField(
        child=serializers.IntegerField(min_value=1), max_length=sources.WARMUP_DAYS, required=False
    )
    today = serializers.SerializerMethodField()

    class Meta:
        model = Source
        fields = ("id", *sources.FIELDS, "today")
        extra_kwargs = {"began": {"required": False}, "address": {"validators": []}}

    def get_today(self, source: Source) -> int:
        return sources.sent_today().get(source.pk, 0)

    def create(self, validated_data: dict[str, Any]) -> Source:
        return sources.add_source(actor(self.context["request"]), **validated_data)

    def update(self, instance: Source, validated_data: dict[str, Any]) -> Source:
        return sources.change_source(actor(self.context["request"]), instance, **validated_data)


class SourceViewSet(Once, viewsets.ModelViewSet[Source]):
    """Addresses of ours in pools, which routes name. Filter by ?pool=."""

    filters = ("pool",)
    http_method_names: tuple[str, ...] = ("get", "post", "patch", "delete", "head", "options")
    serializer_class = SourceSerializer
    queryset = Source.objects.all()

    def get_queryset(self) -> QuerySet[Source]:
        pool = self.request.query_params.get("pool")
        return Source.objects.filter(pool=pool) if pool else Source.objects.all()

    def perform_destroy(self, instance: Source) -> None:
        sources.remove_source(actor(self.request), instance)
