"""What a comparison of models comes to: candidates, the best first."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Candidate", "Comparison"]


@dataclass
class Candidate:
    """A model, and what came of it.

    Attributes:
        name: Its name.
        params: Its parameters that differ from the defaults.
        folds: Scores of each fold that is done, by name; greater is better.
        fit_seconds: What fitting took on the average, None if none was done.
        error: Why it failed, None if it did not.
        importances: How much each feature counts, in the last fold's model.
        outcome: `skipped` if readers left it out while it was under way, `dropped` if before; None if not.
        by: Who left it out.
    """

    name: str
    params: dict[str, Any]
    folds: list[dict[str, float]] = field(default_factory=list)
    fit_seconds: float | None = None
    error: str | None = None
    importances: dict[str, float] = field(default_factory=dict)
    outcome: Literal["skipped", "dropped"] | None = None
    by: str | None = None

    @property
    def scores(self) -> dict[str, float]:
        """Means of the scores over the folds that are done."""
        names = self.folds[0] if self.folds else ()
        return {name: sum(fold[name] for fold in self.folds) / len(self.folds) for name in names}

    @property
    def ok(self) -> bool:
        """Whether it has all its folds."""
        return self.error is None and self.outcome is None

    @property
    def score(self) -> float:
        """The score that candidates are ranked by; NaN if there is none, or not of all folds."""
        return next(iter(self.scores.values()), math.nan) if self.ok else math.nan

    @property
    def left_out(self) -> str | None:
        """How it was left out, in words."""
        return f"{self.outcome} by {self.by}" if self.outcome else None

    def __str__(self) -> str:
        if self.error is not None:
            return f"failed: {self.error}"
        return self.left_out or "  ".join(f"{name} {score:.4g}" for name, score in self.scores.items())


@dataclass(repr=False)
class Comparison:
    """What a comparison came to; printed, it is a table.

    Attributes:
        candidates: The best first; then those without a score, those left out, and the failed ones.
        model: The best one, fitted on all data; None if there is none or it was not asked for.
        interrupted: Whether it was stopped from the keyboard before all models were done.
        stopped: Why it ended before all models were done, where readers or `stop_when` ended it.
    """

    candidates: list[Candidate] = field(default_factory=list)
    model: Any = None
    interrupted: bool = False
    stopped: str | None = None

    @property
    def best(self) -> Candidate | None:
        """The best candidate, None if no model has a score."""
        return next((each for each in self.candidates if not math.isnan(each.score)), None)

    def add(self, candidate: Candidate) -> None:
        """Take in one more; one of the same name gives way."""
        self.candidates = [each for each in self.candidates if each.name != candidate.name]
        self.candidates.append(candidate)
        self.candidates.sort(
            key=lambda each: (
                each.error is not None,
                each.outcome is not None,
                math.isnan(each.score),
                -each.score,
            )
        )

    def __repr__(self) -> str:
        width = max((len(each.name) for each in self.candidates), default=0)
        return "\n".join(f"{each.name:{width}}  {each}" for each in self.candidates)
