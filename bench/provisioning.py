"""`python -m bench.provisioning`: many accounts over the REST API, and a document that changes nothing.

10,000 accounts with ready hashes by one request must take less than 60 s, 50,000 unchanged ones of a document less
than 10 s (with one process of the web and one worker).
"""

import json
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench.sides import ours
from mailservices.mail import passwords

BULK, BULK_SECONDS = 10_000, 60
APPLIED, APPLIED_SECONDS = 50_000, 10
DOMAIN = "many.test"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="facteur-bench-") as folder, ours(Path(folder) / "ours") as side:
        web = json.loads((Path(side.folder) / "appliance.json").read_text())
        return measure(web["web"], web["api_token"])


def measure(web: str, token: str) -> int:
    """How many of the two took too long."""

    def call(method: str, path: str, body: Any) -> tuple[float, Any]:
        request = urllib.request.Request(
            f"{web}/api/v1/{path}/", json.dumps(body).encode(), method=method,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )  # fmt: skip
        began = time.perf_counter()
        with urllib.request.urlopen(request, timeout=600) as answer:
            told = json.load(answer)
        return time.perf_counter() - began, told

    call("POST", "domains", {"name": DOMAIN})
    ready = passwords.make("a passphrase")
    rows = [{"address": f"p{number}@{DOMAIN}", "password_hash": ready} for number in range(APPLIED)]
    bulk, told = call("POST", "accounts/bulk", {"accounts": rows[:BULK]})
    assert told["created"] == BULK, told
    for start in range(BULK, APPLIED, BULK):
        call("POST", "accounts/bulk", {"accounts": rows[start : start + BULK]})
    document = {"domains": [{"name": DOMAIN}], "accounts": [{"address": row["address"]} for row in rows]}
    applied, told = call("PUT", "state", document)
    print(f"{BULK} accounts by one request: {bulk:.1f} s (under {BULK_SECONDS})")
    print(f"{APPLIED} unchanged accounts of a document: {applied:.1f} s (under {APPLIED_SECONDS}): {told}")
    return (bulk >= BULK_SECONDS) + (applied >= APPLIED_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
