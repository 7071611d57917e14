"""Messages of the transport itself, of which only the latest of each kind counts."""

from __future__ import annotations

import time
from dataclasses import dataclass

__all__ = ["Notice", "Notices"]


@dataclass(frozen=True, slots=True)
class Notice:
    """The latest message of one kind about one run; who missed an earlier one lost nothing."""

    number: int
    kind: str
    data: bytes
    time: float


class Notices:
    """The latest messages, numbered in the order in which they were put out.

    Attributes:
        number: The number of the latest.
    """

    def __init__(self) -> None:
        self.number = 0
        self._latest: dict[tuple[str, str], Notice] = {}

    def put(self, kind: str, run: str, data: bytes) -> None:
        """Put out a message; it takes the place of an earlier one of its kind and run."""
        self.number += 1
        self._latest[kind, run] = Notice(self.number, kind, data, time.monotonic())

    def get(self, kind: str, run: str) -> Notice | None:
        """Return the latest of one kind and run."""
        return self._latest.get((kind, run))

    def after(self, number: int) -> list[Notice]:
        """Return what was put out after a number, in order."""
        return sorted(
            (notice for notice in self._latest.values() if notice.number > number), key=lambda it: it.number
        )
