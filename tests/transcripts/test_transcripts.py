"""Every transcript of this folder, with the cast that it names. A further transcript needs no further code."""

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailservices.store.policy import KEPT_SECONDS
from tests.conftest import Person, make_person
from tests.e2e.private import encrypts
from tests.services import HOSTNAME, Services
from tests.transcripts.runner import TRANSCRIPTS, play
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions, aliases
from webadmin.directory.models import Account, Domain
from webadmin.directory.pop import change_pop
from webadmin.policy import actions as policy

#: Octets of the mailbox of `$full`.
QUOTA = 2000
#: Aliases in a row: more than one recipient may pass through.
CHAIN = 12

#: How POP serves some.
POP: dict[str, dict[str, Any]] = {
    "unserved": {"active": False},
    "hasty": {"login_delay": 3600},
    "tidy": {"delete_retrieved": True, "to_trash": True, "login_delay": 0},
    "archivist": {"folder": "Archive", "newest_days": 30, "expire_days": 365},
}
#: Who has what comes in encrypted, to which key (tests/mail/openpgp/keys), and what follows where that is broken.
KEYS = {
    "private": ("alice", "wait"),
    "waiting": ("expired", "wait"),
    "patient": ("revoked", "deliver"),
}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def variables_of(person: Person, name: str) -> dict[str, str]:
    """`$alice` is the address; the others sign her in."""
    return {
        name: person.address,
        f"{name}_password": person.password,
        f"{name}_plain": encoded(f"\0{person.address}\0{person.password}"),
        f"{name}_name64": encoded(person.address),
        f"{name}_password64": encoded(person.password),
        f"{name}_scram64": encoded(f"n,,n={person.address},r=abc"),
    }


def cast(text: str, domain: Domain) -> dict[str, str]:
    """Those of alice, bob, charlie and some stranger ones whom a transcript names."""
    variables = {"domain": domain.name, "hostname": HOSTNAME}
    for name in ("alice", "bob", "charlie"):
        if f"${name}" in text:
            variables |= variables_of(make_person(domain, name), name)
    if "$full" in text:
        variables |= variables_of(make_person(domain, "full", quota_bytes=QUOTA), "full")
    if "$crowded" in text:
        person = make_person(domain, "crowded")
        actions.change_account(OPERATOR, Account.objects.get(pk=person.account_id), quota_messages=2)
        variables |= variables_of(person, "crowded")
    if "$disabled" in text:
        person = make_person(domain, "disabled")
        actions.change_account(OPERATOR, Account.objects.get(pk=person.account_id), active=False)
        variables |= variables_of(person, "disabled")
    for name, choices in POP.items():
        if f"${name}" in text:
            person = make_person(domain, name)
            change_pop(OPERATOR, Account.objects.get(pk=person.account_id), **choices)
            variables |= variables_of(person, name)
    if "$wary" in text:
        person = make_person(domain, "wary")
        account = Account.objects.get(pk=person.account_id)
        policy.withhold(OPERATOR, ["QRESYNC", "QUOTA"], account)
        policy.withhold(OPERATOR, ["IDLE"], account, "Broken Mailer")
        variables |= variables_of(person, "wary")
        time.sleep(KEPT_SECONDS)  # what was known before
    if "$chain" in text:
        for number in range(CHAIN):
            aliases.create_alias(OPERATOR, f"chain{number}@{domain.name}", [f"chain{number + 1}@{domain.name}"])
        variables["chain"] = f"chain0@{domain.name}"
    if "$list" in text:
        members = [variables["alice"]]
        variables["list"] = str(aliases.create_alias(OPERATOR, f"list@{domain.name}", members, posting="members"))
    return variables


def private(text: str, domain: Domain) -> dict[str, str]:
    variables = {}
    for name, (key, when_broken) in KEYS.items():
        if f"${name}" in text:
            person = make_person(domain, name)
            encrypts(person, key, when_broken=when_broken)
            variables |= variables_of(person, name)
    return variables


#: `$picky_spf`: Alice in a domain that refuses for this check alone; the others are not made.
PICKY: dict[str, dict[str, Any]] = {
    "spf": {"spf": "refuse"},
    "iprev": {"iprev": "refuse"},
    "helo": {"helo": "refuse"},
    "lists": {"dnslists": True},
    "dkim": {"dkim": "refuse"},
    "dmarc": {"dmarc": "apply"},
    "grey": {"greylist": True},
}
OFF = {**dict.fromkeys(("spf", "dkim", "dmarc", "iprev", "helo"), "off"), "dnslists": False, "greylist": False}


def picky(text: str, domain: Domain) -> dict[str, str]:
    variables = {}
    for name, wishes in PICKY.items():
        if f"$picky_{name}" in text:
            own = actions.create_domain(OPERATOR, f"{name}.{domain.name}")
            policy.change_inbound(OPERATOR, own, **(OFF | wishes))
            variables[f"picky_{name}"] = make_person(own, "alice").address
    return variables


@pytest.fixture
def outside(world: Services) -> Iterator[Services]:
    """The DNS that transcripts speak of: 192.0.2.10 is an honest host, .66 is on a list, .11 has no name."""
    names = world.names
    names.call("192.0.2.10", "mx.sender.test")
    names.say("sender.test", "v=spf1 ip4:192.0.2.10 -all")
    names.say("_dmarc.sender.test", "v=DMARC1; p=reject")
    names.say("soft.test", "v=spf1 ~all")
    names.say("_dmarc.soft.test", "v=DMARC1; p=quarantine")
    names.failing.add("broken.test")
    names.zone["66.2.0.192.bl.test", "A"] = ["127.0.0.2"]
    names.say("66.2.0.192.bl.test", "Seen with a trap")
    zone = policy.create_dnslist(OPERATOR, "bl.test", "refuse")
    yield world
    policy.delete_dnslist(OPERATOR, zone)
    names.zone.clear()
    names.failing.clear()


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.name)
def test_a_transcript(path: Path, services: Services, domain: Domain, request: pytest.FixtureRequest) -> None:
    text = path.read_text()
    variables = cast(text, domain) | private(text, domain)
    if "P: limited" in text:
        request.getfixturevalue("limited")
    if "P: world" in text:
        request.getfixturevalue("outside")
        variables |= picky(text, domain)
        time.sleep(KEPT_SECONDS)  # what was known of the policy before
    services.names.zone["takes-no-mail.test", "MX"] = ["0 ."]
    play(path, services, variables)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.name)
def test_a_transcript_says_what_it_shows(path: Path) -> None:
    head = path.read_text().partition("\n\n")[0]
    assert head.startswith("# ")
    assert "RFC " in head or "§" in head


@pytest.mark.parametrize(
    "text",
    [
        "S: 220 nobody\n",
        "S: ...\nS: 999 never\n",
        "E:\n",
        "nonsense\n",
    ],
)
def test_a_transcript_that_is_wrong_fails(services: Services, tmp_path: Path, text: str) -> None:
    path = tmp_path / "wrong.smtp"
    path.write_text("S: *\nC: QUIT\n" + text)
    with pytest.raises(AssertionError, match=r"wrong\.smtp:[34]"):
        play(path, services, {})
