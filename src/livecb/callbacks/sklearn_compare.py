"""`compare`: models trained one by one, and a leaderboard that fills while they are.

For any scikit-learn, and for every estimator that follows its interface: no callbacks are needed. Since
1.7 that takes more than methods: scikit-learn refuses what is no `BaseEstimator` of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sklearn
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring, get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils import indexable

from livecb.callbacks.sklearn_board import Board, Scorer
from livecb.callbacks.sklearn_candidates import Candidate, Comparison
from livecb.callbacks.sklearn_models import named
from livecb.control.criterion import Criterion
from livecb.run import Run
from livecb.start import init

__all__ = ["Candidate", "Comparison", "compare"]


def compare(
    models: Mapping[str, Any] | Sequence[Any],
    X: Any,
    y: Any = None,
    *,
    cv: Any = None,
    scoring: Any = None,
    groups: Any = None,
    refit: bool = True,
    spare: Mapping[str, Any] | Sequence[Any] | None = None,
    stop_when: str | None = None,
    control: bool = True,
    run: Run | None = None,
    **settings: Any,
) -> Comparison:
    """Cross-validate models one by one, and show how they compare while they are trained.

    A model that fails is listed with its reason, and the next one is taken up. Ctrl-C keeps what is
    there: the comparison that is returned holds the models that are done. Readers may skip the model under
    way, drop one that waits, add one, pause and stop; a stop ends the comparing, and `refit` follows.

    Args:
        models: Estimators by name, or a list of estimators or of `(name, estimator)`.
        X: Data, samples in rows, as scikit-learn takes it.
        y: Targets.
        cv: How to split, as scikit-learn takes it; 5 folds if left out.
        scoring: What to measure: a name, a scorer, or several as a list or a dict, of which the first
            decides; the model's own `score` if left out.
        groups: Groups of samples, for splitters that want them.
        refit: Whether to fit the best model on all data at the end.
        spare: Further models, as `models`, that are evaluated only if readers add them.
        stop_when: When it is good enough, such as `"accuracy > 0.98"`: the mean score of a model that is
            done, by the score's name (`score` where `scoring` is left out). No further model is evaluated.
        control: Whether readers may steer it.
        run: A run to record into, instead of one of its own. Who made it ends it.
        **settings: For `livecb.init`: `name`, `project`, `config`, `tags`, `dir`, `sinks` ...

    Returns:
        What it came to.

    Raises:
        TypeError: A model is none.
        ValueError: No model, two of one name, an unknown scoring, data that do not fit together, or a
            `stop_when` that is no criterion.
    """
    known = named(models)
    others = named(spare) if spare else {}
    if twice := known.keys() & others.keys():
        raise ValueError(
            f"expected a name of its own for each model: {min(twice)!r} is in models and in spare"
        )
    everything = known | others
    criterion = None if stop_when is None else Criterion.parse(stop_when)
    X, y, groups = indexable(X, y, groups)
    splitter = check_cv(cv, y, classifier=all(is_classifier(model) for model in everything.values()))
    splits = list(splitter.split(X, y, groups))
    scored = {name: (model, _scorer(model, scoring)) for name, model in everything.items()}
    given = run is not None
    about: dict[str, Any] = {"framework": "scikit-learn", "versions": {"scikit-learn": sklearn.__version__}}
    told = {name: _told(model) for name, model in known.items()}
    config: dict[str, Any] = {"models": told, "cv": str(splitter), "scoring": scoring}
    if run is None:
        settings["config"] = {**config, **dict(settings.get("config") or {})}
        run = init(**{**about, **settings})
    else:
        before = run.config.get("models")  # of a comparison before, in the same run
        config["models"] = {**(before if isinstance(before, Mapping) else {}), **told}
        run.configure(config, **about)
    board = Board(run, (X, y), splits, scored, list(known), criterion, control)
    try:
        board.evaluate_all()
        if refit:
            board.refit()
    except KeyboardInterrupt:
        board.interrupt()
    except BaseException as error:
        if not given:
            run.finish_with(error)
        raise
    if given:
        board.leave()
    _tell_end(board.found, run, ends=not given)
    return board.found


def _tell_end(found: Comparison, run: Run, ends: bool) -> None:
    """Tell what it came to, and end the run if `ends`."""
    best = found.best
    result = None if best is None else {"best": best.name, "params": best.params, "scores": best.scores}
    if best is not None:
        run.summary.update(best=best.name, best_score=best.score)
    if not ends:
        return
    if found.interrupted:
        run.finish("stopped", reason="KeyboardInterrupt", by="keyboard", result=result)
    elif run._stop_asked is not None:  # by whom and why, the run knows
        run.finish(result=result)
    elif found.stopped is not None:
        run.finish("stopped", reason=found.stopped, by="livecb", result=result)
    elif best is None and not any(each.outcome for each in found.candidates):
        run.finish("failed", reason="no model has a score")
    else:
        run.finish(result=result)


def _scorer(model: Any, scoring: Any) -> Scorer:
    """Return a function that measures a fitted model on data: scores by name."""
    for name in [scoring] if isinstance(scoring, str) else scoring if isinstance(scoring, list) else ():
        get_scorer(name)  # what it says of a name that is none can be read
    score = check_scoring(model, scoring=scoring)
    name = scoring if isinstance(scoring, str) else "score"

    def measure(fitted: Any, X: Any, y: Any) -> Mapping[str, float]:
        found = score(fitted, X, y)
        scores = found if isinstance(found, Mapping) else {name: found}
        return {name: float(value) for name, value in scores.items()}

    return measure


def _told(model: Any) -> str:
    """Return a model in words, its class where it cannot say more."""
    try:
        return repr(model)
    except Exception:
        return type(model).__name__
