"""SPF by the test suite of RFC 7208 (rfc7208-tests.yml, its licence beside it), asked through our resolver.

The suite's zones are a name server on a real socket; TIMEOUT is played by one that fails.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.exception
import dns.name
import pytest
import yaml

from mailservices.config import Config
from mailservices.net.dns import Resolver
from mailservices.smtp.stages import spf
from tests.world import NameServer, quoted

SUITE = [one for one in yaml.safe_load_all((Path(__file__).parent / "rfc7208-tests.yml").read_text()) if one]
CASES = [
    pytest.param(scenario, case, id=f"{scenario['description']}: {name}")
    for scenario in SUITE
    for name, case in scenario["tests"].items()
]
KINDS = ("TXT", "A", "AAAA", "MX", "PTR")


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    served = NameServer()
    yield served
    served.close()


def normal(name: str) -> str:
    """As the name server compares it; empty for what no name can be."""
    try:
        return dns.name.from_text(name).to_text(omit_final_dot=True).lower()
    except dns.exception.DNSException:
        return ""


def record(kind: str, value: Any) -> str:
    """In the form of a zone file."""
    match kind:
        case "TXT":
            return " ".join(quoted(one) for one in ([value] if isinstance(value, str) else value)) or '""'
        case "MX":
            return f"{value[0]} {value[1] or ''}."
        case "PTR" | "CNAME":
            return value.rstrip(".") + "."
        case _:
            return str(value)


def serve(names: NameServer, zone: dict[str, list[Any]]) -> None:
    """Let the name server answer as this zone of the suite says."""
    names.zone.clear()
    names.failing.clear()
    for spelt, entries in zone.items():
        name = normal(spelt)
        records = [next(iter(entry.items())) for entry in entries if isinstance(entry, dict)]
        # The suite is from the days of the type SPF: such a record is a TXT, unless there are TXT records.
        if not any(kind == "TXT" for kind, _ in records):
            records = [("TXT" if kind == "SPF" else kind, value) for kind, value in records]
        for kind, value in records:
            if kind == "SPF" or value == "NONE":
                continue
            names.zone.setdefault((name, kind), []).append(record(kind, value))
        if "TIMEOUT" in entries:
            names.failing |= {(name, kind) for kind in KINDS if (name, kind) not in names.zone}
            names.zone.setdefault((name, "HINFO"), [])


@pytest.mark.parametrize(("scenario", "case"), CASES)
async def test_the_suite(
    config: Config, names: NameServer, scenario: dict[str, Any], case: dict[str, Any]
) -> None:
    serve(names, scenario["zonedata"])
    # A resolver of its own, for it remembers what the last zone said.
    resolver = Resolver(dataclasses.replace(config, dns=(("127.0.0.1", names.port),)))
    wanted = case["result"] if isinstance(case["result"], list) else [case["result"]]
    found = await spf.evaluate(resolver, str(case["host"]), case["mailfrom"], case["helo"])
    assert found in wanted


def test_the_suite_is_whole() -> None:
    assert len(CASES) == 203
