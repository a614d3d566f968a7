"""`make fuzz`: every target, or those that are named, so many seconds each (FACTEUR_FUZZ_SECONDS, else 20).

Coverage leads the way where atheris is installed; elsewhere hypothesis throws octets of chance. What fails is kept
under var/fuzz; give its file's name behind the target's to run it again.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from appliance import PYTHON, ROOT

FOLDER = ROOT / "var" / "fuzz"
SECONDS = int(os.environ.get("FACTEUR_FUZZ_SECONDS", "20"))


def main(arguments: list[str]) -> int:
    from tests.fuzz.targets import TARGETS

    files = [Path(argument) for argument in arguments if Path(argument).is_file()]
    names = [argument for argument in arguments if argument in TARGETS] or list(TARGETS)
    if files:
        for path in files:
            TARGETS[names[0]](path.read_bytes())
        return 0
    return sum(not carried_out(name) for name in names)


def carried_out(name: str) -> bool:
    """In a process of its own: a fuzzer ends its process."""
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    command = [str(PYTHON), "-m", "tests.fuzz.one", name, str(SECONDS), str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    (folder / "log").write_text(done.stdout)
    print(
        f"{'ok    ' if done.returncode == 0 else 'FAILED'} {name} ({time.monotonic() - started:.0f} s)", flush=True
    )
    if done.returncode:
        print("\n".join(done.stdout.splitlines()[-40:]), flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
