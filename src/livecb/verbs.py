"""What a run can say beside metrics: each verb records one event of the vocabulary."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec

from livecb import events, media
from livecb.errors import StoreError, ValueRefused
from livecb.values import Deferred, plain, scalar
from livecb.writer import Writer

if TYPE_CHECKING:
    from livecb.events import Totals
    from livecb.logs.file import FileLog
    from livecb.store import StoredRun

__all__ = ["Verbs"]

_STATUSES = ("running", "paused", "stalled", "evaluating", "saving", "predicting", "sanity_checking")
_LEVELS = {"WARNING": "WARN", "CRITICAL": "ERROR", "FATAL": "ERROR"}


P = ParamSpec("P")


def harmless(verb: Callable[P, None]) -> Callable[P, None]:
    """See to it that a verb never raises, whatever it is given."""

    @wraps(verb)
    def say(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            verb(*args, **kwargs)
        except Exception as error:
            run = args[0]
            assert isinstance(run, Verbs)
            run.warn_once(verb.__name__, f"run.{verb.__name__} recorded nothing: {error!r}")

    return say


class Verbs(Writer):
    """The verbs of a Run. Each takes the axes (`step`, `batch`, `epoch`, `samples`, `tokens`) too."""

    def __init__(self, stored: StoredRun | None, rank: int, open_log: Callable[[], FileLog] | None) -> None:
        super().__init__(open_log, rank)
        self._stored = stored
        self._ended = stored is None
        self._settings: dict[str, Any] = {}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return what a notebook shows of the run: its page, in a frame."""
        if self._stored is None:
            return {"text/plain": repr(self)}
        from livecb.notebook import Frame

        return Frame(self._stored)._repr_mimebundle_()

    @harmless
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
        self._settings.update(values)
        fields = {"config": values, "totals": totals, "framework": framework}
        self._record(
            events.Config, fields, {"versions": plain(dict(versions or {})), "resumed_step": resumed_step}
        )

    @harmless
    def status(self, status: str, phase: str | None = None, message: str | None = None, **axes: Any) -> None:
        """Say what the run is doing, in livecb's word (see `events.Status`) and the framework's phase."""
        if status not in _STATUSES:
            return self.warn_once(
                f"status {status}", f"expected one of {_STATUSES} as status, got {status!r}"
            )
        self._record(
            events.Status, {"status": status, "phase": _text(phase), "message": _text(message)}, axes
        )

    @harmless
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
        said: dict[str, Any] = {"done": done, "total": total, "rate": rate, "elapsed": elapsed, "left": left}
        said = {name: _finite(value) for name, value in said.items()}
        said.update(unit=str(unit), phase=_text(phase), fields=plain(fields))
        said["counters"] = {str(name): int(count) for name, count in dict(counters or {}).items()}
        self._record(events.Progress, said, {})

    @harmless
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
        self._record(
            events.Log,
            {"message": str(message), "level": str(level), "logger": _text(logger), "stream": _text(stream)},
            axes,
        )

    @harmless
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
        outcome: Literal["pruned", "skipped", "dropped"] | None = None,
        by: str | None = None,
        importances: Mapping[str, Any] | None = None,
        goal: Literal["min", "max"] | None = None,
        goals: Sequence[Literal["min", "max"]] | None = None,
        fold: int | None = None,
        folds: int | None = None,
        rung: int | None = None,
        **axes: Any,
    ) -> None:
        """Record a candidate that is done, or one fold of it: a row of the leaderboard."""
        fields = {
            "name": name,
            "ok": ok,
            "params": plain(dict(params or {})),
            "reason": reason,
            "outcome": outcome,
            "by": by,
            "place": place,
            "goal": goal,
            "goals": None if goals is None else list(goals),
        }
        fields.update(fold=fold, folds=folds, rung=rung)
        fields.update(
            scores=self._scalars(scores), importances=self._scalars(importances), fit_seconds=fit_seconds
        )
        self._record(events.ModelCompleted, fields, axes)

    @harmless
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
        self._record(events.Sample, {**fields, "scores": self._scalars(scores)}, axes)

    @harmless
    def image(self, name: str, image: Any, *, caption: str | None = None, **axes: Any) -> None:
        """Record a picture: encoded bytes, a path, a Pillow image, or an array H×W, H×W×C or C×H×W."""
        self._keep(events.Image, media.image, name, image, caption, axes)

    @harmless
    def figure(self, name: str, figure: Any, *, caption: str | None = None, **axes: Any) -> None:
        """Record a drawing: a Matplotlib figure, SVG or PNG bytes, or a path."""
        self._keep(events.Figure, media.figure, name, figure, caption, axes)

    @harmless
    def audio(self, name: str, audio: Any, *, caption: str | None = None, **axes: Any) -> None:
        """Record a sound: encoded bytes, a path, or `(samples in -1..1, rate in Hz)`."""
        self._keep(events.Audio, media.audio, name, audio, caption, axes)

    @harmless
    def histogram(self, name: str, values: Any, *, bins: int = 64, **axes: Any) -> None:
        """Record a distribution: a sequence or array of numbers, or `(counts, edges)`."""
        try:
            counts, edges = media.histogram(values, bins)
        except ValueRefused as error:
            self.warn_once(f"histogram {name}", f"histogram {name!r} was not recorded: {error}")
            return
        self._record(events.Histogram, {"name": name, "counts": counts, "edges": edges}, axes)

    @harmless
    def table(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], **axes: Any) -> None:
        """Record rows under columns."""
        fields = {"name": name, "columns": [str(column) for column in columns], "rows": plain(list(rows))}
        self._record(events.Table, fields, axes)

    @harmless
    def system(self, **fields: Any) -> None:
        """Record what the machine does; `livecb.system` samples it by itself."""
        self._record(events.System, fields, {})

    @harmless
    def checkpoint(
        self, path: str | os.PathLike[str], *, metric: str | None = None, value: Any = None, **axes: Any
    ) -> None:
        """Record that a checkpoint was saved, and the metric it was saved for."""
        fields: dict[str, Any] = {
            "path": _absolute(path),
            "size": media.size_of(Path(path)),
            "metric": metric,
        }
        number = self._scalars({"value": value}).get("value") if value is not None else None
        self._record(
            events.Checkpoint, {**fields, "value": None if isinstance(number, Deferred) else number}, axes
        )

    @harmless
    def artifact(self, path: str | os.PathLike[str], name: str | None = None, **axes: Any) -> None:
        """Record a file that belongs to the run, and keep a copy of it."""
        self._keep(events.Artifact, media.artifact, name or Path(path).name, path, None, axes)

    @harmless
    def alert(self, title: str, text: str = "", level: str = "WARN", **axes: Any) -> None:
        """Record something a person should know; level is INFO, WARN or ERROR."""
        if level not in ("INFO", "WARN", "ERROR"):
            level = _LEVELS.get(level.upper(), "INFO")
        self._record(events.Alert, {"title": str(title), "text": str(text), "level": level}, axes)

    @harmless
    def note(self, text: str, author: str | None = None, **axes: Any) -> None:
        """Record what a person has to say about the run."""
        self._record(events.Note, {"text": str(text), "author": _text(author)}, axes)

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

    def _record(self, kind: type[events.Event], fields: dict[str, Any], axes: dict[str, Any]) -> None:
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
            self.warn_once(f"{kind.__name__} {name}", f"{kind.__name__} {name!r} was not recorded: {error}")
            return
        if caption is not None:
            fields["caption"] = caption
        self._record(kind, {"name": name, **fields}, axes)


def _absolute(path: str | os.PathLike[str]) -> str:
    """Return a path as other processes find it too; an address (`s3://...`) stays as it is."""
    word = os.fsdecode(path)
    return word if "://" in word else os.path.abspath(word)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _finite(value: Any) -> float | int | None:
    """Return a number that a bar can show, None for one that is not known (infinite, on a device)."""
    number = None if value is None else scalar(value)
    return None if number is None or isinstance(number, Deferred) or not math.isfinite(number) else number
