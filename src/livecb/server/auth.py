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
_HOUR = 3600.0
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
        self._appended = Buckets()

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
        if scope["type"] == "websocket" or wants_stream(scope):
            with self._limits.stream(access, address_of(scope)):
                await self.app(scope, self._while_open(access, scope, receive), send)
        elif scope["method"] not in _SAFE:
            await self._change(access, scope, receive, send)
        elif access.id:
            await self._answer_while_open(access, scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _change(self, access: Access, scope: Scope, receive: Receive, send: Send) -> None:
        noted = False

        async def noting(message: Message) -> None:
            nonlocal noted
            if message["type"] == "http.response.start":  # before whoever asked knows of it
                noted = True
                self._note(access, scope, message["status"])
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            if not noted:  # cut off on the way: it may have been done
                self._note(access, scope, 500)

    def _note(self, access: Access, scope: Scope, status: int) -> None:
        who = access.name or ("owner" if access.owner else "anyone")
        run = scope.get("path_params", {}).get("run")
        what = f"{scope['method']} {scope['path']}"[:500]
        appends = what.endswith("/events") and status < 400  # of which a training sends many a second
        if appends and self._appended.wait(f"{access.id} {run}", 1 / _HOUR, 1, time.monotonic()):
            return
        self.audit.write(now(who, address_of(scope), what, run=run, status=status, said=told(scope)))

    def _while_open(self, access: Access, scope: Scope, receive: Receive) -> Receive:
        """Return a `receive` that ends a stream when its token opens nothing any more."""
        if not access.id:
            return receive

        async def receive_or_end() -> Message:
            waiting = asyncio.ensure_future(receive())
            try:
                while not (await asyncio.wait({waiting}, timeout=_LOOK_SECONDS))[0]:
                    if (why := self.tokens.why_closed(access)) is not None:
                        scope[CLOSED] = why
                        return {"type": f"{scope['type']}.disconnect", "code": 1008}
                return waiting.result()
            finally:
                waiting.cancel()

        return receive_or_end

    async def _answer_while_open(self, access: Access, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; a long answer, or one that is waited for, is cut off when its token opens nothing more."""
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        answering = asyncio.ensure_future(self.app(scope, receive, noting))
        try:
            while not (await asyncio.wait({answering}, timeout=_LOOK_SECONDS))[0]:
                if (why := self.tokens.why_closed(access)) is not None:
                    answering.cancel()
                    await asyncio.wait({answering})
                    if not begun:
                        raise Problem(401, "A token that is none any more", f"{why}: ask for another")
                    return
            answering.result()
        finally:
            answering.cancel()
