"""`python -m mailservices smtp|imap|pop3` starts one service; `certificate` makes the first certificate."""

import importlib
import sys

from mailservices import config
from mailservices.net import tls, worker

SERVICES = ("smtp", "imap", "pop3")
USAGE = "usage: python -m mailservices smtp|imap|pop3|certificate"


def make_certificate() -> None:
    """A self-signed certificate where none was supplied."""
    settings = config.load()
    if settings.tls_certificate is None or settings.tls_key is None:
        config.refuse("FACTEUR_TLS_CERTIFICATE and FACTEUR_TLS_KEY name no files.")
    try:
        tls.make_self_signed(settings.hostname, settings.tls_certificate, settings.tls_key)
    except OSError as error:
        config.refuse(f"The certificate cannot be written: {error.filename}: {error.strerror}.")


def serve(name: str) -> None:
    """Run one service. Its module is imported late: counters must know first that several processes share them."""
    settings = config.load()
    worker.take_files()
    tls.files(settings)  # one that cannot be used ends the process here, rather than each of its workers
    with worker.metrics_folder():
        server = importlib.import_module(f"mailservices.{name}.server")
        ports = [settings.ports[port] for port in server.PORTS if port in settings.ports]
        worker.run(name, settings, ports, server.SERVICE)


def main(arguments: list[str]) -> None:
    match arguments:
        case ["certificate"]:
            make_certificate()
        case [name] if name in SERVICES:
            serve(name)
        case _:
            sys.exit(USAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
