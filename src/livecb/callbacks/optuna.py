"""Optuna: `study.optimize(objective, n_trials=100, callbacks=[LiveStream()])`.

Axes: `step` counts trials that are finished, with those that the study had before. Each trial is a row
of the leaderboard. Values are recorded under the study's metric names (`value` where it has none), with
the best so far (`best_value`) where there is one objective; what a trial reported on its way is
`intermediate/trial 7`, by the trial's own steps.

Optuna tells its callbacks of trials only, when they are finished. The first one opens the run; a
`with` block opens it at once. The run is over when as many trials are finished as were asked for, and
otherwise when the callback is thrown away, which `callbacks=[LiveStream()]` is as soon as `optimize`
returns, or when its `with` block ends. An exception that `catch=` does not name ends `optimize` without
a word to the callbacks; it is known from what Optuna logs.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import threading
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from livecb.callbacks.base import Session, Stream, during, opening
from livecb.callbacks.calls import asked, asked_anywhere
from livecb.callbacks.misplaced import tell
from livecb.events import Totals
from livecb.run import EndStatus, Run

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LiveStream"]

_MODULE = "optuna.study._optimize"
_FAILED = re.compile(r"Trial (\d+) failed .*because of the following error: (.*)\.", re.DOTALL)
_MOST_CURVES = 50
_MOST_FAILURES = 100
_CHECK_SECONDS = 0.05  # from our call to where Optuna looks at the clock

# Trials run in threads of their own, which all call the same callback.
_lock = threading.RLock()


class _Failures(logging.Filter):
    """Notes why trials fail, from what Optuna logs; lets all pass. A callback is not told why.

    Attributes:
        untold: Why and when a trial failed that no callback was told of, by thread and number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.untold: dict[tuple[int, int], tuple[str, datetime]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Take note of a record, and let it pass."""
        if found := _FAILED.match(record.getMessage()):
            error = record.exc_info[1] if record.exc_info else None
            why = found[2]
            with contextlib.suppress(Exception):  # one that cannot be printed
                why = why if error is None else f"{type(error).__name__}: {error}"
            self.untold[threading.get_ident(), int(found[1])] = why, datetime.now()
            for oldest in list(self.untold)[:-_MOST_FAILURES]:  # of studies that nobody watches
                self.untold.pop(oldest, None)
        return True

    def take(self, number: int) -> str | None:
        """Return why this thread's trial has failed, once."""
        why, _ = self.untold.pop((threading.get_ident(), number), (None, None))
        return why

    def since(self, began: datetime) -> dict[int, str]:
        """Return why trials have failed that no callback was told of, by number."""
        return {number: why for (_, number), (why, at) in list(self.untold.items()) if at >= began}


_failures = _Failures()
logging.getLogger(_MODULE).addFilter(_failures)


class _Session(Session):
    """What is known of an optimization.

    Attributes:
        study: The study, once it is known: a `with` block begins before it is.
        names: What the study calls its values.
        goals: Which way each is better.
        first: Trials that were finished before.
        total: Trials that will be finished in the end, None if unknown.
        timeout: Seconds that the call of `optimize` may take.
        began: When it began.
        called: When the call of `optimize` began that is under way, or was the last.
        before: Trials that were finished by then.
        took: Seconds from there to the trial that was told last.
        best: The best value so far, of one objective.
        counters: Trials by how they ended.
        curves: Trials whose values on their way are recorded as metrics.
    """

    def __init__(self, run: Run, owned: bool) -> None:
        super().__init__(run, owned)
        self.study: Any = None
        self.names: list[str] = []
        self.goals: list[Any] = []
        self.first = 0
        self.total: int | None = None
        self.timeout: float | None = None
        self.began = datetime.now()
        self.called: datetime | None = None
        self.before = 0
        self.took = 0.0
        self.best: float | None = None
        self.counters = {"completed": 0, "pruned": 0, "failed": 0}
        self.curves = 0

    def fate(self, what: str) -> tuple[EndStatus, str | None] | None:
        """Return how it ended: by a failure that no `catch=` names, early, or as it was asked for."""
        if (failure := self._failure()) is not None:
            return "failed", failure
        if what == "the program ended":  # perhaps by an exit code, in the middle of a trial
            return None
        if self.total is not None and self.step >= self.total:
            return "completed", None
        if self.timeout is not None and self.took >= self.timeout - _CHECK_SECONDS:
            return "completed", "timeout"
        return "completed", "stopped early" if self.total is not None else None

    def _failure(self) -> str | None:
        """Return which trial of this study has failed without a word to us, and why."""
        untold = _failures.since(self.began) if self.study is not None else {}
        if untold:
            with contextlib.suppress(Exception):  # whatever a storage raises
                for trial in self.study.get_trials(deepcopy=False):
                    if trial.state.name == "FAIL" and trial.number in untold:
                        return f"trial {trial.number}: {untold[trial.number]}"
        return None


class LiveStream(Stream):
    """Shows an optimization live. See `livecb.callbacks.base.Stream` for the arguments."""

    _waits = False  # for the end of a `with` block

    def __enter__(self) -> Self:
        self._waits = True
        self._open_for(None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waits = False
        if error is None:
            self._give_up("the block ended")
        else:
            self._end_with(error)

    def __call__(self, *said: Any) -> None:
        """Take in a study's trial; called by Optuna, in any thread."""
        if len(said) != 2:
            tell(self)
            return
        study, trial = said
        with _lock:
            if self._session is None:
                self._open_for(study)
            self._take(study, trial)

    def _make_session(self, run: Run, owned: bool) -> Session:
        return _Session(run, owned)

    @opening
    def _open_for(self, study: Any) -> None:
        name = study.study_name if study is not None and not self.name else ""
        optuna = sys.modules.get("optuna")
        self._open(
            leads=True,
            framework="optuna",
            versions={"optuna": str(optuna.__version__)} if optuna else {},
            config={},
            suffix=None if name.startswith("no-name-") else name,
        )
        if self._session is not None:
            self.run.status("running", "optimize")

    @during
    def _take(self, study: Any, trial: Any) -> None:
        session = self._session
        if session.study is not study:
            self._meet(study, trial)
        self._plan(study)
        session.step += 1
        self.run.at(step=session.step)
        self._tell_curve(trial)
        self._tell_trial(trial)
        self._tell_how_far()
        if session.step == session.total and not self._waits:
            self._end()

    # What a trial's end is made of

    def _meet(self, study: Any, trial: Any) -> None:
        """Learn what the study is about, and what it has come to without us."""
        session = self._session
        session.study = study
        session.goals = [{"MINIMIZE": "min", "MAXIMIZE": "max"}.get(each.name) for each in study.directions]
        several = len(session.goals) > 1
        default = [f"value_{number}" for number in range(len(session.goals))] if several else ["value"]
        session.names = list(study.metric_names or default)
        if not self._waits:
            wanted = asked(_MODULE, "_optimize_sequential")
            session.began = wanted.get("time_start") or trial.datetime_start or session.began
        before = [
            each
            for each in study.get_trials(deepcopy=False)
            if each.datetime_complete is not None and each.datetime_complete <= session.began
        ]
        session.first = session.step = len(before)
        for each in before:
            self._take_best(each)
        self._plan(study)
        about = {"sampler": type(study.sampler).__name__, "pruner": type(study.pruner).__name__}
        self.run.configure(
            {"study": study.study_name, "directions": session.goals, **about, **self.config},
            totals=Totals(steps=session.total),
            resumed_step=session.first or None,
        )

    def _plan(self, study: Any) -> None:
        """Learn how much the call of `optimize` that is under way was asked for, once."""
        session = self._session
        called = asked(_MODULE, "_optimize_sequential").get("time_start") or session.began
        if called == session.called:
            return
        session.called, session.before = called, session.step
        wanted = asked_anywhere(_MODULE, "_optimize", study=study)
        trials = wanted.get("n_trials")
        session.total = None if trials is None else session.step + trials
        session.timeout = wanted.get("timeout")

    def _tell_curve(self, trial: Any) -> None:
        """Record what a trial reported on its way."""
        session, rows = self._session, sorted(trial.intermediate_values.items())
        if not rows:
            return
        name = f"intermediate/trial {trial.number}"
        if session.curves < _MOST_CURVES:
            session.curves += 1
            for step, value in rows:
                self.run.log({name: value}, step=step)
            return
        if session.curves == _MOST_CURVES:
            session.curves += 1
            self.run.text(
                f"Only {_MOST_CURVES} trials have curves of their own: those of others are tables of the log"
            )
        self.run.table(name, ["step", "value"], rows)

    def _tell_trial(self, trial: Any) -> None:
        session, state, why = self._session, trial.state.name, _failures.take(trial.number)
        ok = state == "COMPLETE"
        scores = dict(zip(session.names, trial.values, strict=False)) if ok else {}
        reason = {"PRUNED": _pruned(trial), "FAIL": why or "see Optuna's log"}.get(state)
        session.counters[{"COMPLETE": "completed", "PRUNED": "pruned"}.get(state, "failed")] += 1
        if ok:
            self.run.log({**scores, **self._take_best(trial)})
        self.run.model_completed(
            f"trial {trial.number}",
            ok=ok,
            params=trial.params,
            scores=scores,
            fit_seconds=None if trial.duration is None else trial.duration.total_seconds(),
            reason=reason,
            goal=session.goals[0],
        )

    def _take_best(self, trial: Any) -> dict[str, float]:
        """Take in a trial's value, and return the best so far by name; several have no best."""
        session = self._session
        if len(session.goals) > 1 or trial.state.name != "COMPLETE":
            return {}
        value, sign = trial.value, -1 if session.goals[0] == "min" else 1
        if session.best is None or sign * value > sign * session.best:
            session.best = value
            self.run.summary.update(best_value=value, best_trial=trial.number, best_params=trial.params)
        return {f"best_{session.names[0]}": session.best}

    def _tell_how_far(self) -> None:
        session = self._session
        session.took = elapsed = (datetime.now() - (session.called or session.began)).total_seconds()
        rate = (session.step - session.before) / elapsed if elapsed > 0 else None
        ends = [] if session.timeout is None else [session.timeout - elapsed]
        if rate and session.total is not None:
            ends.append((session.total - session.step) / rate)
        self.run.progress(
            session.step,
            session.total,
            unit="trial",
            phase="optimize",
            rate=rate,
            elapsed=elapsed,
            left=max(0.0, min(ends)) if ends else None,
            counters=session.counters,
        )


def _pruned(trial: Any) -> str:
    return "pruned" if trial.last_step is None else f"pruned at step {trial.last_step}"
