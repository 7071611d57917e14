"""The board of a comparison: evaluates models one by one on the same folds, and obeys readers meanwhile.

Readers may skip the model under way, drop one that waits, and add one that was left out or is spare. It
obeys after each fold, and between the rounds of those models that look up while they are fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from time import perf_counter
from typing import Any

from sklearn.base import clone
from sklearn.utils.metaestimators import _safe_split  # knows of kernels, sparse matrices, data frames

from livecb.callbacks.helm import Helm
from livecb.callbacks.sklearn_candidates import Candidate, Comparison
from livecb.callbacks.sklearn_curves import curves
from livecb.callbacks.sklearn_interrupt import Abandoned, hooked
from livecb.callbacks.sklearn_models import chosen, importances
from livecb.control.commands import Asked
from livecb.control.criterion import Criterion
from livecb.control.steering import Offer
from livecb.meter import Meter
from livecb.run import Run

__all__ = ["Board", "Scorer"]

Scorer = Callable[..., Mapping[str, float]]

_REFITS = "the comparison is over: the best model is being fitted on all data"
_OFFERS: dict[str, Offer] = {
    "save": "a comparison keeps scores, not models: the best one is fitted on all data at its end",
    "evaluate": "every model is evaluated on each fold",
    "sample": "a comparison has no samples",
}


class Board:
    """Evaluates models on the same splits, and tells of each.

    Args:
        run: Where it is recorded.
        data: X and y.
        splits: Rows to train and to test on, a pair a fold.
        models: Estimators by name, and how each is scored.
        waiting: Names of those to evaluate, in order; the others are spare.
        criterion: When to stop.
        control: Whether readers may steer.

    Attributes:
        found: What it has come to.
    """

    def __init__(
        self,
        run: Run,
        data: tuple[Any, Any],
        splits: list[Any],
        models: Mapping[str, tuple[Any, Scorer]],
        waiting: list[str],
        criterion: Criterion | None = None,
        control: bool = True,
    ) -> None:
        self.found = Comparison()
        self._run = run
        self._data = data
        self._splits = splits
        self._models = models
        self._waiting = waiting if run._stop_asked is None else waiting[:1]  # as any loop after a stop
        self._spare = [name for name in models if name not in waiting]
        self._criterion = criterion
        self._folds = len(self._waiting) * len(splits)
        self._meter = Meter("fold", self._folds, "compare")
        self._done = 0  # folds
        self._told = 0  # candidates that were told of
        self._current: Candidate | None = None
        self._hooked = False
        self._given_up: Asked | None = None
        self._asked_before = run._stop_asked
        self._obeying = 0.0  # seconds, paused ones above all
        self._refits = False
        self._helm: Helm | None = None
        if control:
            self._helm = Helm(run, True, 1, {**_OFFERS, **self._offers()}, [])

    def evaluate_all(self) -> None:
        """Evaluate what waits, until that is done or somebody stops it."""
        self._offer()
        while self._waiting and self.found.stopped is None:
            self._evaluate(self._waiting.pop(0))

    def refit(self) -> None:
        """Fit the best model on all data."""
        if (best := self.found.best) is None:
            return
        self._refits = True
        self._offer()
        self._run.status("running", "refit")
        try:
            self.found.model = self._fit(self._models[best.name][0], None, None)[0]
        except Exception as error:
            self._run.alert("The best model could not be fitted on all data", repr(error), "ERROR")

    def interrupt(self) -> None:
        """Tell what was under way when Ctrl-C came."""
        self.found.interrupted = True
        if self._current is not None and self._current.folds:
            self._leave_out(self._current, "skipped", "keyboard")

    def leave(self) -> None:
        """Obey nobody any more."""
        if self._helm is not None:
            self._helm.leave()

    # A model

    def _evaluate(self, name: str) -> None:
        """Fit and score a model on each split; whatever it raises is its own failure."""
        model, score = self._models[name]
        candidate = self._current = Candidate(name, _params(model, self._run))
        began, seconds = self._done, 0.0
        self._given_up = None
        self._run.status("running", name)
        self._offer()
        try:
            for fold, (train, test) in enumerate(self._splits):
                self._tell_progress()
                fitted, took = self._fit(model, train, name if fold == 0 else None)
                seconds += took
                candidate.folds.append(dict(score(fitted, *_safe_split(fitted, *self._data, test, train))))
                candidate.fit_seconds = seconds / len(candidate.folds)
                self._done += 1
                self._tell_fold(candidate, took)
                self._look()
            candidate.importances = importances(fitted)
        except Exception as error:
            if self._wish() is None:
                candidate.error = f"{type(error).__name__}: {error}"
        self._current = None
        if (wish := self._wish()) is not None:
            self._plan(self._done - began - len(self._splits))
            self._leave_out(candidate, "skipped", wish.by)
            self._tell_progress(candidate.name)
            return
        self._done = began + len(self._splits)
        self._tell(candidate)
        self._tell_progress(candidate.name)
        self._judge(candidate)

    def _fit(self, model: Any, rows: Any, curve: str | None) -> tuple[Any, float]:
        fitted = clone(model)
        X, y = self._data if rows is None else _safe_split(fitted, *self._data, rows)
        more = hooked(fitted, self._look) if self._helm is not None else None
        self._hooked = more is not None
        waited, began = self._obeying, perf_counter()
        with nullcontext() if curve is None else curves(fitted, self._run, curve):
            fitted.fit(X, **(more or {})) if y is None else fitted.fit(X, y, **(more or {}))
        return fitted, perf_counter() - began - (self._obeying - waited)

    def _judge(self, candidate: Candidate) -> None:
        """Stop where a candidate is good enough."""
        if self._criterion is None or not candidate.ok:
            return
        values = {**candidate.scores, **self._best()}
        if self._criterion.name not in values:
            self._run.warn_once(
                "stop_when",
                f"stop_when={str(self._criterion)!r}: no score has that name; there are {', '.join(values)}",
            )
        elif (how := self._criterion.met(values)) is not None and self.found.stopped is None:
            self.found.stopped = how
            self._run.text(f"Good enough: {how}", logger="livecb")

    # What readers ask

    def _look(self) -> None:
        """Obey readers; may wait.

        Raises:
            Abandoned: The model under way is not to be gone on with.
        """
        run = self._run
        if self._helm is None or not run._asked:
            return
        began = perf_counter()
        self._helm.step()
        self._obeying += perf_counter() - began
        stop = run._stop_asked
        if stop is not None and stop is not self._asked_before and self.found.stopped is None:
            self.found.stopped = f"stopped by {stop.by}" + (f": {stop.reason}" if stop.reason else "")
            if not self._refits and not self._has_all():
                self._given_up = stop
        if self._given_up is not None and self._current is not None:
            raise Abandoned(f"by {self._given_up.by}")

    def _wish(self) -> Asked | None:
        """Return who wishes that the model under way be given up."""
        return self._given_up

    def _offers(self) -> dict[str, Offer]:
        over = _REFITS if self._refits else ""
        drop = "" if self._waiting else "no model is waiting"
        add = "" if self._addable() else "no model was left out, and none is spare: compare(spare={...})"
        return {
            "stop": over or (lambda: None),
            "skip": over or (self._skip if self._current else "no model is under way"),
            "drop": over or drop or self._drop,
            "add": over or add or self._add,
        }

    def _offer(self) -> None:
        """Say what can be asked now."""
        if self._helm is not None:
            current = [self._current.name] if self._current is not None else []
            names = {"skip": current, "drop": self._waiting, "add": self._addable()}
            self._run._steer().offer(self._offers(), {} if self._refits else names)

    def _addable(self) -> list[str]:
        return [each.name for each in self.found.candidates if each.outcome] + self._spare

    def _has_all(self) -> bool:
        return self._current is not None and len(self._current.folds) == len(self._splits)

    def _skip(self, asked: Asked) -> str:
        assert self._current is not None
        if self._has_all():
            return "it was done by then: its scores stay"
        self._given_up = asked
        done, of = len(self._current.folds), len(self._splits)
        if self._hooked:
            return f"with {done} of {of} folds done"
        kind = type(self._models[self._current.name][0]).__name__
        return f"with {done} of {of} folds done: {kind} cannot be interrupted while it is fitted"

    def _drop(self, asked: Asked) -> None:
        name = str(asked.value)
        self._waiting.remove(name)
        self._plan(-len(self._splits))
        self._leave_out(Candidate(name, _params(self._models[name][0], self._run)), "dropped", asked.by)

    def _add(self, asked: Asked) -> None:
        name = str(asked.value)
        self.found.candidates = [each for each in self.found.candidates if each.name != name]
        self._spare = [each for each in self._spare if each != name]
        self._waiting.append(name)
        self._plan(len(self._splits))
        self._offer()

    def _leave_out(self, candidate: Candidate, outcome: Any, by: str) -> None:
        candidate.outcome, candidate.by = outcome, by
        self._tell(candidate)
        self._offer()

    def _plan(self, more: int) -> None:
        self._folds += more
        self._meter.total = self._folds

    # What is told

    def _tell_fold(self, candidate: Candidate, took: float) -> None:
        self._run.model_completed(
            candidate.name,
            params=candidate.params,
            scores=candidate.folds[-1],
            fit_seconds=took,
            fold=len(candidate.folds) - 1,
            **self._shared(),
        )

    def _tell(self, candidate: Candidate) -> None:
        self.found.add(candidate)
        self._told += candidate.ok or candidate.error is not None
        self._run.model_completed(
            candidate.name,
            ok=candidate.ok,
            params=candidate.params,
            scores=candidate.scores,
            fit_seconds=candidate.fit_seconds,
            place=self.found.candidates.index(candidate) + 1 if candidate.ok else None,
            reason=candidate.error or candidate.left_out,
            outcome=candidate.outcome,
            by=candidate.by,
            importances=candidate.importances,
            **self._shared(),
        )
        if candidate.outcome is None and (best := self._best()):
            self._run.log(best, step=self._told)

    def _best(self) -> dict[str, float]:
        best = self.found.best
        return {} if best is None else {f"best/{next(iter(best.scores))}": best.score}

    def _shared(self) -> dict[str, Any]:
        return {"folds": len(self._splits), "goal": "max"}  # scikit-learn's scores are better when greater

    def _tell_progress(self, name: str | None = None) -> None:
        all_ = self.found.candidates
        counts = {
            "failed": sum(each.error is not None for each in all_),
            "skipped": sum(each.outcome == "skipped" for each in all_),
            "dropped": sum(each.outcome == "dropped" for each in all_),
        }
        best = self.found.best
        self._run.progress(
            **self._meter.read(self._done),
            counters={each: count for each, count in counts.items() if count},
            model=name or (self._current.name if self._current else None),
            best=None if best is None else f"{best.name} {best.score:.4g}",
        )


def _params(model: Any, run: Run) -> dict[str, Any]:
    """Return the parameters of a model, none where it does not say: that is no reason not to train it."""
    try:
        return chosen(model)
    except Exception as error:
        kind = type(model).__name__
        run.warn_once(
            f"params {kind}", f"{kind} does not tell its parameters: {type(error).__name__}: {error}"
        )
        return {}
