"""Commands about rights: GETACL, SETACL, DELETEACL, LISTRIGHTS, MYRIGHTS (RFC 4314 §3)."""

from dataclasses import dataclass

from mailservices.mail import rights
from mailservices.mail.errors import ProtocolError
from mailservices.protocols.imap.grammar import Scanner


@dataclass(frozen=True, slots=True)
class GetAcl:
    mailbox: str


@dataclass(frozen=True, slots=True)
class SetAcl:
    """`change` is "+", "-" or nothing (RFC 4314 §3.1)."""

    mailbox: str
    identifier: str
    change: str
    rights: str


@dataclass(frozen=True, slots=True)
class DeleteAcl:
    mailbox: str
    identifier: str


@dataclass(frozen=True, slots=True)
class ListRights:
    mailbox: str
    identifier: str


@dataclass(frozen=True, slots=True)
class MyRights:
    mailbox: str


Request = GetAcl | SetAcl | DeleteAcl | ListRights | MyRights


def read_set_acl(scanner: Scanner) -> SetAcl:
    scanner.space()
    mailbox = scanner.mailbox()
    scanner.space()
    identifier = scanner.text()
    scanner.space()
    text = scanner.text()
    change = text[:1] if text[:1] in ("+", "-") else ""
    return SetAcl(mailbox, identifier, change, rights.parse(text[len(change) :]))


def of_identifier(scanner: Scanner) -> tuple[str, str]:
    """A folder and whom it is about."""
    scanner.space()
    mailbox = scanner.mailbox()
    scanner.space()
    identifier = scanner.text()
    if not identifier:
        raise ProtocolError("An identifier is needed.")
    return mailbox, identifier
