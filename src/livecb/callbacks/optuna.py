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
import sys
import threading
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from livecb.callbacks.base import Session, Stream, during, opening
from livecb.callbacks.calls import asked, asked_anywhere
from livecb.callbacks.helm import Helm, steering
from livecb.callbacks.misplaced import tell
from livecb.callbacks.optuna_session import MODULE, StudySession, failures
from livecb.control.steering import Offer
from livecb.events import Totals
from livecb.run import Run

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LiveStream"]

_KEPT = "livecb"  # the attribute under which a study holds its run
_MOST_CURVES = 50

# Trials run in threads of their own, which all call the same callback.
_lock = threading.RLock()


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
        self._obey()

    def obey(self, trial: Any) -> None:
        """Obey readers in the midst of a trial: call it at each step of the objective.

        It waits while the study is paused. Trials that call it can be skipped by readers, and a stop ends
        them at once.

        Args:
            trial: The trial, as the objective got it.

        Raises:
            optuna.TrialPruned: Readers asked to skip this trial, or to stop.
        """
        session, study = self._session, getattr(trial, "study", None)
        if session is None or self._helm is None or study is None:  # a FixedTrial has none
            return
        with _lock:
            if trial.number not in session.under_way:
                session.optimized = study
                session.under_way.append(trial.number)
                session.offer_trials()
        self._obey()
        if self._helm is not None and self._helm.stops:
            by = getattr(session.run._stop_asked, "by", "")
            session.skipped.setdefault(trial.number, by)
        if trial.number in session.skipped:
            raise sys.modules["optuna"].TrialPruned(f"skipped by {session.skipped[trial.number]}")

    # What readers ask

    def _take_the_helm(self, study: Any) -> Helm:
        offers: dict[str, Offer] = {
            "save": "Optuna keeps every trial in the study's storage",
            "evaluate": "a trial's value is what its objective returns",
            "sample": "a study has no samples",
            "skip": "no trial can be given up: call live.obey(trial) at each step of the objective",
            "drop": "no trial waits: the sampler chooses each when it begins",
            "add": "the sampler chooses the trials: study.enqueue_trial adds one",
        }
        if self._session is None:
            return Helm(self.run, False, 1, {}, [])
        # Of the session, not of ours: a run outlives the callback, which is to be thrown away.
        return Helm(self.run, True, 1, {**offers, "stop": self._session.stop}, [], phase="optimize")

    def _obey(self) -> None:
        """Obey readers, in any of the threads that trials run in; waits while the study is paused."""
        helm = self._helm
        if helm is not None and (helm.run._asked or helm.run._steer().paused):
            helm.step()

    def _make_session(self, run: Run, owned: bool) -> Session:
        return StudySession(run, owned)

    @steering(_take_the_helm)
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
            saved=None if study is None else study.user_attrs.get(_KEPT),
        )
        if self._session is not None:
            self.run.status("running", "optimize")

    @during
    def _take(self, study: Any, trial: Any) -> None:
        session = self._session
        session.optimized = study
        if session.study is not study:
            self._meet(study, trial)
        self._plan(study)
        session.step += 1
        self.run.at(step=session.step)
        self._tell_curve(trial)
        self._tell_trial(trial)
        self._tell_how_far()
        if trial.number in session.under_way:
            session.under_way.remove(trial.number)
            session.offer_trials()
        if session.step == session.total and not self._waits:
            session.tell_front()
            self._end()

    # What a trial's end is made of

    def _meet(self, study: Any, trial: Any) -> None:
        """Learn what the study is about, and what it has come to without us."""
        session = self._session
        session.study = study
        if session.owned:
            with contextlib.suppress(Exception):  # whatever a storage raises
                study.set_user_attr(_KEPT, self._kept())
        session.goals = [{"MINIMIZE": "min", "MAXIMIZE": "max"}.get(each.name) for each in study.directions]
        several = len(session.goals) > 1
        default = [f"value_{number}" for number in range(len(session.goals))] if several else ["value"]
        session.names = list(study.metric_names or default)
        if not self._waits:
            wanted = asked(MODULE, "_optimize_sequential")
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
        called = asked(MODULE, "_optimize_sequential").get("time_start") or session.began
        if called == session.called:
            return
        session.called, session.before = called, session.step
        wanted = asked_anywhere(MODULE, "_optimize", study=study)
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
        session, state, why = self._session, trial.state.name, failures.take(trial.number)
        ok = state == "COMPLETE"
        scores = dict(zip(session.names, trial.values, strict=False)) if ok else {}
        by = session.skipped.get(trial.number) if state == "PRUNED" else None
        pruned = _pruned(trial) if by is None else f"skipped by {by}"
        reason = {"PRUNED": pruned, "FAIL": why or "see Optuna's log"}.get(state)
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
            outcome=None if state != "PRUNED" else "pruned" if by is None else "skipped",
            by=by,
            goal=session.goals[0],
            goals=session.goals if len(session.goals) > 1 and _is_feasible(trial) else None,
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


def _is_feasible(trial: Any) -> bool:
    """Whether a trial keeps the study's constraints: those that do not are never among the best."""
    known = getattr(trial, "constraints", None)  # since Optuna 5
    values = trial.system_attrs.get("constraints", ()) if known is None else known.values()
    return all(each <= 0 for each in values)
