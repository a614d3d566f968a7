"""`make compose-test`: engine, images, stack, then what must hold, told line by line."""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from appliance import Trouble
from tests.containers import engine, images, stack

ALICE, BOB = "alice@example.org", "bob@example.org"
KILLED = ("smtp", "imap", "pop3", "worker", "beat", "web", "front", "redis", "postgres")

_begun = time.monotonic()


def say(words: str) -> None:
    print(f"{time.monotonic() - _begun:6.1f} s  {words}", flush=True)


def bring_up(*options: str) -> None:
    try:
        stack.compose("up", "--detach", "--wait", "--wait-timeout", "180", *options)
    except Trouble:
        print(stack.compose("ps", "--all"), stack.compose("logs", "--tail", "30"), sep="\n")
        raise


def provision() -> str:
    api = stack.Api()
    api.post("domains", name="example.org")
    for address in (ALICE, BOB):
        api.post("accounts", address=address, password="pw1", quota_bytes=None)
    return "a domain and two accounts by REST"


def mail_in() -> str:
    stack.until("the front lets in", lambda: stack.send_in(ALICE, "first") is None)
    headers = stack.headers_by_imap(ALICE, "pw1")
    assert stack.subjects(headers) == ["first"], headers
    assert stack.count_by_pop3(ALICE, "pw1") == 1
    return "a message in, read by IMAP and POP3"


def client_addresses() -> str:
    """A stranger's own address arrives, though a front stands between."""
    stack.compose("exec", "-T", "stranger", "smtp-source", "-f", "y@elsewhere.test", "-t", BOB, "front:25")
    received = stack.until("the stranger's message", lambda: stack.headers_by_imap(BOB, "pw1"))[0]
    address = stack.inspect(
        stack.container("stranger"), '{{(index .NetworkSettings.Networks "facteur-test_world").IPAddress}}'
    )
    assert f"[{address}]" in received, received
    return f"a stranger at {address} is known as that"


def mail_out() -> str:
    stack.send_out(ALICE, "pw1", "someone@outside.test", "going out")
    found = stack.until(
        "the message at the far side",
        lambda: stack.compose("exec", "-T", "sink", "bash", "-c", "cat /home/keeper/mail || true"),
    )
    assert "Subject: going out" in found, found
    assert "using TLSv1" in found, found
    return "a message out, to Postfix by TLS"


def scale() -> str:
    bring_up("--no-recreate", "--scale", "imap=2", "--scale", "smtp=2")
    assert len(stack.compose("ps", "--quiet", "imap").split()) == 2
    for number in range(10):
        stack.send_in(BOB, f"scaled {number}")
        assert f"scaled {number}" in stack.subjects(stack.headers_by_imap(BOB, "pw1"))
    return "two replicas of smtp and imap behind one front"


def kill_each() -> str:
    stream = stack.Stream(ALICE)
    times = {name: stack.kill(name) for name in KILLED}
    stack.until("mail is taken again", lambda: stack.send_in(ALICE, "after all") is None)
    acknowledged = stream.stop()
    found = stack.until("all is there", lambda: stack.subjects(stack.headers_by_imap(ALICE, "pw1")))
    lost = [one for one in acknowledged if found.count(one) == 0]
    doubled = [one for one in acknowledged if found.count(one) > 1]
    assert acknowledged
    assert not lost, lost
    assert not doubled, doubled
    told = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in times.items())
    return (
        f"each killed once, none of {len(acknowledged)} acknowledged messages lost or doubled; back after {told}"
    )


def queue_goes_on() -> str:
    """After all of that, mail still leaves."""
    stack.send_out(BOB, "pw1", "someone@outside.test", "still going out")
    stack.until(
        "the message at the far side",
        lambda: "still going out" in stack.compose("exec", "-T", "sink", "cat", "/home/keeper/mail"),
    )
    return "mail still goes out"


def start_again() -> str:
    before = len(stack.headers_by_imap(ALICE, "pw1"))
    stack.compose("down", "--timeout", "20")
    started = time.monotonic()
    bring_up()
    after = len(stack.until("mail after the restart", lambda: stack.headers_by_imap(ALICE, "pw1")))
    assert before == after, (before, after)
    return f"stopped and started, {after} messages kept, up in {time.monotonic() - started:.0f} s"


CHECKS: tuple[Callable[[], str], ...] = (
    provision, mail_in, client_addresses, mail_out, scale, kill_each, queue_goes_on, start_again,
)  # fmt: skip


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="facteur-containers-", dir="/var/tmp") as name:
        folder = Path(name)
        engine.ensure_installed(folder)
        say("the engine is installed")
        with engine.Daemon(folder):
            images.ensure()
            say("the base images are here")
            stack.tear_down()
            try:
                stack.compose("build", "--quiet")
                say("the image is built")
                bring_up()
                say("the stack is up")
                for check in CHECKS:
                    say(f"ok: {check()}")
            finally:
                stack.tear_down()
    say(f"{len(CHECKS)} passed, 0 failed")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (AssertionError, Trouble) as trouble:
        sys.exit(f"facteur: the stack does not do what it should: {trouble}")
