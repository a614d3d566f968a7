"""How the appliance fares, part by part; the bundle that support is sent: no secret in it, nobody's address."""

import platform
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import django
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Min
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from redis.exceptions import RedisError

from mailservices.mail.dkim import custody
from mailservices.mail.sealing import NotSealedHere
from mailservices.mail.vocabulary import QueueState
from webadmin.certificates.actions import ending
from webadmin.dashboard.figures import counted_until
from webadmin.directory.models import Account, Domain
from webadmin.queue.models import Lane, Recipient
from webadmin.signing.models import DkimKey
from webadmin.support.environment import settings as environment

#: Mail that is due and that no worker has taken for so long.
OVERDUE = timedelta(minutes=10)
#: The workers count each hour soon after it is over.
BEHIND = timedelta(hours=3)
#: The largest tables that are told of.
TABLES = 20

PARTITION = "SELECT to_regclass(%s) IS NOT NULL"
SIZES = """
SELECT c.relname, c.reltuples::bigint, pg_total_relation_size(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = 'public' ORDER BY 3 DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of it."""

    name: str
    #: well, look (somebody should), or bad.
    state: str
    words: str


def parts() -> list[Part]:
    """Every part, in the order in which they build on one another."""
    checks = {
        "PostgreSQL": _database, gettext_noop("Schema"): _schema, "Redis": _redis,
        gettext_noop("Secret key"): _key, gettext_noop("Trace"): _trace,
        gettext_noop("Workers"): _workers, gettext_noop("Queue"): _queue,
        gettext_noop("Certificates"): _certificates,
    }  # fmt: skip
    found = []
    for name, check in checks.items():
        try:
            found.append(check())
        except (DatabaseError, RedisError, OSError) as error:
            found.append(
                Part(name, "bad", gettext("It does not answer ({name}).").format(name=type(error).__name__))
            )
    return found


def _asked(sql: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]


def _database() -> Part:
    began = time.perf_counter()
    version = _asked("SHOW server_version")
    took = (time.perf_counter() - began) * 1000
    octets = _asked("SELECT pg_database_size(current_database())")
    return Part(
        "PostgreSQL",
        "well",
        gettext("Version {version}, answers in {took:.1f} ms, {mib} MiB on disk.").format(
            version=version, took=took, mib=octets // 2**20
        ),
    )


def _schema() -> Part:
    executor = MigrationExecutor(connection)
    left = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if left:
        return Part(
            "Schema",
            "bad",
            gettext("{count} migrations are not applied: start the setup service, or migrate.").format(
                count=len(left)
            ),
        )
    return Part("Schema", "well", gettext("All migrations are applied."))


def _redis() -> Part:
    began = time.perf_counter()
    cache.get("health")
    return Part(
        "Redis", "well", gettext("Answers in {took:.1f} ms.").format(took=(time.perf_counter() - began) * 1000)
    )


def _key() -> Part:
    """What is sealed in the database opens only with the key under which it was."""
    key = DkimKey.objects.select_related("domain").order_by("-pk").first()
    if key is None:
        return Part("Secret key", "well", gettext("Nothing is sealed by it yet."))
    try:
        custody.opened(key.domain.name, key.selector, bytes(key.sealed), settings.CONFIG.sealing_key)
    except NotSealedHere:
        return Part(
            "Secret key",
            "bad",
            gettext("It opens nothing of what is sealed: was FACTEUR_SECRET_KEY changed?"),
        )
    return Part("Secret key", "well", gettext("It opens what is sealed."))


def _trace() -> Part:
    tomorrow = timezone.now() + timedelta(days=1)
    if _asked(PARTITION, f"trace_event_{tomorrow:%Y%m%d}"):
        return Part("Trace", "well", gettext("The days ahead are prepared."))
    return Part("Trace", "look", gettext("The days ahead are not prepared: no worker has tidied of late."))


def _workers() -> Part:
    until = counted_until()
    if until is None:
        return Part("Workers", "look", gettext("They have not done their rounds yet."))
    state = "look" if timezone.now() - until > BEHIND else "well"
    return Part(
        "Workers",
        state,
        gettext("The last hour that they counted ended at {until:%Y-%m-%d %H:%M} UTC.").format(until=until),
    )


def _queue() -> Part:
    due = Recipient.objects.filter(state=QueueState.WAITING, next_attempt_at__lt=timezone.now() - OVERDUE)
    # What goes to a destination that is down waits for its probe.
    down = Lane.objects.filter(down_until__gt=timezone.now()).values("lane")
    found = due.exclude(destination__in=down).aggregate(count=Count("pk"), since=Min("next_attempt_at"))
    if found["count"]:
        words = gettext("{found} recipients are due since {found2:%Y-%m-%d %H:%M} UTC and not tried.").format(
            found=found["count"], found2=found["since"]
        )
        return Part("Queue", "look", gettext("{words} Look whether worker and beat run.").format(words=words))
    return Part("Queue", "well", gettext("Nothing that is due is left lying."))


def _certificates() -> Part:
    count = ending().count()
    if count:
        return Part(
            "Certificates", "look", gettext("{count} end within two weeks, or have ended.").format(count=count)
        )
    return Part("Certificates", "well", gettext("None ends within two weeks."))


def bundle() -> dict[str, Any]:
    """What support is sent: versions, settings without secrets, how it fares, sizes, counts; nobody's address."""
    with connection.cursor() as cursor:
        cursor.execute(SIZES, [TABLES])
        tables = [{"table": name, "rows": rows, "octets": octets} for name, rows, octets in cursor.fetchall()]
    return {
        "made_at": _told(timezone.now()),
        "versions": versions(),
        "settings": {one.name: one.value or f"default: {one.default}" for one in environment()},
        "health": [asdict(one) for one in parts()],
        "counts": {
            "domains": Domain.objects.count(),
            "accounts": Account.objects.filter(deleted_at__isnull=True).count(),
            "queue": dict(Recipient.objects.values_list("state").annotate(Count("pk")).order_by()),
            "destinations_down": Lane.objects.filter(failures__gt=0).count(),
        },
        "tables": tables,
    }


def versions() -> dict[str, str]:
    return {
        "facteur": settings.VERSION, "python": platform.python_version(), "django": django.get_version(),
        "system": platform.platform(),
    }  # fmt: skip


def _told(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
