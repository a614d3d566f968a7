"""What the containers need of this room: secrets at the first start, and the question whether a service is well.

Everything here is made once and kept: a second start changes nothing.
"""

import os
import secrets
import urllib.error
import urllib.request
from pathlib import Path

from appliance import Trouble
from appliance.private import SECRETS

#: Seconds that a service has to answer.
PROBE_LIMIT = 4


def make_secrets(folder: Path) -> None:
    """Passwords, Redis's configuration and a self-signed certificate, each where it is missing.

    Raises:
        Trouble: the folder cannot be written.
    """
    from mailservices.net.tls import make_self_signed  # noqa: PLC0415 - needs the image's environment

    try:
        for name in SECRETS:
            _keep(folder / name, secrets.token_urlsafe(32) + "\n")
        password = (folder / "redis_password").read_text().strip()
        _keep(
            folder / "redis.conf",
            f'protected-mode no\ndir /data\nsave ""\nappendonly no\nrequirepass {password}\n'
            "maxmemory-policy noeviction\n",
        )
        hostname = os.environ.get("FACTEUR_HOSTNAME") or "mail.localhost"
        make_self_signed(hostname, folder / "certificate.pem", folder / "certificate.key")
    except OSError as error:
        raise Trouble(f"{folder} cannot be used for the secrets: {error.strerror}.") from error


def _keep(path: Path, text: str) -> None:
    """Write it unless it is there; whole or not at all."""
    if path.exists():
        return
    new = path.with_name(path.name + ".new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    new.replace(path)


def probe(port: int) -> None:
    """Ask the service on this port of this container how it is.

    Raises:
        Trouble: it is not well.
    """
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=PROBE_LIMIT):
            pass
    except urllib.error.HTTPError as error:
        raise Trouble(error.read().decode("utf-8", "replace").strip()) from error
    except OSError as error:
        raise Trouble(f"Nothing answers on port {port}: {error}.") from error
