"""`make bench`: both sides at once on this machine, each comparison turn about, then the table of ratios.

`make bench ONLY=logins` runs the comparisons whose name holds the word; `KEEP=1` writes bench/RESULTS.md.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from appliance import ROOT, Trouble
from bench import sides
from bench.comparisons import COMPARISONS, FILL, FILL_LARGE, Comparison, Result, Side, fill_inbox
from bench.reading import READING

Fill = Callable[[Side], list[str]]

RESULTS = ROOT / "bench" / "RESULTS.md"
DRIVER_LIMIT = 900
#: Seconds within which PostgreSQL has looked at what was filled, as it does wherever mail has come for a while.
SETTLING = 20.0
HEAD = """# Figures of `make bench`

Facteur against Debian's Postfix and Dovecot (LMTP, maildir), both syncing to disk, both running at once on
the same machine, each comparison turn about; medians. Machines differ and are noisy: only the ratios count.
"""


def drive(command: Sequence[str]) -> Result:
    """Run a driver; its last line of JSON."""
    done = subprocess.run(
        [sys.executable, *command], cwd=sides.DRIVERS, capture_output=True, text=True, check=False,
        timeout=DRIVER_LIMIT,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise Trouble(f"{command[0]} failed: {done.stderr.strip()[-500:]}")
    found: Result = json.loads(lines[-1])
    if found.get("errors"):
        raise Trouble(f"{command[0]} was refused: {found['first_errors']}")
    return found


def compare(comparison: Comparison, us: Side, them: Side) -> str:
    """One row of the table."""
    figures: dict[str, list[float]] = {us.name: [], them.name: []}
    for _ in range(comparison.turns):
        for side in (us, them):
            if side is them and comparison.other is not None:
                command = comparison.other(us)
            else:
                command = comparison.command(side)
            figures[side.name].append(comparison.figure(drive(command)))
    mine, theirs = (statistics.median(figures[side.name]) for side in (us, them))
    ratio = theirs / mine if comparison.less_is_better else mine / theirs
    if comparison.ratio is not None:
        wanted, reached = f"{comparison.ratio:g} times", ratio >= comparison.ratio
    else:
        wanted, reached = f"under {comparison.limit:g} {comparison.unit}", mine < (comparison.limit or 0)
    spread = f"{min(figures[us.name]):g}-{max(figures[us.name]):g}" if comparison.turns > 1 else ""
    row = (
        f"| {comparison.work} | {mine:g} {comparison.unit} | {theirs:g} {comparison.unit} | **{ratio:.2f}** "
        f"| {wanted} | {'yes' if reached else '**no**'} | {spread} |"
    )
    print(row, flush=True)
    return row


def _fills(chosen: Sequence[Comparison]) -> list[Fill]:
    """What has to lie where before these are compared."""
    works = [one.work for one in chosen if one in READING or "10,000" in one.work or "RETR" in one.work]
    wanted = {_fill(work) for work in works}
    return [fill for fill in (FILL, FILL_LARGE, fill_inbox) if fill in wanted]


def _fill(work: str) -> Fill:
    if work.startswith("POP3"):
        return fill_inbox
    return FILL_LARGE if "100,000 messages" in work else FILL


def main() -> None:
    chosen = [one for one in (*COMPARISONS, *READING) if os.environ.get("ONLY", "") in one.work]
    with tempfile.TemporaryDirectory(prefix="facteur-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with sides.ours(folder / "ours") as us, sides.peers(folder / "peers") as them:
            for fill in _fills(chosen):
                for side in (us, them):
                    drive(fill(side))
            if _fills(chosen):
                sides.wait_for_index(us)
                time.sleep(SETTLING)
            columns = ("work", "Facteur", "Postfix + Dovecot", "ratio", "wanted", "reached", "our runs")
            head = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
            print("\n".join(head), flush=True)
            rows = [compare(one, us, them) for one in chosen]
    if os.environ.get("KEEP"):
        machine = f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, CPython {platform.python_version()}."
        # What others measure stands behind the table.
        _, section, others = RESULTS.read_text().partition("\n## ")
        RESULTS.write_text("\n".join([HEAD, machine, "", *head, *rows, ""]) + section + others)


if __name__ == "__main__":
    try:
        main()
    except Trouble as trouble:
        sys.exit(f"facteur: {trouble}")
