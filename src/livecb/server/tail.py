"""The logs of one or several runs, read from a place in all of them at once.

A place is one byte offset per log part; as text it is the cursor that goes over the wire: bare for
the only log of one run, `name@offset` joined by commas otherwise (`main@120,1@77` for the ranks of
a run, `RUN@120,RUN/1@33,OTHER@9` for several runs). Part names stand in the order in which they were
found, and parts that come later stand behind: a shorter place means "nothing read of the rest".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO

from livecb.errors import CursorError, LogError
from livecb.logs.base import START
from livecb.logs.file import FileLog
from livecb.logs.joined import join_cursors, split_cursor
from livecb.server.frames import as_event
from livecb.store import MAIN, StoredRun

__all__ = ["Part", "Place", "Stretch", "Tail"]

Place = tuple[int, ...]

_PART_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive lines of one part, each with the offset after it."""

    part: int
    lines: tuple[bytes, ...]
    offsets: tuple[str, ...]
    end: int

    def after(self, place: Place) -> Place:
        """Return the place after these lines, where the one before them is given."""
        return (*place[: self.part], self.end, *place[self.part + 1 :])


class Part:
    """One log file of one run."""

    __slots__ = ("identity", "log", "name", "path", "run", "size")

    def __init__(self, run: StoredRun, name: str, part: str) -> None:
        self.run = run.id
        self.name = name
        self.path = os.fspath(run.part_path(part))
        self.log = FileLog(self.path)
        self.identity = (0, 0)
        self.size = 0

    def look(self) -> bool:
        """Look at the file; true if it is another one than before, or shorter.

        A file that is missing is not another one: it may come back as it was.
        """
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        identity = (status.st_dev, status.st_ino)
        other = self.identity not in ((0, 0), identity) or status.st_size < self.size
        self.identity, self.size = identity, status.st_size
        if other:
            self.log.close()  # it still holds the file that was there
        return other

    def read(self, at: int, limit: int, upto: int | None = None) -> tuple[Stretch, bool]:
        """Return up to `limit` lines after `at`, none beyond `upto`, and whether they start anew."""
        batch = self.log.read(str(at), limit)
        lines, offsets, end = batch.lines, batch.cursors, int(batch.cursor)
        if upto is not None and end > upto:
            keep = len(offsets)
            while keep and int(offsets[keep - 1]) > upto:
                keep -= 1
            lines, offsets = lines[:keep], offsets[:keep]
            end = int(offsets[-1]) if offsets else min(at, end)
        return Stretch(0, lines, offsets, end), batch.reset

    def event(self, begin: int, size: int) -> bytes:
        """Return the event that stands at an offset and has so many bytes.

        Raises:
            LogError: The file cannot be read, or another one has taken its place.
        """
        with self.reading() as file:
            return self.event_in(file, begin, size)

    def reading(self) -> BinaryIO:
        """Open the file to read events from it.

        Raises:
            LogError: It cannot be opened.
        """
        try:
            return open(self.path, "rb", buffering=0)
        except OSError as error:
            raise LogError(f"cannot read {self.path}: {error.strerror}") from error

    def event_in(self, file: BinaryIO, begin: int, size: int) -> bytes:
        """Return what `event` does, from the open file."""
        try:
            line = os.pread(file.fileno(), size + 1, begin)
        except OSError as error:
            raise LogError(f"cannot read {self.path}: {error.strerror}") from error
        event = as_event(line[:-1])
        if event is None or len(line) <= size or not line.endswith(b"\n"):
            raise LogError(f"{self.path} was replaced just now; ask again")
        return event


class Tail:
    """All parts of some runs.

    Attributes:
        several: Whether cursors and frames name the run.
        patient: Whether a log that cannot be read has nothing new, so that the next look tries again.
        generations: How often each run's log was replaced since this tail watches it; never changed in place,
            so that whoever keeps it knows what was.
    """

    def __init__(self, runs: Sequence[StoredRun], several: bool = False, *, patient: bool = False) -> None:
        self.runs = {run.id: run for run in runs}
        self.several = several
        self.patient = patient
        self.parts: list[Part] = []
        self.generations = dict.fromkeys(self.runs, 0)
        self._names: dict[str, int] = {}
        self.find_parts()

    def find_parts(self) -> None:
        """Take in parts that appeared since."""
        for run in self.runs.values():
            for part in run.part_names():
                name = part if not self.several else run.id if part == MAIN else f"{run.id}/{part}"
                if name not in self._names and _PART_NAME.fullmatch(part):
                    self._names[name] = len(self.parts)
                    self.parts.append(Part(run, name, part))

    def parse(self, cursor: str) -> tuple[Place, list[str]]:
        """Return the place a cursor means, and the runs whose logs cannot honour it any more.

        Raises:
            CursorError: It is no cursor of these runs.
            LogError: A log cannot be read.
        """
        if cursor == "end":
            return self.end(), []
        named = split_cursor(cursor, None if self.several else MAIN)
        if not named.keys() <= self._names.keys():
            self.find_parts()  # who made the cursor may have seen a part before us
        offsets = [0] * len(self.parts)
        lost: list[str] = []
        for name, at in named.items():
            if not (at.isascii() and at.isdecimal() and len(at) <= 18):
                raise CursorError(
                    f"expected a byte offset in the cursor, got {cursor!r}; start from {START!r}"
                )
            if name in self._names:
                offsets[self._names[name]] = int(at)
                continue
            run = name.partition("/")[0] if self.several else next(iter(self.runs))
            if run not in self.runs:
                raise CursorError(
                    f"the cursor names the run {run!r}, which was not asked for; start from {START!r}"
                )
            lost.append(run)
        lost += (run for run in self.lost(tuple(offsets)) if run not in lost)
        return tuple(offsets), lost

    def lost(self, place: Place) -> list[str]:
        """Return the runs whose logs cannot honour a place: others stand where it was given out.

        Raises:
            LogError: A log cannot be read, and the tail is not patient.
        """
        found: list[str] = []
        for part, offset in zip(self.parts, self.pad(place), strict=True):
            try:
                if offset and part.run not in found and part.read(offset, 1)[1]:
                    found.append(part.run)
            except LogError:
                if not self.patient:
                    raise
        return found

    def format(self, place: Place) -> str:
        """Return the cursor that means this place."""
        cursors = {part.name: str(at) for part, at in zip(self.parts, place, strict=False)}
        return join_cursors(cursors, None if self.several else MAIN)

    def around(self, place: Place, part: int) -> tuple[bytes, bytes]:
        """Return what stands before and after one part's offset in a cursor at this place."""
        if not self.several and not any(at for i, at in enumerate(place) if i != part) and part == 0:
            return b"", b""
        names = [p.name for p in self.parts]
        before = [f"{names[i]}@{at}" for i, at in enumerate(place[:part]) if at]
        after = [f"{names[i]}@{at}" for i, at in enumerate(place[part + 1 :], part + 1) if at]
        return (",".join([*before, f"{names[part]}@"])).encode(), "".join(
            f",{piece}" for piece in after
        ).encode()

    def pad(self, place: Place) -> Place:
        """Lengthen a place to all the parts there are now."""
        return place + (0,) * (len(self.parts) - len(place))

    def end(self) -> Place:
        """Return the place after all whole lines there are now."""
        return tuple(_end_of(part.log) for part in self.parts)

    def forget(self, place: Place, run: str) -> Place:
        """Return the place with all parts of a run at their beginning."""
        return tuple(
            0 if part.run == run else at for part, at in zip(self.parts, self.pad(place), strict=True)
        )

    def replaced(self) -> set[str]:
        """Look at every file; return the runs one of whose logs is another than before."""
        runs = {part.run for part in self.parts if part.look()}
        for run in runs:
            self.renew(run)
        return runs

    def renew(self, run: str) -> None:
        """Note that a run's log was replaced."""
        self.generations = {**self.generations, run: self.generations[run] + 1}

    def read(self, place: Place, limit: int, upto: Place | None = None) -> Iterator[Stretch | str]:
        """Yield what comes after a place, part by part: stretches, or a run whose log starts anew.

        Raises:
            LogError: A log cannot be read, and the tail is not patient.
        """
        place = self.pad(place)
        bound = self.pad(upto) if upto is not None else None
        for index, part in enumerate(self.parts):
            at = place[index]
            if bound is not None and at >= bound[index]:
                continue
            try:
                stretch, reset = part.read(at, limit, None if bound is None else bound[index])
            except LogError:
                if self.patient:
                    continue
                raise
            if reset:
                yield part.run
                return
            if stretch.lines:
                yield Stretch(index, stretch.lines, stretch.offsets, stretch.end)

    def events(self, spots: Iterable[tuple[int, int, int]], most: int) -> list[bytes]:
        """Return the events that stand at places (part, offset, size), as many as fit into so many bytes.

        Raises:
            LogError: A log cannot be read, or another one has taken its place.
        """
        found: list[bytes] = []
        with ExitStack() as files:
            opened: dict[int, BinaryIO] = {}
            for at, begin, size in spots:
                if (most := most - size) < 0 and found:
                    break
                if at not in opened:
                    opened[at] = files.enter_context(self.parts[at].reading())
                found.append(self.parts[at].event_in(opened[at], begin, size))
        return found

    def close(self) -> None:
        """Close the files."""
        for part in self.parts:
            part.log.close()


def _end_of(log: FileLog) -> int:
    try:
        return int(log.end())
    except LogError:
        return 0
