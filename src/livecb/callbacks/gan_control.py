"""How a GAN's loop obeys: as a batch ends, when both players have had their turns."""

from __future__ import annotations

from typing import Any

from livecb.callbacks.helm import Helm, ranks
from livecb.callbacks.rates import rate_control
from livecb.control.steering import Offer

__all__ = ["may_stop", "take_helm"]

_NOT_ALL = "several processes train together: a loop of its own would leave the others waiting for this one"
_NO_LOOK = "the loop does not look for it: use live.track(loader), or `if live.should_stop: break`"
_OF_THE_LOOP = "the loop is your own, and knows how: live.run.offer({!r}, function)"


def take_helm(stream: Any, *args: Any) -> Helm | None:
    """Return what obeys for a loop; None on a rank that records nothing."""
    session = stream._session
    if session is None:
        return None

    def sample() -> str | None:
        place = {"step": session.step, "batch": session.batch, "epoch": stream._epoch(session.batch)}
        return session.monitor.draw_now(**place)  # type: ignore[no-any-return]

    offers: dict[str, Offer] = {name: _OF_THE_LOOP.format(name) for name in ("save", "evaluate")}
    offers["stop"] = _NO_LOOK
    offers["sample"] = sample if stream.sampling.samples is not None else "samples= was not given"
    parameters = [
        rate_control(f"lr/{name}", each, stream.schedulers, knows_all=False)
        for name, each in stream.optimizers.items()
        if hasattr(each, "param_groups")
    ]
    return Helm(stream.run, True, ranks()[1], offers, parameters, barred=_NOT_ALL)


def may_stop(helm: Helm) -> None:
    """Let readers stop a loop that looks for it."""
    helm.offer("stop", lambda: None)
