"""Policy over REST. Reading is the ORM's; every change calls a verb of actions.py."""

from typing import Any

from rest_framework import mixins, serializers, viewsets

from mailservices.mail.policy import CONNECTIONS_PER_MINUTE, MESSAGES_PER_MINUTE
from webadmin.api import Named, Once, actor
from webadmin.directory.models import Account, Domain
from webadmin.policy import actions
from webadmin.policy.models import DnsList, InboundPolicy, Limit, TrustedNetwork, TrustedSealer, Withheld

PER_MINUTE = {"connections": CONNECTIONS_PER_MINUTE, "messages": MESSAGES_PER_MINUTE}


class InboundSerializer(serializers.ModelSerializer[InboundPolicy]):
    """What a domain wishes done with mail from the world; domain null: what holds for all that have no policy."""

    domain = Named(slug_field="name", queryset=Domain.objects.all(), allow_null=True, required=False)

    class Meta:
        model = InboundPolicy
        fields = ("id", "domain", *actions.FIELDS)
        validators: tuple[Any, ...] = ()

    def create(self, validated_data: dict[str, Any]) -> InboundPolicy:
        domain = validated_data.pop("domain", None)
        if InboundPolicy.objects.filter(domain=domain).exists():
            raise serializers.ValidationError({"domain": "It has a policy already: change that."})
        return actions.change_inbound(actor(self.context["request"]), domain, **validated_data)

    def update(self, instance: InboundPolicy, validated_data: dict[str, Any]) -> InboundPolicy:
        if validated_data.pop("domain", instance.domain) != instance.domain:
            raise serializers.ValidationError({"domain": "A policy stays its domain's: create the other one."})
        return actions.change_inbound(actor(self.context["request"]), instance.domain, **validated_data)


class DnsListSerializer(serializers.ModelSerializer[DnsList]):
    """A DNS blocklist or allowlist. codes: return codes that count, such as "127.0.0.2 127.0.0.4-7"; "": all."""

    zone = serializers.CharField(max_length=200)

    class Meta:
        model = DnsList
        fields = ("id", "zone", "effect", "codes", "active")

    def create(self, validated_data: dict[str, Any]) -> DnsList:
        return actions.create_dnslist(actor(self.context["request"]), **validated_data)

    def update(self, instance: DnsList, validated_data: dict[str, Any]) -> DnsList:
        if validated_data.pop("zone", instance.zone) != instance.zone:
            raise serializers.ValidationError({"zone": "A list cannot be renamed: create the new one."})
        return actions.change_dnslist(actor(self.context["request"]), instance, **validated_data)


class SealerSerializer(serializers.ModelSerializer[TrustedSealer]):
    """A domain whose ARC seal is trusted."""

    domain = serializers.CharField(max_length=255)

    class Meta:
        model = TrustedSealer
        fields = ("id", "domain")

    def create(self, validated_data: dict[str, Any]) -> TrustedSealer:
        return actions.trust_sealer(actor(self.context["request"]), validated_data["domain"])


class NetworkSerializer(serializers.ModelSerializer[TrustedNetwork]):
    """A network whose clients are not checked."""

    network = serializers.CharField(max_length=49)

    class Meta:
        model = TrustedNetwork
        fields = ("id", "network")

    def create(self, validated_data: dict[str, Any]) -> TrustedNetwork:
        return actions.trust_network(actor(self.context["request"]), validated_data["network"])


class WithheldSerializer(serializers.ModelSerializer[Withheld]):
    """Capabilities of IMAP that are not offered to an account, a client (by the name that it tells), or both."""

    account = Named(
        slug_field="address", queryset=Account.objects.filter(deleted_at=None), allow_null=True, required=False
    )
    client = serializers.CharField(max_length=100, required=False, allow_blank=True)
    capabilities = serializers.ListField(child=serializers.CharField(max_length=40))

    class Meta:
        model = Withheld
        fields = ("id", "account", "client", "capabilities")
        validators: tuple[Any, ...] = ()

    def create(self, validated_data: dict[str, Any]) -> Withheld:
        return actions.withhold(actor(self.context["request"]), **validated_data)


class LimitSerializer(serializers.ModelSerializer[Limit]):
    """How often one address may come in a minute: "connections" or "messages"."""

    name = serializers.ChoiceField(choices=sorted(PER_MINUTE))
    per_minute = serializers.IntegerField(min_value=1, max_value=2**31 - 1)

    class Meta:
        model = Limit
        fields = ("name", "per_minute")

    def create(self, validated_data: dict[str, Any]) -> Limit:
        who = actor(self.context["request"])
        return actions.change_limit(who, validated_data["name"], validated_data["per_minute"])


class _Set(Once, viewsets.ModelViewSet[Any]):
    http_method_names: tuple[str, ...] = ("get", "post", "patch", "delete", "head", "options")


class InboundViewSet(_Set):
    """One row for each domain that has a policy of its own, and one without a domain for all others."""

    serializer_class = InboundSerializer
    queryset = InboundPolicy.objects.select_related("domain")

    def perform_destroy(self, instance: InboundPolicy) -> None:
        actions.delete_inbound(actor(self.request), instance)


class DnsListViewSet(_Set):
    """DNS lists that are asked about every client."""

    serializer_class = DnsListSerializer
    queryset = DnsList.objects.all()

    def perform_destroy(self, instance: DnsList) -> None:
        actions.delete_dnslist(actor(self.request), instance)


class SealerViewSet(_Set):
    """Trusted ARC sealers."""

    http_method_names: tuple[str, ...] = ("get", "post", "delete", "head", "options")
    serializer_class = SealerSerializer
    queryset = TrustedSealer.objects.all()

    def perform_destroy(self, instance: TrustedSealer) -> None:
        actions.distrust_sealer(actor(self.request), instance)


class WithheldViewSet(_Set):
    """What IMAP does not offer to some; POST of the same account and client replaces what was withheld."""

    http_method_names: tuple[str, ...] = ("get", "post", "delete", "head", "options")
    serializer_class = WithheldSerializer
    queryset = Withheld.objects.select_related("account")

    def perform_destroy(self, instance: Withheld) -> None:
        actions.offer_again(actor(self.request), instance)


class NetworkViewSet(_Set):
    """Trusted networks."""

    http_method_names: tuple[str, ...] = ("get", "post", "delete", "head", "options")
    serializer_class = NetworkSerializer
    queryset = TrustedNetwork.objects.all()

    def perform_destroy(self, instance: TrustedNetwork) -> None:
        actions.distrust_network(actor(self.request), instance)


class LimitViewSet(Once, mixins.ListModelMixin, mixins.CreateModelMixin, viewsets.GenericViewSet[Limit]):
    """Limits that were changed; POST sets one. What is not here has its default."""

    serializer_class = LimitSerializer
    queryset = Limit.objects.all()
