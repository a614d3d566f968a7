"""The container engine: found, or installed from Debian's packages and started without an init system.

Only a daemon that was started here is stopped here.
"""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

from appliance import Trouble, programs

#: `start_interval` of health checks needs this engine; docker-compose.yml needs this Compose.
LEAST_ENGINE = (25, 0)
LEAST_COMPOSE = (2, 24)
#: Debian's release whose engine fits, where this machine's own is older: its packages need only libc 2.34.
NEXT_SUITE = "trixie"
PACKAGES = ("docker.io", "docker-cli", "docker-buildx", "docker-compose")
TOOLS = ("containerd", "runc", "iptables")
#: Seconds for the daemon to answer, and to end.
START_LIMIT = 30.0
STOP_LIMIT = 60.0


def run(*command: str, **more: object) -> str:
    """The command's output.

    Raises:
        Trouble: it failed; with its last words.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]
    if done.returncode:
        raise Trouble(f"{' '.join(command[:4])} failed:\n{_last_lines(done.stderr or done.stdout)}")
    return str(done.stdout).strip()


def _last_lines(words: str) -> str:
    return "\n".join(words.strip().splitlines()[-15:])


def ensure_installed(folder: Path) -> None:
    """An engine that runs or can be started, Compose and buildx are here afterwards.

    Raises:
        Trouble: they are not, and cannot be installed from here.
    """
    if _complete():
        return
    if not (programs.can_install() and _os_release("ID") == "debian"):
        raise Trouble(
            "Docker Engine 25 with Compose 2.24 is needed, and only root on Debian can install it from here."
        )
    if _own_suite_fits():
        programs.install(*PACKAGES, *TOOLS)
    else:
        programs.install(*(str(path) for path in _download(folder / "packages")), *TOOLS)
    if not _complete():
        raise Trouble("The engine was installed, but `docker compose version` does not work.")


def _complete() -> bool:
    client = _version("docker", "compose", "version", "--short") >= LEAST_COMPOSE
    return client and _version("docker", "buildx", "version") > () and (_runs() or _can_start())


def _runs() -> bool:
    return _version("docker", "version", "--format", "{{.Server.Version}}") >= LEAST_ENGINE


def _can_start() -> bool:
    installed = all(shutil.which(name) for name in ("dockerd", "containerd", "runc", "iptables"))
    return os.geteuid() == 0 and installed and _version("dockerd", "--version") >= LEAST_ENGINE


def _version(*command: str) -> tuple[int, ...]:
    """The version that the command prints; nothing where it fails or is not here."""
    if shutil.which(command[0]) is None:
        return ()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found and not done.returncode else ()


def _os_release(name: str) -> str:
    lines = Path("/etc/os-release").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line).get(name, "").strip('"')


def _own_suite_fits() -> bool:
    run("apt-get", "-qq", "update")
    policy = run("apt-cache", "policy", "docker-compose")
    candidate = re.search(r"Candidate: (\d+)", policy)
    return candidate is not None and int(candidate[1]) >= LEAST_COMPOSE[0]


def _download(folder: Path) -> list[Path]:
    """The engine's packages from the next suite, signatures checked; the machine's own sources stay."""
    (folder / "lists/partial").mkdir(parents=True, exist_ok=True)
    (folder / "cache/archives/partial").mkdir(parents=True, exist_ok=True)
    targets = run(
        "apt-get", "indextargets", "--format", "$(REPO_URI)",
        f"Codename: {_os_release('VERSION_CODENAME')}", "Created-By: Packages",
    )  # fmt: skip
    if not targets:
        raise Trouble("apt-get has no source of this Debian release, so its mirror is not known.")
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
        if _runs():
            return self
        if "cgroup" not in Path("/proc/mounts").read_text():
            run("mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self) -> None:
        process, deadline = self._process, time.monotonic() + START_LIMIT
        while not _runs():
            if process is None or process.poll() is not None or time.monotonic() > deadline:
                raise Trouble(f"The container engine does not start:\n{_last_lines(self._log.read_text())}")
            time.sleep(0.2)

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
