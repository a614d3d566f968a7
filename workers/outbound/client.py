"""Our side of SMTP towards other hosts (RFC 5321): one connection, its features, one transaction after the other.

Whatever is not clearly permanent is temporary. Commands go out together where the host allows it (RFC 2920), the
text in chunks where it takes them (RFC 3030).
"""

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from mailservices.mail.errors import ProtocolError
from mailservices.mail.route import Hop
from mailservices.protocols.dots import Stuffer
from mailservices.protocols.sasl import client as sasl
from mailservices.protocols.smtp import limits
from mailservices.protocols.smtp.limits import Limits
from mailservices.protocols.smtp.replies import PeerReply
from workers.outbound.commands import Destination, Parameters
from workers.outbound.conversation import Conversation, HostFailed, TlsFailed
from workers.outbound.security import Need, Security

#: Octets of a chunk, as far as the pieces of the text allow.
CHUNK_OCTETS = 256 * 1024
#: RFC 5321 §4.1.1.1, §4.2.4: the host does not know EHLO.
UNKNOWN_COMMAND = (500, 502)
NO_TLS = "The host does not offer TLS"


@dataclass(frozen=True, slots=True)
class Way:
    """How a host is reached, and who we are there. An empty source is any, an empty username nobody."""

    port: int
    own_name: str
    source4: str = ""
    source6: str = ""
    username: str = ""
    secret: str = field(default="", repr=False)
    mechanism: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """What the host said to one recipient's part of a transaction, and at what stage."""

    stage: str
    reply: PeerReply


class Client:
    """One connection. `open` makes it; transactions follow; `quit` ends it."""

    def __init__(self, hop: Hop, security: Security, conversation: Conversation) -> None:
        self.hop = hop
        self.security = security
        #: EHLO keyword in capitals -> its parameters.
        self.features: dict[str, str] = {}
        self.limits = Limits()
        self._mails = 0
        self._wire = conversation
        #: A transaction has begun on the host's side that no final reply has ended.
        self._begun = False
        #: The conversation stands where a command may follow.
        self._orderly = True

    @property
    def spent(self) -> bool:
        """RFC 9422 §4.1: the host takes no more messages in this session."""
        return bool(self.limits.mails) and self._mails >= self.limits.mails

    @property
    def tls(self) -> str:
        """TLS version and cipher, or empty."""
        return self._wire.tls

    @property
    def verdict(self) -> str:
        """What its TLS came to, in a word or two."""
        return self.security.verdict(self.tls)

    @classmethod
    async def open(cls, hop: Hop, way: Way, security: Security) -> "Client":
        """Connect, greet, secure the connection as far as that is needed, and sign in where a rule says so.

        Raises:
            TlsFailed: there is no such TLS as is needed; or it was offered, but there was no handshake.
            HostFailed
        """
        source = way.source6 if ":" in hop.address else way.source4
        self = cls(hop, security, await Conversation.open(hop.address, way.port, source))
        try:
            if security.implicit:
                await self._secure()
            _require(await self._wire.reply("connect"), "connect")
            await self._greet(way.own_name)
            if not security.implicit and security.need is not Need.NONE:
                await self._start_tls(way.own_name)
            if way.username:
                await self._sign_in(way)
        except BaseException as error:
            if isinstance(error, TlsFailed):
                error.own_address = self._wire.own_address
            self.abort()
            raise
        return self

    async def _greet(self, own_name: str) -> None:
        reply = await self._wire.ask(f"EHLO {own_name}", "helo")
        if reply.code in UNKNOWN_COMMAND:
            # RFC 5321 §3.2: a host that knows no EHLO gets HELO.
            self.features = {}
            _require(await self._wire.ask(f"HELO {own_name}", "helo"), "helo")
            return
        _require(reply, "helo")
        pairs = (text.partition(" ") for text in reply.texts[1:])
        self.features = {name.upper(): parameters for name, _, parameters in pairs}
        self.limits = limits.read(self.features.get("LIMITS", ""))

    async def _start_tls(self, own_name: str) -> None:
        if "STARTTLS" not in self.features:
            if self.security.need > Need.MAY:
                raise TlsFailed("starttls", NO_TLS, unoffered=True)
            return
        reply = await self._wire.ask("STARTTLS", "starttls")
        if not reply.positive:
            raise TlsFailed("starttls", "STARTTLS was refused", reply, unoffered=True)
        await self._secure()
        # RFC 3207 §4.2: what was said before is forgotten.
        await self._greet(own_name)

    async def _secure(self) -> None:
        # RFC 7672 §8.1: whose certificate is wanted.
        name = (self.security.names or (self.hop.host,))[0].removeprefix("[IPv6:").strip("[]")
        secured = await self._wire.start_tls(self.security.context(), name)
        if not self.security.proven(secured):
            raise TlsFailed("starttls", "The host's certificate fits none of its TLSA records")

    async def _sign_in(self, way: Way) -> None:
        """RFC 4954. That we are not known there is the administrator's to mend: the mail waits."""
        offered = self.features.get("AUTH", "").upper().split()
        chosen = sasl.choose(offered, way.mechanism, way.username, way.secret, secured=bool(self.tls))
        if chosen is None:
            raise HostFailed("auth", "The host offers no way to sign in that may be used")
        first = next(chosen.talk)
        initial = "" if first is None else f" {base64.b64encode(first).decode() or '='}"
        reply = await self._wire.ask(f"AUTH {chosen.mechanism}{initial}", "auth")
        try:
            while reply.code == 334:
                answer = chosen.talk.send(base64.b64decode(reply.text, validate=True)) or b""
                reply = await self._wire.ask(base64.b64encode(answer).decode(), "auth")
            _require(reply, "auth")
            if chosen.mutual and not _over(chosen.talk):
                raise HostFailed("auth", "The host did not prove that it knows us")
        except (ProtocolError, StopIteration, ValueError) as error:
            raise HostFailed("auth", str(error) or "The host asks what no mechanism does") from error

    async def send(
        self, parameters: Parameters, recipients: Sequence[Destination], text: AsyncIterator[bytes]
    ) -> list[Answered]:
        """One transaction; for each recipient the answer that settles it.

        Raises:
            HostFailed: the connection broke, so that nobody knows: try again later.
        """
        self._orderly = False
        self._mails += 1
        if self._begun:
            # Only now, so that what went before was settled at once.
            _require(await self._wire.ask("RSET", "rset"), "rset")
            self._begun = False
        chunked = "CHUNKING" in self.features
        commands = [
            parameters.command(self.features),
            *(recipient.command(self.features) for recipient in recipients),
            *(() if chunked else (b"DATA\r\n",)),
        ]
        stages = ["mail", *("rcpt" for _ in recipients), *(() if chunked else ("data",))]
        mail, *answers = await self._ask_all(commands, stages)
        data = None if chunked else answers.pop()
        self._begun = mail.positive
        settled = [None if answer.positive else Answered("rcpt", answer) for answer in answers]
        if not mail.positive:
            settled = [Answered("mail", mail) for _ in recipients]
        if None not in settled:
            await self._end_empty(data)
            return [one for one in settled if one]
        if data and data.code != 354:
            if data.positive:
                # Nothing was sent, so nothing was taken.
                raise HostFailed("data", f"The host answered nonsense to DATA: {data.code} {data.text}")
            self._orderly = True
            return [one or Answered("data", data) for one in settled]
        final = await (self._send_chunks(text) if chunked else self._send_text(text))
        self._orderly, self._begun = True, not final.reply.positive and chunked
        return [one or final for one in settled]

    async def _end_empty(self, data: PeerReply | None) -> None:
        """There is nothing to send. RFC 2920 §3.1: the host may wait for a text all the same.

        What the host says to its end, or that it says nothing, changes nothing of what was answered before.
        """
        if data and data.code == 354:
            with suppress(HostFailed):
                await self._wire.ask(".", "final")
                self._orderly, self._begun = True, False
            return
        self._orderly = True

    async def _send_text(self, text: AsyncIterator[bytes]) -> Answered:
        stuffer, held = Stuffer(), b""
        async for piece in text:
            if held:
                await self._wire.write(held, "data")
            held = stuffer.stuff(piece)
        await self._wire.write(held + stuffer.end(), "data")
        return Answered("final", await self._wire.reply("final"))

    async def _send_chunks(self, text: AsyncIterator[bytes]) -> Answered:
        """RFC 3030 §2: each chunk is answered; one that is refused ends the transaction."""
        held = b""
        async for piece in text:
            if held and len(held) + len(piece) > CHUNK_OCTETS:
                await self._wire.write(b"BDAT %d\r\n" % len(held) + held, "chunk")
                reply = await self._wire.reply("chunk")
                if not reply.positive:
                    return Answered("chunk", reply)
                held = b""
            held += piece
        await self._wire.write(b"BDAT %d LAST\r\n" % len(held) + held, "chunk")
        return Answered("final", await self._wire.reply("final"))

    async def _ask_all(self, commands: Sequence[bytes], stages: Sequence[str]) -> list[PeerReply]:
        """All commands at once where the host allows it, else one by one, and none after a MAIL that failed."""
        if "PIPELINING" in self.features:
            await self._wire.write(b"".join(commands), stages[0])
            return [await self._wire.reply(stage) for stage in stages]
        replies: list[PeerReply] = []
        for command, stage in zip(commands, stages, strict=True):
            if stage != "mail" and not any(reply.positive for reply in replies[stage == "data" :]):
                # Nothing that it could belong to was accepted: the last refusal stands for it.
                replies.append(replies[-1])
                continue
            await self._wire.write(command, stage)
            replies.append(await self._wire.reply(stage))
        return replies

    async def quit(self) -> None:
        """Say good-bye, without waiting long for an answer; where a command would be text, only go."""
        if self._orderly:
            with suppress(HostFailed):
                await self._wire.ask("QUIT", "quit")
        self.abort()

    def abort(self) -> None:
        self._wire.abort()


def _over(talk: sasl.Talk) -> bool:
    """Whether it has nothing more to hear."""
    try:
        talk.send(b"")
    except StopIteration:
        return True
    return False


def _require(reply: PeerReply, stage: str) -> None:
    if not reply.positive:
        raise HostFailed(stage, reply.text, reply)
