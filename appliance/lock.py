"""Compiles the hashed locks from pyproject.toml: no index, no download addresses, for Python 3.11 to 3.13."""

import os
import subprocess

from appliance import ROOT, VENV
from appliance.environment import DEVELOP, RUN, SERVERS

EXTRAS: dict[str, tuple[str, ...]] = {RUN: (), DEVELOP: ("--extra=dev",), SERVERS: ("--extra=servers",)}
OPTIONS = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-header",
    "--no-emit-index-url",
    "--no-annotate",
)


def main() -> None:
    for lock, extras in EXTRAS.items():
        subprocess.run(
            [
                VENV / "bin" / "uv",
                "pip",
                "compile",
                "--quiet",
                *OPTIONS,
                *extras,
                "pyproject.toml",
                "-o",
                lock,
            ],
            cwd=ROOT,
            env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"},
            check=True,
        )


if __name__ == "__main__":
    main()
