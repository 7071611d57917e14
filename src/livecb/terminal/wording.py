"""Wording: a run's State as short lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.text import Text

from livecb import names
from livecb.events import Alert, AnyEvent, Unknown
from livecb.state import OVER
from livecb.text import (
    format_duration,
    format_event,
    format_number,
    format_percent,
    format_table,
    plural,
    printable,
)

__all__ = ["board", "charts_of", "head", "log_lines", "progress", "summary", "trouble", "values"]

_STYLES = {
    "completed": "green",
    "failed": "bold red",
    "crashed": "bold red",
    "killed": "bold red",
    "stopped": "yellow",
    "paused": "yellow",
    "stalled": "bold yellow",
}
_LEVELS = {"WARNING": "yellow", "WARN": "yellow", "ERROR": "red", "CRITICAL": "bold red"}
_BAR = "━"
_ALERT = Alert(seq=0, time=0.0, title="").level  # which is left out of JSON
_LEAST = (6, 5, 4, 4, 4)

Json = dict[str, Any]


def head(state: Json, width: int) -> Text:
    """Return what runs, how it stands and for how long, as one line."""
    status = state["status"]
    style = _STYLES.get(status, "bold green")
    text = Text.assemble(
        ("● ", style), (status.replace("_", " "), style), "  ", (_name(state), "bold"), no_wrap=True
    )
    for word in (state["project"], state["framework"]):
        if word:
            text.append(f"  {printable(word)}", "dim")
    if state["attempt"] > 1:
        text.append(f"  attempt {state['attempt']}", "yellow")
    elapsed = format_duration(state["elapsed"])
    text.truncate(max(0, width - len(elapsed) - 2), overflow="ellipsis")
    text.append(" " * max(2, width - text.cell_len - len(elapsed)))
    text.append(elapsed)
    return text


def progress(state: Json, width: int) -> Text:
    """Return how far it is: a bar where that is known, the place, the rate and the time left."""
    told = _progress_words(state)
    said = "  ".join(told)
    bar = state["progress"] and state["progress"]["fraction"]
    text = Text(no_wrap=True, overflow="ellipsis")
    room = min(40, width - len(said) - 2)
    if isinstance(bar, (int, float)) and room >= 8:
        full = round(bar * room)
        over = _STYLES.get(state["status"], "green")
        text.append(_BAR * full, over).append(_BAR * (room - full), "dim").append("  ")
    text.append(said)
    return text


def _progress_words(state: Json) -> list[str]:
    found, words = state["progress"], []
    if found is not None:
        if isinstance(found["fraction"], (int, float)):
            words.append(format_percent(found["fraction"]))
        of = f"/{format_number(found['total'])}" if found["total"] is not None else ""
        unit = found["unit"] if found["done"] == 1 and not of else plural(found["unit"])
        words.append(f"{format_number(found['done'])}{of} {unit}")
    if state["step"] is not None and (found is None or found["unit"] != "step"):
        words.append(f"step {format_number(state['step'])}")
    if isinstance(state["epoch"], (int, float)) and (found is None or found["unit"] != "epoch"):
        words.append(f"epoch {state['epoch']:.4g}")
    if found is not None and state["status"] not in OVER:
        if found["rate"] is not None:
            words.append(f"{format_number(found['rate'])} {plural(found['unit'])}/s")
        if found["left"] is not None:
            words.append(f"{format_duration(found['left'])} left")
    if state["phase"] and state["status"] not in OVER:
        words.append(printable(state["phase"]))
    return words


def values(state: Json, width: int) -> Text:
    """Return the values that tell most, as many as a line holds."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for key in sorted(state["metrics"], key=lambda key: names.telling(key)):
        metric = state["metrics"][key]
        said = f"{printable(key)} {format_number(metric['value'])}"
        best = f" (best {format_number(metric['best'])})" if metric["best"] is not None else ""
        if text.cell_len + len(said) + len(best) + 3 > width and text:
            break
        text.append("   " if text else "").append(said, _odd(metric["value"])).append(best, "dim")
    return text


def trouble(state: Json, offline: str | None) -> Text:
    """Return what a person should know now: the server is gone, how the run failed, its last alert."""
    if offline:
        return Text(f"{printable(offline)}; trying again", "bold yellow", no_wrap=True, overflow="ellipsis")
    if state["status"] in ("failed", "crashed", "killed"):
        verb = "was" if state["status"] == "killed" else "has"
        why = state["error"] or state["reason"] or f"the run {verb} {state['status']}"
        return Text(printable(why), "bold red", no_wrap=True, overflow="ellipsis")
    if state["status"] == "stopped" and state["reason"]:
        by = f" by {state['stopped_by']}" if state["stopped_by"] else ""
        return Text(printable(f"stopped{by}: {state['reason']}"), "yellow", no_wrap=True, overflow="ellipsis")
    if state["lost"]:
        return Text(f"{state['lost']:,} events were lost", "bold yellow", no_wrap=True)
    if state["status"] not in OVER and state["alerts"]:
        last = state["alerts"][-1]
        level = last.get("level", _ALERT)
        return Text(printable(f"{level}: {last['title']}"), _LEVELS.get(level, "cyan"), no_wrap=True)
    return Text()


def board(state: Json, width: int, height: int) -> Text:
    """Return the best candidates as a table, as many as fit."""
    rows = state["leaderboard"][: max(0, height - 1)]
    if not rows:
        return Text()
    scores = list(dict.fromkeys(name for row in rows for name in row.get("scores", {})))[:3]
    cells = [
        [
            "-" if row["place"] is None else str(row["place"]),
            row["name"],
            *(format_number(row.get("scores", {}).get(name)) for name in scores),
            format_duration(row.get("fit_seconds")),
            "" if row.get("ok", True) else row.get("reason") or row.get("outcome") or "failed",
        ]
        for row in rows
    ]
    marks = ["#", "MODEL", *(name.upper() for name in scores), "FIT", ""]
    lines = format_table(marks, cells, width, [2, 12, *(6 for _ in scores), 5, 4])
    text = Text("\n".join(lines), no_wrap=True)
    text.stylize("dim", 0, len(lines[0]))
    return text


def log_lines(events: Iterable[AnyEvent | Unknown], height: int) -> Text:
    """Return the last lines of what the log said."""
    lines: list[tuple[str, str]] = []
    for event in events:
        for line in (format_event(event) or "").splitlines():
            lines.append((line, _LEVELS.get(getattr(event, "level", ""), "")))
    text = Text(no_wrap=True, overflow="ellipsis")
    for at, (line, style) in enumerate(lines[-height:] if height > 0 else []):
        text.append("\n" if at else "").append(line, style)
    return text


def charts_of(state: Json) -> list[list[str]]:
    """Return the names of the metrics of each chart, the charts that tell most first."""
    charts: dict[str, list[str]] = {}
    for key in sorted(state["metrics"], key=lambda key: names.telling(key)):
        metric = state["metrics"][key]
        if metric["count"]:
            charts.setdefault(metric["chart"], []).append(key)
    return list(charts.values())


def summary(state: Json) -> str:
    """Return how it stands, as one line to leave in the terminal."""
    status, took = state["status"], format_duration(state["elapsed"])
    step = f"step {format_number(state['step'])}" if state["step"] is not None else ""
    told = values(state, 60).plain
    if (best := next((row for row in state["leaderboard"] if row["place"] == 1), None)) is not None:
        score = next((f"  {name} {format_number(at)}" for name, at in best.get("scores", {}).items()), "")
        told = printable(f"best {best['name']}{score}")
    why = state["error"] or state["reason"] or ""
    how = f"{status.replace('_', ' ')} {'in' if status in OVER else 'for'} {took}"
    words = [f"{_name(state)}: {how}", step, told, printable(why)]
    return "livecb: " + "   ".join(word for word in words if word)


def _name(state: Json) -> str:
    return printable(state["name"] or state["run"])


def _odd(value: object) -> str:
    return "bold red" if isinstance(value, str) else ""
