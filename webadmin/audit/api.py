"""Who changed what, over REST: the newest first."""

from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets

from webadmin.api import Pages
from webadmin.audit.models import Entry


class EntrySerializer(serializers.ModelSerializer[Entry]):
    """One change."""

    class Meta:
        model = Entry
        fields = ("id", "at", "username", "remote_host", "verb", "subject", "before", "after")


class NewestFirst(Pages):
    ordering = ("-at", "-pk")  # type: ignore[assignment]


class AuditViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Entry]):
    """Filter by ?subject= and ?username=."""

    queryset = Entry.objects.all()
    serializer_class = EntrySerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Entry]:
        asked = self.request.query_params
        names = {"subject": "subject__icontains", "username": "username"}
        return Entry.objects.filter(**{names[name]: asked[name] for name in names if name in asked})
