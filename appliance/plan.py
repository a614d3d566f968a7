"""What one start of the appliance was asked for: read from FACTEUR_* variables, ports chosen."""

import os
from dataclasses import dataclass
from pathlib import Path

from appliance import ROOT, Trouble
from appliance.ports import free_port

#: Beside those of mailservices/config.py, which this list repeats: that module needs no environment to be read,
#: but the supervisor must know the ports before there is one.
PRIVATE_PORTS = {"database": 25432, "redis": 26379}


@dataclass(frozen=True, slots=True)
class Plan:
    """One appliance: its folder, its name and its ports."""

    folder: Path
    hostname: str
    ports: dict[str, int]
    processes: int

    @property
    def logs(self) -> Path:
        return self.folder / "log"

    @property
    def report(self) -> Path:
        return self.folder / "appliance.json"


def read(ports: dict[str, int]) -> Plan:
    """The plan for these named default ports. A port of 0, or FACTEUR_PORTS=free, means any free one.

    Raises:
        Trouble: a variable makes no sense.
    """
    any_port = os.environ.get("FACTEUR_PORTS", "") == "free"
    chosen: dict[str, int] = {}
    for name, default in {**ports, **PRIVATE_PORTS}.items():
        port = _number(f"FACTEUR_{name.upper()}_PORT", 0 if any_port else default)
        chosen[name] = port or _new_port(set(chosen.values()))
    return Plan(
        folder=Path(os.environ.get("FACTEUR_VAR") or ROOT / "var").resolve(),
        hostname=os.environ.get("FACTEUR_HOSTNAME") or "mail.localhost",
        ports=chosen,
        processes=max(1, _number("FACTEUR_PROCESSES", os.cpu_count() or 1)),
    )


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "").strip() or str(default)
    if not text.isdigit() or int(text) > 65535:
        raise Trouble(f"{name} must be a number from 0 to 65535, not {text!r}.")
    return int(text)


def _new_port(taken: set[int]) -> int:
    while (port := free_port()) in taken:
        pass
    return port
