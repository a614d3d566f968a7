"""The cases of the ARC test suite, and messages that we seal ourselves."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from mailservices.mail.arc.seal import seal
from mailservices.mail.findings import Result
from tests.mail.dkim.keys import digest_of, ed25519

SUITE = Path(__file__).with_name("suite")
NOW = 1_600_000_000
HEADER = b"From: a@a.test\r\nTo: b@b.test\r\nSubject: Hi\r\n\r\n"
BODY = b"Hello\r\n"


@dataclass(frozen=True)
class Case:
    """One case, and the scenario that it belongs to."""

    name: str
    test: dict[str, Any]
    scenario: dict[str, Any]

    @property
    def message(self) -> bytes:
        return str(self.test["message"]).replace("\n", "\r\n").encode()

    @property
    def records(self) -> dict[str, str]:
        found: dict[str, str] = self.scenario["txt-records"]
        return found

    def __str__(self) -> str:
        return self.name


@cache
def cases(kind: str) -> tuple[Case, ...]:
    scenarios = yaml.safe_load_all((SUITE / f"arc-draft-{kind}-tests.yml").read_text())
    return tuple(Case(name, test, one) for one in scenarios for name, test in one["tests"].items())


def sealed(
    header: bytes, *validations: Result, results: str = "a.test; spf=pass", domain: str = "a.test"
) -> bytes:
    """The header under one set for each validation."""
    for validation in validations:
        header = seal(header, digest_of(BODY), validation, results, ed25519(), domain, NOW) + header
    return header
