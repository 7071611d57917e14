"""Connections that cannot be used to keep the server busy: uvicorn's, with bounds on size, time and number.

uvicorn with httptools bounds neither how long a request's head is nor how slowly it comes, and says on the
log what anyone sent wrongly. A server may stand in a training's process, whose log and files are not a
stranger's to fill.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

from livecb.server.bounds import (
    BODY_SECONDS,
    FRAMES,
    HEAD_BYTES,
    HEAD_SECONDS,
    PONG_BYTES,
    RATE,
)
from livecb.server.replies import PROBLEM_JSON, Problem

if TYPE_CHECKING:
    _Base = Any
else:
    _Base = object

__all__ = ["Bounded", "http_protocol", "websocket_protocol"]

_HEAD, _BODY, _DONE = "head", "body", "done"
_OVER = 64

_log = logging.getLogger("livecb.server.connection")
_log.setLevel(logging.ERROR)
# A reader that goes before it is answered, of which uvicorn makes an error of the app's.
_log.addFilter(lambda record: "without completing" not in str(record.msg))


class Bounded(_Base):  # type: ignore[misc]
    """One HTTP connection: what uvicorn's protocol is, and for how long and how much it waits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _log
        self.access_log = False  # an address may hold a token; and what the process logs is not ours to set
        self._stage = _HEAD
        self._since = time.monotonic()
        self._size = 0
        self._heard = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin; beyond the most connections there may be, end at once."""
        super().connection_made(transport)
        self._since = time.monotonic()
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency + _OVER:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._heard = True
        before = self._now_at()
        super().data_received(data)
        stage = self._now_at()
        if stage != before:
            self._since, self._size = time.monotonic(), 0
        elif stage != _DONE:
            self._size += len(data)
            if stage == _HEAD and self._size > HEAD_BYTES:
                self._refuse(
                    431, "Too many headers", f"a request's head has at most {HEAD_BYTES} bytes: send less"
                )

    def late(self, now: float) -> bool:
        """Whether a request comes too slowly: it is answered so, and the connection ends."""
        if self.transport is None or self.transport.is_closing():
            return False
        stage, waited = self._now_at(), now - self._since
        if stage == _HEAD and waited > HEAD_SECONDS:
            if self._heard:
                self._refuse(408, "Too slow", f"a request's head comes within {HEAD_SECONDS:g} s: ask again")
            else:  # a browser that connected in advance
                self.transport.close()
            return True
        if stage == _BODY and waited > BODY_SECONDS:
            if self._size < BODY_SECONDS * RATE and not self.flow.read_paused:
                self.transport.abort()
                return True
            self._since, self._size = now, 0
        return False

    def _now_at(self) -> str:
        return self._stage

    def _refuse(self, status: int, title: str, detail: str) -> None:
        if self.transport.is_closing():
            return
        body = Problem(status, title, detail).to_json()
        head = (
            f"HTTP/1.1 {status} {title}\r\ncontent-type: {PROBLEM_JSON}\r\ncontent-length: {len(body)}\r\n"
            "x-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class _OfHttptools(Bounded):
    """What httptools's parser tells, which calls these by their names."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._stage, self._since, self._size = _HEAD, time.monotonic(), 0

    def on_headers_complete(self) -> None:
        self._stage = _BODY
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._stage == _HEAD:  # what comes behind a body would be added to the headers, without end
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self._trailing = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._stage = _DONE
        super().on_message_complete()

    _trailing = 0

    def data_received(self, data: bytes) -> None:
        self._trailing += len(data)
        super().data_received(data)
        if self._now_at() != _BODY:
            self._trailing = 0
        elif self._trailing > 2 * HEAD_BYTES + len(data):
            self.transport.abort()  # headers behind a body, or a chunk's head, that do not end


class _OfH11(Bounded):
    """What h11 knows of itself; it bounds heads by itself, too."""

    def _now_at(self) -> str:
        import h11

        state = self.conn.their_state
        return _HEAD if state is h11.IDLE and not self._idle() else _BODY if state is h11.SEND_BODY else _DONE

    def _idle(self) -> bool:
        # Between two requests uvicorn's own timeout counts.
        return self.cycle is not None and not self.conn.trailing_data[0]


def http_protocol() -> type[asyncio.Protocol]:
    """Return the protocol for HTTP: on httptools where it is installed, else on h11."""
    with contextlib.suppress(ImportError):
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

        return type("HttpConnection", (_OfHttptools, HttpToolsProtocol), {})
    from uvicorn.protocols.http.h11_impl import H11Protocol

    return type("HttpConnection", (_OfH11, H11Protocol), {})


class _WebSocket(_Base):  # type: ignore[misc]
    """One WebSocket connection: what a reader sends is bounded, in frames as in bytes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = self.conn.logger = _log

    def handle_cont(self, event: Any) -> None:
        if len(self.frames) >= FRAMES:
            self.conn.fail(1009, f"a message has at most {FRAMES} frames")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def handle_ping(self) -> None:
        if self.transport.get_write_buffer_size() > PONG_BYTES:
            self.transport.abort()
            return
        super().handle_ping()

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:  # uvicorn would log each with its traceback
                self.conn.fail(1007)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    async def send(self, message: Any) -> None:
        if self.close_sent and self.handshake_complete:
            raise ConnectionError("closed: the reader sent what is no WebSocket frame")
        await super().send(message)


def websocket_protocol() -> type[asyncio.Protocol] | str:
    """Return the protocol for WebSockets; by the name of uvicorn's own where that is an old one."""
    try:
        from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
    except ImportError:
        return "websockets"
    return type("WebSocketConnection", (_WebSocket, WebSocketsSansIOProtocol), {})
