"""One writer's end of a run's log: numbers events, encodes them, appends them.

The law: what returned is in the kernel's hands; nothing raises, waits or syncs. When writing fails
the event is lost, the loss is counted and said once, and the training goes on; when writing works
again the log says how much is missing, and the gap in `seq` proves it. An event whose number is
still on an accelerator makes a queue, and what comes after it waits behind it, so that order holds.
"""

from __future__ import annotations

import math
import os
import threading
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import time as now
from typing import TYPE_CHECKING, Any

from livecb.axes import AXES, Axis, StepAxis
from livecb.errors import EventError, LogError, warn
from livecb.events import Alert, Event, Log, Metrics, decode, encode
from livecb.logs.file import FileLog
from livecb.values import Deferred, axis

if TYPE_CHECKING:
    from livecb.track import Loop

__all__ = ["Writer"]

_RESOLVE_SECONDS = 5.0
_QUEUE_LIMIT = 100_000


class Writer:
    """Appends events to one part of a run's log.

    Attributes:
        step, batch, epoch, samples, tokens: Where the loop stands; every event carries them.
        rank: The writer's rank.
        lost: Events that could not be written.
    """

    step: StepAxis = StepAxis()
    batch: Axis[int] = Axis()
    epoch: Axis[float] = Axis()
    samples: Axis[int] = Axis()
    tokens: Axis[int] = Axis()

    _step: int | None
    _batch: int | None
    _epoch: float | None
    _samples: int | None
    _tokens: int | None

    # Slots: a metrics event is counted in nanoseconds, and an instance dict of a class with as many
    # attributes as Run has is slow.
    __slots__ = (
        "_batch",
        "_busy",
        "_called",
        "_complaints",
        "_epoch",
        "_fast",
        "_fd",
        "_line",
        "_lock",
        "_log",
        "_loop",
        "_open_log",
        "_origin",
        "_queue",
        "_resolver",
        "_samples",
        "_seq",
        "_step",
        "_tokens",
        "_unsaid",
        "_wake",
        "_warned",
        "lost",
        "rank",
    )

    def __init__(self, open_log: Callable[[], FileLog] | None, rank: int = 0) -> None:
        self._warned: set[str] = set()
        self._complaints: list[tuple[str, str]] = []
        self.step = self.batch = self.epoch = self.samples = self.tokens = None
        self._called = False  # whether the step was counted by a call, and not set
        self.rank = rank
        self.lost = 0
        self._origin = 0  # steps done before the run began
        self._loop: Loop | None = None  # the outermost of `run.track` that is under way
        self._open_log = open_log
        self._log: FileLog | None = None
        self._fd = -1
        self._line = bytearray()  # the metrics event being written: its memory is used again
        self._seq = 0
        # Re-entrant: a signal handler or a finaliser may log while this thread is logging.
        self._lock = threading.RLock()
        self._busy = False
        self._fast = False  # the log is open, nothing waits, the last write worked
        self._unsaid = 0
        self._queue: deque[tuple[type[Event], dict[str, Any]]] = deque()
        self._resolver: threading.Thread | None = None
        self._wake: SimpleQueue[None] = SimpleQueue()

    def append(self, kind: type[Event], fields: dict[str, Any]) -> None:
        """Number, time and append an event of this kind; never raises.

        Axes that `fields` leaves out are the writer's current ones.
        """
        if self._open_log is None:
            return
        for name in AXES:
            fields[name] = self.place(name, fields.get(name))
            if fields[name] is None:
                fields[name] = getattr(self, f"_{name}")  # `run.step` is a number where nobody counted, too
        fields["rank"] = self.rank
        fields["time"] = now()
        with self._lock:
            seq = fields["seq"] = self._seq
            self._seq = seq + 1
            if self._busy:  # this thread is writing, and a handler of signals called us in between
                self._queue.append((kind, fields))  # whom we interrupted writes it: see _settle
            elif self._queue or _is_deferred(fields):
                self._enqueue(kind, fields)
            else:
                self._busy = True
                try:
                    if not self._write_event(kind, fields) and self._seq == seq + 1:
                        self._seq = seq  # what was refused leaves no hole
                    self._settle()
                finally:
                    self._busy = False
                    self._fast = self._log is not None and not self._unsaid and not self._queue
        self._complain()

    def place(self, name: str, value: Any) -> Any:
        """Return a value as a place on an axis, or None, with a warning, where it is none."""
        if value is None or (type(value) is int and -(2**63) <= value < 2**63):
            return value
        if type(value) is float and name == "epoch" and value - value == 0:
            return value
        try:
            return axis(name, value)
        except Exception as error:
            self.warn_once(f"axis {name}", f"{name} was left out: it is {error}")
            return None

    def warn_once(self, cause: str, message: str) -> None:
        """Warn, once for each cause."""
        if cause in self._warned:
            return
        self._warned.add(cause)
        warn(message)

    def check_log(self) -> None:
        """Notice that the log was deleted: what is appended to it would go nowhere, silently."""
        with self._lock:
            if self._log is None or self._fd < 0 or os.fstat(self._fd).st_nlink > 0:
                return
            log, self._log, self._fd, self._fast = self._log, None, -1, False
            log.close()
        self.warn_once("deleted", f"{log.path} was deleted. Training goes on; nothing more of it is recorded")

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until every number that was on its way is written; false if time ran out."""
        deadline = now() + (_RESOLVE_SECONDS if timeout is None else timeout)
        while self._queue and now() < deadline:
            if self._resolver is None or not self._resolver.is_alive():
                self._drain()
            else:
                self._resolver.join(0.01)
        return not self._queue

    def give_up_waiting(self) -> None:
        """Write what waits for a device without the numbers that did not come; they are lost."""
        with self._lock:
            waiting = list(self._queue)
            self._queue.clear()
            for kind, fields in waiting:
                for name in ("values", "scores"):
                    if held := fields.get(name):
                        there = {key: value for key, value in held.items() if type(value) is not Deferred}
                        self.lost += len(there) < len(held)
                        fields[name] = there
                self._write_event(kind, fields)
            self._fast = self._log is not None and not self._unsaid
        self._complain()

    def _write_event(self, kind: type[Event], fields: dict[str, Any]) -> bool:
        """Append an event; false if it is none that readers would understand."""
        try:
            line = encode(kind(**fields))
            decode(line)
        except (EventError, TypeError) as error:
            self._complaints.append(
                (f"encode {kind.__name__}", f"a {kind.__name__} was not recorded: {error}")
            )
            return False
        self._write_again(line + b"\n")
        if kind is Metrics:
            self._watch_loss(fields)
        return True

    def _settle(self) -> None:
        """Write what came in between, from a handler of signals, and waits for no device."""
        while self._queue and not _is_deferred(self._queue[0][1]):
            kind, fields = self._queue.popleft()
            self.lost += not self._write_event(kind, fields)
        if self._queue:
            self._wake_resolver()

    def _say(self, kind: type[Event], fields: dict[str, Any]) -> None:
        """Append an event of our own, while the lock is held."""
        seq, self._seq = self._seq, self._seq + 1
        self._write_event(kind, {"seq": seq, "time": now(), "rank": self.rank, **fields})

    def _watch_loss(self, fields: dict[str, Any]) -> None:
        """Alert once of a loss that is no number any more; finite values never come here."""
        bad = [
            f"{name} is {value}"
            for name, value in fields["values"].items()
            if "loss" in name.lower() and not math.isfinite(value)
        ]
        if bad and "non-finite loss" not in self._warned:
            self._warned.add("non-finite loss")
            place = {name: fields.get(name) for name in AXES}
            self._say(Alert, {"title": "Non-finite loss", "text": ", ".join(bad), "level": "ERROR", **place})

    def _complain(self) -> None:
        """Give the warnings that came up under the lock, now that it is free: they may run any code."""
        while self._complaints:
            self.warn_once(*self._complaints.pop(0))

    def _write_again(self, line: bytes) -> None:
        """Write with care: open the log if need be, take a short write back, say what was lost."""
        try:
            if self._log is None:
                if self._open_log is None:
                    raise LogError("the run has ended")
                self._log = self._open_log()
            self._log.append(line)
            self._fd = self._log.descriptor()
        except (LogError, OSError) as error:
            self._lose(str(error))
            return
        self._fast = not self._queue
        if self._unsaid:
            self._say_loss()

    def _take_back(self, written: int, wanted: int) -> None:
        assert self._log is not None
        self._log.take_back(written)
        self._lose(f"cannot append to {self._log.path}: the disk took {written} of {wanted} bytes")

    def _lose(self, why: str) -> None:
        self._fast = False
        self.lost += 1
        self._unsaid += 1
        self._complaints.append(
            ("append", f"{why}. Training goes on; what cannot be written is counted as lost")
        )

    def _say_loss(self) -> None:
        missing, self._unsaid = self._unsaid, 0
        message = f"{missing} events could not be written before this one and are lost"
        self._say(Log, {"level": "WARNING", "message": message, "logger": "livecb"})

    def _enqueue(self, kind: type[Event], fields: dict[str, Any]) -> None:
        if len(self._queue) >= _QUEUE_LIMIT:
            self.lost += 1
            self._complaints.append(("queue", "the accelerator is too far behind: its values are being lost"))
            return
        self._fast = False
        self._queue.append((kind, fields))
        self._wake_resolver()

    def _wake_resolver(self) -> None:
        if self._resolver is None or not self._resolver.is_alive():
            name = "livecb-resolve"
            self._resolver = threading.Thread(target=self._resolve_forever, name=name, daemon=True)
            self._resolver.start()
        self._wake.put(None)

    def _resolve_forever(self) -> None:
        while True:
            try:
                self._wake.get(timeout=60)
            except Empty:
                return
            self._drain()

    def _drain(self) -> None:
        while self._queue:
            kind, fields = self._queue[0]
            ready = self._read_deferred(fields)  # waits for the device, with no lock held
            with self._lock:
                if not self._queue or self._queue[0][1] is not fields:
                    continue
                self.lost += not self._write_event(kind, ready)
                self._queue.popleft()
                if not self._queue:
                    self._fast = self._log is not None and not self._unsaid
            self._complain()

    def _read_deferred(self, fields: dict[str, Any]) -> dict[str, Any]:
        ready = dict(fields)
        for name in ("values", "scores"):
            held = ready.get(name)
            if not isinstance(held, dict):
                continue
            read: dict[str, float | int] = {}
            for key, value in held.items():
                try:
                    read[key] = value.read() if isinstance(value, Deferred) else value
                except Exception as error:  # whatever the device's library raises
                    self.warn_once(f"value {key}", f"metric {key!r} was not recorded: {error}")
            ready[name] = read
        return ready

    def _after_fork(self, open_log: Callable[[], FileLog] | None) -> None:
        """In a forked child: another process writes under another name, with its own numbers."""
        self._lock = threading.RLock()
        self._open_log = open_log
        if self._log is not None:
            self._log.close()
        self._log, self._fd, self._seq, self._fast = None, -1, 0, False
        self._queue.clear()
        self._resolver = None
        self._wake = SimpleQueue()
        self._busy = False
        self.lost = self._unsaid = 0
        # Where the parent stood is not where the child stands when it has something to say.
        self.step = self.batch = self.epoch = self.samples = self.tokens = None
        self._loop = None


def _is_deferred(fields: dict[str, Any]) -> bool:
    for name in ("values", "scores"):
        held = fields.get(name)
        if held and any(type(value) is Deferred for value in held.values()):
            return True
    return False
