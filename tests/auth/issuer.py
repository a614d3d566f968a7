"""An issuer of tokens, played: keys at /keys, introspection at /ask, tokens signed on demand."""

import json
import threading
import time
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

AUDIENCE, CLIENT, SECRET = "mail", "facteur", "the secret"


class PlayedIssuer:
    """Serves until it is stopped."""

    def __init__(self) -> None:
        self.keys = [ECKey.generate_key("P-256", {"kid": "one"})]
        #: Opaque token -> what is told of it.
        self.known: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        #: Where this is set, it is the answer to everything.
        self.broken: bytes | None = None
        self.status = 200
        played = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(KeySet(played.keys).as_dict(private=False))

            def do_POST(self) -> None:
                asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                good = b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
                assert self.headers["Authorization"] == f"Basic {good}"
                self._answer(played.known.get(asked["token"][0], {"active": False}))

            def _answer(self, told: Any) -> None:
                played.asked.append(self.path)
                body = json.dumps(told).encode() if played.broken is None else played.broken
                self.send_response(played.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def token(self, address: str, key: int = 0, algorithm: str = "ES256", **claims: Any) -> str:
        """A JWT for this address, good unless the claims say otherwise; a claim of None is left out."""
        told = {"iss": self.url, "aud": AUDIENCE, "exp": int(time.time()) + 300, "email": address, **claims}
        told = {name: value for name, value in told.items() if value is not None}
        signing = self.keys[key]
        return jwt.encode({"alg": algorithm, "kid": signing.kid}, told, signing)
