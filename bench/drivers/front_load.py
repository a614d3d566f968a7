"""The SMTP front alone, on one core: every message is read and answered, and goes nowhere.

--engine=ours is our conversation, verbs and text; recipients lead nowhere and what is accepted is dropped.
--engine=aiosmtpd is aiosmtpd as it comes, under Python's own event loop, with a handler that drops messages.
The server has one core for itself, the clients the other. The last line is JSON: {"msgs_per_core_s": …}; seconds of
the server's own, so that neighbours on the machine do not count.
"""

import argparse
import asyncio
import dataclasses
import json
import os
import socket
import sys
import time
from multiprocessing import Process
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import benchlib as lib  # noqa: E402
import uvloop  # noqa: E402

ENVIRONMENT = {
    "FACTEUR_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "FACTEUR_DATABASE_PASSWORD": "none",
    "FACTEUR_REDIS_URL": "redis://127.0.0.1:1/0",
    "FACTEUR_SECRET_KEY": "a benchmark needs no secret, but one of this length",
    "FACTEUR_HOSTNAME": "mail.bench.test",
}
LINE = b"Seventy characters of text stand on each line of this message's body.\r\n"
SENDER, RECIPIENT = b"MAIL FROM:<a@sender.test>\r\n", b"RCPT TO:<user@bench.test>\r\n"


def ours(listening):
    """Serve by our own front."""
    from mailservices import config
    from mailservices.mail.policy import NO_CHECKS
    from mailservices.smtp import deliver, verbs
    from mailservices.smtp.conversation import converse
    from mailservices.smtp.session import RECEPTION, Context, Session
    from mailservices.smtp.stages.arrival import Desk
    from mailservices.smtp.wire import Wire
    from mailservices.store.directory import Mailbox, Route
    from mailservices.store.policy import Policies, Rules

    class NoRules(Policies):
        def __init__(self):
            self.last = Rules(NO_CHECKS)

        async def current(self):
            return self.last

    class NoGateway:
        suspected = ""

    async def resolve(*_):
        return Route((Mailbox(1, 1, "user@bench.test", None, None),), ())

    async def drop(*_):
        pass

    verbs.directory.resolve = resolve
    deliver.deliver = drop
    settings = config.read(ENVIRONMENT)
    desk = Desk(None, None, NoRules(), None, None, NoGateway(), None)
    nobody = dict.fromkeys(field.name for field in dataclasses.fields(Context))
    context = Context(**nobody | {"config": settings, "desk": desk})

    async def serve():
        loop = asyncio.get_running_loop()

        async def talk(wire):
            await converse(Session(context, RECEPTION, wire))

        server = await loop.create_server(lambda: Wire(talk, loop, settings.hostname, None), sock=listening)
        await server.serve_forever()

    uvloop.run(serve())


def aiosmtpd(listening):
    """Serve by aiosmtpd as it comes."""
    from aiosmtpd.smtp import SMTP

    class Dropping:
        async def handle_DATA(self, _server, _session, _envelope):
            return "250 OK"

    async def serve():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(Dropping(), hostname="mail.bench.test", loop=loop), sock=listening
        )
        await server.serve_forever()

    asyncio.run(serve())


class Client(asyncio.Protocol):
    """One session that sends so many messages; it pipelines commands where that is offered (RFC 2920)."""

    def __init__(self, message, count):
        self.message, self.left = message, count
        self.steps = []
        self.next = 0
        self.expected = b"220"
        self.heard = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.heard += data
        last = self.heard.removesuffix(b"\r\n").rpartition(b"\r\n")[2]
        if not self.heard.endswith(b"\r\n") or last[3:4] == b"-":
            return
        heard, self.heard = self.heard, b""
        if heard[:1] in b"45":
            self.done.set_exception(AssertionError(heard))
        elif not last.startswith(self.expected):
            self.heard = heard  # one of several replies
        elif self.expected == b"220":
            self.say(b"EHLO client.bench.test\r\n", b"250")
        elif not self.steps:
            asked = [(SENDER, b"250"), (RECIPIENT, b"250"), (b"DATA\r\n", b"354")]
            if b"PIPELINING" in heard:
                asked = [(b"".join(words for words, _ in asked), b"354")]
            self.steps = [*asked, (self.message, b"250")]
            self.step()
        elif self.next == 0 and not self.left:
            self.transport.close()
            self.done.set_result(None)
        else:
            self.step()

    def step(self):
        self.say(*self.steps[self.next])
        self.next = (self.next + 1) % len(self.steps)
        self.left -= not self.next

    def say(self, words, expected):
        self.expected = expected
        self.transport.write(words)


async def load(port, message, sessions, messages):
    loop = asyncio.get_running_loop()

    def stay_awake():
        """A core that sleeps is woken by the server, at its cost."""
        loop.call_soon(stay_awake)

    stay_awake()
    clients = []
    for _ in range(sessions):
        _, made = await loop.create_connection(lambda: Client(message, messages // sessions), "127.0.0.1", port)
        clients.append(made.done)
    await asyncio.gather(*clients)


def pinned(core, serve, listening):
    os.sched_setaffinity(0, {core})
    serve(listening)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", choices=("ours", "aiosmtpd"), required=True)
    parser.add_argument("--size", type=int, default=3072)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--sessions", type=int, default=10)
    args = parser.parse_args()
    header = b"From: a@sender.test\r\nTo: user@bench.test\r\nSubject: Figures\r\n\r\n"
    lines = (args.size - len(header)) // len(LINE)
    message = header + LINE * lines + b".\r\n"
    cores = sorted(os.sched_getaffinity(0))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serve = {"ours": ours, "aiosmtpd": aiosmtpd}[args.engine]
        server = Process(target=pinned, args=(cores[0], serve, listening), daemon=True)
        server.start()
        os.sched_setaffinity(0, {cores[-1]})
        port = listening.getsockname()[1]
        uvloop.run(load(port, message, args.sessions, args.sessions * 2))  # everything is imported by then
        used, started = sum(lib.tree_cpu([server.pid])), time.perf_counter()
        uvloop.run(load(port, message, args.sessions, args.messages))
        took, used = time.perf_counter() - started, sum(lib.tree_cpu([server.pid])) - used
        server.kill()
        server.join()
    sent = args.messages // args.sessions * args.sessions
    found = {
        "msgs_per_s": sent / took,
        "msgs_per_core_s": sent / used,
        "mb_per_core_s": sent * len(message) / used / 1e6,
    }
    print(json.dumps({name: round(value, 1) for name, value in found.items()}))


if __name__ == "__main__":
    main()
