"""Every setting of the environment, its default and its meaning; as docs/operating.md has them."""

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

PREFIX = "FACTEUR_"
#: Never shown.
SECRETS = frozenset({"DATABASE_PASSWORD", "REDIS_PASSWORD", "SECRET_KEY", "OIDC_CLIENT_SECRET"})

_CLIENT = "of the client that is registered there; the secret may lie in a file (FACTEUR_OIDC_CLIENT_SECRET_FILE)"
_ISSUER = (
    "administrators may sign in by this identity provider (OpenID Connect), which knows the appliance by the "
    "next two"
)

#: Name, default, meaning.
SETTINGS = (
    ("HOSTNAME", "mail.localhost", "the name that the server greets with: the one of its A and PTR records"),
    ("TLS_CERTIFICATE", "self-signed", "PEM files: the chain, and its key"),
    ("TLS_KEY", "self-signed", "PEM files: the chain, and its key"),
    ("TLS_CLIENT_CA", "none", "PEM file: who certifies mail programs, which then may sign in by certificate"),
    ("MESSAGE_BYTES", "52428800", "octets of a message at most"),
    (
        "MESSAGE_LIMIT",
        "0",
        (
            "messages that one command of IMAP may be about (RFC 9738); 0: as many as there are. Programs "
            "that do not know of it see only the newest of larger folders: leave it off, or above every "
            "folder, where you don't know them"
        ),
    ),
    ("PROCESSES", "the cores (containers: 2)", "worker processes of each service"),
    ("DNS", "the machine's", "name servers to ask, such as 192.0.2.53 192.0.2.54:5353"),
    ("WEB_HOSTS", "localhost 127.0.0.1 [::1]", "names under which the dashboard may be called"),
    ("WEB_HTTPS", "no", "yes once a web server with HTTPS stands before the dashboard"),
    (
        "PROXY_FROM",
        "none",
        "networks of balancers that speak for clients (PROXY protocol; of the web, X-Forwarded-For)",
    ),
    ("LOG_LEVEL", "info", "debug, info, warning or error"),
    ("SWEEP_SECONDS", "5", "seconds between two sweeps of the outgoing queue"),
    ("WEBHOOKS_PRIVATE", "no", "yes: webhooks may go to private addresses and to this machine"),
    ("OUTGOING_CONNECTIONS", "500", "connections to other hosts' mail servers at most, of all workers together"),
    ("REMOTE_SMTP_PORT", "25", "the port of other hosts' mail servers, for trials"),
    ("REMOTE_HTTPS_PORT", "443", "the port of hosts that have MTA-STS policies, for trials"),
    ("API_PER_MINUTE", "6000", "requests to the REST API that one token may make in a minute"),
    ("OIDC_ISSUER", "none", _ISSUER),
    ("OIDC_CLIENT_ID", "none", _CLIENT),
    ("OIDC_CLIENT_SECRET", "none", _CLIENT),
    ("OIDC_NAME", "the issuer's host", "as the button calls it"),
    ("LISTEN", "0.0.0.0 (make run: 127.0.0.1)", "the address that the services bind"),
    ("SPOOL", "the system's", "folder for large messages while they arrive"),
    ("DATABASE_URL", "made for you", "PostgreSQL 15 or later: postgresql://user@host:5432/name"),
    ("DATABASE_PASSWORD", "made for you", "PostgreSQL 15 or later: postgresql://user@host:5432/name"),
    ("REDIS_URL", "made for you", "Redis: redis://host:6379/0"),
    ("REDIS_PASSWORD", "made for you", "Redis: redis://host:6379/0"),
    (
        "SECRET_KEY",
        "made for you",
        "root of sessions and keyed digests, and seals the secrets in the database: keep it secret, keep it",
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
