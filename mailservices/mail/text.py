"""What a message says, as text to search in: encoded words, transfer encodings and charsets are undone.

Strangers choose the encodings: what cannot be decoded is read as it stands, and nothing here raises.
"""

import codecs
import html
import quopri
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from mailservices.mail import content, headers, transfer
from mailservices.mail.headers import Octets
from mailservices.mail.mime import Part

#: Octets of one part, still encoded, that are looked at.
PART_OCTETS = 8 * 2**20
_WORD = re.compile(rb"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[A-Za-z0-9-]*)?\?([bBqQ])\?([^?]*)\?=")
#: RFC 2047 §6.2: space between encoded words is not shown.
_BETWEEN = re.compile(rb"(?<=\?=)[ \t\r\n]+(?==\?)")
_TAG = re.compile(r"<(/?[a-z][a-z0-9]*)", re.IGNORECASE)
#: Elements whose content nobody reads, each with what ends it; and such as may stand within a word.
_ENDS = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style", "head", "title", "template")}
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "b",
        "big",
        "code",
        "del",
        "em",
        "font",
        "i",
        "ins",
        "mark",
        "s",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "tt",
        "u",
        "wbr",
    ]
)
#: Codecs of Python that are no charsets of mail; some of them take long over long texts.
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})


def decode(octets: bytes, charset: bytes | None) -> str:
    """These octets in this charset; UTF-8 where it is not known."""
    try:
        return octets.decode(_charset(charset), "replace")
    except (LookupError, ValueError):
        # Python has codecs that are none for text, such as "hex", or that always fail.
        return octets.decode("utf-8", "replace")


def _charset(charset: bytes | None) -> str:
    name = codecs.lookup((charset or b"utf-8").decode("ascii", "replace")[:40]).name
    # ASCII is the usual lie: whoever says it may mean UTF-8, which is a superset.
    return "utf-8" if name in _NO_CHARSETS or name == "ascii" else name


def decode_field(value: bytes) -> str:
    """A field's value with its encoded words (RFC 2047) undone."""
    value = headers.unfold(value)
    if b"=?" not in value:
        return value.decode("utf-8", "replace")
    shown, position = [], 0
    value = _BETWEEN.sub(b"", value)
    for match in _WORD.finditer(value):
        shown.append(value[position : match.start()].decode("utf-8", "replace"))
        shown.append(decode(_word(match[2], match[3]), match[1]))
        position = match.end()
    shown.append(value[position:].decode("utf-8", "replace"))
    return "".join(shown)


def _word(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"bB":
        return b"".join(transfer.undone([text], b"base64"))
    return quopri.decodestring(text.replace(b"_", b" "), header=False)


def header_texts(header: bytes) -> Iterator[tuple[str, str]]:
    """Each field's name in lower case, and its text."""
    for name, value in headers.fields(header):
        yield name.decode("ascii", "replace"), decode_field(value)


def part_fields(part: Part, body: Octets) -> Iterator[tuple[str, str]]:
    """The same of a part and all within it, those of messages in it too; and what its files are called."""
    if part.header is not None:
        yield from header_texts(bytes(body[part.header.start : part.header.end]))
    yield from _file_names(part)
    for child in part.children:
        yield from part_fields(child, body)


def _file_names(part: Part) -> Iterator[tuple[str, str]]:
    """Where they are not to be read in the field itself (RFC 2231 §4)."""
    disposition = content.disposition(part.field(b"content-disposition") or b"")
    for name, value in (*part.type.parameters, *(disposition[1] if disposition else ())):
        if name in (b"name*", b"filename*"):
            charset, _, said = value.partition(b"'")
            yield "filename", decode(unquote_to_bytes(said.partition(b"'")[2]), charset)


def body_texts(part: Part, body: Octets) -> Iterator[str]:
    """The text of every text part."""
    if part.children:
        for child in part.children:
            yield from body_texts(child, body)
    elif part.type.type == b"text" or part.type.type == b"multipart":
        said = part_text(part, body, PART_OCTETS)
        yield without_tags(said) if part.type.subtype == b"html" else said


def part_text(part: Part, body: Octets, limit: int) -> str:
    """The text of one part, from so many of its octets."""
    octets = body[part.body.start : min(part.body.end, part.body.start + limit)]
    plain = b"".join(transfer.undone([octets], part.encoding))
    return decode(plain, part.type.parameter(b"charset"))


def without_tags(markup: str) -> str:
    """What lies between the tags of HTML. Each character is passed once, however the tags are broken."""
    out, place = [], 0
    while (start := markup.find("<", place)) >= 0:
        out.append(markup[place:start])
        if markup.startswith("<!--", start):
            end = markup.find("-->", start + 4)
            place = end + 3 if end >= 0 else len(markup)
            continue
        match = _TAG.match(markup, start)
        name = match[1].lower() if match else ""
        if name in _ENDS:
            ended = _ENDS[name].search(markup, start)
            start = ended.start() if ended else len(markup)
        end = markup.find(">", start)
        place = end + 1 if end >= 0 else len(markup)
        out.append("" if name.removeprefix("/") in _INLINE else " ")
    out.append(markup[place:])
    return html.unescape("".join(out))
