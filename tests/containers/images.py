"""The base images: those that are here, else from their registry, else stand-ins made of Debian's packages.

A stand-in carries a label, so that an official image is never replaced by one.
"""

import json
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance import Trouble, programs
from tests.containers.engine import run

STANDINS = Path(__file__).parent / "standins"
BASE = "debian:trixie-slim"
#: Tag -> its Dockerfile here.
BUILT = {"postgres:17": "postgres.Dockerfile", "redis:8": "redis.Dockerfile", "haproxy:3.0": "haproxy.Dockerfile"}
#: No stand-in: it exists in tests only.
WORLD = "facteur-test/world:local"
LABEL = "facteur.standin"
#: Stand-ins older than this are built anew.
LIFETIME = timedelta(days=7)
PULL_LIMIT = 120


def ensure() -> str:
    """Every image that docker-compose.yml and the tests name is here afterwards; tells which are stand-ins."""
    missing = [tag for tag in (BASE, *BUILT) if not _usable(tag)]
    # Where one cannot be had, the others cannot either: a silent network is waited for once.
    while missing and _pulled(missing[0]):
        missing.pop(0)
    for tag in missing:
        if tag == BASE:
            _build_base()
        else:
            _build(tag, BUILT[tag])
    _build(WORLD, "world.Dockerfile")
    return f"stand-ins: {', '.join(tag for tag in (BASE, *BUILT) if _is_standin(tag)) or 'none'}"


def _facts(tag: str) -> dict[str, object]:
    done = subprocess.run(["docker", "image", "inspect", tag], capture_output=True, text=True, check=False)
    return {} if done.returncode else dict(json.loads(done.stdout)[0])


def _is_standin(tag: str) -> bool:
    facts = _facts(tag).get("Config")
    return isinstance(facts, dict) and LABEL in (facts.get("Labels") or {})


def _usable(tag: str) -> bool:
    created = str(_facts(tag).get("Created", ""))[:19]
    if not created or not _is_standin(tag):
        return bool(created)
    return datetime.now(UTC) - datetime.fromisoformat(f"{created}+00:00") < LIFETIME


def _pulled(tag: str) -> bool:
    try:
        done = subprocess.run(
            ["docker", "pull", "--quiet", tag], capture_output=True, check=False, timeout=PULL_LIMIT
        )
    except subprocess.TimeoutExpired:
        return False
    return not done.returncode


def _build(tag: str, file: str) -> None:
    run(
        "docker", "build", "--quiet", "--label", f"{LABEL}=yes", "--tag", tag,
        "--file", str(STANDINS / file), str(STANDINS),
    )  # fmt: skip


def _build_base() -> None:
    """Debian's minimal system, as the official slim image: no documentation, no caches, no services started.

    The machine's own certificate authorities are handed on: it may be behind a gateway that has one.
    """
    if shutil.which("mmdebstrap") is None:
        if not programs.can_install():
            raise Trouble(f"{BASE} can be had from no registry, and only root on Debian can build a stand-in.")
        programs.install("mmdebstrap")
    authorities = sorted(Path("/usr/local/share/ca-certificates").glob("*.crt"))
    hooks = [
        r'printf "#!/bin/sh\nexit 101\n" > "$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d"',
        'rm -rf "$1"/usr/share/man/* "$1"/usr/share/info/* "$1"/usr/share/locale/*',
        'find "$1/usr/share/doc" -type f ! -name copyright -delete',
        f"upload {STANDINS}/apt.conf /etc/apt/apt.conf.d/docker-clean",
        'rm -f "$1"/var/cache/apt/*.bin',
        'mkdir -p "$1/usr/local/share/ca-certificates"',
        *(f'cp "{path}" "$1/usr/local/share/ca-certificates/"' for path in authorities),
    ]
    command = [
        "mmdebstrap", "--quiet", "--variant=minbase", "--dpkgopt=force-unsafe-io",
        *(f"--customize-hook={hook}" for hook in hooks), BASE.split(":")[1].removesuffix("-slim"), "-",
    ]  # fmt: skip
    with (
        tempfile.TemporaryFile("w+") as words,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words) as made,
    ):
        imported = subprocess.run(
            ["docker", "import", "--change", 'CMD ["bash"]', "--change", f"LABEL {LABEL}=yes", "-", BASE],
            stdin=made.stdout, capture_output=True, text=True, check=False,
        )  # fmt: skip
        made.communicate()
        words.seek(0)
        told = words.read().strip() or imported.stderr
    if made.returncode or imported.returncode:
        raise Trouble(f"{BASE} cannot be built: {told.strip()[-500:]}")
