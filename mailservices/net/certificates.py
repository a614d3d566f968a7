"""What this appliance's listeners present: the certificate of the name that a client asks for (RFC 6066 §3).

First the certificates that administrators have brought, kept in the database; a client that names no host, or one
that none of them covers, gets the appliance's own, and without one for its name that of the files. Both are looked
at every few seconds: what is new is presented to whoever connects from then on, and nobody is cut off.
"""

import asyncio
import secrets
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography.hazmat.primitives import serialization

from mailservices import log
from mailservices.config import Config
from mailservices.mail.certificate import Certificate, asked_for
from mailservices.mail.errors import Unavailable
from mailservices.net import tls

#: Seconds between two looks.
LOOK_SECONDS: Final = 5.0

_log = log.get()


#: Given the fingerprints that are known: all that there are, and those that were not known.
Load = Callable[[Collection[str]], Awaitable[tuple[Collection[str], Sequence[Certificate]]]]


class Certificates:
    """Those of one process. Made inside the event loop."""

    def __init__(self, config: Config, load: Load) -> None:
        self._hostname = config.hostname
        self._files = tls.files(config)
        self._authority = config.tls_client_ca
        self._load = load
        #: By fingerprint; a context is made when somebody first asks for it, None where none can be.
        self._kept: dict[str, Certificate] = {}
        self._contexts: dict[str, ssl.SSLContext | None] = {}
        self._by_name: dict[str, Certificate] = {}
        self._seen = self._state()
        self._own = self._of_files()
        self._looking: asyncio.Task[None] | None = None

    def listening(self, *, asks: bool = False) -> ssl.SSLContext:
        """For a listener.

        Args:
            asks: clients are asked for a certificate, where somebody is configured to certify them. Not on port
                25: other hosts present whatever they have, and a stranger's certificate ends the handshake.
        """
        context = tls.listening(asks=asks and self._authority is not None)
        context.sni_callback = self._present
        return context

    async def start(self) -> None:
        """Read what there is, unless that takes too long, and look again from time to time."""
        self._looking = asyncio.create_task(self._look_always())
        with suppress(TimeoutError):
            await asyncio.wait_for(self._look(), LOOK_SECONDS)

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])

    def of(self, host: str | None) -> ssl.SSLContext:
        """What is presented to a client that asks for this host."""
        for asked in (host, self._hostname):
            for name in asked_for(asked) if asked else ():
                if (kept := self._by_name.get(name)) and (context := self._opened(kept)):
                    return context
        return self._own

    def _present(self, client: ssl.SSLSocket | ssl.SSLObject, host: str | None, _context: ssl.SSLContext) -> None:
        client.context = self.of(host)

    def _opened(self, kept: Certificate) -> ssl.SSLContext | None:
        """None where the library does not take it, such as for a weak one further up in its chain."""
        if kept.fingerprint not in self._contexts:
            try:
                self._contexts[kept.fingerprint] = self._trusting(_context(kept))
            except (OSError, ssl.SSLError, ValueError) as error:
                _log.error("certificate cannot be presented", names=kept.names, cause=str(error))
                self._contexts[kept.fingerprint] = None
        return self._contexts[kept.fingerprint]

    def _of_files(self) -> ssl.SSLContext:
        return self._trusting(tls.server_context(*self._files))

    def _trusting(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """Clients' certificates are checked by the context that presents ours."""
        if self._authority is not None:
            context.load_verify_locations(self._authority)
        return context

    async def _look_always(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()

    async def _look(self) -> None:
        self._look_at_files()
        try:
            there, new = await self._load(self._kept.keys())
        except Unavailable:
            return  # the log tells of the database elsewhere
        if new or len(there) < len(self._kept):
            self._kept = {name: kept for name, kept in self._kept.items() if name in there}
            self._kept |= {kept.fingerprint: kept for kept in new}
            self._contexts = {name: one for name, one in self._contexts.items() if name in self._kept}
            self._by_name = by_name(self._kept)
            _log.info("certificates changed", certificates=len(self._kept))

    def _look_at_files(self) -> None:
        """Of a chain and a key that do not fit, one has not been written yet: what was read before goes on."""
        if (state := self._state()) == self._seen:
            return
        self._seen = state
        try:
            self._own = self._of_files()
        except (OSError, ssl.SSLError, ValueError) as error:
            _log.warning("TLS certificate cannot be used, the one before it is presented", cause=str(error))
        else:
            _log.info("TLS certificate changed")

    def _state(self) -> list[tuple[int, int, int] | None]:
        return [_state(path) for path in (*self._files, self._authority) if path is not None]


def by_name(kept: Mapping[str, Certificate]) -> dict[str, Certificate]:
    """Of several that cover a name, the one that lasts longest."""
    ordered = sorted(kept.values(), key=lambda one: (one.until, one.fingerprint))
    return {name: one for one in ordered for name in one.names}


def _state(path: Path) -> tuple[int, int, int] | None:
    """What tells one version of a file from another."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _context(kept: Certificate) -> ssl.SSLContext:
    """The library reads files only: the key passes through one that a password opens, which nobody else has."""
    password = secrets.token_hex(16)
    private = serialization.load_pem_private_key(kept.key, None)
    locked = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password.encode()),
    )
    with TemporaryDirectory(prefix="facteur-tls-") as folder:
        chain, key = Path(folder, "chain.pem"), Path(folder, "key.pem")
        chain.write_text(kept.chain)
        key.write_bytes(locked)
        return tls.server_context(chain, key, password)
