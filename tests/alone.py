"""Runs a program where it is alone: the only host that it can reach is one of the test's, under whatever names.

`python -m tests.alone <relay> <certificate> <hosts> <authorities> <program>...`, by `unshare`: with a network and
mounts of its own, port 443 of 127.0.0.1 speaks TLS with the certificate and passes everything on to the socket
`relay`; /etc/hosts and the machine's authorities are the given files. So are programs tried that can be told
neither resolver nor port.
"""

import fcntl
import socket
import ssl
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import dns.message
import dns.rcode

AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
#: ioctl of Linux: the flags of an interface, and up.
_SIOCSIFFLAGS, _UP = 0x8914, 1
SECONDS = 60


def possible() -> bool:
    """Whether the kernel lets us."""
    tried = subprocess.run(["unshare", "-rmn", "true"], capture_output=True, check=False, timeout=SECONDS)
    return tried.returncode == 0


def command(relay: Path, certificate: Path, hosts: Path, authorities: Path, *program: str) -> list[str]:
    files = [str(one) for one in (relay, certificate, hosts, authorities)]
    return ["unshare", "-rmn", sys.executable, "-m", "tests.alone", *files, *program]


class Relay:
    """In the test: what comes to the socket goes to a port of this machine."""

    def __init__(self, path: Path, port: int) -> None:
        self._port = port
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                taken = self._socket.accept()[0]
            except OSError:
                return
            _join(taken, socket.create_connection(("127.0.0.1", self._port), SECONDS))

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _join(one: socket.socket, other: socket.socket) -> None:
    threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    """Both ways, until both have ended."""
    with one, other:
        back = threading.Thread(target=_pump, args=(other, one), daemon=True)
        back.start()
        _pump(one, other)
        back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while octets := source.recv(65536):
            sink.sendall(octets)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _serve(relay: str, certificate: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = socket.create_server(("127.0.0.1", 443))

    def serve() -> None:
        while True:
            taken = listening.accept()[0]
            try:
                spoken = context.wrap_socket(taken, server_side=True)
            except OSError:
                continue
            inner = socket.socket(socket.AF_UNIX)
            inner.connect(relay)
            _join(spoken, inner)

    threading.Thread(target=serve, daemon=True).start()


def _know_nothing() -> None:
    """A name server that has no name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 53))
        while True:
            octets, peer = listening.recvfrom(4096)
            answer = dns.message.make_response(dns.message.from_wire(octets))
            answer.set_rcode(dns.rcode.NXDOMAIN)
            listening.sendto(answer.to_wire(), peer)


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _UP))


def main() -> int:
    relay, certificate, hosts, authorities, *program = sys.argv[1:]
    _loopback_up()
    folder = Path(hosts).parent
    (folder / "nsswitch.conf").write_text("hosts: files\n")
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    places = {hosts: "/etc/hosts", authorities: AUTHORITIES}
    places |= {str(folder / name): f"/etc/{name}" for name in ("nsswitch.conf", "resolv.conf")}
    for file, place in places.items():
        subprocess.run(["mount", "--bind", file, place], check=True)
    threading.Thread(target=_know_nothing, daemon=True).start()
    _serve(relay, certificate)
    return subprocess.run(program, check=False, timeout=SECONDS).returncode


if __name__ == "__main__":
    sys.exit(main())
