"""What every part of the REST API shares: how lists are paged, how errors look.

Errors are problem+json (RFC 9457). Lists are paged by cursor. What else operations keep to is in manners.py. The
API itself is in each app's api.py; urls.py has the map.
"""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DataError
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.relations import PrimaryKeyRelatedField, SlugRelatedField
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.views import exception_handler, set_rollback

from webadmin.audit.record import of_request
from webadmin.manners import Manners
from webadmin.scope import within

PROBLEM = "application/problem+json"

#: Who calls a verb.
actor = of_request
#: What a viewset begins with.
Once = Manners


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


class Named(SlugRelatedField[Any]):
    """Another row by its name, within reach of whoever asks."""

    def get_queryset(self) -> QuerySet[Any]:
        return _within(self)


class Keyed(PrimaryKeyRelatedField[Any]):
    """Another row by its key, within reach of whoever asks."""

    def get_queryset(self) -> QuerySet[Any]:
        return _within(self)


def _within(field: Any) -> QuerySet[Any]:
    return within(actor(field.context["request"]), field.queryset.all())


def problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Any error as problem+json; what is not foreseen is Django's to log, and becomes a plain 500."""
    if isinstance(error, ValidationError):
        error = exceptions.ValidationError(as_serializer_error(error))
    if isinstance(error, DataError | UnicodeEncodeError):
        # Such as NUL in a text, half of a character, or a number of twenty digits to look for.
        error = exceptions.ValidationError({"": ["Something in it is nothing that can be kept here."]})
    if isinstance(error, Http404):
        error = exceptions.NotFound("There is no such thing here.")
    if isinstance(error, PermissionDenied):
        # A verb's own.
        error = exceptions.PermissionDenied(str(error) or None)
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
