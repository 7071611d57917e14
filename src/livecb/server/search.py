"""What a run said, sought in its log: log lines, and what went wrong."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from livecb import events as ev
from livecb.errors import EventError
from livecb.server.answers import ErrorPage, LinePage, LogPage
from livecb.server.frames import as_event, dump, well_formed
from livecb.server.hub import Hub
from livecb.server.index import Index
from livecb.server.lines import LEVELS, Lines, graveness
from livecb.server.openapi import described
from livecb.server.query import MOST, Cursor, Query, query_of
from livecb.server.replies import json_response
from livecb.server.stream import asked_cursor
from livecb.server.tail import Tail
from livecb.store import StoredRun

__all__ = ["GoingOn", "Search", "Wanted", "answer", "found", "json_of", "lines_of"]

_BYTES = 8 << 20
_LINES = 2000
_NAMES_OF_LEVELS = (*LEVELS, *map(str.lower, LEVELS))
_Level = Annotated[
    Literal[_NAMES_OF_LEVELS],  # type: ignore[valid-type]
    Meta(description="that level or a graver one"),
]
_Words = Annotated[str, Meta(min_length=1, max_length=500)] | None

Wanted = Callable[[ev.AnyEvent | ev.Unknown], bool]


class GoingOn(Query):
    """Which lines, going on from an answer."""

    cursor: Cursor = "0"
    limit: Annotated[int, Meta(ge=1, le=10_000, description="at most so many lines")] = 1000
    last: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="the last so many lines instead, of all there are after the cursor",
        ),
    ] = 0


class LogQuery(GoingOn):
    """Which log lines."""

    level: _Level | None = None
    logger: Annotated[_Words, Meta(description="of this logger, or one below it")] = None
    stream: Annotated[Literal["stdout", "stderr"], Meta(description="what was written there")] | None = None
    search: Annotated[_Words, Meta(description="words that the message holds, whatever their case")] = None


class LineQuery(Query):
    """Which lines, by their places."""

    level: _Level | None = None
    start: (
        Annotated[
            int,
            Meta(ge=0, le=MOST, description="the place of the first among those of the level, from 0"),
        ]
        | None
    ) = msgspec.field(name="from", default=None)
    time: Annotated[float, Meta(description="or begin with what was said then, Unix seconds")] | None = None
    step: (
        Annotated[int, Meta(ge=0, le=MOST, description="or begin where the training came to this step")]
        | None
    ) = None
    limit: Annotated[int, Meta(ge=0, le=10_000, description="at most so many lines")] = 500


class Search:
    """Handlers over a hub."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    @described(LogQuery, answer=LogPage, tag="events")
    async def logs(self, request: Request) -> Response:
        """The log lines of a run, of a level, a logger or a stream, or with some words in them."""
        asked = query_of(request, LogQuery)
        least = LEVELS[(asked.level or "DEBUG").upper()]
        words = (asked.search or "").casefold().split()

        def wanted(event: ev.AnyEvent | ev.Unknown) -> bool:
            return (
                isinstance(event, ev.Log)
                and (asked.level is None or graveness(event.level) >= least)
                and (asked.logger is None or f"{event.logger or ''}.".startswith(f"{asked.logger}."))
                and (asked.stream is None or event.stream == asked.stream)
                and all(word in event.message.casefold() for word in words)
            )

        return json_response(await answer(self.hub, request, "logs", frozenset({"log"}), wanted))

    @described(LineQuery, answer=LinePage, tag="events")
    async def lines(self, request: Request) -> Response:
        """The log lines of a run from any place, time or step on; the last ones where none is named."""
        asked = query_of(request, LineQuery)
        least = LEVELS[(asked.level or "DEBUG").upper()]
        head: dict[str, Any] = {}

        def choose(known: Lines) -> Iterable[int]:
            numbers = known.of(least)
            if asked.time is not None:
                start = known.at_time(asked.time, least)
            elif asked.step is not None:
                start = known.at_step(asked.step, numbers)
            else:
                start = len(numbers) - asked.limit if asked.start is None else asked.start
            start = min(max(0, start), len(numbers))
            head.update(total=len(known), count=len(numbers), **{"from": start})
            return numbers[start : start + asked.limit]

        def ask(index: Index) -> bytes:
            found, cursor = index.lines(choose, stop=self.hub.indexes.closing)
            return b'%b,"lines":[%b]}' % (dump({"cursor": cursor, **head})[:-1], b",".join(found))

        return json_response(await self.hub.indexes.page(request.path_params["run"], ask))

    @described(GoingOn, answer=ErrorPage, tag="events")
    async def errors(self, request: Request) -> Response:
        """What went wrong in a run: errors in its log, alerts, candidates that failed, and how it ended."""
        kinds = frozenset({"log", "alert", "model_completed", "run_ended"})
        found = await answer(self.hub, request, "errors", kinds, _is_error)
        run = request.path_params["run"]
        state = msgspec.json.decode(await self.hub.indexes.state(run, self.hub.alive(run)))
        said = {name: state[name] for name in ("status", "reason", "error", "traceback", "lost", "broken")}
        return json_response(b"%b,%b" % (found[:-1], dump(said)[1:]))


async def answer(hub: Hub, request: Request, name: str, types: frozenset[str], wanted: Wanted) -> bytes:
    """Return the JSON of what is wanted among the lines that a request asks for, under a name."""
    return json_of(name, *await found(hub, request, types, wanted))


async def found(
    hub: Hub, request: Request, types: frozenset[str], wanted: Wanted
) -> tuple[list[bytes], str, bool]:
    """Return what is wanted among the lines that a request asks for; see `lines_of`."""
    run = hub.store.run(request.path_params["run"])
    cursor, asked = asked_cursor(request), query_of(request, GoingOn)
    stop = hub.indexes.closing
    return await hub.reading.do(
        lambda: lines_of(run, types, wanted, cursor, asked.limit, last=asked.last, stop=stop)
    )


def json_of(name: str, lines: Sequence[bytes], cursor: str, reset: bool) -> bytes:
    """Return lines as they stand, under a name, with the cursor they reach up to."""
    head = dump({"cursor": cursor, "reset": reset})
    return b'%b,"%b":[%b]}' % (head[:-1], name.encode(), b",".join(lines))


def lines_of(
    run: StoredRun,
    types: frozenset[str],
    wanted: Wanted,
    cursor: str,
    limit: int,
    *,
    last: int = 0,
    stop: Callable[[], bool] = bool,
) -> tuple[list[bytes], str, bool]:
    """Return lines after a cursor, as they stand; the cursor they reach up to, and whether they began anew.

    Args:
        run: The run.
        types: The types of events that may be wanted; others are not even parsed.
        wanted: Whether an event is wanted.
        cursor: Where to begin.
        limit: The most there may be; fewer where they are long.
        last: The last so many instead, if not 0.
        stop: Whether to give up.

    Raises:
        CursorError: The cursor is none of this run.
        LogError: The log cannot be read.
    """
    found: deque[bytes] = deque(maxlen=last or None)
    tail, size = Tail([run]), 0
    try:
        place, lost = tail.parse(cursor)
        place = tail.pad(() if lost else place)
        before, reset = None, bool(lost)
        while place != before and not stop():
            before = place
            for stretch in tail.read(place, _LINES):
                if isinstance(stretch, str):
                    found.clear()
                    place, before, size, reset = tail.pad(()), None, 0, True
                    break
                for line, offset in zip(stretch.lines, stretch.offsets, strict=True):
                    if (event := _sought(line, types, wanted)) is None:
                        continue
                    found.append(event)
                    size += len(event)
                    if not last and (len(found) >= limit or size >= _BYTES):
                        place = (*place[: stretch.part], int(offset), *place[stretch.part + 1 :])
                        return list(found), tail.format(place), reset
                place = stretch.after(place)
        return list(found), tail.format(place), reset
    finally:
        tail.close()


def _sought(line: bytes, types: frozenset[str], wanted: Wanted) -> bytes | None:
    if ev.type_of(line) not in types or (event := as_event(line)) is None:
        return None
    try:
        return event if wanted(ev.decode(event)) and all(well_formed([event])) else None
    except (EventError, RecursionError):
        return None


def _is_error(event: ev.AnyEvent | ev.Unknown) -> bool:
    if isinstance(event, ev.Log):
        return graveness(event.level) >= LEVELS["ERROR"]
    if isinstance(event, ev.Alert):
        return event.level == "ERROR"
    if isinstance(event, ev.ModelCompleted):
        return not event.ok and event.outcome is None
    return isinstance(event, ev.RunEnded) and event.status in ("failed", "killed")
