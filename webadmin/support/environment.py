"""Every setting of the environment, its default and its meaning; as docs/operating.md has them."""

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.utils.translation import gettext_noop as _

PREFIX = "FACTEUR_"
#: Never shown.
SECRETS = frozenset(
    {"DATABASE_PASSWORD", "REDIS_PASSWORD", "SECRET_KEY", "FORMER_SECRET_KEY", "OIDC_CLIENT_SECRET"}
)

_CLIENT = _(
    "of the client that is registered there; the secret may lie in a file (FACTEUR_OIDC_CLIENT_SECRET_FILE)"
)
_ISSUER = _(
    "administrators may sign in by this identity provider (OpenID Connect), which knows the appliance by the "
    "next two"
)

#: Name, default, meaning.
SETTINGS = (
    ("HOSTNAME", "mail.localhost", _("the name that the server greets with: the one of its A and PTR records")),
    ("TLS_CERTIFICATE", _("self-signed"), _("PEM files: the chain, and its key")),
    ("TLS_KEY", _("self-signed"), _("PEM files: the chain, and its key")),
    (
        "TLS_CLIENT_CA",
        _("none"),
        _("PEM file: who certifies mail programs, which then may sign in by certificate"),
    ),
    ("MESSAGE_BYTES", "52428800", _("octets of a message at most")),
    (
        "MESSAGE_LIMIT",
        "0",
        (
            _(
                "messages that one command of IMAP may be about (RFC 9738); 0: as many as there are. Programs "
                "that do not know of it see only the newest of larger folders: leave it off, or above every "
                "folder, where you don't know them"
            )
        ),
    ),
    ("PROCESSES", _("the cores (containers: 2)"), _("worker processes of each service")),
    ("DNS", _("the machine's"), _("name servers to ask, such as 192.0.2.53 192.0.2.54:5353")),
    ("WEB_HOSTS", "localhost 127.0.0.1 [::1]", _("names under which the dashboard may be called")),
    ("WEB_HTTPS", _("no"), _("yes once a web server with HTTPS stands before the dashboard")),
    (
        "PROXY_FROM",
        _("none"),
        _("networks of balancers that speak for clients (PROXY protocol; of the web, X-Forwarded-For)"),
    ),
    ("LOG_LEVEL", "info", _("debug, info, warning or error")),
    ("SWEEP_SECONDS", "5", _("seconds between two sweeps of the outgoing queue")),
    ("WEBHOOKS_PRIVATE", _("no"), _("yes: webhooks may go to private addresses and to this machine")),
    (
        "OUTGOING_CONNECTIONS",
        "500",
        _("connections to other hosts' mail servers at most, of all workers together"),
    ),
    ("REMOTE_SMTP_PORT", "25", _("the port of other hosts' mail servers, for trials")),
    ("REMOTE_HTTPS_PORT", "443", _("the port of hosts that have MTA-STS policies, for trials")),
    ("API_PER_MINUTE", "6000", _("requests to the REST API that one token may make in a minute")),
    ("OIDC_ISSUER", _("none"), _ISSUER),
    ("OIDC_CLIENT_ID", _("none"), _CLIENT),
    ("OIDC_CLIENT_SECRET", _("none"), _CLIENT),
    ("OIDC_NAME", _("the issuer's host"), _("as the button calls it")),
    ("LISTEN", _("0.0.0.0 (make run: 127.0.0.1)"), _("the address that the services bind")),
    ("SPOOL", _("the system's"), _("folder for large messages while they arrive")),
    ("DATABASE_URL", _("made for you"), _("PostgreSQL 15 or later: postgresql://user@host:5432/name")),
    ("DATABASE_PASSWORD", _("made for you"), _("PostgreSQL 15 or later: postgresql://user@host:5432/name")),
    ("REDIS_URL", _("made for you"), _("Redis: redis://host:6379/0")),
    ("REDIS_PASSWORD", _("made for you"), _("Redis: redis://host:6379/0")),
    (
        "SECRET_KEY",
        _("made for you"),
        _("root of sessions and keyed digests, and seals the secrets in the database: keep it secret, keep it"),
    ),
    (
        "FORMER_SECRET_KEY",
        _("none"),
        _("the secret key before: for reseal, and for app passwords that were made under it"),
    ),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One of them, and what it is now."""

    name: str
    #: Empty: as the default says.
    value: str
    default: str
    meaning: str


def settings() -> list[Setting]:
    """What this process was told; secrets only as being there."""
    return [Setting(PREFIX + name, _value(name), default, meaning) for name, default, meaning in SETTINGS]


def _value(name: str) -> str:
    if file := os.environ.get(f"{PREFIX}{name}_FILE"):
        return "(in a file)" if name in SECRETS else f"(in {file})"
    value = os.environ.get(PREFIX + name, "")
    if name in SECRETS:
        return "(set)" if value else ""
    return _without_password(value) if "://" in value else value


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return parts._replace(netloc=f"{parts.username or ''}:…@{parts.netloc.rpartition('@')[2]}").geturl()
