"""LightGBM: `lightgbm.train(..., callbacks=[LiveStream()])`, `lightgbm.cv`, `LGBMClassifier().fit(...)`.

See `livecb.callbacks.boosting` for the names of values, and for how a training ends whose end nobody
tells. Called before the callbacks that stop a training, for these hide the last round from others.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from livecb.callbacks.base import Session, ending, opening
from livecb.callbacks.boosting import Boosting, BoostingStream, by_set, named
from livecb.callbacks.calls import asked
from livecb.callbacks.helm import Helm, obeying, steering
from livecb.callbacks.misplaced import tell
from livecb.control.parameter import Control
from livecb.run import Run
from livecb.start import rank_from_environment

__all__ = ["LiveStream"]

# `early_stopping` and `log_evaluation` stand at 30 and at 10.
_ORDER = -1_000
_PORT = 12400  # LightGBM's own


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

    def save(self) -> str:
        path = self.path("json" if hasattr(self.model, "boosters") else "txt")
        self.model.save_model(path)
        self.run.checkpoint(path)
        return str(path)

    def rate(self) -> Control:
        others = asked("lightgbm.engine", "train", "cv").get("callbacks_before_iter") or ()
        scheduled = any("learning_rate" in getattr(each, "kwargs", ()) for each in others)
        forest = self.params.get("boosting") == "rf" or self.params.get("boosting_type") == "rf"
        reason = "reset_parameter sets it before every round" if scheduled else None
        return Control(
            "lr",
            _rate(self.params),
            min=0.0,
            on_change=lambda rate: self.model.reset_parameter({"learning_rate": rate}),
            reason="a random forest has no learning rate" if forest else reason,
        )


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
        if self._helm is not None and self._helm.stops:
            self._stop(env)

    def _make_session(self, run: Run, owned: bool) -> Session:
        return _Session(run, owned)

    def _take_the_helm(self, env: Any) -> Helm:
        return self._take_helm(_place(env.params)[1])

    def _stop(self, env: Any) -> None:
        """Stop the training, as if this round had been its last for the callbacks behind ours.

        Raises:
            EarlyStopException: Always; LightGBM's own way to stop.
        """
        early = sys.modules["lightgbm.callback"].EarlyStopException
        last, behind = self._rest(env)
        stopped = early(env.iteration, env.evaluation_result_list)
        try:
            for each in behind:
                each(last)
        except early as error:  # of one that knows the best round
            stopped = error
        self._finish_with(stopped.best_score)
        raise stopped

    def _rest(self, env: Any) -> tuple[Any, list[Any]]:
        """Return what to tell the callbacks that LightGBM would call after ours, and them."""
        try:
            last = {"end_iteration": env.iteration + 1}
            told = env._replace(**last) if hasattr(env, "_replace") else replace(env, **last)
            after = asked("lightgbm.engine", "train", "cv")["callbacks_after_iter"]
            return told, after[after.index(self) + 1 :]
        except Exception:  # a LightGBM that is built otherwise
            return env, []

    @ending
    def _finish_with(self, rows: Any) -> None:
        self._session.values = values_of(rows)
        self._finish()

    @steering(_take_the_helm)
    @opening
    def _begin_with(self, env: Any) -> None:
        rank, machines = _place(env.params)
        self._begin(
            "lightgbm",
            env.params,
            model=env.model,
            first=env.begin_iteration,
            missed=1,
            rounds=env.end_iteration,
            rank=rank,
            world_size=machines,
        )

    @obeying
    def _take(self, env: Any) -> None:
        rows = env.evaluation_result_list
        if rows:
            self._session.goal = "max" if tuple(rows[-1])[3] else "min"
        self._tell_round(env.iteration + 1, values_of(rows))
        if env.iteration + 1 == env.end_iteration:
            self._finish()


def values_of(rows: Any) -> dict[str, Any]:
    """Return values by name.

    Args:
        rows: Set, metric, value, whether more is better and, in a cross-validation, the deviation.
    """
    told = [tuple(row) for row in rows or ()]
    return named((row[0], row[1], row[2], row[4] if len(row) > 4 else None) for row in told)


def _place(params: Mapping[str, Any]) -> tuple[int, int]:
    """Return which of the processes that train one model this is, as LightGBM finds it, and their number."""
    listed = _said(params, ("machines", "workers", "nodes"), "")
    machines = listed.split(",") if isinstance(listed, str) and listed else list(listed)
    count = int(_said(params, ("num_machines", "num_machine"), len(machines) or 1))
    if count < 2:
        return 0, 1
    port = str(_said(params, ("local_listen_port", "local_port", "port"), _PORT))
    places = [place for place, machine in enumerate(machines) if machine.rpartition(":")[2] == port]
    if len(places) > 1:  # all listen on the same one, each on its own machine
        places = [place for place in places if _is_here(machines[place].rpartition(":")[0])]
    return places[0] if places else rank_from_environment(), count


def _is_here(host: str) -> bool:
    """Whether an address is one of this machine's."""
    with socket.socket() as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


def _said(params: Mapping[str, Any], names: Sequence[str], default: Any) -> Any:
    """Return a setting by the first of its names that is there."""
    return next((params[name] for name in names if params.get(name) is not None), default)


def _rate(params: Mapping[str, Any]) -> float:
    """Return the learning rate that a training begins with."""
    return float(_said(params, ("learning_rate", "eta", "shrinkage_rate"), 0.1))
