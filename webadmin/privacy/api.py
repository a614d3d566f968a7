"""Keys for private mail over REST: one's own, and those that one manages. A private half is never shown."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request as Asked
from rest_framework.response import Response

from mailservices.mail.smime.bringing import ALGORITHMS
from mailservices.mail.vocabulary import KeyKind, KeyOrigin, Trust
from webadmin.api import Keyed, Once, actor
from webadmin.directory.models import Account, Domain
from webadmin.privacy import actions, requests, showing
from webadmin.privacy.models import Key, Request
from webadmin.privacy.owners import Owner

#: Octets of a key as text.
TEXT = 800_000


class OfOwner(serializers.Serializer[Any]):
    """Whose it is: exactly one of account and domain."""

    account = Keyed(queryset=Account.objects.filter(deleted_at__isnull=True), required=False)
    domain = Keyed(queryset=Domain.objects.all(), required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("account" in attrs) == ("domain" in attrs):
            raise serializers.ValidationError({"account": "Say an account or a domain, one of them."})
        return attrs


def _owner(told: dict[str, Any]) -> Owner:
    owner: Owner = told.get("account") or told["domain"]
    return owner


class UploadSerializer(OfOwner):
    """A key that is brought."""

    key = serializers.CharField(
        max_length=TEXT, write_only=True, trim_whitespace=False,
        help_text="armoured OpenPGP, PEM, or the Base64 of binary OpenPGP, DER, PKCS #7 or #12",
    )  # fmt: skip
    password = serializers.CharField(
        max_length=1000, required=False, allow_blank=True, write_only=True, trim_whitespace=False,
        help_text="of PKCS #12, or of a key in PEM",
    )  # fmt: skip
    ours = serializers.BooleanField(default=True, help_text="false: the key of somebody who is written to")


class GenerateSerializer(OfOwner):
    """A key that is to be made."""

    address = serializers.CharField(max_length=320)
    years = serializers.IntegerField(min_value=1, max_value=actions.YEARS_MOST, default=actions.YEARS_USUAL)


class YearsSerializer(serializers.Serializer[Any]):
    """For how long from now."""

    years = serializers.IntegerField(min_value=1, max_value=actions.YEARS_MOST, default=actions.YEARS_USUAL)


class KeyTextSerializer(serializers.Serializer[Any]):
    """The public half, armoured or in PEM."""

    text = serializers.CharField()


class KeySerializer(serializers.ModelSerializer[Key]):
    """A key. What it is used for, and of others' how far it is trusted, can be changed."""

    kind = serializers.ChoiceField(choices=list(KeyKind), read_only=True)
    origin = serializers.ChoiceField(choices=list(KeyOrigin), read_only=True)
    trust = serializers.ChoiceField(choices=list(Trust), required=False)
    private = serializers.SerializerMethodField(help_text="its private half is here")

    class Meta:
        model = Key
        fields = (
            "id", "kind", "address", "account", "domain", "ours", "fingerprint", "algorithm", "subject", "issuer",
            "not_before", "expires_at", "revoked_at", "created_at", "origin", "trust", *actions.USES, "private",
            "prefers_encryption",
        )  # fmt: skip
        read_only_fields = tuple(one for one in fields if one not in (*actions.USES, "trust"))

    def get_private(self, key: Key) -> bool:
        return key.secret is not None

    def update(self, instance: Key, validated_data: dict[str, Any]) -> Key:
        who, trusted = actor(self.context["request"]), validated_data.pop("trust", None)
        if trusted is not None and trusted != instance.trust:
            instance = actions.trust(who, instance, trusted)
        return actions.use(who, instance, **validated_data)


class KeyViewSet(
    Once,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    mixins.ListModelMixin,
    viewsets.GenericViewSet[Key],
):
    """Keys and certificates. Filter by ?account=, ?domain=, ?kind=, ?address= and ?fingerprint=."""

    filters = ("account", "domain", "kind", "address", "fingerprint")
    http_method_names: tuple[str, ...] = ("get", "post", "patch", "delete", "head", "options")
    serializer_class = KeySerializer
    queryset = Key.objects.all()

    def get_queryset(self) -> QuerySet[Key]:
        asked = self.request.query_params
        found = Key.objects.order_by("pk")
        for name in ("account", "domain"):
            if name in asked:
                found = found.filter(**{name: serializers.IntegerField().run_validation(asked[name])})
        texts = {name: asked[name].lower() for name in ("kind", "address", "fingerprint") if name in asked}
        return found.filter(**texts)

    @extend_schema(request=UploadSerializer, responses={201: KeySerializer(many=True)})
    def create(self, request: Asked) -> Response:
        """Bring a key: a row for each address that it is for. A newer copy of one that is here renews it."""
        told = self._told(UploadSerializer, request)
        octets = showing.octets(told["key"])
        found = actions.upload(actor(request), _owner(told), octets, told.get("password", ""), ours=told["ours"])
        return Response(KeySerializer(found, many=True).data, status.HTTP_201_CREATED)

    @extend_schema(request=GenerateSerializer, responses={201: KeySerializer})
    @action(detail=False, methods=["post"])
    def generate(self, request: Asked) -> Response:
        """Make an OpenPGP key for an address of the account or domain."""
        told = self._told(GenerateSerializer, request)
        key = actions.generate(actor(request), _owner(told), told["address"], told["years"])
        return Response(KeySerializer(key).data, status.HTTP_201_CREATED)

    @extend_schema(request=YearsSerializer, responses=KeySerializer)
    @action(detail=True, methods=["post"])
    def renew(self, request: Asked, pk: Any = None) -> Response:
        """Let an OpenPGP key end later."""
        key, told = self.get_object(), self._told(YearsSerializer, request)
        return Response(KeySerializer(actions.renew(actor(request), key, told["years"])).data)

    @extend_schema(request=None, responses=KeySerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Asked, pk: Any = None) -> Response:
        """Nobody is to use it any more."""
        return Response(KeySerializer(actions.revoke(actor(request), self.get_object())).data)

    @extend_schema(responses=KeyTextSerializer)
    @action(detail=True, methods=["get"])
    def public(self, request: Asked, pk: Any = None) -> Response:
        """The public half, to be passed on."""
        return Response({"text": showing.text(self.get_object())})

    def perform_destroy(self, instance: Key) -> None:
        actions.delete(actor(self.request), instance)

    def _told(self, kind: type[serializers.Serializer[Any]], request: Asked) -> dict[str, Any]:
        asked = kind(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        told: dict[str, Any] = asked.validated_data
        return told


class RequestSerializer(serializers.ModelSerializer[Request]):
    """A key for S/MIME that waits for its certificate; `csr` is what an issuer is sent."""

    account = Keyed(queryset=Account.objects.filter(deleted_at__isnull=True), required=False, allow_null=True)
    domain = Keyed(queryset=Domain.objects.all(), required=False, allow_null=True)
    algorithm = serializers.ChoiceField(choices=list(ALGORITHMS), default="RSA 3072")
    csr = serializers.SerializerMethodField(help_text="PKCS #10 in PEM")

    class Meta:
        model = Request
        fields = ("id", "account", "domain", "address", "algorithm", "csr", "created_at")
        read_only_fields = ("created_at",)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs.get("account")) == bool(attrs.get("domain")):
            raise serializers.ValidationError({"account": "Say an account or a domain, one of them."})
        return attrs

    def get_csr(self, row: Request) -> str:
        return showing.request_text(row)

    def create(self, validated_data: dict[str, Any]) -> Request:
        who = actor(self.context["request"])
        return requests.request_certificate(
            who, _owner(validated_data), validated_data["address"], validated_data["algorithm"]
        )


class CertificateTextSerializer(serializers.Serializer[Any]):
    """What the issuer sent back."""

    certificate = serializers.CharField(
        max_length=TEXT, trim_whitespace=False, help_text="PEM, or the Base64 of DER or PKCS #7"
    )


class RequestViewSet(
    Once, mixins.CreateModelMixin, mixins.DestroyModelMixin, viewsets.ReadOnlyModelViewSet[Request]
):
    """Certificates that were asked for. Filter by ?account= and ?domain=."""

    filters = ("account", "domain")
    serializer_class = RequestSerializer
    queryset = Request.objects.all()

    def get_queryset(self) -> QuerySet[Request]:
        asked = self.request.query_params
        named = {name: asked[name] for name in self.filters if name in asked}
        whole = {name: serializers.IntegerField().run_validation(value) for name, value in named.items()}
        return Request.objects.filter(**whole).order_by("pk")

    @extend_schema(request=CertificateTextSerializer, responses={201: KeySerializer})
    @action(detail=True, methods=["post"])
    def certificate(self, request: Asked, pk: Any = None) -> Response:
        """Bring the certificate: from then on the key signs, and is read by."""
        row = self.get_object()
        asked = CertificateTextSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        octets = showing.octets(asked.validated_data["certificate"], "certificate")
        key = requests.import_certificate(actor(request), row, octets)
        return Response(KeySerializer(key).data, status.HTTP_201_CREATED)

    def perform_destroy(self, instance: Request) -> None:
        requests.discard_request(actor(self.request), instance)
