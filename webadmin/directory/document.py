"""A document of domains, accounts and aliases as they shall be (state.py): read, in normal form."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext

from mailservices.mail import passwords
from mailservices.mail.address import normal_domain, parse
from mailservices.mail.errors import ProtocolError
from mailservices.mail.vocabulary import CATCH_ALL
from webadmin.directory import actions, creating

SECTIONS = ("domains", "accounts", "aliases")
#: What rows may say beside their names.
DOMAIN_FIELDS = ("active", "alias_of", "detail_folders", "language", *actions.SENDING, *actions.TOTALS)
ACCOUNT_FIELDS = ("display_name", "quota_bytes", "quota_messages", "active", *actions.SENDING)
ALIAS_FIELDS = ("targets", "note", "expires_at", "posting", "posters")
#: Accounts and aliases of one document.
ROWS = 200_000
#: What is wrong of one document, of which is told.
TROUBLES = 100

Row = dict[str, Any]


class Troubles:
    """All that is wrong, so that it is told at once."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}

    def add(self, where: str, sentences: Iterable[str]) -> None:
        if len(self.found) < TROUBLES:
            self.found.setdefault(where, []).extend(sentences)

    def settle(self) -> None:
        if self.found:
            raise ValidationError(self.found)

    def tried(self, where: str, carry_out: Callable[[], Any]) -> Any:
        """What a verb returns; None where it objects."""
        try:
            return carry_out()
        except ValidationError as error:
            for name, sentences in getattr(error, "message_dict", {"": error.messages}).items():
                self.add(f"{where}: {name}" if name not in ("", "__all__") else where, sentences)
        return None


def read(document: Mapping[str, Any]) -> dict[str, dict[str, Row]]:
    """Section -> name in normal form -> row."""
    troubles = Troubles()
    for name in sorted(map(str, document.keys() - set(SECTIONS))):
        troubles.add(name, [gettext("There is no such section: {listed}.").format(listed=", ".join(SECTIONS))])
    kinds = {"domains": ("name", DOMAIN_FIELDS), "aliases": ("address", ALIAS_FIELDS)}
    kinds["accounts"] = ("address", (*ACCOUNT_FIELDS, "password", "password_hash"))
    found: dict[str, dict[str, Row]] = {section: {} for section in SECTIONS}
    for section, (key, fields) in kinds.items():
        rows = document.get(section) or []
        if not isinstance(rows, list) or len(rows) > ROWS:
            troubles.add(section, [gettext("A list of at most {rows}.").format(rows=ROWS)])
            continue
        allowed = {key, *fields}
        for number, row in enumerate(rows):
            _read_row(section, key, allowed, number, row, found[section], troubles)
    troubles.settle()
    return found


def _read_row(
    section: str, key: str, allowed: set[str], number: int, row: Any, found: dict[str, Row], troubles: Troubles
) -> None:
    where = f"{section}[{number}]"
    if not isinstance(row, dict) or not isinstance(row.get(key), str):
        troubles.add(where, [gettext("An object with its {key}.").format(key=key)])
        return
    try:
        name = _normal(section, row[key].strip())
    except ProtocolError as error:
        troubles.add(f"{where} {row[key]}", [str(error)])
        return
    if name in found:
        troubles.add(f"{where} {name}", [gettext("It is named twice.")])
    if unknown := sorted(map(str, row.keys() - allowed)):
        troubles.add(f"{where} {name}", [gettext("No fields here: {listed}.").format(listed=", ".join(unknown))])
    if wrong := [field for field, fits in TYPES.items() if field in row and not fits(row[field])]:
        troubles.add(
            f"{where} {name}", [gettext("Of another type, or too long: {listed}.").format(listed=", ".join(wrong))]
        )
    found[name] = {field: value for field, value in row.items() if field != key}


def _normal(section: str, name: str) -> str:
    """Raises ProtocolError."""
    if section == "domains":
        return normal_domain(name)
    if section == "aliases" and name.startswith("@"):
        return f"{CATCH_ALL}@{normal_domain(name[1:])}"
    address = parse(name)
    return f"{address.key}@{address.domain}"


def _whole(value: Any) -> bool:
    return type(value) is int and 0 < value < 2**62


def _text(most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and len(value) <= most and "\0" not in value


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and "\0" not in one for one in value)


def _maybe(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


#: Field -> whether a value is of its type; what it may be beside that is the verbs' to say.
TYPES: dict[str, Callable[[Any], bool]] = {
    "active": lambda value: isinstance(value, bool),
    "detail_folders": lambda value: isinstance(value, bool),
    "alias_of": _maybe(_text(255)),
    "language": _text(2),
    "display_name": _text(creating.NAME_CHARACTERS),
    "note": _text(200),
    "posting": _text(8),
    "password": _text(passwords.OCTETS),
    "password_hash": _text(200),
    "targets": _texts,
    "posters": _texts,
    "expires_at": _maybe(lambda value: isinstance(value, str) and moment(value) is not None),
    **dict.fromkeys(("quota_bytes", "quota_messages", *actions.SENDING, *actions.TOTALS), _maybe(_whole)),
}


def moment(text: str) -> Any:
    """With its zone; None where it is no time."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo else None
