"""What accounts and domains wish for private mail, and directories of keys, over REST."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request as Asked
from rest_framework.response import Response

from mailservices.mail.privacy_policy import WISHES
from mailservices.mail.vocabulary import Arrival, Encrypting, Signing, SpecialUse, WhenBroken
from webadmin.api import Once, actor
from webadmin.directory.models import Account, Domain
from webadmin.privacy import directory, policy
from webadmin.privacy.owners import Owner, name


def _word(words: Any, help_text: str) -> serializers.ChoiceField:
    return serializers.ChoiceField(choices=list(words), required=False, allow_null=True, help_text=help_text)


def _yes(help_text: str) -> serializers.BooleanField:
    return serializers.BooleanField(required=False, allow_null=True, help_text=help_text)


class WishesSerializer(serializers.Serializer[Any]):
    """What is wished; null leaves it to the domain, and there to what is usual. PATCH changes what is named."""

    on_arrival = _word(Arrival, "what comes in is encrypted before it is stored; of accounts only")
    when_broken = _word(WhenBroken, "where it cannot be encrypted: told to come again, or stored as it came")
    on_append = serializers.ListField(
        child=serializers.ChoiceField(choices=list(SpecialUse)), required=False, allow_null=True,
        help_text="folders, by their roles, into which programs put mail that is encrypted, too",
    )  # fmt: skip
    sign = _word(Signing, "what leaves is signed")
    encrypt = _word(Encrypting, "what leaves is encrypted; required: or it does not leave")
    hide_subject = _yes("the subject of encrypted mail is inside only")
    autocrypt = _yes("what leaves tells the sender's key (Autocrypt)")
    learn = _yes("keys of correspondents are learnt from what they send")
    decrypt = _yes("what comes in encrypted to a key held for that is opened before it is stored")


class PrivateMailSerializer(WishesSerializer):
    """Wishes, whose they are, and what holds in the end."""

    owner = serializers.CharField(read_only=True)
    holds = WishesSerializer(read_only=True)


def _told(owner: Owner) -> dict[str, Any]:
    row = policy.policy_of(owner)
    holds = policy.wished(owner) if isinstance(owner, Account) else policy.of_domain(owner)
    said = {one: getattr(row, one) for one in WISHES}
    return {**said, "owner": name(owner), "holds": {one: getattr(holds, one) for one in WISHES}}


class _PrivateMail(Once, viewsets.GenericViewSet[Any]):
    http_method_names: tuple[str, ...] = ("get", "patch", "head", "options")
    serializer_class = PrivateMailSerializer

    @extend_schema(responses=PrivateMailSerializer)
    def retrieve(self, request: Asked, pk: str) -> Response:
        return Response(PrivateMailSerializer(_told(self.get_object())).data)

    @extend_schema(request=WishesSerializer, responses=PrivateMailSerializer)
    def partial_update(self, request: Asked, pk: str) -> Response:
        """Change what is named."""
        owner = self.get_object()
        asked = WishesSerializer(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        policy.change_policy(actor(request), owner, **asked.validated_data)
        return Response(PrivateMailSerializer(_told(owner)).data)


class AccountMailViewSet(_PrivateMail):
    """Of an account, by its id."""

    queryset = Account.objects.filter(deleted_at__isnull=True)

    def get_queryset(self) -> QuerySet[Account]:
        return Account.objects.filter(deleted_at__isnull=True).select_related("domain").order_by("pk")


class DomainMailViewSet(_PrivateMail):
    """Of a domain, by its id: what holds for accounts that wish nothing themselves."""

    queryset = Domain.objects.all()

    def get_queryset(self) -> QuerySet[Domain]:
        return Domain.objects.order_by("pk")


class DirectorySerializer(serializers.Serializer[Any]):
    """A domain's directory of keys (WKD)."""

    domain = serializers.CharField(source="domain.name", read_only=True)
    active = serializers.BooleanField(required=False)
    submission = serializers.CharField(
        max_length=320, required=False, allow_blank=True,
        help_text="where programs send keys to be published: an address that leads to one account; empty: nowhere",
    )  # fmt: skip


class DirectoryViewSet(Once, viewsets.GenericViewSet[Domain]):
    """Directories of keys, by the id of the domain."""

    http_method_names: tuple[str, ...] = ("get", "patch", "head", "options")
    serializer_class = DirectorySerializer
    queryset = Domain.objects.all()

    def get_queryset(self) -> QuerySet[Domain]:
        return Domain.objects.order_by("pk")

    @extend_schema(responses=DirectorySerializer)
    def retrieve(self, request: Asked, pk: str) -> Response:
        return Response(DirectorySerializer(directory.directory_of(self.get_object())).data)

    @extend_schema(responses=DirectorySerializer)
    def partial_update(self, request: Asked, pk: str) -> Response:
        """Change what is named."""
        domain = self.get_object()
        asked = DirectorySerializer(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        row = directory.set_directory(actor(request), domain, **asked.validated_data)
        return Response(DirectorySerializer(row).data)
