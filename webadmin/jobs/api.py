"""How far long acts are, over REST: one's own, the newest first."""

from django.db.models import QuerySet
from rest_framework import serializers, viewsets

from webadmin.api import Once, Pages
from webadmin.jobs.models import Job
from webadmin.jobs.pages import jobs
from webadmin.jobs.running import look_after


class JobSerializer(serializers.ModelSerializer[Job]):
    """A long act: it is over when `state` is done or failed."""

    percent = serializers.IntegerField(read_only=True)

    class Meta:
        model = Job
        fields = ("id", "kind", "title", "state", "total", "done", "percent", "errors", "outcome", "created_at")
        read_only_fields = fields


class NewestFirst(Pages):
    ordering = ("-created_at", "-pk")  # type: ignore[assignment]


class JobViewSet(Once, viewsets.ReadOnlyModelViewSet[Job]):
    """Long acts that one has begun oneself."""

    queryset = Job.objects.all()
    serializer_class = JobSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Job]:
        return jobs(self.request)

    def get_object(self) -> Job:
        found = super().get_object()
        look_after(found)
        return found
