"""XGBoost: `xgboost.train(..., callbacks=[LiveStream()])`, `xgboost.cv`, `XGBClassifier(callbacks=...)`.

See `livecb.callbacks.boosting` for the names of values. Each training is a run of its own: also each
fold of a search over `XGBClassifier`, which copies its callbacks. XGBoost does not tell its callbacks
of exceptions; see `livecb.callbacks.transformers` for what follows from that.
"""

# ruff: noqa: D102 - the hooks are XGBoost's, and described there

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

try:
    from xgboost import collective
    from xgboost.callback import LearningRateScheduler, TrainingCallback
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "livecb.callbacks.xgboost needs XGBoost: pip install 'livecb[xgboost]'"
    ) from error

from livecb.callbacks.base import Session, during, ending, opening
from livecb.callbacks.boosting import Boosting, BoostingStream, named
from livecb.callbacks.calls import asked
from livecb.callbacks.helm import Helm, obeying, steering
from livecb.callbacks.misplaced import tell
from livecb.control.parameter import Control
from livecb.errors import CommandRefused
from livecb.run import Run

__all__ = ["LiveStream"]

_KEPT = "livecb"  # under which a model holds its run

_History = Mapping[str, Mapping[str, list[Any]]]


class _Session(Boosting):
    """What is known of a training.

    Attributes:
        first: Rounds that the model had before it.
        history: Where XGBoost keeps what each round came to, by set and metric.
    """

    def __init__(self, run: Run, owned: bool) -> None:
        super().__init__(run, owned)
        self.first = 0
        self.history: _History = {}

    def best(self) -> dict[str, Any]:
        at = int(self.model.attr("best_iteration") or -1) - self.first
        return self.values if at < 0 else values_of(self.history, at)  # before this training, or none

    def importances(self) -> Mapping[str, float]:
        # Neither the folds of a cross-validation nor a linear model have any.
        trees = hasattr(self.model, "get_score") and self.params.get("booster") != "gblinear"
        return self.model.get_score(importance_type="gain") if trees else {}

    def save(self) -> str:
        if not hasattr(self.model, "save_model"):
            raise CommandRefused("a cross-validation has no model of its own")
        path = self.path("ubj")
        self.model.save_model(path)
        self.run.checkpoint(path)
        return str(path)

    def rate(self) -> Control:
        others = asked("xgboost.training", "train", "cv").get("callbacks") or ()
        scheduled = any(isinstance(each, LearningRateScheduler) for each in others)
        return Control(
            "lr",
            _rate(self.params),
            min=0.0,
            on_change=lambda rate: self.model.set_param("learning_rate", rate),
            reason="LearningRateScheduler sets it before every round" if scheduled else None,
        )


class LiveStream(BoostingStream, TrainingCallback):  # type: ignore[misc]
    """Shows a training live. See `livecb.callbacks.base.Stream` for the arguments."""

    def _make_session(self, run: Run, owned: bool) -> Session:
        return _Session(run, owned)

    def before_training(self, model: Any) -> Any:
        self._begin_with(model)
        return model

    def before_iteration(self, model: Any, epoch: int = 0, evals_log: _History | None = None) -> bool:
        # Not after a round: the callbacks behind ours are to see it.
        self._obey()
        return self._helm is not None and self._helm.stops

    def after_iteration(self, model: Any, epoch: int = 0, evals_log: _History | None = None) -> bool:
        if evals_log is None:  # CatBoost has a hook of the same name, which is to be true
            return tell(self) or True
        self._take(epoch, evals_log)
        return False

    def after_training(self, model: Any) -> Any:
        self._finish_with(model)
        return model

    def _take_the_helm(self, model: Any) -> Helm:
        return self._take_helm(collective.get_world_size())

    @obeying
    def _obey(self) -> None:
        """Nothing is recorded before a round."""

    @steering(_take_the_helm)
    @opening
    def _begin_with(self, model: Any) -> None:
        wanted = asked("xgboost.training", "train", "cv")
        first, rounds = model.num_boosted_rounds(), wanted.get("num_boost_round")
        keeps = hasattr(model, "set_attr")  # the folds of a cross-validation have none
        known = model.attr(_KEPT) if keeps else None
        self._begin(
            "xgboost",
            {**dict(wanted.get("params") or {}), "num_boost_round": rounds},
            model=model,
            first=first,
            rounds=None if rounds is None else first + rounds,
            rank=collective.get_rank(),
            world_size=collective.get_world_size(),
            saved={"run": known} if known else None,
        )
        if self._session is not None:
            self._session.first = first
            if keeps:
                model.set_attr(**{_KEPT: self._last})

    @during
    def _take(self, epoch: int, history: _History) -> None:
        session = self._session
        session.history = history
        self._tell_round(session.first + epoch + 1, values_of(history, epoch))

    @ending
    def _finish_with(self, model: Any) -> None:
        session = self._session
        if self._failed:
            self._end()
            return
        session.model = model
        # A callback before ours that stops the training hides its last round from us.
        while values := values_of(session.history, session.step - session.first):
            self._tell_round(session.step + 1, values)
        early = session.rounds is not None and session.step < session.rounds
        self._finish("early_stopped" if early else None)


def values_of(history: _History, at: int) -> dict[str, Any]:
    """Return what round number `at` of a training, from 0, came to."""
    rows = (
        (data, metric, rows[at])
        for data, metrics in history.items()
        for metric, rows in metrics.items()
        if at < len(rows)
    )
    return named(
        (data, metric, *(row if isinstance(row, tuple) else (row, None))) for data, metric, row in rows
    )


def _rate(params: Mapping[str, Any]) -> float:
    """Return the learning rate that a training begins with."""
    said = params.get("learning_rate", params.get("eta"))
    return float(0.3 if said is None else said)
