"""Which certificate a client is shown: by name, by what lasts longest, and anew when one changes."""

import asyncio
import dataclasses
import os
import ssl
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pytest

from mailservices.config import Config
from mailservices.mail import certificate
from mailservices.mail.certificate import Certificate
from mailservices.mail.errors import Unavailable
from mailservices.net import certificates, tls
from mailservices.net.certificates import Certificates
from tests.certificates import Authority

HOST = "mail.facteur.test"


class Kept:
    """Those of a database, which may be out."""

    def __init__(self) -> None:
        self.all: dict[str, Certificate] = {}
        self.out = False

    def add(self, chain: str, key: str) -> Certificate:
        read = certificate.read(chain, key)
        self.all[read.fingerprint] = read
        return read

    async def load(self, known: Collection[str]) -> tuple[Collection[str], Sequence[Certificate]]:
        if self.out:
            raise Unavailable
        return self.all.keys(), [one for name, one in self.all.items() if name not in known]


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority.pem")


@pytest.fixture
def own(tmp_path: Path, config: Config, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setattr(certificates, "LOOK_SECONDS", 0.05)
    files = tmp_path / "own.pem", tmp_path / "own.key"
    tls.make_self_signed(HOST, *files)
    return dataclasses.replace(
        config, hostname=HOST, tls_certificate=files[0], tls_key=files[1], tls_client_ca=None
    )


def trustful() -> ssl.SSLContext:
    """A client that takes any certificate."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    return client


def handshake(context: ssl.SSLContext, host: str | None, client: ssl.SSLContext | None = None) -> ssl.SSLObject:
    """The client's side of a connection, without a socket."""
    client = client or trustful()
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = context.wrap_bio(there, back, server_side=True)
    theirs = client.wrap_bio(back, there, server_hostname=host)
    waiting = [theirs, ours]
    while waiting:
        for one in list(waiting):
            try:
                one.do_handshake()
                waiting.remove(one)
            except ssl.SSLWantReadError:
                pass
    handshake.server = ours  # type: ignore[attr-defined]
    return theirs


def shown(context: ssl.SSLContext, host: str | None) -> str:
    """The fingerprint of what a client is shown."""
    octets = handshake(context, host).getpeercert(binary_form=True)
    assert octets
    return certificate.x509.load_der_x509_certificate(octets).fingerprint(certificate.SHA256()).hex()


async def until(true: Callable[[], bool]) -> None:
    """Wait for a look that tells it."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - whoever looks tells nobody
            await asyncio.sleep(0.02)


async def test_a_client_gets_the_certificate_of_the_name_that_it_asks_for(
    own: Config, kept: Kept, authority: Authority
) -> None:
    one = kept.add(*authority.for_hosts("mail.example.org"))
    wild = kept.add(*authority.for_hosts("*.example.org", "mail.example.net"))
    presented = Certificates(own, kept.load)
    context = presented.listening()
    before = shown(context, "mail.example.org")
    await presented.start()
    assert shown(context, "mail.example.org") == one.fingerprint
    assert shown(context, "MAIL.example.org") == one.fingerprint
    assert shown(context, "imap.example.org") == wild.fingerprint
    for host in (None, "example.org", "other.example", HOST):
        assert shown(context, host) == before
    await presented.close()


async def test_whoever_names_no_host_gets_the_one_for_the_appliance(
    own: Config, kept: Kept, authority: Authority
) -> None:
    appliance = kept.add(*authority.for_hosts(HOST))
    presented = Certificates(own, kept.load)
    await presented.start()
    assert {shown(presented.listening(), host) for host in (None, "other.example")} == {appliance.fingerprint}
    await presented.close()


async def test_the_one_that_lasts_longest_is_shown_and_removed_ones_are_not(
    own: Config, kept: Kept, authority: Authority
) -> None:
    late = kept.add(*authority.for_hosts("a.example", days=60))
    early = kept.add(*authority.for_hosts("a.example", days=30))
    presented = Certificates(own, kept.load)
    await presented.start()
    context = presented.listening()
    assert shown(context, "a.example") == late.fingerprint
    del kept.all[late.fingerprint]
    await until(lambda: shown(context, "a.example") == early.fingerprint)
    new = kept.add(*authority.for_hosts("a.example", days=90))
    await until(lambda: shown(context, "a.example") == new.fingerprint)
    kept.out = True
    kept.all.clear()
    await asyncio.sleep(0.2)
    assert shown(context, "a.example") == new.fingerprint
    kept.out = False
    await until(lambda: shown(context, "a.example") not in {new.fingerprint, early.fingerprint})
    await presented.close()


async def test_one_that_the_library_refuses_is_passed_over(own: Config, kept: Kept, authority: Authority) -> None:
    """Whoever asks for its name gets the appliance's own, and no broken handshake."""
    read = kept.add(*authority.for_hosts("a.example"))
    kept.all[read.fingerprint] = dataclasses.replace(read, chain=read.chain.replace("M", "N", 1))
    presented = Certificates(own, kept.load)
    await presented.start()
    context = presented.listening()
    assert shown(context, "a.example") == shown(context, "a.example") == shown(context, "b.example")
    await presented.close()


async def test_new_files_are_shown_once_they_fit(own: Config, kept: Kept, authority: Authority) -> None:
    presented = Certificates(own, kept.load)
    await presented.start()
    context = presented.listening()
    before = shown(context, None)
    chain, key = authority.for_hosts(HOST)
    assert own.tls_certificate
    assert own.tls_key
    own.tls_certificate.write_text(chain)
    await asyncio.sleep(0.2)
    assert shown(context, None) == before
    os.remove(own.tls_key)
    await asyncio.sleep(0.2)
    own.tls_key.write_text(key)
    await until(lambda: shown(context, None) == certificate.read(chain, key).fingerprint)
    await presented.close()


async def test_a_client_binds_to_what_it_was_shown(own: Config, kept: Kept, authority: Authority) -> None:
    kept.add(*authority.for_hosts("a.example"))
    presented = Certificates(own, kept.load)
    await presented.start()
    seen = set()
    for host in ("a.example", HOST):
        octets = handshake(presented.listening(), host).getpeercert(binary_form=True)
        assert octets
        ours = handshake.server  # type: ignore[attr-defined]
        read = certificate.x509.load_der_x509_certificate(octets)
        assert tls.end_point(ours.context) == read.fingerprint(certificate.SHA256())
        seen.add(tls.end_point(ours.context))
    assert len(seen) == 2
    await presented.close()


async def test_clients_certificates_are_checked_whichever_of_ours_is_shown(
    own: Config, kept: Kept, authority: Authority, tmp_path: Path
) -> None:
    kept.add(*authority.for_hosts("a.example"))
    presented = Certificates(dataclasses.replace(own, tls_client_ca=authority.path), kept.load)
    await presented.start()
    stranger = Authority(tmp_path / "stranger.pem")
    for host in ("a.example", HOST):
        for who in (authority, stranger):
            client = trustful()
            client.load_cert_chain(who.certify(tmp_path / "client.pem", "a@example.org"))
            client.maximum_version = ssl.TLSVersion.TLSv1_2  # so that the handshake tells
            if who is stranger:
                with pytest.raises(ssl.SSLError):
                    handshake(presented.listening(asks=True), host, client)
            else:
                handshake(presented.listening(asks=True), host, client)
                assert handshake.server.getpeercert(binary_form=True)  # type: ignore[attr-defined]
            handshake(presented.listening(), host, client)
            assert handshake.server.getpeercert(binary_form=True) is None  # type: ignore[attr-defined]
    await presented.close()


def test_the_profile(own: Config) -> None:
    """What Mozilla's intermediate profile lets clients choose from, and nothing else."""
    assert own.tls_certificate
    assert own.tls_key
    context = tls.server_context(own.tls_certificate, own.tls_key)
    names = {cipher["name"] for cipher in context.get_ciphers() if cipher["protocol"] != "TLSv1.3"}
    assert names == set(tls.CIPHERS.split(":"))
    assert (context.minimum_version, context.num_tickets) == (ssl.TLSVersion.TLSv1_2, 0)
    assert not context.options & ssl.OP_CIPHER_SERVER_PREFERENCE


def test_a_client_that_knows_only_finite_fields_is_served(
    own: Config, authority: Authority, tmp_path: Path
) -> None:
    key = certificate.rsa.generate_private_key(65537, 2048)
    for path, text in zip(
        (tmp_path / "r.pem", tmp_path / "r.key"), authority.for_hosts(HOST, key=key), strict=True
    ):
        path.write_text(text)
    context = tls.server_context(tmp_path / "r.pem", tmp_path / "r.key")
    client = trustful()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers("DHE-RSA-AES128-GCM-SHA256")
    assert handshake(context, HOST, client).cipher() == ("DHE-RSA-AES128-GCM-SHA256", "TLSv1.2", 128)
