"""Declarative provisioning: domains, accounts and aliases become what a document says, in one transaction.

The document is {"domains": [...], "accounts": [...], "aliases": [...]}; a section that it lacks is left alone, and
so is a field that a row lacks. Twice is once. What is there but not in the document stays, unless `prune` is asked
for: then accounts and aliases of the document's domains go that it does not name. Domains are deleted by hand.

Rows are compared here without the framework's serializers: fifty thousand unchanged accounts take seconds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from mailservices.mail import passwords
from mailservices.mail.address import parse
from mailservices.mail.errors import ProtocolError
from webadmin.audit.record import Actor
from webadmin.directory import actions, aliases, creating
from webadmin.directory.document import ACCOUNT_FIELDS, ALIAS_FIELDS, DOMAIN_FIELDS, Row, Troubles, moment, read
from webadmin.directory.models import Account, Address, Domain
from webadmin.scope import Right, verb, visible


@dataclass(slots=True)
class Change:
    """What is, or would be, done to one thing: create, change or delete."""

    kind: str
    name: str
    what: str
    before: Row = field(default_factory=dict)
    after: Row = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """The changes in their order, how much is as it should be, and what is there beside it."""

    changes: list[Change] = field(default_factory=list)
    unchanged: int = 0
    extra: list[str] = field(default_factory=list)

    def told(self) -> Row:
        return asdict(self)


@verb(Right.MANAGE)
def apply(actor: Actor, document: Mapping[str, Any], *, prune: bool = False, dry_run: bool = False) -> Outcome:
    """Let it be as the document says; with `dry_run`, only say what would be done.

    Raises:
        ValidationError: for each row that is wrong, what is; nothing is done.
    """
    wanted, troubles, outcome = read(document), Troubles(), Outcome()
    with transaction.atomic():
        domains = _domains(actor, wanted["domains"], troubles, outcome)
        accounts = _accounts(actor, wanted["accounts"], set(wanted["domains"]), troubles, outcome)
        leading = _aliases(actor, wanted["aliases"], set(wanted["domains"]), troubles, outcome)
        troubles.settle()
        if "domains" in document:
            _extra(actor, set(wanted["domains"]), accounts, leading, outcome, document, prune=prune)
        _lead(actor, domains, wanted["domains"], troubles, outcome)
        troubles.settle()
        transaction.set_rollback(dry_run)
    return outcome


# Domains


def _domains(actor: Actor, wanted: dict[str, Row], troubles: Troubles, outcome: Outcome) -> dict[str, Domain]:
    found = {domain.name: domain for domain in visible(actor, Domain).filter(name__in=wanted)}
    for name, row in wanted.items():
        domain = found.get(name)
        told = {key: row[key] for key in row if key != "alias_of"}
        if domain is None:
            domain = troubles.tried(name, partial(actions.create_domain, actor, name))
            if domain is None:
                continue
            found[name] = domain
            outcome.changes.append(Change("domain", name, "create", after=row))
            if told:
                troubles.tried(name, partial(actions.change_domain, actor, domain, **told))
            continue
        differing = _differing(domain, told)
        if not differing and ("alias_of" not in row or row["alias_of"] == _leads_to(domain)):
            outcome.unchanged += 1
        if differing:
            _noted(outcome, "domain", name, domain, differing)
            troubles.tried(name, partial(actions.change_domain, actor, domain, **differing))
    return found


def _leads_to(domain: Domain) -> str | None:
    return domain.alias_of.name if domain.alias_of else None


def _lead(
    actor: Actor, domains: dict[str, Domain], wanted: dict[str, Row], troubles: Troubles, outcome: Outcome
) -> None:
    """Alias domains come last: when they have no addresses of their own any more."""
    for name, row in wanted.items():
        domain = domains[name]
        before, after = _leads_to(domain), row.get("alias_of")
        if "alias_of" not in row or before == after:
            continue
        other = visible(actor, Domain).filter(name=after).first() if after else None
        if after and other is None:
            troubles.add(name, [gettext("There is no domain {after}.").format(after=after)])
            continue
        changed = Change("domain", name, "change", {"alias_of": before}, {"alias_of": after})
        if not any(one.kind == "domain" and one.name == name and one.what == "create" for one in outcome.changes):
            outcome.changes.append(changed)
        troubles.tried(name, partial(actions.change_domain, actor, domain, alias_of=other))


# Accounts


def _accounts(
    actor: Actor, wanted: dict[str, Row], domains: set[str], troubles: Troubles, outcome: Outcome
) -> set[str]:
    """Those of these domains, and of the rows' own, that no row names."""
    columns = ("pk", "address", "password", *ACCOUNT_FIELDS)
    domains = domains | {name.rpartition("@")[2] for name in wanted}
    reached = visible(actor, Account).filter(deleted_at__isnull=True, domain__name__in=domains)
    found = {row["address"]: row for row in reached.values(*columns)}
    new: list[tuple[str, Row]] = []
    for name, row in wanted.items():
        there = found.get(name)
        if there is None:
            new.append((name, row))
            continue
        differing = {key: row[key] for key in ACCOUNT_FIELDS if key in row and row[key] != there[key]}
        ready = _ready(row, name, troubles)
        if ready and ready != there["password"]:
            differing["password_hash"] = ready
        if not differing:
            outcome.unchanged += 1
            continue
        account = Account.objects.select_related("domain").get(pk=there["pk"])
        _noted(outcome, "account", name, account, differing)
        _change_account(actor, account, differing, troubles)
    if new:
        _new_accounts(actor, new, troubles, outcome)
    return found.keys() - wanted.keys()


def _ready(row: Row, name: str, troubles: Troubles) -> str:
    """The hash that the document brings, as it is kept; empty: none."""
    if not row.get("password_hash"):
        return ""
    try:
        return passwords.adopt(row["password_hash"])
    except ValueError as error:
        troubles.add(name, [str(error)])
        return ""


def _change_account(actor: Actor, account: Account, differing: Row, troubles: Troubles) -> None:
    told = {key: value for key, value in differing.items() if key != "password_hash"}
    if "password_hash" in differing:
        actions.adopt_password(actor, account, differing["password_hash"])
    if told:
        troubles.tried(account.address, partial(actions.change_account, actor, account, **told))


def _new_accounts(actor: Actor, new: list[tuple[str, Row]], troubles: Troubles, outcome: Outcome) -> None:
    later = ("quota_messages", "active", *actions.SENDING)
    rows = [{"address": name, **{key: row[key] for key in row if key in creating.FIELDS}} for name, row in new]
    made: list[creating.Outcome] = []
    for start in range(0, len(rows), creating.ROWS):
        part = rows[start : start + creating.ROWS]
        made += troubles.tried("accounts", partial(creating.create_accounts, actor, part)) or []
    for (name, row), one in zip(new, made, strict=False):
        for key, sentences in one.errors.items():
            troubles.add(f"{name}: {key}", sentences)
        shown = {key: value for key, value in row.items() if key not in ("password", "password_hash")}
        outcome.changes.append(Change("account", name, "create", after=shown))
        more = {key: row[key] for key in later if key in row}
        if one.id is not None and more:
            account = Account.objects.select_related("domain").get(pk=one.id)
            troubles.tried(name, partial(actions.change_account, actor, account, **more))


# Aliases


def _aliases(
    actor: Actor, wanted: dict[str, Row], domains: set[str], troubles: Troubles, outcome: Outcome
) -> dict[str, Address]:
    """Those of these domains, and of the rows' own, that no row names."""
    domains = domains | {name.rpartition("@")[2] for name in wanted}
    reached = visible(actor, Address).filter(account__isnull=True, domain__name__in=domains)
    found = {
        str(alias): alias for alias in reached.select_related("domain").prefetch_related("targets", "posters")
    }
    for name, row in wanted.items():
        told = {**row, "expires_at": moment(row["expires_at"])} if row.get("expires_at") else dict(row)
        alias = found.get(name)
        if alias is None:
            targets = told.pop("targets", [])
            troubles.tried(name, partial(aliases.create_alias, actor, name, targets, **told))
            outcome.changes.append(Change("alias", name, "create", after=row))
            continue
        differing = {key: value for key, value in told.items() if value != _of_alias(alias, key, value)}
        if not differing:
            outcome.unchanged += 1
            continue
        before = {key: _plain(_of_alias(alias, key, None)) for key in differing}
        after = {key: _plain(value) for key, value in differing.items()}
        outcome.changes.append(Change("alias", name, "change", before, after))
        troubles.tried(name, partial(aliases.change_alias, actor, alias, **differing))
    return {name: alias for name, alias in found.items() if name not in wanted}


def _of_alias(alias: Address, key: str, wanted: Any) -> Any:
    """What it is now; lists in the order of what is wanted, where they hold the same."""
    if key not in ("targets", "posters"):
        return getattr(alias, key)
    now = sorted(row.address for row in getattr(alias, key).all())
    same = wanted is not None and now == sorted({_address(one) for one in wanted})
    return wanted if same else now


def _address(text: str) -> str:
    try:
        parsed = parse(text.strip())
    except ProtocolError:
        return text
    return f"{parsed.local}@{parsed.domain}"


# What is there beside it


def _extra(
    actor: Actor, domains: set[str], accounts: Iterable[str], leading: Mapping[str, Address], outcome: Outcome,
    document: Mapping[str, Any], *, prune: bool,
) -> None:  # fmt: skip
    """Accounts and aliases of the document's domains that it does not name: told, or deleted."""
    beside: list[tuple[str, str]] = []
    if "aliases" in document:
        beside += [("alias", name) for name in sorted(leading) if name.rpartition("@")[2] in domains]
    if "accounts" in document:
        beside += [("account", name) for name in sorted(accounts) if name.rpartition("@")[2] in domains]
    if not prune:
        outcome.extra = [name for _, name in beside]
        return
    for kind, name in beside:
        outcome.changes.append(Change(kind, name, "delete"))
        if kind == "alias":
            aliases.delete_alias(actor, leading[name])
        else:
            actions.delete_account(actor, Account.objects.get(address=name, deleted_at__isnull=True))


def now(who: Actor) -> dict[str, list[Row]]:
    """What is there, as a document; without passwords."""
    domains = visible(who, Domain).select_related("alias_of").order_by("name")
    accounts = visible(who, Account).filter(deleted_at__isnull=True).order_by("address")
    leading = visible(who, Address).filter(account__isnull=True).select_related("domain")
    return {
        "domains": [
            {"name": one.name, **{key: getattr(one, key) for key in DOMAIN_FIELDS}, "alias_of": _leads_to(one)}
            for one in domains
        ],
        "accounts": list(accounts.values("address", *ACCOUNT_FIELDS)),
        "aliases": [
            {"address": str(one), **{key: _plain(_of_alias(one, key, None)) for key in ALIAS_FIELDS}}
            for one in leading.prefetch_related("targets", "posters")
        ],
    }


# What they share


def _differing(row: Any, told: Row) -> Row:
    return {key: value for key, value in told.items() if getattr(row, key) != value}


def _noted(outcome: Outcome, kind: str, name: str, row: Any, differing: Row) -> None:
    """With what was before; of a password only that it is another."""
    before = {key: _plain(getattr(row, key)) for key in differing if key != "password_hash"}
    after = {key: _plain(value) if key != "password_hash" else "another" for key, value in differing.items()}
    outcome.changes.append(Change(kind, name, "change", before, after))


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
