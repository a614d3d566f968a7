"""A domain's directory of keys, as programs ask it: by both methods, and what it tells strangers."""

import pysequoia
import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from mailservices.mail import wkd
from mailservices.mail.openpgp import keys
from tests.private_keys import in_use
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions as directory
from webadmin.directory import aliases
from webadmin.directory.models import Account, Domain
from webadmin.mailstore.models import Mailbox
from webadmin.privacy import actions
from webadmin.privacy import directory as directories
from webadmin.privacy.models import Key

pytestmark = pytest.mark.django_db
ADVANCED, DIRECT = "openpgpkey.example.org", "example.org"


@pytest.fixture
def example() -> Domain:
    return directory.create_domain(OPERATOR, "example.org")


@pytest.fixture
def alice(example: Domain) -> Account:
    return directory.create_account(OPERATOR, "alice@example.org", "pw1")


def hashed(local: str, *, told: bool = True) -> str:
    return f"hu/{wkd.hashed(local)}" + (f"?l={local}" if told else "")


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(
    ("host", "path"), [(ADVANCED, "/example.org/"), (DIRECT, "/"), ("mail.other.test:8443", "/Example.ORG/")]
)
def test_a_key_is_found(alice: Account, host: str, path: str, told: bool) -> None:
    key = in_use(alice, "alice@example.org")
    url = f"/.well-known/openpgpkey{path}{hashed('alice', told=told)}"
    answer = Client().get(url, HTTP_HOST=host)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/octet-stream")
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert pysequoia.Cert.from_bytes(answer.content).fingerprint == key.fingerprint
    assert answer.content[0] & 0x80
    head = Client().head(url, HTTP_HOST=host)
    assert (head.status_code, head["Content-Length"], head.content) == (200, str(len(answer.content)), b"")
    assert Client().post(url, HTTP_HOST=host).status_code == 405


def test_whoever_asks_for_an_address_without_a_key_learns_nothing(alice: Account, example: Domain) -> None:
    bob = directory.create_account(OPERATOR, "bob@example.org", "pw1")
    hidden = in_use(bob, "bob@example.org")
    actions.use(OPERATOR, hidden, published=False)
    found = [
        Client().get(f"/.well-known/openpgpkey/example.org/{hashed(local)}", HTTP_HOST=host)
        for local in ("alice", "bob", "nobody", "%ff", "x" * 65, "")
        for host in (ADVANCED, DIRECT)
    ]
    found.append(Client().get(f"/.well-known/openpgpkey/far.test/{hashed('alice')}", HTTP_HOST=ADVANCED))
    found.append(Client().get("/.well-known/openpgpkey/example.org/hu/short", HTTP_HOST=ADVANCED))
    assert {(one.status_code, one.content, str(sorted(one.items()))) for one in found} == {
        (404, found[0].content, str(sorted(found[0].items())))
    }


def test_another_name_than_the_hashed_one_is_not_believed(alice: Account) -> None:
    in_use(alice, "alice@example.org")
    url = f"/.well-known/openpgpkey/example.org/hu/{wkd.hashed('bob')}?l=alice"
    assert Client().get(url, HTTP_HOST=ADVANCED).status_code == 404


def test_what_is_in_use_comes_before_what_was_revoked(alice: Account, example: Domain) -> None:
    old = in_use(alice, "alice@example.org")
    actions.revoke(OPERATOR, old)
    new = in_use(alice, "alice@example.org")
    # The same key, held by the domain, too: it is told once.
    actions.upload(OPERATOR, example, bytes(new.public))
    # What cannot be read does not stand in the way of the others.
    Key.objects.create(
        kind="openpgp", address="alice@example.org", account=alice, ours=True, fingerprint="0" * 40, algorithm="",
        public=b"\xff", origin="uploaded", trust="own", published=True,
    )  # fmt: skip
    answer = Client().get(f"/.well-known/openpgpkey/{hashed('alice')}", HTTP_HOST=DIRECT)
    told = [one.fingerprint for one in pysequoia.Cert.split_bytes(answer.content)]
    assert told == [new.fingerprint, old.fingerprint]
    assert keys.describe(bytes(pysequoia.Cert.split_bytes(answer.content)[1])).revoked


def test_an_answer_has_an_end(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    in_use(alice, "alice@example.org")
    monkeypatch.setattr(wkd, "KEY_OCTETS", 10)
    assert Client().get(f"/.well-known/openpgpkey/{hashed('alice')}", HTTP_HOST=DIRECT).status_code == 404


def test_keys_of_those_who_are_gone_are_not_told(alice: Account) -> None:
    in_use(alice, "alice@example.org")
    url = f"/.well-known/openpgpkey/{hashed('alice')}"
    directory.change_account(OPERATOR, alice, active=False)
    assert Client().get(url, HTTP_HOST=DIRECT).status_code == 404
    directory.change_account(OPERATOR, alice, active=True)
    assert Client().get(url, HTTP_HOST=DIRECT).status_code == 200
    directory.delete_account(OPERATOR, alice)
    assert Client().get(url, HTTP_HOST=DIRECT).status_code == 404


def file(name: str, host: str = ADVANCED, domain: str = "example.org/") -> tuple[int, bytes]:
    answer = Client().get(f"/.well-known/openpgpkey/{domain}{name}", HTTP_HOST=host)
    return answer.status_code, answer.content


def test_the_policy_and_where_keys_are_taken(example: Domain, alice: Account) -> None:
    assert file("policy") == file("policy", DIRECT, "") == (200, b"")
    assert file("submission-address")[0] == 404
    directories.set_directory(OPERATOR, example, submission=" Alice@example.org ")
    assert file("policy") == (200, b"submission-address: alice@example.org\n")
    assert file("submission-address") == (200, b"alice@example.org\n")
    key = Key.objects.get(domain=example)
    assert (key.address, key.decrypts, key.published) == ("alice@example.org", True, True)
    # It is made once.
    directories.set_directory(OPERATOR, example, submission="alice@example.org")
    assert Key.objects.count() == 1
    directories.set_directory(OPERATOR, example, active=False)
    assert {file("policy")[0], file("submission-address")[0]} == {404}
    row = directories.set_directory(OPERATOR, example, active=True, submission="")
    assert (row.submission, row.account) == ("", None)
    assert file("policy", domain="far.test/")[0] == file("policy", "far.test", "")[0] == 404
    assert file("policy", domain="..bad/")[0] == 404


def test_keys_are_taken_where_somebody_reads_them(example: Domain, alice: Account) -> None:
    directory.create_account(OPERATOR, "bob@example.org", "pw1")
    aliases.create_alias(OPERATOR, "keys@example.org", ["alice@example.org"])
    aliases.create_alias(OPERATOR, "both@example.org", ["alice@example.org", "bob@example.org"])
    aliases.create_alias(OPERATOR, "away@example.org", ["x@far.test"])
    for wrong in ("nobody@example.org", "both@example.org", "away@example.org", "x@far.test", "nonsense"):
        with pytest.raises(ValidationError) as raised:
            directories.set_directory(OPERATOR, example, submission=wrong)
        assert list(raised.value.message_dict) == ["submission"]
    Mailbox.objects.filter(account=alice, name="INBOX").update(uidnext=8)
    row = directories.set_directory(OPERATOR, example, submission="keys@example.org")
    row.refresh_from_db()
    # What came before is no submission.
    assert (row.account, row.read_uid) == (alice, 7)


def test_the_key_of_the_directory_stays(example: Domain, alice: Account) -> None:
    directories.set_directory(OPERATOR, example, submission="alice@example.org")
    key = Key.objects.get(domain=example)
    for verb in (actions.delete, actions.revoke, lambda who, one: actions.use(who, one, decrypts=False)):
        with pytest.raises(ValidationError, match="make another one"):
            verb(OPERATOR, key)
    actions.use(OPERATOR, actions.generate(OPERATOR, example, "alice@example.org"), decrypts=True)
    actions.revoke(OPERATOR, key)
    directories.set_directory(OPERATOR, example, submission="")
    for one in Key.objects.filter(domain=example):
        actions.delete(OPERATOR, one)
