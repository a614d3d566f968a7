"""Access rules and sign-ins over REST."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import mixins, serializers, viewsets

from webadmin.api import Pages, actor
from webadmin.scope import visible
from webadmin.security import actions
from webadmin.security.models import EFFECTS, AccessRule, SignIn


class AccessRuleSerializer(serializers.ModelSerializer[AccessRule]):
    """A network that is shut out (deny), or that wrong passwords never block (allow)."""

    network = serializers.CharField(max_length=50)
    effect = serializers.ChoiceField(choices=EFFECTS)

    class Meta:
        model = AccessRule
        fields = ("id", "network", "effect", "note", "expires_at", "created_at")
        read_only_fields = ("created_at",)

    def create(self, validated_data: dict[str, Any]) -> AccessRule:
        return actions.set_access(actor(self.context["request"]), **validated_data)


class AccessRuleViewSet(
    mixins.CreateModelMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[AccessRule],
):
    """Networks that are shut out, or never blocked. POST replaces the rule of the same network."""

    queryset = AccessRule.objects.all()
    serializer_class = AccessRuleSerializer

    def perform_destroy(self, instance: AccessRule) -> None:
        actions.remove_access(actor(self.request), instance)


class SignInSerializer(serializers.ModelSerializer[SignIn]):
    """One try to sign in to a mail server, or several that were alike within seconds."""

    class Meta:
        model = SignIn
        fields = ("at", "name", "account_id", "protocol", "remote_host", "outcome", "times")


class NewestFirst(Pages):
    ordering = ("-at", "-pk")  # type: ignore[assignment]


class SignInViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[SignIn]):
    """Sign-ins of the last 30 days; filter by ?name=, ?account_id=, ?remote_host=, ?protocol= and ?outcome=."""

    queryset = SignIn.objects.all()
    serializer_class = SignInSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[SignIn]:
        asked, found = self.request.query_params, visible(actor(self.request), SignIn)
        text = serializers.CharField()
        fields: dict[str, serializers.Field[Any, Any, Any, Any]] = {
            "account_id": serializers.IntegerField(), "remote_host": serializers.IPAddressField(), "name": text,
            "protocol": text, "outcome": text,
        }  # fmt: skip
        known = {name: field.run_validation(asked[name]) for name, field in fields.items() if name in asked}
        return found.filter(**known)
