"""Where a task of scikit-learn stands among those that a fit is made of.

An estimator's root task and the leaf of what contains that estimator are one task: it has the inner
estimator's name, and the leaf's in `source_estimator_name`.
"""

from __future__ import annotations

from typing import Any

__all__ = ["FOLD", "RUNG", "depth", "is_root", "is_within", "iterates", "key", "rung"]

FOLD = "candidate-split-evaluation"
RUNG = "halving-iteration"


def _path(context: Any) -> list[Any]:
    path = [context]
    while (parent := path[-1].parent) is not None:
        path.append(parent)
    return path[::-1]


def key(context: Any) -> tuple[Any, ...]:
    """Return what tells a task from all others."""
    return (context.root_uuid, *(task.task_id for task in _path(context)))


def is_within(context: Any, other: tuple[Any, ...]) -> bool:
    """Whether it is a part, of whatever order, of the task with this key."""
    own = key(context)
    return len(own) > len(other) and own[: len(other)] == other


def depth(context: Any) -> int:
    """Return how many estimators the one whose task this is stands in."""
    return sum(task.source_estimator_name is not None for task in _path(context))


def iterates(context: Any) -> bool:
    """Whether it is an iteration of a solver, of which the last one told is never run."""
    return bool(context.task_name.endswith("-iter"))


def is_root(context: Any) -> bool:
    """Whether it is an estimator's fit as a whole."""
    return context.parent is None or context.source_estimator_name is not None


def rung(context: Any) -> int | None:
    """Return the round of a search by halving that it is a part of."""
    parent = context.parent
    return int(parent.task_id) if parent is not None and parent.task_name == RUNG else None
