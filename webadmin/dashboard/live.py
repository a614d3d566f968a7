"""The overview as it changes: server-sent events (HTML §9.2), each of which says only that there is something new.

A stream holds one of the few threads of a process (gthread), so few are given at once, and each ends soon: the
browser comes again by itself. Who gets none (204, which ends it) asks again every 15 seconds.
"""

import hashlib
import time
from collections.abc import Iterator
from threading import BoundedSemaphore

from django.core.serializers.json import DjangoJSONEncoder
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from webadmin.audit.record import Actor
from webadmin.dashboard import figures
from webadmin.dashboard.alerts import alerts
from webadmin.dashboard.forms import actor

#: Streams of one process, and the seconds of one.
STREAMS = 3
LASTS = 25.0
#: Seconds between two looks, and after which a browser comes again.
LOOK = 2.5
AGAIN = 1.0

_streams = BoundedSemaphore(STREAMS)


class _Stream:
    """Gives its place back when it is closed, whether anything was read of it or not."""

    def __init__(self, who: Actor) -> None:
        self._events = _events(who)
        self._open = True

    def __iter__(self) -> Iterator[bytes]:
        return self._events

    def close(self) -> None:
        if self._open:
            self._open = False
            _streams.release()

    def __del__(self) -> None:
        self.close()


@require_safe
def live(request: HttpRequest) -> HttpResponseBase:
    if not _streams.acquire(blocking=False):
        return HttpResponse(status=204)
    answer = StreamingHttpResponse(_Stream(actor(request)), content_type="text/event-stream")
    answer["Cache-Control"] = "no-store"
    # Balancers that gather octets would keep them.
    answer["X-Accel-Buffering"] = "no"
    return answer


def _events(who: Actor) -> Iterator[bytes]:
    yield f"retry: {AGAIN * 1000:.0f}\n\n".encode()
    ends, shown = time.monotonic() + LASTS, _print(who)
    while time.monotonic() < ends:
        time.sleep(LOOK)
        now = _print(who)
        # A comment finds out whether anybody still reads.
        yield b"data: new\n\n" if now != shown else b":\n\n"
        shown = now


def _print(who: Actor) -> str:
    """Of what the overview shows, but what grows all the time."""
    try:
        shown = {name: figure for name, figure in figures.all_figures(who).items() if name != "database"}
        told = [shown, [one.words for one in alerts(who)]]
    finally:
        # Back to the pool: nothing is held while nothing is asked.
        close_old_connections()
    return hashlib.sha256(DjangoJSONEncoder(default=str).encode(told).encode()).hexdigest()
