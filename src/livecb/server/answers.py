"""The shapes of the API's answers: what `api/openapi.json` says of them, and what the tests hold them to.

The handlers build their answers from what the log and the fold say, without going through these types.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from livecb import events as ev
from livecb.baselines import Baseline
from livecb.events import JsonObject, Number

__all__ = [
    "Appended",
    "BaselinePage",
    "CheckpointPage",
    "Comparison",
    "Emptied",
    "ErrorPage",
    "EventPage",
    "Flat",
    "Forgotten",
    "Health",
    "ImagePage",
    "Labelled",
    "LeaderboardPage",
    "LinePage",
    "LogPage",
    "MarkPage",
    "MediaPage",
    "MetricPage",
    "NotePage",
    "Problem",
    "RunDeleted",
    "RunNamed",
    "RunPage",
    "RunRow",
    "RunState",
    "SamplePage",
    "SeriesPage",
    "TrashPage",
    "Uploaded",
    "ValuePage",
]

Maybe = float | None
Status = Literal[
    "starting",
    "running",
    "paused",
    "stalled",
    "evaluating",
    "saving",
    "predicting",
    "sanity_checking",
    "completed",
    "failed",
    "stopped",
    "killed",
    "crashed",
]


class Refusal(msgspec.Struct):
    """A problem as clients of before read it."""

    status: int
    title: str
    detail: str


class Problem(msgspec.Struct):
    """Problem details (RFC 9457).

    `detail` says what is wrong, and what to do; some problems have members of their own, such as the
    `cursor` to go on from.
    """

    type: str
    title: str
    status: int
    detail: str
    error: Refusal
    cursor: str | msgspec.UnsetType = msgspec.UNSET
    line: int | msgspec.UnsetType = msgspec.UNSET


class Health(msgspec.Struct):
    """Which server this is."""

    livecb: str
    store: str
    pid: int


class Progress(msgspec.Struct):
    """How far a run is; `left` in seconds, `finish` in Unix seconds, null where nothing tells."""

    fraction: float | None
    done: Number | None
    total: Number | None
    unit: str
    phase: str | None
    rate: Number | None
    elapsed: Number | None
    left: Number | None
    finish: Number | None
    counters: dict[str, int]
    fields: JsonObject


class LatestValue(msgspec.Struct):
    """The last value of a metric, and the best one where its name tells which way is better (`goal`)."""

    value: Number | None
    step: int | None
    best: Number | None
    goal: Literal["min", "max"] | None


class Spark(msgspec.Struct):
    """The way of one metric, in some forty finite values."""

    name: str
    y: list[float]


class _Run(msgspec.Struct, kw_only=True):
    """What the list and the State say alike of a run; times in Unix seconds, `elapsed` in seconds."""

    run: str
    name: str
    project: str | None
    framework: str | None
    tags: list[str]
    archived: bool
    status: Status
    phase: str | None
    started: float | None
    attempt_started: float | None
    updated: float | None
    ended: float | None
    elapsed: float | None
    attempt: int
    progress: Progress | None


class RunRow(_Run, kw_only=True):
    """A run in the list; `error` where its log cannot be folded."""

    metrics: dict[str, LatestValue]
    spark: Spark | None
    error: str | msgspec.UnsetType = msgspec.UNSET


class RunPage(msgspec.Struct):
    """Runs of the list: `total` match in all, `next` is the `after` of the next page."""

    runs: list[RunRow]
    now: float
    total: int
    next: str | None


class MetricStats(msgspec.Struct):
    """What a metric comes to; `best` where its name tells which way is better (`goal`)."""

    chart: str
    series: str
    context: str | None
    count: int
    nonfinite: int
    value: Number | None
    step: int | None
    epoch: Number | None
    time: Number | None
    first: Number | None
    min: Number | None
    min_step: int | None
    max: Number | None
    max_step: int | None
    goal: Literal["min", "max"] | None
    best: Number | None
    best_step: int | None
    best_time: Number | None
    previous: Number | None


class Attempt(msgspec.Struct):
    """One life of a run.

    Attributes:
        reason: Why it ended, or the error that it ended with.
        changed: Settings that are not as the attempt before had them: old and new, by dotted name.
    """

    attempt: int
    status: str
    started: float | None
    ended: float | None
    reason: str | None
    by: str | None
    resumed_step: int | None
    changed: dict[str, list[Any]]


class Rewind(msgspec.Struct):
    """An attempt that went on from an earlier step than had been reached."""

    attempt: int
    from_step: int
    to_step: int
    time: float


class RankSeen(msgspec.Struct):
    """What came from a rank other than the first."""

    events: int
    updated: float
    step: int | None
    system: JsonObject | None


class Steerable(msgspec.Struct):
    """A parameter that can be set; or not, with the `reason`."""

    name: str
    value: Any
    min: float | None
    max: float | None
    reason: str | None


class Controls(msgspec.Struct):
    """What can be asked of a run: why each command cannot be obeyed, empty where it can."""

    commands: dict[str, str]
    parameters: list[Steerable]


class CheckpointMark(ev.Checkpoint, tag="checkpoint", frozen=True, kw_only=True):
    """A checkpoint, its attempt, and whether a later one went on from before it."""

    attempt: int = 1
    abandoned: bool = False


class AlertMark(ev.Alert, tag="alert", frozen=True, kw_only=True):
    """An alert, its attempt, and whether a later one went on from before it."""

    attempt: int = 1
    abandoned: bool = False


class NoteMark(ev.Note, tag="note", frozen=True, kw_only=True):
    """A note, the attempt it was written in, and whether a later one went on from before its step."""

    attempt: int = 1
    abandoned: bool = False


class CommandMark(ev.Command, tag="command", frozen=True, kw_only=True):
    """A command that was answered, its attempt, and whether a later one went on from before it."""

    attempt: int = 1
    abandoned: bool = False


class RunState(_Run, kw_only=True):
    """All that is known of a run, as it stands at `cursor`; `viewers` streams of it are open now."""

    cursor: str
    viewers: int
    seq: int
    events: int
    now: float
    message: str | None
    alive: bool
    reason: str | None
    error: str | None
    traceback: str | None
    stopped_by: str | None
    versions: dict[str, str]
    host: str
    pid: int
    world_size: int
    argv: list[str]
    attempts: list[Attempt]
    resumed_step: int | None
    resumed_run: str | None
    rewinds: list[Rewind]
    config: JsonObject
    totals: JsonObject | None
    step: Number | None
    batch: Number | None
    epoch: Number | None
    samples: Number | None
    tokens: Number | None
    metrics: dict[str, MetricStats]
    system: JsonObject | None
    ranks: dict[str, RankSeen]
    counts: dict[str, int]
    lost: int
    broken: int
    newer: bool
    checkpoints: list[CheckpointMark]
    alerts: list[AlertMark]
    notes: list[NoteMark]
    controls: Controls | None
    commands: list[ev.Command]
    candidates: Tally
    leaderboard: list[Candidate]
    summary: JsonObject
    result: Any


class Tally(msgspec.Struct):
    """How many candidates there are, and how many of them have no score: failed, or left out."""

    total: int
    failed: int
    pruned: int
    skipped: int
    dropped: int


class Candidate(msgspec.Struct, kw_only=True):
    """A candidate of the leaderboard: a `model_completed` event with its number and its place now."""

    name: str
    number: int
    ok: bool
    place: int | None
    params: JsonObject = {}
    scores: dict[str, Number] = {}
    fit_seconds: float | None = None
    reason: str | None = None
    folds: int | None = None
    folds_done: int | None = None


class Flat(msgspec.Struct, kw_only=True):
    """How a run stands, on one level; null is what nothing tells.

    Attributes:
        job_id: The run's id, as `run`.
        progress: The share that is done, 0 to 1.
        loss: The last training loss.
        eval_loss: The last loss of a validation.
        gpu_memory_allocated_gb: Memory in use on all GPUs, in GiB.
        eta_seconds: Seconds left.
        timestamp: When this was so, Unix seconds.
        complete: Whether the run is over: this is the last message.
    """

    job_id: str
    run: str
    name: str
    status: str
    progress: Number | None
    current_epoch: Number | None
    total_epochs: Number | None
    current_step: Number | None
    total_steps: Number | None
    loss: Number | None
    eval_loss: Number | None
    samples_per_second: Number | None
    gpu_memory_allocated_gb: float | None
    eta_seconds: Number | None
    timestamp: float
    complete: bool


class LeaderboardPage(msgspec.Struct):
    """Candidates, the best first; `count` is how many there are in all.

    Asked `since` a mark, `leaderboard` holds those that changed since; `order` are the numbers of all, the
    best first, and `places` their places.
    """

    cursor: str
    count: int
    mark: str
    leaderboard: list[Candidate]
    order: list[int] | msgspec.UnsetType = msgspec.UNSET
    places: list[int | None] | msgspec.UnsetType = msgspec.UNSET


class EventPage(msgspec.Struct):
    """Events after a cursor, as they stand in the log; `reset`: they begin anew. See `api/schema`."""

    cursor: str
    reset: bool
    alive: bool
    events: list[JsonObject]
    cursors: list[str] | msgspec.UnsetType = msgspec.UNSET


class LinePage(msgspec.Struct):
    """Log lines from a place on: `total` are there in all, `count` of the level that was asked for."""

    cursor: str
    total: int
    count: int
    start: int = msgspec.field(name="from")
    lines: list[ev.Log]


class LogPage(msgspec.Struct):
    """Log lines."""

    cursor: str
    reset: bool
    logs: list[ev.Log]


class NotePage(msgspec.Struct):
    """Notes, the trainer's and readers'."""

    cursor: str
    reset: bool
    notes: list[ev.Note]


class MarkPage(msgspec.Struct):
    """What happened on a run's way, the oldest first; `counts` is how much in all, `left_out` the rest."""

    cursor: str
    counts: dict[str, int]
    left_out: int
    marks: list[CheckpointMark | AlertMark | NoteMark | CommandMark]


class ErrorPage(msgspec.Struct):
    """What went wrong, and how the run stands."""

    cursor: str
    reset: bool
    errors: list[ev.Log | ev.Alert | ev.ModelCompleted | ev.RunEnded]
    status: Status
    reason: str | None
    error: str | None
    traceback: str | None
    lost: int
    broken: int


class SeriesColumns(msgspec.Struct):
    """One metric by columns of the same length, `samples` and `tokens` where it tells them.

    `count` is before thinning.
    """

    chart: str
    series: str
    count: int
    thinned: bool
    axis: str
    x: list[Number | None]
    y: list[Number | None]
    step: list[Number | None]
    batch: list[Number | None]
    time: list[float | None]
    epoch: list[Number | None]
    attempt: list[int]
    samples: list[Number | None] | None = None
    tokens: list[Number | None] | None = None


class SeriesPage(msgspec.Struct):
    """Metrics for charts, thinned, exactly as they stand at `cursor`."""

    cursor: str
    x: str
    points: int
    series: dict[str, SeriesColumns]
    rewinds: list[Rewind]


class MetricPage(msgspec.Struct):
    """What all metrics come to."""

    cursor: str
    metrics: dict[str, MetricStats]


class ValuePage(msgspec.Struct):
    """Values of one metric as they were logged; `next` is the `after` of the next page."""

    cursor: str
    name: str
    count: int
    after: int
    next: int | None
    value: list[Number | None]
    step: list[Number | None]
    batch: list[Number | None]
    epoch: list[Number | None]
    samples: list[Number | None]
    tokens: list[Number | None]
    time: list[Number | None]
    attempt: list[int]


class MeanScore(msgspec.Struct):
    """The mean of finite scores, and how many they are."""

    mean: float
    count: int


class EpochOfSamples(msgspec.Struct):
    """What the samples of an epoch come to."""

    epoch: int | None
    count: int
    scores: dict[str, MeanScore]


class SamplePage(msgspec.Struct):
    """Samples, the newest first, with the totals of every epoch and how their scores went.

    `attempts` and `abandoned` say of each sample its attempt, and whether a later one gave it up.
    """

    cursor: str
    total: int
    count: int
    before: int
    attempts: list[int]
    abandoned: list[bool]
    epochs: list[EpochOfSamples]
    trends: dict[str, Trend]
    samples: list[ev.Sample]


class Trend(msgspec.Struct):
    """How the mean of a score went from epoch to epoch; `change` is the last less the one before."""

    epochs: list[int | None]
    means: list[float]
    change: float | None
    best: float | None
    best_epoch: int | None


class PicturesOfName(msgspec.Struct):
    """How many pictures, sounds, histograms or tables go by a name."""

    name: str
    count: int


class ImagePage(msgspec.Struct):
    """Pictures, the newest first, and the names there are; `attempts` and `abandoned` as of samples."""

    cursor: str
    total: int
    count: int
    before: int
    attempts: list[int]
    abandoned: list[bool]
    names: list[PicturesOfName]
    images: list[ev.Image | ev.Figure]


class MediaPage(msgspec.Struct):
    """Sounds, histograms or tables, the newest first, and the names there are."""

    cursor: str
    total: int
    count: int
    before: int
    attempts: list[int]
    abandoned: list[bool]
    names: list[PicturesOfName]
    media: list[ev.Audio | ev.Histogram | ev.Table]


class Kept(msgspec.Struct, kw_only=True):
    """A checkpoint or an artifact; `reason` says why it is not `available`."""

    number: str
    type: Literal["checkpoint", "artifact"]
    seq: int
    time: float
    available: bool
    reason: str | None
    path: str | None = None
    name: str | None = None
    size: int | None = None
    metric: str | None = None
    value: Number | None = None
    step: int | None = None
    file: ev.FileRef | None = None


class CheckpointPage(msgspec.Struct):
    """What a run saved; `final` and `best` are the numbers of those that `model` gives."""

    checkpoints: list[Kept]
    final: str | None
    best: str | None


class Labelled(msgspec.Struct):
    """What readers call a run now."""

    run: str
    name: str | None
    tags: list[str] | None
    archived: bool


class RunNamed(msgspec.Struct):
    """The run that was meant."""

    run: str


class RunDeleted(msgspec.Struct):
    """A deleted run: `deleted` in Unix seconds; it can be brought back for `days`."""

    run: str
    deleted: float
    days: int


class Trashed(msgspec.Struct):
    """A run in the trash."""

    run: str
    deleted: float


class TrashPage(msgspec.Struct):
    """The deleted runs that can be brought back."""

    runs: list[Trashed]
    days: int


class Emptied(msgspec.Struct):
    """How many were removed."""

    removed: int


class Forgotten(msgspec.Struct):
    """What was removed."""

    name: str


class Appended(msgspec.Struct):
    """Where a part of the log ends now: the `at` of what comes next."""

    run: str
    part: str
    cursor: str


class Uploaded(msgspec.Struct):
    """A file that a run has now."""

    run: str
    hash: str
    size: int


class BaselinePage(msgspec.Struct):
    """All baselines, by their names."""

    baselines: list[Baseline]


class Compared(msgspec.Struct):
    """A metric of both; `relative` is the difference as a share of the baseline's."""

    goal: str | None
    run: Any
    baseline: Any
    difference: float | None
    relative: float | None
    verdict: Literal["better", "worse", "equal"] | None


class Setting(msgspec.Struct):
    """A setting of both."""

    run: Any
    baseline: Any


class Comparison(msgspec.Struct, kw_only=True):
    """A run beside a baseline or another run."""

    run: str
    baseline: str | None
    other: str = msgspec.field(name="with")
    taken: float
    better: int
    worse: int
    equal: int
    metrics: dict[str, Compared]
    config: dict[str, Setting]
