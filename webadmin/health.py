"""/healthz and /metrics of the web: asked by container engines and Prometheus, without signing in."""

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from redis.exceptions import RedisError

from webadmin.directory.models import Account, Domain
from webadmin.queue.models import Recipient

TEXT = "text/plain; version=0.0.4; charset=utf-8"


@login_not_required
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """200 where pages can be served, 503 where they cannot; which part is away."""
    states = {"database": _database(), "redis": _redis()}
    well = all(state == "ok" for state in states.values())
    return JsonResponse({"status": "ok" if well else "failing", **states}, status=200 if well else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "is not reachable"
    return "ok"


def _redis() -> str:
    try:
        cache.get("health")
    except (RedisError, OSError):
        return "is not reachable"
    return "ok"


@login_not_required
@require_safe
def metrics(_request: HttpRequest) -> HttpResponse:
    """What only the database knows; the services count the rest, each on its own port."""
    registry = CollectorRegistry()
    Gauge("facteur_domains", "Domains", registry=registry).set(Domain.objects.count())
    accounts = Account.objects.filter(deleted_at__isnull=True)
    Gauge("facteur_accounts", "Accounts", registry=registry).set(accounts.count())
    queue = Gauge("facteur_queue", "Recipients in the outgoing queue", ["state"], registry=registry)
    for state, count in Recipient.objects.values_list("state").annotate(Count("pk")):
        queue.labels(state).set(count)
    return HttpResponse(generate_latest(registry), content_type=TEXT)
