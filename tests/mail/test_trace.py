"""Trace fields: every part of them, and that a client's name cannot end the field (RFC 5321 §4.4)."""

import dataclasses
from datetime import UTC, datetime

import pytest

from mailservices.mail import headers, trace
from mailservices.mail.trace import Hop

AT = datetime(2026, 7, 1, 2, 44, 25, tzinfo=UTC)
HOP = Hop("client.test", "192.0.2.1", "mail.us.test", "ESMTP", "0123", AT)


@pytest.mark.parametrize(
    ("extended", "tls", "signed_in", "smtputf8", "name"),
    [
        (False, False, False, False, "SMTP"),
        (False, True, False, False, "SMTP"),
        (True, False, False, False, "ESMTP"),
        (True, True, False, False, "ESMTPS"),
        (True, False, True, False, "ESMTPA"),
        (True, True, True, False, "ESMTPSA"),
        (True, False, False, True, "UTF8SMTP"),
        (True, True, True, True, "UTF8SMTPSA"),
    ],
)
def test_protocols_have_names(*, extended: bool, tls: bool, signed_in: bool, smtputf8: bool, name: str) -> None:
    assert trace.protocol_name(extended=extended, tls=tls, signed_in=signed_in, smtputf8=smtputf8) == name


def test_lmtp_has_names_too() -> None:
    for smtputf8, tls, name in ((False, False, "LMTP"), (False, True, "LMTPS"), (True, True, "UTF8LMTPS")):
        assert name == trace.protocol_name(extended=True, tls=tls, signed_in=False, smtputf8=smtputf8, lmtp=True)


def test_a_plain_hop() -> None:
    assert trace.received(HOP) == (
        b"Received: from client.test ([192.0.2.1])\r\n"
        b"\tby mail.us.test with ESMTP id 0123; Wed, 01 Jul 2026 02:44:25 +0000\r\n"
    )


def test_a_hop_whose_client_is_not_told() -> None:
    hidden = trace.received(dataclasses.replace(HOP, helo="", peer=""))
    assert hidden.startswith(b"Received: from submission\r\n\tby mail.us.test with ")


def test_a_hop_of_some_priority() -> None:
    """RFC 6710 §7"""
    assert b"\r\n\tPRIORITY -4; Wed" in trace.received(dataclasses.replace(HOP, priority=-4))


def test_a_full_hop() -> None:
    hop = dataclasses.replace(
        HOP, peer="2001:db8::1", tls="TLSv1.3 TLS_AES_256_GCM_SHA384", recipient="bob@us.test"
    )
    assert trace.received(hop) == (
        b"Received: from client.test ([IPv6:2001:db8::1])\r\n"
        b"\tby mail.us.test with ESMTP id 0123\r\n"
        b"\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
        b"\tfor <bob@us.test>; Wed, 01 Jul 2026 02:44:25 +0000\r\n"
    )


@pytest.mark.parametrize(
    ("helo", "shown"),
    [
        ("a\r\nBcc: evil", "a??Bcc:?evil"),
        ("a(b)c", "a?b?c"),
        ("bücher", "b?cher"),
        ("", "unknown"),
        ("x" * 300, "x" * 255),
    ],
)
def test_a_name_of_the_clients_choice_does_no_harm(helo: str, shown: str) -> None:
    field = trace.received(dataclasses.replace(HOP, helo=helo))
    assert field.startswith(f"Received: from {shown} ([192.0.2.1])\r\n\tby ".encode())
    assert len(list(headers.fields(field))) == 1


def test_the_other_fields() -> None:
    assert trace.return_path("") == b"Return-Path: <>\r\n"
    assert trace.return_path("a@b.test") == b"Return-Path: <a@b.test>\r\n"
    assert trace.date(AT) == b"Date: Wed, 01 Jul 2026 02:44:25 +0000\r\n"
    assert trace.message_id("0123", "us.test") == b"Message-ID: <0123@us.test>\r\n"


def test_what_is_sent_on_says_whose_it_was() -> None:
    assert trace.delivered_to("info@example.org") == b"Delivered-To: info@example.org\r\n"


def test_the_reason_for_junk_is_one_line_of_bounded_length() -> None:
    assert trace.junk_reason(["a", "b\r\nX: y"]) == b"X-Junk-Reason: a; b??X: y\r\n"
    assert len(trace.junk_reason(["x" * 5000])) < 450
