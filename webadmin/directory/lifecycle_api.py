"""The lives of accounts over REST: another address, signed out, back from the dead; many at once."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webadmin.api import actor
from webadmin.directory import bulk, importing, lifecycle
from webadmin.directory.models import Account
from webadmin.jobs.api import JobSerializer
from webadmin.jobs.models import Job
from webadmin.jobs.pages import jobs
from webadmin.scope import visible


class NamedSerializer(serializers.ModelSerializer[Account]):
    """Which account it is."""

    class Meta:
        model = Account
        fields = ("id", "address", "display_name", "active", "deleted_at")
        read_only_fields = fields


class RenameSerializer(serializers.Serializer[Any]):
    """The new address, and whether mail to the old one still comes."""

    address = serializers.CharField(max_length=320)
    keep = serializers.BooleanField(default=True)


class ChangeManySerializer(serializers.Serializer[Any]):
    """What is done, and to whom: `ids`, or those that `search` and `domain` find."""

    what = serializers.ChoiceField(choices=list(bulk.SAID))
    ids = serializers.ListField(child=serializers.IntegerField(), required=False, max_length=10_000)
    search = serializers.CharField(max_length=320, required=False)
    domain = serializers.CharField(max_length=255, required=False)
    quota_bytes = serializers.IntegerField(required=False, allow_null=True, default=None, help_text="quota")


class LifeViewSet(viewsets.GenericViewSet[Account]):
    """What is done with accounts beside changing one of them."""

    serializer_class = NamedSerializer
    queryset = Account.objects.filter(deleted_at__isnull=True)

    def get_queryset(self) -> QuerySet[Account]:
        found = visible(actor(self.request), Account).filter(deleted_at__isnull=True)
        return found.select_related("domain").order_by("pk")

    @extend_schema(request=RenameSerializer, responses=NamedSerializer)
    @action(detail=True, methods=["post"], serializer_class=RenameSerializer)
    def rename(self, request: Request, pk: str) -> Response:
        """Give it another address, which is its name to sign in with from then on."""
        account = self.get_object()
        asked = RenameSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        account = lifecycle.rename_account(actor(request), account, **asked.validated_data)
        return Response(NamedSerializer(account).data)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def sign_out(self, request: Request, pk: str) -> Response:
        """End all its sessions by IMAP, POP3 and SMTP, within seconds."""
        lifecycle.sign_out(actor(request), self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=ChangeManySerializer, responses={200: {"type": "object"}, 202: JobSerializer})
    @action(detail=False, methods=["post"], serializer_class=ChangeManySerializer)
    def change_many(self, request: Request) -> Response:
        """One change for many; how many they were. Of very many it answers 202 with a job."""
        asked = ChangeManySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        told = asked.validated_data
        chosen = {"ids": told["ids"]} if "ids" in told else {
            "words": told.get("search", ""), "domain": told.get("domain", ""),
        }  # fmt: skip
        done = bulk.change_many(actor(request), told["what"], chosen, told["quota_bytes"])
        if isinstance(done, Job):
            return Response(JobSerializer(done).data, status.HTTP_202_ACCEPTED)
        return Response({"accounts": done})


class DeletedViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Account]):
    """Deleted accounts that can be had back."""

    serializer_class = NamedSerializer
    queryset = Account.objects.filter(deleted_at__isnull=False)

    def get_queryset(self) -> QuerySet[Account]:
        if self.action == "list":
            return lifecycle.deleted(actor(self.request)).order_by("pk")
        return visible(actor(self.request), Account).select_related("domain")

    @extend_schema(request=None, responses=NamedSerializer)
    @action(detail=True, methods=["post"])
    def undelete(self, request: Request, pk: str) -> Response:
        """Bring it back with all its mail; one that is not deleted stays as it is."""
        account = lifecycle.undelete_account(actor(request), self.get_object())
        return Response(NamedSerializer(account).data)


class TableSerializer(serializers.Serializer[Any]):
    """CSV; its first line names the columns: address, password, and if you like name, quota_mb, aliases."""

    table = serializers.CharField(trim_whitespace=False)


class ImportViewSet(viewsets.GenericViewSet[Job]):
    """Accounts from a table: POST has it looked at, the job's `errors` are what speaks against it; then begin."""

    serializer_class = JobSerializer
    queryset = Job.objects.filter(kind="import")

    def get_queryset(self) -> QuerySet[Job]:
        return jobs(self.request)

    @extend_schema(request=TableSerializer, responses={201: JobSerializer})
    def create(self, request: Request) -> Response:
        """Look at a table; nothing of it is made yet."""
        asked = TableSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        job = importing.prepare_import(actor(request), asked.validated_data["table"])
        return Response(JobSerializer(job).data, status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    def begin(self, request: Request, pk: str) -> Response:
        """Make all of it, or nothing; GET /jobs/{id}/ says how far it is."""
        job = importing.begin_import(actor(request), self.get_object())
        return Response(JobSerializer(job).data, status.HTTP_202_ACCEPTED)
