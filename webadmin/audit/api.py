"""Who changed what, over REST: the newest first."""

from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets

from webadmin.api import Pages
from webadmin.audit.models import Entry
from webadmin.audit.pages import chosen


class EntrySerializer(serializers.ModelSerializer[Entry]):
    """One change."""

    before = serializers.DictField(read_only=True, allow_null=True)
    after = serializers.DictField(read_only=True, allow_null=True)

    class Meta:
        model = Entry
        fields = ("id", "at", "username", "remote_host", "verb", "subject", "before", "after")


class NewestFirst(Pages):
    ordering = ("-at", "-pk")  # type: ignore[assignment]


class AuditViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Entry]):
    """Filter by a part of ?subject=, ?who=, ?what= or ?from= (the address), and by days: ?since=, ?until=."""

    filters = ("subject", "who", "what", "from", "since", "until")
    queryset = Entry.objects.all()
    serializer_class = EntrySerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Entry]:
        return chosen(Entry.objects.all(), self.request.query_params)
