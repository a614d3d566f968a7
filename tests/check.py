"""`make check`: everything about the code that a machine can judge without running the product."""

import subprocess
import sys
import time

from appliance import ROOT, VENV
from tests import servers

BIN = VENV / "bin"
CHECKS: dict[str, list[str]] = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy"],
    "imports": ["lint-imports"],
    "migrations": ["python", "-m", "webadmin.manage", "makemigrations", "--check", "--dry-run"],
    "architecture": ["pytest", "--quiet", "tests/architecture"],
}


def main() -> int:
    servers.start()
    failed = []
    try:
        for name, (program, *arguments) in CHECKS.items():
            started = time.monotonic()
            done = subprocess.run(
                [str(BIN / program), *arguments], cwd=ROOT, capture_output=True, text=True, check=False
            )
            print(f"{'ok    ' if done.returncode == 0 else 'FAILED'} {name} ({time.monotonic() - started:.1f} s)")
            if done.returncode:
                failed.append(name)
                print(done.stdout + done.stderr)
    finally:
        servers.stop()
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
