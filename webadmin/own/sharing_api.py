"""Who may use which folder of an account, over REST: by the id of the account."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from webadmin.api import actor
from webadmin.directory import delegates
from webadmin.own.api import OfAccount
from webadmin.scope import Right, own_or


class SharedSerializer(serializers.Serializer[Any]):
    """One folder, and what somebody may do with it."""

    folder = serializers.CharField(max_length=1000)
    grantee = serializers.CharField(
        max_length=320, allow_blank=True, help_text="an address of the same domain; empty: everybody of it"
    )
    rights = serializers.CharField(
        max_length=20, allow_blank=True, help_text="letters of RFC 4314, such as lrs; empty: none"
    )


class SharedFoldersViewSet(OfAccount):
    """Folders that an account shares. PUT says what one may do with one folder; all else stays."""

    serializer_class = SharedSerializer

    @extend_schema(responses=SharedSerializer(many=True))
    def retrieve(self, request: Request, pk: str) -> Response:
        account = self.get_object()
        own_or(actor(request), account, Right.MANAGE)
        return Response({"results": self._told(account)})

    @extend_schema(request=SharedSerializer, responses=SharedSerializer(many=True))
    def update(self, request: Request, pk: str) -> Response:
        account = self.get_object()
        asked = SharedSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        told = asked.validated_data
        delegates.share(actor(request), account, told["folder"], told["grantee"], told["rights"])
        return Response({"results": self._told(account)})

    def as_told(self, row: Any) -> Any:
        return {"results": self._told(row)}

    def _told(self, account: Any) -> list[dict[str, str]]:
        return [
            {"folder": one.folder, "grantee": one.account.address if one.account else "", "rights": one.rights}
            for one in delegates.rights_on(account)
        ]
