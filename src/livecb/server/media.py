"""Samples, pictures and other media over the wire: in pages, the newest first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from livecb.names import goal
from livecb.server.answers import ImagePage, MediaPage, SamplePage
from livecb.server.catalogue import Key, Scores
from livecb.server.frames import dump
from livecb.server.hub import Hub
from livecb.server.index import Index, Kind, Page
from livecb.server.openapi import described
from livecb.server.query import MOST, Query, query_of
from livecb.server.replies import json_response

__all__ = ["Media", "page_json", "trends_of"]

_NONE = "none"


class MediaQuery(Query):
    """Which page."""

    before: (
        Annotated[
            int,
            Meta(
                ge=0, le=MOST, description="only those before this place among them, counted from the oldest"
            ),
        ]
        | None
    ) = None
    limit: Annotated[int, Meta(ge=0, le=500, description="at most so many lines")] = 50


class SampleQuery(MediaQuery):
    """Which samples."""

    epoch: (
        Annotated[
            str,
            Meta(
                pattern=f"^({_NONE}|-?[0-9]{{1,15}})$",
                description=f"a whole number, or `{_NONE}` for samples that say none",
                examples=["3", _NONE],
            ),
        ]
        | None
    ) = None


class ImageQuery(MediaQuery):
    """Which pictures."""

    name: Annotated[str, Meta(description="the pictures' name")] | None = None


class OtherQuery(MediaQuery, kw_only=True):
    """Which sounds, histograms or tables."""

    type: Annotated[Literal["audio", "histogram", "table"], Meta(description="which of them")]
    name: Annotated[str, Meta(description="their name")] | None = None
    spread: Annotated[
        bool, Meta(description="spread evenly over all of them, the first and the last with them")
    ] = False


class Media:
    """Handlers over a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    @described(SampleQuery, answer=SamplePage, tag="media")
    async def samples(self, request: Request) -> Response:
        """Samples, of one epoch or of all, and the mean scores of every epoch."""
        asked = query_of(request, SampleQuery)
        epoch = None if asked.epoch in (None, _NONE) else int(asked.epoch)
        return json_response(await self._page(request, "samples", asked, epoch, every=asked.epoch is None))

    @described(ImageQuery, answer=ImagePage, tag="media")
    async def images(self, request: Request) -> Response:
        """Pictures, of one name or of all, and which names there are."""
        asked = query_of(request, ImageQuery)
        return json_response(await self._page(request, "images", asked, asked.name, every=asked.name is None))

    @described(OtherQuery, answer=MediaPage, tag="media")
    async def others(self, request: Request) -> Response:
        """Sounds, histograms or tables, of one name or of all, and which names there are."""
        asked = query_of(request, OtherQuery)
        every = asked.name is None
        return json_response(
            await self._page(request, asked.type, asked, asked.name, every=every, spread=asked.spread)
        )

    async def _page(
        self,
        request: Request,
        kind: Kind,
        asked: MediaQuery,
        key: Key,
        *,
        every: bool,
        spread: bool = False,
    ) -> bytes:
        before, limit = math.inf if asked.before is None else asked.before, asked.limit

        def ask(index: Index) -> bytes:
            stop = self.hub.indexes.closing
            page = index.page(kind, key, every=every, before=before, limit=limit, spread=spread, stop=stop)
            return page_json(kind, page)

        return await self.hub.indexes.page(request.path_params["run"], ask)


def page_json(kind: Kind, page: Page) -> bytes:
    """Return the answer; the lines stand in it as they do in the log."""
    if kind == "samples":
        groups: dict[str, Any] = {
            "epochs": [{"epoch": key, "count": n, "scores": scores} for key, n, scores in page.groups],
            "trends": trends_of(page.groups),
        }
    else:
        groups = {"names": [{"name": key, "count": n} for key, n, _ in page.groups]}
    head = {
        "cursor": page.cursor,
        "total": page.total,
        **groups,
        "count": page.matching,
        "before": page.before,
        "attempts": [each["attempt"] for each in page.branches],
        "abandoned": [each["abandoned"] for each in page.branches],
    }
    name = kind if kind in ("samples", "images") else "media"
    return b'%b,"%b":[%b]}' % (dump(head)[:-1], name.encode(), b",".join(page.lines))


def trends_of(groups: Sequence[tuple[Key, int, Scores]]) -> dict[str, dict[str, Any]]:
    """Return how the mean of each score went from epoch to epoch, by the score's name.

    `change` is from the last epoch but one to the last; `best` is said where the name tells which way is
    better.
    """
    known: dict[str, list[tuple[Key, float]]] = {}
    for epoch, _, scores in sorted((it for it in groups if isinstance(it[0], int)), key=lambda it: it[0]):  # type: ignore[arg-type,return-value]
        for name, score in scores.items():
            known.setdefault(name, []).append((epoch, score["mean"]))
    return {name: _trend(points, goal(name)) for name, points in known.items()}


def _trend(points: Sequence[tuple[Key, float]], towards: str | None) -> dict[str, Any]:
    means = [mean for _, mean in points]
    best = (min if towards == "min" else max)(means) if towards else None
    return {
        "epochs": [epoch for epoch, _ in points],
        "means": means,
        "change": means[-1] - means[-2] if len(means) > 1 else None,
        "best": best,
        "best_epoch": None if best is None else points[means.index(best)][0],
    }
