"""scikit-learn 1.9 and newer: `estimator.set_callbacks(LiveStream())`, on the outermost estimator.

Searches show every candidate as a row of the leaderboard, fold by fold, also from other processes;
pipelines and iterative estimators show how far they are. A fit is one run; what is fitted while it
goes on, by the same callback, adds to it.

Older versions and estimators without callbacks: `livecb.callbacks.sklearn.compare`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from livecb.callbacks.extras import needed

with needed("sklearn", "scikit-learn"):
    import sklearn
    from sklearn.metrics import check_scoring, get_scorer
    from sklearn.model_selection._search import BaseSearchCV  # what all searches are

from livecb.callbacks import sklearn_tasks as tasks
from livecb.callbacks.base import Session, Stream, during, ending, opening
from livecb.callbacks.sklearn_compare import Candidate, Comparison, compare
from livecb.callbacks.sklearn_curves import curves
from livecb.callbacks.sklearn_models import importances, settings
from livecb.callbacks.sklearn_search import Search, Stopped, finished_fold, row_of
from livecb.callbacks.sklearn_session import FitSession, leave_others, name_of_fit
from livecb.errors import warn
from livecb.meter import Meter
from livecb.run import Run

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Candidate", "Comparison", "LiveStream", "compare", "curves"]

# Fits in several threads may share a callback, and its run. Not the callback's own: it is pickled.
_one_at_a_time = threading.RLock()


class LiveStream(Stream):
    """Shows a fit live. See `livecb.callbacks.base.Stream` for the other arguments.

    Args:
        scoring: What to measure on the training data after every iteration, for estimators that tell
            of them: a name or a scorer, as in scikit-learn. Costs a prediction each time.

    Raises:
        ImportError: scikit-learn is older than 1.9 and has no callbacks.
        ValueError: `scoring` is no name that scikit-learn knows.
    """

    max_propagation_depth: int | None = None
    """How deep scikit-learn hands the callback down: not into the fits of a search's candidates."""

    def __new__(cls, *args: Any, scoring: Any = None, **more: Any) -> Self:
        """Return a callback with the hooks that are needed."""
        # scikit-learn prepares the model and the data for hooks that name them, and only for those.
        return super().__new__(_Scored if cls is LiveStream and scoring is not None else cls)  # type: ignore[return-value]

    def __init__(self, *args: Any, scoring: Any = None, **more: Any) -> None:
        if not hasattr(BaseSearchCV, "set_callbacks"):
            raise ImportError(
                f"scikit-learn {sklearn.__version__} has no callbacks (1.9 has): use "
                "livecb.callbacks.sklearn.compare(models, X, y), or a newer scikit-learn"
            )
        if isinstance(scoring, str):
            get_scorer(scoring)
        super().__init__(*args, **more)
        self.scoring = scoring

    def __getstate__(self) -> dict[str, Any]:
        """Leave the session behind; a process that works for a search gets what it needs to add to it."""
        session = self._session
        shared = (session.run, session.search) if session is not None and session.search is not None else None
        return {**super().__getstate__(), "_shared": shared}

    def __setstate__(self, state: dict[str, Any]) -> None:
        shared = state.pop("_shared", None)
        self.__dict__.update(state)
        if shared is not None:
            run, search = shared
            leave_others(run)
            self._session = FitSession(run, False)
            self._session.search = search

    def stop(self, reason: str = "stop was asked for") -> None:
        """Ask the fit to stop; may be called from any thread.

        A search begins no further fold once it has a candidate whose score is whole, and goes on with
        the best so far; what it skips counts as failed, with a score of NaN. Other estimators are
        asked to stop by scikit-learn's own means. One that does not listen is told of by an alert.

        Args:
            reason: Why, to be shown.
        """
        session = self._session
        if session is None:
            warn("stop() has no effect: nothing is being fitted with this callback")
            return
        session.stop(str(reason))

    def _make_session(self, run: Run, owned: bool) -> Session:
        return FitSession(run, owned)

    # The hooks

    @opening
    def setup(self, estimator: Any, context: Any, **other: Any) -> None:
        """Open the run, unless one is open."""
        if other:  # Lightning has a hook of this name, and finds out by the next one
            return
        with _one_at_a_time:
            if self._session is None:
                self._open(
                    leads=True,
                    framework="scikit-learn",
                    versions={"scikit-learn": sklearn.__version__},
                    config={"class": type(estimator).__name__, **settings(estimator)},
                )
            if self._session is not None:
                if self.control and self._helm is None:
                    self._helm = self._session.take_helm()
                self._session.roots.add(context.root_uuid)

    @ending
    def teardown(self, estimator: Any, context: Any) -> None:
        """End the run, as the fit ended."""
        with _one_at_a_time:
            session = self._session
            session.roots.discard(context.root_uuid)
            if not session.roots:
                self._end_fit(session)

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Say what begins.

        Raises:
            Stopped: The fold is to be skipped; the search takes that for a failed fit.
        """
        self._wait()
        if self._begin(estimator, context):
            raise Stopped("the search was asked to stop")

    @during
    def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
        """Say what is done; true asks scikit-learn to begin no further part of the same task."""
        session = self._session
        if self._is_of_search(context):
            self._end_in_search(estimator, context)
            return bool(session.stopping)
        self._end_task(context)
        if self._is_search(context):
            self._end_search(session.search, estimator)
        if session.stopping and context.parent is not None:
            session.asked.add(tasks.key(context.parent))
        return bool(session.stopping)

    @during
    def _wait(self) -> None:
        """Obey readers before a part of the fit begins."""
        self._session.wait(self._helm)

    @during
    def _begin(self, estimator: Any, context: Any) -> bool:
        """Say what begins; true if it should not."""
        session = self._session
        if session.search is None and isinstance(estimator, BaseSearchCV):
            search = Search(estimator, tasks.key(context), tasks.depth(context))
            session.begin_search(search, self._helm)
            self.max_propagation_depth = search.depth
        if self._is_of_search(context):
            return self._begin_in_search(estimator, context)
        self._begin_task(context)
        return False

    def _end_fit(self, session: FitSession) -> None:
        self.max_propagation_depth = None
        error, stopped = sys.exc_info()[1], session.stopped
        if session.search is not None:
            session.search.close()
        if error is not None and error is not session.before:
            self._end_with(error)
        elif stopped and not (self._helm is not None and self._helm.stops):
            self._end("stopped", session.stopping)
        else:
            self._end()

    # Searches

    def _is_search(self, context: Any) -> bool:
        """Whether a task is the search as a whole."""
        search = self._session.search
        return search is not None and tasks.key(context) == search.task

    def _is_of_search(self, context: Any) -> bool:
        """Whether a task is a part of the search, and not of what contains it or is fitted by it."""
        search = self._session.search
        return search is not None and (
            tasks.depth(context) == search.depth and tasks.is_within(context, search.task)
        )

    def _begin_in_search(self, estimator: Any, context: Any) -> bool:
        search, run, name = self._session.search, self._session.run, context.task_name
        if name == tasks.FOLD:
            return bool(search.is_stopped(tasks.rung(context) or 0))
        run.status("running", name)
        halving = hasattr(estimator, "factor")
        if name == "search" and not halving:
            search.plan(estimator, context.max_subtasks)
        elif name == tasks.RUNG and context.task_id == 0:
            search.plan(estimator, context.max_subtasks, context.parent.max_subtasks)
        if name == "search" or name == tasks.RUNG:
            run.progress(**search.read())
        return False

    def _end_in_search(self, estimator: Any, context: Any) -> None:
        search = self._session.search
        if context.task_name == tasks.FOLD:
            self._end_fold(estimator, context)
        elif context.task_name == "search":
            if hasattr(estimator.estimator, "set_callbacks"):
                # The best candidate's last fit is looked into, and not what it contains: scikit-learn
                # would warn of each step of a pipeline that has no callbacks.
                self.max_propagation_depth = search.depth + 1
            self.run.progress(**search.read())

    def _end_fold(self, estimator: Any, context: Any) -> None:
        search, run = self._session.search, self._session.run
        fold, rung = finished_fold(search), tasks.rung(context)
        if fold is not None and not fold.skipped:
            run.model_completed(**fold.row(search, rung))
            search.finish_fold(fold, rung or 0)
        run.progress(**search.progress(fold), candidate=fold.name if fold else None)

    def _end_search(self, search: Search, estimator: Any) -> None:
        """Tell the best candidate, and all that could not be told before."""
        run, results = self._session.run, getattr(estimator, "cv_results_", None)
        if results is None:
            return
        best = getattr(estimator, "best_index_", None)
        if not search.count("told"):
            for index in range(len(results["params"])):
                run.model_completed(**row_of(results, index, search))
        if best is not None:
            row = row_of(results, best, search)
            run.model_completed(**row, importances=importances(getattr(estimator, "best_estimator_", None)))
            run.summary.update(best_params=row["params"], best_score=next(iter(row["scores"].values()), None))

    # Other tasks

    def _begin_task(self, context: Any) -> None:
        session, parent, iterates = self._session, context.parent, tasks.iterates(context)
        if parent is not None and tasks.key(parent) in session.asked and not session.ignored:
            session.say_ignored(
                f"{parent.estimator_name} in scikit-learn {sklearn.__version__} does not listen"
            )
        if context.task_name == tasks.FOLD:  # of a search inside another, or at the same time
            return
        if not iterates:
            # No bar: the steps of a pipeline are too unlike each other to tell how long it takes.
            of = parent.max_subtasks if parent is not None and parent.sequential_subtasks else None
            place = f"{context.task_id + 1} of {of}" if of and not self._is_search(parent) else None
            session.run.status("running", context.source_task_name or context.task_name, place)
            return
        key = tasks.key(parent)
        if key not in session.bars:
            # The last iteration told of never runs, and is counted in the total.
            total = None if parent.max_subtasks is None else parent.max_subtasks - 1
            fit = name_of_fit(session.run, context.root_uuid)
            phase = f"{parent.estimator_name}, {fit}" if fit else parent.estimator_name
            session.bars[key] = (Meter("iteration", total, phase), 0)
        meter, _ = session.bars[key]
        session.bars[key] = (meter, context.task_id)
        self._tell_progress(meter, context.task_id, always=context.task_id == 0)

    def _end_task(self, context: Any) -> None:
        if (bar := self._session.bars.pop(tasks.key(context), None)) is not None:
            meter, done = bar
            meter.total = done  # a fit that converged has no more to do
            self._tell_progress(meter, done, always=True)


class _Scored(LiveStream):
    """Measures the model after every iteration."""

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, X: Any = None, y: Any = None, fitted_estimator: Any = None
    ) -> bool:
        if fitted_estimator is not None and X is not None:
            self._tell_score(context, X, y, fitted_estimator)
        return super().on_fit_task_end(estimator, context)

    @during
    def _tell_score(self, context: Any, X: Any, y: Any, model: Any) -> None:
        if not tasks.iterates(context) or not self._is_nth(context.task_id, context.task_id + 1):
            return
        try:
            found = check_scoring(model, scoring=self.scoring)(model, X, y)
        except Exception as error:
            self.run.warn_once("scoring", f"scoring={self.scoring!r} cannot be measured: {error!r}")
            return
        name = self.scoring if isinstance(self.scoring, str) else "score"
        scores = found if isinstance(found, Mapping) else {name: found}
        fit = name_of_fit(self.run, context.root_uuid)
        own = f"/{fit}" if fit else ""  # a curve for each: they begin at step 1 anew
        values = {f"train/{name}{own}": score for name, score in scores.items()}
        self.run.log(values, step=context.task_id + 1, context="train")
