"""The manners of the REST API: done once, not over somebody else's change, not too fast, no more than asked.

A POST may carry an Idempotency-Key: the same request with the same key is answered as it was the first time. One
row is told with an ETag; If-Match changes it only if it is still that (RFC 9110 §13.1.1), If-None-Match asks for
it only if it is not (§13.1.2). `?fields=` names the fields that are wanted. Who asks too often is told until when
(RateLimit, Retry-After).
"""

import hashlib
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError
from rest_framework import exceptions, status
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from webadmin.engine import Limit, charge

#: Seconds that an answer is kept for its Idempotency-Key, and octets of the key.
REMEMBERED = 24 * 3600
KEY_OCTETS = 200
#: What is no part of an ETag: the engine counts it, and nobody changes it here.
COUNTED = frozenset({"usage", "used", "today", "last_used_at", "last_used_from", "last_login"})
#: Actions whose answer is one row.
ONE = ("retrieve", "update", "partial_update")
#: Requests of one token, or of one person's session, in how many seconds.
PACE = Limit("api", settings.CONFIG.api_per_minute, 60)


class KeyReused(exceptions.APIException):
    """The same key came with another request."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = "This Idempotency-Key was used for another request: choose a new one."


class InProgress(exceptions.APIException):
    """The first request with this key has not ended."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "A request with this Idempotency-Key is being carried out: ask again in a moment."


class Changed(exceptions.APIException):
    """If-Match names what is there no more."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "Somebody has changed it meanwhile: read it again."


class _Replayed(Exception):
    """The answer is known already."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer


class Manners:
    """Mixed into a viewset, before the framework's own classes."""

    #: Whether a POST may carry an Idempotency-Key. An answer with a secret is not kept to be repeated.
    once = True

    def dispatch(self, request: Any, *arguments: Any, **named: Any) -> Any:
        try:
            # From the look at the row to its change nobody else changes it.
            with transaction.atomic() if "If-Match" in request.headers else nullcontext():
                return super().dispatch(request, *arguments, **named)  # type: ignore[misc]
        except BaseException:
            # A mistake of ours, or an outage: the same key may try again.
            if name := getattr(getattr(self, "request", None), "once", None):
                cache.delete(name[0])
            raise

    def initial(self, request: Request, *arguments: Any, **named: Any) -> None:
        super().initial(request, *arguments, **named)  # type: ignore[misc]
        if request.method == "POST" and "Idempotency-Key" in request.headers:
            self._begin(request)
        if "If-Match" in request.headers and _action(self) in ("update", "partial_update", "destroy"):
            self._check_match(request)

    def handle_exception(self, error: Exception) -> Response:
        if isinstance(error, _Replayed):
            return error.answer
        answer: Response = super().handle_exception(error)  # type: ignore[misc]
        return answer

    def finalize_response(self, request: Any, response: Any, *arguments: Any, **named: Any) -> Response:
        name = getattr(request, "once", None)
        if name is not None and response.status_code < status.HTTP_400_BAD_REQUEST:
            cache.set(name[0], [name[1], response.status_code, response.data], REMEMBERED)
        elif name is not None:
            # Nothing was done: the same key may try again.
            cache.delete(name[0])
        if response.status_code == status.HTTP_200_OK and _action(self) in ONE:
            tag = etag(response.data)
            if _action(self) == "retrieve" and _names(request.headers.get("If-None-Match"), tag):
                response = Response(status=status.HTTP_304_NOT_MODIFIED)
            response["ETag"] = tag
        answer: Response = super().finalize_response(request, response, *arguments, **named)  # type: ignore[misc]
        return answer

    def _begin(self, request: Request) -> None:
        """Remember that this is being done; raises what the answer is where it was done before."""
        key = request.headers["Idempotency-Key"]
        if not self.once:
            raise exceptions.ValidationError({"Idempotency-Key": "Its answer holds a secret and is not repeated."})
        if not 0 < len(key) <= KEY_OCTETS:
            raise exceptions.ValidationError({"Idempotency-Key": f"From 1 to {KEY_OCTETS} characters."})
        whose = f"{request.user.pk} {request.auth.pk if request.auth else ''} {request.path} {key}"
        name = f"once:{hashlib.sha256(whose.encode()).hexdigest()}"
        print_ = hashlib.sha256(request.body).hexdigest()
        if cache.add(name, [print_, None, None], REMEMBERED):
            request.once = name, print_  # type: ignore[attr-defined]
            return
        remembered = cache.get(name)
        if remembered is None or remembered[1] is None:
            raise InProgress
        if remembered[0] != print_:
            raise KeyReused
        raise _Replayed(Response(remembered[2], remembered[1], headers={"Idempotent-Replayed": "true"}))

    def _check_match(self, request: Request) -> None:
        row = self.get_object()  # type: ignore[attr-defined]
        list(type(row).objects.filter(pk=row.pk).select_for_update(of=("self",)))
        if not _names(request.headers["If-Match"], etag(self.as_told(self.get_object()))):  # type: ignore[attr-defined]
            raise Changed

    def as_told(self, row: Any) -> Any:
        """What GET says of the row."""
        return self.get_serializer_class()(row, context=self.get_serializer_context()).data  # type: ignore[attr-defined]


def _action(view: Any) -> str | None:
    """What is being done, as the framework calls it."""
    return getattr(view, "action", None)


def etag(shown: Any) -> str:
    """Of a row as it is told; what the engine counts is left out, so that mail that comes in is no change."""
    kept = {name: value for name, value in dict(shown).items() if name not in COUNTED}
    return f'"{hashlib.sha256(JSONRenderer().render(kept)).hexdigest()[:32]}"'


def _names(header: str | None, tag: str) -> bool:
    """Whether a list of tags names this one."""
    return header is not None and (header.strip() == "*" or tag in [one.strip() for one in header.split(",")])


class Json(JSONRenderer):
    """JSON with the fields that ?fields= names."""

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        request = (renderer_context or {}).get("request")
        response: Any = (renderer_context or {}).get("response")
        words = request.query_params.get("fields") if request is not None and request.method == "GET" else None
        if words is not None and response.status_code == status.HTTP_200_OK:
            data = _sparse(data, [word.strip() for word in words.split(",")])
        octets: bytes = super().render(data, accepted_media_type, renderer_context)
        return octets


def _sparse(data: Any, names: list[str]) -> Any:
    if isinstance(data, dict) and isinstance(data.get("results"), list):
        return {**data, "results": [_sparse(row, names) for row in data["results"]]}
    if isinstance(data, list):
        return [_sparse(row, names) for row in data]
    return {name: data[name] for name in names if name in data} if isinstance(data, dict) else data


class Pace:
    """How fast one may ask; a throttle of the API's framework. While Redis is away nobody is held up."""

    def __init__(self) -> None:
        self._wait = 0.0

    def allow_request(self, request: Any, _view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return True
        whom = f"token {request.auth.pk}" if request.auth else f"person {request.user.pk}"
        try:
            level, self._wait = charge(PACE, whom)
        except (RedisError, OSError):
            return True
        left = 0 if self._wait else int(PACE.size - level)
        # Seconds until all of it may be asked again.
        reset = max(1, round(level * PACE.period / PACE.size))
        request._request.pace = left, reset  # noqa: SLF001 - the middleware below sees that one
        return not self._wait

    def wait(self) -> float:
        return self._wait


class PaceTold:
    """Middleware: answers of the API say how much may still be asked (draft-ietf-httpapi-ratelimit-headers)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if pace := getattr(request, "pace", None):
            answer["RateLimit-Policy"] = f'"{PACE.name}";q={PACE.size:.0f};w={PACE.period:.0f}'
            answer["RateLimit"] = f'"{PACE.name}";r={pace[0]};t={pace[1]}'
        return answer
