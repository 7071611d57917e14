"""What the API answers with, as immutable values."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import msgspec

from livecb.control.commands import Asked
from livecb.errors import ServerError
from livecb.events import AnyEvent, JsonObject, Unknown

__all__ = ["Asked", "EventPage", "MediaPage", "Metric", "RunRow", "RunState", "number", "record"]

_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

T = TypeVar("T")


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A metric's last, first, smallest, largest and best value.

    Attributes:
        best: None where the name does not tell which way is better.
        goal: Which way that is.
        nonfinite: How many values were NaN or infinite.
    """

    value: float | None = None
    step: int | None = None
    epoch: float | None = None
    time: float | None = None
    count: int = 0
    first: float | None = None
    min: float | None = None
    min_step: int | None = None
    max: float | None = None
    max_step: int | None = None
    best: float | None = None
    best_step: int | None = None
    goal: str | None = None
    nonfinite: int = 0
    chart: str | None = None
    series: str | None = None
    context: str | None = None


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run in the list of runs.

    Attributes:
        run: Its id.
        started: When its first attempt began, Unix seconds.
        elapsed: Seconds of its last attempt.
        metrics: The most telling ones.
        data: All that the server said.
    """

    run: str
    name: str = ""
    project: str | None = None
    status: str = ""
    phase: str | None = None
    framework: str | None = None
    started: float | None = None
    updated: float | None = None
    ended: float | None = None
    elapsed: float | None = None
    attempt: int = 1
    progress: JsonObject | None = None
    metrics: dict[str, Metric] = {}
    tags: list[str] = []
    archived: bool = False
    error: str | None = None
    data: JsonObject = {}


class RunState(RunRow, frozen=True, kw_only=True):
    """How a run stands.

    Attributes:
        cursor: The place in the log that this is true at; `follow` from there to go on.
        alive: Whether its writer lives.
        leaderboard: Candidates, best first.
        attempts: When and how each began and ended, and what was set otherwise than before.
        resumed_run: The run whose checkpoint it began from, where that could not be gone on with.
    """

    cursor: str = "0"
    alive: bool = False
    message: str | None = None
    reason: str | None = None
    traceback: str | None = None
    stopped_by: str | None = None
    step: int | None = None
    batch: int | None = None
    epoch: float | None = None
    samples: int | None = None
    tokens: int | None = None
    config: JsonObject = {}
    totals: JsonObject | None = None
    versions: dict[str, str] = {}
    host: str | None = None
    pid: int | None = None
    world_size: int | None = None
    attempts: list[JsonObject] = []
    resumed_step: int | None = None
    resumed_run: str | None = None
    system: JsonObject | None = None
    counts: dict[str, int] = {}
    lost: int = 0
    checkpoints: list[JsonObject] = []
    alerts: list[JsonObject] = []
    notes: list[JsonObject] = []
    leaderboard: list[JsonObject] = []
    summary: JsonObject | None = None
    result: Any = None


class EventPage(msgspec.Struct, frozen=True, kw_only=True):
    """Events after a cursor, as many as were asked for.

    Attributes:
        cursor: Where to go on.
        reset: The cursor asked with is no more; these are the first events of a log that begins anew.
        alive: Whether the run's writer lives.
    """

    events: list[AnyEvent | Unknown]
    cursor: str
    reset: bool
    alive: bool


class MediaPage(msgspec.Struct, frozen=True, kw_only=True):
    """Samples or pictures, the newest first.

    Attributes:
        total: How many there are in all.
        count: How many there are of those asked for.
        groups: The epochs with their mean scores, or the names of pictures with how many each has.
        next: The `before` that asks for the page after this one; None if this is the last.
        cursor: The place in the log that this is true at.
    """

    events: list[AnyEvent | Unknown]
    total: int
    count: int
    groups: list[JsonObject]
    next: int | None
    cursor: str


def number(value: Any) -> Any:
    """Return a number where one of its words stands; anything else as it is."""
    return _WORDS.get(value, value) if isinstance(value, str) else value


def record(kind: type[T], data: Any) -> T:
    """Return an answer as a value of a type.

    Raises:
        ServerError: It has another shape.
    """
    try:
        if "metrics" in data:
            rows = data["metrics"].items()
            said = {name: {key: number(value) for key, value in row.items()} for name, row in rows}
            data = {**data, "metrics": said}
        return msgspec.convert({**data, "data": data}, kind)
    except (msgspec.ValidationError, TypeError, AttributeError) as error:
        raise ServerError(
            f"expected {kind.__name__} from the server, got {str(data)[:80]}: {error}; "
            "use the server's version of livecb"
        ) from error
