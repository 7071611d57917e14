"""The streams: what a viewer asks for, over SSE or WebSocket, as plain ASGI.

Nothing stands between a tick's bytes and the connection: no middleware that queues, no task group. A viewer
writes with the server's own flow control, so one that does not read waits by itself; after a while it is
cut off.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from livecb.errors import LivecbError
from livecb.events import EVENTS
from livecb.leaderboard import MOST as ROWS
from livecb.server.access import CLOSED, access_of
from livecb.server.answers import EventPage
from livecb.server.flat import Flats
from livecb.server.frames import CHANNELS, SSE, Framing, WebSocketFraming, types_of
from livecb.server.hub import Hub
from livecb.server.openapi import Operation
from livecb.server.query import COMMAS, Cursor, Query, Rows, query_of
from livecb.server.replies import Problem, problem_of, refuse
from livecb.server.viewer import Viewer
from livecb.store import StoredRun

__all__ = [
    "RETRY",
    "SSE_HEADERS",
    "SSE_TYPE",
    "EventQuery",
    "Stream",
    "Types",
    "abort_of",
    "asked_cursor",
    "wants_stream",
]

SSE_TYPE = "text/event-stream"
_JSON = "application/json"
RETRY = b"retry: 1000\n\n"
MOST = 1 << 20

SSE_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]

_KINDS = (*CHANNELS, *EVENTS)
Types = Annotated[
    list[Literal[_KINDS]],  # type: ignore[valid-type]
    Meta(description="types of events, or channels of them; all when left out", extra_json_schema=COMMAS),
]


class StreamQuery(Query):
    """What a stream carries."""

    cursor: Cursor = "0"
    types: Types = []
    state: Annotated[bool, Meta(description="streams: State messages, too")] = False
    rows: Rows = ROWS


class SeveralQuery(StreamQuery, kw_only=True):
    """What a stream of several runs carries."""

    runs: Annotated[list[str], Meta(min_length=1, description="the runs' ids", extra_json_schema=COMMAS)]
    cursor: Annotated[str, Meta(description="where to go on; `0` from the beginning, `end` from now")] = "0"


class EventQuery(StreamQuery):
    """Which events of one run."""

    limit: Annotated[int, Meta(ge=1, le=10_000, description="JSON: at most so many events")] = 1000
    wait: Annotated[float, Meta(ge=0, le=30, description="JSON: seconds to wait for the first")] = 0.0
    cursors: Annotated[bool, Meta(description="JSON: also the cursor after each event")] = False
    view: Annotated[
        Literal["events", "state"],
        Meta(description="WebSocket: `state` sends the run's whole state as one flat message instead"),
    ] = "events"
    interval: Annotated[
        float, Meta(ge=0.1, le=60, description="WebSocket with `view=state`: seconds between messages")
    ] = 1.0


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

    def __init__(self, hub: Hub, several: bool = False, otherwise: Events | None = None) -> None:
        self.hub = hub
        self.several = several
        self.otherwise = otherwise
        self.operation = (
            Operation(SeveralQuery, media=(SSE_TYPE,), tag="events", errors=(404,))
            if several
            else Operation(EventQuery, answer=EventPage, media=(_JSON, SSE_TYPE), tag="events")
        )

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
            await self._watch(viewer, lost, scope, receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def write(data: bytes) -> None:
            await send({"type": "websocket.send", "text": data.decode()})

        await receive()  # the connect
        try:
            if not self.several:
                asked = query_of(HTTPConnection(scope), EventQuery)
                if asked.view == "state":
                    await Flats(self.hub).serve(scope, receive, send, asked.interval)
                    return
            viewer, lost = self._viewer(HTTPConnection(scope), WebSocketFraming, write, send)
        except LivecbError as error:
            await refuse(scope, receive, send, problem_of(error))
            return
        await send({"type": "websocket.accept"})
        try:
            with self.hub.traffic.stream("websocket", scope):
                await write(self._hello(viewer))
                await self._watch(viewer, lost, scope, receive)
            code = 1008 if CLOSED in scope else 1001 if self.hub.closing else 1000
            await send({"type": "websocket.close", "code": code})
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
        asked = query_of(connection, SeveralQuery if self.several else EventQuery)
        feed = self.hub.feed(
            self._runs(connection, asked), self.several, framing, types_of(asked.types), asked.rows
        )
        place, lost = feed.tail.parse(asked_cursor(connection))
        kind, traffic, abort = framing.name, self.hub.traffic, abort_of(send)

        def cut_off() -> None:
            traffic.slow[kind] += 1
            abort()

        def sent(data: int, events: int) -> None:
            traffic.sent(kind, data, events)

        return Viewer(feed, place, write, wants_state=asked.state, abort=cut_off, sent=sent), lost

    def _runs(self, connection: HTTPConnection, asked: StreamQuery) -> Sequence[StoredRun]:
        if isinstance(asked, SeveralQuery):
            for run in asked.runs:
                access_of(connection.scope).check_run(run)
            return self.hub.runs(asked.runs)
        return self.hub.runs([connection.path_params["run"]])

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

    async def _watch(self, viewer: Viewer, lost: list[str], scope: Scope, receive: Receive) -> None:
        """Let the viewer run until it goes."""

        async def until_gone() -> None:
            while (await receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
                pass
            viewer.leave(scope.get(CLOSED, ""))

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
