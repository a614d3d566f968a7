"""A report told again in as few words as can be: what it says of whom, and nothing of the message it is about.

It is for reports that come to somebody who has her mail encrypted before it is stored: what they say of mail of
ours is still read (mail/returned.py), what else is in them is not kept.
"""

from collections.abc import Iterator

from mailservices.mail import mime, returned
from mailservices.mail.headers import Octets
from mailservices.mail.returned import Returned, Told, What

_BOUNDARY = "retold"


def report(header: bytes, body: Octets) -> tuple[bytes, bytes] | None:
    """Header and body of one that says the same; None where it is no report of a form that is known."""
    message = mime.scan(header, body)
    if (message.type.type, message.type.subtype) != (b"multipart", b"report"):
        return None
    found = returned.read(header, body, "")
    if found is None or not found.told:
        return None
    complains = found.told[0].what is What.COMPLAINED
    kind, fields = ("feedback-report", _complaint(found)) if complains else ("delivery-status", _status(found))
    quoted = f"Message-ID: {found.message_id}\r\n" if found.message_id else ""
    made = (
        f"--{_BOUNDARY}\r\nContent-Type: message/{kind}\r\n\r\n{''.join(fields)}\r\n"
        f"--{_BOUNDARY}\r\nContent-Type: text/rfc822-headers\r\n\r\n{quoted}\r\n--{_BOUNDARY}--\r\n"
    )
    told = f'Content-Type: multipart/report; report-type={kind}; boundary="{_BOUNDARY}"\r\n\r\n'
    return told.encode(), made.encode()


def _status(found: Returned) -> Iterator[str]:
    """RFC 3464 §2.1: a group for the message, then one for each recipient."""
    yield from _of_all(found)
    for one in found.told:
        yield "\r\n"
        yield from _recipient(one)


def _of_all(found: Returned) -> Iterator[str]:
    if found.reporter:
        yield f"Reporting-MTA: dns; {found.reporter}\r\n"
    if found.envid:
        yield f"Original-Envelope-ID: {found.envid}\r\n"


def _recipient(one: Told) -> Iterator[str]:
    names = ("Original-Recipient", "Final-Recipient") if len(one.addresses) > 1 else ("Final-Recipient",)
    for name, address in zip(names, one.addresses or ("",), strict=False):
        yield f"{name}: rfc822; {address}\r\n"
    yield f"Action: {one.what}\r\n"
    if one.status:
        yield f"Status: {one.status}\r\n"
    if one.text:
        yield f"Diagnostic-Code: smtp; {one.text}\r\n"


def _complaint(found: Returned) -> Iterator[str]:
    """RFC 5965 §3: one group of fields."""
    kind, _, agent = found.told[0].text.partition(": ")
    yield f"Feedback-Type: {kind}\r\nUser-Agent: {agent}\r\n"
    yield from _of_all(found)
    for one in found.told:
        for address in one.addresses:
            yield f"Original-Rcpt-To: {address}\r\n"
