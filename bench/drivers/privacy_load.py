"""Encryption on arrival: CPU milliseconds that one message of --size octets costs more, by us, gpg or openssl.

Ours is all that a mailbox of its own adds: the header split, the text encrypted, the structure read and the body
packed for the store. The others encrypt the same text, each time as a process, as a filter would. No server takes part.
The last line is JSON: {"ms": ...}, the median of --rounds.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: E402
from cryptography.hazmat.primitives.hashes import SHA256  # noqa: E402
from cryptography.hazmat.primitives.serialization import Encoding  # noqa: E402
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: E402

from mailservices.mail import structure  # noqa: E402
from mailservices.mail.openpgp import keys  # noqa: E402
from mailservices.store import bodies, enclosing  # noqa: E402
from mailservices.store.enclosing import Wish  # noqa: E402

PREFIX = (
    b"Return-Path: <bob@example.org>\r\nDelivered-To: alice@bench.test\r\nReceived: from client.test ([192.0.2.1])\r\n"
    b"\tby mail.bench.test with ESMTPS id 0123; Wed, 01 Jul 2026 02:44:25 +0000\r\n"
)
HEADER = (
    b"From: Bob <bob@example.org>\r\nTo: alice@bench.test\r\nSubject: Figures\r\n"
    b"Date: Wed, 01 Jul 2026 02:44:25 +0000\r\nMessage-ID: <0123@example.org>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
)
LINE = b"Seventy characters of text stand on each line of this message's body.\r\n"


def certificate():
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Alice")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name("alice@bench.test")]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .sign(key, SHA256())
    )  # fmt: skip


def ours(kind, body):
    if kind == "openpgp":
        public = keys.generate("Alice", "alice@bench.test").public
    else:
        public = certificate().public_bytes(Encoding.DER)
    wish = Wish(1, kind, (public,), "wait", hide_subject=True, on_append=())

    def once():
        prefix, header, sealed = enclosing._made(wish, PREFIX, HEADER, body)
        structure.read(prefix + header, sealed)
        for start in range(0, len(sealed), bodies.PIECE_OCTETS):
            bodies.pack(sealed[start : start + bodies.PIECE_OCTETS])

    return once


def other(kind, body, folder):
    """GnuPG or OpenSSL, as a process for each message."""
    if kind == "openpgp":
        gpg = ["gpg", "--homedir", folder, "--batch", "--quiet", "--trust-model", "always"]
        public = keys.armoured(keys.generate("Alice", "alice@bench.test").public)
        subprocess.run([*gpg, "--import"], input=public.encode(), capture_output=True, check=True)
        command = [*gpg, "--armor", "--recipient", "alice@bench.test", "--encrypt"]
    else:
        path = Path(folder) / "alice.pem"
        path.write_bytes(certificate().public_bytes(Encoding.PEM))
        command = ["openssl", "cms", "-encrypt", "-aes256", "-binary", "-stream", str(path)]
    return lambda: subprocess.run(command, input=HEADER + body, capture_output=True, check=True)


def spent():
    """CPU seconds of ours and of the programs that we ran."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", choices=("ours", "other"), default="ours")
    parser.add_argument("--kind", choices=("openpgp", "smime"), default="openpgp")
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    body = LINE * (options.size // len(LINE))
    with tempfile.TemporaryDirectory() as folder:
        once = ours(options.kind, body) if options.engine == "ours" else other(options.kind, body, folder)
        once()
        taken = []
        for _ in range(options.rounds):
            started = spent()
            once()
            taken.append(spent() - started)
    print(json.dumps({"ms": round(statistics.median(taken) * 1000, 3), "octets": len(body)}))


if __name__ == "__main__":
    main()
