"""What the recipient's domain says of TLS, by DANE (RFC 7672) and MTA-STS (RFC 8461), and what becomes of mail."""

import hashlib
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.conftest import Database, Person
from tests.e2e.test_asking import submit as submit_asking
from tests.e2e.test_routes import verdict
from tests.e2e.test_sending import retry_now, submit
from tests.services import Services, until
from tests.world import FarSide


@pytest.fixture
def far(services: Services) -> Iterator[FarSide]:
    features = services.far.features
    yield services.far
    services.far.features = features


def lead(services: Services, domain: str, host: str = "") -> str:
    """Mail for the domain goes to a host of this name, all of it signed; the host."""
    host = host or f"mx.{domain}"
    services.names.zone[domain, "MX"] = [f"10 {host}."]
    services.names.zone[host, "A"] = ["127.0.0.1"]
    services.names.signed |= {domain, host, f"_{services.far.port}._tcp.{host}"}
    return host


def publish(services: Services, host: str, record: str) -> None:
    services.names.zone[f"_{services.far.port}._tcp.{host}", "TLSA"] = [record]


def key_of(far: FarSide) -> str:
    """3 1 1: the digest of the host's own key."""
    certificate = x509.load_pem_x509_certificate((far.folder / "far.pem").read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"3 1 1 {hashlib.sha256(key).hexdigest()}"


def taken(services: Services, address: str) -> bool:
    return any(address in one.recipients for one in services.far.taken)


def tried(services: Services, database: Database, sender: Person, address: str) -> object:
    submit(services, sender, [address])
    return until(lambda: verdict(database, address))


def test_a_certificate_that_a_signed_record_names_is_verified(
    services: Services, far: FarSide, alice: Person, database: Database
) -> None:
    host = lead(services, "dane.test")
    publish(services, host, key_of(far))
    assert tried(services, database, alice, "one@dane.test") == (host, "dane: verified")
    assert taken(services, "one@dane.test")


def test_a_certificate_that_no_record_names_gets_nothing(
    services: Services, far: FarSide, alice: Person, database: Database
) -> None:
    host = lead(services, "danger.test")
    publish(services, host, f"3 1 1 {'00' * 32}")
    assert tried(services, database, alice, "one@danger.test") == (host, "dane: failed")
    assert not taken(services, "one@danger.test")
    publish(services, host, key_of(far))
    # Answers may be kept for a second.
    until(lambda: retry_now(database, "one@danger.test") or taken(services, "one@danger.test"))


def test_a_host_with_records_must_offer_tls(
    services: Services, far: FarSide, alice: Person, database: Database
) -> None:
    host = lead(services, "stripping.test")
    publish(services, host, key_of(far))
    far.features = ("PIPELINING",)
    assert tried(services, database, alice, "one@stripping.test") == (host, "dane: failed")


def test_records_that_are_not_signed_say_nothing(
    services: Services, far: FarSide, alice: Person, database: Database
) -> None:
    host = lead(services, "unsigned-dane.test")
    publish(services, host, f"3 1 1 {'00' * 32}")
    services.names.signed.discard(f"_{far.port}._tcp.{host}")
    assert tried(services, database, alice, "one@unsigned-dane.test") == (host, "opportunistic: encrypted")


def test_records_that_nobody_understands_make_tls_a_must(
    services: Services, far: FarSide, alice: Person, database: Database
) -> None:
    host = lead(services, "strange-dane.test")
    publish(services, host, f"1 1 1 {'00' * 32}")
    assert tried(services, database, alice, "one@strange-dane.test") == (host, "dane: encrypted")


def test_a_host_whose_records_cannot_be_looked_up_is_not_used(
    services: Services, far: FarSide, alice: Person, database: Database
) -> None:
    host = lead(services, "bogus.test")
    services.names.failing.add((f"_{far.port}._tcp.{host}", "TLSA"))
    submit(services, alice, ["one@bogus.test"])
    row = until(
        lambda: database.execute(
            "SELECT a.enhanced, a.stage FROM queue_attempt a JOIN queue_recipient r USING (recipient_id) "
            "WHERE r.address = 'one@bogus.test'"
        ).fetchone()
    )
    assert row == ("4.7.5", "dns")


def say(services: Services, domain: str, mode: str, *hosts: str) -> None:
    """The domain has this policy."""
    services.names.say(f"_mta-sts.{domain}", "v=STSv1; id=1;")
    services.names.zone[f"mta-sts.{domain}", "A"] = ["127.0.0.1"]
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {host}" for host in hosts), "max_age: 86400", ""]
    services.policies.answers[f"mta-sts.{domain}"] = "\r\n".join(lines).encode()
    services.names.zone[domain, "MX"] = ["10 far.test."]
    services.names.zone["far.test", "A"] = ["127.0.0.1"]


def test_a_policy_is_enforced(services: Services, far: FarSide, alice: Person, database: Database) -> None:
    say(services, "enforced.test", "enforce", "far.test")
    assert tried(services, database, alice, "one@enforced.test") == ("far.test", "mta-sts: verified")
    assert tried(services, database, alice, "two@enforced.test") == ("far.test", "mta-sts: verified")
    assert services.policies.asked.count("mta-sts.enforced.test") == 1
    assert taken(services, "two@enforced.test")


def test_a_host_that_the_policy_does_not_name_gets_nothing(
    services: Services, far: FarSide, alice: Person, database: Database
) -> None:
    say(services, "misnamed.test", "enforce", "*.misnamed.test")
    assert tried(services, database, alice, "one@misnamed.test") == ("far.test", "mta-sts: failed")
    assert not taken(services, "one@misnamed.test")


def test_a_policy_on_trial_is_noted_only(
    services: Services, far: FarSide, alice: Person, database: Database
) -> None:
    say(services, "testing.test", "testing", "mx.testing.test")
    services.names.zone["testing.test", "MX"] = ["10 mx.testing.test."]
    services.names.zone["mx.testing.test", "A"] = ["127.0.0.1"]
    assert tried(services, database, alice, "one@testing.test") == ("mx.testing.test", "mta-sts testing: failed")
    assert taken(services, "one@testing.test")


def test_what_is_kept_holds_though_the_record_is_gone(
    services: Services, far: FarSide, alice: Person, database: Database
) -> None:
    say(services, "stripped.test", "enforce", "far.test")
    assert tried(services, database, alice, "one@stripped.test") == ("far.test", "mta-sts: verified")
    # The connection is kept for a moment, and what it proved holds for it.
    until(lambda: not database.execute("SELECT 1 FROM queue_line WHERE lane = 'stripped.test'").fetchone())
    del services.names.zone["_mta-sts.stripped.test", "TXT"]
    far.features = ("PIPELINING",)
    assert tried(services, database, alice, "two@stripped.test") == ("far.test", "mta-sts: failed")


def test_a_policy_vouches_for_private_mail(
    services: Services, far: FarSide, alice: Person, database: Database
) -> None:
    """RFC 8689 §4.2.1"""
    say(services, "private-sts.test", "enforce", "far.test")
    far.features = ("PIPELINING", "STARTTLS", "REQUIRETLS")
    submit_asking(services, alice, "one@private-sts.test", ["REQUIRETLS"])
    assert until(lambda: verdict(database, "one@private-sts.test")) == ("far.test", "mta-sts: verified")
    assert taken(services, "one@private-sts.test")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("nohost", None),
        ("moved", b"HTTP/1.1 301 Moved\r\nLocation: https://far.test/\r\nContent-Length: 0\r\n\r\n"),
        ("nonsense", b"mode: what?"),
    ],
)
def test_without_a_policy_to_be_had_mail_goes_as_ever(
    services: Services, far: FarSide, alice: Person, database: Database, name: str, answer: bytes | None
) -> None:
    """RFC 8461 §3.3. The certificate of the policy's host is nobody's here, too."""
    domain = f"{name}.test"
    say(services, domain, "enforce", "nowhere.test")
    services.policies.answers[f"mta-sts.{domain}"] = answer or b""
    if answer is None:
        del services.names.zone[f"mta-sts.{domain}", "A"]
    assert tried(services, database, alice, f"one@{domain}") == ("far.test", "opportunistic: encrypted")


def test_a_sender_may_waive_what_the_domain_demands(
    services: Services, far: FarSide, alice: Person, database: Database
) -> None:
    """RFC 8689 §5. Who asks for TLS all the way in the envelope cannot waive it in the header."""
    host = lead(services, "waived.test")
    publish(services, host, f"3 1 1 {'00' * 32}")
    text = f"From: {alice.address}\r\nTLS-Required: No\r\nSubject: x\r\n\r\nx\r\n"
    submit(services, alice, ["one@waived.test"], text.encode())
    assert until(lambda: verdict(database, "one@waived.test")) == (host, "waived: encrypted")
    assert taken(services, "one@waived.test")
    submit_asking(services, alice, "two@waived.test", ["REQUIRETLS"], text=text.encode())
    assert until(lambda: verdict(database, "two@waived.test"))[1].endswith(": failed")  # type: ignore[index]
    assert not taken(services, "two@waived.test")
