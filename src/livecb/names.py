"""What a metric's name says: its key, its chart, its curve, and which way is better.

Every framework has its own habit: `train/loss`, `val_loss`, `eval_loss`, `loss_epoch`, `Loss/val`,
or `loss` said while validating. The law: the train and the val curve of one quantity share a chart;
a name that is not understood is its own chart, so that nothing unlike is drawn together.

Pure: a name in, words out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

__all__ = ["Goal", "Split", "eval_sets", "goal", "key", "split", "telling"]

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
    **dict.fromkeys(("val", "valid", "validation", "validate", "eval", "evaluation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_SAME = {
    "acc": "accuracy",
    "accuracy": "accuracy",
    "grad-norm": "grad_norm",
    "learning_rate": "lr",
    "loss": "loss",
    "ppl": "perplexity",
}
# Measured on the model or the loop, not on data: "train" would say nothing about them.
_OF_THE_LOOP = frozenset({"lr", "grad_norm", "momentum", "weight_decay", "loss_scale", "epoch"})
# The two sides of a GAN belong in one chart: what is told is how they stand to each other.
_PLAYER = r"d|g|disc|discriminator|gen|generator"
_PLAYED = r"loss|acc|accuracy|lr|grad_norm"

_WORDS = "|".join(_CONTEXTS)
_SAYS_CONTEXT = re.compile(rf"(?:^|[/_.\- ])(?:{_WORDS})(?:[/_.\- ]|$)", re.IGNORECASE)
_PREFIX = re.compile(rf"({_WORDS})[_.\- ](.+)", re.IGNORECASE)
_SUFFIX = re.compile(rf"(.+)[_.\- ]({_WORDS})", re.IGNORECASE)
# One of many of a kind, each a curve: loaders of Lightning, trials of Optuna, fits of scikit-learn.
_LOADER = re.compile(r"(.+)/(?:dataloader_idx_(\d+)|((?:trial|fit) [\d.]+))")
_REDUCED = re.compile(r"(.*(?<!per)(?<!global)(?<!max)(?<!num)(?<!current)(?<!total))_(step|epoch)")
_PLAYER_FIRST = re.compile(rf"({_PLAYER})[_/]({_PLAYED})", re.IGNORECASE)
_PLAYER_LAST = re.compile(rf"({_PLAYED})[_/]({_PLAYER})", re.IGNORECASE)
# One curve for each optimizer, and for each kind of input to a GAN's discriminator.
_SIDE = re.compile(r"(grad_norm)[-/](.+)|(scores)/(real|fake)")
_LEARNING_RATE = re.compile(r"(?:lr|learning_rate)(?:[-/](.+)|_?((?:param_group|group|pg)?_?\d+))")
# A booster's sets stand before the slash, with a number where they were given no names.
_NUMBERED_SET = re.compile(rf"({_WORDS})_(\d+)/(.+)", re.IGNORECASE)
_LEARNT_ON = re.compile(r"learn/(.+)")
_EVAL_SET = re.compile(r"eval_(.+)_loss")

# scikit-learn's neg_mean_squared_error and its like, also as a search calls them.
_NEGATED = re.compile(r"(?:(?:best|mean|train|val|test)[_.\- ])*neg[_.\- ]")

_NEITHER = frozenset(
    [
        "scale",
        "weight",
        "coef",
        "coefficient",
        "lr",
        "ratio",
        "time",
        "seconds",
        "runtime",
        "count",
        "norm",
        "std",
        "step",
        "epoch",
    ]
)
# Losses by which boosters call their metrics; within a longer name they may be anything.
_LOSSES = frozenset(
    ["fair", "gamma", "huber", "l1", "l2", "multiclass", "multiclassova", "poisson", "quantile", "tweedie"]
)
_LESS = frozenset(
    [
        "loss",
        "losses",
        "error",
        "err",
        "perplexity",
        "ppl",
        "mse",
        "rmse",
        "mae",
        "mape",
        "smape",
        "msle",
        "rmsle",
        "wer",
        "cer",
        "ter",
        "nll",
        "bce",
        "ce",
        "xent",
        "crossentropy",
        "logloss",
        "mlogloss",
        "merror",
        "nloglik",
        "kl",
        "divergence",
        "fid",
        "distance",
        "eer",
        "brier",
        "hinge",
        "deviance",
        "regret",
        "crps",
        "bpb",
        "bpc",
        "lpips",
    ]
)
_MORE = frozenset(
    [
        "acc",
        "accuracy",
        "accuracies",
        "f1",
        "f2",
        "fbeta",
        "fscore",
        "auc",
        "auroc",
        "auprc",
        "aucpr",
        "rocauc",
        "ap",
        "map",
        "mar",
        "precision",
        "recall",
        "score",
        "r2",
        "bleu",
        "sacrebleu",
        "chrf",
        "rouge",
        "rougel",
        "rougelsum",
        "meteor",
        "comet",
        "iou",
        "miou",
        "dice",
        "ndcg",
        "mrr",
        "hit",
        "hits",
        "jaccard",
        "kappa",
        "mcc",
        "matthews",
        "spearman",
        "spearmanr",
        "pearson",
        "pearsonr",
        "correlation",
        "sensitivity",
        "specificity",
        "psnr",
        "ssim",
        "reward",
        "rewards",
        "return",
        "success",
        "win",
        "elbo",
        "em",
        "match",
        "silhouette",
        "explained",
    ]
)


@lru_cache(4096)
def key(name: str, context: str | None = None, rank: int = 0) -> str:
    """Return what tells a metric from all others of its run.

    That is its name; with the context before it (`val/loss`) when it was measured on something
    else than training and no word of the name says so; with `@RANK` behind it when another rank
    than the first says it.
    """
    if context and context != "train" and not _SAYS_CONTEXT.search(name):
        name = f"{context}/{name}"
    return f"{name}@{rank}" if rank else name


def eval_sets(names: Iterable[str]) -> frozenset[str]:
    """Return the names of evaluation sets, which `eval_NAME_loss` betrays."""
    return frozenset(found[1] for name in names if (found := _EVAL_SET.fullmatch(name)))


def split(name: str, context: str | None = None, *, rank: int = 0, sets: Collection[str] = ()) -> Split:
    """Return the chart a metric belongs to and what its curve is called.

    What the name says (`val_loss`) goes before the context it was logged in.

    Args:
        name: The metric's name, as it was logged.
        context: What it was measured on.
        rank: The rank that said it.
        sets: The run's evaluation sets (see `eval_sets`).
    """
    loader = None
    if found := _LOADER.fullmatch(name):
        name, loader = found[1], found[2] or found[3]
    if found := _NUMBERED_SET.fullmatch(name):
        name, loader = f"{found[1]}/{found[3]}", found[2]
    elif found := _LEARNT_ON.fullmatch(name):
        name = f"train/{found[1]}"
    said, rest = _take_context(name)
    measured = said or context or None
    named_set = None
    if name.startswith("eval_"):
        rest, named_set = _take_set(name, rest, sets)
    reduced = None
    if found := _REDUCED.fullmatch(rest):
        rest, reduced = found.groups()
    chart, part = _take_part(rest)
    folder, slash, leaf = chart.rpartition("/")
    leaf = _SAME.get(leaf.lower(), leaf)
    shown = None if leaf in _OF_THE_LOOP and measured == "train" else measured
    words = (shown, named_set, part, loader, reduced, f"rank {rank}" if rank else None)
    return Split(folder + slash + leaf, " ".join(word for word in words if word) or leaf, measured)


@lru_cache(4096)
def goal(name: str) -> Goal | None:
    """Return which way is better, as far as the name tells: `min`, `max`, or None."""
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
    leaf = name.lower().rpartition("/")[2]
    if leaf in _LOSSES:
        return "min"
    if _NEGATED.match(leaf):
        return "max"
    known = {*words, *(word.rstrip("0123456789") for word in words)}
    if known & _NEITHER:
        return None
    return "min" if known & _LESS else "max" if known & _MORE else None


def telling(name: str, context: str | None = None) -> tuple[int, int, str]:
    """Return a key that sorts metrics, those that tell most about a run first."""
    found = split(name, context)
    place = {"val": 0, "test": 1, "train": 2, None: 3}.get(found.context, 3)
    leaf = found.chart.rpartition("/")[2]
    kind = 0 if leaf == "loss" else 1 if goal(leaf) else 2
    return (place + 4 * (kind == 2), kind, name)


def _take_context(name: str) -> tuple[str | None, str]:
    """Return the context that the name says, and the name without it."""
    words = name.split("/")
    for at, word in enumerate(words):
        if len(words) > 1 and (said := _CONTEXTS.get(word.lower())):
            return said, "/".join(words[:at] + words[at + 1 :])
    if found := _PREFIX.fullmatch(words[-1]):
        return _CONTEXTS[found[1].lower()], "/".join([*words[:-1], found[2]])
    if found := _SUFFIX.fullmatch(words[-1]):
        return _CONTEXTS[found[2].lower()], "/".join([*words[:-1], found[1]])
    return _CONTEXTS.get(name.lower()), name


def _take_set(name: str, rest: str, sets: Collection[str]) -> tuple[str, str | None]:
    """Take the evaluation set off `a_loss`, as transformers names it when there are several."""
    if found := _EVAL_SET.fullmatch(name):
        return "loss", found[1]
    for one in sorted(sets, key=len, reverse=True):
        if rest.startswith(f"{one}_"):
            return rest[len(one) + 1 :], one
    return rest, None


def _take_part(rest: str) -> tuple[str, str | None]:
    """Take off what names one of several curves of a quantity: a GAN's player, a parameter group."""
    if found := _LEARNING_RATE.fullmatch(rest):
        return "lr", found[1] or found[2]
    if found := _SIDE.fullmatch(rest):
        return found[1] or found[3], found[2] or found[4]
    words = rest.split("/")
    for size in (2, 1):
        tail = "/".join(words[-size:])
        folder = "".join(f"{word}/" for word in words[:-size])
        if found := _PLAYER_FIRST.fullmatch(tail):
            return folder + found[2], found[1]
        if found := _PLAYER_LAST.fullmatch(tail):
            return folder + found[1], found[2]
    return rest, None
