"""Who may ask: the token, checked before anything else that answers sees a request.

It guards against another user of the machine, or of the network. A page keeps it in a cookie, which goes
along from this site only (`SameSite=Lax`). What was opened stays open only as long as its token does.
"""

from __future__ import annotations

import asyncio
import time

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livecb.server.access import ACCESS, CLOSED, Access
from livecb.server.audit import Audit, now, told
from livecb.server.keys import Keys
from livecb.server.limits import Buckets, Limits, address_of
from livecb.server.replies import Problem, refuse
from livecb.server.stream import wants_stream
from livecb.store import Store

__all__ = ["Guard"]

_LOOK_SECONDS = 1.0
_GOODBYE_SECONDS = 1.0
_HOUR = 3600.0
_REFUSED = 100
_SAFE = ("GET", "HEAD", "OPTIONS")


class Guard:
    """ASGI middleware that lets in who may ask, and notes what they change.

    Args:
        app: What stands behind it.
        store: Whose tokens these are.
        token: The owner's; None lets everybody in.

    Attributes:
        tokens: The store's named tokens.
        audit: What was changed.
    """

    def __init__(self, app: ASGIApp, store: Store, token: str | None) -> None:
        self.app = app
        self._limits = Limits()
        self._keys = Keys(store, token, self._limits)
        self.tokens = self._keys.tokens
        self.audit = Audit(store)
        self._seldom = Buckets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        opened = self._keys.opened(scope, headers)
        if isinstance(opened, Response):
            await opened(scope, receive, send)
            return
        try:
            if isinstance(opened, Problem):
                raise opened
            scope[ACCESS] = opened
            self._limits.check(opened, address_of(scope))
            await self._let_in(opened, scope, receive, send)
        except Problem as problem:
            if scope["type"] == "websocket":
                await receive()
            await refuse(scope, receive, send, problem)

    async def _let_in(self, access: Access, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _SAFE:
            await self._change(access, scope, receive, send)
        elif scope["type"] == "websocket" or wants_stream(scope):
            with self._limits.stream(access, address_of(scope)):
                await self._answer(access, scope, receive, send)
        else:
            await self._answer(access, scope, receive, send)

    async def _change(self, access: Access, scope: Scope, receive: Receive, send: Send) -> None:
        noted = False

        async def noting(message: Message) -> None:
            nonlocal noted
            if message["type"] == "http.response.start":  # before whoever asked knows of it
                noted = True
                self._note(access, scope, message["status"])
            await send(message)

        try:
            await self._answer(access, scope, receive, noting)
        finally:
            if not noted:  # cut off on the way: it may have been done
                self._note(access, scope, 500)

    def _note(self, access: Access, scope: Scope, status: int) -> None:
        who = access.known_as
        run = scope.get("path_params", {}).get("run")
        what = f"{scope['method']} {scope['path']}"[:500]
        # Of which a training sends many a second; a run, a token or a baseline may be called so, too.
        appends = run is not None and scope["path"].endswith(f"/runs/{run}/events") and status < 400
        if appends and self._seldom.wait(f"{access.id} {run}", 1 / _HOUR, 1, time.monotonic()):
            return
        if status >= 400 and self._seldom.wait(access.id, _REFUSED / _HOUR, _REFUSED, time.monotonic()):
            return  # nobody washes the audit out with what he may not do
        self.audit.write(now(who, address_of(scope), what, run=run, status=status, said=told(scope)))

    async def _answer(self, access: Access, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; for a named token, only as long as that opens anything.

        A stream is told and ends by itself; a long answer, or one that is waited for, is cut off.
        """
        if not access.id:
            await self.app(scope, receive, send)
            return
        streams = scope["type"] == "websocket" or wants_stream(scope)
        begun, closed = streams, asyncio.Event()

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        # A stream's `send` stays as it is: it leads to the connection.
        ending = _or_closed(receive, closed, f"{scope['type']}.disconnect")
        answering = asyncio.ensure_future(self.app(scope, ending, send if streams else noting))
        try:
            while not (await asyncio.wait({answering}, timeout=_LOOK_SECONDS))[0]:
                if (why := self.tokens.why_closed(access)) is None:
                    continue
                scope[CLOSED] = why
                closed.set()
                if streams:
                    await asyncio.wait({answering}, timeout=_GOODBYE_SECONDS)
                answering.cancel()
                await asyncio.wait({answering})
                if not begun:
                    raise Problem(401, "A token that is none any more", f"{why}: ask for another")
                return
            answering.result()
        finally:
            answering.cancel()


def _or_closed(receive: Receive, closed: asyncio.Event, disconnect: str) -> Receive:
    """Return a `receive` that says that whoever asked is gone, once that is so to us."""

    async def receive_or_closed() -> Message:
        waiting, ending = asyncio.ensure_future(receive()), asyncio.ensure_future(closed.wait())
        try:
            await asyncio.wait({waiting, ending}, return_when=asyncio.FIRST_COMPLETED)
            return waiting.result() if waiting.done() else {"type": disconnect, "code": 1008}
        finally:
            waiting.cancel()
            ending.cancel()

    return receive_or_closed
