"""What is known of a run without its viewer reading it all: its State and its columns, kept up to date.

An index folds the log once, remembers where it stands and goes on from there; so a page that opens late
gets its answer from memory, and the answer's cursor is exactly what it holds. Folding runs in threads,
piece by piece, never on the event loop. Indexes that nobody asked for lately are forgotten first; they can
always be made again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from operator import ge
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from livecb.errors import LogError
from livecb.events import decode_lines
from livecb.leaderboard import MOST
from livecb.server.catalogue import KEPT, Catalogue, Collection, Key, Scores
from livecb.server.frames import as_event, dump, well_formed
from livecb.server.lines import Lines
from livecb.server.tail import Place, Tail
from livecb.state import State
from livecb.store import StoredRun

__all__ = ["FoldError", "Index", "Kind", "Page"]

_T = TypeVar("_T")

_log = logging.getLogger("livecb.server")

_LINES = 2000
_PATIENCE = 0.05
_STATE_SECONDS = 0.45
_BYTES = 8 << 20
"""A page takes no further line once it holds so many."""

_GROUPS = 500
"""A page tells of no more epochs or names: those that began last."""

_SIZES = 4
"""So many States of different size are kept as bytes, those that were asked for last."""

_PAUSE = 1.0
_LONGEST_PAUSE = 60.0

Kind = Literal["samples", "images", "audio", "histogram", "table"]


class FoldError(LogError):
    """A log cannot be folded; it will be tried again."""


class _Place(msgspec.Struct):
    """Of a line only when and where it was said."""

    time: float = 0.0
    step: int | None = None


_place = msgspec.json.Decoder(_Place).decode


class Page(NamedTuple):
    """Some of a run's samples or pictures.

    Attributes:
        cursor: Up to where the log was looked at.
        total: How many there are in all.
        groups: The epochs or names there are, with their counts and mean scores.
        matching: How many of those that were asked for there are.
        before: The place among them that the first line stands before.
        lines: They, as they stand in the log, the newest first.
        branches: Of each line its attempt, and whether a later one gave up what it tells.
    """

    cursor: str
    total: int
    groups: list[tuple[Key, int, Scores]]
    matching: int
    before: int
    lines: list[bytes]
    branches: list[dict[str, Any]]


class Index:
    """One run, folded up to a place. Safe to use from several threads.

    Attributes:
        place: Where it stands.
        edition: Which fold of the log it is: another one when it began anew.
        turn: Held by whoever of the event loop asks, so that those who wait take no thread.
    """

    def __init__(self, run: StoredRun) -> None:
        self.run = run
        self.place: Place = ()
        self.turn = asyncio.Lock()
        self._folded: OrderedDict[int, tuple[bytes, tuple[object, ...], float]] = OrderedDict()
        self._lock = threading.Lock()
        self._failure = ""
        self._pause = self._again = 0.0  # after a failure
        self._tail = Tail([run])
        self._begin()

    @property
    def nbytes(self) -> int:
        """Bytes its columns take, and the States that are kept as bytes."""
        told = sum(len(data) for data, _, _ in list(self._folded.values()))
        return self._state.series.nbytes + self._catalogue.nbytes + told

    def row(
        self, alive: bool, *, stop: Callable[[], bool] = bool, patience: float = _PATIENCE
    ) -> tuple[dict[str, Any] | None, bool]:
        """Return the run's row in the list, and whether it is up to now.

        The row is None where somebody else folds for longer than `patience` seconds.
        """
        if not self._lock.acquire(timeout=patience):
            return None, False
        try:
            whole = self._advance(stop)
            words = "" if alive else self.run.last_words()
            labels = self.run.labels
            return self._state.row(alive=alive, now=time.time(), last_words=words, labels=labels), whole
        finally:
            self._lock.release()

    def state_json(self, alive: bool, *, rows: int = MOST, stop: Callable[[], bool] = bool) -> bytes:
        """Return the State up to now as JSON: the same bytes as a moment ago where nothing changed."""
        with self._lock:
            self._advance(stop)
            data, mark, made = self._folded.get(rows, (b"", (), 0.0))
            labels = self.run.labels
            now = (self.place, alive, labels.name, tuple(labels.tags or ()), labels.archived)
            if now != mark or time.monotonic() - made > _STATE_SECONDS:
                data = dump(self._state_dict(alive, rows))
                self._folded[rows] = (data, now, time.monotonic())
            self._folded.move_to_end(rows)
            while len(self._folded) > _SIZES:
                self._folded.popitem(last=False)
            return data

    def series_json(self, *, stop: Callable[[], bool] = bool, **query: Any) -> bytes:
        """Return columns up to now as JSON, with the cursor that means exactly these."""
        with self._lock:
            self._advance(stop)
            return dump(
                {
                    "cursor": self._tail.format(self.place),
                    "x": query["x"],
                    "points": query["points"],
                    "series": self._state.series.to_dict(**query),
                    "rewinds": [rewind._asdict() for rewind in self._state.branches.rewinds],
                }
            )

    def leaderboard_json(self, since: str, limit: int, *, stop: Callable[[], bool] = bool) -> bytes:
        """Return the leaderboard up to now as JSON: what changed since it was told, and the order of all."""
        with self._lock:
            self._advance(stop)
            board = self._state.leaderboard
            edition, _, known = since.partition(".")
            told = int(known) if edition == self.edition and known.isdigit() else -1
            rows = board.to_list(limit)
            head = {
                "cursor": self._tail.format(self.place),
                "count": len(board),
                "mark": f"{self.edition}.{board.changes}",
            }
            if since:
                head["order"] = [row["number"] for row in rows]
                head["places"] = [row["place"] for row in rows]
            changed = [row for row in rows if board.changed(row["number"]) > told]
            return dump({**head, "leaderboard": changed})

    def look(self, ask: Callable[[State, str], _T], *, stop: Callable[[], bool] = bool) -> _T:
        """Return what is asked of the State up to now, and of the cursor that means exactly that."""
        with self._lock:
            self._advance(stop)
            return ask(self._state, self._tail.format(self.place))

    def marks_json(self, *, stop: Callable[[], bool] = bool) -> bytes:
        """Return what stands on the axes as JSON, with the cursor that means exactly that."""
        return self.look(lambda state, cursor: dump({"cursor": cursor, **state.marks.to_dict()}), stop=stop)

    def lines(
        self, ask: Callable[[Lines], Iterable[int]], *, stop: Callable[[], bool] = bool
    ) -> tuple[list[bytes], str]:
        """Return the lines of text whose numbers are asked for, and the cursor up to which all are known.

        Fewer come where they are long.
        """
        with self._lock:
            self._advance(stop)
            spots = map(self._catalogue.lines.spot, ask(self._catalogue.lines))
            return self._tail.events(spots, _BYTES), self._tail.format(self.place)

    def page(
        self,
        kind: Kind,
        key: Key,
        *,
        every: bool,
        before: float,
        limit: int,
        spread: bool = False,
        stop: Callable[[], bool] = bool,
    ) -> Page:
        """Return a page of the run's samples, pictures or other media up to now, the newest first.

        Args:
            kind: Which of them.
            key: The epoch or the name that is meant.
            every: Whether all are meant, whatever the key.
            before: Only those before this place among them, counted from the oldest.
            limit: The most there may be; fewer come where they are long.
            spread: Whether they are to be spread evenly over all, the first and the last among them.
        """
        with self._lock:
            self._advance(stop)
            found: Collection = getattr(self._catalogue, kind)
            numbers = found.all() if every else found.of(key)
            end = int(min(before, len(numbers)))
            lines: list[bytes] = []
            size = 0
            for at in _spread(end, limit) if spread else range(end - 1, max(-1, end - 1 - limit), -1):
                spot = found.spot(numbers[at])
                lines.append(self._tail.parts[spot.part].event(spot.begin, spot.size))
                size += spot.size
                if size > _BYTES:
                    break
            cursor = self._tail.format(self.place)
            told = [self._state.branches.told(place.time, place.step) for place in map(_place, lines)]
            return Page(cursor, len(found), found.groups(_GROUPS), len(numbers), end, lines, told)

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            self._tail.close()

    def _begin(self) -> None:
        self._state = State(self.run.id)
        self._catalogue = Catalogue()
        self._folded.clear()
        self.edition = secrets.token_hex(4)  # another fold counts its changes otherwise
        self.place = ()

    def _state_dict(self, alive: bool, rows: int) -> dict[str, Any]:
        state = self._state.to_dict(
            alive=alive,
            now=time.time(),
            cursor=self._tail.format(self.place),
            last_words="" if alive else self.run.last_words(),
            labels=self.run.labels,
            rows=rows,
        )
        if self.run.appended:  # its training is elsewhere, where nobody reads what is asked here
            state["controls"] = None
        return state

    def _advance(self, stop: Callable[[], bool]) -> bool:
        """Fold on; true if it came to the end of what was there when it began."""
        self._tail.find_parts()
        if self._tail.replaced():
            self._begin()
            self._pause = self._again = 0.0
        if time.monotonic() < self._again:
            raise FoldError(self._failure)
        there = [part.size for part in self._tail.parts]
        while not stop():
            if not self._fold_some() or all(map(ge, self._tail.pad(self.place), there)):
                self._pause = 0.0
                return True
        return False

    def _fold_some(self) -> bool:
        self.place = self._tail.pad(self.place)
        before = self.place
        for stretch in self._tail.read(before, _LINES):
            if isinstance(stretch, str):
                self._begin()
                return True
            lines = [event for line in stretch.lines if (event := as_event(line)) is not None]
            try:
                events = decode_lines(lines)
            except RecursionError:  # one of them is nested too deeply
                good = well_formed(lines)
                events = decode_lines([line for line, fine in zip(lines, good, strict=True) if fine])
            try:
                kept = self._state.count(*KEPT)
                self._state.feed(events, broken=len(stretch.lines) - len(events))
                if self._state.count(*KEPT) > kept:
                    self._catalogue.feed(stretch)
            except Exception as error:
                raise self._fail(error) from error
            self.place = stretch.after(self.place)
        return self.place != before

    def _fail(self, error: Exception) -> FoldError:
        """Begin anew, later each time: a fold that fails would fail at every look of every viewer."""
        self._begin()  # it took a part of the events, nobody knows which
        if not self._pause:
            _log.error("cannot fold the log of %s", self.run.id, exc_info=error)
        self._failure = f"this run cannot be shown: {type(error).__name__}: {error}"
        self._pause = min(max(_PAUSE, self._pause * 2), _LONGEST_PAUSE)
        self._again = time.monotonic() + self._pause
        return FoldError(self._failure)


def _spread(end: int, limit: int) -> list[int]:
    """Return at most `limit` places before `end`, evenly spread, the last one first."""
    if end <= limit or limit < 2:
        return [*range(end - 1, -1, -1)][:limit]
    return [round(at * (end - 1) / (limit - 1)) for at in range(limit - 1, -1, -1)]
