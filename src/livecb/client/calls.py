"""The verbs of the API, each described once: what is asked, and what the answer means."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from livecb.client.records import EventPage, RunRow, RunState, record
from livecb.errors import EventError, ServerError
from livecb.events import AnyEvent, Unknown, decode
from livecb.logs.following import batch_of
from livecb.logs.wire import Address, Ask, answer_of
from livecb.server import launch
from livecb.store import default_root

__all__ = ["Call", "address_of", "event_of", "events", "run", "runs"]

T = TypeVar("T")


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


def runs() -> Call[list[RunRow]]:
    """All runs."""
    return _json(Ask("api/runs"), lambda said: [record(RunRow, row) for row in said["runs"]])


def run(run: str) -> Call[RunState]:
    """One run."""
    return _json(Ask.of(run), lambda said: record(RunState, said))


def events(run: str, cursor: str, types: Collection[str] | None, limit: int, wait: float) -> Call[EventPage]:
    """Events after a cursor."""
    words = ",".join(types) if types else None
    ask = Ask.of(run, "events", cursor=cursor, types=words, limit=limit, wait=wait or None, cursors=1)
    return Call(ask, _page)


def _page(status: int, body: bytes) -> EventPage:
    batch, alive = batch_of(status, body)
    found = [event for event in map(event_of, batch.lines) if event is not None]
    return EventPage(events=found, cursor=batch.cursor, reset=batch.reset, alive=alive)


def _json(ask: Ask, take: Callable[[Any], T]) -> Call[T]:
    def decode(status: int, body: bytes) -> T:
        said = answer_of(status, body, ask.path)
        try:
            return take(said)
        except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
            raise ServerError(
                f"did not understand the answer to {ask.path}: {error!r}; use the server's version of livecb"
            ) from error

    return Call(ask, decode)
