"""SEARCH says the same before the text index has read the messages, while it has read some, and after."""

import imaplib

from mailservices.store import wordings
from mailservices.store.pool import Pool
from tests.conftest import Person
from tests.services import Services

MESSAGES = (
    b"From: Bob <bob@b.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHello 100%_sure\r\n",
    (
        b"From: Carol\r\nSubject: two\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<p>fan<b>tas</b>tic <a href='x'>words</a>\r\n"
        b"--b\r\nContent-Type: application/pdf; name*0*=utf-8''Z%C3%BCr; name*1=ich.pdf\r\n\r\n%PDF\r\n--b--\r\n"
    ),
    b"From: bob\r\nSubject: three\r\nContent-Transfer-Encoding: base64\r\n\r\nTmVlZGxlIGluIGJhc2U2NA==\r\n",
)
QUERIES = (
    "TEXT bob", "BODY hello", 'BODY "100%_s"', "BODY fantastic", "BODY href", 'TEXT "needle in"', "FROM bob",
    "SUBJECT t", "NOT TEXT bob", "OR BODY needle FROM carol", "HEADER X-None {}", "TEXT subject", "BODY subject",
    "UNSEEN TEXT bob NOT SUBJECT three", "FUZZY TEXT fantastik",
    "FUZZY FROM bob FUZZY BODY NEEDEL", "NOT FUZZY TEXT words", "TEXT rich.p", "TEXT x-none",
    "TEXT application/pdf", "BODY application/pdf", "HEADER Content-Type pdf", "HEADER Content-Type boundary",
)  # fmt: skip
FOUND = [
    "1 3", "1", "1", "2", "", "3", "1 3", "2 3", "2", "2 3", "", "1 2 3", "", "1", "2",
    "3", "1 3", "2", "", "2", "", "", "2",
]  # fmt: skip


async def test_an_answer_is_complete_whatever_was_read(services: Services, pool: Pool, alice: Person) -> None:
    with imaplib.IMAP4("127.0.0.1", services.ports["imap"], timeout=20) as client:
        client.login(alice.address, alice.password)
        assert asked(client, MESSAGES[:2]) == [told.replace(" 3", "").replace("3", "") for told in FOUND]
        await read(pool, alice)
        assert asked(client, MESSAGES[2:]) == FOUND
        await read(pool, alice)
        assert asked(client, ()) == FOUND
        assert client.sort("SUBJECT", "UTF-8", "TEXT", "bob")[1] == [b"1 3"]  # type: ignore[no-untyped-call]
        assert client.sort("REVERSE DATE", "UTF-8", "TEXT", "bob")[1] == [b"3 1"]  # type: ignore[no-untyped-call]


async def read(pool: Pool, person: Person) -> None:
    """The worker may have been there before."""
    while await wordings.read_on(pool, person.account_id):
        pass


def asked(client: imaplib.IMAP4, messages: tuple[bytes, ...]) -> list[str]:
    """What each query finds, once these have come too."""
    for message in messages:
        assert client.append("INBOX", "", "", message)[0] == "OK"
    client.select("INBOX", readonly=True)
    return [client.search(None, query.replace("{}", '""'))[1][0].decode() for query in QUERIES]
