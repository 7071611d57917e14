"""What the API answers with, as immutable values."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from livecb.control.commands import Asked
from livecb.errors import EventError, ServerError
from livecb.events import AnyEvent, JsonObject, Unknown, decode

__all__ = ["Asked", "Flat", "Metric", "RunRow", "RunState", "events_of", "number", "record"]

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
    best_time: float | None = None
    previous: float | None = None
    goal: str | None = None
    nonfinite: int = 0
    chart: str | None = None
    series: str | None = None
    context: str | None = None


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run in the list of runs.

    Attributes:
        run: Its id.
        started: When its first attempt began, Unix seconds by the clock of whoever wrote it.
        attempt_started: When its last one did.
        elapsed: Seconds of its last attempt.
        metrics: The most telling ones.
        spark: How one of them went: its `name` and some forty finite values `y`.
        data: All that the server said.
    """

    run: str
    name: str = ""
    project: str | None = None
    status: str = ""
    phase: str | None = None
    framework: str | None = None
    started: float | None = None
    attempt_started: float | None = None
    updated: float | None = None
    ended: float | None = None
    elapsed: float | None = None
    attempt: int = 1
    progress: JsonObject | None = None
    metrics: dict[str, Metric] = {}
    tags: list[str] = []
    archived: bool = False
    error: str | None = None
    spark: JsonObject | None = None
    data: JsonObject = {}


class RunState(RunRow, frozen=True, kw_only=True):
    """How a run stands.

    Attributes:
        cursor: The place in the log that this is true at; `follow` from there to go on.
        now: When the server said so, Unix seconds by its clock: ages are reckoned from it, not from yours.
        alive: Whether its writer lives.
        viewers: How many streams of it are open at the server.
        leaderboard: Candidates, best first.
        attempts: When and how each began and ended, and what was set otherwise than before.
        resumed_run: The run whose checkpoint it began from, where that could not be gone on with.
    """

    cursor: str = "0"
    seq: int = -1
    events: int = 0
    now: float | None = None
    alive: bool = False
    viewers: int = 0
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
    argv: list[str] = []
    attempts: list[JsonObject] = []
    rewinds: list[JsonObject] = []
    resumed_step: int | None = None
    resumed_run: str | None = None
    system: JsonObject | None = None
    ranks: dict[str, JsonObject] = {}
    counts: dict[str, int] = {}
    lost: int = 0
    broken: int = 0
    newer: bool = False
    checkpoints: list[JsonObject] = []
    alerts: list[JsonObject] = []
    notes: list[JsonObject] = []
    controls: JsonObject | None = None
    commands: list[JsonObject] = []
    candidates: JsonObject = {}
    leaderboard: list[JsonObject] = []
    summary: JsonObject | None = None
    result: Any = None


class Flat(msgspec.Struct, frozen=True, kw_only=True):
    """How a run stands, on one level; None is what nothing tells.

    Attributes:
        job_id: The run's id, as `run`.
        progress: The share that is done, 0 to 1.
        loss: The last training loss.
        eval_loss: The last loss of a validation.
        gpu_memory_allocated_gb: Memory in use on all GPUs, in GiB.
        eta_seconds: Seconds left.
        timestamp: When this was so, Unix seconds by the server's clock.
        complete: Whether the run is over.
    """

    run: str
    job_id: str
    name: str
    status: str
    timestamp: float
    complete: bool
    progress: float | None = None
    current_epoch: float | None = None
    total_epochs: float | None = None
    current_step: float | None = None
    total_steps: float | None = None
    loss: float | None = None
    eval_loss: float | None = None
    samples_per_second: float | None = None
    gpu_memory_allocated_gb: float | None = None
    eta_seconds: float | None = None


def number(value: Any) -> Any:
    """Return a number where one of its words stands; anything else as it is."""
    return _WORDS.get(value, value) if isinstance(value, str) else value


def events_of(lines: Iterable[Any]) -> list[AnyEvent | Unknown]:
    """Return lines of an answer as events, without those of a wrong shape."""
    found = []
    for line in lines:
        try:
            found.append(decode(msgspec.json.encode(line)))
        except EventError:
            continue
    return found


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
