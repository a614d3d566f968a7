"""What owners are told of their keys."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest

from mailservices.mail.errors import ProtocolError
from mailservices.mail.privacy_notice import BROKEN, EXPIRES, Notice, build

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def told(about: str, **more: str) -> tuple[dict[str, str], str]:
    usual = Notice(about, "alice@example.org", "ab" * 20, "", "wait", None)
    notice = replace(usual, **more)
    read = message_from_bytes(build(notice, "<1@mail.test>", NOW), policy=default)
    return {name: str(value) for name, value in read.items()}, read.get_content()


def test_a_key_ends() -> None:
    end = datetime(2026, 2, 1, tzinfo=UTC)
    notice = Notice(EXPIRES, "alice@example.org", "ab" * 20, "", "wait", end)
    octets = build(notice, "<1@mail.test>", NOW)
    read = message_from_bytes(octets, policy=default)
    assert (read["From"], read["To"]) == ("Facteur <postmaster@example.org>", "alice@example.org")
    assert (read["Auto-Submitted"], read["Message-ID"]) == ("auto-generated", "<1@mail.test>")
    assert "ends on 2026-02-01" in read.get_content()
    assert "ab" * 20 in read.get_content()
    assert b"\r\n" in octets
    assert "near" in told(EXPIRES)[1]


@pytest.mark.parametrize(("fate", "words"), [("wait", "told to come again later"), ("deliver", "stored readable")])
def test_mail_could_not_be_encrypted(fate: str, words: str) -> None:
    header, text = told(BROKEN, when_broken=fate, words="the key expired on 2026-01-01")
    assert header["Subject"] == "Your mail could not be encrypted"
    assert words in text
    assert "the key expired on 2026-01-01" in text
    assert "no key that can be used" in told(BROKEN)[1]


def test_an_address_beyond_ascii() -> None:
    header, _ = told(EXPIRES, address="älice@example.org")
    assert header["To"] == "älice@example.org"
    with pytest.raises(ProtocolError):
        told(EXPIRES, address="nobody")
