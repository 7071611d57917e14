"""Following a log over HTTP: what to ask next, and what an answer means; no I/O, no clock.

Blocking and asyncio readers are loops around this: they send what `ask` says and hand in what came. The
laws: the cursor moves only with whole messages, so that whatever breaks in between, the next question goes
on right after the last line given out, each line once; and what cannot be had from a stream is had by
asking again and again.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import msgspec

from livecb.errors import ApiError, CursorError, LivecbError, RunNotFound, ServerError
from livecb.events import type_of
from livecb.logs.base import START, Batch
from livecb.logs.wire import Ask, Message, ServerSentEvents, error_of

__all__ = ["Following", "Pause", "batch_of"]

_TRIAL_SECONDS = 1.5
"""A stream that says nothing within so long is swallowed by something on the way."""

_QUIET_SECONDS = 30.0  # thrice the server's heartbeat
_WAIT_SECONDS = (
    10.0  # a question that waits: below what proxies allow, and a death that nobody tells of waits so long
)
_END_SECONDS = 0.3  # a writer that starts anew holds no lock for a moment
_DEAD_LOOKS = 2


class Pause:
    """How long to wait before each further try: twice as long each time, and never all readers at once."""

    def __init__(self, first: float = 0.25, most: float = 15.0) -> None:
        self._first, self._most = first, most
        self.tries = 0

    def next(self) -> float:
        """Return the seconds before the next try."""
        seconds: float = min(self._most, self._first * 2.0 ** min(self.tries, 30))
        self.tries += 1
        return seconds * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin anew: something has come."""
        self.tries = 0


class Following:
    """One reader of one run.

    Args:
        run: The run's id.
        cursor: Where to begin.
        types: Event types and channels to be given; None for all.
        until_end: Whether to be done when the run's writer is gone and all is read.
        live: False: be done when all that is there is read.

    Attributes:
        cursor: All up to here was given.
        alive: Whether the run's writer lives, as far as the server said.
        streams: Whether the next question is for a stream.
        leave: Whether the stream has said what there was to say, and is to be left.
        done: Whether there is nothing more to ask.
    """

    def __init__(
        self,
        run: str,
        cursor: str = START,
        types: Collection[str] | None = None,
        *,
        until_end: bool = True,
        live: bool = True,
        limit: int = 10_000,
    ) -> None:
        self.run = run
        self.cursor = cursor
        self.alive = True
        self.streams = live
        self.leave = False
        self.done = False
        self._types = ",".join(types) if types else None
        self._until_end = until_end
        self._live = live
        self._limit = limit
        self._proven = self._spoke = self._reached = self._swallowed = False
        self._ended = False
        self._dead_looks = 0
        self._pause = Pause()
        self._messages = ServerSentEvents()

    def ask(self) -> Ask:
        """Return the next question."""
        ask = Ask.of(self.run, "events", cursor=self.cursor, types=self._types)
        if self.streams:
            self._messages, self._spoke, self.leave = ServerSentEvents(), False, False
            patience = _QUIET_SECONDS if self._proven else _TRIAL_SECONDS
            return replace(ask, accept="text/event-stream", patience=patience)
        over = self._until_end and (self._ended or not self.alive)
        wait = (_END_SECONDS if over else _WAIT_SECONDS) if self._live else 0.0
        query = {**ask.query, "limit": self._limit, "wait": wait, "cursors": 1}
        return replace(ask, query=query, patience=wait + _QUIET_SECONDS)

    def feed(self, chunk: bytes) -> Iterator[Batch]:
        """Yield what a piece of a stream holds."""
        lines: list[bytes] = []
        cursors: list[str] = []
        reset = False
        for message in self._messages.feed(chunk):
            self._spoke = self._proven = self._reached = True
            self._pause.reset()
            if not message.event:
                if message.id is not None:
                    self.cursor = message.id
                if message.data:
                    lines.append(message.data)
                    cursors.append(self.cursor)
            elif message.event == "reset":
                if lines or reset:
                    yield Batch(tuple(lines), tuple(cursors), cursors[-1] if cursors else START, reset)
                lines, cursors, reset = [], [], True
                self.cursor = _said(message).get("cursor", START)
            else:
                self._note(_said(message))
        if lines or reset:
            yield Batch(tuple(lines), tuple(cursors), self.cursor, reset)

    def take(self, status: int, body: bytes) -> Batch | None:
        """Return what an answer to a question that waits holds, None if nothing.

        Raises:
            LivecbError: It is an error that asking again does not cure.
        """
        batch, self.alive = batch_of(status, body)
        self._reached = True
        self._pause.reset()
        self.cursor = batch.cursor
        for line in batch.lines:
            if (kind := type_of(line)) in ("run_started", "run_ended"):
                self._ended = kind == "run_ended"
        new = bool(batch.lines or batch.reset)
        if not self._live:
            self.done = not new
            return batch if new else None
        self._dead_looks = 0 if self.alive or new else self._dead_looks + 1
        self.done = self._until_end and self._dead_looks >= _DEAD_LOOKS
        self.streams = not self._swallowed and (self.alive or not self._until_end)
        return batch if new else None

    def broke(self, error: LivecbError | None = None, timeout: bool = False) -> float:
        """Note that a stream or a question ended, with what error; return the seconds to wait.

        Args:
            error: What went wrong; None when a stream ended as streams do.
            timeout: Whether it was that nothing came in time.

        Raises:
            LivecbError: It is an error that asking again does not cure; or the server was never reached,
                so it is not one that comes back.
        """
        if self.leave:
            self.streams = False
            return 0.0
        if self.streams and not self._proven and (timeout or error is None):
            self._swallowed, self.streams = True, False
            return 0.0
        if timeout and self._spoke:
            return 0.0  # a trial that went well: the next stream may be quiet for longer
        if error is not None and (not self._reached or not _passes(error)):
            raise error
        return self._pause.next()

    def _note(self, said: dict[str, Any]) -> None:
        """Take in what the transport says; the log of a writer that is gone is read to its end by asking."""
        if self.cursor == "end" and "cursor" in said:
            self.cursor = str(said["cursor"])  # where the end was: it will be further on when asked again
        if "alive" in said:
            self.alive = bool(said["alive"])
            self.leave = self._until_end and not self.alive


def batch_of(status: int, body: bytes) -> tuple[Batch, bool]:
    """Return the lines of an answer, as they stand in the log, and whether the writer lives.

    Raises:
        LivecbError: It is an error.
    """
    if status >= 400:
        raise error_of(status, body, "the server")
    try:
        said = _batch.decode(body)
    except msgspec.DecodeError as error:
        raise ServerError(
            f"expected a batch of events, got {body[:80]!r}: {error}; is a livecb server there?"
        ) from error
    lines = tuple(map(bytes, said.events))
    return Batch(lines, tuple(said.cursors), said.cursor, said.reset), said.alive


class _Events(msgspec.Struct):
    cursor: str
    reset: bool
    alive: bool
    events: list[msgspec.Raw]
    cursors: list[str]


_batch = msgspec.json.Decoder(_Events)


def _passes(error: LivecbError) -> bool:
    """Whether an error is of the kind that a restart brings and ends."""
    return not isinstance(error, (ApiError, RunNotFound, CursorError)) or (
        isinstance(error, ApiError) and error.status in (429, 502, 503, 504)
    )


def _said(message: Message) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(message.data)
    except msgspec.DecodeError:
        return {}
    return said if isinstance(said, dict) else {}
