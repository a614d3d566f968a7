"""What every part of the REST API shares: how lists are paged, how errors look, what is done once.

Errors are problem+json (RFC 9457). Lists are paged by cursor. A POST may carry an Idempotency-Key: the same
request with the same key is answered as it was the first time. The API itself is in each app's api.py; urls.py has
the map.
"""

import hashlib
from http import HTTPStatus
from typing import Any

from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import Http404
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions, status
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.views import exception_handler, set_rollback

from webadmin.audit.record import Actor

#: Seconds that an answer is kept for its Idempotency-Key, and octets of the key.
REMEMBERED = 24 * 3600
KEY_OCTETS = 200
PROBLEM = "application/problem+json"


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema tells of it."""

    target_class = "webadmin.tokens.BearerAuthentication"
    name = "token"

    def get_security_definition(self, _auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class Pages(CursorPagination):
    """?limit= and ?cursor=; `next` and `previous` are whole addresses, null at the ends."""

    page_size = 100
    page_size_query_param = "limit"
    max_page_size = 1000
    ordering = "pk"


def actor(request: Any) -> Actor:
    """Who calls a verb: for the audit entry."""
    return Actor(request.user, request.META.get("REMOTE_ADDR") or None)


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Any error as problem+json; what is not foreseen is Django's to log, and becomes a plain 500."""
    if isinstance(error, ValidationError):
        error = exceptions.ValidationError(as_serializer_error(error))
    if isinstance(error, Http404):
        error = exceptions.NotFound("There is no such thing here.")
    answer = exception_handler(error, context)
    if answer is None or not isinstance(error, exceptions.APIException):
        return None
    set_rollback()
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": _title(answer.status_code),
        "status": answer.status_code,
    }
    if isinstance(error, exceptions.ValidationError):
        body["detail"] = "Some fields are not valid: see errors."
        body["errors"] = _flat(error.detail)
    else:
        body["detail"] = str(error.detail)
    answer.data = body
    answer.content_type = PROBLEM
    return answer


def _title(code: int) -> str:
    titles = {400: "Not valid", 401: "Sign in first", 403: "Not allowed", 404: "Not found"}
    return titles.get(code) or HTTPStatus(code).phrase


def _flat(detail: Any) -> dict[str, list[str]]:
    """Field -> sentences; "" is the request as a whole."""
    if not isinstance(detail, dict):
        return {"": [str(one) for one in (detail if isinstance(detail, list) else [detail])]}
    found: dict[str, list[str]] = {}
    for name, value in detail.items():
        key = "" if name in ("__all__", "non_field_errors") else str(name)
        for inner in _flat(value).values() if isinstance(value, dict) else [value]:
            found.setdefault(key, []).extend(str(one) for one in (inner if isinstance(inner, list) else [inner]))
    return found


class KeyReused(exceptions.APIException):
    """The same key came with another request."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = "This Idempotency-Key was used for another request: choose a new one."


class InProgress(exceptions.APIException):
    """The first request with this key has not ended."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "A request with this Idempotency-Key is being carried out: ask again in a moment."


class Once:
    """Mixed into a viewset: POST honours Idempotency-Key."""

    def create(self, request: Request, *arguments: Any, **more: Any) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return self._create(request, *arguments, **more)
        if len(key) > KEY_OCTETS:
            raise exceptions.ValidationError({"Idempotency-Key": f"At most {KEY_OCTETS} characters."})
        name, print_ = self._names(request, key)
        if not cache.add(name, [print_, None, None], REMEMBERED):
            return self._again(name, print_)
        try:
            answer = self._create(request, *arguments, **more)
        except BaseException:
            # Nothing was done: the same key may try again.
            cache.delete(name)
            raise
        cache.set(name, [print_, answer.status_code, answer.data], REMEMBERED)
        return answer

    def _create(self, request: Request, *arguments: Any, **more: Any) -> Response:
        answer: Response = super().create(request, *arguments, **more)  # type: ignore[misc]
        return answer

    def _names(self, request: Request, key: str) -> tuple[str, str]:
        """The cache's key, which no other administrator shares, and the request's print; never its text."""
        whose = f"{request.user.pk} {request.path} {key}".encode()
        return f"once:{hashlib.sha256(whose).hexdigest()}", hashlib.sha256(request.body).hexdigest()

    def _again(self, name: str, print_: str) -> Response:
        remembered = cache.get(name)
        if remembered is None or remembered[1] is None:
            raise InProgress
        if remembered[0] != print_:
            raise KeyReused
        return Response(remembered[2], remembered[1], headers={"Idempotent-Replayed": "true"})
