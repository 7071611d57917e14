"""The verbs of a Run that let readers steer it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from livecb.control.criterion import Criterion
from livecb.control.parameter import Control, declared
from livecb.control.steering import Offer, Steering
from livecb.verbs import Verbs

if TYPE_CHECKING:
    from livecb.control.commands import Asked

__all__ = ["Steered"]

_RANKS = "several processes train together: a loop of its own would leave the others waiting for this one"


class Steered(Verbs):
    """The verbs of a Run that are about what readers ask of it."""

    _asked = False
    _looks = False
    _steering: Steering | None = None

    def control(
        self,
        name: str,
        value: Any,
        *,
        min: float | None = None,
        max: float | None = None,
        on_change: Callable[[Any], object] | None = None,
    ) -> Control:
        """Let readers set a value while the run goes on: `run.control("temperature", 0.7, min=0, max=2)`.

        Read `temperature.value` where it is used. It changes between two steps: where `run.track`, a
        callback, `run.obey()` or `run.should_stop` looks for what was asked.

        Args:
            name: What readers call it.
            value: A number, a string or a bool; readers can only set one of the same kind.
            min: The smallest number it takes.
            max: The largest.
            on_change: Called with a new value, between two steps; what it raises refuses the value.

        Returns:
            The value as it is now. What cannot be set so is refused with a warning, and stays as it is.
        """
        try:
            name, value, min, max = declared(name, value, min, max, on_change)
            return self._steer().add(Control(name, value, min=min, max=max, on_change=on_change))
        except Exception as error:
            self.warn_once(f"control {name}", f"readers cannot set {name!r:.200}: run.control {error}")
            return Control(str(name), value)

    def offer(self, command: str, how: Offer) -> None:
        """Say how the loop obeys `save`, `evaluate` or `sample`: a function, or the reason why it cannot.

        The function is called between two steps; what it raises refuses the command, and the training
        goes on. `stop` saves first where `save` is offered.
        """
        try:
            self._steer().offer({command: how})
        except Exception as error:
            self.warn_once(f"offer {command}", f"run.offer({command!r}): {error}")

    def stop_when(self, criterion: str | None) -> None:
        """Stop the loop once a metric is good enough: `run.stop_when("val/acc > 0.98")`.

        What is recorded is looked at beside the loop, so that it costs the loop nothing; the loop stops as
        if a reader had asked, having saved where it can, and the run ends as stopped by livecb, with how
        the criterion was met. May be called several times: whichever is met first counts.

        Args:
            criterion: NAME SIGN NUMBER; the name as it is recorded, the sign `>`, `>=`, `<` or `<=`.
                None for none.
        """
        if criterion is None:
            return
        try:
            self._steer().stop_when(Criterion.parse(criterion))
        except Exception as error:
            self.warn_once(f"stop_when {criterion}", f"stop_when has no effect: {error}")

    def obey(self) -> bool:
        """Obey what readers asked, in a loop without `run.track`; wait while the run is paused.

        Returns:
            Whether to stop.
        """
        if not self._looks:
            self._begin_looking()
        if self._asked:
            self._steer().obey()
        return self._stop_asked is not None

    @property
    def should_stop(self) -> bool:
        """Whether readers asked to stop. Asking is a safe point: see `obey`."""
        return self.obey()

    @property
    def _stop_asked(self) -> Asked | None:
        return self._steering.stopped if self._steering is not None else None

    def _steer(self) -> Steering:
        if self._steering is None:
            self._steering = Steering(self)
        return self._steering

    def _begin_looking(self) -> None:
        """Say that a loop of the user's own looks for what is asked."""
        if self._looks:
            return
        self._looks = True
        try:
            self._steer().begin(_RANKS if _several_ranks() else None)
        except Exception as error:
            self.warn_once("steer", f"nothing can be asked of this run: {error!r}")

    def _forget_commands(self) -> None:
        """In a forked child, which obeys nobody."""
        self._steering, self._asked = None, False


def _several_ranks() -> bool:
    torch = sys.modules.get("torch.distributed")
    return (
        torch is not None and torch.is_available() and torch.is_initialized() and torch.get_world_size() > 1
    )
