"""The list of runs over the wire: as JSON, or as a stream of the rows that changed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from livecb.errors import LivecbError
from livecb.server.access import CLOSED, access_of
from livecb.server.answers import RunPage
from livecb.server.board import Board
from livecb.server.frames import SSE
from livecb.server.hub import Hub
from livecb.server.openapi import Operation
from livecb.server.replies import json_response, problem_of, refuse
from livecb.server.selection import RunQuery, Selection
from livecb.server.stream import RETRY, SSE_HEADERS, SSE_TYPE, abort_of, wants_stream

__all__ = ["Runs"]


class Runs:
    """The endpoint of the list."""

    operation = Operation(RunQuery, answer=RunPage, media=("application/json", SSE_TYPE), errors=(404,))

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.board = Board(hub)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The runs of the store, as JSON or as a stream of the rows that changed."""
        try:
            selection = Selection.parse(Request(scope))
            await self.board.refresh()
            access = access_of(scope)
            rows = [row for row in self.board.since(0)[0] if access.sees(row["run"])]
            page, total, following = selection.page(rows)
        except LivecbError as error:
            await refuse(scope, receive, send, problem_of(error))
            return
        if wants_stream(scope) and not self.hub.closing:
            await send({"type": "http.response.start", "status": 200, "headers": SSE_HEADERS})
            with self.hub.traffic.stream("runs", scope):
                await _Watcher(self.board, send, self.hub, selection, scope).run(receive)
            return
        answer = {"runs": page, "now": time.time(), "total": total, "next": following}
        await json_response(answer)(scope, receive, send)


class _Watcher:
    """Someone who watches the list."""

    def __init__(self, board: Board, send: Send, hub: Hub, selection: Selection, scope: Scope) -> None:
        self._board = board
        self._scope = scope
        self._access = access_of(scope)
        self._selection = selection
        self._shown: set[str] = set()
        self._hub = hub
        self._send = send
        self._abort = abort_of(send)
        self._left = asyncio.Event()
        self._reason = ""
        self._framing = SSE()

    def leave(self, reason: str = "") -> None:
        """End soon; with a goodbye if there is a reason."""
        self._reason = reason
        self._left.set()

    async def run(self, receive: Receive) -> None:
        """Send all rows, then those that change, until it goes."""
        leaving = asyncio.get_running_loop().create_task(self._until_gone(receive))
        self._hub.enter(self)
        try:
            await self._write(RETRY)
            await self._push()
            if self._reason:
                await self._write(self._framing.message("bye", {"reason": self._reason}))
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        except asyncio.TimeoutError:
            self._hub.traffic.slow["runs"] += 1
            self._abort()  # it does not read; it will come again
        finally:
            leaving.cancel()
            self._hub.leave(self)

    async def _push(self) -> None:
        seen, first = 0, True
        pace = self._hub.pace
        beat = time.monotonic() + pace.heartbeat
        while not self._left.is_set():
            rows, gone = self._sift(*self._board.since(seen))
            seen = self._board.change
            if rows or first:
                await self._write(self._framing.message("runs", {"runs": rows, "now": time.time()}))
            for run in () if first else gone:
                await self._write(self._framing.message("gone", {"run": run}))
            if time.monotonic() > beat:
                beat = time.monotonic() + pace.heartbeat
                await self._write(self._framing.message("heartbeat", {"time": time.time()}))
            first = False
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._left.wait(), pace.rows)
            try:
                await self._board.refresh()
            except LivecbError:
                continue  # the store cannot be listed now: what was said stays true

    def _sift(self, changed: list[dict[str, Any]], gone: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the rows that are meant, and what was shown and is meant no more."""
        rows = [row for row in changed if self._access.sees(row["run"]) and self._selection.has(row)]
        meant = {row["run"] for row in rows}
        gone = [run for run in gone if self._access.whole or run in self._shown]
        gone = [*gone, *(run for row in changed if (run := row["run"]) not in meant and run in self._shown)]
        self._shown = self._shown - set(gone) | meant
        return rows, gone

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.leave(self._scope.get(CLOSED, ""))

    async def _write(self, data: bytes) -> None:
        message = {"type": "http.response.body", "body": data, "more_body": True}
        await asyncio.wait_for(self._send(message), self._hub.pace.stuck)
        self._hub.traffic.sent("runs", len(data))
