"""What a metric's name says: its key, its chart, its curve, and which way is better.

Every framework has its own habit: `train/loss`, `val_loss`, `eval_loss`, `loss_epoch`, `Loss/val`,
`loss` said while validating. The law: the train and the val curve of one quantity share a chart;
whatever is not understood keeps its whole name as the chart, so that nothing unlike is ever drawn
together.

Pure: a name in, words out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

__all__ = ["Split", "eval_sets", "goal", "key", "split", "telling"]

Goal = Literal["min", "max"]


class Split(NamedTuple):
    """Where a metric is drawn.

    Attributes:
        chart: The quantity: metrics with the same chart share one.
        series: What the curve is called in it.
        context: What it was measured on: `train`, `val`, `test` ..., None if nothing says.
    """

    chart: str
    series: str
    context: str | None


_CONTEXTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "eval", "evaluation", "dev", "validate"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_SAME = {"acc": "accuracy", "learning_rate": "lr", "ppl": "perplexity", "grad-norm": "grad_norm"}
# Measured on the model or the machine, not on data: "train" would say nothing about them.
_OF_THE_LOOP = frozenset({"lr", "grad_norm", "momentum", "weight_decay", "loss_scale", "epoch"})
_PLAYERS = frozenset(
    {"d", "g", "disc", "discriminator", "gen", "generator", "critic", "actor", "policy", "value"}
)
_COUNTED = frozenset({"per", "global", "max", "num", "n", "total", "current", "time"})

_CONTEXT_WORD = re.compile(rf"(?:^|[/_.\- ])(?:{'|'.join(_CONTEXTS)})(?=[/_.\- ]|$)", re.IGNORECASE)
_PREFIX = re.compile(rf"({'|'.join(_CONTEXTS)})(?:[_.\- ]+(?=.)|(?=[A-Z]))", re.IGNORECASE)
_SUFFIX = re.compile(rf"(?<=.)[_.\- ]({'|'.join(_CONTEXTS)})$", re.IGNORECASE)
_CAMEL = re.compile(rf"({'|'.join(_CONTEXTS)})(?=[A-Z])")
_LOADER = re.compile(r"/dataloader_idx_(\d+)$")
_EVAL_SET = re.compile(r"eval_(.+)_loss$")


@lru_cache(4096)
def key(name: str, context: str | None = None, rank: int = 0) -> str:
    """Return what tells a metric from all others of its run.

    That is its name; with the context before it (`val/loss`) when it was measured on something
    else than training and the name does not say so; with `@RANK` behind it when another rank than
    the first says it.
    """
    if context and context != "train" and not _CONTEXT_WORD.search(name):
        name = f"{context}/{name}"
    return f"{name}@{rank}" if rank else name


def eval_sets(names: Iterable[str]) -> frozenset[str]:
    """Return the names of evaluation sets, as `eval_NAME_loss` betrays them."""
    return frozenset(found[1] for name in names if (found := _EVAL_SET.fullmatch(name)))


def split(name: str, context: str | None = None, *, rank: int = 0, sets: Collection[str] = ()) -> Split:
    """Return the chart a metric belongs to and what its curve is called.

    What the name itself says (`val_loss`) goes before the context it was logged in.

    Args:
        name: The metric's name, as it was logged.
        context: What it was measured on.
        rank: The rank that said it.
        sets: Names of evaluation sets (see `eval_sets`).
    """
    name, loader = _cut(_LOADER, name)
    found, words, said = _context_of(name)
    leaf = words.pop()
    qualifiers = [said] if (said := _EVAL_NAMES.get(said, said)) else []
    known = found or (context or None)
    qualifiers = []
    if found == "val" and name.startswith("eval_") and (set_name := _set_of(leaf, sets)):
        leaf = leaf[len(set_name) + 1 :]
        qualifiers.append(set_name)
    leaf, reduction = _reduction(leaf)
    leaf, player = _player(leaf)
    leaf, group = _rate_group(leaf, words)
    chart = "/".join([*words, _SAME.get(leaf.lower(), leaf.lower() if leaf.lower() in _QUANTITIES else leaf)])
    shown = None if leaf in _OF_THE_LOOP and not found else known
    parts = [shown, *qualifiers, player, group, loader, reduction, f"rank {rank}" if rank else None]
    series = " ".join(part for part in parts if part)
    return Split(chart, series or leaf, known)
