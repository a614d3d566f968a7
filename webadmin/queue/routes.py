"""The verbs of routes: how mail leaves for whom. One transaction each, with its entry; it holds within seconds."""

import ipaddress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from mailservices.mail import address, sealing
from mailservices.mail.errors import ProtocolError
from mailservices.mail.routing import MECHANISMS, NEED_TLS, TlsMode
from webadmin.audit.changes import change, create
from webadmin.audit.record import Actor, record
from webadmin.queue.models import Route, Source
from webadmin.scope import Right, verb

#: What a route may be told, beside the secret.
FIELDS = (
    "recipient", "sender", "host", "port", "tls", "username", "mechanism", "source4", "source6", "helo", "pool",
    "connections", "first_pause", "longest_pause", "lifetime", "active", "note",
)  # fmt: skip
#: Lines to one destination that may be allowed.
CONNECTIONS = 100
#: Bounds of pauses and of the lifetime.
TIMES = {
    "first_pause": (timedelta(seconds=10), timedelta(hours=12)),
    "longest_pause": (timedelta(minutes=1), timedelta(days=1)),
    "lifetime": (timedelta(minutes=5), timedelta(days=30)),
}


@verb(Right.OPERATE)
def create_route(actor: Actor, secret: str = "", **values: Any) -> Route:
    """Let mail for some recipients, or of some senders, leave this way.

    Args:
        secret: the password, or for XOAUTH2 the token, that goes with `username`.
    """
    values = _checked({name: getattr(Route(), name) for name in FIELDS} | values)
    _check_sign_in(values, has_secret=bool(secret))
    if Route.objects.filter(recipient=values["recipient"], sender=values["sender"]).exists():
        raise ValidationError({"recipient": gettext("There is a route for just this mail already.")})
    row = create(Route, **values, secret=_sealed(values, secret))
    told = {name: value for name, value in values.items() if value not in ("", 0, None)}
    record(actor, "create route", str(row), after={name: _told(value) for name, value in told.items()})
    return row


@verb(Right.OPERATE)
def change_route(actor: Actor, row: Route, secret: str = "", **changes: Any) -> Route:
    """Change what is named. A new host or name needs the secret again: it is sealed for that place."""
    row = Route.objects.select_for_update().get(pk=row.pk)
    values = _checked({name: getattr(row, name) for name in FIELDS} | changes)
    moved = (values["host"], values["username"]) != (row.host, row.username)
    _check_sign_in(values, has_secret=bool(secret) or (row.secret is not None and not moved))
    others = Route.objects.filter(recipient=values["recipient"], sender=values["sender"]).exclude(pk=row.pk)
    if others.exists():
        raise ValidationError({"recipient": gettext("There is a route for just this mail already.")})
    if secret or moved:
        # One row with its new place: the constraints look at both.
        Route.objects.filter(pk=row.pk).update(
            host=values["host"], username=values["username"], secret=_sealed(values, secret)
        )
        record(actor, "change route's sign-in", str(row), after={"host": values["host"]})
        row.refresh_from_db()
    return change(actor, "change route", row, values)


@verb(Right.OPERATE)
def delete_route(actor: Actor, row: Route) -> None:
    """Its mail leaves as other rules say, or as the DNS does."""
    record(actor, "delete route", str(row), before={"host": row.host})
    row.delete()


def _told(value: Any) -> Any:
    return str(value) if isinstance(value, timedelta) else value


def _sealed(values: dict[str, Any], secret: str) -> bytes | None:
    if not values["username"]:
        return None
    context = sealing.route_context(values["host"], values["username"])
    return sealing.seal(settings.CONFIG.sealing_key, secret.encode(), context)


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """In normal form."""
    unknown = values.keys() - set(FIELDS)
    if unknown:
        raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")
    if values["tls"] not in list(TlsMode):
        raise ValidationError({"tls": gettext("Choose one of {listed}.").format(listed=", ".join(TlsMode))})
    if values["mechanism"] not in ("", *MECHANISMS):
        raise ValidationError(
            {
                "mechanism": gettext("Choose one of {listed}, or none for the best.").format(
                    listed=", ".join(MECHANISMS)
                )
            }
        )
    for name, most in (("port", 65535), ("connections", CONNECTIONS)):
        if not 0 <= values[name] <= most:
            raise ValidationError({name: gettext("A number from 0 to {most}; 0: the usual.").format(most=most)})
    for name, (least, longest) in TIMES.items():
        if values[name] is not None and not least <= values[name] <= longest:
            raise ValidationError(
                {name: gettext("From {least} to {longest}.").format(least=least, longest=longest)}
            )
    normal = {
        "recipient": _recipient(values["recipient"].strip()),
        "sender": _sender(values["sender"].strip()),
        "host": _host(values["host"].strip(), "host"),
        "helo": _host(values["helo"].strip(), "helo"),
        "source4": _source(values["source4"].strip(), "source4", 4),
        "source6": _source(values["source6"].strip(), "source6", 6),
        "pool": _pool(values["pool"].strip().lower()),
    }
    if normal["pool"] and (normal["source4"] or normal["source6"] or normal["helo"]):
        raise ValidationError({"pool": gettext("Name a pool, or addresses and their name, not both.")})
    return values | normal


def _pool(name: str) -> str:
    if name and not Source.objects.filter(pool=name).exists():
        raise ValidationError({"pool": gettext("There is no such pool: put an address into it first.")})
    return name


def _check_sign_in(values: dict[str, Any], *, has_secret: bool) -> None:
    if values["username"] and not values["host"]:
        raise ValidationError({"username": gettext("We sign in only at a host that is named.")})
    if values["username"] and not has_secret:
        raise ValidationError(
            {"secret": gettext("Name the secret that goes with it (again, for a new host or name).")}
        )
    if values["tls"] == TlsMode.NONE and values["mechanism"] in NEED_TLS:
        raise ValidationError({"tls": gettext("This mechanism tells the secret: it needs TLS.")})
    if values["tls"] == TlsMode.IMPLICIT and not values["host"]:
        raise ValidationError({"tls": gettext("TLS from the first octet is for a host that is named.")})


def _recipient(text: str) -> str:
    if text.startswith("["):
        return _domain(text, "recipient")
    dot = "." if text.startswith(".") else ""
    return dot + _domain(text.removeprefix("."), "recipient") if text else ""


def _sender(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if not text:
        return ""
    return f"{local.lower()}{at}{_domain(domain, 'sender')}"


def _host(text: str, field: str) -> str:
    bare = text.strip("[]")
    try:
        return str(ipaddress.ip_address(bare.removeprefix("IPv6:")))
    except ValueError:
        return _domain(text, field) if text else ""


def _source(text: str, field: str, version: int) -> str:
    if not text:
        return ""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        parsed = None
    if parsed is None or parsed.version != version:
        raise ValidationError({field: gettext("An IPv{version} address of this machine.").format(version=version)})
    return str(parsed)


def _domain(text: str, field: str) -> str:
    try:
        return address.normal_domain(text)
    except ProtocolError as error:
        raise ValidationError({field: str(error)}) from error
