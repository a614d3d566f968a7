"""Strangers from elsewhere, for whom a balancer speaks: what loopback is forgiven, they are not."""

import socket

from tests.services import Services


def stranger(world: Services, early: bytes = b"") -> socket.socket:
    opened = world.connect("world")
    opened.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\n" + early)
    return opened


def test_who_speaks_before_the_greeting_is_sent_away(world: Services) -> None:
    with stranger(world, b"EHLO bot.test\r\nRSET\r\n") as opened, opened.makefile("rb") as lines:
        assert lines.readlines() == [b"554 5.5.1 Wait for the greeting before you speak\r\n"]


def test_who_waits_is_greeted(world: Services) -> None:
    with stranger(world) as opened, opened.makefile("rb") as lines:
        assert lines.readline().startswith(b"220 ")
        opened.sendall(b"QUIT\r\n")
        assert lines.readlines() == [b"221 2.0.0 Bye\r\n"]
