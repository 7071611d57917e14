"""Chart: the curves of one quantity in braille, drawn by plotext."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.text import Text
from textual_plotext import Plot

from livecb.text import format_duration, format_number, printable

__all__ = ["COLORS", "draw"]

# Told apart by the colour-blind, too (Okabe and Ito), on dark and on light.
COLORS = ((86, 180, 233), (230, 159, 0), (0, 158, 115), (204, 121, 167), (213, 94, 0), (148, 148, 148))
_GIVEN_UP = (110, 110, 110)
_LEAST = (12, 4)

Json = dict[str, Any]
_Piece = tuple[list[float], list[float], bool]


def draw(
    curves: Mapping[str, Json],
    metrics: Mapping[str, Json],
    size: tuple[int, int],
    *,
    rewinds: Sequence[Json] = (),
    log: bool = False,
    started: float | None = None,
) -> Text:
    """Return a title with the latest values, and the curves under it.

    Args:
        curves: Series of one chart, by metric.
        metrics: What State says of each.
        size: Columns and rows.
        rewinds: Where later attempts took up the run: what they gave up is grey.
        log: Whether the axis of values is logarithmic, where all values are above 0.
        started: When the run began, Unix seconds, for an axis of time.
    """
    width, height = size
    if width < 1:
        return Text()
    text = _title(curves, metrics, width)
    if width < _LEAST[0] or height < _LEAST[1]:
        return text
    pieces = {name: list(_pieces(curve, rewinds, started)) for name, curve in curves.items()}
    ys = [y for found in pieces.values() for _, some, _ in found for y in some]
    if not ys:
        return text
    log = log and min(ys) > 0
    plot = Plot()
    plot.plotsize(width, height - 1)
    plot.theme("clear")
    plot.xaxes(True, False)
    plot.yaxes(True, False)
    for at, found in reversed(list(enumerate(pieces.values()))):  # the first one lies on top
        for xs, some, given_up in found:
            color = _GIVEN_UP if given_up else COLORS[at % len(COLORS)]
            plot.plot(xs, [math.log10(y) for y in some] if log else some, marker="braille", color=color)
    xs = [x for found in pieces.values() for some, _, _ in found for x in some]
    axis = next(iter(curves.values()))["axis"]
    _rule(plot, xs, ys, log, axis, (width, height))
    return text.append("\n").append_text(Text.from_ansi(plot.build().rstrip("\n")))


def _title(curves: Mapping[str, Json], metrics: Mapping[str, Json], width: int) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    chart = next((curve["chart"] for curve in curves.values()), "")
    text.append(printable(chart or ""), "bold")
    for at, (name, curve) in enumerate(curves.items()):
        red, green, blue = COLORS[at % len(COLORS)]
        metric = metrics.get(name, {})
        label = curve["series"] if len(curves) > 1 or curve["series"] != chart else ""
        said = f"{printable(label or '')} {format_number(metric.get('value'))}".strip()
        text.append("  ━ ", f"rgb({red},{green},{blue})")
        text.append(said, "bold red" if isinstance(metric.get("value"), str) else "")
        if metric.get("best") is not None and len(curves) == 1:
            text.append(f" best {format_number(metric['best'])}", "dim")
    text.truncate(width, overflow="ellipsis")
    return text


def _pieces(curve: Json, rewinds: Sequence[Json], started: float | None) -> Iterator[_Piece]:
    """Yield stretches of finite values of one attempt, and whether they were given up."""

    def place(at: int) -> tuple[int, bool, bool]:
        attempt, step = curve["attempt"][at], curve["step"][at]
        given_up = step is not None and any(
            attempt < rewind["attempt"] and step > rewind["to_step"] for rewind in rewinds
        )
        finite = curve["x"][at] is not None and math.isfinite(float(curve["y"][at]))
        return attempt, given_up, finite

    origin = (started or 0.0) if curve["axis"] == "time" else 0.0
    for (_, given_up, finite), run in groupby(range(len(curve["y"])), place):
        if finite:
            rows = list(run)
            yield (
                [float(curve["x"][at]) - origin for at in rows],
                [float(curve["y"][at]) for at in rows],
                given_up,
            )


def _rule(
    plot: Plot, xs: Sequence[float], ys: Sequence[float], log: bool, axis: str, size: tuple[int, int]
) -> None:
    """Draw the rulers: few marks, in the words of the rest of livecb."""
    low, high = min(ys), max(ys)
    if log:
        low, high = math.log10(low), math.log10(high)
    count = 3 if size[1] >= 7 else 2
    marks = [low + (high - low) * at / (count - 1) for at in range(count)]
    if low == high:  # a flat line in the middle
        plot.ylim(low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2)
        marks = [low]
    plot.yticks(marks, [format_number(float(f"{10**mark if log else mark:.3g}")) for mark in marks])
    first, last = min(xs), max(xs)
    if first == last:
        plot.xlim(first - 1, last + 1)
        plot.xticks([first], [_place(first, axis)])
        return
    plot.xticks([first, last], [_place(first, axis), f"{_place(last, axis)} {_unit(axis)}".strip()])


def _place(x: float, axis: str) -> str:
    return format_duration(x) if axis == "time" else format_number(x)


def _unit(axis: str) -> str:
    return "" if axis in ("time", "step") else axis
