"""CatBoost: `CatBoostClassifier().fit(..., callbacks=[LiveStream()])`.

See `livecb.callbacks.boosting` for the names of values, and for how a training ends whose end nobody
tells. CatBoost has callbacks on CPUs only, and none in `catboost.cv`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from livecb.callbacks.base import Session, opening
from livecb.callbacks.boosting import Boosting, BoostingStream, by_set
from livecb.callbacks.calls import asked
from livecb.callbacks.helm import Helm, obeying, steering
from livecb.control.parameter import Control
from livecb.resume import NOTE, noted
from livecb.resume import note as leave_note
from livecb.run import Run

__all__ = ["LiveStream"]


class _Session(Boosting):
    """What is known of a training.

    Attributes:
        first: Rounds that the model it goes on from had.
        told: How many values of each set and metric there were, as not every round has them, and the last.
    """

    def __init__(self, run: Run, owned: bool) -> None:
        super().__init__(run, owned)
        self.first = 0
        self.told: dict[tuple[str, str], tuple[int, Any]] = {}

    def stopped_early(self) -> bool:
        if self.model is None or not self.model.is_fitted():
            return False
        # A model that was trained before is still what it was if this training failed.
        found = self.model.get_evals_result()
        rows = [(found.get(data, {}).get(metric, []), told) for (data, metric), told in self.told.items()]
        return all(len(each) >= count and each[count - 1] == last for each, (count, last) in rows)

    def best(self) -> dict[str, Any]:
        found = self.model.get_best_score() if self.model is not None and self.model.is_fitted() else {}
        return by_set(found) or self.values

    def save(self) -> str:
        path = self.path("cbm")
        self.model.save_model(str(path))
        self.run.checkpoint(path)
        return str(path)

    def tell_model(self) -> None:
        super().tell_model()
        if self.run._stop_asked is not None and self.model is not None and self.model.is_fitted():
            self.save()

    def rate(self) -> Control:
        said = self.params.get("learning_rate")
        why = "CatBoost takes no other learning rate while it trains"
        return Control("lr", None if said is None else float(said), reason=why)

    def new(self, metrics: Mapping[str, Mapping[str, list[Any]]]) -> dict[str, Any]:
        """Return the values that were not there at the last call."""
        found: dict[str, dict[str, Any]] = {}
        for data, each in metrics.items():
            for metric, rows in each.items():
                if len(rows) > self.told.get((data, metric), (0, None))[0]:
                    self.told[data, metric] = len(rows), rows[-1]
                    found.setdefault(data, {})[metric] = rows[-1]
        return by_set(found)


class LiveStream(BoostingStream):
    """Shows a training live. See `livecb.callbacks.base.Stream` for the arguments."""

    def after_iteration(self, info: Any) -> bool:
        """Take in a round; called by CatBoost, which goes on if it is true."""
        if info.iteration == 1 or self._session is None:
            self._begin_with(info.iteration - 1)
        self._take(info)
        return self._helm is None or not self._helm.stops

    def _make_session(self, run: Run, owned: bool) -> Session:
        return _Session(run, owned)

    def _take_the_helm(self, restored: int) -> Helm:
        why = "CatBoost has no model to save while it trains: save_snapshot=True keeps one; a stop leaves one"
        return self._take_helm(save=why)

    @steering(_take_the_helm)
    @opening
    def _begin_with(self, restored: int) -> None:
        """Begin; with a snapshot CatBoost goes on behind the rounds that it has `restored`."""
        wanted = asked("catboost.core", "_train")
        params = {name: value for name, value in wanted.get("params", {}).items() if name != "callbacks"}
        start, rounds = wanted.get("init_model"), params.get("iterations", 1000)
        first = start.tree_count_ if start is not None else 0
        note = _note(params)
        self._begin(
            "catboost",
            params,
            model=wanted.get("self"),
            first=first + restored,
            missed=1,
            rounds=first + int(rounds) if wanted else None,
            saved=noted(note) if note and restored else None,
        )
        if self._session is not None:
            self._session.first = first
            if note and self._last:
                leave_note(note, self._last)

    @obeying
    def _take(self, info: Any) -> None:
        session = self._session
        done = session.first + info.iteration
        self._tell_round(done, session.new(info.metrics))
        if done == session.rounds:
            self._finish()


def _note(params: Mapping[str, Any]) -> str | None:
    """Return where it is noted, beside the snapshots of a training, which run they are of."""
    if not params.get("save_snapshot"):
        return None
    folder = params.get("train_dir") or "catboost_info"
    file = params.get("snapshot_file") or "experiment.cbsnapshot"
    return os.path.join(folder, f"{file}.{NOTE}")
