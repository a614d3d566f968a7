"""Bearer tokens of the REST API (RFC 6750): who calls. Apart from api.py, which the framework loads after this."""

from datetime import timedelta

from django.utils import timezone
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from webadmin.directory.administrators import digest
from webadmin.directory.models import Administrator, ApiToken
from webadmin.directory.networks import within

#: When a token was last used is noted at most so often.
NOTED = timedelta(minutes=5)


class BearerAuthentication(BaseAuthentication):
    """Authorization: Bearer fct_... (RFC 6750)."""

    keyword = b"bearer"

    def authenticate(self, request: Request) -> tuple[Administrator, ApiToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != self.keyword:
            return None
        if len(words) != 2:
            raise exceptions.AuthenticationFailed("Authorization must be: Bearer, a space, and the token.")
        found = ApiToken.objects.select_related("administrator__account").filter(
            digest=digest(words[1].decode("latin-1"))
        )
        token = found.first()
        now = timezone.now()
        if token is None or not token.administrator.is_active or (token.expires_at and token.expires_at <= now):
            raise exceptions.AuthenticationFailed("The token is not known, or has expired.")
        here = request.META.get("REMOTE_ADDR") or None
        if not within(here, token.networks):
            raise exceptions.AuthenticationFailed("The token is not good from this address.")
        if token.last_used_at is None or now - token.last_used_at > NOTED:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now, last_used_from=here)
        return token.administrator, token

    def authenticate_header(self, _request: Request) -> str:
        return 'Bearer realm="api"'
