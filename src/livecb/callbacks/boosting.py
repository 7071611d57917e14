"""What boosters have in common: rounds, values by evaluation set, and a model that is there at the end.

Axes: `step` counts rounds, with those of the model that a training goes on from. Values are named by
set and metric (`train/rmse`, `validation_0/logloss`); in a cross-validation they are means over the
folds, beside their standard deviation (`test/rmse_std`).

Not every booster tells its callbacks that it stops early. The training is over when the callback is
thrown away, which `callbacks=[LiveStream()]` is as soon as the call returns, or when its `with` block
ends; whether it had stopped early or failed, the model tells.
"""

from __future__ import annotations

import contextlib
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Literal

from livecb.callbacks.base import Session, Stream
from livecb.callbacks.helm import Helm
from livecb.control.parameter import Control
from livecb.control.steering import Offer
from livecb.events import Totals
from livecb.meter import Meter
from livecb.run import EndStatus, Run

__all__ = ["Boosting", "BoostingStream", "by_set", "named"]


class Boosting(Session, ABC):
    """What is known of a boosting.

    Attributes:
        name: What its model is called.
        model: What is trained; None where a booster does not tell.
        params: What it is trained with.
        rounds: The round it ends with, None if unknown.
        values: What the last round came to.
        goal: Which way the last of them is better, where the booster tells.
        began: When it began, None if it was under way by then.
    """

    def __init__(self, run: Run, owned: bool) -> None:
        super().__init__(run, owned)
        self.name = ""
        self.model: Any = None
        self.params: dict[str, Any] = {}
        self.rounds: int | None = None
        self.values: dict[str, Any] = {}
        self.goal: Literal["min", "max"] | None = None
        self.began: float | None = None

    def stopped_early(self) -> bool:
        """Return whether the model says that it is trained, with fewer rounds than it might have had."""
        return False

    def best(self) -> dict[str, Any]:
        """Return the values of the round that the model is used with, as far as that is chosen."""
        return self.values

    def importances(self) -> Mapping[str, float]:
        """Return how much each feature counts in the model."""
        return {}

    def fate(self, what: str) -> tuple[EndStatus, str | None] | None:
        """Return how the training ended, and tell of the model if there is one."""
        with contextlib.suppress(Exception):  # whatever a model in an unknown state raises
            if self.stopped_early():
                self.tell_model()
                return "completed", "early_stopped"
        return super().fate(what)

    @abstractmethod
    def save(self) -> str:
        """Save the model as it is now, in the run's folder; return where.

        Raises:
            CommandRefused: It cannot be; the message says why.
        """

    def path(self, ending: str) -> Path:
        """Return where to save the model as it is now: a file in the run's folder that is not there yet."""
        folder = (self.run.folder or Path(".")) / "models"
        folder.mkdir(exist_ok=True)
        name = re.sub(r"[^\w.-]+", "-", self.name)[:60]
        stem = f"{name}-round-{self.step}"
        found, count = folder / f"{stem}.{ending}", 1
        while found.exists():  # several models may be trained in one run
            count += 1
            found = folder / f"{stem}-{count}.{ending}"
        return found

    @abstractmethod
    def rate(self) -> Control:
        """Return the learning rate, as something that readers may set."""

    def tell_model(self) -> None:
        """Record the model as a candidate: beside others, if several are trained in one run.

        Of its scores the first counts: that of the last set, by which boosters stop early, too.
        """
        if self.meter is not None:
            self.run.progress(**self.meter.read(self.step))
        best = self.best()
        scores = {name: best[name] for name in reversed(best) if not _is_deviation(name, best)}
        self.run.model_completed(
            self.name,
            params=self.params,
            scores=scores,
            fit_seconds=None if self.began is None else monotonic() - self.began,
            importances=self.importances(),
            goal=self.goal,
        )


class BoostingStream(Stream):
    """A callback of a booster. See `livecb.callbacks.base.Stream` for the arguments."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._give_up("the block ended")
        else:
            self._end_with(error)

    def _begin(
        self,
        framework: str,
        params: Mapping[str, Any],
        *,
        model: Any = None,
        first: int = 0,
        missed: int = 0,
        rounds: int | None = None,
        rank: int = 0,
        world_size: int = 1,
        saved: Mapping[str, Any] | None = None,
    ) -> None:
        """Open a run for a training.

        Args:
            framework: Its module's name.
            params: What it is trained with.
            model: What is trained.
            first: Rounds that the model had before.
            missed: Rounds that it has had since: some boosters call us after the first one only.
            rounds: The round it is to end with, None if unknown.
            rank: Rank of this process.
            world_size: Number of ranks.
            saved: What the model that it goes on from says of the run it was trained in.
        """
        self._give_up("another training began")
        chosen = {str(name): value for name, value in params.items() if value is not None}
        self._open(
            leads=rank == 0,
            framework=framework,
            versions={framework: str(sys.modules[framework].__version__)},
            config=chosen,
            totals=Totals(steps=rounds),
            world_size=world_size,
            resumed_step=first or None,
            saved=saved if first else None,
        )
        session = self._session
        if session is None:
            return
        session.name, session.model, session.params = self.name or framework, model, chosen
        session.rounds, session.step = rounds, first
        session.began = None if missed else monotonic()
        self.run.at(step=first)
        self.run.status("running", "train")
        session.meter = Meter("round", rounds, "train", first + missed)
        self._tell_progress(session.meter, first, always=True)

    def _take_helm(self, world_size: int = 1, **offers: Offer) -> Helm:
        """Return what obeys for this training, after each of its rounds.

        Args:
            world_size: Processes that train one model; several obey nothing.
            offers: What this booster does otherwise.
        """
        session = self._session
        if session is None:  # on a rank that does not record
            return Helm(self.run, False, 1, {}, [])
        known: dict[str, Offer] = {
            "save": session.save,
            "evaluate": "boosters measure their evaluation sets after every round",
            "sample": "a booster has no samples",
        }
        barred = "several processes train one model, and a booster has no way to tell the others"
        return Helm(session.run, True, world_size, {**known, **offers}, [session.rate()], barred=barred)

    def _tell_round(self, done: int, values: Mapping[str, Any]) -> None:
        """Record what a round came to.

        Args:
            done: Rounds that the model has had now.
            values: By set and metric.
        """
        session = self._session
        tells = self._is_nth(session.step, done)
        session.step = done
        self.run.at(step=done)
        if values:
            session.values = dict(values)
            if tells and self.name and not session.owned:  # one of several models in a run
                values = {f"{self.name}/{name}": value for name, value in values.items()}
            if tells:
                self.run.log(values)
        self._tell_progress(session.meter, done)

    def _finish(self, reason: str | None = None) -> None:
        """Tell of the model, and end the run."""
        self._session.tell_model()
        self._end(reason=reason)


def named(values: Iterable[tuple[str, str, Any, Any]]) -> dict[str, Any]:
    """Return values by name; each is given as its set, its metric, itself and its deviation or None."""
    found: dict[str, Any] = {}
    for data, metric, value, deviation in values:
        found[f"{data}/{metric}"] = value
        if deviation is not None:
            found[f"{data}/{metric}_std"] = deviation
    return found


def by_set(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return values by name that are given by set and metric."""
    return named(
        (data, metric, value, None) for data, each in values.items() for metric, value in each.items()
    )


def _is_deviation(name: str, values: Mapping[str, Any]) -> bool:
    return name.endswith("_std") and name.removesuffix("_std") in values
