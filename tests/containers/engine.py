"""The container engine: found, or installed from Debian's packages and started without an init system.

Only a daemon that was started here is stopped here.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

from appliance import Trouble, programs

#: `start_interval` of health checks needs this engine.
LEAST_ENGINE = 25
#: Debian's release whose engine fits, where this machine's own is older: its packages need only libc 2.34.
NEXT_SUITE = "trixie"
PACKAGES = ("docker.io", "docker-cli", "docker-buildx", "docker-compose")
TOOLS = ("containerd", "runc", "iptables", "mmdebstrap")
#: Seconds for the daemon to answer.
START_LIMIT = 30.0


def run(*command: str, **more: object) -> str:
    """The command's output.

    Raises:
        Trouble: it failed; with its last words.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise Trouble(f"{' '.join(command[:4])} failed:\n{last}")
    return str(done.stdout).strip()


def ensure_installed(folder: Path) -> None:
    """Engine, Compose, buildx and mmdebstrap are here afterwards.

    Raises:
        Trouble: they are not, and cannot be installed from here.
    """
    if _complete():
        return
    if not programs.can_install():
        raise Trouble("Docker Engine 25 with Compose 2.24 is needed, and only root can install it here.")
    if _own_suite_fits():
        programs.install(*PACKAGES, *TOOLS)
    else:
        programs.install(*(str(path) for path in _download(folder / "packages")), *TOOLS)
    if not _complete():
        raise Trouble("The engine was installed, but `docker compose version` does not work.")


def _complete() -> bool:
    if not all(shutil.which(name) for name in ("docker", "dockerd", "iptables", "mmdebstrap")):
        return False
    version = re.search(r"version (\d+)", subprocess.run(["dockerd", "--version"], capture_output=True, text=True,
                                                         check=False).stdout)  # fmt: skip
    plugins = (["docker", "compose", "version"], ["docker", "buildx", "version"])
    works = all(not subprocess.run(command, capture_output=True, check=False).returncode for command in plugins)
    return works and version is not None and int(version[1]) >= LEAST_ENGINE


def _own_suite_fits() -> bool:
    run("apt-get", "-qq", "update")
    policy = run("apt-cache", "policy", "docker-compose")
    candidate = re.search(r"Candidate: (\d+)", policy)
    return candidate is not None and int(candidate[1]) >= 2


def _download(folder: Path) -> list[Path]:
    """The engine's packages from the next suite, signatures checked; the machine's own sources stay."""
    (folder / "lists/partial").mkdir(parents=True, exist_ok=True)
    (folder / "cache/archives/partial").mkdir(parents=True, exist_ok=True)
    codename = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    targets = run(
        "apt-get", "indextargets", "--format", "$(REPO_URI)",
        f"Codename: {codename['VERSION_CODENAME'].strip(chr(34))}", "Created-By: Packages",
    )  # fmt: skip
    mirror = targets.splitlines()[0]
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (folder / "sources.list").write_text(f"deb [signed-by={keyring}] {mirror} {NEXT_SUITE} main\n")
    options = [
        part
        for name, value in {
            "Dir::Etc::sourcelist": str(folder / "sources.list"),
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State::lists": str(folder / "lists"),
            "Dir::State::status": "/dev/null",
            "Dir::Cache": str(folder / "cache"),
            "APT::Sandbox::User": "root",
        }.items()
        for part in ("-o", f"{name}={value}")
    ]
    run("apt-get", "-qq", *options, "update")
    run("apt-get", "-qq", *options, "download", *PACKAGES, cwd=folder)
    return sorted(folder.glob("*.deb"))


class Daemon:
    """dockerd for as long as the context lasts; one that runs already is used and left alone."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "dockerd.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if _answers():
            return self
        if "cgroup" not in Path("/proc/mounts").read_text():
            run("mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["dockerd", "--storage-driver=overlay2"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_LIMIT
        while not _answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Trouble(f"The container engine does not start: see {self._log}.")
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGTERM)
            self._process.wait(60)


def _answers() -> bool:
    return not subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
