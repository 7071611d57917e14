"""What goes out of a server, counted for Prometheus: streams, what they carry, and what was refused."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Message, Scope, Send

from livecb import __version__
from livecb.server.openapi import described

__all__ = ["KINDS", "Traffic"]

KINDS = ("sse", "websocket", "runs", "json")
"""How events go out: two kinds of streams, the stream of the list, and batches of JSON."""

_SECONDS = (1, 10, 60, 600, 3600, 6 * 3600, 24 * 3600)
_MEDIA = "text/plain; version=0.0.4; charset=utf-8"


class Traffic:
    """Counts since the server began."""

    def __init__(self) -> None:
        self.open: Counter[str] = Counter()
        self.begun: Counter[str] = Counter()
        self.again: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.slow: Counter[str] = Counter()
        self.answers: Counter[int] = Counter()
        self._lasted: dict[str, list[int]] = {kind: [0] * (len(_SECONDS) + 1) for kind in KINDS}
        self._seconds = dict.fromkeys(KINDS, 0.0)

    @contextmanager
    def stream(self, kind: str, scope: Scope) -> Iterator[None]:
        """Count a stream while it is open; one that names what it saw last has come again."""
        connection, begun = HTTPConnection(scope), time.monotonic()
        self.open[kind] += 1
        self.begun[kind] += 1
        self.again[kind] += (
            "last-event-id" in connection.headers or "last_event_id" in connection.query_params
        )
        try:
            yield
        finally:
            lasted = time.monotonic() - begun
            self.open[kind] -= 1
            self._seconds[kind] += lasted
            self._lasted[kind][bisect_left(_SECONDS, lasted)] += 1

    def sent(self, kind: str, data: int, events: int = 0) -> None:
        """Count bytes that went out, and events in them."""
        self.bytes[kind] += data
        self.events[kind] += events

    def watching(self, send: Send) -> Send:
        """Return a `send` that counts answers by their status."""

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answers[message["status"]] += 1
            await send(message)

        return counting

    @described(media="text/plain", tag="server")
    async def metrics(self, request: Request) -> Response:
        """The counts of this server, as Prometheus reads them."""
        return Response(self.text(), headers={"cache-control": "no-store"}, media_type=_MEDIA)

    def text(self) -> str:
        """Return the counts in Prometheus's text format."""
        statuses = {str(status): count for status, count in sorted(self.answers.items())}
        errors = {status: count for status, count in statuses.items() if status >= "4"}
        lines = [
            *_family("info", "gauge", "The version of livecb.", "version", {__version__: 1}),
            *_family("streams_open", "gauge", "Streams that are open.", "kind", _of(self.open)),
            *_family("streams_total", "counter", "Streams that began.", "kind", _of(self.begun)),
            *_family("reconnects_total", "counter", "Streams that came again.", "kind", _of(self.again)),
            *_family("events_sent_total", "counter", "Events that went out.", "kind", _of(self.events)),
            *_family("bytes_sent_total", "counter", "Bytes of streams and batches.", "kind", _of(self.bytes)),
            *_family(
                "slow_viewers_total", "counter", "Viewers cut off: they did not read.", "kind", _of(self.slow)
            ),
            *_family("answers_total", "counter", "Answers by their status.", "status", statuses),
            *_family("errors_total", "counter", "Answers that were errors.", "status", errors),
            "# HELP livecb_stream_seconds How long streams that ended were open.",
            "# TYPE livecb_stream_seconds histogram",
            *(line for kind in KINDS for line in self._histogram(kind)),
        ]
        return "\n".join(lines) + "\n"

    def _histogram(self, kind: str) -> Iterator[str]:
        total = 0
        for bound, count in zip((*map(str, _SECONDS), "+Inf"), self._lasted[kind], strict=True):
            total += count
            yield f'livecb_stream_seconds_bucket{{kind="{kind}",le="{bound}"}} {total}'
        yield f'livecb_stream_seconds_sum{{kind="{kind}"}} {self._seconds[kind]}'
        yield f'livecb_stream_seconds_count{{kind="{kind}"}} {total}'


def _of(counts: Mapping[str, int]) -> dict[str, int]:
    return {kind: counts.get(kind, 0) for kind in KINDS}


def _family(name: str, kind: str, about: str, label: str, values: Mapping[str, int]) -> Iterator[str]:
    yield f"# HELP livecb_{name} {about}"
    yield f"# TYPE livecb_{name} {kind}"
    for word, value in values.items():
        yield f'livecb_{name}{{{label}="{word}"}} {value}'
