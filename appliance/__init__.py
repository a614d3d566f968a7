"""Starts the whole appliance on one machine without containers. README.md says how.

Standard library only: this room makes the environment in which the others run.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: The virtual environment.
VENV = Path(os.environ.get("FACTEUR_VENV") or ROOT / ".venv")
PYTHON = VENV / "bin" / "python"


class Trouble(Exception):
    """What stops us, in one clear sentence that says what to do."""
