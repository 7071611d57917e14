"""What is known of a search for hyperparameters, also in the processes that work for it.

scikit-learn tells a callback that a candidate is done with a fold, and not what came of it; nor do
the processes know of each other. So the scores are read where the search holds them while it tells
us, in the frame that calls the hook: nothing is computed twice and the search's `scoring` stays the
user's. Where a version of scikit-learn holds them elsewhere, rows come when the search has results.
What is done is counted in a folder that all processes share: a byte a fold.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from math import ceil, isnan
from pathlib import Path
from time import time as now
from typing import Any, NamedTuple

__all__ = ["Fold", "Search", "Stopped", "finished_fold", "row_of", "words"]

_FARTHEST = 12  # frames between the hook and the search that calls it


class Stopped(Exception):
    """A fold is not begun: somebody asked the search to stop."""


_SKIPPED = f"{Stopped.__module__}.{Stopped.__qualname__}:"


class Fold(NamedTuple):
    """A candidate on one fold, as the search knows it when it is done.

    Attributes:
        candidate: Its number among the candidates of its rung.
        number: The fold's.
        of: Folds a candidate.
        params: The candidate's parameters.
        scores: On the test part, then on the training part where the search asks for it.
        seconds: That the fit took.
        error: Why it failed; None if it did not.
    """

    candidate: int
    number: int
    of: int
    params: Mapping[str, Any]
    scores: Mapping[str, float]
    seconds: float | None
    error: str | None

    @property
    def name(self) -> str:
        """What to call the candidate."""
        return words(self.params)

    @property
    def skipped(self) -> bool:
        """Whether it was not begun, which the search takes for a failure."""
        return self.error is not None and self.error.startswith(_SKIPPED)

    def row(self, search: Search, rung: int | None) -> dict[str, Any]:
        """Return the row of the leaderboard that says it."""
        return {
            "name": self.name,
            "ok": self.error is None,
            "params": self.params,
            "scores": self.scores,
            "fit_seconds": self.seconds,
            "reason": self.error,
            "goal": "max",  # all scores of scikit-learn are better when greater
            "fold": self.number,
            "folds": self.of,
            "rung": rung,
        }


class Search:
    """A search that is under way: goes to each process that works for it.

    Attributes:
        task: What tells its task from all others.
        depth: How many estimators it is nested in.
        scoring: What its score is called; None if its scores have names of their own.
        first: The score it chooses by, where it has several.
        resource: The parameter that a search by halving gives more of, from rung to rung.
        skips: Whether a fold can be skipped: it then scores `error_score`, which must not win.
        folds: Folds a candidate.
        total: Fits of candidates to be done in all; None if that is not known.
        began: When, Unix seconds.
    """

    def __init__(self, estimator: Any, task: tuple[Any, ...], depth: int) -> None:
        scoring = getattr(estimator, "scoring", None)
        refit = getattr(estimator, "refit", None)
        self.task = task
        self.depth = depth
        self.scoring = scoring if isinstance(scoring, str) else "score"
        self.first = refit if isinstance(refit, str) else None
        self.resource = getattr(estimator, "resource", None)
        error_score = getattr(estimator, "error_score", None)
        self.skips = isinstance(error_score, float) and isnan(error_score)
        self.folds: int | None = None
        self.total: int | None = None
        self._rungs: list[tuple[int, float]] = []  # fits, and what one costs against the first rung's
        self.began = now()
        self._folder = Path(tempfile.mkdtemp(prefix="livecb-search-"))

    def plan(self, estimator: Any, fits: int | None, rungs: int | None = None) -> None:
        """Take in how much there is to do.

        Args:
            estimator: The search.
            fits: Candidates times folds; in a search by halving those of the first rung.
            rungs: How often the better part of the candidates is kept and tried again.
        """
        self.folds = getattr(estimator, "n_splits_", None)
        if fits is None:
            return
        self._rungs = [(fits, 1.0)]
        factor = getattr(estimator, "factor", None)
        if rungs is not None and self.folds and factor:
            kept = fits // self.folds
            for rung in range(1, rungs):
                kept = ceil(kept / factor)
                self._rungs.append((kept * self.folds, float(factor) ** rung))
        self.total = sum(fits for fits, _ in self._rungs)

    def finish_fold(self, fold: Fold, rung: int) -> None:
        """Count a fold that was told of; the last good one makes its candidate complete."""
        self._add("told")
        if fold.error is None and self._add(f"candidate-{rung}-{fold.candidate}") == fold.of:
            self._add(f"complete-{rung}")

    def progress(self, fold: Fold | None) -> dict[str, Any]:
        """Count a fold that is over, None if nothing more is known of it; return how far the search is."""
        done = self._add("done")
        if fold is not None and fold.error is not None:
            self._add("skipped" if fold.skipped else "failed")
        return self.read(done)

    def read(self, done: int | None = None) -> dict[str, Any]:
        """Return the fields of a progress event, for `done` folds or as many as are counted."""
        done = self.count("done") if done is None else done
        elapsed = max(now() - self.began, 1e-9)
        rate = done / elapsed if done else None
        counters = {name: count for name in ("failed", "skipped") if (count := self.count(name))}
        return {
            "done": done,
            "total": self.total,
            "unit": "fold",
            "phase": "search",
            "rate": rate,
            "elapsed": elapsed,
            "left": self._left(done, elapsed),
            "counters": counters,
        }

    def _left(self, done: int, elapsed: float) -> float | None:
        """Return the seconds left, if each rung's fits take as much longer as they are given more."""
        whole, finished, rest = 0.0, 0.0, done
        for fits, cost in self._rungs:
            whole += fits * cost
            finished += min(rest, fits) * cost
            rest -= min(rest, fits)
        return elapsed * (whole - finished) / finished if finished else None

    def count(self, name: str) -> int:
        """Return how often something was counted."""
        try:
            return os.stat(self._folder / name).st_size
        except OSError:
            return 0

    def stop(self) -> None:
        """Ask all processes to begin no further fold, once the rung has a candidate to choose."""
        self._add("stop")

    def is_stopped(self, rung: int) -> bool:
        """Whether a fold of this rung may be skipped: there is a candidate whose score is whole."""
        return self.skips and bool(self.count("stop") and self.count(f"complete-{rung}"))

    def pause(self) -> None:
        """Have all processes begin no further fold until `go_on`."""
        if not self.is_paused():
            self._add("pause")

    def go_on(self) -> None:
        """End a pause."""
        (self._folder / "pause").unlink(missing_ok=True)

    def is_paused(self) -> bool:
        """Whether no further fold is to begin now."""
        return (self._folder / "pause").exists()

    def is_open(self) -> bool:
        """Whether the search is under way."""
        return self._folder.exists()

    def close(self) -> None:
        """Remove what the processes shared."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _add(self, name: str) -> int:
        """Count one more, and return how many that makes: each process gets a number of its own."""
        try:
            file = os.open(self._folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, b".")
                return os.lseek(file, 0, os.SEEK_CUR)
            finally:
                os.close(file)
        except OSError:  # a full disk: what was counted stays, and the rows are told all the same
            return self.count(name)


def finished_fold(search: Search) -> Fold | None:
    """Return what the search that is calling knows of the fold it has done.

    None where it holds that otherwise than is known here, or was interrupted.
    """
    frame: Any = sys._getframe(1)
    for _ in range(_FARTHEST):
        if frame is None or frame.f_code.co_name == "_fit_and_score":
            break
        frame = frame.f_back
    else:
        return None
    known: dict[str, Any] = dict(frame.f_locals) if frame is not None else {}
    if not {"candidate_progress", "split_progress", "result"} <= known.keys():
        return None
    raised = sys.exc_info()[1]  # with error_score="raise" the search is about to end
    trace = known["result"].get("fit_error")
    error = trace.strip().rpartition("\n")[2] if trace else None
    if raised is not None and "fit_error" not in known["result"]:
        if not isinstance(raised, Exception):
            return None
        error = f"{type(raised).__name__}: {raised}"
    candidate, (number, of) = known["candidate_progress"][0], known["split_progress"]
    scores = _named(known.get("test_scores"), search)
    scores |= {f"train_{name}": score for name, score in _named(known.get("train_scores"), search).items()}
    params = _searched(known.get("parameters") or {}, search)
    return Fold(candidate, number, of, params, scores, known.get("fit_time"), error)


def row_of(results: Mapping[str, Any], index: int, search: Search) -> dict[str, Any]:
    """Return the row of a candidate as a whole, from the search's `cv_results_`."""
    params = _searched(results["params"][index], search)
    scores: dict[str, float] = {}
    for part, prefix in (("test", ""), ("train", "train_")):
        start = f"mean_{part}_"
        means = {key[len(start) :]: float(results[key][index]) for key in results if key.startswith(start)}
        means = _named(means["score"] if list(means) == ["score"] else means or None, search)
        scores |= {f"{prefix}{name}": score for name, score in means.items()}
    failed = any(isnan(score) for score in scores.values())
    return {
        "name": words(params),
        "ok": not failed,
        "params": params,
        "scores": scores,
        "fit_seconds": float(results["mean_fit_time"][index]),
        "reason": "a fit or a score failed: scikit-learn warned of it" if failed else None,
        "goal": "max",
        "folds": search.folds,
        "rung": int(results["iter"][index]) if "iter" in results else None,
    }


def words(params: Mapping[str, Any]) -> str:
    """Return parameters in short, as a candidate's name."""
    leaves = [name.rpartition("__")[2] for name in params]
    named = " ".join(
        f"{leaf if leaves.count(leaf) == 1 else name}={_short(value)}"
        for leaf, (name, value) in zip(leaves, params.items(), strict=True)
    )
    return named or "default"


def _searched(params: Mapping[str, Any], search: Search) -> dict[str, Any]:
    """Return what tells a candidate from others, in all rungs alike."""
    return {name: value for name, value in params.items() if name != search.resource}


def _short(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _named(scores: Any, search: Search) -> dict[str, float]:
    if scores is None:
        return {}
    if not isinstance(scores, Mapping):
        return {search.scoring: scores}
    first = [name for name in scores if name == search.first]
    return {name: scores[name] for name in (*first, *(name for name in scores if name not in first))}
