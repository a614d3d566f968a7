"""The verbs of signing in: app passwords, issuers of tokens, and lifting a block; as in actions.py."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext

from mailservices.mail import passwords, scram, sealing
from mailservices.mail.vocabulary import Protocol
from webadmin.audit.changes import change, create
from webadmin.audit.record import Actor, record
from webadmin.directory.models import Account, AppPassword, Issuer
from webadmin.directory.networks import checked
from webadmin.engine import Block, blocks, lift
from webadmin.scope import Right, must, own_or, reaches_all, verb, visible

#: App passwords of one account.
APP_PASSWORDS = 50
#: What `change_issuer` may be told, beside the secret.
CHANGEABLE = frozenset({"audience", "jwks_url", "introspection_url", "client_id", "claim", "active"})


# App passwords


@verb(Right.OWN)
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
        readable: keep the text, sealed, so that CRAM-MD5 and APOP are possible with it.
    """
    own_or(actor, account, Right.MANAGE)
    label = label.strip()
    if not label:
        raise ValidationError({"label": gettext("A label tells which program it is for.")})
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError({"expires_at": gettext("That is past.")})
    # Two requests side by side wait for each other here.
    if Account.objects.select_for_update().get(pk=account.pk).app_passwords.count() >= APP_PASSWORDS:
        raise ValidationError(
            gettext("An account has at most {app_passwords} app passwords: revoke some.").format(
                app_passwords=APP_PASSWORDS
            )
        )
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
        networks=checked(networks),
        expires_at=expires_at,
    )
    after = {"label": label, "protocols": app.protocols, "networks": app.networks, "readable": readable}
    record(actor, "create app password", account.address, after=after)
    return app, text


@verb(Right.OWN)
def revoke_app_password(actor: Actor, app: AppPassword) -> None:
    """It is good for nothing any more; sessions that were begun with it go on."""
    own_or(actor, app.account, Right.RESET)
    record(actor, "revoke app password", app.account.address, before={"label": app.label})
    app.delete()


def _protocols(names: Iterable[str]) -> list[str]:
    chosen = set(names)
    if not chosen or not chosen <= set(Protocol):
        raise ValidationError(
            {"protocols": gettext("Choose at least one of {listed}.").format(listed=", ".join(Protocol))}
        )
    return [name.value for name in Protocol if name in chosen]


# Issuers of tokens


@verb(Right.OPERATE)
def create_issuer(actor: Actor, issuer: str, audience: str, *, client_secret: str = "", **more: Any) -> Issuer:
    """Let people sign in by this issuer's tokens (OAUTHBEARER, XOAUTH2)."""
    values = {"issuer": issuer.strip(), "audience": audience.strip(), **_told(more)}
    if Issuer.objects.filter(issuer=values["issuer"]).exists():
        raise ValidationError({"issuer": gettext("That issuer is here already.")})
    _check_issuer(values, has_secret=bool(client_secret))
    row = create(Issuer, **values, client_secret=_sealed(values["issuer"], client_secret))
    record(actor, "create token issuer", row.issuer, after=values)
    return row


@verb(Right.OPERATE)
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


@verb(Right.OPERATE)
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
            wrong[name] = gettext("An address that begins with https://, or with http:// on this machine.")
    if not values["audience"]:
        wrong["audience"] = gettext(
            "Whom tokens are made for: without it any service's tokens would be good here."
        )
    asks = bool(values.get("introspection_url"))
    if bool(values.get("jwks_url")) == asks:
        wrong["jwks_url"] = gettext("Either the address of its keys, or the address at which it is asked.")
    if asks and not (values.get("client_id") and has_secret):
        wrong["client_id"] = gettext("To ask it, a name and a secret are needed.")
    if not values.get("claim", "email"):
        wrong["claim"] = gettext("The claim that holds the address, such as email.")
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


def blocks_for(who: Actor) -> list[Block]:
    """Who is turned away just now: all, or those of the accounts within reach. Raises RedisError."""
    found = blocks()
    if reaches_all(who):
        return found
    names = [block.what for block in found if block.limit == "account"]
    own = set(visible(who, Account).filter(address__in=names).values_list("address", flat=True))
    return [block for block in found if block.limit == "account" and block.what in own]


@verb(Right.RESET)
def lift_block(actor: Actor, block: Block) -> None:
    """Let an account, an address or a network try again at once."""
    if block.limit != "account" or not visible(actor, Account).filter(address=block.what).exists():
        must(actor, Right.OPERATE)
    record(actor, "lift block", f"{block.limit} {block.what}", before={"why": block.why})
    lift(block)
