"""Encrypted messages opened in a process of their own: what is inside may be compressed to a thousandth, and the
library that opens it gives it whole. Memory, time and octets have an end there, and nothing of ours is near.

The question, a line of JSON and the sealed octets, comes by its standard input; the answer, a line and what was
inside, goes to its standard output.
"""

import asyncio
import base64
import json
import os
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from mailservices.mail.findings import Result
from mailservices.mail.openpgp import decrypt
from mailservices.mail.privacy import PrivacyError, Verdict
from mailservices.mail.smime import enveloped
from mailservices.mail.vocabulary import KeyKind

#: Octets of what is inside, of all memory of the process, its seconds of work, and of waiting for it.
INSIDE_OCTETS = 64 * 2**20
MEMORY_OCTETS = 1024 * 2**20
CPU_SECONDS = 20
LIMIT = 30.0
#: Processes that one of ours has at once.
AT_ONCE = 2

_places = asyncio.Semaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Private:
    """A key that is held for opening, with its certificate."""

    fingerprint: str
    public: bytes
    secret: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """What was inside, by which key it was opened, and what became of a signature in the same layer."""

    payload: bytes
    fingerprint: str
    verdict: Verdict


async def open_sealed(
    kind: KeyKind, sealed: bytes, keys: Sequence[Private], certificates: Sequence[bytes]
) -> Opened:
    """Open it with one of these keys.

    Args:
        certificates: whose signatures are known.

    Raises:
        PrivacyError: none of them opens it, or not within the limits.
    """
    asked = {
        "kind": kind.value,
        "keys": [[one.fingerprint, _text(one.public), _text(one.secret)] for one in keys],
        "certificates": [_text(one) for one in certificates],
    }
    async with _places:
        answer = await _run(json.dumps(asked).encode() + b"\n" + sealed)
    line, _, payload = answer.partition(b"\n")
    try:
        told = json.loads(line)
    except ValueError:
        raise PrivacyError("it could not be opened within the limits") from None
    if "why" in told:
        raise PrivacyError(told["why"])
    verdict = Verdict(Result(told["result"]), told["reason"], told["signer"], tuple(told["addresses"]))
    return Opened(payload, told["key"], verdict)


async def _run(asked: bytes) -> bytes:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mailservices.net.opener",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    try:
        async with asyncio.timeout(LIMIT):
            answer, _ = await child.communicate(asked)
    except TimeoutError:
        return b""
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return answer if child.returncode == 0 else b""


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def answer(asked: bytes) -> bytes:
    """What the process says."""
    line, _, sealed = asked.partition(b"\n")
    told = json.loads(line)
    certificates = [base64.b64decode(one) for one in told["certificates"]]
    why = "there is no key for it"
    for fingerprint, public, secret in told["keys"]:
        own = Private(fingerprint, base64.b64decode(public), base64.b64decode(secret))
        try:
            payload, verdict = _open(told["kind"], sealed, own, certificates)
        except PrivacyError as error:
            why = str(error)
            continue
        if len(payload) > INSIDE_OCTETS:
            return json.dumps({"why": f"more than {INSIDE_OCTETS} octets are inside"}).encode()
        said = {
            "key": fingerprint, "result": verdict.result.value, "reason": verdict.reason,
            "signer": verdict.fingerprint, "addresses": verdict.addresses,
        }  # fmt: skip
        return json.dumps(said).encode() + b"\n" + payload
    return json.dumps({"why": why}).encode()


def _open(kind: str, sealed: bytes, own: Private, certificates: Sequence[bytes]) -> tuple[bytes, Verdict]:
    if kind == KeyKind.SMIME:
        return enveloped.decrypt(sealed, own.public, own.secret), Verdict(Result.NONE)
    return decrypt.decrypt(sealed, own.secret, certificates)


def main() -> None:
    """One question, within the limits."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_OCTETS, MEMORY_OCTETS))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.buffer.write(answer(sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
