"""Trace fields that we prepend: Received and Return-Path (RFC 5321 §4.4), and the fields a submission lacks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

#: RFC 5321 §6.3: a message with as many Received fields goes round in circles.
HOPS = 100
#: RFC 5322 §2.1.1, with room for what follows.
_UNSAFE = re.compile(r"[^!-~]")
#: Characters of the reason for Junk.
JUNK_WORDS = 400
_UNSAFE_WORDS = re.compile(r"[^ -~]")


@dataclass(frozen=True, slots=True)
class Hop:
    """One acceptance of a message by this host."""

    #: What the client called itself, and its address; both empty where they are not told.
    helo: str
    peer: str
    #: This host's name.
    hostname: str
    #: With what protocol: see `protocol_name`.
    protocol: str
    #: Our id of the transaction, which the trace knows.
    queue_id: str
    at: datetime
    #: TLS version and cipher; empty for plain text.
    tls: str = ""
    #: The recipient, where there is just one (RFC 5321 §7.2: more would tell blind copies).
    recipient: str = ""
    #: RFC 6710 §3; 0 is not told.
    priority: int = 0


def protocol_name(*, extended: bool, tls: bool, signed_in: bool, smtputf8: bool, lmtp: bool = False) -> str:
    """RFC 3848 and RFC 6531 §4.3: what stands after "with"."""
    if lmtp:
        return ("UTF8LMTP" if smtputf8 else "LMTP") + "S" * tls
    if not extended:
        return "SMTP"
    name = "UTF8SMTP" if smtputf8 else "ESMTP"
    return name + "S" * tls + "A" * signed_in


def received(hop: Hop) -> bytes:
    """The Received field of one hop, folded."""
    peer = f"IPv6:{hop.peer}" if ":" in hop.peer else hop.peer
    # The client chose its name: nothing of it may end the field or a comment.
    helo = _UNSAFE.sub("?", hop.helo).replace("(", "?").replace(")", "?")[:255] or "unknown"
    client = f"{helo} ([{peer}])" if peer else "submission"
    lines = [f"Received: from {client}", f"by {hop.hostname} with {hop.protocol} id {hop.queue_id}"]
    if hop.tls:
        lines.append(f"({hop.tls})")
    if hop.recipient:
        lines.append(f"for <{hop.recipient}>")
    if hop.priority:
        # RFC 6710 §7
        lines.append(f"PRIORITY {hop.priority}")
    return ("\r\n\t".join(lines) + f"; {format_datetime(hop.at)}\r\n").encode()


def return_path(sender: str) -> bytes:
    """Added once, when the message is delivered for good (RFC 5321 §4.4)."""
    return f"Return-Path: <{sender}>\r\n".encode()


def delivered_to(address: str) -> bytes:
    """RFC 9228 §2: by which address it came here; what was sent on is known by it if it comes back."""
    return f"Delivered-To: {address}\r\n".encode()


def junk_reason(reasons: Sequence[str]) -> bytes:
    """Why a message lies in the Junk folder, for whoever wonders."""
    words = _UNSAFE_WORDS.sub("?", "; ".join(reasons))[:JUNK_WORDS]
    return f"X-Junk-Reason: {words}\r\n".encode()


def date(at: datetime) -> bytes:
    """RFC 6409 §8.1: a submission without Date gets one."""
    return f"Date: {format_datetime(at)}\r\n".encode()


def message_id(unique: str, hostname: str) -> bytes:
    """RFC 6409 §8.3: likewise for Message-ID."""
    return f"Message-ID: <{unique}@{hostname}>\r\n".encode()
