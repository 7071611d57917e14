"""Run: the writer's handle, the verbs of a training.

No verb raises, waits or syncs a device. What cannot be recorded is refused with one warning that
names it and the cure; the training goes on.
"""

from __future__ import annotations

import os
import threading
import traceback as tracebacks
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from livecb import events, media
from livecb.errors import LivecbError, StoreError, ValueRefused
from livecb.track import track
from livecb.values import Deferred, plain, scalar
from livecb.writer import Writer

if TYPE_CHECKING:
    from typing_extensions import Self

    from livecb.events import Totals
    from livecb.logs.file import FileLog
    from livecb.sinks.base import Sink
    from livecb.store import StoredRun

__all__ = ["Config", "Run"]

EndStatus = Literal["completed", "failed", "stopped", "killed"]
_T = TypeVar("_T")

_SINK_SECONDS = 3.0
_STATUSES = ("running", "paused", "stalled", "evaluating", "saving", "predicting", "sanity_checking")


class Config(MutableMapping[str, Any]):
    """A run's hyperparameters; every change is recorded."""

    def __init__(self, run: Run, values: Mapping[str, Any]) -> None:
        self._run = run
        self._values = dict(values)

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._run.configure({key: value})

    def __delitem__(self, key: str) -> None:
        del self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Config({self._values})"

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Change several at once, recorded as one event."""
        self._run.configure(dict(*args, **kwargs))


class Run(Writer):
    """One training, as its writer sees it. `livecb.init` makes one.

    Attributes:
        id: Id of the run, which names its folder.
        name: Free text to show.
        folder: Where the run's files are; None for a run that does nothing.
        summary: What should stand beside the end of the run; yours to fill.
        step, batch, epoch, samples, tokens: Where the loop stands; every event carries them.
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
        super().__init__(open_log, rank)
        self.id = stored.id if stored else ""
        self.name = name
        self.folder: Path | None = stored.folder if stored else None
        self.summary: dict[str, Any] = {}
        self.config = Config(self, config or {})
        self._stored = stored
        self._sinks: list[Sink] = []
        self._leads = True  # starts and ends the run; a further rank or process only adds to it
        self._tracking = False
        self._closers: list[Callable[[], None]] = []
        self._last_closers: list[Callable[[], None]] = []
        self._ended = stored is None
        self._ending = threading.Lock()
        self._clock = 0

    def __repr__(self) -> str:
        return f"<Run {self.id or 'that does nothing'}>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        from livecb.start import attach

        return attach, (str(self.folder) if self.folder else None, self.name, self.rank)

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
    ) -> None:
        """Record metrics: Python or NumPy scalars, or 0-d tensors, by name.

        Names are grouped at slashes: `train/loss` and `val/loss` share a chart. Axes that are left
        out are the run's current ones; in a loop that sets none, each call is one step.

        Args:
            values: Numbers by name. Anything else is refused with a warning naming the key.
            step: Optimizer steps done.
            batch: Batches seen.
            epoch: Epochs done, fractional.
            samples: Training samples seen.
            tokens: Training tokens seen.
            context: What they were measured in: `train`, `val`, `test` ...
        """
        if self._ended:
            if self._stored is not None:
                self.warn_once("ended", f"run {self.id} has ended: what is logged now is not recorded")
            return
        if step is None and (step := self.step) is None:
            self._clock = step = self._clock + 1
        axes = (
            step,
            self.batch if batch is None else batch,
            self.epoch if epoch is None else epoch,
            self.samples if samples is None else samples,
            self.tokens if tokens is None else tokens,
        )
        try:
            # The sum of floats is a finite float only if all of them are numbers, and finite; what
            # is no number, or no Python one, shows in its type. One C call instead of a loop.
            total = sum(values.values())
            simple = (
                type(total) is float
                and total - total == 0.0
                and type(values) is dict
                and bool not in map(type, values.values())
            )
        except Exception:
            simple = False
        if simple:
            self._append_metrics(values, axes, context)  # type: ignore[arg-type]
        else:
            self._log_with_care(values, axes, context)

    def at(
        self,
        *,
        step: int | None = None,
        batch: int | None = None,
        epoch: float | None = None,
        samples: int | None = None,
        tokens: int | None = None,
    ) -> None:
        """Say where the loop stands; what is left out stays as it is."""
        if step is not None:
            self.step = step
        if batch is not None:
            self.batch = batch
        if epoch is not None:
            self.epoch = epoch
        if samples is not None:
            self.samples = samples
        if tokens is not None:
            self.tokens = tokens

    def track(
        self, iterable: Iterable[_T], *, epochs: int = 1, total: int | None = None, unit: str = "batch"
    ) -> Iterator[_T]:
        """Go through `iterable`, `epochs` times, recording progress, rate and time left.

        Sets `step`, `batch` and `epoch` as it goes. See `livecb.track`.
        """
        return track(self, iterable, epochs=epochs, total=total, unit=unit)

    def configure(
        self,
        config: Mapping[str, Any] | None = None,
        *,
        totals: Totals | None = None,
        framework: str | None = None,
        versions: Mapping[str, str] | None = None,
        resumed_step: int | None = None,
    ) -> None:
        """Record hyperparameters and what else became known after the start."""
        values = plain(dict(config or {}))
        self.config._values.update(values)
        fields = {"config": values, "totals": totals, "framework": framework}
        self._say(events.Config, fields, {"versions": dict(versions or {}), "resumed_step": resumed_step})

    def status(self, status: str, phase: str | None = None, message: str | None = None, **axes: Any) -> None:
        """Say what the run is doing, in livecb's word (see `events.Status`) and the framework's phase."""
        if status not in _STATUSES:
            return self.warn_once(
                f"status {status}", f"expected one of {_STATUSES} as status, got {status!r}"
            )
        self._say(events.Status, {"status": status, "phase": phase, "message": message}, axes)

    def progress(
        self,
        done: float,
        total: float | None = None,
        *,
        unit: str = "step",
        phase: str | None = None,
        rate: float | None = None,
        elapsed: float | None = None,
        left: float | None = None,
        counters: Mapping[str, int] | None = None,
        **fields: Any,
    ) -> None:
        """Say how far it is; `fields` is whatever else should be shown with the bar."""
        said = {"done": done, "total": total, "unit": unit, "phase": phase, "rate": rate}
        said.update(elapsed=elapsed, left=left, counters=dict(counters or {}), fields=plain(fields))
        self._say(events.Progress, said, {})

    def text(
        self,
        message: str,
        level: str = "INFO",
        *,
        logger: str | None = None,
        stream: str | None = None,
        **axes: Any,
    ) -> None:
        """Record a line of the log."""
        self._say(
            events.Log, {"message": str(message), "level": level, "logger": logger, "stream": stream}, axes
        )

    def model_completed(
        self,
        name: str,
        *,
        ok: bool = True,
        params: Mapping[str, Any] | None = None,
        scores: Mapping[str, Any] | None = None,
        fit_seconds: float | None = None,
        place: int | None = None,
        reason: str | None = None,
        importances: Mapping[str, Any] | None = None,
        **axes: Any,
    ) -> None:
        """Record a candidate that is done: a row of the leaderboard."""
        fields = {
            "name": name,
            "ok": ok,
            "params": plain(dict(params or {})),
            "reason": reason,
            "place": place,
        }
        fields.update(
            scores=self._scalars(scores), importances=self._scalars(importances), fit_seconds=fit_seconds
        )
        self._say(events.ModelCompleted, fields, axes)

    def sample(
        self,
        input: Any = None,
        target: Any = None,
        prediction: Any = None,
        *,
        name: str | None = None,
        scores: Mapping[str, Any] | None = None,
        **axes: Any,
    ) -> None:
        """Record what the model makes of one input."""
        fields = {
            "input": plain(input),
            "target": plain(target),
            "prediction": plain(prediction),
            "name": name,
        }
        self._say(events.Sample, {**fields, "scores": self._scalars(scores)}, axes)

    def image(self, name: str, image: Any, *, caption: str | None = None, **axes: Any) -> None:
        """Record a picture: encoded bytes, a path, a Pillow image, or an array H×W, H×W×C or C×H×W."""
        self._keep(events.Image, media.image, name, image, caption, axes)

    def figure(self, name: str, figure: Any, *, caption: str | None = None, **axes: Any) -> None:
        """Record a drawing: a Matplotlib figure, SVG or PNG bytes, or a path."""
        self._keep(events.Figure, media.figure, name, figure, caption, axes)

    def audio(self, name: str, audio: Any, *, caption: str | None = None, **axes: Any) -> None:
        """Record a sound: encoded bytes, a path, or `(samples in -1..1, rate in Hz)`."""
        self._keep(events.Audio, media.audio, name, audio, caption, axes)

    def histogram(self, name: str, values: Any, *, bins: int = 64, **axes: Any) -> None:
        """Record a distribution: a sequence or array of numbers, or `(counts, edges)`."""
        try:
            counts, edges = media.histogram(values, bins)
        except ValueRefused as error:
            return self.warn_once(f"histogram {name}", f"histogram {name!r} was not recorded: {error}")
        self._say(events.Histogram, {"name": name, "counts": counts, "edges": edges}, axes)

    def table(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], **axes: Any) -> None:
        """Record rows under columns."""
        fields = {"name": name, "columns": [str(column) for column in columns], "rows": plain(list(rows))}
        self._say(events.Table, fields, axes)

    def system(self, **fields: Any) -> None:
        """Record what the machine does; `livecb.system` samples it by itself."""
        self._say(events.System, fields, {})

    def checkpoint(
        self, path: str | os.PathLike[str], *, metric: str | None = None, value: Any = None, **axes: Any
    ) -> None:
        """Record that a checkpoint was saved, and the metric it was saved for."""
        fields: dict[str, Any] = {
            "path": os.fspath(path),
            "size": media.size_of(Path(path)),
            "metric": metric,
        }
        number = self._scalars({"value": value}).get("value") if value is not None else None
        self._say(
            events.Checkpoint, {**fields, "value": None if isinstance(number, Deferred) else number}, axes
        )

    def artifact(self, path: str | os.PathLike[str], name: str | None = None, **axes: Any) -> None:
        """Record a file that belongs to the run, and keep a copy of it."""
        self._keep(events.Artifact, media.artifact, name or Path(path).name, path, None, axes)

    def alert(self, title: str, text: str = "", level: str = "WARN", **axes: Any) -> None:
        """Record something a person should know; level is INFO, WARN or ERROR."""
        if level not in ("INFO", "WARN", "ERROR"):
            level = {"WARNING": "WARN", "CRITICAL": "ERROR", "FATAL": "ERROR"}.get(level.upper(), "INFO")
        self._say(events.Alert, {"title": str(title), "text": str(text), "level": level}, axes)

    def note(self, text: str, author: str | None = None, **axes: Any) -> None:
        """Record what a person has to say about the run."""
        self._say(events.Note, {"text": str(text), "author": author}, axes)

    def finish(
        self,
        status: EndStatus = "completed",
        *,
        reason: str | None = None,
        error: BaseException | None = None,
        by: str | None = None,
        result: Any = None,
    ) -> None:
        """Say how it ended and close the run; only the first call counts."""
        with self._ending:
            if self._ended:
                return
            for close in self._closers:
                self._try(close)
            self.flush()
            fields: dict[str, Any] = {"status": status, "reason": reason, "by": by, "lost": self.lost}
            if error is not None:
                fields["error"] = _one_line(error)
                fields["traceback"] = "".join(
                    tracebacks.format_exception(type(error), error, error.__traceback__)
                )
            if self._leads:
                fields.update(summary=plain(self.summary), result=plain(result))
                self.append(events.RunEnded, fields)
            self._ended = True
            self._close()

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
        elif isinstance(error, GeneratorExit):
            self.finish("stopped", reason="GeneratorExit")
        elif isinstance(error, SystemExit) and error.code in (None, 0):
            self.finish()
        elif isinstance(error, SystemExit):
            self.finish("failed", reason=f"exit code {error.code}", error=error)
        else:
            self.finish("failed", reason=type(error).__name__, error=error)

    def _log_with_care(self, values: Any, axes: tuple[Any, ...], context: str | None) -> None:
        if not isinstance(values, Mapping):
            kind = type(values).__name__
            return self.warn_once(
                "log", f"run.log expects a dict of numbers by name, got a {kind}; nothing recorded"
            )
        numbers = self._scalars(values)
        if numbers:
            names = ("step", "batch", "epoch", "samples", "tokens")
            self.append(
                events.Metrics, {**dict(zip(names, axes, strict=True)), "values": numbers, "context": context}
            )

    def _scalars(self, values: Mapping[str, Any] | None) -> dict[str, float | int | Deferred]:
        numbers: dict[str, float | int | Deferred] = {}
        for key, value in dict(values or {}).items():
            try:
                if not isinstance(key, str):
                    raise ValueRefused(f"named by a {type(key).__name__}: expected a string")
                numbers[key] = scalar(value)
            except ValueRefused as error:
                self.warn_once(f"value {key}", f"metric {key!r} was not recorded: it is {error}")
            except Exception as error:
                self.warn_once(
                    f"value {key}", f"metric {key!r} was not recorded: reading it raised {error!r}"
                )
        return numbers

    def _say(self, kind: type[events.Event], fields: dict[str, Any], axes: dict[str, Any]) -> None:
        if self._ended:
            return
        try:
            self.append(kind, {**fields, **axes})
        except Exception as error:
            self.warn_once(f"say {kind.__name__}", f"a {kind.__name__} event was not recorded: {error!r}")

    def _keep(
        self,
        kind: type[events.Event],
        read: Callable[[StoredRun, str, Any], dict[str, Any]],
        name: str,
        content: Any,
        caption: str | None,
        axes: dict[str, Any],
    ) -> None:
        if self._ended or self._stored is None:
            return
        try:
            fields = read(self._stored, name, content)
        except (ValueRefused, StoreError, OSError) as error:
            return self.warn_once(
                f"{kind.__name__} {name}", f"{kind.__name__} {name!r} was not recorded: {error}"
            )
        if caption is not None:
            fields["caption"] = caption
        self._say(kind, {"name": name, **fields}, axes)

    def _close(self) -> None:
        with self._lock:  # no other thread may be writing to the descriptor that is closed
            self._fast, self._open_log, log = False, None, self._log
            if log is not None:
                self._try(log.close)
        for close in self._last_closers:
            self._try(close)
        for sink in self._sinks:
            self._try(sink.detach, _SINK_SECONDS)

    def _try(self, call: Callable[..., Any], *args: Any) -> None:
        try:
            call(*args)
        except (LivecbError, OSError, RuntimeError, ValueError) as error:
            self.warn_once(f"close {call!r}", f"while closing run {self.id}: {error!r}")


def _one_line(error: BaseException) -> str:
    return "".join(tracebacks.format_exception_only(type(error), error)).strip()
