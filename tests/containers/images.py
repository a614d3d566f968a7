"""The base images: from their registry where it can be reached, else stand-ins built from Debian's packages."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance import Trouble
from tests.containers.engine import run

STANDINS = Path(__file__).parent / "standins"
BASE = "debian:trixie-slim"
#: Tag -> its Dockerfile here. The world is no stand-in: it exists in tests only.
BUILT = {
    "postgres:17": "postgres.Dockerfile",
    "redis:8": "redis.Dockerfile",
    "haproxy:3.0": "haproxy.Dockerfile",
    "facteur-test/world:local": "world.Dockerfile",
}
#: Images older than this are built anew.
LIFETIME = timedelta(days=7)
PULL_LIMIT = 120


def ensure() -> None:
    """Every image that docker-compose.yml and the tests name is here afterwards."""
    if not _fresh(BASE) and not _pulled(BASE):
        _build_base()
    for tag, file in BUILT.items():
        if not _fresh(tag) and not ("/" not in tag and _pulled(tag)):
            run("docker", "build", "--quiet", "--tag", tag, "--file", str(STANDINS / file), str(STANDINS))


def _fresh(tag: str) -> bool:
    done = subprocess.run(["docker", "image", "inspect", tag], capture_output=True, text=True, check=False)
    if done.returncode:
        return False
    created = json.loads(done.stdout)[0]["Created"][:19]
    return datetime.now(UTC) - datetime.fromisoformat(f"{created}+00:00") < LIFETIME


def _pulled(tag: str) -> bool:
    try:
        done = subprocess.run(
            ["docker", "pull", "--quiet", tag], capture_output=True, check=False, timeout=PULL_LIMIT
        )
    except subprocess.TimeoutExpired:
        return False
    return not done.returncode


def _build_base() -> None:
    """Debian's minimal system, as the official slim image: no documentation, no services started.

    The machine's own certificate authorities are handed on: it may be behind a gateway that has one.
    """
    authorities = sorted(Path("/usr/local/share/ca-certificates").glob("*.crt"))
    hooks = [
        r'printf "#!/bin/sh\nexit 101\n" > "$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d"',
        'rm -rf "$1"/usr/share/man/* "$1"/usr/share/info/* "$1"/usr/share/locale/*',
        'find "$1/usr/share/doc" -type f ! -name copyright -delete',
        'mkdir -p "$1/usr/local/share/ca-certificates"',
        *(f'cp "{path}" "$1/usr/local/share/ca-certificates/"' for path in authorities),
    ]
    command = [
        "mmdebstrap", "--quiet", "--variant=minbase", "--dpkgopt=force-unsafe-io",
        *(f"--customize-hook={hook}" for hook in hooks), BASE.split(":")[1].removesuffix("-slim"), "-",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as made:
        imported = subprocess.run(
            ["docker", "import", "--change", 'CMD ["bash"]', "-", BASE],
            stdin=made.stdout, capture_output=True, text=True, check=False,
        )  # fmt: skip
        words = made.communicate()[1].decode()
    if made.returncode or imported.returncode:
        raise Trouble(f"{BASE} cannot be built: {(words or imported.stderr).strip()[-500:]}")
