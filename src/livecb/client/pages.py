"""What the API answers with a page at a time, as immutable values."""

from __future__ import annotations

import msgspec

from livecb.events import AnyEvent, JsonObject, Log, Note, Unknown

__all__ = ["Candidates", "ErrorPage", "EventPage", "LogPage", "MarkPage", "MediaPage", "NotePage"]


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
    """Samples, pictures or other media, the newest first.

    Attributes:
        total: How many there are in all.
        count: How many there are of those asked for.
        groups: The epochs with their mean scores, or the names of pictures with how many each has.
        trends: By score, of samples: how its mean went from epoch to epoch.
        abandoned: Of each event, whether a later attempt went on from before it.
        next: The `before` that asks for the page after this one; None if this is the last.
        cursor: The place in the log that this is true at.
    """

    events: list[AnyEvent | Unknown]
    total: int
    count: int
    groups: list[JsonObject]
    next: int | None
    cursor: str
    trends: dict[str, JsonObject] = {}
    abandoned: list[bool] = []


class LogPage(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of text; `cursor` asks for those after them, and `reset` says that the log began anew."""

    logs: list[Log]
    cursor: str
    reset: bool


class NotePage(msgspec.Struct, frozen=True, kw_only=True):
    """What readers and the training noted; `cursor` asks for what was written, edited and deleted since."""

    notes: list[Note]
    cursor: str
    reset: bool


class ErrorPage(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong in a run.

    Attributes:
        errors: Log lines, alerts, candidates that failed, an end that is no good one.
        status: How the run stands.
        reason: Why it ended so.
        error: What was raised, with its `traceback`.
        lost: Events that could not be written.
        broken: Lines of the log that are none.
    """

    errors: list[AnyEvent | Unknown]
    cursor: str
    reset: bool
    status: str
    reason: str | None = None
    error: str | None = None
    traceback: str | None = None
    lost: int = 0
    broken: int = 0


class MarkPage(msgspec.Struct, frozen=True, kw_only=True):
    """Checkpoints, alerts, notes and answered commands, the oldest first.

    Attributes:
        marks: As they stand in the log, with their `attempt`, and whether it was `abandoned` there.
        counts: How many there were of each.
        left_out: How many more than come here.
    """

    marks: list[JsonObject]
    counts: dict[str, int]
    left_out: int
    cursor: str


class Candidates(msgspec.Struct, frozen=True, kw_only=True):
    """The leaderboard of a search: `count` candidates in all, the best first."""

    leaderboard: list[JsonObject]
    count: int
    cursor: str
