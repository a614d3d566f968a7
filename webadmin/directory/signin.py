"""The verbs of signing in: app passwords, issuers of tokens, and lifting a block; as in actions.py."""

import ipaddress
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from mailservices.mail import passwords, scram, sealing
from mailservices.mail.vocabulary import Protocol
from webadmin.audit.changes import change, create
from webadmin.audit.record import Actor, record
from webadmin.directory.models import Account, AppPassword, Issuer
from webadmin.engine import Block, lift

#: App passwords of one account, and networks of one of them.
APP_PASSWORDS = 50
NETWORKS = 20
#: What `change_issuer` may be told, beside the secret.
CHANGEABLE = frozenset({"audience", "jwks_url", "introspection_url", "client_id", "claim", "active"})


# App passwords


@transaction.atomic
def create_app_password(
    actor: Actor,
    account: Account,
    label: str,
    protocols: Iterable[str] = tuple(Protocol),
    networks: Iterable[str] = (),
    expires_at: datetime | None = None,
    *,
    readable: bool = False,
) -> tuple[AppPassword, str]:
    """A random password for one program, and its text, which cannot be had again.

    Args:
        readable: keep the text, sealed, so that CRAM-MD5 is possible with it.
    """
    label = label.strip()
    if not label:
        raise ValidationError({"label": "A label tells which program it is for."})
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError({"expires_at": "That is past."})
    # Two requests side by side wait for each other here.
    if Account.objects.select_for_update().get(pk=account.pk).app_passwords.count() >= APP_PASSWORDS:
        raise ValidationError(f"An account has at most {APP_PASSWORDS} app passwords: revoke some.")
    text, key = passwords.invent(), settings.CONFIG.sealing_key
    digest = passwords.app_digest(settings.CONFIG.digest_key, text)
    keys = scram.derive(text, scram.ITERATIONS_RANDOM)
    app = create(
        AppPassword,
        account=account,
        label=label,
        digest=digest,
        scram=scram.seal(key, keys, scram.app_password_context(digest)),
        secret=sealing.seal(key, text.encode(), passwords.app_context(digest)) if readable else None,
        protocols=_protocols(protocols),
        networks=_networks(networks),
        expires_at=expires_at,
    )
    after = {"label": label, "protocols": app.protocols, "networks": app.networks, "readable": readable}
    record(actor, "create app password", account.address, after=after)
    return app, text


@transaction.atomic
def revoke_app_password(actor: Actor, app: AppPassword) -> None:
    """It is good for nothing any more; sessions that were begun with it go on."""
    record(actor, "revoke app password", app.account.address, before={"label": app.label})
    app.delete()


def _protocols(names: Iterable[str]) -> list[str]:
    chosen = set(names)
    if not chosen or not chosen <= set(Protocol):
        raise ValidationError({"protocols": f"Choose at least one of {', '.join(Protocol)}."})
    return [name.value for name in Protocol if name in chosen]


def _networks(texts: Iterable[str]) -> list[str]:
    found = []
    for text in texts:
        try:
            found.append(str(ipaddress.ip_network(text.strip(), strict=False)))
        except ValueError as error:
            raise ValidationError(
                {"networks": f"{text.strip()}: such as 192.0.2.0/24 or 2001:db8::/32."}
            ) from error
    if len(found) > NETWORKS:
        raise ValidationError({"networks": f"At most {NETWORKS} networks."})
    return found


# Issuers of tokens


@transaction.atomic
def create_issuer(actor: Actor, issuer: str, audience: str, *, client_secret: str = "", **more: Any) -> Issuer:
    """Let people sign in by this issuer's tokens (OAUTHBEARER, XOAUTH2)."""
    values = {"issuer": issuer.strip(), "audience": audience.strip(), **_told(more)}
    if Issuer.objects.filter(issuer=values["issuer"]).exists():
        raise ValidationError({"issuer": "That issuer is here already."})
    _check_issuer(values, has_secret=bool(client_secret))
    row = create(Issuer, **values, client_secret=_sealed(values["issuer"], client_secret))
    record(actor, "create token issuer", row.issuer, after=values)
    return row


@transaction.atomic
def change_issuer(actor: Actor, issuer: Issuer, *, client_secret: str = "", **changes: Any) -> Issuer:
    """Change what is named; the secret where one is given."""
    changes = _told(changes)
    kept = {name: getattr(issuer, name) for name in CHANGEABLE}
    has_secret = bool(client_secret or issuer.client_secret)
    _check_issuer({"issuer": issuer.issuer, **kept, **changes}, has_secret=has_secret)
    if client_secret:
        issuer.client_secret = _sealed(issuer.issuer, client_secret)
        issuer.save(update_fields=["client_secret"])
        record(actor, "change token issuer's secret", issuer.issuer)
    return change(actor, "change token issuer", issuer, changes)


@transaction.atomic
def delete_issuer(actor: Actor, issuer: Issuer) -> None:
    """Its tokens are good for nothing any more."""
    record(actor, "delete token issuer", issuer.issuer)
    issuer.delete()


def _told(values: dict[str, Any]) -> dict[str, Any]:
    unknown = values.keys() - CHANGEABLE
    if unknown:
        raise TypeError(f"not known: {', '.join(sorted(unknown))}")
    return {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}


def _check_issuer(values: dict[str, Any], *, has_secret: bool) -> None:
    wrong = {}
    for name in ("issuer", "jwks_url", "introspection_url"):
        if (name == "issuer" or values.get(name)) and not _is_url(values[name]):
            wrong[name] = "An address that begins with https://, or with http:// on this machine."
    if not values["audience"]:
        wrong["audience"] = "Whom tokens are made for: without it any service's tokens would be good here."
    asks = bool(values.get("introspection_url"))
    if bool(values.get("jwks_url")) == asks:
        wrong["jwks_url"] = "Either the address of its keys, or the address at which it is asked."
    if asks and not (values.get("client_id") and has_secret):
        wrong["client_id"] = "To ask it, a name and a secret are needed."
    if not values.get("claim", "email"):
        wrong["claim"] = "The claim that holds the address, such as email."
    if wrong:
        raise ValidationError(wrong)


def _is_url(text: str) -> bool:
    """RFC 7662 §4 and RFC 7517 want TLS; this very machine needs none."""
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    near = url.scheme == "http" and url.hostname in ("localhost", "127.0.0.1", "::1")
    return bool(url.hostname) and (url.scheme == "https" or near)


def _sealed(issuer: str, secret: str) -> bytes | None:
    if not secret:
        return None
    return sealing.seal(settings.CONFIG.sealing_key, secret.encode(), sealing.issuer_context(issuer))


# Blocks


@transaction.atomic
def lift_block(actor: Actor, block: Block) -> None:
    """Let an account, an address or a network try again at once."""
    record(actor, "lift block", f"{block.limit} {block.what}", before={"why": block.why})
    lift(block)
