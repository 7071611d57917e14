"""The client that blocks until it has an answer."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator
from types import TracebackType
from typing import TypeVar

from livecb.client import calls
from livecb.client.records import EventPage, RunRow, RunState
from livecb.events import AnyEvent, Unknown
from livecb.logs.base import START, Batch
from livecb.logs.http import HttpLog, client_of, send

__all__ = ["Client", "Follower"]

T = TypeVar("T")


class Follower(Iterator[AnyEvent | Unknown]):
    """Events of a run as they come, each once.

    Attributes:
        cursor: Where the last event that was given stands; `follow` from there to go on in another process.
        resets: How often the log began anew, so that all its events came again.
        broken: Lines that were no events.
    """

    def __init__(self, batches: Iterator[Batch], cursor: str) -> None:
        self.cursor = cursor
        self.resets = 0
        self.broken = 0
        self._batches = batches
        self._events = self._each()

    def __next__(self) -> AnyEvent | Unknown:
        return next(self._events)

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; iterating ends."""
        self._events.close()

    def _each(self) -> Generator[AnyEvent | Unknown, None, None]:
        for batch in self._batches:
            self.resets += batch.reset
            for line, cursor in zip(batch.lines, batch.cursors, strict=True):
                self.cursor = cursor
                if (event := calls.event_of(line)) is None:
                    self.broken += 1
                else:
                    yield event
            self.cursor = batch.cursor


class Client:
    """Runs on a livecb server: listed, read, followed.

    Args:
        address: The server's address as livecb prints it, token included; None for the server of this
            machine's store.
        token: What opens it, where the address does not say.

    Raises:
        ServerError: It is no address, or no server runs here.
    """

    def __init__(self, address: str | None = None, *, token: str | None = None) -> None:
        self.address = calls.address_of(address, token)
        self._http = client_of(self.address)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of all connections."""
        self._http.close()

    def list(self) -> list[RunRow]:
        """Return all runs, newest first."""
        return self._do(calls.runs())

    def get(self, run: str) -> RunState:
        """Return how a run stands.

        Raises:
            RunNotFound: There is none of this id.
        """
        return self._do(calls.run(run))

    def events(
        self,
        run: str,
        cursor: str = START,
        *,
        types: Collection[str] | None = None,
        limit: int = 1000,
        wait: float = 0,
    ) -> EventPage:
        """Return events after a cursor.

        Args:
            run: The run's id.
            cursor: Where to begin; `end` for what comes from now on.
            types: Event types (`metrics`) and channels (`training`, `progress`, `logs`, `media`, `system`);
                all if None.
            limit: How many at most.
            wait: Seconds to wait for the first one, up to 30.

        Raises:
            CursorError: The cursor is none.
        """
        return self._do(calls.events(run, cursor, types, limit, wait))

    def follow(
        self,
        run: str,
        cursor: str = START,
        *,
        types: Collection[str] | None = None,
        until_end: bool = True,
    ) -> Follower:
        """Yield events as they come, until the run is over; each once, whatever breaks on the way.

        A connection that breaks is taken up again where it was, after a pause that grows with each failure.
        Where a proxy swallows streams, it asks again and again instead.

        Args:
            run: The run's id.
            cursor: Where to begin: the beginning, `end`, or a cursor that was kept.
            types: As in `events`.
            until_end: False: go on when the run is over; it may be taken up again.

        Raises:
            ServerError: While iterating: the server cannot be reached at first. Later it is waited for.
        """
        log = HttpLog(self.address, run, types=types, until_end=until_end, client=self._http)
        return Follower(log.tail(cursor), cursor)

    def _do(self, call: calls.Call[T]) -> T:
        return call.decode(*send(self._http, call.ask))
