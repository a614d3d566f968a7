"""Certificates over REST: to add, as a renewal does, to look at and to remove. A key is taken and never shown."""

from typing import Any

from rest_framework import mixins, serializers, viewsets

from webadmin.api import Once, actor
from webadmin.certificates import actions
from webadmin.certificates.models import Certificate


class CertificateSerializer(serializers.ModelSerializer[Certificate]):
    """A chain in PEM, its certificate first, and the key of that."""

    chain = serializers.CharField(trim_whitespace=False)
    key = serializers.CharField(write_only=True, trim_whitespace=False, help_text="PEM, without a password")

    class Meta:
        model = Certificate
        fields = ("id", "names", "issuer", "fingerprint", "since", "until", "created_at", "chain", "key")
        read_only_fields = ("names", "issuer", "fingerprint", "since", "until", "created_at")

    def create(self, validated_data: dict[str, Any]) -> Certificate:
        return actions.add_certificate(actor(self.context["request"]), **validated_data)


class CertificateViewSet(
    Once, mixins.CreateModelMixin, mixins.DestroyModelMixin, viewsets.ReadOnlyModelViewSet[Certificate]
):
    """Certificates are never changed: to renew one, add the new one, and the old one goes."""

    serializer_class = CertificateSerializer
    queryset = Certificate.objects.order_by("pk")

    def perform_destroy(self, instance: Certificate) -> None:
        actions.remove_certificate(actor(self.request), instance)
