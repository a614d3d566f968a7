"""Keys for private mail, by the verbs: brought, made, renewed, revoked, used; their private halves stay inside."""

import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pysequoia
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from django.core.exceptions import PermissionDenied, ValidationError

from mailservices.mail.openpgp import keys as openpgp
from tests.mail_certificates import NOW, MailAuthority, rsa_key
from tests.private_keys import in_use
from webadmin.audit.models import Entry
from webadmin.audit.record import OPERATOR, Actor
from webadmin.directory import actions as directory
from webadmin.directory import aliases
from webadmin.directory.administrators import create_administrator
from webadmin.directory.models import Account, Domain, Role
from webadmin.identity import owner_of
from webadmin.privacy import actions, keeping, policy, requests
from webadmin.privacy.models import Key, Notice, Request

pytestmark = pytest.mark.django_db

AUTHORITY = MailAuthority()
SERVER = x509.ExtendedKeyUsageOID.SERVER_AUTH
LATER = datetime.now(UTC) + timedelta(days=400)


@pytest.fixture
def example() -> Domain:
    return directory.create_domain(OPERATOR, "example.org")


@pytest.fixture
def alice(example: Domain) -> Account:
    return directory.create_account(OPERATOR, "alice@example.org", "pw1", display_name="Alice <A>")


@pytest.fixture
def bob(example: Domain) -> Account:
    return directory.create_account(OPERATOR, "bob@example.org", "pw1")


def refusal(verb: Any, *told: Any, **named: Any) -> str:
    with pytest.raises(ValidationError) as raised:
        verb(OPERATOR, *told, **named)
    return " ".join(raised.value.messages)


def secrets_of(key: Key) -> bytes:
    return openpgp.read(keeping.opened(key)).public


# Bringing


def test_an_openpgp_key_with_its_private_half(alice: Account) -> None:
    pair = openpgp.generate("Alice", "Alice@Example.org", LATER)
    assert pair.secret
    [key] = actions.upload(OPERATOR, alice, pysequoia.armor(pair.secret, pysequoia.ArmorKind.SecretKey).encode())
    assert (key.kind, key.address, key.ours, key.trust) == ("openpgp", "alice@example.org", True, "own")
    assert (key.signs, key.encrypts, key.decrypts, key.published) == (True, True, False, True)
    assert bytes(key.public) == pair.public
    assert key.secret is not None
    assert pair.secret not in bytes(key.secret)
    assert keeping.opened(key) == pair.secret
    entry = Entry.objects.get(verb="add key")
    assert entry.after is not None
    assert entry.after["private half"] == "here"
    assert "PRIVATE" not in str(entry.after)


def test_a_public_key_alone_does_not_sign(alice: Account) -> None:
    pair = openpgp.generate("", "alice@example.org", LATER)
    [key] = actions.upload(OPERATOR, alice, pair.public)
    assert (key.secret, key.signs, key.encrypts) == (None, False, True)
    assert "not here" in refusal(actions.use, key, signs=True)
    # Brought again with its private half, it is the same row.
    [again] = actions.upload(OPERATOR, alice, pair.secret or b"")
    assert again.pk == key.pk
    assert actions.use(OPERATOR, again, signs=True).signs
    assert Entry.objects.filter(verb="update key").count() == 1


def test_a_key_for_several_addresses_is_a_row_for_each_that_is_ones_own(alice: Account) -> None:
    aliases.create_alias(OPERATOR, "info@example.org", ["alice@example.org"])
    names = [f"<{one}>" for one in ("alice@example.org", "info@example.org", "alice@elsewhere.test")]
    tsk = pysequoia.Tsk.generate(user_ids=names)
    found = actions.upload(OPERATOR, alice, bytes(tsk))
    assert [one.address for one in found] == ["alice@example.org", "info@example.org"]


def test_a_certificate_as_pkcs12_with_a_password(alice: Account) -> None:
    issued = AUTHORITY.issue("Alice@example.org", key=rsa_key())
    octets = pkcs12.serialize_key_and_certificates(
        b"alice", issued.key, issued.certificate, [AUTHORITY.issuing],
        serialization.BestAvailableEncryption(b"secret"),
    )  # fmt: skip
    assert "password" in refusal(actions.upload, alice, octets, "wrong")
    [key] = actions.upload(OPERATOR, alice, octets, "secret")
    assert (key.kind, key.address, key.algorithm) == ("smime", "alice@example.org", "RSA 2048")
    assert (bytes(key.public), bytes(key.chain)) == (issued.der, issued.chain_der)
    assert keeping.opened(key) == issued.pkcs8
    assert key.expires_at == issued.certificate.not_valid_after_utc


def test_a_certificate_for_signatures_alone(alice: Account) -> None:
    issued = AUTHORITY.issue("alice@example.org", usage="digital_signature")
    [key] = actions.upload(OPERATOR, alice, issued.pem.encode())
    assert (key.signs, key.encrypts) == (True, False)
    assert "signatures only" in refusal(actions.use, key, encrypts=True)
    other = AUTHORITY.issue("alice@example.org", usage="key_agreement")
    [closed] = actions.upload(OPERATOR, alice, other.pem.encode())
    assert (closed.signs, closed.encrypts) == (False, True)
    assert "encrypting only" in refusal(actions.use, closed, signs=True)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda: b"", "Bring a key"),
        (lambda: b"nonsense", "no certificate"),
        (lambda: b"\xff" * 100, "no OpenPGP key"),
        (lambda: b"x" * (reading_octets() + 1), "octets"),
        (lambda: AUTHORITY.issue("alice@example.org", key=rsa_key(1024)).der, "1024 bits"),
        (lambda: AUTHORITY.issue("alice@example.org", until=NOW - timedelta(hours=1)).der, "expired"),
        (lambda: AUTHORITY.issue("alice@example.org", extended=[SERVER]).der, "not for mail"),
        (lambda: AUTHORITY.issue("alice@example.org", usage="data_encipherment").der, "neither"),
        (lambda: AUTHORITY.issue().der, "no mail address"),
        (lambda: AUTHORITY.issue("bob@example.org").der, "no address of alice@example.org"),
        (lambda: openpgp.generate("", "bob@example.org").public, "no address of alice@example.org"),
        (lambda: openpgp.revoked(openpgp.generate("", "alice@example.org").secret or b""), "revoked"),
        (lambda: bytes(pysequoia.Tsk.generate(user_id="Alice").extract_certificate()), "no mail address"),
    ],
)  # fmt: skip
def test_what_is_not_taken_and_why(alice: Account, made: Any, why: str) -> None:
    assert why in refusal(actions.upload, alice, made())
    assert not Key.objects.exists()


def reading_octets() -> int:
    return 512 * 1024


@pytest.mark.parametrize(
    ("kind", "more", "why"),
    [
        ("RSA", ["Key-Length: 1024"], "1024 bits is too weak"),
        ("RSA", ["Key-Length: 2048", "Key-Usage: sign"], "Nothing can be encrypted"),
        ("RSA", ["Key-Length: 2048", "Subkey-Type: RSA", "Subkey-Length: 2048"], "SHA-1"),
        ("DSA", ["Key-Length: 2048", "Subkey-Type: ELG-E", "Subkey-Length: 2048"], "not safe"),
    ],
)
def test_weak_keys_of_gnupg_are_refused(
    alice: Account, tmp_path: Path, kind: str, more: list[str], why: str
) -> None:
    weak = ["--cert-digest-algo", "SHA1"] if why == "SHA-1" else []
    home = {"GNUPGHOME": str(tmp_path), "PATH": os.environ["PATH"]}
    script = "\n".join([
        "%no-protection", f"Key-Type: {kind}", *more, "Name-Email: alice@example.org", "Expire-Date: 0", "%commit",
    ])  # fmt: skip
    gpg = ["gpg", "--batch", "--allow-weak-key-signatures", *weak]
    subprocess.run(
        [*gpg, "--gen-key"], input=script.encode(), env=home, check=True, capture_output=True, timeout=60
    )
    octets = subprocess.run([*gpg, "--export"], env=home, check=True, capture_output=True, timeout=60).stdout
    subprocess.run(["gpgconf", "--kill", "all"], env=home, check=True, timeout=60)
    assert why in refusal(actions.upload, alice, octets)


def test_a_private_key_with_a_passphrase_cannot_be_kept(alice: Account, tmp_path: Path) -> None:
    home = {"GNUPGHOME": str(tmp_path), "PATH": os.environ["PATH"]}
    gpg = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "secret"]
    name = "alice@example.org"
    subprocess.run([*gpg, "--quick-gen-key", name], env=home, check=True, capture_output=True, timeout=60)
    octets = subprocess.run([*gpg, "--export-secret-keys"], env=home, check=True, capture_output=True, timeout=60)
    subprocess.run(["gpgconf", "--kill", "all"], env=home, check=True, timeout=60)
    assert "passphrase" in refusal(actions.upload, alice, octets.stdout)


def test_keys_of_others(alice: Account) -> None:
    pair = openpgp.generate("Carol", "carol@far.test", LATER)
    assert "private key" in refusal(actions.upload, alice, pair.secret, ours=False)
    [key] = actions.upload(OPERATOR, alice, pair.public, ours=False)
    assert (key.ours, key.trust, key.encrypts, key.published) == (False, "verified", False, False)
    assert "your own" in refusal(
        actions.upload, alice, openpgp.generate("", "alice@example.org").public, ours=False
    )
    assert actions.trust(OPERATOR, key, "refused").trust == "refused"
    assert "One of" in refusal(actions.trust, key, "own")
    for uses in ({"signs": True}, {"encrypts": True}, {"published": True}):
        assert "somebody else's" in refusal(actions.use, key, **uses)
    for verb in (actions.revoke, actions.renew):
        with pytest.raises(ValidationError):
            verb(OPERATOR, key)
    # What was only found is verified once somebody brings it.
    Key.objects.filter(pk=key.pk).update(trust="seen")
    assert actions.upload(OPERATOR, alice, pair.public, ours=False)[0].trust == "verified"


def test_keys_of_a_domain(example: Domain, alice: Account) -> None:
    [key] = actions.upload(OPERATOR, example, AUTHORITY.issue("bob@example.org").pem.encode())
    assert (key.domain, key.account, key.ours) == (example, None, True)
    [theirs] = actions.upload(OPERATOR, example, AUTHORITY.issue("carol@far.test").der, ours=False)
    assert theirs.domain == example
    assert "no address of example.org" in refusal(actions.generate, example, "x@far.test")
    assert "local part" in refusal(actions.generate, example, "x y@example.org")


def test_there_is_an_end_to_keys(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "KEYS", 1)
    actions.generate(OPERATOR, alice, "alice@example.org")
    assert "delete some first" in refusal(actions.generate, alice, "alice@example.org")


# Their lives


def test_a_key_is_made_and_renewed(alice: Account) -> None:
    key = actions.generate(OPERATOR, alice, "alice@example.org", 1)
    assert key.subject == "Alice A <alice@example.org>"
    # Only the appliance could read what others encrypt to it.
    assert (key.signs, key.encrypts, key.decrypts, key.published) == (True, False, False, False)
    assert key.expires_at is not None
    Notice.objects.create(account=alice, about=Notice.EXPIRES, fingerprint=key.fingerprint)
    renewed = actions.renew(OPERATOR, key, 5)
    assert renewed.expires_at is not None
    assert renewed.expires_at > key.expires_at + timedelta(days=3 * 365)
    assert openpgp.describe(bytes(renewed.public)).expires_at == renewed.expires_at
    # The private half goes with it: another renewal begins with what this one came to.
    assert openpgp.describe(secrets_of(renewed)).expires_at == renewed.expires_at
    # What she was told of it does not hold any more.
    assert not Notice.objects.exists()
    assert "From 1 to 10" in refusal(actions.renew, renewed, 11)


def test_a_revoked_key_says_so_itself_and_opens_old_mail(alice: Account) -> None:
    key = in_use(alice, "alice@example.org")
    revoked = actions.revoke(OPERATOR, key)
    assert openpgp.describe(bytes(revoked.public)).revoked
    assert (revoked.signs, revoked.encrypts, revoked.published) == (False, False, True)
    assert revoked.revoked_at
    assert keeping.opened(revoked)
    assert "only once" in refusal(actions.revoke, revoked)
    assert "ended or was revoked" in refusal(actions.use, revoked, signs=True)
    assert actions.use(OPERATOR, revoked, decrypts=True).decrypts
    # A copy from before does not bring it back to life.
    [again] = actions.upload(OPERATOR, alice, bytes(key.public))
    assert openpgp.describe(bytes(again.public)).revoked


def test_a_revoked_certificate_leaves_the_dns(alice: Account) -> None:
    [key] = actions.upload(OPERATOR, alice, AUTHORITY.issue("alice@example.org").pem.encode())
    assert not actions.revoke(OPERATOR, key).published
    assert "issuer" in refusal(actions.renew, key)


def test_the_key_that_mail_is_encrypted_to_stays(alice: Account) -> None:
    assert "add one first" in refusal(policy.change_policy, alice, on_arrival="openpgp")
    key = in_use(alice, "alice@example.org")
    policy.change_policy(OPERATOR, alice, on_arrival="openpgp")
    for verb in (actions.delete, actions.revoke):
        assert "no other key" in refusal(verb, key)
    assert "no other key" in refusal(actions.use, key, encrypts=False)
    other = in_use(alice, "alice@example.org")
    assert other.encrypts
    actions.delete(OPERATOR, key)
    policy.change_policy(OPERATOR, alice, on_arrival="off")
    actions.delete(OPERATOR, other)
    assert not Key.objects.exists()
    assert Entry.objects.filter(verb="delete key").count() == 2


def test_one_key_of_each_kind_signs(alice: Account) -> None:
    first = actions.generate(OPERATOR, alice, "alice@example.org")
    second = actions.generate(OPERATOR, alice, "alice@example.org")
    assert (first.signs, second.signs) == (True, False)
    actions.use(OPERATOR, second, signs=True)
    first.refresh_from_db()
    assert (first.signs, second.signs) == (False, True)
    with pytest.raises(TypeError):
        actions.use(OPERATOR, first, trust=True)


# Requests


def test_a_certificate_is_asked_for_and_comes_back(alice: Account) -> None:
    assert "One of" in refusal(requests.request_certificate, alice, "alice@example.org", "RSA 512")
    row = requests.request_certificate(OPERATOR, alice, "alice@example.org", "EC P-256")
    asked = x509.load_der_x509_csr(bytes(row.csr))
    assert asked.is_signature_valid
    names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.RFC822Name) == ["alice@example.org"]
    key: Any = serialization.load_der_private_key(requests.opened(row), None)
    wrong = AUTHORITY.issue("alice@example.org")
    assert "not the one" in refusal(requests.import_certificate, row, wrong.der)
    other = AUTHORITY.issue("bob@example.org", key=key)
    assert "no address of alice" in refusal(requests.import_certificate, row, other.der)
    before = actions.upload(OPERATOR, alice, AUTHORITY.issue("alice@example.org").pem.encode())[0]
    assert before.signs
    issued = AUTHORITY.issue("alice@example.org", key=key)
    shown = issued.certificate.public_bytes(Encoding.PEM) + AUTHORITY.issuing.public_bytes(Encoding.PEM)
    kept = requests.import_certificate(OPERATOR, row, shown)
    assert (kept.signs, kept.encrypts, kept.origin) == (True, False, "generated")
    assert bytes(kept.chain) == issued.chain_der
    before.refresh_from_db()
    assert not before.signs
    assert not Request.objects.exists()
    assert keeping.opened(kept) == issued.pkcs8


def test_a_request_is_given_up(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "REQUESTS", 1)
    row = requests.request_certificate(OPERATOR, alice, "alice@example.org")
    assert "give some up" in refusal(requests.request_certificate, alice, "alice@example.org")
    requests.discard_request(OPERATOR, row)
    assert not Request.objects.exists()
    assert [entry.verb for entry in Entry.objects.order_by("pk")][-2:] == [
        "request certificate",
        "discard certificate request",
    ]


# Who may


def test_an_owner_does_it_for_herself_and_nobody_else(alice: Account, bob: Account, example: Domain) -> None:
    who = Actor(owner_of(alice))
    key = actions.generate(who, alice, "alice@example.org")
    actions.use(who, actions.renew(who, key), encrypts=True)
    policy.change_policy(who, alice, on_arrival="openpgp", sign="openpgp")
    requests.discard_request(who, requests.request_certificate(who, alice, "alice@example.org"))
    his = actions.generate(OPERATOR, bob, "bob@example.org")
    waiting = requests.request_certificate(OPERATOR, bob, "bob@example.org")
    of_all = actions.generate(OPERATOR, example, "info@example.org")
    refused: list[Any] = [
        lambda: actions.generate(who, bob, "bob@example.org"),
        lambda: actions.generate(who, example, "info@example.org"),
        lambda: actions.upload(who, example, bytes(his.public)),
        lambda: actions.revoke(who, his),
        lambda: actions.renew(who, of_all),
        lambda: actions.delete(who, of_all),
        lambda: actions.use(who, his, published=False),
        lambda: requests.discard_request(who, waiting),
        lambda: requests.import_certificate(who, waiting, b""),
        lambda: policy.change_policy(who, bob, sign="off"),
        lambda: policy.change_policy(who, example, sign="off"),
    ]
    for verb in refused:
        with pytest.raises(PermissionDenied):
            verb()
    # What she has no key for that her own address is in, is not hers.
    with pytest.raises(ValidationError):
        actions.generate(who, alice, "bob@example.org")


def test_a_domains_administrator_has_those_of_the_domain(alice: Account, example: Domain) -> None:
    dora = Actor(create_administrator("dora", "a long passphrase", role=Role.DOMAIN, domains=[example]))
    hal = Actor(create_administrator("hal", "a long passphrase", role=Role.HELPDESK, domains=[example]))
    foreign = directory.create_domain(OPERATOR, "foreign.test")
    key = actions.generate(dora, alice, "alice@example.org")
    actions.generate(dora, example, "info@example.org")
    for who, owner in ((dora, foreign), (hal, alice), (hal, example)):
        with pytest.raises(PermissionDenied):
            actions.generate(who, owner, "alice@example.org")
    with pytest.raises(PermissionDenied):
        actions.delete(hal, key)
    actions.delete(dora, key)
