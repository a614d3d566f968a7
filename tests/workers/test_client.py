"""Our side of SMTP against hosts that behave, and hosts that do whatever they like, at each stage."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailservices.protocols.smtp.limits import Limits
from tests.workers.scripted import DROP, ENDLESS, GARBAGE, LONG, STALL, Scripted, certified
from workers.outbound import conversation
from workers.outbound.client import CHUNK_OCTETS, Client, Way
from workers.outbound.commands import Destination, Parameters
from workers.outbound.conversation import HostFailed, TlsFailed
from workers.outbound.security import Need, Security

TEXT = b"Subject: Hello\r\n\r\n.dot\r\n"
PARAMETERS = Parameters("a@us.test", len(TEXT), eightbit=True, smtputf8=True, ret="FULL", envid="x+2By")
ONE = Destination("one@far.test", "SUCCESS,DELAY", "rfc822;one@far.test")
TWO = Destination("two@far.test")


async def text(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces or (TEXT[:20], TEXT[20:]):
        yield piece


async def opened(far: Scripted, need: Need = Need.MAY, *, implicit: bool = False, **way: str) -> Client:
    return await Client.open(far.hop, Way(far.port, "us.test", **way), Security("test", need, implicit=implicit))


async def codes(client: Client, *recipients: Destination) -> list[tuple[str, int]]:
    answers = await client.send(PARAMETERS, recipients or (ONE,), text())
    return [(one.stage, one.reply.code) for one in answers]


async def test_a_host_that_knows_nothing_gets_the_plain_commands() -> None:
    async with Scripted() as far:
        client = await opened(far)
        assert await codes(client, ONE, TWO) == [("final", 250)] * 2
        await client.quit()
        assert far.taken == [TEXT]
        assert far.lines == [
            "EHLO us.test", "MAIL FROM:<a@us.test>", "RCPT TO:<one@far.test>", "RCPT TO:<two@far.test>", "DATA",
            "QUIT",
        ]  # fmt: skip


async def test_a_host_gets_the_parameters_that_it_knows() -> None:
    features = ("size 99", "8BITMIME", "SMTPUTF8", "DSN", "PIPELINING", "MT-PRIORITY", "DELIVERBY", "REQUIRETLS")
    async with Scripted(features=features) as far:
        client = await opened(far)
        told = Parameters("a@us.test", 24, True, True, "HDRS", "e", 3, True, (60, "RT"))
        await client.send(told, [ONE], text())
        await client.quit()
    assert far.lines[1:3] == [
        "MAIL FROM:<a@us.test> SIZE=24 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=e MT-PRIORITY=3 REQUIRETLS BY=60;RT",
        "RCPT TO:<one@far.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;one@far.test",
    ]


@pytest.mark.parametrize("code", [500, 502])
async def test_a_host_without_ehlo_gets_helo(code: int) -> None:
    async with Scripted({"EHLO": f"{code} What?"}, features=("DSN",)) as far:
        client = await opened(far)
        assert client.features == {}
        assert await codes(client) == [("final", 250)]
        assert far.lines[:3] == ["EHLO us.test", "HELO us.test", "MAIL FROM:<a@us.test>"]
        client.abort()


@pytest.mark.parametrize("answer", ["554 No", "421 No", "450 No", "354 No"])
async def test_a_host_that_refuses_us_gets_no_helo(answer: str) -> None:
    async with Scripted({"EHLO": answer}) as far:
        with pytest.raises(HostFailed) as failed:
            await opened(far)
        assert failed.value.stage == "helo"
        assert far.lines == ["EHLO us.test"]


async def test_several_messages_go_over_one_connection() -> None:
    """What was refused is reset before the next one, not before it is settled."""
    async with Scripted({"RCPT": ["550 No", "250 Fine"]}) as far:
        client = await opened(far)
        assert await codes(client) == [("rcpt", 550)]
        assert "RSET" not in far.lines
        assert await codes(client) == [("final", 250)]
        assert await codes(client) == [("final", 250)]
        await client.quit()
    assert far.lines.count("EHLO us.test") == 1
    assert len(far.taken) == 2


async def test_a_host_that_waits_for_a_text_of_nobody_gets_an_empty_one() -> None:
    """RFC 2920 §3.1"""
    async with Scripted({"RCPT": ["550 No", "250 Fine"]}, features=("PIPELINING",)) as far:
        client = await opened(far)
        assert await codes(client) == [("rcpt", 550)]
        assert far.taken == [b""]
        assert await codes(client) == [("final", 250)]
        assert "RSET" not in far.lines
        client.abort()


async def test_what_was_answered_stands_though_the_end_fails() -> None:
    async with Scripted({"RCPT": "550 No", "final": DROP}, features=("PIPELINING",)) as far:
        client = await opened(far)
        assert await codes(client) == [("rcpt", 550)]
        await client.quit()
        assert "QUIT" not in far.lines


async def test_some_recipients_are_taken_and_some_are_not() -> None:
    async with Scripted({"RCPT": ["450 Later", "250 Fine", "551 Gone"]}) as far:
        client = await opened(far)
        assert await codes(client, ONE, TWO, ONE) == [("rcpt", 450), ("final", 250), ("rcpt", 551)]
        client.abort()


async def test_chunks_go_to_who_takes_them() -> None:
    """RFC 3030: no dot is doubled, and the last chunk says so."""
    pieces = [b"x" * CHUNK_OCTETS, b".\r\n" * 100, b"end\r\n"]
    async with Scripted(features=("CHUNKING", "PIPELINING")) as far:
        client = await opened(far)
        [answer] = await client.send(PARAMETERS, [ONE], text(*pieces))
        assert (answer.stage, answer.reply.code) == ("final", 250)
        assert far.taken == [b"".join(pieces)]
        assert [line for line in far.lines if line.startswith("BDAT")] == [f"BDAT {CHUNK_OCTETS}", "BDAT 305 LAST"]
        await client.quit()


async def test_a_chunk_that_is_refused_ends_the_transaction() -> None:
    async with Scripted({"BDAT": ["552 Too much", "250 Fine"]}, features=("CHUNKING",)) as far:
        client = await opened(far)
        [answer] = await client.send(PARAMETERS, [ONE], text(b"x" * CHUNK_OCTETS, b"y"))
        assert (answer.stage, answer.reply.code) == ("chunk", 552)
        assert await codes(client) == [("final", 250)]
        assert "RSET" in far.lines
        client.abort()


async def test_nobody_taken_means_no_chunk() -> None:
    async with Scripted({"RCPT": "550 No"}, features=("CHUNKING", "PIPELINING")) as far:
        client = await opened(far)
        assert await codes(client) == [("rcpt", 550)]
        await client.quit()
        assert [line.split(" ")[0] for line in far.lines] == ["EHLO", "MAIL", "RCPT", "QUIT"]


# Whatever a host does at whatever stage, the answer is one that the queue understands.

STAGES = ("connect", "EHLO", "MAIL", "RCPT", "DATA", "final", "BDAT")
NAMED = {"EHLO": "helo", "MAIL": "mail", "RCPT": "rcpt", "DATA": "data", "BDAT": "final"}


async def fate(script: dict[str, str | list[str]], features: tuple[str, ...]) -> tuple[str, int]:
    """The stage and the code of what came of one message; 0: nobody knows."""
    async with Scripted(script, features=features) as far:
        return await spoken(far)


async def spoken(far: Scripted) -> tuple[str, int]:
    client = None
    try:
        client = await opened(far)
        [found] = await codes(client)
    except HostFailed as failed:
        return failed.stage, 0
    finally:
        if client is not None:
            client.abort()
    return found


def features_for(stage: str, *, pipelining: bool) -> tuple[str, ...]:
    return (*(("PIPELINING",) if pipelining else ()), *(("CHUNKING",) if stage == "BDAT" else ()))


@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize("answer", ["450 4.3.0 Later", "554 5.7.1 Never", "354 What?", "299 Odd", "599 Odd"])
@pytest.mark.parametrize("stage", STAGES)
async def test_an_answer_at_any_stage_is_understood(stage: str, answer: str, *, pipelining: bool) -> None:
    found = await fate({stage: answer}, features_for(stage, pipelining=pipelining))
    code, named = int(answer[:3]), NAMED.get(stage, stage)
    if stage in ("connect", "EHLO"):
        assert found == ((named, 0) if code != 299 else ("final", 250))
    elif code == 299 and stage != "DATA":
        assert found == (("final", 250) if stage in ("MAIL", "RCPT") else (named, 299))
    elif stage == "DATA" and code in (299, 354):
        assert found == (("data", 0) if code == 299 else ("final", 250))
    else:
        assert found == (named, code)


@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize("fault", [STALL, DROP, ENDLESS, GARBAGE, LONG, "421 Closing"])
@pytest.mark.parametrize("stage", STAGES)
async def test_a_fault_at_any_stage_is_survived(
    stage: str, fault: str, monkeypatch: pytest.MonkeyPatch, *, pipelining: bool
) -> None:
    for name in conversation.LIMITS:
        monkeypatch.setitem(conversation.LIMITS, name, 0.05)
    found = await fate({stage: fault}, features_for(stage, pipelining=pipelining))
    # RFC 1047: that the answer was lost behind the whole message is told apart.
    assert found == (NAMED.get(stage, stage), 0)


@pytest.mark.parametrize("answer", ["454 Not now", "501 No", DROP, GARBAGE, "220 Go"])
async def test_tls_that_fails_is_told_apart(answer: str) -> None:
    async with Scripted({"STARTTLS": answer}, features=("STARTTLS",)) as far:
        with pytest.raises(HostFailed) as failed:
            await opened(far)
        assert failed.value.stage == "starttls"
        assert isinstance(failed.value, TlsFailed) == (answer not in (DROP, GARBAGE))
        client = await opened(far, Need.NONE)
        assert await codes(client) == [("final", 250)]
        client.abort()


FAULTS = (STALL, DROP, ENDLESS, GARBAGE, LONG, "421 Closing")


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is waited for as long as the RFC says."""
    for name in conversation.LIMITS:
        monkeypatch.setitem(conversation.LIMITS, name, 0.3)
    monkeypatch.setattr(conversation, "CONNECT_LIMIT", 0.5)


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_at_starttls_is_survived(fault: str) -> None:
    async with Scripted({"STARTTLS": fault}, features=("STARTTLS",)) as far:
        with pytest.raises(HostFailed) as failed:
            await opened(far)
        assert failed.value.stage == "starttls"


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_in_the_handshake_is_no_tls(fault: str, *, implicit: bool) -> None:
    """So that a host whose TLS is broken gets plain text where nobody insists (RFC 7435)."""
    script = {"connect" if implicit else "handshake": fault}
    async with Scripted(script, features=("STARTTLS",)) as far:
        with pytest.raises(TlsFailed) as failed:
            await opened(far, Need.VERIFIED if implicit else Need.MAY, implicit=implicit)
        assert failed.value.stage == "starttls"


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "connect"])
async def test_a_fault_under_tls_is_survived(stage: str, fault: str, tmp_path: Path) -> None:
    script: dict[str, str | list[str]] = {stage: ["250 far.test", fault] if stage == "EHLO" else fault}
    features = ("STARTTLS", *features_for(stage, pipelining=True))
    async with Scripted(script, features, certified(tmp_path)) as far:
        assert await spoken(far) == (NAMED.get(stage, stage), 0)


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize("fault", [*FAULTS, "502 What?"])
async def test_a_fault_between_two_messages_says_nothing_of_the_first(fault: str) -> None:
    async with Scripted({"RCPT": ["550 No", "250 Fine"], "RSET": fault}) as far:
        client = await opened(far)
        assert await codes(client) == [("rcpt", 550)]
        with pytest.raises(HostFailed) as failed:
            await codes(client)
        assert failed.value.stage == "rset"
        client.abort()


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_host_that_takes_no_leave_is_left(fault: str) -> None:
    async with Scripted({"QUIT": fault}) as far:
        client = await opened(far)
        assert await codes(client) == [("final", 250)]
        await client.quit()
        assert len(far.taken) == 1


async def test_what_a_host_says_of_its_limits_is_known() -> None:
    async with Scripted(features=("LIMITS MAILMAX=1 RCPTMAX=7",)) as far:
        client = await opened(far)
        assert client.limits == Limits(1, 7)
        assert not client.spent
        assert await codes(client) == [("final", 250)]
        assert client.spent
        await client.quit()


async def test_a_certificate_that_proves_nothing_ends_it_where_we_insist(tmp_path: Path) -> None:
    async with Scripted(features=("STARTTLS",), context=certified(tmp_path)) as far:
        client = await opened(far)
        assert client.tls.startswith("TLSv1.3 ")
        assert await codes(client) == [("final", 250)]
        client.abort()
        with pytest.raises(TlsFailed, match="does not prove its name"):
            await opened(far, Need.VERIFIED)


async def test_words_behind_the_answer_to_starttls_end_it() -> None:
    """RFC 3207 §6"""
    async with Scripted({"STARTTLS": "220 Go\r\n250 and more"}, features=("STARTTLS",)) as far:
        with pytest.raises(HostFailed, match="plain text"):
            await opened(far)


@pytest.mark.parametrize("need", [Need.ENCRYPTED, Need.VERIFIED])
async def test_a_host_without_tls_gets_nothing_where_it_is_needed(need: Need) -> None:
    async with Scripted() as far:
        with pytest.raises(TlsFailed, match="does not offer"):
            await opened(far, need)
        assert far.lines == ["EHLO us.test"]


async def test_a_host_that_proves_its_name_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Scripted(features=("STARTTLS",), context=certified(tmp_path)) as far:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "far.pem"))
        client = await opened(far, Need.VERIFIED)
        assert client.verdict == "test: verified"
        assert await codes(client) == [("final", 250)]
        client.abort()
        client = await opened(far, Need.ENCRYPTED)
        assert client.verdict == "test: encrypted"
        client.abort()
        client = await opened(far, Need.NONE)
        assert (client.tls, client.verdict) == ("", "test: plain text")
        client.abort()


async def test_tls_from_the_first_octet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Scripted(context=certified(tmp_path), implicit=True) as far:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "far.pem"))
        client = await opened(far, Need.VERIFIED, implicit=True)
        assert await codes(client) == [("final", 250)]
        await client.quit()
    async with Scripted() as plain:
        with pytest.raises(TlsFailed):
            await opened(plain, Need.VERIFIED, implicit=True)


async def test_the_source_and_the_name_are_ours_to_choose() -> None:
    async with Scripted() as far:
        client = await opened(far, source4="127.0.0.9", source6="::1")
        await client.quit()
        assert far.peers == ["127.0.0.9"]
        with pytest.raises(HostFailed, match="cannot be reached"):
            await opened(far, source4="192.0.2.1")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "XOAUTH2"])
async def test_we_sign_in(mechanism: str, tmp_path: Path) -> None:
    features = ("STARTTLS", f"AUTH {mechanism}")
    async with Scripted(features=features, context=certified(tmp_path), password="secret") as far:
        client = await opened(far, username="us", secret="secret", mechanism=mechanism)
        assert far.signed_in == ["us"]
        assert await codes(client) == [("final", 250)]
        await client.quit()
        with pytest.raises(HostFailed) as failed:
            await opened(far, username="us", secret="another", mechanism=mechanism)
        assert failed.value.stage == "auth"


async def test_no_password_is_told_in_plain_text() -> None:
    async with Scripted(features=("AUTH PLAIN LOGIN",)) as far:
        with pytest.raises(HostFailed, match="no way to sign in"):
            await opened(far, username="us", secret="secret")
        assert far.lines == ["EHLO us.test"]


@pytest.mark.parametrize(
    "answers", [["334 cm9v", "235 Fine"], ["334 !!!", "235 Fine"], ["334 ", "334 ", "334 "], ["235 Fine"]]
)
async def test_a_host_that_proves_nothing_is_not_believed(answers: list[str]) -> None:
    async with Scripted({"AUTH": answers[0], "ANSWER": answers[1:] or "235 Fine"}, ("AUTH SCRAM-SHA-256",)) as far:
        with pytest.raises(HostFailed) as failed:
            await opened(far, username="us", secret="secret")
        assert failed.value.stage == "auth"


@pytest.mark.parametrize("fault", [STALL, DROP, GARBAGE, "421 Closing", "454 Later", "535 No"])
async def test_a_fault_while_signing_in_is_survived(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(conversation.LIMITS, "auth", 0.05)
    async with Scripted({"AUTH": fault}, ("AUTH CRAM-MD5",)) as far:
        with pytest.raises(HostFailed) as failed:
            await opened(far, username="us", secret="secret")
        assert failed.value.stage == "auth"
