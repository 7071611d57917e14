"""The helm: how a callback obeys what readers ask, on one rank or on several.

The law: all ranks obey the same command at the same step, and none waits for one that has no callback.
The leading rank reads what is asked, and tells the others in an exchange that all of them come to: after
so many steps as take about a quarter of a second, which it tells with the exchange before. The exchange is
of a few bytes, in host memory, in a group of its own: no device is synced, and no gradient is met.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from livecb.control.commands import Asked
from livecb.control.parameter import Control
from livecb.control.steering import Offer, Steering
from livecb.errors import warn
from livecb.run import Run
from livecb.start import rank_from_environment

__all__ = ["Helm", "obeying", "ranks", "saving_place", "steering"]

_Hook = TypeVar("_Hook", bound=Callable[..., Any])

_EXCHANGE_SECONDS = 0.25
_MOST_STEPS = 1000
_ALL_HERE_SECONDS = 10.0
_NOT_ALL = "several processes train together, and not all of them have this callback"

_trainings = 0


def obeying(hook: _Hook) -> _Hook:
    """Mark a hook that is as `base.during`, and after which all ranks obey readers."""

    # One wrapper and not two: it runs at each step, which may pay a fifth of a microsecond for it.
    @wraps(hook)
    def obeyed(self: Any, *args: Any, **kwargs: Any) -> None:
        if self._session is not None and not self._failed:
            try:
                hook(self, *args, **kwargs)
            except Exception as error:
                self._fail(hook.__name__, error)
        if (helm := self._helm) is not None and (helm.run._asked or helm.meets):
            helm.step()

    return cast(_Hook, obeyed)


def steering(take: Callable[..., Helm | None]) -> Callable[[_Hook], _Hook]:
    """Mark the hook with which a training begins, on every rank: after it, `take` makes the helm.

    Args:
        take: Gets the callback and what the hook gets; may return None where nothing is to be obeyed.
    """

    def mark(hook: _Hook) -> _Hook:
        @wraps(hook)
        def begun(self: Any, *args: Any, **kwargs: Any) -> Any:
            answer = hook(self, *args, **kwargs)
            self._helm = None
            if self.control:
                try:
                    self._helm = take(self, *args, **kwargs)
                except Exception as error:
                    warn(f"nothing can be asked of this training: {type(error).__name__}: {error}")
            return answer

        return cast(_Hook, begun)

    return mark


class Helm:
    """Obeys for one rank of one training.

    Args:
        run: The run; on ranks that do not record, one that does nothing.
        leads: Whether this rank reads what is asked.
        world_size: How many ranks there are.
        offers: How the framework obeys. What the user has offered is left to them, but for what all ranks
            must do together.
        parameters: What of it can be set.
        phase: What the framework calls its training.
        barred: Why several ranks cannot obey, where that is known beforehand.

    Attributes:
        meets: Whether there are other ranks to tell.
    """

    def __init__(
        self,
        run: Run,
        leads: bool,
        world_size: int,
        offers: Mapping[str, Offer],
        parameters: list[Control],
        *,
        phase: str = "train",
        barred: str | None = None,
    ) -> None:
        self.run = run
        self.meets = False
        self._leads = leads
        self._group: Any = None
        self._left = 1
        self._steps = 1
        self._last = time.monotonic()
        if world_size > 1:
            barred = barred or self._meet(world_size)
            self.meets = barred is None
        else:
            barred = None
        self._steering: Steering = run._steer()
        self._steering.running = ("running", phase)
        self._before = self._steering.stopped
        run._looks = True
        if self.meets:
            self._steering.only = frozenset(each.name for each in parameters)
            self._steering.together = frozenset(name for name, how in offers.items() if callable(how))
        ours = {name: how for name, how in offers.items() if not self._is_left_to_the_user(name, how)}
        self._offered = list(ours), [each.name for each in parameters]
        self._theirs: dict[str, Offer] = {}  # what the user had offered, and gets back
        self._steering.begin(barred, ours, parameters)

    @property
    def stops(self) -> bool:
        """Whether readers have ended this training."""
        return self._steering.stopped is not self._before

    def offer(self, command: str, how: Offer) -> None:
        """Say, once the training has begun, how the leading rank obeys a command, or why it does not.

        Of several that say how, as two callbacks with samples, each is called.
        """
        known = self._steering.offered(command)
        if callable(known):
            if not callable(how):
                return
            if command not in self._offered[0]:
                self._theirs[command] = known
            how = _both(known, how)
        self._offered[0].append(command)
        self._steering.offer({command: how})

    def step(self) -> None:
        """Obey, between two steps; may wait, while the training is paused."""
        if not self.meets:
            self._steering.obey()
            return
        self._left -= 1
        if self._left > 0:
            return
        try:
            self._exchange()
        except Exception as error:  # the others are gone: the training will say so itself
            self.meets = False
            warn(f"nothing more is obeyed: the other ranks cannot be told: {type(error).__name__}: {error}")
        self._left = self._steps

    def leave(self) -> None:
        """The training is over: what is asked from now on is refused."""
        self.meets = False
        if self.run.active:
            self._steering.carry_out(self._steering.due())
            self._steering.end("the training is over", *self._offered)
            self._steering.offer(self._theirs)
            self.run._looks = False  # a loop of the user's own may follow

    def _is_left_to_the_user(self, command: str, how: Offer) -> bool:
        """Whether the user has said how to obey: it counts, unless other ranks would wait for ours."""
        return callable(self._steering.offered(command)) and not (self.meets and callable(how))

    def _meet(self, world_size: int) -> str | None:
        """Make a group with the other ranks, if all of them have come here; return why there is none."""
        global _trainings
        _trainings += 1
        dist = sys.modules.get("torch.distributed")
        if dist is None or not dist.is_available() or not dist.is_initialized():
            return "several processes train together, and not by torch.distributed"
        store = dist.distributed_c10d._get_default_store()
        here = f"livecb/{_trainings}"
        if not _all_come(store, here, dist.get_rank(), world_size):
            return _NOT_ALL
        self._group = dist.new_group(backend="gloo")
        return None

    def _exchange(self) -> None:
        while True:
            wishes, over = self._share()
            if over and not self._leads:
                self._steering.go_on()
            self._steering.carry_out(wishes)
            if self._steering.paused is None:
                return
            time.sleep(_EXCHANGE_SECONDS)

    def _share(self) -> tuple[list[Asked], bool]:
        """Return what is to be obeyed now, and whether a pause is over, as the leading rank says."""
        import torch

        steering, dist = self._steering, sys.modules["torch.distributed"]
        if not self._leads:
            head = torch.zeros(3, dtype=torch.int64)
            dist.broadcast(head, 0, group=self._group)
            size, self._steps, over = (int(each) for each in head)
            body = torch.zeros(size, dtype=torch.uint8)
            if size:
                dist.broadcast(body, 0, group=self._group)
            return (msgspec.json.decode(bytes(body.tolist()), type=list[Asked]) if size else []), bool(over)
        over = steering.paused is not None and not steering.holds()
        wishes = steering.due()
        said = msgspec.json.encode(wishes) if wishes else b""
        now = time.monotonic()
        pace = self._steps * _EXCHANGE_SECONDS / max(now - self._last, 1e-6)
        self._last, self._steps = now, max(1, min(int(pace), 2 * self._steps, _MOST_STEPS))
        dist.broadcast(torch.tensor([len(said), self._steps, int(over)]), 0, group=self._group)
        if said:
            dist.broadcast(torch.tensor(list(said), dtype=torch.uint8), 0, group=self._group)
        return wishes, over


def saving_place(run: Run, suffix: str = "", folder: str | Path | None = None) -> Path:
    """Return where to save what readers ask for: beside the other checkpoints, where those have a folder."""
    return Path(folder or "checkpoints") / f"livecb-{run.id}-step={int(run.step)}{suffix}"


def ranks() -> tuple[int, int]:
    """Return this process's rank and how many train together, as torch knows them."""
    dist = sys.modules.get("torch.distributed")
    if dist is not None and dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return rank_from_environment(), 1


def _both(one: Callable[[], object], other: Callable[[], object]) -> Callable[[], str | None]:
    def obey() -> str | None:
        said = [one(), other()]
        return "; ".join(each for each in said if isinstance(each, str)) or None

    return obey


def _all_come(store: Any, here: str, rank: int, world_size: int) -> bool:
    """Whether all ranks have come here; all that ask get the same answer, within some seconds."""
    store.set(f"{here}/{rank}", "here")
    verdict = f"{here}/all"
    awaited = [f"{here}/{each}" for each in range(world_size)] if rank == 0 else [verdict]
    deadline = time.monotonic() + _ALL_HERE_SECONDS
    while not store.check(awaited) and time.monotonic() < deadline:
        time.sleep(0.01)
    # The first word counts: whoever gives up waiting gives up for all.
    word = "yes" if rank == 0 and store.check(awaited) else "no"
    return bool(bytes(store.compare_set(verdict, "", word)) == b"yes")
