"""The leaderboard: which candidate is best so far."""

from __future__ import annotations

import math
from typing import Any

from livecb import names
from livecb.events import ModelCompleted
from livecb.strict import json_ready

__all__ = ["MOST", "Leaderboard"]

MOST = 500
"""Rows that are shown; all are in the log."""


class Leaderboard:
    """Candidates in the order in which they were done."""

    def __init__(self) -> None:
        self.rows: list[ModelCompleted] = []

    def ranked(self) -> list[ModelCompleted]:
        """Return the candidates, the best first and the failed ones last.

        They are compared by the first score of the first that has one. A name that does not tell
        which way is better is taken as scikit-learn takes scores: more is better.
        """
        main = next((name for row in self.rows if row.ok for name in row.scores), None)
        sign = 1.0 if main is not None and names.goal(main) == "min" else -1.0

        def place(row: ModelCompleted) -> tuple[int, float]:
            score = row.scores.get(main) if main is not None else None
            if not row.ok:
                return 2, 0.0
            if not isinstance(score, (int, float)) or math.isnan(score):
                return 1, 0.0
            return 0, sign * score

        return sorted(self.rows, key=place)

    def to_list(self) -> list[dict[str, Any]]:
        """Return the best rows, ready for JSON, each with its place now."""
        return [
            {**json_ready(row), "place": place if row.ok else None}
            for place, row in enumerate(self.ranked()[:MOST], 1)
        ]
