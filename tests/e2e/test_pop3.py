"""POP3 from outside, by the standard library's client; others are in test_pop3_clients.py."""

import imaplib
import poplib
import ssl

import pytest

from mailservices.pop3.maildrop import AHEAD_MESSAGES, AHEAD_OCTETS
from mailservices.pop3.policies import LOOK_SECONDS
from tests.conftest import Person
from tests.services import Services, all_know, until
from webadmin.audit.record import OPERATOR
from webadmin.directory.models import Account, PopChoices
from webadmin.directory.pop import change_pop

TEXTS = (
    b"Subject: one\r\n\r\nfirst\r\n",
    b"Subject: dots\r\n\r\n.\r\n..x\r\nend\r\n",
    b"Subject: 8-bit\r\n\r\n\xff\xfe\r\n",
    b"Subject: no end\r\n\r\nlast line",
    b"Subject: empty\r\n\r\n",
    b"Subject: large\r\n\r\n" + b".0123456789\r\n" * 250_000,
)


def fill(services: Services, person: Person) -> None:
    with imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=20) as client:
        client.login(person.address, person.password)
        for text in TEXTS:
            client.append("INBOX", "", "", text)


def sign_in(services: Services, person: Person) -> poplib.POP3:
    client = poplib.POP3("127.0.0.1", services.ports["pop3"], timeout=20)
    try:
        client.user(person.address)
        client.pass_(person.password)
    except poplib.error_proto:
        client.close()
        raise
    return client


def test_reads_octet_for_octet(services: Services, alice: Person) -> None:
    fill(services, alice)
    client = sign_in(services, alice)
    assert client.stat() == (len(TEXTS), sum(map(len, TEXTS)))
    assert client.list()[1] == [f"{n} {len(text)}".encode() for n, text in enumerate(TEXTS, 1)]
    for number, text in enumerate(TEXTS, 1):
        assert b"\r\n".join(client.retr(number)[1]) == text.removesuffix(b"\r\n")
    assert client.top(2, 1)[1] == [b"Subject: dots", b"", b"."]
    assert client.top(1, 0)[1] == [b"Subject: one", b""]
    ids = client.uidl()[1]
    assert len({line.split()[1] for line in ids}) == len(TEXTS)  # type: ignore[union-attr]
    client.quit()
    again = sign_in(services, alice)
    assert again.uidl()[1] == ids
    again.quit()


def test_deletes_only_with_quit(services: Services, alice: Person) -> None:
    fill(services, alice)
    client = sign_in(services, alice)
    client.dele(1)
    with pytest.raises(poplib.error_proto):
        client.retr(1)
    client.rset()
    client.dele(2)
    client.close()
    client = until(lambda: _try(services, alice))
    assert client.stat()[0] == len(TEXTS)
    client.dele(2)
    client.dele(3)
    client.quit()
    client = sign_in(services, alice)
    assert client.stat()[0] == len(TEXTS) - 2
    client.quit()


def _try(services: Services, person: Person) -> poplib.POP3 | None:
    """The lock of a session that was dropped is given back in a moment."""
    try:
        return sign_in(services, person)
    except poplib.error_proto:
        return None


def test_one_session_at_a_time(services: Services, alice: Person) -> None:
    client = sign_in(services, alice)
    with pytest.raises(poplib.error_proto, match="IN-USE"):
        sign_in(services, alice)
    client.quit()
    sign_in(services, alice).quit()


def test_sign_in(services: Services, alice: Person) -> None:
    client = poplib.POP3("127.0.0.1", services.ports["pop3"], timeout=20)
    assert "STLS" in client.capa()
    client.stls(ssl._create_unverified_context())
    assert "STLS" not in client.capa()
    client.user(alice.address)
    with pytest.raises(poplib.error_proto, match="AUTH"):
        client.pass_("wrong")
    client.user(alice.address)
    client.pass_(alice.password)
    client.quit()


def test_commands_in_one_packet(services: Services, alice: Person) -> None:
    fill(services, alice)
    with services.connect("pop3") as client:
        lines = [f"USER {alice.address}", f"PASS {alice.password}", "STAT", "RETR 1", "RETR 2", "NOOP", "QUIT"]
        client.sendall("".join(f"{line}\r\n" for line in lines).encode())
        answered = b""
        while data := client.recv(65536):
            answered += data
    assert answered.count(b"+OK") == len(lines) + 1


def test_garbage(services: Services) -> None:
    for garbage in (b"A" * 100_000 + b"\r\n", b"\xff\xfe\r\n", b"RETR 1\r\n", b"USER\r\n", b"STLS\r\nNOOP\r\n"):
        with services.connect("pop3") as client:
            client.sendall(garbage + b"QUIT\r\n")
            answered = b""
            try:
                while data := client.recv(65536):
                    answered += data
            except ConnectionError:
                pass
        assert answered.startswith(b"+OK")
        assert b"-ERR" in answered


def choose(person: Person, **changes: object) -> None:
    change_pop(OPERATOR, Account.objects.get(pk=person.account_id), **changes)


def test_a_unique_id_is_a_messages_for_its_life(services: Services, alice: Person) -> None:
    """Wherever it lies; copies in one folder are told apart, and stay so when the first of them goes."""
    fill(services, alice)
    client = sign_in(services, alice)
    first = [line.split()[1] for line in client.uidl()[1]]  # type: ignore[union-attr]
    client.quit()
    with imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=20) as imap:
        imap.login(alice.address, alice.password)
        imap.select("INBOX")
        imap.copy("1:2", "INBOX")
        imap.uid("MOVE", "3", "Archive")
        imap.select("Archive")
        imap.uid("MOVE", "1", "INBOX")
    client = sign_in(services, alice)
    ids = [line.split()[1] for line in client.uidl()[1]]  # type: ignore[union-attr]
    assert len(set(ids)) == len(ids) == len(TEXTS) + 2
    # Those that stayed, the two copies, and the one that was away.
    assert ids[:-3] == [*first[:2], *first[3:]]
    assert [one.partition(b".")[0] for one in ids[-3:-1]] == first[:2]
    assert ids[-1] == first[2]
    client.dele(1)
    client.quit()
    client = sign_in(services, alice)
    assert [line.split()[1] for line in client.uidl()[1]] == ids[1:]  # type: ignore[union-attr]
    client.quit()


def test_reads_ahead_past_what_is_gone_and_marked(services: Services, alice: Person) -> None:
    """More messages and octets than one batch has; some are expunged, some asked for out of order."""
    texts = [b"X-N: %d\r\n\r\n" % n + b"0123456789\r\n" * (n * 37 % 1000) for n in range(1, 2 * AHEAD_MESSAGES)]
    assert sum(map(len, texts)) > 2 * AHEAD_OCTETS
    with imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=20) as imap:
        imap.login(alice.address, alice.password)
        for text in texts:
            imap.append("INBOX", "", "", text)
        client = sign_in(services, alice)
        imap.select("INBOX")
        imap.store("10,60:65,150", "+FLAGS", "(\\Deleted)")
        imap.expunge()
    gone = {10, *range(60, 66), 150}
    for number in (3, 2, 3, *range(1, len(texts) + 1), 7, 8, 9, 1):
        if number in gone:
            with pytest.raises(poplib.error_proto, match="Another session has removed that message"):
                client.retr(number)
        else:
            assert b"\r\n".join(client.retr(number)[1]) + b"\r\n" == texts[number - 1]
    client.quit()


def test_what_is_announced_follows_the_choices(services: Services, alice: Person, bob: Person) -> None:
    """RFC 2449 §6.5 and §6.7: to strangers the strictest of all, to whoever has signed in what holds for her."""

    def announced(name: str) -> list[str] | None:
        client = poplib.POP3("127.0.0.1", services.ports["pop3"], timeout=20)
        try:
            return client.capa().get(name)
        finally:
            client.quit()

    PopChoices.objects.all().delete()
    choose(alice, expire_days=30, login_delay=7)
    try:
        all_know(LOOK_SECONDS)
        assert announced("LOGIN-DELAY") == ["7", "USER"]
        assert announced("EXPIRE") == ["30", "USER"]
        for person, expires, delay in ((alice, "30", "7"), (bob, "NEVER", "0")):
            client = sign_in(services, person)
            assert (client.capa()["EXPIRE"], client.capa()["LOGIN-DELAY"]) == ([expires], [delay])
            client.quit()
        with pytest.raises(poplib.error_proto, match="LOGIN-DELAY"):
            sign_in(services, alice)
    finally:
        PopChoices.objects.all().delete()
    all_know(LOOK_SECONDS)
    assert announced("LOGIN-DELAY") is None
    assert announced("EXPIRE") == ["NEVER"]
