"""What must hold of the stack, in this order: each check returns what it has seen, or fails."""

import re
import time
from collections.abc import Callable

from tests.containers import stack

ALICE, BOB = "alice@example.org", "bob@example.org"
PASSWORD = "pw1"
OUTSIDE = "someone@outside.test"
#: Every service that goes on running, and those that have done their work at the start.
SERVICES = ("smtp", "imap", "pop3", "worker", "beat", "web", "front", "redis", "postgres")
ONCE = ("secrets", "setup")
#: Seconds for mail that a killed worker held: its lease, and a sweep.
HELD_LIMIT = 150


def bring_up(*options: str) -> None:
    stack.compose("up", "--detach", "--wait", "--wait-timeout", "180", *options)


def mail_by_imap(person: str) -> list[str]:
    return stack.subjects(stack.headers_by_imap(person, PASSWORD))


def mail_by_pop3(person: str) -> list[str]:
    return stack.subjects(stack.headers_by_pop3(person, PASSWORD))


def mail_at_far_side() -> list[str]:
    return stack.subjects(stack.headers_at_far_side())


def first_start() -> str:
    """The password is shown, once; the pages are there with their styles."""
    assert len(stack.shown("Password")) == len(stack.shown("API token")) == 1
    page = stack.Web().get("/sign-in/")
    style = page.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "{" in stack.Web().get(style)
    return "a password shown once, a page to sign in"


def hardened() -> str:
    """As docker-compose.yml asks, and as the first process of each container sees it."""
    for service in (*SERVICES, *ONCE):
        facts = stack.inspect(stack.containers(service)[0])
        host, user = facts["HostConfig"], facts["Config"]["User"].partition(":")[0]
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert host["SecurityOpt"] == ["no-new-privileges:true"], service
        assert not host["Privileged"], service
        assert host["RestartPolicy"]["Name"] == ("no" if service in ONCE else "unless-stopped"), service
        if service != "postgres":  # whose image begins as root and steps down
            assert user not in ("", "0", "root"), service
            assert not host["CapAdd"], service
        volumes = {mount["Name"] for mount in facts["Mounts"] if mount["Type"] == "volume"}
        assert volumes <= {f"{stack.PROJECT}_{name}" for name in ("database", "secrets", "spool")}, service
    for service in SERVICES:
        look = 'while read -r line; do echo "$line"; done < /proc/1/status; echo > /probe || echo cannot write'
        seen = stack.compose("exec", "-T", service, "bash", "-c", f"{look} 2> /dev/null").splitlines()
        facts = dict(line.split(":", 1) for line in seen if ":" in line)
        assert set(facts["Uid"].split()).isdisjoint({"0"}), service
        assert int(facts["CapEff"], 16) == 0, service
        assert facts["NoNewPrivs"].strip() == "1", service
        assert seen[-1] == "cannot write", service
    return f"{len(SERVICES)} services without root, capabilities or a disk to write on"


def few_files() -> str:
    """What takes clients starts where files are few, and has asked for all that it may have."""
    for service in ("front", "smtp", "imap", "pop3"):
        seen = stack.compose("exec", "-T", service, "bash", "-c", "grep -h 'open files' /proc/[0-9]*/limits")
        assert re.search(r"\b4096 +4096\b", seen), (service, seen)
    return "services that take clients have as many files as they may"


def provision() -> str:
    web = stack.Web()
    web.post("domains", name="example.org")
    for address in (ALICE, BOB):
        web.post("accounts", address=address, password=PASSWORD, quota_bytes=None)
    return "a domain and two accounts by REST"


def mail_in() -> str:
    stack.until("the front lets in", lambda: stack.send_in(ALICE, "first") is None)
    assert mail_by_imap(ALICE) == ["first"]
    assert mail_by_pop3(ALICE) == ["first"]
    return "a message in, read by IMAP and POP3"


def client_addresses() -> str:
    """A stranger's own address arrives, though a front stands between."""
    stack.compose("exec", "-T", "stranger", "smtp-source", "-f", "y@elsewhere.test", "-t", BOB, "front:25")
    received = stack.until("the stranger's message", lambda: stack.headers_by_imap(BOB, PASSWORD))[0]
    networks = stack.inspect(stack.containers("stranger")[0])["NetworkSettings"]["Networks"]
    address = networks[f"{stack.PROJECT}_world"]["IPAddress"]
    assert f"[{address}]" in received, received
    return f"a stranger at {address} is known as that"


def mail_out() -> str:
    stack.send_out(ALICE, PASSWORD, OUTSIDE, "going out")
    found = stack.until("the message at the far side", stack.headers_at_far_side)
    assert stack.subjects(found) == ["going out"], found
    assert "using TLSv1" in found[0], found
    return "a message out, to Postfix by TLS"


def kill_each() -> str:
    inwards = stack.Stream("in", 0.05, lambda subject: stack.send_in(ALICE, subject))
    outwards = stack.Stream("out", 0.3, lambda subject: stack.send_out(BOB, PASSWORD, OUTSIDE, subject))
    times = {}
    for service in SERVICES:
        times[service] = stack.kill_and_wait(service)
        inwards.goes_on()
        outwards.goes_on()
    taken, sent = inwards.stop(), outwards.stop()
    found = stack.until("the mailbox", lambda: mail_by_imap(ALICE))
    assert sorted(found) == sorted(stack.until("the maildrop", lambda: mail_by_pop3(ALICE)))
    lost = [one for one in taken if found.count(one) == 0]
    doubled = [one for one in taken if found.count(one) > 1]
    assert not lost, lost
    assert not doubled, doubled
    stack.until("all mail at the far side", lambda: set(sent) <= set(mail_at_far_side()), HELD_LIMIT)
    arrived = mail_at_far_side()
    twice = sum(arrived.count(one) > 1 for one in sent)
    told = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in times.items())
    return (
        f"each killed once; none of {len(taken)} messages in lost or doubled, none of {len(sent)} out lost"
        f" ({twice} sent twice); back after {told}"
    )


def queue_goes_on() -> str:
    """After all of that, mail still leaves, and at once."""
    stack.send_out(BOB, PASSWORD, OUTSIDE, "still going out")
    stack.until("the message at the far side", lambda: "still going out" in mail_at_far_side(), 20)
    return "mail still goes out"


def scale() -> str:
    """Two replicas share the work, and one that dies costs nobody anything."""
    bring_up("--no-recreate", "--scale", "imap=2", "--scale", "smtp=2")
    replicas = {service: stack.containers(service) for service in ("smtp", "imap")}
    assert [len(found) for found in replicas.values()] == [2, 2]
    before = {one: stack.connections(one, port) for one, port in _health_ports(replicas)}

    def both_used() -> bool:
        stack.send_in(BOB, "to either")
        return "to either" in mail_by_imap(BOB) and all(
            stack.connections(one, port) > before[one] for one, port in _health_ports(replicas)
        )

    stack.until("each replica has had clients", both_used)
    for service, found in replicas.items():
        stack.kill(found[0])
        for number in range(5):
            stack.send_in(BOB, f"{service} {number}")
            assert f"{service} {number}" in mail_by_imap(BOB)
    bring_up("--no-recreate", "--scale", "imap=2", "--scale", "smtp=2")
    return "two replicas each of smtp and imap behind one front; one may die"


def _health_ports(replicas: dict[str, list[str]]) -> list[tuple[str, int]]:
    ports = {"smtp": 9025, "imap": 9143}
    return [(one, ports[service]) for service, found in replicas.items() for one in found]


def start_again() -> str:
    before = sorted(mail_by_imap(ALICE))
    stack.compose("down", "--timeout", "20")
    started = time.monotonic()
    bring_up()
    seconds = time.monotonic() - started
    assert sorted(stack.until("mail after the restart", lambda: mail_by_imap(ALICE))) == before
    assert not stack.shown("Password")
    return f"stopped and started, {len(before)} messages kept, up in {seconds:.0f} s"


CHECKS: tuple[Callable[[], str], ...] = (
    first_start, hardened, few_files, provision, mail_in, client_addresses, mail_out, kill_each, queue_goes_on,
    scale, start_again,
)  # fmt: skip
