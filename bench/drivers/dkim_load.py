"""DKIM: milliseconds for one message of --size octets, by our engine or by dkimpy. No server takes part.

--work is sign-rsa, sign-ed25519 or verify. dkimpy has no Ed25519 without another library: it signs with RSA then.
The last line is JSON: {"ms": ...}, the median of --rounds.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: E402

from mailservices.mail.dkim import sign  # noqa: E402
from mailservices.mail.dkim.sign import Key, Signer  # noqa: E402
from mailservices.mail.dkim.signature import Algorithm  # noqa: E402
from mailservices.mail.dkim.verify import Verifier  # noqa: E402
from mailservices.mail.findings import Result  # noqa: E402
from mailservices.mail.questions import Found  # noqa: E402

DOMAIN, NOW = "bench.test", 1_700_000_000
HEADER = (
    b"Received: from client.test ([192.0.2.1])\r\n\tby mail.bench.test with ESMTPSA id 0123;"
    b" Wed, 01 Jul 2026 02:44:25 +0000\r\n"
    b"From: Alice <alice@bench.test>\r\nTo: bob@example.org\r\nSubject: Figures\r\nDate: Wed, 01 Jul 2026 02:44:25 +0000\r\n"
    b"Message-ID: <0123@bench.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
)
LINE = b"Seventy characters of text stand on each line of this message's body.\r\n"
KEYS = {"rsa": Key("rsa", sign.new_private(Algorithm.RSA)), "ed25519": Key("ed", sign.new_private(Algorithm.ED25519))}
RECORDS = {f"{key.selector}._domainkey.{DOMAIN}": sign.record(key.private).encode() for key in KEYS.values()}


def ours(work, body):
    def made(kind):
        signer = Signer(HEADER, [KEYS[kind]], DOMAIN, NOW)
        signer.feed(body)
        return signer.finish()

    if work.startswith("sign-"):
        return lambda: made(work.removeprefix("sign-"))
    header = made("rsa") + HEADER

    def verify():
        verifier = Verifier(header, NOW)
        verifier.feed(body)
        flow = verifier.finish()
        question = next(flow)
        try:
            flow.send(Found((RECORDS[question.name],)))
        except StopIteration as done:
            assert done.value[0].result is Result.PASS

    return verify


def dkimpy(work, body):
    import dkim

    pem = KEYS["rsa"].private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())

    def made():
        forms = (b"relaxed", b"relaxed")
        return dkim.sign(HEADER + body, b"rsa", DOMAIN.encode(), pem, canonicalize=forms)

    if work.startswith("sign-"):
        return made
    message = made() + HEADER + body

    def verify():
        assert dkim.verify(message, dnsfunc=lambda name, timeout=5: RECORDS[name.decode().rstrip(".")])

    return verify


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", choices=("ours", "dkimpy"), default="ours")
    parser.add_argument("--work", choices=("sign-rsa", "sign-ed25519", "verify"), default="sign-rsa")
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    body = LINE * (options.size // len(LINE))
    once = {"ours": ours, "dkimpy": dkimpy}[options.engine](options.work, body)
    taken = []
    for _ in range(options.rounds):
        started = time.perf_counter()
        once()
        taken.append(time.perf_counter() - started)
    print(json.dumps({"ms": round(statistics.median(taken) * 1000, 3), "octets": len(body)}))


if __name__ == "__main__":
    main()
