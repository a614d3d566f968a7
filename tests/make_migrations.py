"""`make migrations NAME=what_it_does`: writes migrations for the models that have changed."""

import os
import subprocess
import sys

from appliance import PYTHON, ROOT
from tests import servers


def main() -> int:
    name = os.environ.get("NAME", "")
    if not name:
        print("Say what it does: make migrations NAME=add_display_name", file=sys.stderr)
        return 2
    servers.start()
    try:
        command = [str(PYTHON), "-m", "webadmin.manage", "makemigrations", "--name", name]
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    finally:
        servers.stop()


if __name__ == "__main__":
    sys.exit(main())
