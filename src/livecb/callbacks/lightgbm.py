"""LightGBM: `lightgbm.train(..., callbacks=[LiveStream()])`, `lightgbm.cv`, `LGBMClassifier().fit(...)`.

See `livecb.callbacks.boosting` for the names of values, and for how a training ends whose end nobody
tells. Called before the callbacks that stop a training, for these hide the last round from others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livecb.callbacks.base import Session, during, opening
from livecb.callbacks.boosting import Boosting, BoostingStream, by_set, named
from livecb.callbacks.misplaced import tell
from livecb.run import Run

__all__ = ["LiveStream"]

# `early_stopping` and `log_evaluation` stand at 30 and at 10.
_ORDER = -1_000


class _Session(Boosting):
    """What is known of a training, of one model or of the models of a cross-validation."""

    def stopped_early(self) -> bool:
        return bool(self.model.best_iteration > 0)  # set from the exception that stops it

    def best(self) -> dict[str, Any]:
        found = getattr(self.model, "best_score", None)
        return by_set(found) if isinstance(found, Mapping) and found else self.values

    def importances(self) -> Mapping[str, float]:
        gains = self.model.feature_importance(importance_type="gain")
        names = self.model.feature_name()
        return {} if isinstance(gains, list) else dict(zip(names, gains.tolist(), strict=True))


class LiveStream(BoostingStream):
    """Shows a training live. See `livecb.callbacks.base.Stream` for the arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order = _ORDER  # LightGBM looks for it on the instance

    def __call__(self, *said: Any) -> None:
        """Take in a round; called by LightGBM."""
        if len(said) != 1 or not hasattr(said[0], "begin_iteration"):
            tell(self)
            return
        (env,) = said
        if env.iteration == env.begin_iteration:
            self._begin_with(env)
        self._take(env)

    def _make_session(self, run: Run, owned: bool) -> Session:
        return _Session(run, owned)

    @opening
    def _begin_with(self, env: Any) -> None:
        self._begin(
            "lightgbm",
            env.params,
            model=env.model,
            first=env.begin_iteration,
            missed=1,
            rounds=env.end_iteration,
        )

    @during
    def _take(self, env: Any) -> None:
        # Set, metric, value, whether more is better and, in a cross-validation, the deviation.
        rows = [tuple(row) for row in env.evaluation_result_list or ()]
        if rows:
            self._session.goal = "max" if rows[-1][3] else "min"
        values = named((row[0], row[1], row[2], row[4] if len(row) > 4 else None) for row in rows)
        self._tell_round(env.iteration + 1, values)
        if env.iteration + 1 == env.end_iteration:
            self._finish()
