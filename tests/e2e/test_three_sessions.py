"""Three sessions in one folder, and a model of it, at random: what each is told is what happened.

One client is of IMAP4rev1, one of CONDSTORE, one of QRESYNC, which also goes away and comes back with what it
knew. Whoever asks (NOOP) knows the folder afterwards: which messages, in which order, with which flags.
"""

import itertools
import re
from collections.abc import Iterator
from typing import IO

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from mailservices.mail import uidset
from tests.conftest import Person
from tests.services import Services

FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "blue")
#: RFC 9051 §7.5.1
NO_EXPUNGES = ("FETCH", "STORE", "SEARCH")
_numbers = itertools.count(1)
_FETCH = re.compile(r"\* (\d+) FETCH \((.*)\)")


def numbers(text: str) -> Iterator[int]:
    for low, high in uidset.parse(text.encode()).resolve(uidset.LARGEST):
        yield from range(low, high + 1)


class Client:
    """What anybody would make of the answers; None stands for a UID, or flags, that it has not been told yet."""

    def __init__(self, services: Services, person: Person, folder: str, extension: str) -> None:
        self.services, self.person, self.folder, self.extension = services, person, folder, extension
        self.uids: list[int | None] = []
        self.flags: dict[int, frozenset[str] | None] = {}
        self.validity, self.modseq, self.tag = 0, 0, 0
        self.connect()

    def connect(self) -> None:
        self.socket = self.services.connect("imap")
        self.lines: IO[bytes] = self.socket.makefile("rb")
        self.lines.readline()
        self.ask(f'LOGIN {self.person.address} "{self.person.password}"')
        if self.extension:
            self.ask(f"ENABLE {self.extension}")
        known = f" (QRESYNC ({self.validity} {self.modseq}))" if self.validity else ""
        self.uids = []
        self.ask(f"SELECT {self.folder}{known}")
        self.learn()

    def close(self) -> None:
        self.lines.close()
        self.socket.close()

    def ask(self, command: str, message: bytes = b"") -> str:
        """The tagged answer, once everything before it has been taken in."""
        self.tag += 1
        literal = b" {%d+}\r\n%s" % (len(message), message) if message else b""
        self.socket.sendall(f"t{self.tag} {command}".encode() + literal + b"\r\n")
        while line := self.lines.readline().decode().rstrip():
            if not line.startswith("* "):
                assert line.startswith(f"t{self.tag} "), line
                self.note(line)
                return line.partition(" ")[2]
            self.hear(line, command)
        raise AssertionError("the server has closed")

    def hear(self, line: str, command: str) -> None:
        self.note(line)
        if match := re.fullmatch(r"\* (\d+) EXISTS", line):
            assert int(match[1]) >= len(self.uids)
            self.uids += [None] * (int(match[1]) - len(self.uids))
        elif match := re.fullmatch(r"\* (\d+) EXPUNGE", line):
            assert self.extension != "QRESYNC"
            assert command.split(maxsplit=1)[0] not in NO_EXPUNGES
            self.forget(self.uids.pop(int(match[1]) - 1))
        elif match := re.fullmatch(r"\* VANISHED (\(EARLIER\) )?(.*)", line):
            assert self.extension == "QRESYNC"
            assert match[1] or command.split(maxsplit=1)[0] not in NO_EXPUNGES
            for uid in numbers(match[2]):
                if match[1]:
                    assert uid not in self.uids
                else:
                    # One that it has not asked for yet is among those at the end.
                    self.uids.remove(uid if uid in self.uids else None)
                self.forget(uid)
        elif match := _FETCH.fullmatch(line):
            self.fetched(int(match[1]), match[2])

    def fetched(self, number: int, items: str) -> None:
        if match := re.search(r"UID (\d+)", items):
            assert self.uids[number - 1] in (None, int(match[1]))
            self.uids[number - 1] = int(match[1])
        uid = self.uids[number - 1]
        flags = re.search(r"FLAGS \((.*?)\)", items)
        if flags and uid is not None:
            self.flags[uid] = frozenset(flags[1].split())

    def note(self, line: str) -> None:
        """The response codes that a client keeps."""
        if match := re.search(r"\[UIDVALIDITY (\d+)\]", line):
            self.validity = int(match[1])
        if (match := re.search(r"\[HIGHESTMODSEQ (\d+)\]", line)) and self.extension == "QRESYNC":
            self.modseq = int(match[1])

    def forget(self, uid: int | None) -> None:
        if uid is not None:
            self.flags.pop(uid, None)

    def learn(self) -> None:
        """Ask for what is new; a client that comes back asks for UIDs alone, and keeps the flags that it knew."""
        if None in self.uids:
            self.ask(f"FETCH {self.uids.index(None) + 1}:* (UID{'' if self.flags else ' FLAGS'})")
            new = [uid for uid in self.uids if uid is not None and uid not in self.flags]
            if new:
                self.ask(f"UID FETCH {uidset.printed(new).decode()} FLAGS")


class Folder(RuleBasedStateMachine):
    """The truth, and those who hear of it."""

    def __init__(self, services: Services, person: Person) -> None:
        super().__init__()
        name = f"F{next(_numbers)}"
        setting_up = Client(services, person, "INBOX", "")
        setting_up.ask(f"CREATE {name}")
        setting_up.close()
        self.messages: dict[int, frozenset[str]] = {}
        self.clients = [Client(services, person, name, extension) for extension in ("", "CONDSTORE", "QRESYNC")]
        self.away: Client | None = None

    def drawn(self, data: st.DataObject) -> Client:
        return data.draw(st.sampled_from([client for client in self.clients if client is not self.away]))

    @rule(data=st.data(), flags=st.sets(st.sampled_from(FLAGS)))
    def one_brings_a_message(self, data: st.DataObject, flags: set[str]) -> None:
        client = self.drawn(data)
        answer = client.ask(f"APPEND {client.folder} ({' '.join(sorted(flags))})", b"Subject: x\r\n\r\n")
        match = re.search(r"APPENDUID \d+ (\d+)", answer)
        assert match, answer
        self.messages[int(match[1])] = frozenset(flags)

    @precondition(lambda self: self.messages)
    @rule(
        data=st.data(), flags=st.sets(st.sampled_from(FLAGS)), how=st.sampled_from(("FLAGS", "+FLAGS", "-FLAGS")),
        silent=st.booleans(),
    )  # fmt: skip
    def one_changes_flags(self, data: st.DataObject, flags: set[str], how: str, silent: bool) -> None:
        """By UID, whatever it knows of them: those that are gone are passed over."""
        client = self.drawn(data)
        chosen = data.draw(st.sets(st.sampled_from(sorted(self.messages)), min_size=1))
        known = [uid for uid in sorted(chosen) if uid in client.uids]
        if not known:
            return
        suffix = ".SILENT" if silent else ""
        client.ask(f"UID STORE {uidset.printed(known).decode()} {how}{suffix} ({' '.join(sorted(flags))})")
        for uid in known:
            old = self.messages[uid]
            self.messages[uid] = {"FLAGS": frozenset(flags), "+FLAGS": old | flags, "-FLAGS": old - flags}[how]
            if silent and client.flags.get(uid) is not None:
                client.flags[uid] = None  # what it becomes is not told: another may have changed it before

    @rule(data=st.data())
    def one_expunges(self, data: st.DataObject) -> None:
        self.drawn(data).ask("EXPUNGE")
        self.messages = {uid: flags for uid, flags in self.messages.items() if "\\Deleted" not in flags}

    @rule(data=st.data())
    def one_looks_at_numbers(self, data: st.DataObject) -> None:
        """FETCH by number: what others have expunged keeps its number until it may be told."""
        client = self.drawn(data)
        count = len(client.uids)
        if count:
            answer = client.ask(f"FETCH 1:{count} (UID)")
            assert answer.startswith(("OK", "NO [EXPUNGEISSUED]"))
            assert len(client.uids) >= count

    @rule(data=st.data())
    def one_asks(self, data: st.DataObject) -> None:
        client = self.drawn(data)
        client.ask("NOOP")
        self.knows_everything(client)

    @precondition(lambda self: self.away is None)
    @rule()
    def one_goes_away(self) -> None:
        self.away = self.clients[2]
        self.away.close()

    @precondition(lambda self: self.away is not None)
    @rule()
    def it_comes_back(self) -> None:
        assert self.away is not None
        client, self.away = self.away, None
        client.connect()
        self.knows_everything(client)

    def knows_everything(self, client: Client) -> None:
        client.learn()
        assert client.uids == sorted(self.messages)
        for uid, flags in client.flags.items():
            assert flags is None or flags == self.messages[uid]

    @invariant()
    def nobody_has_a_message_twice(self) -> None:
        for client in self.clients:
            known = [uid for uid in client.uids if uid is not None]
            assert known == sorted(set(known))

    def teardown(self) -> None:
        for client in self.clients:
            if client is self.away:
                client.connect()
            client.ask("NOOP")
            self.knows_everything(client)
            client.close()


def test_three_sessions_are_told_what_happens(services: Services, alice: Person) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: Folder(services, alice),
        settings=settings(max_examples=30, stateful_step_count=40, phases=(Phase.generate,)),
    )
