"""`python3 -m appliance setup|setup-dev|run`: what the Makefile calls."""

import os
import sys

from appliance import PYTHON, VENV, Trouble, environment, programs

USAGE = "usage: python3 -m appliance setup|setup-dev|run"


def main(arguments: list[str]) -> None:
    match arguments:
        case ["setup"]:
            environment.ensure(environment.RUN)
            environment.ensure_servers()
        case ["setup-dev"]:
            environment.ensure(environment.DEVELOP)
            environment.ensure_servers()
            programs.ensure_test_programs()
        case ["run"] if os.path.realpath(sys.prefix) == os.path.realpath(VENV):
            from appliance import start  # noqa: PLC0415 - only the environment made by now can

            start.run()
        case ["run"]:
            environment.ensure(environment.RUN)
            os.execv(PYTHON, [str(PYTHON), "-m", "appliance", "run"])  # noqa: S606
        case _:
            sys.exit(USAGE)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Trouble as trouble:
        sys.exit(f"facteur: {trouble}")
    except KeyboardInterrupt:
        sys.exit(130)
