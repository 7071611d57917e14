"""The types of events: immutable values that know nothing of runs, logs or the net."""

from __future__ import annotations

from typing import Any, Literal, cast

import msgspec

__all__ = [
    "EVENTS",
    "VERSION",
    "Alert",
    "AnyEvent",
    "Artifact",
    "Audio",
    "Checkpoint",
    "Command",
    "Config",
    "Controls",
    "Event",
    "Figure",
    "FileRef",
    "Gpu",
    "Histogram",
    "Image",
    "JsonObject",
    "Log",
    "Metrics",
    "ModelCompleted",
    "Note",
    "Number",
    "Parameter",
    "Progress",
    "RunEnded",
    "RunStarted",
    "Sample",
    "Status",
    "System",
    "Table",
    "Totals",
    "Unknown",
]

VERSION = 1
"""Version of the vocabulary, written into every `run_started`. Readers accept newer ones."""

Number = float | int | bool | Literal["NaN", "Infinity", "-Infinity"]
"""A number as JSON holds it: `decode` turns the three strings back into floats; true is 1."""

JsonObject = dict[str, Any]


class Event(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="event"):
    """What every event carries.

    Attributes:
        seq: Number of this event among its writer's, from 0, without gaps: a gap is a loss.
        time: When it was said, Unix time in seconds.
        step: Optimizer steps done.
        batch: Batches seen in training (differs from `step` under gradient accumulation and
            with several optimizers).
        epoch: Epochs done, fractional.
        samples: Training samples seen.
        tokens: Training tokens seen.
        rank: Rank of the writer in a distributed training, 0 if it is the only one.
    """

    seq: int
    time: float
    step: int | None = None
    batch: int | None = None
    epoch: float | None = None
    samples: int | None = None
    tokens: int | None = None
    rank: int = 0


class Totals(msgspec.Struct, frozen=True, omit_defaults=True):
    """How much there is to do, where it is known."""

    epochs: float | None = None
    steps: int | None = None
    batches: int | None = None
    batches_per_epoch: int | None = None
    samples: int | None = None


class FileRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file stored beside the log under its content's hash.

    Attributes:
        hash: SHA-256 of the content, hexadecimal.
        name: A name to show and to save it under.
        size: Bytes.
        mime: Media type.
    """

    hash: str
    name: str
    size: int
    mime: str = "application/octet-stream"


class RunStarted(Event, frozen=True, kw_only=True, tag="run_started"):
    """A writer began: the first event of every attempt.

    Attributes:
        version: Version of the vocabulary.
        run: The run's id.
        name: Free text to show.
        attempt: 1 at first, one more each time the run is taken up again.
        resumed_step: The step this attempt goes on from.
        resumed_run: The run whose checkpoint this one begins from, where it could not go on with that run.
        earlier_words: What the attempt before left that died without an end in the log; empty for `kill -9`.
        process_started: Start time of the process, Unix seconds (with `pid` it names a process).
    """

    version: int
    run: str
    name: str
    project: str | None = None
    framework: str | None = None
    versions: dict[str, str] = {}
    config: JsonObject = {}
    totals: Totals | None = None
    tags: list[str] = []
    host: str = ""
    pid: int = 0
    process_started: float | None = None
    world_size: int = 1
    attempt: int = 1
    resumed_step: int | None = None
    resumed_run: str | None = None
    earlier_words: str = ""
    argv: list[str] = []


class Config(Event, frozen=True, kw_only=True, tag="config"):
    """Hyperparameters, totals or versions that became known, or changed, after the start.

    Attributes:
        removed: Names of hyperparameters that hold no more.
    """

    config: JsonObject = {}
    removed: list[str] = []
    totals: Totals | None = None
    framework: str | None = None
    versions: dict[str, str] = {}
    resumed_step: int | None = None


class Status(Event, frozen=True, kw_only=True, tag="status"):
    """What the run is doing: `status` in livecb's words, `phase` in the framework's."""

    status: Literal["running", "paused", "stalled", "evaluating", "saving", "predicting", "sanity_checking"]
    phase: str | None = None
    message: str | None = None


class Progress(Event, frozen=True, kw_only=True, tag="progress"):
    """How far it is: complete in itself, for a bar that needs nothing else.

    Attributes:
        done: Units done.
        total: Units in all; absent if unknown.
        unit: What is counted: `step`, `batch`, `epoch`, `sample`, `candidate` ...
        phase: What this bar is about (`train`, `validate` ...).
        rate: Units a second, lately.
        elapsed: Seconds since this phase began.
        left: Seconds left, estimated.
        counters: Such as `succeeded`, `failed`, `saved`.
        fields: Whatever else the loop wants shown.
    """

    done: float
    total: float | None = None
    unit: str = "step"
    phase: str | None = None
    rate: float | None = None
    elapsed: float | None = None
    left: float | None = None
    counters: dict[str, int] = {}
    fields: JsonObject = {}


class Metrics(Event, frozen=True, kw_only=True, tag="metrics"):
    """Values by name, and the context they were measured in (`train`, `val`, `test` ...)."""

    values: dict[str, Number]
    context: str | None = None


class Log(Event, frozen=True, kw_only=True, tag="log"):
    """A line of text: a logging record (`logger`), or output (`stream`: stdout or stderr)."""

    message: str
    level: str = "INFO"
    logger: str | None = None
    stream: str | None = None


class ModelCompleted(Event, frozen=True, kw_only=True, tag="model_completed"):
    """A row of a leaderboard: a candidate is done, or one fold of its cross-validation.

    Attributes:
        place: Its place so far, 1 is best.
        reason: Why it failed or was left out, when `ok` is false.
        outcome: How it was left out, when that is no failure: pruned by its search, skipped while it was
            under way, or dropped before.
        by: Who left it out.
        goal: Which way its first score is better, where the score's name does not tell.
        goals: Which way each of its scores is better, where they count alike: the best candidates are
            then those that no other one is better than.
        fold: The fold that is done, from 0; absent for the candidate as a whole.
        folds: Folds of its cross-validation. Rows with the same `name` and `params` are one candidate's.
        rung: Round of a search by halving, from 0: later ones outrank earlier ones.
    """

    name: str
    ok: bool
    params: JsonObject = {}
    scores: dict[str, Number] = {}
    fit_seconds: float | None = None
    place: int | None = None
    reason: str | None = None
    outcome: Literal["pruned", "skipped", "dropped"] | None = None
    by: str | None = None
    importances: dict[str, Number] = {}
    goal: Literal["min", "max"] | None = None
    goals: list[Literal["min", "max"]] | None = None
    fold: int | None = None
    folds: int | None = None
    rung: int | None = None


class Sample(Event, frozen=True, kw_only=True, tag="sample"):
    """What the model makes of one input: text, a table row, or files."""

    input: Any = None
    target: Any = None
    prediction: Any = None
    name: str | None = None
    scores: dict[str, Number] = {}
    files: list[FileRef] = []


class Image(Event, frozen=True, kw_only=True, tag="image"):
    """A picture."""

    name: str
    file: FileRef
    caption: str | None = None
    width: int | None = None
    height: int | None = None


class Figure(Event, frozen=True, kw_only=True, tag="figure"):
    """A drawing, as SVG or PNG."""

    name: str
    file: FileRef
    caption: str | None = None


class Histogram(Event, frozen=True, kw_only=True, tag="histogram"):
    """Counts between edges; one more edge than counts."""

    name: str
    edges: list[Number]
    counts: list[int]


class Table(Event, frozen=True, kw_only=True, tag="table"):
    """Rows under columns."""

    name: str
    columns: list[str]
    rows: list[list[Any]]


class Audio(Event, frozen=True, kw_only=True, tag="audio"):
    """A sound."""

    name: str
    file: FileRef
    caption: str | None = None
    seconds: float | None = None


class Gpu(msgspec.Struct, frozen=True, omit_defaults=True):
    """One GPU: load in percent, memory in bytes, temperature in °C, power in watts."""

    index: int
    name: str = ""
    load: float | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    temperature: float | None = None
    power: float | None = None


class System(Event, frozen=True, kw_only=True, tag="system"):
    """The machine: percent of all cores, bytes.

    Attributes:
        cpu: Load of the host, 0-100.
        memory_used: Bytes in use on the host.
        memory_total: Bytes of the host.
        process_cpu: Load of this process and its children, 100 is one core.
        process_memory: Resident bytes of this process and its children.
    """

    cpu: float | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    process_cpu: float | None = None
    process_memory: int | None = None
    gpus: list[Gpu] = []


class Checkpoint(Event, frozen=True, kw_only=True, tag="checkpoint"):
    """A checkpoint was saved, and the metric it was saved for."""

    path: str
    size: int | None = None
    hash: str | None = None
    metric: str | None = None
    value: Number | None = None


class Artifact(Event, frozen=True, kw_only=True, tag="artifact"):
    """A file that belongs to the run; downloadable when `file` is there."""

    name: str
    path: str | None = None
    file: FileRef | None = None


class Alert(Event, frozen=True, kw_only=True, tag="alert"):
    """Something a person should know."""

    title: str
    text: str = ""
    level: Literal["INFO", "WARN", "ERROR"] = "WARN"


class Note(Event, frozen=True, kw_only=True, tag="note"):
    """What a person wrote, about the run or about `step`.

    Attributes:
        id: Names a reader's note; one with the same id that comes later stands in its place.
        edited: When it was said anew, Unix seconds; `time` is when it was said first.
        deleted: Whether it was taken back.
    """

    text: str
    author: str | None = None
    id: str | None = None
    edited: float | None = None
    deleted: bool = False


class Command(Event, frozen=True, kw_only=True, tag="command"):
    """A reader's wish was asked, applied or refused.

    Attributes:
        name: `pause`, `resume`, `stop`, `save`, `evaluate`, `sample`, `skip`, `drop`, `add` or `set`.
        id: Names the wish: what was asked and what became of it have the same.
        by: Whose wish it is.
        parameter: What is set.
        old: Its value before.
        new: Its value then, or the value asked for; of `skip`, `drop` and `add`, the candidate's name.
        reason: Why it was refused, or what to know of how it was applied.
    """

    name: str
    phase: Literal["asked", "applied", "refused"]
    id: str | None = None
    by: str | None = None
    parameter: str | None = None
    old: Any = None
    new: Any = None
    reason: str | None = None


class Parameter(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value that readers may set while the run goes on.

    Attributes:
        min: The smallest value it takes.
        max: The largest.
        reason: Why it cannot be set now; absent where it can.
    """

    name: str
    value: Any = None
    min: float | None = None
    max: float | None = None
    reason: str | None = None


class Controls(Event, frozen=True, kw_only=True, tag="controls"):
    """What readers may ask of the run; what this says replaces what was said before.

    Attributes:
        commands: Why each command cannot be obeyed, by name; empty where it can.
        parameters: What can be set, and what cannot with the reason.
        candidates: Names of those that `skip`, `drop` and `add` can be asked of, by command; the first
            that can be skipped is the one under way.
    """

    commands: dict[str, str] = {}
    parameters: list[Parameter] = []
    candidates: dict[str, list[str]] = {}


class RunEnded(Event, frozen=True, kw_only=True, tag="run_ended"):
    """The writer's last word.

    Attributes:
        status: How it ended. A run without this event whose writer is gone is *crashed*.
        reason: Why, in words (`early_stopped`, `KeyboardInterrupt`, `SIGTERM` ...).
        error: Type and message of the exception.
        by: Who stopped it.
        summary: Last values, and what the user set.
        result: What the training returned, if it says.
        lost: Events that could not be written.
    """

    status: Literal["completed", "failed", "stopped", "killed"]
    reason: str | None = None
    error: str | None = None
    traceback: str | None = None
    by: str | None = None
    summary: JsonObject = {}
    result: Any = None
    lost: int = 0


class Unknown(msgspec.Struct, frozen=True):
    """An event of a type that this version does not know, with all it says in `data`."""

    data: JsonObject

    @property
    def seq(self) -> int:
        """Number among its writer's events, -1 if it has none."""
        seq = self.data.get("seq")
        return seq if isinstance(seq, int) else -1

    @property
    def time(self) -> float:
        """Unix time in seconds, 0 if it has none."""
        time = self.data.get("time")
        return float(time) if isinstance(time, (int, float)) else 0.0


AnyEvent = (
    RunStarted
    | Config
    | Status
    | Progress
    | Metrics
    | Log
    | ModelCompleted
    | Sample
    | Image
    | Figure
    | Histogram
    | Table
    | Audio
    | System
    | Checkpoint
    | Artifact
    | Alert
    | Note
    | Command
    | Controls
    | RunEnded
)

EVENTS: dict[str, type[Event]] = {cast(str, cls.__struct_config__.tag): cls for cls in AnyEvent.__args__}
"""Every event type by the word that stands in its `type`."""
