"""Metrics as columns, and as NumPy and pandas hold them; neither is imported before it is asked for."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from livecb.client.records import number
from livecb.events import JsonObject

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]

__all__ = ["Curve", "Series", "Values", "series_of", "values_of"]

_COLUMNS = ("step", "epoch", "time", "attempt")
_SHOWN = 10


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Points of one metric, in the order in which they were logged.

    Attributes:
        x: Where they stand on `axis`.
        y: Their values.
        count: How many there are in the log.
        thinned: Whether these are fewer.
        attempt: Which attempt each is of, from 1.
    """

    axis: str
    x: list[float | None]
    y: list[float]
    step: list[int | None]
    time: list[float]
    epoch: list[float | None]
    attempt: list[int]
    count: int
    thinned: bool
    chart: str | None = None
    series: str | None = None

    def to_numpy(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return x and y as arrays of 64-bit floats; NaN where a point has no x."""
        import numpy as np

        return np.array(self.x, dtype=float), np.array(self.y, dtype=float)


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Metrics of a run by name.

    Attributes:
        cursor: The place in the log that these hold all up to.
        x: The axis that was asked for.
        rewinds: Where later attempts took up the run.
        names: The run's metrics, where one of those asked for is none of them.
    """

    cursor: str
    x: str
    series: dict[str, Curve]
    rewinds: list[JsonObject] = []
    names: list[str] = []

    def __getitem__(self, name: str) -> Curve:
        """Return one metric.

        Raises:
            KeyError: It is not among these; the message names those there are, the nearest first.
        """
        if name in self.series:
            return self.series[name]
        there = self.names or list(self.series)
        near = difflib.get_close_matches(name, there, _SHOWN, cutoff=0.4)
        shown = list(dict.fromkeys([*near, *there]))
        more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        raise KeyError(f"no metric {name!r} here; there are {', '.join(shown[:_SHOWN]) or 'none'}{more}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.series)

    def __len__(self) -> int:
        return len(self.series)

    def to_numpy(self) -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
        """Return x and y of each metric."""
        return {name: curve.to_numpy() for name, curve in self.series.items()}

    def to_pandas(self) -> pd.DataFrame:
        """Return a row for each point: `name`, `value`, `step`, `epoch`, `time` (Unix seconds) ...

        `attempt` counts from 1. What a later attempt gave up, as it went on from an earlier step, is kept,
        and `abandoned`.
        """
        import pandas as pd

        rows: dict[str, list[Any]] = {name: [] for name in ("name", "value", *_COLUMNS, "abandoned")}
        for name, curve in self.series.items():
            rows["name"] += [name] * len(curve.y)
            rows["value"] += curve.y
            for column in _COLUMNS:
                rows[column] += getattr(curve, column)
            rows["abandoned"] += map(self._is_abandoned, curve.attempt, curve.step)
        return pd.DataFrame(rows).astype({"value": float, "step": "Int64", "epoch": float, "abandoned": bool})

    def _is_abandoned(self, attempt: int, step: int | None) -> bool:
        return step is not None and any(
            attempt < rewind["attempt"] and step > rewind["to_step"] for rewind in self.rewinds
        )


class Values(msgspec.Struct, frozen=True, kw_only=True):
    """Every value of one metric, in the order in which they were logged; None on axes that one does not say.

    Attributes:
        cursor: The place in the log that these hold all up to.
        attempt: Which attempt each is of, from 1.
    """

    name: str
    cursor: str
    value: list[float]
    time: list[float]
    step: list[int | None]
    batch: list[int | None]
    epoch: list[float | None]
    samples: list[int | None]
    tokens: list[int | None]
    attempt: list[int]

    def to_numpy(self, x: str = "step") -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return places on an axis, and values, as arrays of 64-bit floats; NaN where no place is known."""
        import numpy as np

        return np.array(getattr(self, x), dtype=float), np.array(self.value, dtype=float)


def values_of(pages: list[JsonObject]) -> Values:
    """Return pages as one."""
    columns = [field for field in Values.__struct_fields__ if field not in ("name", "cursor")]
    joined = {column: [place for page in pages for place in page[column]] for column in columns}
    said = {**joined, "value": list(map(number, joined["value"]))}
    return msgspec.convert({**said, "name": pages[-1]["name"], "cursor": pages[-1]["cursor"]}, Values)


def series_of(said: JsonObject) -> Series:
    """Return an answer as columns."""
    curves = {name: {**curve, "y": list(map(number, curve["y"]))} for name, curve in said["series"].items()}
    return msgspec.convert({**said, "series": curves}, Series)
