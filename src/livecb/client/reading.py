"""What is asked of the API to read it, each question described once for both clients."""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import msgspec

from livecb.client.calls import Call, Chain, call_of, event_of
from livecb.client.curves import Series, Values, series_of, values_of
from livecb.client.pages import Candidates, ErrorPage, EventPage, LogPage, MarkPage, MediaPage, NotePage
from livecb.client.records import Flat, RunRow, RunState, events_of, number, record
from livecb.client.saving import check
from livecb.events import AnyEvent, JsonObject, Unknown
from livecb.logs.following import batch_of
from livecb.logs.wire import Ask, error_of

__all__ = [
    "Rows",
    "checkpoint",
    "checkpoints",
    "each_medium",
    "each_run",
    "errors",
    "events",
    "export",
    "file",
    "flat",
    "leaderboard",
    "marks",
    "media",
    "metrics",
    "model",
    "notes",
    "run",
    "runs",
    "search",
    "values",
]

Rows = list[JsonObject]

_ALL_POINTS = 100_000  # the most that the server gives at once
_PAGE = 500
_GROUPS = {"samples": "epochs"}


def runs(archived: bool | None, **query: Any) -> Call[list[RunRow]]:
    """Runs that match."""
    return call_of(_runs(archived, query), lambda said: [record(RunRow, row) for row in said["runs"]])


def each_run(archived: bool | None, **query: Any) -> Call[Chain[RunRow]]:
    """All runs that match, page by page."""

    def take(said: JsonObject) -> Chain[RunRow]:
        rows = [record(RunRow, row) for row in said["runs"]]
        last = said["next"]
        return Chain(rows, None if last is None else each_run(archived, **{**query, "after": last}))

    return call_of(_runs(archived, {**query, "limit": _PAGE}), take)


def _runs(archived: bool | None, query: JsonObject) -> Ask:
    return Ask("api/runs", {**query, "archived": {False: None, True: "1", None: "all"}[archived]})


def run(run: str) -> Call[RunState]:
    """One run."""
    return call_of(Ask.of(run), lambda said: record(RunState, said))


def flat(run: str) -> Call[Flat]:
    """One run, on one level."""

    def take(said: JsonObject) -> Flat:
        return msgspec.convert({key: _finite(key, value) for key, value in said.items()}, Flat)

    return call_of(Ask.of(run, "flat"), take)


def _finite(key: str, value: Any) -> Any:
    return value if key in ("run", "job_id", "name", "status") else number(value)


def events(run: str, cursor: str, types: Collection[str] | None, limit: int, wait: float) -> Call[EventPage]:
    """Events after a cursor."""
    words = ",".join(types) if types else None
    ask = Ask.of(run, "events", cursor=cursor, types=words, limit=limit, wait=wait or None, cursors=1)
    return Call(ask, _page)


def metrics(
    run: str,
    names: Collection[str] | None,
    x: str,
    points: int | None,
    start: float | None,
    end: float | None,
) -> Generator[Call[Any], Any, Series]:
    """Columns of metrics; where there is none of a name, also which names there are."""
    named = None if names is None else [names] if isinstance(names, str) else [*names]
    query = {"name": named, "x": x, "points": points or _ALL_POINTS, "from": start, "to": end}
    if named == []:
        query["names"] = ""  # a list of none is not in the address, and would ask for all
    found: Series = yield call_of(Ask.of(run, "series", **query), series_of)
    if set(named or ()) <= found.series.keys():
        return found
    there: list[str] = yield call_of(Ask.of(run), lambda said: list(said["metrics"]))
    return msgspec.structs.replace(found, names=there)


def values(
    run: str, name: str, x: str, start: float | None, end: float | None
) -> Generator[Call[JsonObject], JsonObject, Values]:
    """Every page of one metric."""
    pages: list[JsonObject] = []
    query = {"name": name, "x": x, "from": start, "to": end, "limit": _ALL_POINTS}
    after: int | None = 0
    while after is not None:
        page = yield call_of(Ask.of(run, "metrics", **query, after=after or None), lambda said: said)
        pages.append(page)
        after = page["next"]
    return values_of(pages)


def search(run: str, cursor: str, **query: Any) -> Call[LogPage]:
    """Lines of text."""
    return call_of(Ask.of(run, "logs", cursor=cursor, **query), lambda said: msgspec.convert(said, LogPage))


def notes(run: str, cursor: str, limit: int | None, last: int | None) -> Call[NotePage]:
    """Notes."""
    ask = Ask.of(run, "notes", cursor=cursor, limit=limit, last=last)
    return call_of(ask, lambda said: msgspec.convert(said, NotePage))


def errors(run: str, cursor: str, limit: int | None, last: int | None) -> Call[ErrorPage]:
    """What went wrong."""
    ask = Ask.of(run, "errors", cursor=cursor, limit=limit, last=last)

    def take(said: JsonObject) -> ErrorPage:
        known: dict[str, Any] = {name: said.get(name) for name in ErrorPage.__struct_fields__}
        return ErrorPage(**{**known, "errors": events_of(said["errors"])})

    return call_of(ask, take)


def marks(run: str) -> Call[MarkPage]:
    """What happened on the way."""
    return call_of(Ask.of(run, "marks"), lambda said: msgspec.convert(said, MarkPage))


def leaderboard(run: str, limit: int | None) -> Call[Candidates]:
    """The candidates of a search."""
    return call_of(Ask.of(run, "leaderboard", limit=limit), lambda said: msgspec.convert(said, Candidates))


def media(run: str, what: str, limit: int, **query: Any) -> Call[MediaPage]:
    """A page of samples, pictures or other media."""
    return call_of(_media(run, what, limit, query), lambda said: _media_of(said, what))


def each_medium(run: str, what: str, **query: Any) -> Call[Chain[AnyEvent | Unknown]]:
    """All of them, the newest first, page by page."""

    def take(said: JsonObject) -> Chain[AnyEvent | Unknown]:
        page = _media_of(said, what)
        after = None if page.next is None else each_medium(run, what, **{**query, "before": page.next})
        return Chain(page.events, after)

    return call_of(_media(run, what, _PAGE, query), take)


def _media(run: str, what: str, limit: int, query: JsonObject) -> Ask:
    return Ask.of(run, what, **query, limit=limit)


def _media_of(said: JsonObject, what: str) -> MediaPage:
    pairs = zip(said[what], said.get("abandoned") or [False] * len(said[what]), strict=True)
    found = [(events_of([line]), gone) for line, gone in pairs]
    left = said["before"] - len(said[what])
    return MediaPage(
        events=[event for events, _ in found for event in events],
        abandoned=[gone for events, gone in found for _ in events],
        total=said["total"],
        count=said["count"],
        groups=said[_GROUPS.get(what, "names")],
        trends=said.get("trends", {}),
        next=left if left > 0 and said[what] else None,
        cursor=said["cursor"],
    )


def checkpoints(run: str) -> Call[Rows]:
    """Checkpoints and artifacts."""
    return call_of(Ask.of(run, "checkpoints"), lambda said: said["checkpoints"])


def checkpoint(run: str, number: str) -> Ask:
    """The bytes of one."""
    return replace(Ask.of(run, f"checkpoints/{quote(number, safe='')}"), accept="*/*")


def model(run: str, which: str) -> Ask:
    """The bytes of the best checkpoint, or of the final one."""
    return replace(Ask.of(run, "model", which=which), accept="*/*")


def export(run: str, format: str) -> Ask:
    """All of a run."""
    return replace(Ask.of(run, "export", format=format), accept="*/*")


def file(run: str, digest: str) -> Call[bytes]:
    """The bytes of a file."""
    ask = Ask.of(run, f"files/{quote(digest, safe='')}")

    def decode(status: int, body: bytes) -> bytes:
        if status >= 400:
            raise error_of(status, body, ask.path)
        return check(body, digest)

    return Call(replace(ask, accept="*/*"), decode)


def _page(status: int, body: bytes) -> EventPage:
    batch, alive = batch_of(status, body)
    found = [event for event in map(event_of, batch.lines) if event is not None]
    return EventPage(events=found, cursor=batch.cursor, reset=batch.reset, alive=alive)
