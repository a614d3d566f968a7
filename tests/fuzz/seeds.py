"""What fuzzing begins with: the octets of the transcripts' clients, the messages, and the words in both."""

import re
from collections.abc import Callable, Iterator

from appliance import ROOT
from mailservices.mail import autocrypt, headers, mime, unpacking
from mailservices.mail.smime import bringing, entities
from tests.mail.openpgp import cast
from tests.transcripts.runner import TRANSCRIPTS, Step, steps

RETURNED = sorted((ROOT / "tests" / "returned").glob("*.eml"))
SIGNED_OR_ENCRYPTED = sorted((ROOT / "tests" / "smime").glob("*.eml"))
#: Octets of one that is worth being changed.
SMALL = 32 * 1024
MESSAGES = sorted((ROOT / "tests" / "messages").glob("*.eml"))
_LINES = {
    "smtp_lines": ".smtp",
    "smtp_text": ".smtp",
    "chunks": ".smtp",
    "line_ends_of": ".smtp",
    "dots": ".smtp",
    "imap_commands": ".imap",
    "pop3_lines": ".pop3",
    "pop2_lines": ".pop2",
}
#: Target -> the words of transcripts and messages that it reads.
_WORDS: dict[str, tuple[str, bytes]] = {
    "paths": (".smtp", rb"(?:FROM|TO): ?<(.*?)>(?: |\r)"),
    "smtp_parameters": (".smtp", rb"(?:FROM|TO): ?<.*?> (.*?)\r"),
    "message_urls": (".imap", rb'URL "?(\S*;UID=[^" ]*)'),
    "fetch_items": (".imap", rb"FETCH \S+ (.*?)\r"),
    "search_keys": (".imap", rb"SEARCH (.*?)\r"),
    "folder_names": (".imap", rb'(?:SELECT|CREATE|LIST|LSUB|RENAME|STATUS|DELETE) "?([^" \r]*)'),
    "number_sets": (".imap", rb"(?:FETCH|STORE|COPY|MOVE|EXPUNGE|UID) (\S+)"),
    "sasl_responses": (".smtp", rb"\r\n([A-Za-z0-9+/=!]+)\r"),
    "address_lists": (".eml", rb"(?:From|To|Cc|Reply-To|Sender|Bcc):(.*?)\r\n(?! )"),
    "media_types": (".eml", rb"Content-[A-Za-z]+:(.*?)\r\n(?! )"),
    "charsets": (".eml", rb"((?:charset=|=\?).*?)\r"),
    "moments": (".eml", rb"Date: (.*?)\r"),
}
_SIGNATURE = (
    b"v=1; a=rsa-sha256; c=relaxed/simple; d=a.test; s=one; t=5; x=9; l=3; i=joe@b.a.test; q=dns/txt;\r\n"
    b"\th=from:to; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=c2ln"
)
_RESULTS = (
    b' us.test 1; none; spf=pass (x) smtp.mailfrom="a b"@a.test; dkim/1 = fail reason="x" header.b=Ab/+=;\r\n'
    b"\tarc=pass header.d=a.test"
)
_AGGREGATE = (
    b"<feedback><report_metadata><org_name>o</org_name><email>e@o.test</email><report_id>1</report_id><date_range>"
    b"<begin>1</begin><end>2</end></date_range></report_metadata><policy_published><domain>us.test</domain><p>none</p>"
    b"</policy_published><record><row><source_ip>192.0.2.1</source_ip><count>3</count><policy_evaluated>"
    b"<disposition>none</disposition><dkim>pass</dkim><spf>fail</spf><reason><type>other</type></reason>"
    b"</policy_evaluated></row><identifiers><envelope_from>a.test</envelope_from><header_from>us.test</header_from>"
    b"</identifiers><auth_results><dkim><domain>us.test</domain><selector>s</selector><result>pass</result></dkim>"
    b"<spf><domain>a.test</domain><scope>mfrom</scope><result>fail</result></spf></auth_results></record></feedback>"
)
_TLS = (
    b'{"organization-name": "o", "date-range": {"start-datetime": "2026-05-04T00:00:00Z", "end-datetime":'
    b'"2026-05-04T23:59:59Z"}, "report-id": "1", "policies": [{"policy": {"policy-type": "sts", "policy-domain":'
    b'"us.test", "policy-string": ["mode: enforce"], "mx-host": ["*.us.test"]}, "summary":'
    b'{"total-successful-session-count": 1}, "failure-details": [{"result-type": "certificate-expired",'
    b'"failed-session-count": 1}]}]}'
)
_OTHERS = {
    "tag_lists": [_SIGNATURE, b"v=DKIM1; p="],
    "dkim_signatures": [_SIGNATURE],
    "dkim_records": [b"v=DKIM1; k=ed25519; t=y:s; h=sha256; s=*; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="],
    "dkim_bodies": [b"\x01a \t \r\n\r\nb \r\n \r\n", b"\x03\r\n\r\n", b"\x02 \r \n\r"],
    "signed_messages": [
        b"DKIM-Signature: " + _SIGNATURE + b"\r\nARC-Seal: i=1; a=rsa-sha256; cv=none; d=a.test; s=one; b=c2ln\r\n"
        b"ARC-Message-Signature: i=1; "
        + _SIGNATURE
        + b"\r\nARC-Authentication-Results: i=1;"
        + _RESULTS
        + b"\r\nFrom: joe@b.a.test\r\n\r\nHi\r\n"
    ],
    "results_fields": [_RESULTS, b"us.test; none"],
    "proxy_headers": [
        b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 25",
        b"PROXY TCP6 2001:db8::1 ::1 56324 25",
        b"PROXY UNKNOWN",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\xdc\4\0\x19",
        b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
    ],
    "dmarc_records": [
        b"v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; aspf=r; pct=50; t=y; fo=1; rua=mailto:a@b.test!10m",
        b"v=DMARC1;p=none",
        b"v=DMARC1; rua=mailto:a@b.test",
    ],
    "aggregate_reports": [_AGGREGATE, unpacking.pack(_AGGREGATE)],
    "tls_reports": [_TLS, unpacking.pack(_TLS)],
    "report_destinations": [b"mailto:a@b.test!10m,https://c.test/d?e,mailto:f%2Bg@h.test"],
    "webhook_urls": [b"https://hook.test:8443/a?b=c", b"http://[2001:db8::1]/"],
    "return_codes": [b"127.0.0.2 127.0.0.4-7,127.0.1.2-127.0.1.3", b"127.255.255.254"],
    "replies": [b"\x09250-us.test\r\n250 2.1.0 Fine\r\n550 5.1.1 No\r\n", b"\x09250\r\n", b"\x09354 Go on\r\n"],
    "sasl_scram": [
        b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL\nc=biws,r=fyko,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=\n",
        b"p=tls-server-end-point,a=a=2Cb,n=user,r=abc\nc=cD10bHM=,r=abc,x=y,p=v0X8\n",
        b"y,,n=u=3Dser,r=abc,x=extension\nc=eSws,r=abc,p=AAAA\n",
    ],
    "sasl_tokens": [
        b"n,a=user@example.com,\1host=server.example.com\1port=143\1auth=Bearer vF9dft4q\1\1",
        b"user=user@example.com\1auth=Bearer vF9dft4q\1\1",
    ],
    "sasl_cram": [b"tim b913a602c7eda7a495b4e6e7334d3890"],
    "sasl_external": [b"alice@example.org", b"AL@example.org", b"bob@example.org"],
    "moments": [b" 1-Jul-2026 02:44:25 -0700", b"1-Jul-2026"],
}


def _contents(low: str, high: str) -> Iterator[bytes]:
    """The CMS in the messages of tests/smime."""
    for path in SIGNED_OR_ENCRYPTED:
        if low <= path.name < high and path.stat().st_size < SMALL:
            header, body = headers.split(path.read_bytes())
            message = mime.scan(header, body)
            part = message.children[-1] if message.children else message
            yield entities.octets(part, body)


def _brought() -> Iterator[bytes]:
    for path in sorted((ROOT / "tests" / "smime" / "keys").glob("*.pem")):
        yield path.read_bytes()
        yield bringing.read(path.read_bytes()).certificate


def _autocrypt() -> Iterator[bytes]:
    for name in ("alice", "bob"):
        field = autocrypt.field(f"{name}@example.org", cast.public(name), mutual=True)
        yield f"From: {name}@example.org\r\nDate: Mon, 2 Nov 2026 12:00:00 +0000\r\n".encode() + field + b"\r\n"


def _submissions() -> Iterator[bytes]:
    for key in sorted(cast.KEYS.glob("*.asc")):
        yield b"Content-Type: application/pgp-keys\n\n" + key.read_bytes()
    told = b"type: confirmation-response\naddress: a@example.org\nnonce: 0123456789abcdef\n"
    yield b"Content-Type: application/vnd.gnupg.wks\n\n" + told


_PRIVATE: dict[str, Callable[[], Iterator[bytes]]] = {
    "certificates_for_mail": lambda: (bringing.read(octets).certificate for octets in _brought()),
    "brought_certificates": _brought,
    "signatures_of_mail": lambda: _contents("0", "4"),
    "signed_mail": lambda: (one.read_bytes() for one in SIGNED_OR_ENCRYPTED if one.stat().st_size < SMALL),
    "encrypted_mail": lambda: _contents("4", "5"),
    "openpgp_keys": lambda: (one.read_bytes() for one in sorted(cast.KEYS.glob("*.asc"))),
    "key_submissions": _submissions,
    "key_directory_paths": lambda: (f"/{name}hu/{'y' * 32}".encode() for name in ("", "example.org/")),
    "openpgp_signed_mail": lambda: (one.read_bytes() for one in sorted(cast.CASES.glob("??-*.eml"))),
    "openpgp_encrypted_mail": lambda: (one.read_bytes() for one in sorted(cast.CASES.glob("for-*.eml"))),
    "autocrypt_headers": _autocrypt,
}


def _client(wanted: list[Step]) -> bytes:
    """A conversation's lines, each once."""
    return b"".join(step.octets(_Names()) for step in wanted if step.kind == "C" and step.times == 1)


class _Names(dict[str, str]):
    """Somebody of each name in a transcript."""

    def __missing__(self, name: str) -> str:
        return f"{name}@example.org"


def conversations(suffix: str) -> Iterator[bytes]:
    for path in TRANSCRIPTS:
        if path.suffix == suffix:
            yield _client(list(steps(path)))


def of(name: str) -> list[bytes]:
    """The seeds of a target."""
    if name in _LINES:
        # The first octet says how the others are cut.
        return [b"\xff" + octets for octets in conversations(_LINES[name])]
    found = list(_OTHERS.get(name, []))
    if name == "returned_mail":
        found = [path.read_bytes() for path in RETURNED]
    if name in _PRIVATE:
        found = list(_PRIVATE[name]())
    if name in _WORDS:
        suffix, expression = _WORDS[name]
        texts = [path.read_bytes() for path in MESSAGES] if suffix == ".eml" else conversations(suffix)
        found += {word for octets in texts for word in re.findall(expression, octets, re.DOTALL)}
    if not found:
        found = [path.read_bytes() for path in MESSAGES]
    return sorted(found)
