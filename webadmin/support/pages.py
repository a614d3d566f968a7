"""The pages of settings and of health, and their REST."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from webadmin.audit.record import record
from webadmin.dashboard.forms import actor
from webadmin.support import environment, health, told


@require_safe
def settings(request: HttpRequest) -> HttpResponse:
    """Every one with its default, its meaning, and who changed it."""
    context = {"title": gettext("Settings"), "environment": environment.settings(), "told": told.told()}
    return render(request, "settings.html", context)


@require_safe
def fares(request: HttpRequest) -> HttpResponse:
    context = {"title": gettext("Health"), "parts": health.parts(), "versions": health.versions().items()}
    return render(request, "health.html", context)


@require_safe
def bundle(request: HttpRequest) -> JsonResponse:
    """For support, as a file; that somebody took it is noted."""
    record(actor(request), "take support bundle", "the appliance")
    answer = JsonResponse(health.bundle(), json_dumps_params={"indent": 2})
    answer["Content-Disposition"] = f'attachment; filename="facteur-{timezone.now():%Y%m%d-%H%M}.json"'
    return answer


class SettingSerializer(serializers.Serializer[environment.Setting]):
    """A setting of the environment; secrets are only told to be there."""

    name = serializers.CharField()
    value = serializers.CharField()
    default = serializers.CharField()
    meaning = serializers.CharField()


class SettingViewSet(viewsets.ViewSet):
    """Settings of the environment, as the web has them."""

    @extend_schema(responses=SettingSerializer(many=True))
    def list(self, _request: Request) -> Response:
        return Response([SettingSerializer(one).data for one in environment.settings()])


class PartSerializer(serializers.Serializer[health.Part]):
    """One part of the appliance, and how it fares."""

    name = serializers.CharField()
    state = serializers.ChoiceField(choices=("well", "look", "bad"))
    words = serializers.CharField()


class HealthViewSet(viewsets.ViewSet):
    """How the appliance fares, part by part."""

    @extend_schema(responses=PartSerializer(many=True))
    def list(self, _request: Request) -> Response:
        return Response([PartSerializer(one).data for one in health.parts()])
