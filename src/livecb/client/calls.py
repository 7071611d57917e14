"""The verbs of the API, each described once: what is asked, and what the answer means."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Generator, Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from livecb.client.curves import Series, Values, series_of, values_of
from livecb.client.records import Asked, EventPage, MediaPage, RunRow, RunState, record
from livecb.client.saving import check
from livecb.errors import EventError, ServerError
from livecb.events import AnyEvent, Event, FileRef, JsonObject, Note, Unknown, decode, encode
from livecb.logs.following import batch_of
from livecb.logs.wire import Address, Ask, answer_of, error_of
from livecb.server import launch
from livecb.store import default_root

__all__ = [
    "Call",
    "Rows",
    "address_of",
    "append",
    "call_of",
    "change",
    "checkpoint",
    "checkpoints",
    "delete",
    "digest_of",
    "event_of",
    "events",
    "export",
    "file",
    "images",
    "metrics",
    "note",
    "restore",
    "run",
    "runs",
    "samples",
    "send",
    "values",
]

T = TypeVar("T")

Rows = list[JsonObject]

_ALL_POINTS = 100_000  # the most that the server gives at once


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A question, and what makes its answer a value."""

    ask: Ask
    decode: Callable[[int, bytes], T]


def address_of(address: str | None, token: str | None) -> Address:
    """Return the address that is meant; that of this machine's own server if none is named.

    Raises:
        ServerError: It is no address, or no server of this machine's store runs.
    """
    if address is not None:
        return Address.parse(address, token)
    root = default_root()
    if (found := launch.find(root)) is None:
        raise ServerError(
            f"no server of the store {os.fspath(root)} runs; start one with `livecb view`, "
            "or name the address of another: Client('http://...')"
        )
    return Address.parse(found.url(), token)


def event_of(line: bytes) -> AnyEvent | Unknown | None:
    """Return a line as an event, None if it is of a wrong shape."""
    try:
        return decode(line)
    except EventError:
        return None


def runs(archived: bool | None, limit: int | None, **query: Any) -> Call[list[RunRow]]:
    """Runs that match."""
    query["archived"] = {False: None, True: "1", None: "all"}[archived]
    ask = Ask("api/runs", {**query, "limit": limit})
    return call_of(ask, lambda said: [record(RunRow, row) for row in said["runs"]])


def run(run: str) -> Call[RunState]:
    """One run."""
    return call_of(Ask.of(run), lambda said: record(RunState, said))


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
) -> Call[Series]:
    """Columns of metrics."""
    named = None if names is None else [names] if isinstance(names, str) else [*names]
    query = {"name": named, "x": x, "points": points or _ALL_POINTS, "from": start, "to": end}
    return call_of(Ask.of(run, "series", **query), series_of)


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


def append(run: str, events: Iterable[Event], at: str, part: str | None) -> Call[str]:
    """Events of a training elsewhere."""
    ask = Ask.of(run, "events", at=at, part=part)
    body = b"".join(encode(event) + b"\n" for event in events)
    return call_of(replace(ask, method="POST", body=body), lambda said: str(said["cursor"]))


def note(run: str, **said: Any) -> Call[Note]:
    """A note."""
    body = {key: value for key, value in said.items() if value is not None}
    ask = replace(Ask.of(run, "notes"), method="POST", body=body)
    return call_of(ask, lambda said: msgspec.convert(said, Note))


def checkpoints(run: str) -> Call[Rows]:
    """Checkpoints and artifacts."""
    return call_of(Ask.of(run, "checkpoints"), lambda said: said["checkpoints"])


def checkpoint(run: str, number: str) -> Ask:
    """The bytes of one."""
    return replace(Ask.of(run, f"checkpoints/{quote(number, safe='')}"), accept="*/*")


def export(run: str, format: str) -> Ask:
    """All of a run."""
    return replace(Ask.of(run, "export", format=format), accept="*/*")


def samples(run: str, epoch: int | str | None, before: int | None, limit: int) -> Call[MediaPage]:
    """A page of samples."""
    ask = Ask.of(run, "samples", epoch=epoch, before=before, limit=limit)
    return call_of(ask, lambda said: _media(said, "samples", "epochs"))


def images(run: str, name: str | None, before: int | None, limit: int) -> Call[MediaPage]:
    """A page of pictures."""
    ask = Ask.of(run, "images", name=name, before=before, limit=limit)
    return call_of(ask, lambda said: _media(said, "images", "names"))


def file(run: str, digest: str) -> Call[bytes]:
    """The bytes of a file."""
    ask = Ask.of(run, f"files/{quote(digest, safe='')}")

    def decode(status: int, body: bytes) -> bytes:
        if status >= 400:
            raise error_of(status, body, ask.path)
        return check(body, digest)

    return Call(replace(ask, accept="*/*"), decode)


def change(run: str, **labels: Any) -> Call[None]:
    """Other labels for a run."""
    return call_of(replace(Ask.of(run), method="PATCH", body=labels), lambda said: None)


def delete(run: str) -> Call[None]:
    """A run less."""
    return call_of(replace(Ask.of(run), method="DELETE"), lambda said: None)


def restore(run: str) -> Call[None]:
    """A deleted run again."""
    return call_of(Ask(f"api/trash/{quote(run, safe='')}", method="POST"), lambda said: None)


def send(run: str, name: str, **more: Any) -> Call[Asked]:
    """A command."""
    body = {key: value for key, value in {"name": name, **more}.items() if value is not None}
    ask = replace(Ask.of(run, "commands"), method="POST", body=body)
    return call_of(ask, lambda said: msgspec.convert(said, Asked))


def digest_of(file: str | FileRef) -> str:
    """Return the hash of a file that an event names, or that is named by it."""
    return file if isinstance(file, str) else file.hash


def _media(said: JsonObject, lines: str, groups: str) -> MediaPage:
    found = [event for line in said[lines] if (event := event_of(msgspec.json.encode(line))) is not None]
    left = said["before"] - len(said[lines])
    return MediaPage(
        events=found,
        total=said["total"],
        count=said["count"],
        groups=said[groups],
        next=left if left > 0 else None,
        cursor=said["cursor"],
    )


def _page(status: int, body: bytes) -> EventPage:
    batch, alive = batch_of(status, body)
    found = [event for event in map(event_of, batch.lines) if event is not None]
    return EventPage(events=found, cursor=batch.cursor, reset=batch.reset, alive=alive)


def call_of(ask: Ask, take: Callable[[Any], T]) -> Call[T]:
    """Return a question whose answer is JSON, and what makes that a value."""

    def decode(status: int, body: bytes) -> T:
        said = answer_of(status, body, ask.path)
        try:
            return take(said)
        except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
            raise ServerError(
                f"did not understand the answer to {ask.path}: {error!r}; use the server's version of livecb"
            ) from error

    return Call(ask, decode)
