"""The streams: what a viewer asks for, over SSE or WebSocket, as plain ASGI.

Nothing stands between a tick's bytes and the connection: no middleware that queues, no task group. A viewer
writes with the server's own flow control, so one that does not read waits by itself; after a while it is
cut off.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from livecb.errors import LivecbError
from livecb.server.frames import SSE, Framing, Sieve, WebSocketFraming
from livecb.server.hub import Hub
from livecb.server.openapi import Operation
from livecb.server.replies import Problem, problem_of, refuse
from livecb.server.viewer import Viewer
from livecb.store import StoredRun

__all__ = ["RETRY", "SSE_HEADERS", "Stream", "abort_of", "asked_cursor", "wants_stream"]

RETRY = b"retry: 1000\n\n"
MOST = 1 << 20

SSE_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]

_QUERY = {
    "cursor": "where to go on; `0` from the beginning, `end` from now; also `last_event_id`",
    "runs": "of several runs: their ids, comma-separated",
    "types": "comma-separated: types of events, or channels of them",
    "state": "`1`: State messages, too",
    "limit": "JSON of one run: at most so many events",
    "wait": "JSON of one run: seconds to wait for the first",
    "cursors": "JSON of one run: `1` for the cursor after each event",
}

Events = Callable[[Scope, Receive, Send], Awaitable[None]]


def wants_stream(scope: Scope) -> bool:
    """Whether a request asks for SSE."""
    return any(name == b"accept" and b"text/event-stream" in value for name, value in scope["headers"])


def asked_cursor(connection: HTTPConnection) -> str:
    """Return the cursor of a request, by any of its names."""
    query = connection.query_params
    # A browser that reconnects repeats the address it began with: what it saw last stands in the header.
    return connection.headers.get("last-event-id") or query.get("cursor") or query.get("last_event_id") or "0"


def abort_of(send: Send) -> Callable[[], None]:
    """Return what ends the connection behind a `send` at once, also where what was written is not taken.

    ASGI has no word for it: closing waits until all is written, which a viewer that does not read prevents.
    uvicorn shows its transport; under another server the request is cancelled.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        return transport.abort  # type: ignore[no-any-return]
    task = asyncio.current_task()
    return task.cancel if task is not None else _nothing  # type: ignore[return-value]


def _nothing() -> None:
    pass


class Stream:
    """An endpoint that streams one run, or several."""

    operation = Operation(_QUERY)

    def __init__(self, hub: Hub, several: bool = False, otherwise: Events | None = None) -> None:
        self.hub = hub
        self.several = several
        self.otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The events after a cursor: as a batch of JSON, or as a stream (SSE, WebSocket)."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif self.otherwise is not None and not wants_stream(scope):
            await self.otherwise(scope, receive, send)
        else:
            await self._sse(scope, receive, send)

    async def _sse(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def write(data: bytes) -> None:
            # At once, unless one line is so long that a viewer who does not read would hold much of it.
            for begin in range(0, len(data), MOST):
                body = data if len(data) <= MOST else data[begin : begin + MOST]
                await send({"type": "http.response.body", "body": body, "more_body": True})

        try:
            viewer, lost = self._viewer(HTTPConnection(scope), SSE, write, send)
        except LivecbError as error:
            await refuse(scope, receive, send, problem_of(error))
            return
        await send({"type": "http.response.start", "status": 200, "headers": SSE_HEADERS})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        with self.hub.traffic.stream("sse", scope):
            await write(RETRY + self._hello(viewer))
            await self._watch(viewer, lost, receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def write(data: bytes) -> None:
            await send({"type": "websocket.send", "text": data.decode()})

        await receive()  # the connect
        try:
            viewer, lost = self._viewer(HTTPConnection(scope), WebSocketFraming, write, send)
        except LivecbError as error:
            await refuse(scope, receive, send, problem_of(error))
            return
        await send({"type": "websocket.accept"})
        try:
            with self.hub.traffic.stream("websocket", scope):
                await write(self._hello(viewer))
                await self._watch(viewer, lost, receive)
            await send({"type": "websocket.close", "code": 1001 if self.hub.closing else 1000})
        except OSError:
            pass  # it went while we wrote

    def _viewer(
        self,
        connection: HTTPConnection,
        framing: type[Framing],
        write: Callable[[bytes], Awaitable[None]],
        send: Send,
    ) -> tuple[Viewer, list[str]]:
        if self.hub.closing:
            raise Problem(503, "The server is stopping", "connect again in a second")
        types = Sieve.parse(connection.query_params.get("types", ""))
        feed = self.hub.feed(self._runs(connection), self.several, framing, types)
        place, lost = feed.tail.parse(asked_cursor(connection))
        wants_state = connection.query_params.get("state", "0") not in ("0", "")
        kind, traffic, abort = framing.name, self.hub.traffic, abort_of(send)

        def cut_off() -> None:
            traffic.slow[kind] += 1
            abort()

        def sent(data: int, events: int) -> None:
            traffic.sent(kind, data, events)

        return Viewer(feed, place, write, wants_state=wants_state, abort=cut_off, sent=sent), lost

    def _runs(self, connection: HTTPConnection) -> Sequence[StoredRun]:
        if not self.several:
            return self.hub.runs([connection.path_params["run"]])
        ids = [run for run in connection.query_params.get("runs", "").split(",") if run]
        if not ids:
            raise Problem(400, "No runs asked for", "name them: /api/stream?runs=A,B")
        return self.hub.runs(ids)

    def _hello(self, viewer: Viewer) -> bytes:
        feed = viewer.feed
        alive = [self.hub.alive(run) for run in feed.tail.runs]
        hello: dict[str, Any] = {
            "cursor": feed.tail.format(viewer.place),
            "run": ",".join(feed.tail.runs),
            "alive": any(alive),
            "server": self.hub.name,
            "time": time.time(),
        }
        return feed.framing.message("connected", hello)

    async def _watch(self, viewer: Viewer, lost: list[str], receive: Receive) -> None:
        """Let the viewer run until it goes."""

        async def until_gone() -> None:
            while (await receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
                pass
            viewer.leave()

        self.hub.enter(viewer)
        leaving = asyncio.get_running_loop().create_task(until_gone())
        try:
            await viewer.run(lost)
        except asyncio.CancelledError:
            if not viewer.gone:
                raise
        finally:
            leaving.cancel()
            self.hub.leave(viewer)
