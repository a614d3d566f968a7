"""`make compose-test`: engine, images, stack, then what must hold, told line by line.

`python3 -m tests.containers engine` only finds out whether this machine can: the engine is installed and started.
"""

import signal
import sys
import tempfile
import time
from pathlib import Path

from appliance import Trouble
from tests.containers import engine, images, stack
from tests.containers.checks import CHECKS, bring_up

_begun = time.monotonic()


def say(words: str) -> None:
    print(f"{time.monotonic() - _begun:6.1f} s  {words}", flush=True)


def prove() -> None:
    """Bring the stack up, check it, take it down."""
    stack.tear_down()
    try:
        stack.compose("build", "--quiet")
        say("the image is built")
        bring_up()
        say("the stack is up")
        for check in CHECKS:
            say(f"ok: {check()}")
    except Exception:
        print(stack.compose("ps", "--all"), stack.compose("logs", "--tail", "30"), sep="\n")
        raise
    finally:
        stack.tear_down()
    say("the stack is gone")


def main(*, engine_only: bool) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("facteur: told to stop"))
    with tempfile.TemporaryDirectory(prefix="facteur-containers-", dir="/var/tmp") as name:
        folder = Path(name)
        engine.ensure_installed(folder)
        say("the engine is installed")
        with engine.Daemon(folder):
            say("the engine runs")
            if engine_only:
                return 0
            say(f"the base images are here: {images.ensure()}")
            prove()
    print(f"{len(CHECKS)} passed, 0 failed", flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(engine_only=sys.argv[1:] == ["engine"]))
    except Trouble as trouble:
        sys.exit(f"facteur: {trouble}")
