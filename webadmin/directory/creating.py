"""Many accounts at once: each row by itself good or not, those that are good in one transaction."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext

from mailservices.mail import passwords, scram
from mailservices.mail.address import parse
from mailservices.mail.errors import ProtocolError
from mailservices.mail.vocabulary import CATCH_ALL, FIRST_FOLDERS, WILDCARD
from webadmin.audit.record import Actor, record_many
from webadmin.directory.models import Account, Address, Domain
from webadmin.directory.tenants import hold_to_limits
from webadmin.scope import Right, verb, visible

#: Rows of one request, and how many of them may bring a password that is yet to be hashed (about 60 ms each).
ROWS = 10_000
PLAIN = 1_000
#: Rows of one INSERT.
BATCH = 2_000
#: A dozen rows for each account: made where they go, which takes a tenth of the time that the ORM needs for them.
FOLDERS = (
    "INSERT INTO mail_usage (account_id) SELECT unnest(%(accounts)s::bigint[])",
    """INSERT INTO mail_mailbox (account_id, name, special_use)
       SELECT account, name, role FROM unnest(%(accounts)s::bigint[]) account,
              unnest(%(names)s::text[], %(roles)s::text[]) folder (name, role)""",
    """INSERT INTO mail_subscription (account_id, name)
       SELECT account, name FROM unnest(%(accounts)s::bigint[]) account, unnest(%(names)s::text[]) name""",
)
#: What a row may have.
FIELDS = frozenset({"address", "password", "password_hash", "display_name", "quota_bytes"})
NAME_CHARACTERS = 200


@dataclass(slots=True)
class Outcome:
    """What became of one row: an account, or what is wrong with it, by field."""

    address: str
    id: int | None = None
    errors: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class _Row:
    outcome: Outcome
    domain: Domain
    local: str
    values: Mapping[str, Any]
    password: str = ""
    scram: bytes | None = None

    @property
    def address(self) -> str:
        return f"{self.local}@{self.domain.name}"


@verb(Right.MANAGE)
def create_accounts(actor: Actor, rows: Sequence[Mapping[str, Any]]) -> list[Outcome]:
    """Create an account for each row that is good; what became of each, in their order.

    A row has address, password or password_hash (Argon2), and may have display_name and quota_bytes.

    Raises:
        ValidationError: there are too many rows, or they are more than a tenant may have; nothing is done.
    """
    if len(rows) > ROWS:
        raise ValidationError(gettext("At most {rows} accounts at once.").format(rows=ROWS))
    if sum(1 for row in rows if row.get("password")) > PLAIN:
        raise ValidationError(
            gettext("At most {plain} accounts with passwords at once: bring password_hash instead.").format(
                plain=PLAIN
            )
        )
    outcomes = [Outcome(str(row.get("address", ""))) for row in rows]
    domains = {domain.name: domain for domain in visible(actor, Domain).filter(alias_of=None)}
    good = [one for one in map(_checked(domains), rows, outcomes) if one is not None]
    good = _untaken(good)
    with ThreadPoolExecutor() as pool:
        list(pool.map(_hash, good))
    good = [row for row in good if not row.outcome.errors]
    try:
        with transaction.atomic():
            _insert(good)
    except IntegrityError as error:
        raise ValidationError(gettext("Somebody else has just made one of them: try again.")) from error
    for domain in {row.domain.pk: row.domain for row in good}.values():
        hold_to_limits(domain)
    told = ((row.address, {"quota_bytes": row.values.get("quota_bytes")}) for row in good)
    record_many(actor, "create account", told)
    return outcomes


def _checked(domains: Mapping[str, Domain]) -> Any:
    """Makes a row of what is told; None where something is wrong, which its outcome then says."""

    def check(values: Mapping[str, Any], outcome: Outcome) -> _Row | None:
        errors = _wrong(values)
        domain = local = None
        try:
            parsed = parse(outcome.address.strip())
        except ProtocolError as error:
            errors["address"] = [str(error)]
        else:
            domain, local = domains.get(parsed.domain), parsed.key
            if domain is None:
                errors["address"] = [
                    gettext("{domain} is not a domain of this appliance: create it first.").format(
                        domain=parsed.domain
                    )
                ]
            elif local == CATCH_ALL or WILDCARD in local:
                errors["address"] = [gettext("An account needs a name before the @, and no asterisk.")]
        outcome.errors |= errors
        return None if errors or domain is None or local is None else _Row(outcome, domain, local, values)

    return check


def _wrong(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Field -> sentences; of everything but the address."""
    errors: dict[str, list[str]] = {}
    for name in sorted(values.keys() - FIELDS):
        errors[name] = [gettext("No field of an account here.")]
    name = values.get("display_name") or ""
    if not isinstance(name, str) or len(name) > NAME_CHARACTERS or "\0" in name:
        errors["display_name"] = [
            gettext("A text of at most {name_characters} characters.").format(name_characters=NAME_CHARACTERS)
        ]
    quota = values.get("quota_bytes")
    if quota is not None and (type(quota) is not int or not 0 < quota < 2**62):
        errors["quota_bytes"] = [gettext("A positive number of octets, or nothing for no limit.")]
    password, ready = values.get("password") or "", values.get("password_hash") or ""
    if not isinstance(password, str) or not isinstance(ready, str) or bool(password) == bool(ready):
        errors["password"] = [gettext("Name password or password_hash.")]
    elif len(password.encode("utf-8", "surrogatepass")) > passwords.OCTETS or "\0" in password:
        errors["password"] = [
            gettext("A password has at most {octets} octets, none of them NUL.").format(octets=passwords.OCTETS)
        ]
    return errors


def _untaken(rows: list[_Row]) -> list[_Row]:
    """Those whose addresses nobody has, neither here nor further above."""
    wanted: dict[int, set[str]] = {}
    for row in rows:
        wanted.setdefault(row.domain.pk, set()).add(row.local)
    taken = {
        (domain, local)
        for domain, locals_ in wanted.items()
        for local in Address.objects.filter(domain=domain, local_part__in=locals_).values_list(
            "local_part", flat=True
        )
    }
    free = []
    for row in rows:
        key = (row.domain.pk, row.local)
        if key in taken:
            row.outcome.errors["address"] = [gettext("{address} is taken.").format(address=row.address)]
        else:
            taken.add(key)
            free.append(row)
    return free


def _hash(row: _Row) -> None:
    password = row.values.get("password")
    if not password:
        try:
            row.password = passwords.adopt(row.values["password_hash"])
        except ValueError as error:
            row.outcome.errors["password_hash"] = [str(error)]
        return
    row.password = passwords.make(password)
    context = scram.account_context(row.address)
    row.scram = scram.seal(settings.CONFIG.sealing_key, scram.derive(password), context)


def _insert(rows: list[_Row]) -> None:
    accounts = Account.objects.bulk_create(
        [
            Account(
                domain=row.domain, address=row.address, password=row.password,
                display_name=(row.values.get("display_name") or "").strip(),
                scram=row.scram, quota_bytes=row.values.get("quota_bytes"),
            )
            for row in rows
        ],
        batch_size=BATCH,
    )  # fmt: skip
    for row, account in zip(rows, accounts, strict=True):
        row.outcome.id = account.pk
    pairs = list(zip(rows, accounts, strict=True))
    Address.objects.bulk_create(
        [Address(domain=row.domain, local_part=row.local, account=account) for row, account in pairs], BATCH
    )
    told: dict[str, list[Any]] = {
        "accounts": [account.pk for account in accounts],
        "names": [name for name, _ in FIRST_FOLDERS],
        "roles": [role or "" for _, role in FIRST_FOLDERS],
    }
    with connection.cursor() as cursor:
        for statement in FOLDERS:
            cursor.execute(statement, told)
