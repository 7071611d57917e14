"""The answers of the API that are not streams: State, columns, files, health."""

from __future__ import annotations

import hashlib
import os
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from livecb import __version__
from livecb.errors import StoreError
from livecb.events import JsonObject, json_schema
from livecb.leaderboard import MOST
from livecb.server.answers import Health, LeaderboardPage, MarkPage, RunState, SeriesPage
from livecb.server.files import FileAnswer, headers_of, type_of_file
from livecb.server.hub import Hub
from livecb.server.openapi import described
from livecb.server.query import COMMAS, Axis, Query, Rows, query_of
from livecb.server.replies import Problem, json_response
from livecb.store import Store

__all__ = ["Api", "Span", "store_key"]

_Name = Annotated[str, Meta(min_length=1, max_length=500)]


class Span(Query):
    """A piece of an axis."""

    x: Annotated[Axis, Meta(description="the axis")] = "step"
    start: (
        Annotated[float, Meta(description="only points that stand there or after it on the axis")] | None
    ) = msgspec.field(name="from", default=None)
    end: (
        Annotated[float, Meta(description="only points that stand there or before it on the axis")] | None
    ) = msgspec.field(name="to", default=None)


class SeriesQuery(Span):
    """Which columns."""

    names: (
        Annotated[
            list[_Name],
            Meta(description="keys of metrics; all when left out", extra_json_schema=COMMAS),
        ]
        | None
    ) = None
    name: Annotated[list[_Name], Meta(description="a key that may hold a comma; may be repeated")] | None = (
        None
    )
    points: Annotated[int, Meta(ge=1, le=100_000, description="about how many points of each")] = 1000


class StateQuery(Query):
    """How much of it."""

    rows: Rows = MOST


class LeaderboardQuery(Query):
    """How many rows."""

    limit: Annotated[int, Meta(ge=1, le=MOST, description="at most so many rows")] = MOST
    since: Annotated[
        str,
        Meta(
            pattern="^[0-9a-z.]{0,40}$",
            description="only rows that changed since an answer with this `mark`, and the order of all",
        ),
    ] = ""


class FileQuery(Query):
    """How a file is to be saved."""

    name: Annotated[str, Meta(min_length=1, max_length=255, description="a name to save it under")] | None = (
        None
    )


def store_key(store: Store) -> str:
    """Return what tells one store from another, without telling where it is."""
    return hashlib.sha256(os.path.realpath(store.root).encode()).hexdigest()[:12]


class Api:
    """Handlers over a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._schema = msgspec.json.encode(json_schema())
        self._key = store_key(hub.store)

    @described(answer=Health, tag="server")
    async def health(self, request: Request) -> Response:
        """Say who this is; needs no token, tells nothing."""
        answer = json_response({"livecb": __version__, "store": self._key, "pid": os.getpid()})
        # A notebook on another port asks whether its browser reaches the server; it cannot read the answer.
        answer.headers["cross-origin-resource-policy"] = "cross-origin"
        return answer

    @described(answer=JsonObject, tag="events")
    async def schema(self, request: Request) -> Response:
        """The JSON Schema of one line."""
        return json_response(self._schema)

    @described(StateQuery, answer=RunState)
    async def state(self, request: Request) -> Response:
        """The State of one run."""
        run = request.path_params["run"]
        rows = query_of(request, StateQuery).rows
        self.hub.store.run(run)
        return json_response(await self.hub.state_now(run, rows))

    @described(LeaderboardQuery, answer=LeaderboardPage)
    async def leaderboard(self, request: Request) -> Response:
        """The candidates of a run, the best first."""
        asked = query_of(request, LeaderboardQuery)
        run = request.path_params["run"]
        return json_response(await self.hub.indexes.leaderboard(run, asked.since, asked.limit))

    @described(answer=MarkPage)
    async def marks(self, request: Request) -> Response:
        """The newest checkpoints, alerts, notes and answered commands of a run."""
        return json_response(await self.hub.indexes.marks(request.path_params["run"]))

    @described(SeriesQuery, answer=SeriesPage, tag="metrics")
    async def series(self, request: Request) -> Response:
        """Columns of metrics, thinned, with the cursor they are valid at."""
        asked = query_of(request, SeriesQuery)
        every = asked.names is None and asked.name is None
        answer = await self.hub.indexes.series(
            request.path_params["run"],
            names=None if every else [*(asked.names or ()), *(asked.name or ())],
            x=asked.x,
            points=asked.points,
            start=asked.start,
            end=asked.end,
        )
        return json_response(answer)

    @described(FileQuery, media="*/*", tag="media", ranges=True)
    async def file(self, request: Request) -> Response:
        """The bytes of one file of a run."""
        run = self.hub.store.run(request.path_params["run"])
        try:
            path = run.file_path(request.path_params["digest"])
        except StoreError as error:
            raise Problem(404, "No such file", str(error)) from error
        name = query_of(request, FileQuery).name
        return FileAnswer(path, headers=headers_of(name), media_type=type_of_file(path))
