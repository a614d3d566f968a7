"""Configuration: read from the environment once, frozen, and wrong means no start.

Every variable is called FACTEUR_NAME; a secret may instead lie in the file that FACTEUR_NAME_FILE names.
What an administrator changes while the appliance runs lives in the database, not here.
docs/operating.md has the table for operators.
"""

import ipaddress
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, urlsplit

from mailservices.mail import sealing

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PREFIX = "FACTEUR_"
#: sysexits.h EX_CONFIG: a supervisor need not try again.
EXIT_CONFIGURATION = 78

#: The high ports that every way to run uses; compose and packet filters map 25, 143 ... to them.
PORTS = {
    "web": 8080,
    "smtp": 2525,
    "submission": 2587,
    "submissions": 2465,
    "lmtp": 2024,
    "imap": 2143,
    "imaps": 2993,
    "pop3": 2110,
    "pop3s": 2995,
    "pop2": 2109,
    "smtp_health": 9025,
    "imap_health": 9143,
    "pop3_health": 9110,
    "worker_health": 9001,
    "beat_health": 9002,
}


class ConfigError(Exception):
    """One clear sentence for the operator."""


class Environment:
    """Typed readers over environment variables. Each returns the value or raises ConfigError."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def text(self, name: str, default: str | None = None) -> str:
        value = self._variables.get(PREFIX + name, "").strip()
        if value:
            return value
        if default is None:
            raise ConfigError(f"{PREFIX}{name} is not set.")
        return default

    def number(self, name: str, default: int, least: int = 0, most: int = 2**31) -> int:
        value = self.text(name, str(default))
        if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
            raise ConfigError(f"{PREFIX}{name} must be a whole number from {least} to {most}, not {value!r}.")
        return int(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self.text(name, "yes" if default else "no").lower()
        if value not in ("yes", "no"):
            raise ConfigError(f"{PREFIX}{name} must be yes or no, not {value!r}.")
        return value == "yes"

    def secret(self, name: str, default: str | None = None) -> str:
        """NAME itself, or the first line of the file in NAME_FILE."""
        path = self._variables.get(PREFIX + name + "_FILE", "").strip()
        if not path:
            return self.text(name, default)
        try:
            value = Path(path).read_text(encoding="utf-8").partition("\n")[0].strip()
        except OSError as error:
            raise ConfigError(f"{PREFIX}{name}_FILE cannot be read: {path}: {error.strerror}.") from error
        if not value:
            raise ConfigError(f"{PREFIX}{name}_FILE is empty: {path}.")
        return value

    def words(self, name: str, default: str = "") -> tuple[str, ...]:
        return tuple(self.text(name, default or " ").replace(",", " ").split())


@dataclass(frozen=True, slots=True)
class Database:
    """Where PostgreSQL is."""

    host: str
    port: int
    user: str
    name: str
    password: str


@dataclass(frozen=True, slots=True)
class Oidc:
    """The identity provider by which administrators may sign in (OpenID Connect)."""

    issuer: str
    client_id: str
    client_secret: str
    #: As the button calls it.
    name: str


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a process of Facteur needs to know before it can ask the database."""

    #: The name this host greets with and stamps on trace fields (RFC 5321 §4.1.1.1).
    hostname: str
    database: Database
    redis_url: str
    #: Root of every keyed digest, and Django's key.
    secret_key: str
    #: Seals the secrets that lie in the database (mail/sealing.py).
    sealing_key: bytes
    #: What sealed everything before (`reseal`), and still finds app passwords; None where there is none.
    former_secret_key: str | None
    former_digest_key: bytes | None
    #: Proves that a rewritten sender was made here (mail/srs.py).
    srs_key: bytes
    #: Finds app passwords by their digests, and makes the salts of names that nobody has.
    digest_key: bytes
    #: PEM files; None where no server of this process speaks TLS.
    tls_certificate: Path | None
    tls_key: Path | None
    #: PEM file of those who certify clients, who then may sign in by certificate.
    tls_client_ca: Path | None
    #: Address that the servers bind.
    listen: str
    ports: Mapping[str, int]
    #: How POP2 is spoken: "off" (its port is then not among them), "tls", or "loopback", for this machine alone.
    pop2: str
    #: Worker processes of each service.
    processes: int
    #: Octets; announced as SIZE and APPENDLIMIT, checked while reading.
    message_bytes: int
    #: Messages that one command of IMAP may be about (RFC 9738); 0: as many as there are.
    message_limit: int
    #: DNS servers as (address, port); empty means those of /etc/resolv.conf.
    dns: tuple[tuple[str, int], ...]
    #: Connections to other hosts' mail servers at most, of all workers together.
    outgoing_connections: int
    #: The port on which other hosts' mail servers listen: 25, but for tests.
    remote_smtp_port: int
    #: Likewise of the hosts of MTA-STS policies: 443.
    remote_https_port: int
    #: Whether webhooks may go to private addresses, and this machine's own.
    webhooks_private: bool
    #: Folder for messages too large to be held in memory while they arrive; None: the system's.
    spool: Path | None
    #: Names and networks under which the web may be called.
    web_hosts: tuple[str, ...]
    #: Whether cookies insist on HTTPS.
    web_https: bool
    #: Requests to the REST API that one token may make in a minute.
    api_per_minute: int
    #: None where nobody signs in by an identity provider.
    oidc: Oidc | None
    #: Seconds between two sweeps of the queue.
    sweep_seconds: int
    #: Balancers that speak for clients by the PROXY protocol.
    proxy_from: tuple[Network, ...]
    log_level: str


def _database(env: Environment) -> Database:
    url = urlsplit(env.text("DATABASE_URL"))
    try:
        port = url.port or 5432
    except ValueError:
        port = 0
    if url.scheme not in ("postgresql", "postgres") or not url.hostname or not url.path.strip("/") or not port:
        raise ConfigError(f"{PREFIX}DATABASE_URL must look like postgresql://user@host:5432/name.")
    return Database(
        url.hostname, port, url.username or "facteur", url.path.strip("/"), env.secret("DATABASE_PASSWORD")
    )


def _oidc(env: Environment) -> Oidc | None:
    issuer = env.text("OIDC_ISSUER", "")
    if not issuer:
        return None
    url = urlsplit(issuer)
    near = url.scheme == "http" and url.hostname in ("localhost", "127.0.0.1", "::1")
    if not url.hostname or not (url.scheme == "https" or near):
        raise ConfigError(f"{PREFIX}OIDC_ISSUER must begin with https://, or with http:// on this machine.")
    return Oidc(
        issuer, env.text("OIDC_CLIENT_ID"), env.secret("OIDC_CLIENT_SECRET"), env.text("OIDC_NAME", url.hostname)
    )


def _redis_url(env: Environment) -> str:
    text = env.text("REDIS_URL")
    url = urlsplit(text)
    if url.scheme not in ("redis", "rediss") or not url.hostname:
        raise ConfigError(f"{PREFIX}REDIS_URL must look like redis://host:6379/0.")
    password = env.secret("REDIS_PASSWORD", "")
    if not password:
        return text
    return url._replace(netloc=f":{quote(password, safe='')}@{url.netloc.rpartition('@')[2]}").geturl()


def _dns(env: Environment) -> tuple[tuple[str, int], ...]:
    servers = []
    for word in env.words("DNS"):
        host, _, port = word.rpartition(":") if word.count(":") == 1 else (word, "", "53")
        if not port.isdigit():
            raise ConfigError(f"{PREFIX}DNS must be addresses such as 192.0.2.1 or 192.0.2.1:5353, not {word!r}.")
        servers.append((host, int(port)))
    return tuple(servers)


def _networks(env: Environment) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(word) for word in env.words("PROXY_FROM"))
    except ValueError as error:
        raise ConfigError(f"{PREFIX}PROXY_FROM must be networks such as 192.0.2.0/24: {error}.") from error


def _path(env: Environment, name: str) -> Path | None:
    text = env.text(name, "")
    return Path(text) if text else None


def read(variables: Mapping[str, str]) -> Config:
    """The configuration that these variables spell.

    Raises:
        ConfigError: with one sentence that names the variable and what it must be.
    """
    env = Environment(variables)
    level = env.text("LOG_LEVEL", "info").lower()
    if level not in ("debug", "info", "warning", "error"):
        raise ConfigError(f"{PREFIX}LOG_LEVEL must be debug, info, warning or error, not {level!r}.")
    pop2 = env.text("POP2", "off").lower()
    if pop2 not in ("off", "tls", "loopback"):
        raise ConfigError(f"{PREFIX}POP2 must be off, tls or loopback, not {pop2!r}.")
    secret_key, former = env.secret("SECRET_KEY"), env.secret("FORMER_SECRET_KEY", "") or None
    return Config(
        hostname=env.text("HOSTNAME", "mail.localhost").lower().rstrip("."),
        database=_database(env),
        redis_url=_redis_url(env),
        secret_key=secret_key,
        sealing_key=sealing.derive(secret_key, b"sealing"),
        former_secret_key=former,
        former_digest_key=sealing.derive(former, b"digests") if former else None,
        srs_key=sealing.derive(secret_key, b"srs"),
        digest_key=sealing.derive(secret_key, b"digests"),
        tls_certificate=_path(env, "TLS_CERTIFICATE"),
        tls_key=_path(env, "TLS_KEY"),
        tls_client_ca=_path(env, "TLS_CLIENT_CA"),
        listen=env.text("LISTEN", "0.0.0.0"),
        ports={
            name: env.number(f"{name.upper()}_PORT", port, 1, 65535)
            for name, port in PORTS.items()
            if name != "pop2" or pop2 != "off"
        },
        pop2=pop2,
        processes=env.number("PROCESSES", os.cpu_count() or 1, 1, 256),
        message_bytes=env.number("MESSAGE_BYTES", 50 * 2**20, 64 * 2**10, 2**30),
        message_limit=env.number("MESSAGE_LIMIT", 0),
        dns=_dns(env),
        outgoing_connections=env.number("OUTGOING_CONNECTIONS", 500, 1, 100_000),
        remote_smtp_port=env.number("REMOTE_SMTP_PORT", 25, 1, 65535),
        remote_https_port=env.number("REMOTE_HTTPS_PORT", 443, 1, 65535),
        webhooks_private=env.flag("WEBHOOKS_PRIVATE", False),
        spool=_path(env, "SPOOL"),
        web_hosts=env.words("WEB_HOSTS", "localhost 127.0.0.1 [::1]"),
        web_https=env.flag("WEB_HTTPS", False),
        api_per_minute=env.number("API_PER_MINUTE", 6000, 1, 10**6),
        oidc=_oidc(env),
        sweep_seconds=env.number("SWEEP_SECONDS", 5, 1, 3600),
        proxy_from=_networks(env),
        log_level=level,
    )


@cache
def load() -> Config:
    """The configuration of this process, read at the first call; a wrong one ends the process."""
    try:
        return read(os.environ)
    except ConfigError as error:
        refuse(str(error))


def refuse(sentence: str) -> NoReturn:
    """End the process for a reason that only the operator can mend."""
    print(f"facteur: {sentence}", file=sys.stderr)  # noqa: T201 - before there is a log
    sys.exit(EXIT_CONFIGURATION)
