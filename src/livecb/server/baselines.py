"""Baselines over the wire, and a run compared with one, or with another run."""

from __future__ import annotations

import math
import time
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from livecb.baselines import Baseline, Baselines
from livecb.errors import StoreError
from livecb.server.access import access_of
from livecb.server.answers import BaselinePage, Comparison, Forgotten
from livecb.server.body import body_of
from livecb.server.frames import dump
from livecb.server.hub import Hub
from livecb.server.openapi import described
from livecb.server.query import Query, query_of
from livecb.server.replies import Problem, json_response

__all__ = ["BaselineChange", "Comparing", "NewBaseline", "compared", "reached"]

_KEPT = ("value", "best", "goal")
_MISSING = object()
_About = Annotated[str, Meta(max_length=10_000)]
_Name = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", examples=["best-mlp"])]


class NewBaseline(msgspec.Struct, forbid_unknown_fields=True):
    """What a run has reached now, under a name."""

    name: _Name
    run: str
    description: _About = ""


class BaselineChange(msgspec.Struct, forbid_unknown_fields=True):
    """A run whose state is to be taken anew, another description, or both."""

    run: str | None = None
    description: _About | None = None


class CompareQuery(Query):
    """What to compare with: one of both."""

    baseline: Annotated[str, Meta(description="the baseline's name")] | None = None
    other: Annotated[str, Meta(description="or another run's id")] | None = msgspec.field(
        name="with", default=None
    )


class Comparing:
    """Handlers over a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.baselines = Baselines(hub.store)

    @described(answer=BaselinePage, tag="baselines")
    async def list(self, request: Request) -> Response:
        """The baselines of the store."""
        access, found = access_of(request.scope), await self.hub.work.do(self.baselines.all)
        return json_response(dump({"baselines": [each for each in found if access.sees(each.run)]}))

    @described(answer=Baseline, tag="baselines")
    async def get(self, request: Request) -> Response:
        """One baseline."""
        return json_response(dump(self._known(request, request.path_params["name"])))

    @described(body=NewBaseline, answer=Baseline, status=201, tag="baselines", errors=(404, 409))
    async def create(self, request: Request) -> Response:
        """Make a baseline of what a run has reached."""
        new = await body_of(request, NewBaseline)
        made = await self._taken(request, new.name, new.run, new.description)
        if self._get(new.name) is not None:
            detail = f"there is a baseline {new.name!r}: change it with PATCH, or delete it before"
            raise Problem(409, "There is one of this name", detail)
        self.baselines.put(made)
        return json_response(dump(made), 201)

    @described(body=BaselineChange, answer=Baseline, tag="baselines")
    async def update(self, request: Request) -> Response:
        """Let a baseline be what a run has reached now, or describe it otherwise."""
        known = self._known(request, request.path_params["name"])
        change = await body_of(request, BaselineChange)
        if change.run is not None:
            known = await self._taken(request, known.name, change.run, known.description)
        if change.description is not None:
            known.description = change.description
        self.baselines.put(known)
        return json_response(dump(known))

    @described(answer=Forgotten, tag="baselines")
    async def delete(self, request: Request) -> Response:
        """Forget a baseline; its run stays."""
        name = self._known(request, request.path_params["name"]).name
        self.baselines.remove(name)
        return json_response({"name": name})

    @described(CompareQuery, answer=Comparison, tag="baselines")
    async def compare(self, request: Request) -> Response:
        """A run's metrics and settings beside those of a baseline, or of another run."""
        asked, run = query_of(request, CompareQuery), request.path_params["run"]
        if asked.baseline is not None and asked.other is None:
            other = self._known(request, asked.baseline)
        elif asked.other is not None and asked.baseline is None:
            other = await self._taken(request, "", asked.other, "")
        else:
            raise Problem(400, "Not understood", "name what to compare with: `?baseline=NAME` or `?with=RUN`")
        return json_response(
            {
                "run": run,
                "baseline": other.name or None,
                "with": other.run,
                "taken": other.taken,
                **compared(await self._taken(request, "", run, ""), other),
            }
        )

    def _get(self, name: str) -> Baseline | None:
        try:
            return self.baselines.get(name)
        except StoreError as error:
            raise Problem(400, "Not a baseline's name", str(error)) from error

    def _known(self, request: Request, name: str) -> Baseline:
        known = self._get(name)
        if known is None or not access_of(request.scope).sees(known.run):
            raise Problem(
                404, "No such baseline", f"no baseline {name!r}; GET api/baselines lists those there are"
            )
        return known

    async def _taken(self, request: Request, name: str, run: str, description: str) -> Baseline:
        """Return what a run has reached now."""
        access_of(request.scope).check_run(run)
        return reached(name, run, await self.hub.indexes.state(run, self.hub.alive(run)), description)


def reached(name: str, run: str, state: bytes, description: str = "") -> Baseline:
    """Return as a baseline what a run has reached now, by its State as JSON."""
    said = msgspec.json.decode(state)
    metrics = {key: {word: it[word] for word in _KEPT} for key, it in said["metrics"].items()}
    return Baseline(name, run, time.time(), metrics, said["config"], description)


def compared(run: Baseline, other: Baseline) -> dict[str, Any]:
    """Return the metrics of both side by side, and the settings in which they differ.

    Compared are the best values where the metric's name tells which way is better, else the last ones.
    """
    metrics = {
        key: _side_by_side(run.metrics.get(key), other.metrics.get(key))
        for key in dict.fromkeys([*run.metrics, *other.metrics])
    }
    verdicts = [row["verdict"] for row in metrics.values()]
    return {
        "metrics": metrics,
        **{word: verdicts.count(word) for word in ("better", "worse", "equal")},
        "config": {
            name: {"run": run.config.get(name), "baseline": other.config.get(name)}
            for name in dict.fromkeys([*run.config, *other.config])
            if run.config.get(name, _MISSING) != other.config.get(name, _MISSING)
        },
    }


def _side_by_side(mine: dict[str, Any] | None, theirs: dict[str, Any] | None) -> dict[str, Any]:
    goal = (mine or theirs or {}).get("goal")
    word = "best" if goal else "value"
    a: Any = mine and mine[word]
    b: Any = theirs and theirs[word]
    row = {"goal": goal, "run": a, "baseline": b, "difference": None, "relative": None, "verdict": None}
    if _is_finite(a) and _is_finite(b):
        row["difference"] = a - b
        row["relative"] = (a - b) / abs(b) if b else None
        if goal:
            row["verdict"] = "equal" if a == b else "better" if (a < b) == (goal == "min") else "worse"
    return row


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
