"""`python3 -m appliance setup|setup-dev|run`: what the Makefile calls; `secrets|probe`: what the containers do.

`.venv/bin/python -m appliance manage COMMAND ...` is Django's command line for the appliance that runs.
"""

import os
import sys
from pathlib import Path

from appliance import PYTHON, VENV, Trouble, containers, environment, programs

USAGE = "usage: python3 -m appliance setup|setup-dev|run|manage COMMAND ...|secrets FOLDER|probe PORT"


def main(arguments: list[str]) -> None:
    match arguments:
        case ["setup"]:
            environment.ensure(environment.RUN)
            environment.ensure_servers()
        case ["setup-dev"]:
            environment.ensure(environment.DEVELOP)
            environment.ensure_servers()
            programs.ensure_test_programs()
        case ["run"] if _in_environment():
            from appliance import start  # noqa: PLC0415 - only the environment made by now can

            start.run()
        case ["manage", *rest] if _in_environment():
            from appliance import start  # noqa: PLC0415

            start.manage(rest)
        case ["secrets", folder]:
            containers.make_secrets(Path(folder))
        case ["probe", port] if port.isdigit():
            containers.probe(int(port))
        case ["run"]:
            environment.ensure(environment.RUN)
            os.execv(PYTHON, [str(PYTHON), "-m", "appliance", "run"])  # noqa: S606
        case _:
            sys.exit(USAGE)


def _in_environment() -> bool:
    return os.path.realpath(sys.prefix) == os.path.realpath(VENV)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Trouble as trouble:
        sys.exit(f"facteur: {trouble}")
    except KeyboardInterrupt:
        sys.exit(130)
