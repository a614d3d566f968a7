"""The targets: each takes any octets. It returns, or raises ProtocolError or PrivacyError; anything else is a bug.

What a docstring says besides is asserted. Where octets arrive in pieces, the first octet says how they are cut.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Final, TypeVar

from appliance import ROOT
from mailservices.mail import (
    address,
    addresses,
    aggregate,
    authentication_results,
    autocrypt,
    binary,
    content,
    dane,
    dates,
    destinations,
    dmarc,
    dnslist,
    encrypted,
    gist,
    headers,
    lexical,
    line_ends,
    mime,
    mta_sts,
    preview,
    privacy,
    report_message,
    retold,
    returned,
    routing,
    seven_bit,
    structure,
    subject,
    surrogate,
    text,
    threads,
    tls_report,
    transfer,
    uidset,
    unpacking,
    webhooks,
    wkd,
    wording,
)
from mailservices.mail.arc.verify import Verifier as ArcVerifier
from mailservices.mail.authors import of as author_addresses
from mailservices.mail.dkim import canonical, keys, signature, tags
from mailservices.mail.dkim.canonical import BodyHashes, Form
from mailservices.mail.dkim.verify import SIGNATURES
from mailservices.mail.dkim.verify import Verifier as DkimVerifier
from mailservices.mail.errors import FolderNameInvalid, ProtocolError, SignInFailed
from mailservices.mail.findings import Result
from mailservices.mail.openpgp import decrypt as openpgp_decrypt
from mailservices.mail.openpgp import keys as openpgp_reader
from mailservices.mail.openpgp import submissions
from mailservices.mail.openpgp import verify as openpgp_verify
from mailservices.mail.privacy import PrivacyError
from mailservices.mail.questions import Flow, Missing
from mailservices.mail.scram import nobodys
from mailservices.mail.smime import bringing, enveloped, signed, trust, verifying
from mailservices.mail.smime import certificates as smime_certificates
from mailservices.net import proxy_header
from mailservices.protocols.dots import Stuffer
from mailservices.protocols.imap import commands as imap
from mailservices.protocols.imap import fetch, names, responses, search, urls
from mailservices.protocols.imap import reader as imap_reader
from mailservices.protocols.imap.grammar import Scanner
from mailservices.protocols.imap.requests import brought
from mailservices.protocols.pop2 import commands as pop2
from mailservices.protocols.pop3 import commands as pop3
from mailservices.protocols.pop3 import reader as pop3_reader
from mailservices.protocols.sasl import client as sasl_client
from mailservices.protocols.sasl import exchange, mechanisms
from mailservices.protocols.smtp import commands as smtp
from mailservices.protocols.smtp import limits, parameters
from mailservices.protocols.smtp import reader as smtp_reader
from mailservices.protocols.smtp.replies import LINE_OCTETS, ReplyReader
from tests.mail.openpgp import cast as openpgp_cast

Target = Callable[[bytes], None]
Outcome = TypeVar("Outcome")

NOON: Final = datetime(2026, 11, 2, 12, tzinfo=UTC)
#: When all keys of the cast are there.
LATER: Final = datetime(2027, 1, 1, tzinfo=UTC)
#: Octets of one literal that the IMAP target takes, as the server does for strangers.
LITERAL_OCTETS: Final = 8 * 1024
#: What every printed structure may be longer than its message.
GROWTH: Final = 200
#: Characters of a text of which a part is kept.
FEW_CHARACTERS: Final = 100
#: Of a surrogate header: an address of nobody for each octet, at most.
SURROGATE_GROWTH: Final = 80

TARGETS: Final[dict[str, Target]] = {}


def target(function: Target) -> Target:
    TARGETS[function.__name__] = function
    return function


def run(name: str, octets: bytes) -> None:
    """Once; what a parser may say of nonsense is no bug."""
    try:
        TARGETS[name](octets)
    except (ProtocolError, PrivacyError):
        return


def pieces(octets: bytes) -> Iterator[bytes]:
    """The octets, cut as the first of them says."""
    size = octets[0] or 1 if octets else 1
    for start in range(1, len(octets), size):
        yield octets[start : start + size]


def latin(octets: bytes) -> str:
    """Any text, of which octets beyond ASCII make characters of several kinds."""
    return octets.decode("utf-8", "surrogateescape")


@target
def dmarc_records(octets: bytes) -> None:
    """A record is read, and asks for no more than it says: a percentage, wishes that there are."""
    record = dmarc.parse(octets)
    assert 0 <= record.percent <= 100
    assert {record.policy, record.subdomains, record.missing} <= {*dmarc.Wish, None}


@target
def transport_policies(octets: bytes) -> None:
    """A policy names hosts that may be hosts, and holds no longer than a year or so."""
    mta_sts.record_id(octets.split(b"\n"))
    policy = mta_sts.parse(octets)
    assert len(policy.hosts) <= mta_sts.HOSTS
    assert policy.max_age <= mta_sts.LONGEST
    assert all(one == one.lower() for one in policy.hosts)


@target
def certificate_records(octets: bytes) -> None:
    """Records say something for SMTP or are left out; nonsense proves nothing."""
    records = dane.usable(octets.split(b"\n"))
    assert all(one.usage in (dane.AUTHORITY, dane.HOST) for one in records)
    assert not dane.proves(records, [octets], ["a.test"], datetime(2026, 7, 1, tzinfo=UTC))


@target
def hosts_limits(octets: bytes) -> None:
    """A limit is a number of at most six digits, or there is none."""
    found = limits.read(octets.decode("utf-8", "replace"))
    assert 0 <= found.mails < 10**6
    assert 0 <= found.recipients < 10**6


@target
def challenges(octets: bytes) -> None:
    """Whatever a host asks while we sign in, we answer or give up."""
    for mechanism in routing.MECHANISMS:
        chosen = sasl_client.choose(routing.MECHANISMS, mechanism, "us", "secret", secured=True)
        assert chosen
        next(chosen.talk)
        try:
            for piece in pieces(octets):
                chosen.talk.send(piece)
        except StopIteration:
            continue


@target
def gists(octets: bytes) -> None:
    """Whatever a header holds can be kept and compared; a base subject has nothing to be taken off any more."""
    found = gist.read(octets)
    for text_ in (found.subject, found.sender, found.shown_sender, found.message_id, *found.references):
        assert "\0" not in text_.encode().decode()
    base, _ = subject.strip(latin(octets))
    assert subject.strip(base) == (base, False)
    header, body = headers.split(octets)
    shown = preview.of(mime.scan(header, body), body)
    assert len(shown) <= preview.CHARACTERS
    assert shown.encode().decode() == shown
    now = datetime(2026, 7, 1, tzinfo=UTC)
    # The same words as ids of messages that refer to each other.
    ids = latin(octets).split()[:50]
    entries = [
        threads.Entry(uid, "", False, one, tuple(ids[uid : uid + 3]), now, now) for uid, one in enumerate(ids, 1)
    ]
    for algorithm in threads.Algorithm:
        line = responses.threads(threads.thread(algorithm, entries), lambda uid: uid)
        assert sorted(map(int, re.findall(rb"\d+", line))) == list(range(1, len(ids) + 1))


@target
def authors(octets: bytes) -> None:
    """A message has one author's domain, none, or nobody can say."""
    author = dmarc.author(octets)
    assert author is None or author == address.normal_domain(author)


@target
def return_codes(octets: bytes) -> None:
    """Ranges within 127/8, each from its first to its last."""
    for first, last in dnslist.parse_codes(latin(octets)):
        assert 127 << 24 <= first <= last < 128 << 24


@target
def smtp_lines(octets: bytes) -> None:
    """Every line is a command or an error, and no more than one line is kept."""
    reader = smtp_reader.Reader()
    for piece in pieces(octets):
        reader.receive(piece)
        while (event := reader.next_event()) is not None:
            if isinstance(event, smtp_reader.Line):
                quietly(smtp.parse, event.text)
        assert len(reader._buffer) <= smtp_reader.LINE_OCTETS + len(piece)


@target
def smtp_text(octets: bytes) -> None:
    """A text ends with CRLF.CRLF and nothing else, however it is cut, and what was stuffed comes back."""
    reader, whole, taken, end = smtp_reader.Reader(), octets[1:], b"", None
    reader.expect_text()
    for piece in pieces(octets):
        reader.receive(piece)
        while end is None and (event := reader.next_event()) is not None:
            if isinstance(event, smtp_reader.Text):
                taken += event.octets
            else:
                end = event
        assert end is not None or len(reader._buffer) < 10
    before, dot, _ = (b"\r\n" + whole).partition(b"\r\n.\r\n")
    assert (end is None) == (not dot)
    if end is not None:
        expected = (before + b"\r\n").replace(b"\r\n.", b"\r\n")[2:]
        assert taken == expected


@target
def chunks(octets: bytes) -> None:
    """A chunk is so many octets, however they are cut; what follows are commands."""
    reader, size = smtp_reader.Reader(), octets[1] if len(octets) > 1 else 0
    taken, ended = b"", False
    reader.expect_chunk(size)
    for piece in pieces(octets[:1] + octets[2:]):
        reader.receive(piece)
        while not ended and (event := reader.next_event()) is not None:
            ended = isinstance(event, smtp_reader.EndOfText)
            taken += event.octets if isinstance(event, smtp_reader.Text) else b""
    assert taken == octets[2 : 2 + size]


@target
def line_ends_of(octets: bytes) -> None:
    """Bare line ends are noticed and mended, however the text is cut."""
    found, mended, mender = line_ends.LineEnds(), line_ends.LineEnds(), line_ends.Mender()
    for piece in pieces(octets):
        found.feed(piece)
        mended.feed(mender.mend(piece))
    mended.feed(mender.end())
    assert found.bare == bool(set(octets[1:].replace(b"\r\n", b"")) & set(b"\r\n"))
    assert not mended.bare


@target
def binary_messages(octets: bytes) -> None:
    """What is encoded grows as base64 does, and a bit for each of its parts."""
    header, body = headers.split(octets)
    made = b"".join(binary.encoded(header, body))
    assert len(made) <= 1.5 * len(octets) + GROWTH * (1 + octets.lower().count(b"binary"))


@target
def dots(octets: bytes) -> None:
    """A text of whole lines comes back from the other side, however it is cut."""
    stuffer, reader = Stuffer(), smtp_reader.Reader()
    text_sent = octets[1:].replace(b"\n", b"").replace(b"\r", b"\r\n") + b"\r\n"
    wire = b"".join(map(stuffer.stuff, pieces((octets[:1] or b"\1") + text_sent))) + stuffer.end()
    reader.receive(wire)
    reader.expect_text()
    taken = b""
    while isinstance(event := reader.next_event(), smtp_reader.Text):
        taken += event.octets
    assert taken == text_sent
    assert isinstance(event, smtp_reader.EndOfText)
    assert reader.empty


@target
def smtp_parameters(octets: bytes) -> None:
    """Parameters are read, and xtext comes back."""
    offered = {extension for extension, _ in parameters.MAIL.values()} | {"BINARYMIME"}
    words = latin(octets)
    quietly(parameters.read_mail, parameters.Envelope(None), words, offered)
    quietly(parameters.read_rcpt, parameters.Recipient(address.Address("a", "b")), words, offered)
    decoded = parameters.decode_xtext(words)
    assert parameters.decode_xtext(parameters.encode_xtext(decoded)) == decoded


@target
def paths(octets: bytes) -> None:
    """What was read as an address is printed and read again as the same, and fits its limits."""
    path = address.parse_path(latin(octets))
    if path is not None:
        assert address.parse_path(str(path)) == path
        assert len(path.domain) <= address.DOMAIN_OCTETS
        assert not set(str(path)) & set("\r\n\0")
        address.display_domain(path.domain)
        address.literal_host(path.domain)
        assert path.key.startswith(path.without_detail())


@target
def address_lists(octets: bytes) -> None:
    """Any field is a list of addresses, no longer than the limit, whose groups begin before they end."""
    listed = addresses.parse(headers.unfold(octets))
    assert len(listed) <= addresses.ADDRESSES
    depth = 0
    for one in listed:
        depth += (one.host is None and one.mailbox is not None) - (one == addresses.GROUP_END)
        assert 0 <= depth <= 1
    assert sum(1 for _ in lexical.words(octets)) <= lexical.WORDS


@target
def replies(octets: bytes) -> None:
    """Another host's answers are replies or an error, and no more than one line is kept."""
    reader = ReplyReader()
    for piece in pieces(octets):
        reader.receive(piece)
        while (reply := reader.next_reply()) is not None:
            assert 200 <= reply.code < 600
            assert "\n" not in reply.text
        assert len(reader._buffer) <= LINE_OCTETS


@target
def imap_commands(octets: bytes) -> None:
    """Every command is one or is refused, literals are taken as announced, and what is kept is bounded."""
    reader = imap_reader.Reader()
    for piece in pieces(octets):
        reader.receive(piece)
        while (event := reader.next_event()) is not None:
            match event:
                case imap_reader.LiteralAhead():
                    brought.expected(event.parts)
                    if event.size > LITERAL_OCTETS:
                        reader.refuse(waits=event.waits)
                    else:
                        reader.accept()
                case imap_reader.Received(parts):
                    assert all(part.size == len(part.octets or b"") for part in literals(parts))
                    imap_reader.tag_of(parts)
                    quietly(imap.parse, parts)
        assert len(reader._buffer) <= imap_reader.LINE_OCTETS + len(piece)


def literals(parts: tuple[imap_reader.Part, ...]) -> list[imap_reader.Literal]:
    return [part for part in parts if isinstance(part, imap_reader.Literal)]


def scanner_of(octets: bytes) -> Scanner:
    """One line, whose literals are cut at NUL."""
    parts: list[imap_reader.Part] = []
    for piece in octets.split(b"\0"):
        if parts:
            parts.append(imap_reader.Literal(len(piece), piece))
        parts.append(piece)
    return Scanner(tuple(parts))


@target
def fetch_items(octets: bytes) -> None:
    """Items are read, and a section's label is on one line unless a literal says otherwise."""
    for item in fetch.parse(scanner_of(octets)):
        if isinstance(item, fetch.Section):
            assert item.label.startswith((b"BODY[", b"RFC822", b"BINARY"))
            assert b"\n" not in item.label or b"{" in item.label


@target
def message_urls(octets: bytes) -> None:
    """A URL names one message, and a section that FETCH knows."""
    url = urls.parse(octets)
    assert 0 < url.uid <= uidset.LARGEST
    assert not url.section.marks_seen


@target
def search_keys(octets: bytes) -> None:
    """Result options are read, and keys to a tree that is no deeper than the limit."""
    scanner = scanner_of(octets)
    search.returns(scanner)
    search.parse(scanner)


@target
def transfer_encodings(octets: bytes) -> None:
    """What is undone is no longer than what was there, however it is cut."""
    for encoding in (b"base64", b"quoted-printable"):
        plain = b"".join(transfer.undone(pieces(octets), encoding))
        assert len(plain) <= max(0, len(octets) - 1)


@target
def folder_names(octets: bytes) -> None:
    """A name that was read is written and read again as the same, and every pattern ends."""
    name = names.decode(octets)
    assert names.decode(names.encode(name)) == name
    names.matches(name, "INBOX/a/b")
    try:
        kept = names.check_new(name)
    except FolderNameInvalid:
        return
    assert names.matches(kept, kept)
    assert names.matches(kept[: len(kept) // 2] + "*" + kept[len(kept) // 2 :], kept)
    assert all(kept.startswith(above) for above in names.superiors(kept))


@target
def number_sets(octets: bytes) -> None:
    """A set is resolved to ascending ranges that do not touch."""
    found = uidset.parse(octets).resolve(100)
    assert list(found) == list(uidset.merged(found))


@target
def pop3_lines(octets: bytes) -> None:
    """Every line is a command or an error, and no more than one line is kept."""
    reader = pop3_reader.Reader()
    for piece in pieces(octets):
        reader.receive(piece)
        while (event := reader.next_event()) is not None:
            if isinstance(event, pop3_reader.Line):
                quietly(pop3.parse, event.text)
        assert len(reader._buffer) <= pop3_reader.LINE_OCTETS + len(piece)


@target
def pop2_lines(octets: bytes) -> None:
    """Every line is a command or an error, and what was quoted comes back."""
    reader = pop3_reader.Reader()
    reader.limit = pop2.LINE_OCTETS
    for piece in pieces(octets):
        reader.receive(piece)
        while (event := reader.next_event()) is not None:
            if isinstance(event, pop3_reader.Line):
                quietly(pop2.parse, event.text)
        assert len(reader._buffer) <= pop2.LINE_OCTETS + len(piece)
    argument = octets.decode("utf-8", "replace").translate({0: None, 10: None, 13: None})
    if argument:
        assert pop2.parse(f"FOLD {pop2.quote(argument)}".encode())[1] == pop2.Fold(argument)


@target
def surrogates(octets: bytes) -> None:
    """What is shown of a header is ASCII, and not much longer."""
    header, _ = headers.split(octets)
    shown = surrogate.header(header)
    assert header.isascii() or shown.isascii()
    assert len(shown) <= SURROGATE_GROWTH * (len(header) + 1)


@target
def messages(octets: bytes) -> None:
    """Any message has a structure that is well formed, ranges that lie within it, and words to search in."""
    header, body = headers.split(octets)
    facts = structure.read(header, body)
    brief = structure.without_extensions(header, body)
    for printed in (facts.envelope, facts.bodystructure, brief):
        assert len(printed) <= GROWTH * (len(octets) + 1)
        well_formed(printed)
    tree = mime.scan(header, body)
    check_ranges(tree, mime.Range(0, len(body)), 0)
    whole, part = wording.read(header, tree, body), wording.read(header, tree, body, FEW_CHARACTERS)
    assert whole.whole
    assert whole.body.startswith(part.body)
    assert whole.header.startswith(part.header.removesuffix(wording.BETWEEN))
    assert part.whole == (part == whole)


def check_ranges(part: mime.Part, within: mime.Range, depth: int) -> None:
    assert within.start <= part.body.start <= part.body.end <= within.end
    assert depth <= mime.DEPTH
    for child in part.children:
        assert child.header is not None
        assert part.body.start <= child.header.start <= child.header.end == child.body.start
        check_ranges(child, part.body, depth + 1)


def well_formed(printed: bytes) -> None:
    """By a reader of its own: parentheses match, strings end."""
    depth = position = 0
    while position < len(printed):
        octet = printed[position : position + 1]
        if octet == b'"':
            position += 1
            while printed[position : position + 1] != b'"':
                assert printed[position : position + 1] not in (b"", b"\r", b"\n", b"\0")
                position += 2 if printed[position : position + 1] == b"\\" else 1
        elif octet == b"{":
            end = printed.index(b"}\r\n", position)
            position = end + 2 + int(printed[position + 1 : end])
        else:
            assert octet in (b"(", b")", b" ") or octet.isalnum()
            depth += (octet == b"(") - (octet == b")")
        assert depth > 0 or position == len(printed) - 1
        position += 1
    assert depth == 0
    assert position == len(printed)


@target
def header_fields(octets: bytes) -> None:
    """Every field is in the index and in the selection, and nothing is chosen twice."""
    found = headers.index(octets)
    chosen, rest = headers.select(octets, found), headers.select(octets, found, exclude=True)
    assert rest == b"\r\n"
    assert unfolded(headers.index(chosen)) == unfolded(found)
    for name, values in found.items():
        assert headers.count(octets, name) == len(values)
        assert headers.first(octets, name) == headers.unfold(values[0])
        text.decode_field(values[0])
        content.parse(values[0])
        content.disposition(values[0])


def unfolded(found: dict[bytes, list[bytes]]) -> dict[bytes, list[bytes]]:
    return {name: [headers.unfold(value) for value in values] for name, values in found.items()}


@target
def media_types(octets: bytes) -> None:
    """Any field is a type, with no more parameters than the limit."""
    read = content.parse(octets)
    assert read.type
    assert read.subtype
    assert len(read.parameters) <= content.PARAMETERS
    content.disposition(octets)
    content.encoding(octets)


@target
def charsets(octets: bytes) -> None:
    """Any octets in any charset are a text."""
    name, _, rest = octets.partition(b"\n")
    text.decode(rest, name)
    text.decode_field(octets)


@target
def moments(octets: bytes) -> None:
    """A date is one that can be told in UTC, or none."""
    for read in (dates.parse_field, dates.parse_imap_datetime):
        moment = read(octets)
        assert moment is None or moment.astimezone(dates.UTC).year
    dates.parse_imap_date(octets)


@target
def sasl_responses(octets: bytes) -> None:
    """A response is octets, and a PLAIN message a claim without NUL."""
    claim = exchanged("PLAIN", exchange.decode(octets))
    assert isinstance(claim, exchange.Claim)
    assert "\0" not in claim.name + claim.password + claim.authorize_as


@target
def sasl_scram(octets: bytes) -> None:
    """Whatever is answered, nobody proves what he does not know. Responses are cut at line ends."""
    plus = octets[:1] == b"p"
    assert exchanged("SCRAM-SHA-256-PLUS" if plus else "SCRAM-SHA-1", *octets.split(b"\n")) is None


@target
def sasl_tokens(octets: bytes) -> None:
    """Pairs are read to one token without NUL; a token that is not good proves nothing."""
    assert exchanged("OAUTHBEARER", octets, b"\x01") is None
    assert exchanged("XOAUTH2", octets, b"") is None


@target
def sasl_cram(octets: bytes) -> None:
    """A digest that is made without the secret proves nothing."""
    assert exchanged("CRAM-MD5", octets) is None


@target
def sasl_external(octets: bytes) -> None:
    """A certificate is good for the addresses in it."""
    outcome = exchanged("EXTERNAL", octets)
    assert outcome is None or outcome.name.lower() in SASL_FACTS.certified


#: What the exchanges are begun with, and what the auth room answers.
SASL_FACTS = mechanisms.Facts("mail.test", b"binding", ("alice@example.org", "al@example.org"), True, True)


def exchanged(mechanism: str, *responses: bytes) -> exchange.Outcome | None:
    """The outcome; None where the exchange failed, or waits for more."""
    begun = mechanisms.begin(mechanism, SASL_FACTS)
    assert begun is not None
    step, pending = next(begun), list(responses)
    try:
        while True:
            match step:
                case bytes() if not pending:
                    return None
                case bytes():
                    step = begun.send(pending.pop(0))
                case exchange.KeysOf(name, hash_name):
                    assert "\0" not in name
                    step = begun.send(nobodys(b"key", name, hash_name))
                case exchange.SecretsOf():
                    step = begun.send([b"secret"])
                case exchange.BearerOf(token):
                    assert "\0" not in token
                    step = begun.send(None)
    except SignInFailed:
        return None
    except StopIteration as done:
        outcome: exchange.Outcome = done.value
        return outcome


@target
def proxy_headers(octets: bytes) -> None:
    """Whoever claims to be a balancer names a client with an address and a port, or none."""
    found = []
    if len(octets) >= proxy_header.FIXED_OCTETS and not proxy_header.is_line(octets):
        fixed = octets[: proxy_header.FIXED_OCTETS]
        size = proxy_header.rest_octets(fixed)
        assert size <= proxy_header.REST_OCTETS
        found.append(proxy_header.parse(fixed, octets[len(fixed) : len(fixed) + size]))
    else:
        found.append(proxy_header.parse_line(octets[: proxy_header.LINE_OCTETS]))
    for client in found:
        assert client is None or (address.ipaddress.ip_address(client.address) and 0 <= client.port < 2**16)


@target
def tag_lists(octets: bytes) -> None:
    """A list that is read is written and read again as the same, and is not longer than its limit."""
    read = tags.parse(octets)
    assert len(read) <= tags.TAGS
    assert tags.parse("; ".join(f"{name}={value}" for name, value in read.items()).encode()) == read


@target
def dkim_signatures(octets: bytes) -> None:
    """A signature that is read signs From, and its key lies where a name can be asked for."""
    read = signature.parse(octets)
    assert "from" in read.names
    assert len(read.body_hash) == 32
    assert len(read.names) <= signature.NAMES
    assert not set(read.key_name) & set("\r\n\0 ;")
    assert read.identity.rpartition("@")[2].endswith(read.domain)


@target
def dkim_records(octets: bytes) -> None:
    """A key record is a key, or says that there is none any more."""
    record = keys.parse(octets)
    assert record.key is None or not keys.holds(record.key, b"", b"d" * 32)


@target
def dkim_bodies(octets: bytes) -> None:
    """However a body is cut, its hashes are the same, and next to nothing of it is kept."""
    whole, cut = BodyHashes(), BodyHashes()
    for form in Form:
        whole.want(form)
        cut.want(form)
    whole.feed(octets[1:])
    for piece in pieces(octets):
        cut.feed(piece)
        assert all(len(body._held) <= 2 for body in cut._bodies.values())
    for form in Form:
        assert (whole.digest(form), whole.size(form)) == (cut.digest(form), cut.size(form))


@target
def signed_messages(octets: bytes) -> None:
    """Of any message the signatures and the chain end in findings, without a name server too."""
    header, body = headers.split(octets)
    hashes = BodyHashes()
    dkim, arc = DkimVerifier(header, 0, hashes), ArcVerifier(header, 0, hashes)
    hashes.feed(body)
    findings = answered(dkim.finish())
    assert 1 <= len(findings) <= SIGNATURES
    chain = answered(arc.finish())
    assert not chain.sealers
    authentication_results.parse(authentication_results.text("us.test", [*findings, chain.finding]).encode())
    for _, field in headers.whole_fields(header):
        assert b"  " not in canonical.field(field, Form.RELAXED)


def answered(flow: Flow[Outcome]) -> Outcome:
    """A flow's end in a world whose names are all missing."""
    try:
        next(flow)
        while True:
            flow.send(Missing())
    except StopIteration as done:
        outcome: Outcome = done.value
        return outcome


@target
def returned_mail(octets: bytes) -> None:
    """What is read of a report is bounded, and text that a database takes."""
    header, body = headers.split(octets)
    returned.suspected(header, "a@us.test")
    found = returned.read(header, body)
    if found is None:
        return
    assert len(found.told) <= returned.RECIPIENTS
    told = [text for one in found.told for text in (*one.addresses, one.status, one.text)]
    for one in (*told, found.envid, found.message_id, found.reporter):
        assert "\0" not in one
        assert len(one.encode()) <= 3 * returned.VALUE_OCTETS
    made = retold.report(header, body)
    if made is not None:
        again = returned.read(*made)
        assert again is not None
        assert {one.what for one in again.told} == {one.what for one in found.told}


@target
def aggregate_reports(octets: bytes) -> None:
    """What is read of a report is written and read again as the same numbers."""
    read = aggregate.read(unpacking.unpack(octets, 2**20))
    assert len(read.rows) <= aggregate.ROWS
    again = aggregate.read(aggregate.build(read))
    for (one, count), (other, number) in zip(read.rows, again.rows, strict=True):
        assert (one.source, one.disposition, one.dkim, one.spf) == (
            other.source, other.disposition, other.dkim, other.spf,
        )  # fmt: skip
        assert count == number


@target
def tls_reports(octets: bytes) -> None:
    """What is read of a report is text that a database takes."""
    for domain, session, count in tls_report.read(unpacking.unpack(octets, 2**20)).rows:
        assert domain
        assert count >= 0
        assert "\0" not in session.facts().encode().decode()
        assert tls_report.of_facts(session.facts()) == session


@target
def attachments(octets: bytes) -> None:
    """However many parts there are, a bounded number is looked at."""
    assert len(list(report_message.enclosed(*headers.split(octets)))) <= report_message.ATTACHMENTS


@target
def report_destinations(octets: bytes) -> None:
    """Whoever is named is an address or a URL."""
    text = octets.decode("utf-8", "replace")
    for one in (*destinations.mail_destinations(text), *destinations.tls_destinations(text)):
        assert bool(one.address) is not bool(one.url)
    answered(destinations.permitted("us.test", destinations.mail_destinations(text)))


@target
def webhook_urls(octets: bytes) -> None:
    """A URL in its normal form is its own."""
    found = webhooks.target(octets.decode("utf-8", "replace"))
    assert webhooks.target(str(found)) == found


@target
def results_fields(octets: bytes) -> None:
    """Results that are read are written and read again as the same, as far as ASCII goes."""
    read = authentication_results.parse(octets)
    assert len(read.findings) <= authentication_results.RESULTS
    written = authentication_results.text(read.authserv_id, read.findings)
    again = authentication_results.parse(written.encode())
    if written.isascii() and "?" not in written and len(written) < authentication_results.VALUE_CHARACTERS:
        assert again == read
    assert authentication_results.without_forged(b"A: b\r\n" + octets, read.authserv_id).startswith(b"A: b")


@target
def certificates_for_mail(octets: bytes) -> None:
    """What can be read of a certificate is text that a database takes."""
    told = smime_certificates.describe(octets)
    assert "\0" not in "".join((told.algorithm, *told.addresses))
    assert len(told.addresses) <= smime_certificates.ADDRESSES


@target
def brought_certificates(octets: bytes) -> None:
    """What is brought is read again as what it is."""
    brought = bringing.read(octets)
    assert bringing.read(brought.certificate).certificate == brought.certificate
    smime_certificates.load_all(brought.chain)


@target
def signatures_of_mail(octets: bytes) -> None:
    """Nobody is believed without a root, whatever a signature says."""
    for found in (signed.Signed(octets, None), signed.Signed(octets, b"x")):
        outcome = verifying.verify(found, ("alice@example.org",), verifying.Known(trust.Roots([])), NOON)
        assert outcome.verdict.result is not Result.PASS


@target
def signed_mail(octets: bytes) -> None:
    """Only what is signed as a whole is found."""
    header, body = headers.split(octets)
    found = signed.find(header, body)
    assert (found is not None) is signed.is_signed(mime.scan(header, body))
    if found is not None:
        assert found.content is None or found.content in octets
        verifying.verify(found, author_addresses(header), verifying.Known(trust.Roots([])), NOON)


@target
def encrypted_mail(octets: bytes) -> None:
    """Never more comes out than was put in."""
    for name in ("alice", "bob"):
        with suppress(PrivacyError):
            own = smime_key(name)
            assert len(enveloped.decrypt(octets, own.certificate, own.key or b"")) <= len(octets)


@cache
def smime_key(name: str) -> bringing.Brought:
    return bringing.read((ROOT / "tests" / "smime" / "keys" / f"{name}.pem").read_bytes())


@target
def openpgp_keys(octets: bytes) -> None:
    """What can be read of a key is text that a database takes, and is read again as what it is."""
    found = openpgp_reader.read(octets)
    described = openpgp_reader.describe(found.public)
    assert "\0" not in "".join((described.algorithm, described.subject, *described.addresses))
    assert len(described.addresses) <= openpgp_reader.ADDRESSES
    again = openpgp_reader.describe(openpgp_reader.read(found.public).public)
    assert again.fingerprint == described.fingerprint
    assert not described.refusal or not described.encrypts


@target
def openpgp_signed_mail(octets: bytes) -> None:
    """Whatever holds was signed by a key that is known, and says what that key signed."""
    header, body = headers.split(octets)
    found = openpgp_verify.signed(header, body)
    if found is not None:
        assert found.text is None or len(found.text) <= 2 * len(octets)
        verdict = openpgp_verify.verify(found, openpgp_certificates(), NOON)
        assert verdict.result is not Result.PASS or verdict.addresses


@target
def openpgp_encrypted_mail(octets: bytes) -> None:
    """It is opened, or it is not."""
    header, body = headers.split(octets)
    armoured = openpgp_decrypt.sealed(header, body)
    assert armoured is None or encrypted.is_encrypted(header, body)
    if armoured is not None:
        openpgp_decrypt.decrypt(armoured, openpgp_cast.secret("alice"), openpgp_certificates())


@cache
def openpgp_certificates() -> list[bytes]:
    return [openpgp_cast.public(name) for name in ("alice", "bob", "nist", "expired")]


@target
def key_submissions(octets: bytes) -> None:
    """A certificate that is submitted can be described."""
    found = submissions.read(octets)
    if isinstance(found, submissions.Submitted):
        openpgp_reader.describe(found.public)


@target
def key_directory_paths(octets: bytes) -> None:
    """A path asks for a file or for a key."""
    asked = wkd.asked(octets.decode("utf-8", "replace"))
    assert asked is None or bool(asked[1]) is not bool(asked[2])


@target
def autocrypt_headers(octets: bytes) -> None:
    """Whoever is told of stands in From, and mail can be encrypted to her."""
    told = autocrypt.read(octets, LATER)
    if told is not None:
        assert told.address == autocrypt.author(octets)
        assert told.described.broken(LATER) == ""


@target
def protected_mail(octets: bytes) -> None:
    """The body is not touched, and what is inside says of the outside what stands there."""
    header, body = headers.split(octets)
    outer = privacy.outer_of_arrived(header, hide_subject=True)
    made = privacy.payload(header, body, outer)
    assert made.endswith(b"\r\n" + body)
    inner = headers.split(made)[0]
    told = [value.strip() for name, value in headers.fields(inner) if name == b"hp-outer"]
    assert len(told) == sum(name not in privacy.TRACE for name, _ in headers.fields(outer))
    assert not any(privacy.is_structural(name) for name, _ in headers.fields(outer))


@target
def seven_bit_mail(octets: bytes) -> None:
    """Only what somebody else has signed, or said to have encoded already, may keep its eight bits."""
    made = b"".join(seven_bit.encoded(*headers.split(octets)))
    body = headers.split(made)[1]
    excused = (b"signed", b"base64", b"quoted-printable", b"boundary", b"message/")
    assert body.isascii() or any(word in octets.lower() for word in excused)


def quietly(function: Callable[..., object], *arguments: object) -> None:
    """Nonsense in one line does not end the conversation."""
    try:
        function(*arguments)
    except ProtocolError:
        return
