"""The leaderboard: which candidate is best so far.

A candidate may be told of fold by fold, from several processes whose events arrive in any order: its
scores are then the means over the folds that are done, and a later row of the candidate as a whole
takes their place. A search by halving tries the better candidates again: a later rung outranks all
earlier ones, whatever they scored. Where several scores count alike, the best are those that no other one
is better than: the Pareto front.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from livecb import names
from livecb.events import ModelCompleted, Number
from livecb.strict import json_ready

__all__ = ["MOST", "Leaderboard"]

MOST = 500
"""Rows that are shown; all are in the log."""


class _Candidate:
    """What is known of one candidate, in its last rung."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.changed = 0
        self.rung = -1
        self.whole: ModelCompleted | None = None
        self.folds: dict[int, ModelCompleted] = {}
        self._row: ModelCompleted | None = None

    def feed(self, event: ModelCompleted) -> None:
        """Take in a row. Of two about the same the later one holds, however they arrive."""
        self._row, rung = None, event.rung or 0
        if rung > self.rung:
            self.rung, self.whole, self.folds = rung, None, {}
        if rung < self.rung or (self.whole and event.time < self.whole.time):
            return
        if event.fold is None:
            self.whole = event
            self.folds = {at: fold for at, fold in self.folds.items() if fold.time > event.time}
        elif (known := self.folds.get(event.fold)) is None or event.time >= known.time:
            self.folds[event.fold] = event

    @property
    def done(self) -> int | None:
        """Folds that its scores rest on."""
        return len(self.folds) or (self.whole.folds if self.whole else None)

    def row(self) -> ModelCompleted:
        """Return the candidate as one row: what it says of itself, or the mean of its folds."""
        if self._row is None:
            self._row = self._merged()
        return self._row

    def _merged(self) -> ModelCompleted:
        if not self.folds:
            assert self.whole is not None
            return self.whole
        folds = [self.folds[at] for at in sorted(self.folds)]
        seconds = [fold.fit_seconds for fold in folds if fold.fit_seconds is not None]
        return msgspec.structs.replace(
            max(folds, key=lambda fold: fold.time),
            fold=None,
            ok=all(fold.ok for fold in folds),
            reason=next(
                (f"fold {at + 1}: {fold.reason}" for at, fold in sorted(self.folds.items()) if not fold.ok),
                None,
            ),
            scores=_means(folds),
            fit_seconds=sum(seconds) / len(seconds) if seconds else None,
        )


class Leaderboard:
    """Candidates, numbered from 0 in the order in which they were first heard of.

    Attributes:
        changes: Rows that were taken in.
    """

    def __init__(self) -> None:
        self.changes = 0
        self._candidates: dict[object, _Candidate] = {}
        self._by_number: list[_Candidate] = []
        self._front: list[ModelCompleted] | None = []  # None: to be found anew

    def __len__(self) -> int:
        return len(self._candidates)

    def feed(self, event: ModelCompleted) -> None:
        """Take in a row. A candidate is known by its name and its parameters."""
        key = event.name, msgspec.json.encode(event.params, order="sorted")
        again = key in self._candidates
        if not again:
            self._by_number.append(self._candidates.setdefault(key, _Candidate(len(self._by_number))))
        self.changes += 1
        self._candidates[key].feed(event)
        self._candidates[key].changed = self.changes
        if event.goals:
            if again or self._front is None:
                self._front = None
            else:
                _take_in(self._front, event)

    def ranked(self) -> list[ModelCompleted]:
        """Return the candidates, the best first, then those that were left out, and the failed ones last.

        They are compared by the first score of the first that has one. Where neither the row nor the
        name of that score tells which way is better, more is, as scikit-learn takes scores.
        """
        return [row for row, _ in self._ranked()]

    def changed(self, number: int) -> int:
        """Return which of the changes was the last to a candidate."""
        return self._by_number[number].changed

    def to_list(self, most: int = MOST) -> list[dict[str, Any]]:
        """Return the best rows, ready for JSON, each with number, place now and the folds it rests on.

        Where several scores count alike, all on the Pareto front have place 1, and the others none.
        """
        best = {id(row) for row in self.front()}
        return [
            {
                **json_ready(row),
                "number": candidate.number,
                "place": (1 if id(row) in best else None) if best else place if row.ok else None,
                **({"folds_done": candidate.done} if row.folds else {}),
            }
            for place, (row, candidate) in enumerate(self._ranked()[:most], 1)
        ]

    def tally(self) -> dict[str, int]:
        """Return how many candidates there are, and how many of them failed or were left out, and how."""
        tally = {"total": len(self._candidates), "failed": 0, "pruned": 0, "skipped": 0, "dropped": 0}
        for candidate in self._by_number:
            if not (row := candidate.row()).ok:
                tally[row.outcome or "failed"] += 1
        return tally

    def front(self) -> list[ModelCompleted]:
        """Return the candidates that no other one is better than, where several scores count alike."""
        if self._front is None:
            self._front = []
            for candidate in self._candidates.values():
                _take_in(self._front, candidate.row())
        return self._front

    def _ranked(self) -> list[tuple[ModelCompleted, _Candidate]]:
        rows = [(candidate.row(), candidate) for candidate in self._candidates.values()]
        first = next((row for row, _ in rows if row.ok and row.scores), None)
        main = next(iter(first.scores)) if first else None
        said = (first.goals[0] if first.goals else first.goal) if first else None
        goal = said or names.goal(main or "")
        sign = 1.0 if goal == "min" else -1.0
        best = {id(row) for row in self.front()}

        def place(item: tuple[ModelCompleted, _Candidate]) -> tuple[int, int, float]:
            row, _ = item
            score = row.scores.get(main) if main is not None else None
            if not row.ok:
                return 3 if row.outcome is None else 2, 0, 0.0
            if not isinstance(score, (int, float)) or math.isnan(score):
                return 1, 0, 0.0
            return 0, int(id(row) not in best) if best else -(row.rung or 0), sign * score

        return sorted(rows, key=place)


def _means(folds: list[ModelCompleted]) -> dict[str, Number]:
    known: dict[str, list[float]] = {}
    for fold in folds:
        for name, score in fold.scores.items():
            known.setdefault(name, []).append(float(score))
    return {name: sum(scores) / len(scores) for name, scores in known.items()}


def _take_in(front: list[ModelCompleted], row: ModelCompleted) -> None:
    """Take a row into a Pareto front, if none in it is better; those that it is better than leave."""
    mine = _losses(row)
    if mine is None:
        return
    others = [(each, _losses(each) or ()) for each in front]
    if not any(_is_better(theirs, mine) for _, theirs in others):
        front[:] = [each for each, theirs in others if not _is_better(mine, theirs)]
        front.append(row)


def _losses(row: ModelCompleted) -> tuple[float, ...] | None:
    """Return the scores that count alike, the smaller the better; None where one of them is missing."""
    scores = list(row.scores.values())
    if not row.ok or not row.goals or len(scores) < len(row.goals):
        return None
    found = tuple(
        float(score) if goal == "min" else -float(score)
        for score, goal in zip(scores, row.goals, strict=False)
    )
    return None if any(math.isnan(each) for each in found) else found


def _is_better(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(mine <= theirs for mine, theirs in zip(one, other, strict=True))
