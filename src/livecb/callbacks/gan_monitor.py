"""What is looked after in a GAN, whatever drives its loop: its pictures, and whether it goes wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from livecb.callbacks.gan_alerts import Alerts, Collapse, Divergence, Rule
from livecb.callbacks.gan_samples import Filmstrip, as_pictures, diversity, draw
from livecb.errors import CommandRefused, ValueRefused, warn
from livecb.run import Run
from livecb.values import scalar

__all__ = ["Monitor", "Sampling"]

_LAST_SECONDS = 5.0


class Sampling:
    """Settings: what is drawn and how often, and which alerts there are.

    Args:
        samples: Draws pictures N×C×H×W from a noise that stays the same.
        every_n_batches: How often.
        real_samples: Real pictures, in the same range: what the diversity of those drawn is held against.
        value_range: What is black and what is white.
        alerts: Rules; `Divergence()` and `Collapse()` if None.
    """

    def __init__(
        self,
        samples: Callable[..., Any] | None,
        every_n_batches: int,
        real_samples: Any,
        value_range: tuple[float, float] | None,
        alerts: Sequence[Rule] | None,
    ) -> None:
        self.samples = samples
        self.every_n_batches = max(1, int(every_n_batches))
        self.real_samples = real_samples
        self.value_range = value_range
        self.alerts = _rules(alerts)


class Monitor:
    """Looks after one run."""

    def __init__(self, run: Run, settings: Sampling) -> None:
        self.run = run
        self.settings = settings
        self._alerts = Alerts(copy.deepcopy(settings.alerts))
        self._film = Filmstrip("samples", settings.value_range)
        self._draws = settings.samples is not None and run.active
        self._real: dict[str, Any] | None = None
        self._drawn = -1  # the batch at which it was drawn last

    def see(self, values: Mapping[str, Any], **axes: Any) -> None:
        """Take the numbers of a batch, which may be on their way yet."""
        self._alerts.see(values, **axes)

    def end_batch(self, *args: Any, **axes: Any) -> None:
        """Draw, if it is time to, and say what has become known.

        Args:
            args: What `samples` is called with.
            axes: Where the loop stands; `batch` among them.
        """
        due = axes["batch"] % self.settings.every_n_batches == 0 and axes["batch"] != self._drawn
        if self._draws and due:
            try:
                self._draw(args, axes)
            except Exception as error:  # of what we call but did not write
                self._draws = False
                said = str(error) if isinstance(error, ValueRefused) else f"{type(error).__name__}: {error}"
                self.run.warn_once("samples", f"no samples are drawn any more: {said}")
        self._film.tell(self.run)
        self._alerts.tell(self.run)

    def draw_now(self, *args: Any, **axes: Any) -> str | None:
        """Draw because a reader asks for it, whatever time it is.

        Args:
            args: What `samples` is called with.
            axes: Where the loop stands; `batch` among them.

        Raises:
            CommandRefused: There is nothing to draw, or it cannot be drawn.
        """
        if self.settings.samples is None:
            raise CommandRefused("samples= was not given")
        if axes["batch"] == self._drawn:
            return "drawn at this batch already"
        try:
            self._draw(args, axes)
        except ValueRefused as error:
            raise CommandRefused(str(error)) from error
        self._film.tell(self.run, _LAST_SECONDS)  # the next batch may be long in coming
        return None

    def close(self) -> None:
        """Say what is on its way yet."""
        try:
            self._film.tell(self.run, _LAST_SECONDS)
            if self._alerts.waits:
                self.run.flush(_LAST_SECONDS)
                self._alerts.tell(self.run)
        except Exception as error:  # of a device that the training has broken
            self.run.warn_once("samples", f"the last samples were not recorded: {error!r}")

    def _draw(self, args: Any, axes: dict[str, Any]) -> None:
        pictures = draw(self.settings.samples, *args)  # type: ignore[arg-type]
        self._drawn = axes["batch"]
        self._film.take(pictures, **axes)
        if len(pictures) < 2:
            return
        if self._real is None:
            self._real = self._look_at_real()
            self.run.log(self._real, **axes)  # recorded, it is read from its device
        drawn = held({"diversity": diversity(pictures)})
        self.run.log(drawn, **axes)
        self._alerts.see({**drawn, **self._real}, **axes)

    def _look_at_real(self) -> dict[str, Any]:
        if self.settings.real_samples is None:
            return {}
        try:
            return held({"diversity/real": diversity(as_pictures(self.settings.real_samples))})
        except ValueRefused as error:
            self.run.warn_once("real_samples", f"real_samples are left out: {error}")
            return {}


def held(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as numbers, those on a device as numbers on their way.

    What is none stays as it is: the run says so when it is logged.
    """
    found = dict(values)
    for name, value in values.items():
        try:
            found[name] = scalar(value)
        except Exception:
            continue
    return found


def _rules(alerts: Any) -> list[Rule]:
    if alerts is None or alerts is True:
        return [Divergence(), Collapse()]
    several = alerts if isinstance(alerts, Iterable) else [alerts] if alerts else []
    found = [rule for rule in several if callable(getattr(rule, "see", None))]
    if found != list(several):
        warn(f"expected alerts to be rules, as in [Divergence(), Collapse()], got {alerts!r}: left out")
    return found
