"""Roots of S/MIME over REST: to add, to look at and to remove."""

from typing import Any

from rest_framework import mixins, serializers, viewsets

from mailservices.mail.smime import bringing
from webadmin.api import Once, actor
from webadmin.privacy import roots
from webadmin.privacy.models import Root


class RootSerializer(serializers.ModelSerializer[Root]):
    """A certificate of an issuer, in PEM."""

    certificate = serializers.CharField(max_length=bringing.OCTETS, write_only=True, trim_whitespace=False)

    class Meta:
        model = Root
        fields = ("id", "fingerprint", "subject", "expires_at", "created_at", "certificate")
        read_only_fields = ("fingerprint", "subject", "expires_at", "created_at")

    def create(self, validated_data: dict[str, Any]) -> Root:
        return roots.add_root(actor(self.context["request"]), **validated_data)


class RootViewSet(Once, mixins.CreateModelMixin, mixins.DestroyModelMixin, viewsets.ReadOnlyModelViewSet[Root]):
    """Issuers that are trusted for mail, besides those that the machine trusts. They are never changed."""

    serializer_class = RootSerializer
    queryset = Root.objects.order_by("pk")

    def perform_destroy(self, instance: Root) -> None:
        roots.remove_root(actor(self.request), instance)
