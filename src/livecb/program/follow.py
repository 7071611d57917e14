"""From what a program prints to the events of its run."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from livecb.errors import ValueRefused
from livecb.events import Totals
from livecb.program.ending import LastError
from livecb.program.lines import Line, Lines
from livecb.program.patterns import Bar, Found, Pattern, find
from livecb.run import Run

__all__ = ["Follower"]

# What the program is ahead of us by, at most: some 200,000 lines. Beyond, it waits: memory has an end, and
# so has the patience of who waits for the end.
_MOST_BYTES = 16 << 20
_LOOK_SECONDS = 0.05
_PAUSE_SECONDS = 0.05
_NOT_TRAINING = re.compile(
    r"\b(?:val|valid|validat\w*|eval\w*|test\w*|predict\w*|download\w*|load\w*|map|filter|tokeniz\w*|sanity)\b",
    re.IGNORECASE,
)
_UNITS = ("it", "step", "steps", "batch", "batches", "s")


class Follower:
    """Records a program's output, in a thread of its own: the program is not kept waiting for it.

    Attributes:
        error: The last traceback that was printed.
    """

    def __init__(self, run: Run, own: Sequence[Pattern] = (), *, common: bool = True) -> None:
        self.error = LastError()
        self._run = run
        self._own = own
        self._common = common
        self._streams: dict[str, Lines] = {}
        self._said: list[tuple[str, bytes]] = []
        self._behind = 0
        self._closed = False
        self._more = threading.Condition()
        self._looked = 0.0
        self._loop = _Loop(run)
        self._passing = False
        self._last: dict[str | None, tuple[Any, ...]] = {}
        self._thread = threading.Thread(target=self._follow, name="livecb-output", daemon=True)
        self._thread.start()

    def tell(self, stream: str, chunk: bytes) -> None:
        """Take in output of a stream."""
        with self._more:
            self._more.wait_for(lambda: self._behind < _MOST_BYTES)
            self._behind += len(chunk)
            self._said.append((stream, chunk))
            self._more.notify_all()

    def close(self) -> None:
        """The program has ended: record what is left."""
        with self._more:
            self._closed = True
            self._more.notify_all()
        self._thread.join()

    def _follow(self) -> None:
        pause: float | None = None
        while True:
            said, closed = self._wait(pause)
            for stream, chunk in said:
                self._take(stream, self._streams.setdefault(stream, Lines()).feed(chunk))
            if closed:
                break
            pause = _PAUSE_SECONDS if said else None
            if not said:
                for stream, lines in self._streams.items():
                    self._take(stream, lines.pause())
        for stream, lines in self._streams.items():
            self._take(stream, lines.close())

    def _wait(self, timeout: float | None) -> tuple[list[tuple[str, bytes]], bool]:
        """Return what was told since the last call, and whether that is all."""
        with self._more:
            self._more.wait_for(lambda: self._said or self._closed, timeout)
            said, self._said, self._behind = self._said, [], 0
            self._more.notify_all()
            return said, self._closed

    def _take(self, stream: str, lines: Iterator[Line]) -> None:
        try:
            for line in lines:
                self._take_line(stream, line)
        except Exception as error:  # the program would soon wait for a thread that is dead
            self._run.warn_once("output", f"some of what was printed was not recorded: {error!r}")

    def _take_line(self, stream: str, line: Line) -> None:
        if line.final:
            self.error.take(line.text)
        try:
            if not self.error.under_way:
                self._apply(find(line.text, self._own, common=not self._is_told()), line.final)
        except ValueRefused as error:
            self._run.warn_once(str(error), str(error))
        except Exception as error:  # whatever was printed: the line itself is recorded all the same
            self._run.warn_once("numbers", f"no numbers were read from {line.text[:80]!r}: {error!r}")
        if line.final and line.text.strip():
            self._run.text(line.text, stream=stream)

    def _apply(self, found: Found, final: bool) -> None:
        self._loop.take(found)
        drawn = found.bar is not None or self._passing or not final
        self._passing = not final
        step = None
        for context, values in found.values.items():
            said = (values, self._run.step, self._run.epoch)
            if drawn and self._last.get(context) == said:  # a bar is drawn more often than its values change
                continue
            self._last[context] = said
            self._run.log(values, step=step, context=context)
            step = self._run.step or self._run._clock  # one line is one step

    def _is_told(self) -> bool:
        """Whether the program records its metrics itself, by livecb: then nothing is guessed at."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_SECONDS and self._run.folder is not None:
            self._looked = now
            self._common = self._common and not any(self._run.folder.glob("events-*.jsonl"))
        return not self._common


class _Loop:
    """Where the loop stands, by what is printed: counters that begin anew in every epoch are counted on."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._first_epoch: float | None = None
        self._epoch: float | None = None
        self._before: dict[tuple[str, int], tuple[int, int]] = {}
        self._main: tuple[str, int] | None = None
        self._totals: dict[str, int] = {}

    def take(self, found: Found) -> None:
        """Take in what a line says."""
        epoch = found.places.pop("epoch", None)
        if epoch is not None:
            self._epoch = epoch
            self._first_epoch = epoch if self._first_epoch is None else self._first_epoch
            self._run.at(epoch=epoch)
        if found.totals.items() - self._totals.items():
            self._totals.update(found.totals)
            self._run.configure(totals=Totals(**self._totals))
        if found.bar is not None and found.bar.total > 0:
            self._take_bar(found.bar)
        if found.places:
            places: dict[str, Any] = found.places
            self._run.at(**places)

    def _take_bar(self, bar: Bar) -> None:
        trains = bar.unit in _UNITS and not _NOT_TRAINING.search(bar.label)
        key = (re.sub(r"\d+", "#", bar.label), bar.total)
        if trains and self._main is None:
            self._main = key
        if key != self._main:
            self._run.progress(bar.done, bar.total, unit=bar.unit, phase=bar.label or None)
            return
        last, offset = self._before.get(key, (0, 0))
        if bar.done < last:  # it began anew: another epoch
            offset += bar.total
        self._before[key] = (bar.done, offset)
        self._run.at(step=offset + bar.done)
        if self._epoch is not None and self._epoch == int(self._epoch):
            first = 0 if self._first_epoch == 0 else 1
            self._run.at(epoch=self._epoch - first + bar.done / bar.total)
        epochs = self._totals.get("epochs")
        total = bar.total * epochs if epochs else bar.total if not offset else None
        self._run.progress(offset + bar.done, total, unit="step")
