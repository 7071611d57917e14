"""The ASGI app over a store: cursor in, frames out; by itself, or mounted in an app of the user's own."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Literal

from starlette.exceptions import HTTPException
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from livecb.server.auth import Guard
from livecb.server.compression import compressing
from livecb.server.door import from_environment
from livecb.server.hub import Hub
from livecb.server.origin import Origins
from livecb.server.pace import Pace
from livecb.server.replies import REFUSED, Problem, refuse
from livecb.server.routes import routes_of
from livecb.server.stream import wants_stream
from livecb.server.token import token_of
from livecb.store import Store

__all__ = ["App", "create_app", "routes_of"]


class App:
    """An ASGI app that shows a store's runs.

    It needs no lifespan: work begins when somebody watches and ends when nobody does, so it can be mounted
    anywhere.

    Attributes:
        token: Who brings it may read and steer; None if everybody may.
        hub: What its viewers share.
    """

    def __init__(
        self,
        store: Store,
        token: str | None,
        allowed_hosts: Iterable[str] = (),
        allowed_origins: Iterable[str] = (),
        bound: str | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.token = token
        self.hub = Hub(store, pace)
        self._front = Origins(Guard(self._route, store, token), allowed_hosts, allowed_origins, bound)
        # An address with a slash too many would be answered with a whole one, without a proxy's prefix.
        self._router = Router(routes_of(self.hub), default=_nothing_there, redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket" or wants_stream(scope):
            scope[REFUSED] = self.hub.traffic.answers  # a stream's `send` stays as it is
            await self._front(scope, receive, send)
        else:
            send = self.hub.traffic.watching(send)
            if self.hub.pace.compress and scope["type"] == "http":
                send = compressing(scope, send, self.hub.packing.do)
            await self._front(scope, receive, send)

    def close(self) -> None:
        """End all streams with a goodbye; the app answers no more after that."""
        self.hub.close()

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.hub.watched:
            self.hub.touch()
        scope.setdefault("app", self)  # where there is one, Starlette raises its errors for us to word
        try:
            await self._router(scope, receive, send)
        except HTTPException as error:  # Starlette's own parts, before they answered
            await refuse(scope, receive, send, _worded(error, scope))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self.close()
                await send({"type": "lifespan.shutdown.complete"})
                return
            await send({"type": "lifespan.startup.complete"})


def create_app(
    store: Store | str | os.PathLike[str] | None = None,
    *,
    token: str | Literal[False] | None = None,
    allowed_hosts: Iterable[str] = (),
    allowed_origins: Iterable[str] = (),
    bound: str | None = None,
    pace: Pace | None = None,
) -> App:
    """Return the ASGI app over a store, to run by itself or to mount in a FastAPI or Starlette app.

    Args:
        store: The store, or its folder; the default one if left out.
        token: Who brings it may read and steer: the store's own if left out. False asks for none: then
            whoever mounts the app decides who gets here.
        allowed_hosts: Names the server goes by, beside loopback's and `bound`; `*` for any.
        allowed_origins: Pages of other origins that may ask, such as `http://localhost:5173`. They show a
            token; the visitor's cookie does not count for them.
        bound: The address it listens on, where that is not loopback.
        pace: How it spends time and memory.

    Raises:
        ServerError: One of `allowed_origins` is none.
    """
    if not isinstance(store, Store):
        store = Store(store)
    known = None if token is False else token or token_of(store)
    hosts = [*allowed_hosts, *from_environment("LIVECB_ALLOWED_HOSTS")]
    origins = [*allowed_origins, *from_environment("LIVECB_ALLOWED_ORIGINS")]
    return App(store, known, hosts, origins, bound, pace)


def _worded(error: HTTPException, scope: Scope) -> Problem:
    headers = error.headers or {}
    if error.status_code == 405:
        takes = ", ".join(sorted(headers.get("Allow", "other methods").split(", ")))
        told = f"{scope['path']} takes {takes}, got {scope['method']}"
        return Problem(405, "No such method here", told, headers=headers)
    where = f"{scope['path']}: {error.detail}"
    return Problem(error.status_code, "Not to be had", where, headers=headers)


async def _nothing_there(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
    await refuse(
        scope,
        receive,
        send,
        Problem(
            404,
            "No such address",
            f"there is nothing at {scope['path']}; api/openapi.json lists what there is",
        ),
    )
