"""Every address of the app, and who may have it answer.

The HTTP reference names each, and the OpenAPI document is made of them.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute, request_response

from livecb.events import JsonObject
from livecb.server.api import Api
from livecb.server.appending import Appending
from livecb.server.baselines import Comparing
from livecb.server.batch import Batches
from livecb.server.checkpoints import Checkpoints
from livecb.server.commands import Commands
from livecb.server.export import Export
from livecb.server.flat import Flats
from livecb.server.gate import Gate, Rule, admin, anyone, control, view, write
from livecb.server.hub import Hub
from livecb.server.labels import Labelling
from livecb.server.media import Media
from livecb.server.notes import Notes
from livecb.server.openapi import described, document
from livecb.server.pages import Assets, Pages
from livecb.server.points import Points
from livecb.server.replies import endpoint, json_response
from livecb.server.rights import Rights
from livecb.server.runs import Runs
from livecb.server.search import Search
from livecb.server.stream import Stream

__all__ = ["routes_of"]


def _at(path: str, **rules: Rule) -> Route:
    return Route(path, Gate(rules), methods=list(rules))


def routes_of(hub: Hub) -> list[BaseRoute]:
    """Return every route of the app."""
    return [*_for_programs(hub), *_for_people()]


def _for_programs(hub: Hub) -> list[BaseRoute]:
    api, media, labels = Api(hub), Media(hub), Labelling(hub)
    points, search, notes = Points(hub), Search(hub), Notes(hub)
    checkpoints, comparing, rights = Checkpoints(hub), Comparing(hub), Rights(hub)
    appending = Appending(hub)
    one = Stream(hub, otherwise=request_response(endpoint(Batches(hub))))
    several = Stream(hub, several=True)
    run = "/api/runs/{run}"
    routes: list[BaseRoute] = []

    @described(answer=JsonObject, tag="server")
    async def description(request: Request) -> Response:
        """This description of the API."""
        return json_response(document(routes))

    routes += [
        _at("/api/openapi.json", GET=view(description)),
        _at("/api/health", GET=anyone(api.health)),
        _at("/api/schema", GET=view(api.schema)),
        _at("/api/access", GET=view(rights.access)),
        _at("/api/tokens", GET=admin(rights.list, whole=True), POST=admin(rights.create, whole=True)),
        _at("/api/tokens/{name}", DELETE=admin(rights.revoke, whole=True)),
        _at("/api/audit", GET=admin(rights.changes, whole=True)),
        _at("/api/runs", GET=view(Runs(hub))),
        _at(run, GET=view(api.state), PATCH=control(labels.change), DELETE=admin(labels.delete)),
        _at(f"{run}/share", GET=admin(rights.shares), POST=admin(rights.share)),
        _at(f"{run}/share/{{name}}", DELETE=admin(rights.unshare)),
        _at(f"{run}/commands", POST=control(Commands(hub).ask)),
        _at(f"{run}/events", GET=view(one), POST=write(appending.append, any_run=True)),
        WebSocketRoute(f"{run}/events", Gate({"GET": view(one)})),
        _at(f"{run}/flat", GET=view(Flats(hub).get)),
        _at(f"{run}/series", GET=view(api.series)),
        _at(f"{run}/metrics", GET=view(points.metrics)),
        _at(f"{run}/logs", GET=view(search.logs)),
        _at(f"{run}/lines", GET=view(search.lines)),
        _at(f"{run}/errors", GET=view(search.errors)),
        _at(f"{run}/notes", GET=view(notes.list), POST=control(notes.add)),
        _at(f"{run}/notes/{{note}}", PATCH=control(notes.edit), DELETE=control(notes.delete)),
        _at(f"{run}/leaderboard", GET=view(api.leaderboard)),
        _at(f"{run}/marks", GET=view(api.marks)),
        _at(f"{run}/samples", GET=view(media.samples)),
        _at(f"{run}/images", GET=view(media.images)),
        _at(f"{run}/media", GET=view(media.others)),
        _at(f"{run}/export", GET=view(Export(hub).export)),
        _at(f"{run}/checkpoints", GET=view(checkpoints.recorded)),
        _at(f"{run}/checkpoints/{{number}}", GET=view(checkpoints.download)),
        _at(f"{run}/model", GET=view(checkpoints.model)),
        _at(
            f"{run}/files/{{digest}}",
            GET=view(api.file),
            PUT=write(appending.upload, any_run=True),
        ),
        _at("/api/stream", GET=view(several)),
        WebSocketRoute("/api/stream", Gate({"GET": view(several)})),
        _at(f"{run}/compare", GET=view(comparing.compare)),
        _at("/api/baselines", GET=view(comparing.list), POST=admin(comparing.create, whole=True)),
        _at(
            "/api/baselines/{name}",
            GET=view(comparing.get),
            PATCH=admin(comparing.update),
            DELETE=admin(comparing.delete),
        ),
        _at("/metrics", GET=view(hub.traffic.metrics, whole=True)),
        _at("/api/trash", GET=admin(labels.deleted, whole=True), DELETE=admin(labels.empty, whole=True)),
        _at(
            "/api/trash/{run}",
            POST=admin(labels.restore, whole=True),
            DELETE=admin(labels.remove, whole=True),
        ),
    ]
    return routes


def _for_people() -> list[BaseRoute]:
    pages = Pages()
    assets = Gate({"GET": anyone(Assets(pages.static / "assets"))})
    return [
        _at("/", GET=view(pages.home)),
        _at("/r/{run}", GET=view(pages.run, any_run=True)),
        Mount("/assets", assets),
        Mount("/r/assets", assets),
        _at("/r/{run}/", GET=view(pages.run_folder, any_run=True)),
        _at("/client.js", GET=anyone(pages.client)),
        _at("/client-react.js", GET=anyone(pages.client)),
        _at("/{name}", GET=view(pages.top_file)),
    ]
