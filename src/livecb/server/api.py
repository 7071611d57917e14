"""The answers of the API that are not streams: State, columns, files, health."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from livecb import __version__
from livecb.errors import StoreError
from livecb.events import json_schema
from livecb.leaderboard import MOST
from livecb.server.batch import asked_number
from livecb.server.files import headers_of, type_of_file
from livecb.server.hub import Hub
from livecb.server.openapi import described
from livecb.server.replies import Problem, json_response
from livecb.state import State
from livecb.store import Store

__all__ = ["Api", "asked_axis", "asked_bound", "store_key"]

_AXES = ("step", "epoch", "time", "batch", "samples", "tokens")
_MAX_POINTS = 100_000


def store_key(store: Store) -> str:
    """Return what tells one store from another, without telling where it is."""
    return hashlib.sha256(os.path.realpath(store.root).encode()).hexdigest()[:12]


class Api:
    """Handlers over a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._schema = msgspec.json.encode(json_schema())
        self._key = store_key(hub.store)

    async def health(self, request: Request) -> Response:
        """Say who this is; needs no token, tells nothing."""
        return json_response({"livecb": __version__, "store": self._key, "pid": os.getpid()})

    async def schema(self, request: Request) -> Response:
        """The JSON Schema of one line."""
        return json_response(self._schema)

    async def state(self, request: Request) -> Response:
        """The State of one run."""
        run = request.path_params["run"]
        self.hub.store.run(run)
        return json_response(await self.hub.indexes.state(run, self.hub.alive(run)))

    @described({"limit": "at most so many rows"})
    async def leaderboard(self, request: Request) -> Response:
        """The candidates of a run, the best first."""
        limit = int(asked_number(request, "limit", MOST, MOST, least=1))

        def ask(state: State, cursor: str) -> dict[str, Any]:
            rows = state.leaderboard.to_list()[:limit]
            return {"cursor": cursor, "count": len(state.leaderboard), "leaderboard": rows}

        return json_response(await self.hub.indexes.ask(request.path_params["run"], ask))

    async def marks(self, request: Request) -> Response:
        """The newest checkpoints, alerts, notes and answered commands of a run."""

        def ask(state: State, cursor: str) -> dict[str, Any]:
            return {"cursor": cursor, **state.marks.to_dict()}

        return json_response(await self.hub.indexes.ask(request.path_params["run"], ask))

    @described(
        {
            "names": "comma-separated keys of metrics; all when left out",
            "name": "one key, which may hold a comma; may be repeated",
            "points": "about how many points of each",
            "x": f"the axis: {', '.join(_AXES)}",
            "from": "only points that stand there or after it on the axis",
            "to": "only points that stand there or before it on the axis",
        }
    )
    async def series(self, request: Request) -> Response:
        """Columns of metrics, thinned, with the cursor they are valid at."""
        query = request.query_params
        axis = asked_axis(request)
        # A name may hold a comma: `name=`, which may be repeated, takes it as it is.
        names = [name for word in query.getlist("names") for name in word.split(",") if name]
        names += query.getlist("name")
        answer = await self.hub.indexes.series(
            request.path_params["run"],
            names=names if "names" in query or "name" in query else None,
            x=axis,
            points=int(asked_number(request, "points", 1000, _MAX_POINTS, least=1)),
            start=asked_bound(request, "from"),
            end=asked_bound(request, "to"),
        )
        return json_response(answer)

    @described({"name": "a name to save it under"}, media="application/octet-stream")
    async def file(self, request: Request) -> Response:
        """The bytes of one file of a run."""
        run = self.hub.store.run(request.path_params["run"])
        try:
            path = run.file_path(request.path_params["digest"])
        except StoreError as error:
            raise Problem(404, "No such file", str(error)) from error
        kind = type_of_file(path)
        return FileResponse(path, headers=headers_of(request.query_params.get("name")), media_type=kind)


def asked_axis(request: Request) -> str:
    """Return the axis of a query.

    Raises:
        Problem: It is none.
    """
    axis = request.query_params.get("x", "step")
    if axis not in _AXES:
        raise Problem(400, "No such axis", f"expected x to be one of {', '.join(_AXES)}, got {axis!r}")
    return axis


def asked_bound(request: Request, name: str) -> float | None:
    """Return a place on an axis of a query, None if it says none.

    Raises:
        Problem: It is no number.
    """
    return (
        None
        if name not in request.query_params
        else asked_number(request, name, 0, float("inf"), float("-inf"))
    )
