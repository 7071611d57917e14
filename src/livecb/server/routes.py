"""Every address of the app: the HTTP reference names each, and the OpenAPI document is made of them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute, request_response
from starlette.types import ASGIApp, Receive, Scope, Send

from livecb.server.api import Api
from livecb.server.appending import Appending
from livecb.server.baselines import Comparing
from livecb.server.batch import Batches
from livecb.server.checkpoints import Checkpoints
from livecb.server.commands import Commands
from livecb.server.export import Export
from livecb.server.hub import Hub
from livecb.server.labels import Labelling
from livecb.server.media import Media
from livecb.server.notes import Notes
from livecb.server.openapi import document
from livecb.server.pages import Assets, Pages
from livecb.server.points import Points
from livecb.server.replies import Handler, endpoint, json_response
from livecb.server.runs import Runs
from livecb.server.search import Search
from livecb.server.stream import Stream

__all__ = ["routes_of"]


class _ByMethod:
    """One address, answered by another handler for each method.

    Attributes:
        handlers: As they were given, by method.
    """

    def __init__(self, handlers: dict[str, Handler | ASGIApp]) -> None:
        self.handlers = handlers
        self._apps: dict[str, ASGIApp] = {
            method: handler if isinstance(handler, (Runs, Stream)) else request_response(endpoint(handler))  # type: ignore[arg-type]
            for method, handler in handlers.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        await self._apps[method](scope, receive, send)


def _at(path: str, **handlers: Handler | ASGIApp) -> Route:
    return Route(path, _ByMethod(handlers), methods=list(handlers))


def routes_of(hub: Hub) -> list[BaseRoute]:
    """Return every route of the app."""
    return [*_for_programs(hub), *_for_people()]


def _for_programs(hub: Hub) -> list[BaseRoute]:
    api, media, labels = Api(hub), Media(hub), Labelling(hub)
    points, search, notes = Points(hub), Search(hub), Notes(hub)
    checkpoints, comparing = Checkpoints(hub), Comparing(hub)
    one = Stream(hub, otherwise=request_response(endpoint(Batches(hub))))
    several = Stream(hub, several=True)
    run = "/api/runs/{run}"
    routes: list[BaseRoute] = []

    async def described(request: Request) -> Response:
        """This description of the API."""
        return json_response(document(routes))

    routes += [
        _at("/api/openapi.json", GET=described),
        _at("/api/health", GET=api.health),
        _at("/api/schema", GET=api.schema),
        _at("/api/runs", GET=Runs(hub)),
        _at(run, GET=api.state, PATCH=labels.change, DELETE=labels.delete),
        _at(f"{run}/commands", POST=Commands(hub).ask),
        _at(f"{run}/events", GET=one, POST=Appending(hub).append),
        WebSocketRoute(f"{run}/events", one),
        _at(f"{run}/series", GET=api.series),
        _at(f"{run}/metrics", GET=points.metrics),
        _at(f"{run}/logs", GET=search.logs),
        _at(f"{run}/errors", GET=search.errors),
        _at(f"{run}/notes", GET=notes.list, POST=notes.add),
        _at(f"{run}/leaderboard", GET=api.leaderboard),
        _at(f"{run}/marks", GET=api.marks),
        _at(f"{run}/samples", GET=media.samples),
        _at(f"{run}/images", GET=media.images),
        _at(f"{run}/export", GET=Export(hub).export),
        _at(f"{run}/checkpoints", GET=checkpoints.recorded),
        _at(f"{run}/checkpoints/{{number}}", GET=checkpoints.download),
        _at(f"{run}/files/{{digest}}", GET=api.file),
        _at("/api/stream", GET=several),
        WebSocketRoute("/api/stream", several),
        _at(f"{run}/compare", GET=comparing.compare),
        _at("/api/baselines", GET=comparing.list, POST=comparing.create),
        _at("/api/baselines/{name}", GET=comparing.get, PATCH=comparing.update, DELETE=comparing.delete),
        _at("/metrics", GET=hub.traffic.metrics),
        _at("/api/trash", GET=labels.deleted, DELETE=labels.empty),
        _at("/api/trash/{run}", POST=labels.restore, DELETE=labels.remove),
    ]
    return routes


def _for_people() -> list[BaseRoute]:
    pages = Pages()
    return [
        _at("/", GET=pages.home),
        _at("/r/{run}", GET=pages.run),
        Mount("/assets", Assets(pages.static / "assets")),
        Mount("/r/assets", Assets(pages.static / "assets")),
        _at("/r/{run}/", GET=pages.run_folder),
        _at("/{name}", GET=pages.top_file),
    ]
