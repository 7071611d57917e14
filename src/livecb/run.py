"""Run: the writer's handle, the verbs of a training.

No verb raises, waits or syncs a device. What cannot be recorded is refused with one warning that
names it and the cure; the training goes on.
"""

from __future__ import annotations

import traceback as tracebacks
from asyncio import CancelledError
from collections.abc import Callable, Mapping
from os import write
from pathlib import Path
from time import time as now
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from livecb import events
from livecb.axes import AXES
from livecb.config import Config
from livecb.logged import record_logged
from livecb.loops import Loops
from livecb.turn import Turn
from livecb.values import plain

if TYPE_CHECKING:
    from typing_extensions import Self

    from livecb.logs.file import FileLog
    from livecb.sinks.base import Sink
    from livecb.store import StoredRun

__all__ = ["Run"]

_ENDINGS = ("completed", "failed", "stopped", "killed")
EndStatus = Literal["completed", "failed", "stopped", "killed"]

# For all sinks together: a training must not wait long for those who watched it.
_SINK_SECONDS = 3.0


class _Point(msgspec.Struct, omit_defaults=True, tag_field="type", tag="metrics", gc=False):
    """`events.Metrics`, laid out to be made and written in a microsecond."""

    seq: int
    time: float
    step: int | None = None
    batch: int | None = None
    epoch: float | None = None
    samples: int | None = None
    tokens: int | None = None
    rank: int = 0
    values: Any = None
    context: str | None = None


_encode_into = msgspec.json.Encoder().encode_into
_LINE_END = ord("\n")


class Run(Loops):
    """One training, as its writer sees it. `livecb.init` makes one.

    Attributes:
        id: Id of the run, which names its folder.
        name: Free text to show.
        folder: Where the run's files are; None for a run that does nothing.
        summary: What should stand beside the end of the run; yours to fill.
        step, batch, epoch, samples, tokens: Where the loop stands; every event carries them. `step`
            can be called, too: `run.step()` counts one more.
    """

    def __init__(
        self,
        stored: StoredRun | None,
        *,
        name: str = "",
        config: Mapping[str, Any] | None = None,
        rank: int = 0,
        open_log: Callable[[], FileLog] | None = None,
    ) -> None:
        super().__init__(stored, rank, open_log)
        self.id = stored.id if stored else ""
        self.name = name
        self.folder: Path | None = stored.folder if stored else None
        self.summary: dict[str, Any] = {}
        self._settings.update(config or {})
        self.config = Config(self)
        self._sinks: list[Sink] = []
        self._leads = True  # starts and ends the run; a further rank or process only adds to it
        self._closers: list[Callable[[], None]] = []
        self._last_closers: list[Callable[[], None]] = []
        self._ending = False
        self.become_child: Callable[[], None] = lambda: None
        self.hold: Callable[[], object] = lambda: None
        self.leave_word: Callable[[str], None] = lambda word: None
        self._clock = 0
        self._before: Mapping[str, Any] = {}  # where earlier attempts stood last, by axis

    def __repr__(self) -> str:
        return f"<Run {self.id or 'that does nothing'}>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        from livecb.start import attach

        return attach, (str(self.folder) if self.folder else None, self.name, self.rank, self._ended)

    @property
    def active(self) -> bool:
        """Whether events are still recorded."""
        return not self._ended

    @property
    def url(self) -> str | None:
        """The address of the run's page, once its server answers; None if nobody serves it."""
        for sink in self._sinks:
            if (address := sink.url()) is not None:
                return address
        return None

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint of yours should hold: `livecb.init(resume=...)` goes on from there."""
        step = self._clock if self._step is None else self._step
        axes = {name: getattr(self, f"_{name}") for name in AXES if name != "step"}
        return {"run": self.id, "step": step, **{name: at for name, at in axes.items() if at is not None}}

    def log(
        self,
        values: Mapping[str, Any],
        *,
        step: int | None = None,
        batch: int | None = None,
        epoch: float | None = None,
        samples: int | None = None,
        tokens: int | None = None,
        context: str | None = None,
        commit: bool = True,
    ) -> None:
        """Record metrics: Python or NumPy scalars, or 0-d tensors, by name.

        Names are grouped at slashes: `train/loss` and `val/loss` share a chart. Axes that are left
        out are the run's current ones; in a loop that sets none, each call is one step.

        Args:
            values: Numbers by name, and pictures and the like (`livecb.Image`, `livecb.Table` ...).
                Anything else is refused with a warning naming the key.
            step: Optimizer steps done.
            batch: Batches seen.
            epoch: Epochs done, fractional.
            samples: Training samples seen.
            tokens: Training tokens seen.
            context: What they were measured in: `train`, `val`, `test` ...
            commit: False: in a loop that sets no axes, the next call is about this step, too.
        """
        try:
            # A sum of Python numbers is a Python float, and finite only if all of them are: one C
            # call instead of a loop. Whatever else adds up to one, the encoder refuses.
            total = sum(values.values())
            simple = type(total) is float and total - total == 0.0
        except Exception:
            simple = False
        if step is None:
            if (step := self._step) is None:
                step = self._clock + 1
                if commit:
                    self._clock = step
        elif type(step) is not int:
            simple = False
        if batch is None:
            batch = self._batch
        elif type(batch) is not int:
            simple = False
        if epoch is None:
            epoch = self._epoch
        elif type(epoch) is not float and type(epoch) is not int:
            simple = False
        if samples is not None or tokens is not None or (context is not None and type(context) is not str):
            simple = False  # seldom given: looked at with care
        if simple:
            with self._lock:
                if self._fast and not self._busy:
                    self._busy = True
                    seq = self._seq
                    self._seq = seq + 1
                    try:
                        rank, samples, tokens = self.rank, self._samples, self._tokens
                        point = _Point(seq, now(), step, batch, epoch, samples, tokens, rank, values, context)
                        line = self._line
                        _encode_into(point, line)
                        line.append(_LINE_END)
                        written = write(self._fd, line)
                        if written == len(line):
                            if self._queue:
                                self._settle()
                                self._fast = not self._queue
                            return
                        self._take_back(written, len(line))
                        simple = False
                    except OSError as error:
                        self._lose(f"cannot append to the run's log: {error.strerror}")
                        simple = False
                    except (TypeError, ValueError, OverflowError):
                        self._seq = seq  # of a number that is none after all, nothing was written
                    finally:
                        self._busy = False
            if not simple:
                self._complain()
                return
        axes = {"step": step, "batch": batch, "epoch": epoch, "samples": samples, "tokens": tokens}
        try:
            self._log_with_care(values, axes, context)
        except Exception as error:
            self.warn_once("log", f"run.log recorded nothing: {error!r}")

    def alog(self, values: Mapping[str, Any], **axes: Any) -> Turn:
        """`log` for coroutines: `await run.alog(...)` records at once, then lets others have a turn.

        Recording is one short write to a local file, sooner done than handed to a thread. Nothing is
        lost where `await` is forgotten.
        """
        self.log(values, **axes)
        return Turn()

    def finish(
        self,
        status: EndStatus = "completed",
        *,
        reason: str | None = None,
        error: BaseException | str | None = None,
        by: str | None = None,
        result: Any = None,
    ) -> None:
        """Say how it ended and close the run; only the first call counts."""
        with self._lock:
            if self._ended or self._ending:
                return
            self._ending = True  # a handler of signals may come in between: it must not wait for us
        if status not in _ENDINGS:
            self.warn_once(
                "finish", f"expected one of {_ENDINGS} as status, got {status!r}: 'completed' is said"
            )
            status = "completed"
        for close in self._closers:
            self._try(close)
        if self._steering is not None:
            self._try(self._steering.close)
        if status == "completed" and (stop := self._stop_asked) is not None:
            status, reason, by = "stopped", stop.reason, stop.by
        self.check_log()
        if not self.flush():
            self.give_up_waiting()
        if self._leads:
            self.append(events.RunEnded, self._last_fields(status, reason, error, by, result))
            if self._unsaid:  # the log did not take it: a full disk must not make a crash of it
                self._try(self.leave_word, f"ended {status}\n")
        self._ended = True
        self._close()

    def check_log(self) -> None:
        """Notice that the log was deleted, or that something in this process made us drop the lock."""
        super().check_log()
        self.hold()

    def _last_fields(
        self, status: str, reason: object, error: BaseException | str | None, by: object, result: Any
    ) -> dict[str, Any]:
        fields: dict[str, Any] = {"status": status, "lost": self.lost}
        fields["reason"] = None if reason is None else str(reason)
        fields["by"] = None if by is None else str(by)
        if isinstance(error, str):  # the traceback that another process printed
            fields["error"], fields["traceback"] = error.rstrip().rpartition("\n")[2], error
        elif error is not None:
            fields["error"] = _one_line(error)
            fields["traceback"] = "".join(
                tracebacks.format_exception(type(error), error, error.__traceback__)
            )
        return {**fields, "summary": plain(self.summary), "result": plain(result)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()
        else:
            self.finish_with(error)

    def finish_with(self, error: BaseException) -> None:
        """Close the run with what ended it: `failed`, `stopped` by the keyboard, or an exit code."""
        if isinstance(error, KeyboardInterrupt):
            self.finish("stopped", reason="KeyboardInterrupt", by="keyboard")
        elif isinstance(error, (GeneratorExit, CancelledError)):
            self.finish("stopped", reason=type(error).__name__)
        elif isinstance(error, SystemExit) and error.code in (None, 0):
            self.finish()
        elif isinstance(error, SystemExit):
            code = error.code if isinstance(error.code, int) else 1  # anything else is printed, and is 1
            self.finish("failed", reason=f"exit code {code}", error=error)
        else:
            self.finish("failed", reason=type(error).__name__, error=error)

    def _log_with_care(self, values: Any, axes: dict[str, Any], context: str | None) -> None:
        if self._ended:
            if self._stored is not None:
                self.warn_once("ended", f"run {self.id} has ended: what is logged now is not recorded")
            return
        if not isinstance(values, Mapping):
            kind = type(values).__name__
            self.warn_once(
                "log", f"run.log expects a dict of numbers by name, got a {kind}; nothing recorded"
            )
            return
        numbers = self._scalars(record_logged(self, values, axes))
        if numbers:
            context = None if context is None else str(context)
            self._record(events.Metrics, {"values": numbers, "context": context}, axes)

    def _close(self) -> None:
        with self._lock:  # no other thread may be writing to the descriptor that is closed
            self._fast, self._open_log, log, self._log = False, None, self._log, None
            self._fd = -1
            if log is not None:
                self._try(log.close)
        for close in self._last_closers:
            self._try(close)
        deadline = now() + _SINK_SECONDS
        for sink in self._sinks:
            self._try(sink.detach, max(0.1, deadline - now()))

    def _try(self, call: Callable[..., Any], *args: Any) -> None:
        try:
            call(*args)
        except Exception as error:  # a sink's: it must not take the place of the training's own
            self.warn_once(f"close {call!r}", f"while closing run {self.id}: {error!r}")


def _one_line(error: BaseException) -> str:
    return "".join(tracebacks.format_exception_only(type(error), error)).strip()
