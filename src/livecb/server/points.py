"""The values of a run's metrics as they were logged: all of them, page by page.

A chart asks for `series`, which thins; a program that computes asks here, where nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated, Any

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from livecb.columns import AXES
from livecb.server.answers import MetricPage, ValuePage
from livecb.server.api import Span
from livecb.server.frames import dump
from livecb.server.hub import Hub
from livecb.server.openapi import described
from livecb.server.query import MOST, query_of
from livecb.server.replies import Problem, json_response
from livecb.state import State
from livecb.strict import json_number
from livecb.thinning import Strand, strands

__all__ = ["Points", "page_of"]

_WHOLE = frozenset({"step", "batch", "samples", "tokens"})


class PointsQuery(Span):
    """Which values."""

    name: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=500,
                description="a metric's key; without it, what every metric comes to",
                examples=["train/loss"],
            ),
        ]
        | None
    ) = None
    after: Annotated[
        int,
        Meta(ge=0, le=MOST, description="how many of these points to leave out: `next` of the answer before"),
    ] = 0
    limit: Annotated[int, Meta(ge=1, le=100_000, description="at most so many points")] = 10_000


class Points:
    """Handlers over a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    @described(PointsQuery, answer=(MetricPage, ValuePage), tag="metrics")
    async def metrics(self, request: Request) -> Response:
        """Every value of one metric as it was logged, or what all metrics come to."""
        asked = query_of(request, PointsQuery)
        name = asked.name

        def ask(state: State, cursor: str) -> bytes:
            if name is None:
                return dump({"cursor": cursor, "metrics": state.series.stats()})
            if name not in state.series.metrics:
                known = ", ".join(sorted(state.series.metrics)[:20]) or "none yet"
                raise Problem(404, "No such metric", f"no metric {name!r} in this run; there are {known}")
            parts = strands(
                state.series.metrics[name], state.series.axis_of(name, asked.x), asked.start, asked.end
            )
            return dump({"cursor": cursor, "name": name, **page_of(parts, asked.after, asked.limit)})

        return json_response(await self.hub.indexes.ask(request.path_params["run"], ask))


def page_of(parts: Sequence[Strand], after: int, limit: int) -> dict[str, Any]:
    """Return some points of a metric by columns, in the order in which they were logged."""
    count = sum(len(strand.rows) for strand in parts)
    found = list(_points(parts, after, limit))
    following = after + len(found)
    return {
        "count": count,
        "after": after,
        "next": following if found and following < count else None,
        "value": [json_number(strand.column.values[row]) for strand, row in found],
        **{
            axis: [json_number(strand.frame.at(axis, row), whole=axis in _WHOLE) for strand, row in found]
            for axis in AXES
        },
        "attempt": [strand.attempt for strand, _ in found],
    }


def _points(parts: Sequence[Strand], after: int, limit: int) -> Iterator[tuple[Strand, int]]:
    """Yield so many points after a place, without going through those before it."""
    for _, group in groupby(parts, key=lambda strand: strand.attempt):
        same = list(group)
        size = sum(len(strand.rows) for strand in same)
        if after < size and limit > 0:
            page = _of_attempt(same, after, limit)
            limit -= len(page)
            yield from page
        after = max(0, after - size)


def _of_attempt(same: list[Strand], after: int, limit: int) -> list[tuple[Strand, int]]:
    if len(same) == 1:
        return [(same[0], row) for row in same[0].rows[after : after + limit]]
    merged = sorted(
        (strand.frame.orders[row], at, row) for at, strand in enumerate(same) for row in strand.rows
    )
    return [(same[at], row) for _, at, row in merged[after : after + limit]]
