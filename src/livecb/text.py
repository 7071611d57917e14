"""Text: events, durations and tables as a person reads them in a terminal.

What runs say reaches no terminal as an order: escape sequences (colours, cursor moves, titles) are taken
out, other control characters are shown as `�`.
"""

from __future__ import annotations

import math
import re
import time as clock
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast
from unicodedata import combining, east_asian_width

import msgspec

from livecb import events as ev
from livecb import names

__all__ = [
    "SELDOM_READ",
    "format_duration",
    "format_event",
    "format_number",
    "format_percent",
    "format_size",
    "format_table",
    "plural",
    "printable",
]

SELDOM_READ = frozenset({"progress", "system"})
"""Types of events that come too often to be read."""

_INDENT = " " * 10
_LONGEST = 300
_GIVEN_UP = re.compile(r"(?:pruned|skipped)\b", re.IGNORECASE)  # by a search; that is no failure
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours and cursor moves
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # titles and links
    r"|\x1b[ -/]*[0-Z\\^-~]"
)


def format_event(event: ev.AnyEvent | ev.Unknown, *, chatty: bool = False) -> str | None:
    """Return an event as one line, more where it says more; None for what comes too often to be read.

    Args:
        event: The event.
        chatty: Whether events that are `SELDOM_READ` are worth a line, too.
    """
    if isinstance(event, ev.Unknown):
        said = _shown(msgspec.json.encode(event.data).decode())
        return f"{_time(event.time)}{event.data.get('type')}  {said}"
    if isinstance(event, (ev.Progress, ev.System)) and not chatty:
        return None
    text = cast("Callable[[ev.Event], str]", _FORMATS[type(event)])(event)
    rank = f"[rank {event.rank}] " if event.rank else ""
    return f"{_time(event.time)}{rank}{text}"


def format_number(value: float | str | None) -> str:
    """Return a number with four significant digits; `-` for None."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.4g}"


def format_duration(seconds: float | None) -> str:
    """Return a duration in its two largest units, as `2 h 05 min`; `-` for None."""
    if seconds is None:
        return "-"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02} h"


def format_percent(fraction: float) -> str:
    """Return a fraction as whole percent; never 100% before the end."""
    return f"{100 if fraction >= 1 else min(99, math.floor(fraction * 100 + 1e-9))}%"


def format_size(size: float) -> str:
    """Return a number of bytes in the unit that suits it."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def format_table(
    head: Sequence[str], rows: Iterable[Sequence[str]], width: int | None = None, least: Sequence[int] = ()
) -> list[str]:
    """Return lines in which columns are aligned.

    Args:
        head: What stands above each column.
        rows: As many cells each.
        width: The most characters of a line; None for as many as it takes.
        least: How narrow each column may become, where a width is given: the widest that may gives way.
            If that is not enough, the last columns are left out, but for the first one.
            The first one keeps the ends of its cells, which tell ids apart; others their beginnings.
    """
    table = [list(head), *([_shown(cell) for cell in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    if width is not None:
        widths = _fit(widths, width, least)
    lines = []
    for first, *others in table:
        cells = [_cut_begin(first, widths[0]), *map(_cut, others, widths[1:])]
        padded = [cell + " " * (wide - _width(cell)) for cell, wide in zip(cells, widths, strict=False)]
        lines.append("  ".join(padded).rstrip())
    return lines


def plural(unit: str) -> str:
    """Return the plural of a unit."""
    return f"{unit}es" if unit.endswith(("ch", "s", "x")) else f"{unit}s"


def _fit(widths: Sequence[int], width: int, least: Sequence[int]) -> list[int]:
    floors = [min(pair) for pair in zip(widths, least, strict=True)]
    count = len(floors)
    while count > 1 and sum(floors[:count]) + 2 * (count - 1) > width:
        count -= 1
    fitted = list(widths[:count])
    while sum(fitted) + 2 * (count - 1) > width and fitted != floors[:count]:
        widest = max(range(count), key=lambda at: fitted[at] if fitted[at] > floors[at] else 0)
        fitted[widest] -= 1
    fitted[0] = min(fitted[0], max(width, 1))
    return fitted


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def _cut(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    while _width(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def _cut_begin(text: str, width: int) -> str:
    return _cut(text[::-1], width)[::-1]


def _time(at: float) -> str:
    try:
        return clock.strftime("%H:%M:%S  ", clock.localtime(at))
    except (OverflowError, ValueError, OSError):  # a time that is none, of a training elsewhere
        return "--:--:--  "


def printable(text: str) -> str:
    """Return text without line breaks and without what a terminal would obey."""
    text = _ESCAPES.sub("", text)
    return "".join(char if char.isprintable() else " " if char in "\t\n\r" else "�" for char in text)


def _shown(text: str) -> str:
    clean = printable(text)
    return clean if len(clean) <= _LONGEST else f"{clean[: _LONGEST - 1]}…"


def _lines(text: str) -> str:
    """Return text of several lines, indented, without what a terminal would obey."""
    return "".join(f"\n{_INDENT}{_shown(line)}" for line in text.rstrip().splitlines())


def _words(*words: object) -> str:
    return "  ".join(_shown(str(word)) for word in words if word not in (None, ""))


def _values(values: Mapping[str, Any]) -> str:
    return "  ".join(f"{_shown(name)} {_number(value)}" for name, value in values.items())


def _number(value: Any) -> str:
    return format_number(value) if isinstance(value, (int, float)) else _shown(str(value))


def _took(seconds: float) -> str:
    return f"{math.ceil(seconds * 1000)} ms" if 0 <= seconds < 0.9995 else format_duration(seconds)


def _metrics(event: ev.Metrics) -> str:
    return _words(
        _place(event), _values({names.key(name, event.context): at for name, at in event.values.items()})
    )


def _place(event: ev.Event) -> str | None:
    if event.step is not None:
        return f"step {event.step:,}"
    return None if event.epoch is None else f"epoch {event.epoch:.4g}"


def _started(event: ev.RunStarted) -> str:
    again = f"attempt {event.attempt}" if event.attempt > 1 else None
    resumed = f"from step {event.resumed_step:,}" if event.resumed_step is not None else None
    named = event.name if event.name != event.run else None
    if event.resumed_run is not None:
        resumed = _words(resumed, f"of a checkpoint of {event.resumed_run}")
    return _words("run started:", event.run, named, event.project, event.framework, again, resumed)


def _config(event: ev.Config) -> str:
    totals = cast("dict[str, Any]", msgspec.to_builtins(event.totals) if event.totals else {})
    told = {**event.config, **{f"total {name}": value for name, value in totals.items()}}
    return _words("config:", event.framework, _values(told))


def _progress(event: ev.Progress) -> str:
    of = f"/{format_number(event.total)}" if event.total is not None else ""
    part = format_percent(event.done / event.total) if event.total else None
    units = plural(event.unit)
    rate = f"{format_number(event.rate)} {units}/s" if event.rate is not None else None
    left = f"{format_duration(event.left)} left" if event.left is not None else None
    done = f"{format_number(event.done)}{of} {units}"
    return _words(
        "progress:", event.phase, done, part, rate, left, _values(event.counters), _values(event.fields)
    )


def _system(event: ev.System) -> str:
    cpu = f"cpu {event.cpu:.0f} %" if event.cpu is not None else None
    memory = f"memory {format_size(event.memory_used)}" if event.memory_used is not None else None
    gpus = [
        _words(
            f"gpu {gpu.index}",
            f"{gpu.load:.0f} %" if gpu.load is not None else None,
            format_size(gpu.memory_used) if gpu.memory_used is not None else None,
        )
        for gpu in event.gpus
    ]
    return _words("system:", cpu, memory, *gpus)


def _log(event: ev.Log) -> str:
    source = event.logger or event.stream
    level = event.level if event.level not in ("INFO", "NOTSET") else None
    first, _, rest = event.message.partition("\n")
    return _words(level, source and f"{source}:", first) + _lines(rest)


def _completed(event: ev.ModelCompleted) -> str:
    seconds = f"in {_took(event.fit_seconds)}" if event.fit_seconds is not None else None
    failed = None if event.ok else f"failed: {event.reason or 'no reason given'}"
    if not event.ok and (event.outcome or _GIVEN_UP.match(event.reason or "")):
        failed = event.reason
    fold = None if event.fold is None else f"fold {event.fold + 1} of {event.folds or '?'}"
    return _words("model:", event.name, fold, failed, _values(event.scores), seconds)


def _sample(event: ev.Sample) -> str:
    parts = {"input": event.input, "target": event.target, "prediction": event.prediction}
    told = (f"{name} {value!r}" for name, value in parts.items() if value is not None)
    return _words("sample:", event.name, *told, _values(event.scores))


def _file(event: ev.Image | ev.Figure | ev.Audio) -> str:
    return _words(f"{_tag(event)}:", event.name, event.caption, format_size(event.file.size))


def _checkpoint(event: ev.Checkpoint) -> str:
    size = format_size(event.size) if event.size is not None else None
    metric = f"{event.metric} {_number(event.value)}" if event.metric else None
    return _words("checkpoint:", event.path, size, metric, _place(event))


def _artifact(event: ev.Artifact) -> str:
    size = format_size(event.file.size) if event.file else None
    return _words("artifact:", event.name, event.path, size)


def _command(event: ev.Command) -> str:
    change = None if event.new is None else str(event.new)  # a candidate's name
    if event.name == "set":
        change = _held(event.new) if event.old is None else f"{_held(event.old)} → {_held(event.new)}"
    elif event.name == "pause" and isinstance(event.new, int | float):
        change = f"for {format_duration(event.new)}"
    by = f"by {event.by}" if event.by else None
    return _words("command:", event.name, event.parameter, change, event.phase, by, event.reason)


def _held(value: Any) -> str:
    """Return what a parameter holds, a number to six digits: the log has them all."""
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def _controls(event: ev.Controls) -> str:
    able = [name for name, reason in event.commands.items() if not reason]
    able += [f"set {each.name}" for each in event.parameters if not each.reason]
    return _words("it can be asked to", ", ".join(able) or "do nothing")


def _ended(event: ev.RunEnded) -> str:
    by = f"by {event.by}" if event.by else None
    lost = f"{event.lost} events lost" if event.lost else None
    why = None if event.error else event.reason
    return _words(f"run {event.status}", why, by, event.error, lost) + _lines(event.traceback or "")


def _tag(event: ev.Event) -> str:
    return str(event.__struct_config__.tag)


_FORMATS: dict[type[ev.Event], Callable[[Any], str]] = {
    ev.RunStarted: _started,
    ev.Config: _config,
    ev.Status: lambda event: _words(event.status, event.phase, event.message),
    ev.Progress: _progress,
    ev.Metrics: _metrics,
    ev.Log: _log,
    ev.ModelCompleted: _completed,
    ev.Sample: _sample,
    ev.Image: _file,
    ev.Figure: _file,
    ev.Audio: _file,
    ev.Histogram: lambda event: _words("histogram:", event.name, f"{sum(event.counts):,} values"),
    ev.Table: lambda event: _words("table:", event.name, f"{len(event.rows)} rows", ", ".join(event.columns)),
    ev.System: _system,
    ev.Checkpoint: _checkpoint,
    ev.Artifact: _artifact,
    ev.Alert: lambda event: _words(f"{event.level}: {event.title}") + _lines(event.text),
    ev.Note: lambda event: _words("note:", event.author and f"{event.author}:", event.text),
    ev.Command: _command,
    ev.Controls: _controls,
    ev.RunEnded: _ended,
}
