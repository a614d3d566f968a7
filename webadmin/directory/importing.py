"""Many accounts from one table (CSV): looked at first, then made, all of them or none.

Passwords are hashed first, some in each step, which takes most of the time; then everything is made in one
transaction. Until then the table is kept sealed.
"""

import base64
import csv
import io
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from mailservices.mail import scram, sealing
from mailservices.mail.vocabulary import CATCH_ALL, FIRST_FOLDERS, WILDCARD
from webadmin.audit.models import Entry
from webadmin.audit.record import Actor, record
from webadmin.directory import actions
from webadmin.directory.models import Account, Address, Domain, Target
from webadmin.directory.tenants import hold_to_limits
from webadmin.jobs.models import PREPARED, Job
from webadmin.jobs.running import set_going
from webadmin.mailstore.models import Mailbox, Subscription, Usage
from webadmin.scope import Right, verb

COLUMNS = ("address", "password", "name", "quota_mb", "aliases")
NEEDED = ("address", "password")
#: Rows of one table, octets of it, and rows whose passwords are hashed in one step.
ROWS = 20_000
OCTETS = 4 * 2**20
AT_ONCE = 40
#: What is said of one table at most.
OBJECTIONS = 200
SEALED_FOR = b"import of accounts"
_MEGABYTE = 10**6


@dataclass
class Row:
    """One account that is to be made; `line` is where it stands in the table."""

    line: int
    address: str
    password: str
    name: str = ""
    quota_bytes: int | None = None
    aliases: list[str] = field(default_factory=list)


def read(text: str) -> tuple[list[Row], list[str]]:
    """The rows, and what cannot be read, by line.

    Raises:
        ValidationError: it is no such table.
    """
    if len(text.encode()) > OCTETS:
        raise ValidationError({"table": gettext("At most {what} MiB.").format(what=OCTETS // 2**20)})
    lines = csv.reader(
        io.StringIO(text.lstrip("\ufeff")), delimiter=";" if ";" in text.partition("\n")[0] else ","
    )
    head = [name.strip().lower() for name in next(lines, [])]
    if missing := [name for name in NEEDED if name not in head]:
        raise ValidationError(
            {
                "table": gettext("The first line names the columns; {listed} is missing.").format(
                    listed=" and ".join(missing)
                )
            }
        )
    if unknown := [name for name in head if name not in COLUMNS]:
        raise ValidationError({"table": gettext("Unknown columns: {listed}.").format(listed=", ".join(unknown))})
    rows: list[Row] = []
    objections: list[str] = []
    for cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(rows) + len(objections) >= ROWS:
            raise ValidationError({"table": gettext("At most {rows} accounts at once.").format(rows=ROWS)})
        told = dict(zip(head, cells, strict=False))
        quota = told.get("quota_mb", "").strip()
        if quota and not (quota.isdigit() and 0 < int(quota) < 2**40):
            objections.append(
                gettext("Line {line_num}: the quota is a number of megabytes.").format(line_num=lines.line_num)
            )
            continue
        octets = int(quota) * _MEGABYTE if quota else None
        aliases = told.get("aliases", "").split()
        rows.append(
            Row(
                lines.line_num,
                told.get("address", "").strip(),
                told.get("password", ""),
                told.get("name", ""),
                octets,
                aliases,
            )
        )
    if not rows and not objections:
        raise ValidationError({"table": gettext("It has no accounts.")})
    return rows, objections


def objections(who: Actor, rows: list[Row]) -> list[str]:
    """What speaks against making these, by line; addresses are put in their normal form by the way."""
    found: list[str] = []
    seen: dict[tuple[int, str], int] = {}
    domains: dict[str, Domain] = {}
    for row in rows:
        try:
            row.address = _claim(who, row, row.address, seen, domains)
            row.aliases = [_claim(who, row, alias, seen, domains) for alias in row.aliases]
            actions.refuse_password(row.password)
        except ValidationError as error:
            found += [
                gettext("Line {line}: {words}").format(line=row.line, words=words) for words in error.messages
            ]
    taken = Address.objects.filter(domain__in={pk for pk, _ in seen}).values_list("domain_id", "local_part")
    for key in {*taken.iterator()} & seen.keys():
        found.append(
            gettext("Line {seen}: {key}@{name} is taken.").format(
                seen=seen[key], key=key[1], name=_name(domains, key[0])
            )
        )
    return found


def _claim(who: Actor, row: Row, text: str, seen: dict[tuple[int, str], int], domains: dict[str, Domain]) -> str:
    """The address in normal form, which no other row may have."""
    name = text.rpartition("@")[2].lower()
    domain, local = actions.local_address(who, text, "address", domains.get(name))
    domains[name] = domain
    if local == CATCH_ALL or WILDCARD in local:
        raise ValidationError(gettext("An account needs a name before the @, and no asterisk."))
    if (before := seen.setdefault((domain.pk, local), row.line)) != row.line:
        raise ValidationError(
            gettext("{local}@{name} stands in line {before}, too.").format(
                local=local, name=domain.name, before=before
            )
        )
    return f"{local}@{domain.name}"


def _name(domains: dict[str, Domain], pk: int) -> str:
    return next(one.name for one in domains.values() if one.pk == pk)


@verb(Right.MANAGE)
def prepare_import(actor: Actor, text: str, back: str = "") -> Job:
    """Look at a table; the job has what speaks against it, and is begun by `begin_import`.

    Raises:
        ValidationError: it is no such table.
    """
    rows, unread = read(text)
    against = [*unread, *objections(actor, rows)]
    Job.objects.filter(kind="import", state=PREPARED, administrator=actor.administrator).delete()
    shown = [
        {"address": row.address, "name": row.name, "quota_bytes": row.quota_bytes, "aliases": row.aliases}
        for row in rows[:50]
    ]
    told = {"sealed": _sealed([asdict(row) for row in rows]), "rows": shown}
    title = gettext("Import of {count} accounts").format(count=len(rows))
    return Job.objects.create(
        kind="import", title=title, administrator=actor.administrator,
        remote_host=actor.remote_host, told=told, total=len(rows), state=PREPARED, errors=against[:OBJECTIONS],
        back=back,
    )  # fmt: skip


@verb(Right.MANAGE)
def begin_import(actor: Actor, job: Job) -> Job:
    """Make what was looked at.

    Raises:
        ValidationError: something speaks against it.
    """
    if job.state != PREPARED or job.kind != "import":
        raise ValidationError(gettext("It has been begun already."))
    if job.errors:
        raise ValidationError(
            gettext("First mend what is wrong with the table: nothing of it is made until then.")
        )
    record(actor, "begin import of accounts", job.title, after={"accounts": job.total})
    return set_going(job)


def step(job: Job, actor: Actor) -> bool:
    """Hash the next passwords; when all are, make the accounts."""
    rows = [Row(**one) for one in _opened(job.told["sealed"])]
    made: list[dict[str, Any]] = _opened(job.at["sealed"]) if job.at else []
    if len(made) < len(rows):
        with ThreadPoolExecutor(2) as pool:
            made += pool.map(_hashed, rows[len(made) : len(made) + AT_ONCE])
        job.at, job.done = {"sealed": _sealed(made)}, len(made)
        return False
    _make(actor, rows, made)
    job.told, job.at = {}, {}
    job.outcome = gettext("{count} accounts are made.").format(count=len(rows))
    return True


def _hashed(row: Row) -> dict[str, Any]:
    keys = scram.seal(settings.CONFIG.sealing_key, scram.derive(row.password), scram.account_context(row.address))
    return {"password": actions.hashed(row.password), "scram": base64.b64encode(keys).decode() if keys else None}


def _make(actor: Actor, rows: list[Row], made: list[dict[str, Any]]) -> None:
    """All of them, in the step's transaction.

    Raises:
        ValidationError: somebody has taken one of the addresses meanwhile.
    """
    if against := objections(actor, rows):
        raise ValidationError(against[:OBJECTIONS])
    domains = {one.name: one for one in Domain.objects.filter(name__in={_domain(row.address) for row in rows})}
    accounts = Account.objects.bulk_create(
        Account(
            domain=domains[_domain(row.address)], address=row.address, display_name=row.name.strip()[:200],
            password=one["password"], scram=base64.b64decode(one["scram"]) if one["scram"] else None,
            quota_bytes=row.quota_bytes,
        )
        for row, one in zip(rows, made, strict=True)
    )  # fmt: skip
    pairs = list(zip(accounts, rows, strict=True))
    _addresses(pairs, domains)
    Usage.objects.bulk_create(Usage(account=account) for account in accounts)
    folders = [(account, name, role) for account in accounts for name, role in FIRST_FOLDERS]
    Mailbox.objects.bulk_create(
        Mailbox(account=one, name=name, special_use=role or "") for one, name, role in folders
    )
    Subscription.objects.bulk_create(Subscription(account=one, name=name) for one, name, _ in folders)
    for domain in domains.values():
        hold_to_limits(domain)
    Entry.objects.bulk_create(
        Entry(
            administrator=actor.administrator, username=actor.name, remote_host=actor.remote_host,
            verb="create account", subject=account.address, after={"quota_bytes": account.quota_bytes},
        )
        for account in accounts
    )  # fmt: skip


def _addresses(pairs: Iterable[tuple[Account, Row]], domains: dict[str, Domain]) -> None:
    own, aliases = [], []
    for account, row in pairs:
        own.append(Address(domain=account.domain, local_part=_local(account.address), account=account))
        aliases += [
            (
                Address(
                    domain=domains.get(_domain(one)) or Domain.objects.get(name=_domain(one)),
                    local_part=_local(one),
                ),
                account,
            )
            for one in row.aliases
        ]
    Address.objects.bulk_create([*own, *(alias for alias, _ in aliases)])
    Target.objects.bulk_create(Target(alias=alias, address=account.address) for alias, account in aliases)


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _local(address: str) -> str:
    return address.rpartition("@")[0]


def _sealed(value: Any) -> str:
    """It has passwords, or what they are checked by: the database is not to know them in the open."""
    return base64.b64encode(sealing.seal(settings.CONFIG.sealing_key, orjson.dumps(value), SEALED_FOR)).decode()


def _opened(text: str) -> Any:
    return orjson.loads(sealing.unseal(settings.CONFIG.sealing_key, base64.b64decode(text), SEALED_FOR))
