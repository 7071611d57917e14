"""`livecb.watch`: learning rates and gradient norms, by the hooks that torch documents.

They are taken after the optimizer has stepped: only then a closure has computed the gradients and a
gradient scaler has unscaled them, and no scheduler has changed the rate yet. The norm is computed
where the gradients are; nothing waits for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from livecb.endings import latest_run
from livecb.errors import ValueRefused, warn
from livecb.run import Run
from livecb.values import on_host

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "Watch",
    "gradient_norm",
    "learning_rates",
    "measure",
    "norm_of",
    "on_step",
    "parameters_of",
    "watch",
]

_Stepped = Callable[[Any, Iterable[Any]], None]


class Watch:
    """What `livecb.watch` gives back: `remove()`, or the end of its `with` block, ends it."""

    def __init__(self, handles: Iterable[Any] = ()) -> None:
        self._handles = list(handles)

    def add(self, handle: Any) -> None:
        """Take charge of a hook: anything with `remove()`."""
        self._handles.append(handle)

    def remove(self) -> None:
        """Take the hooks off again; once is enough."""
        while self._handles:
            self._handles.pop().remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def watch(watched: Any, run: Run | None = None, *, every_n_steps: int = 1, **others: Any) -> Watch:
    """Record the learning rates and the gradient norm of each step of an optimizer, with no device sync.

    They are recorded as `lr` (`lr/pg1` ... if there are several groups of parameters) and `grad_norm`
    at the run's current step. Gradients that are clipped before the step count as they are clipped.
    Frozen parameters have no gradient, and no part in the norm.

    Args:
        watched: An optimizer; a module, whose own gradients count whichever optimizer steps; or
            several of them in a dict, whose keys then stand in the names (`lr/G`, `grad_norm/G`).
        run: Where to; the run that was begun last and is open when the optimizer steps, if left out.
        every_n_steps: Record every n-th step of each optimizer only.
        others: W&B's `log_freq` is `every_n_steps`; anything else is ignored, with a warning.

    Returns:
        A handle with `remove()`; also a context manager. What cannot be watched is refused with a
        warning, and the handle then does nothing.
    """
    every_n_steps = others.pop("log_freq", every_n_steps)
    given: object = run
    if not isinstance(given, Run | None):
        others["run"], run = given, None
    if others:
        warn(f"livecb.watch ignores {', '.join(f'{name}={value!r}' for name, value in others.items())}")
    several = watched if isinstance(watched, Mapping) else {"": watched}
    handle = Watch()
    for name, each in several.items():
        teller = _Teller(str(name), run, every_n_steps)
        try:
            handle.add(on_step(each, teller))
        except ValueRefused as error:
            warn(f"livecb.watch{f' of {name!r}' if name else ''}: {error}")
    return handle


class _Teller:
    """Records what one optimizer does."""

    def __init__(self, name: str, run: Run | None, every_n_steps: int) -> None:
        self.name = name
        self.run = run
        self.every_n_steps = max(1, every_n_steps)
        self.steps = 0

    def __call__(self, optimizer: Any, parameters: Iterable[Any]) -> None:
        self.steps += 1
        run = self.run or latest_run()
        if run is None or not run.active or self.steps % self.every_n_steps:
            return
        # In a loop that sets no axes, the step is the one that the loop's own `run.log` will be.
        under_way = run.step.under_way
        step = run._clock + 1 if under_way is None else under_way
        run.log(on_host(measure(run, optimizer, parameters, self.name)), step=step)


def measure(run: Run, optimizer: Any, parameters: Iterable[Any], name: str = "") -> dict[str, Any]:
    """Return the learning rates and the gradient norm of a step that was just made, by metric's name."""
    after = f"/{name}" if name else ""
    return {**learning_rates(optimizer, f"lr{after}"), **norm_of(run, f"grad_norm{after}", parameters)}


def norm_of(run: Run, key: str, parameters: Iterable[Any]) -> dict[str, Any]:
    """Return the gradients' norm under this name; nothing, with a warning, if it cannot be told."""
    try:
        norm = gradient_norm(parameters)
    except ValueRefused as error:
        run.warn_once(f"watch {key}", f"metric {key!r} was not recorded: it is {error}")
        return {}
    return {} if norm is None else {key: norm}


def learning_rates(optimizer: Any, prefix: str) -> dict[str, Any]:
    """Return the learning rates an optimizer has now, by name: one for each of its groups."""
    groups = optimizer.param_groups
    names = [prefix] if len(groups) == 1 else [f"{prefix}/pg{number + 1}" for number in range(len(groups))]
    return {name: _kept(group["lr"]) for name, group in zip(names, groups, strict=True)}


def _kept(rate: Any) -> Any:
    """Return a learning rate that the scheduler, which is about to step, cannot change any more."""
    return rate.clone() if hasattr(rate, "clone") else rate


def gradient_norm(parameters: Iterable[Any]) -> Any:
    """Return the 2-norm of all gradients together, a 0-d tensor on their device; None if there is none.

    Raises:
        ValueRefused: There are gradients whose norm only a sync or a collective could tell.
    """
    import torch

    gradients = [each.grad for each in parameters if each.grad is not None]
    if not gradients:
        return None
    if any(hasattr(each, "to_local") or each.layout is not torch.strided for each in gradients):
        raise ValueRefused("of gradients that are sparse or sharded over ranks: log one of your own")
    coarse = any(each.dtype in (torch.float16, torch.bfloat16) for each in gradients)
    norms = torch._foreach_norm(gradients, 2, **({"dtype": torch.float32} if coarse else {}))
    return torch.linalg.vector_norm(torch.stack([each.to(norms[0].device) for each in norms]))


def on_step(watched: Any, stepped: _Stepped) -> Any:
    """Have `stepped(optimizer, parameters)` called after each step; return a handle with `remove()`.

    Args:
        watched: An optimizer, or a module some optimizer trains.
        stepped: Must not keep the gradients. An exception of it is said once, and ends this.

    Raises:
        ValueRefused: It is neither.
    """
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(watched, "param_groups") and hasattr(watched, "register_step_post_hook"):
        hook = _Hook(stepped, parameters_of)
        # The wrappers of Lightning and Accelerate look like the optimizer that they step.
        hook.handle = getattr(watched, "optimizer", watched).register_step_post_hook(hook)
    elif torch is not None and isinstance(watched, torch.nn.Module):
        from torch.optim.optimizer import register_optimizer_step_post_hook

        hook = _Hook(stepped, _Shared(watched))
        hook.handle = register_optimizer_step_post_hook(hook)
    else:
        raise ValueRefused(
            f"expected a torch optimizer or module, or a dict of them by name, got a {type(watched).__name__}"
        )
    return hook.handle


class _Hook:
    def __init__(self, stepped: _Stepped, parameters_of: Callable[[Any], list[Any]]) -> None:
        self.stepped = stepped
        self.parameters_of = parameters_of
        self.handle: Any = None

    def __call__(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        try:
            # What is captured into a CUDA graph would be played again, and its copies with it.
            cuda = sys.modules["torch"].cuda
            capturing = cuda.is_initialized() and cuda.is_current_stream_capturing()
            if not capturing and (parameters := self.parameters_of(optimizer)):
                self.stepped(optimizer, parameters)
        except Exception as error:
            self.handle.remove()
            what = f"watching {type(optimizer).__name__} failed: {type(error).__name__}: {error}"
            warn(f"{what}. Training goes on; nothing more of it is watched")


class _Shared:
    """The parameters of a module that an optimizer trains."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def __call__(self, optimizer: Any) -> list[Any]:
        trained = {id(each) for each in parameters_of(optimizer)}
        return [each for each in self.module.parameters() if id(each) in trained]


def parameters_of(optimizer: Any) -> list[Any]:
    """Return all parameters that an optimizer has been given."""
    return [each for group in optimizer.param_groups for each in group["params"]]
