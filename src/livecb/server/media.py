"""Samples and pictures over the wire: in pages, the newest first."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from livecb.server.batch import asked_number
from livecb.server.catalogue import Key
from livecb.server.frames import dump
from livecb.server.hub import Hub
from livecb.server.index import Index, Kind, Page
from livecb.server.openapi import described
from livecb.server.replies import Problem, json_response

__all__ = ["Media"]

_LIMIT = 50
_MAX_LIMIT = 500
_NONE = "none"
_PAGE = {
    "before": "only those before this place among them, counted from the oldest",
    "limit": "at most so many lines",
}


class Media:
    """Handlers over a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    @described({"epoch": f"a whole number, or `{_NONE}`", **_PAGE})
    async def samples(self, request: Request) -> Response:
        """Samples, of one epoch or of all, and the mean scores of every epoch."""
        word = request.query_params.get("epoch")
        try:
            epoch = None if word in (None, _NONE) else int(word)
        except ValueError:
            raise Problem(
                400, "No such epoch", f"expected epoch to be a whole number or {_NONE!r}, got {word!r}"
            ) from None
        page = await self._page(request, "samples", epoch, every=word is None)
        return json_response(page)

    @described({"name": "the pictures' name", **_PAGE})
    async def images(self, request: Request) -> Response:
        """Pictures, of one name or of all, and which names there are."""
        name = request.query_params.get("name")
        return json_response(await self._page(request, "images", name, every=name is None))

    async def _page(self, request: Request, kind: Kind, key: Key, *, every: bool) -> bytes:
        before = asked_number(request, "before", float("inf"), float("inf"))
        limit = int(asked_number(request, "limit", _LIMIT, _MAX_LIMIT))

        def ask(index: Index) -> bytes:
            stop = self.hub.indexes.closing
            return _json(kind, index.page(kind, key, every=every, before=before, limit=limit, stop=stop))

        return await self.hub.indexes.page(request.path_params["run"], ask)


def _json(kind: Kind, page: Page) -> bytes:
    """Return the answer; the lines stand in it as they do in the log."""
    if kind == "samples":
        groups = {"epochs": [{"epoch": key, "count": n, "scores": scores} for key, n, scores in page.groups]}
    else:
        groups = {"names": [{"name": key, "count": n} for key, n, _ in page.groups]}
    head = {
        "cursor": page.cursor,
        "total": page.total,
        **groups,
        "count": page.matching,
        "before": page.before,
    }
    return b'%b,"%b":[%b]}' % (dump(head)[:-1], kind.encode(), b",".join(page.lines))
