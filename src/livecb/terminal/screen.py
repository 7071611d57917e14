"""Screen: the terminal's view of a run, by Textual.

The law: it takes about two hundredths of a core, however much the run says. Each look is followed by a
pause as long as what it cost asks for.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, ClassVar, NamedTuple

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid
from textual.events import Resize
from textual.widgets import Footer, Static

from livecb.control.commands import Asked, wish
from livecb.errors import LivecbError
from livecb.events import AnyEvent, Command, Unknown
from livecb.sending import wishes
from livecb.state import OVER
from livecb.steering import why_not
from livecb.terminal import wording
from livecb.terminal.asking import Confirm, Prompt
from livecb.terminal.chart import draw
from livecb.terminal.source import LINES, Source
from livecb.text import format_event

__all__ = ["Screen"]

_SHARE = 0.02
_PAUSES = (0.5, 5.0)
_STILL_SECONDS = 2.0  # between two looks at a run that is over
_COLUMNS, _ROWS = 38, 7  # the least that a chart needs to be read
_MOST_CHARTS = 6
_LOG_ROWS = (5, 14)
_AXES = ("step", "epoch", "time")

Json = dict[str, Any]


class _Wanted(NamedTuple):
    names: tuple[str, ...] = ()
    points: int = 160
    x: str = "step"


class _Frame(NamedTuple):
    state: Json
    curves: Json
    lines: list[AnyEvent | Unknown]


class Screen(App[None]):
    """Shows a run until a person leaves.

    Args:
        source: The run.
        by: Who asks, where something is asked of it.

    Attributes:
        state: How the run stands, as was seen last; None before the first look.
        trouble: Why it could not be looked at last, None if it could.
    """

    TITLE = "livecb"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { layers: base; overflow: hidden; }
    Static { height: 1; padding: 0 1; }
    #trouble { display: none; }
    #charts { height: 1fr; grid-gutter: 0 1; padding: 0 1; }
    #charts Static { height: 1fr; padding: 0; }
    #board { display: none; height: auto; border-top: solid $surface-lighten-2; }
    #log { height: 6; border-top: solid $surface-lighten-2; border-title-color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pause", "Pause"),
        Binding("x", "ask('stop')", "Stop"),
        Binding("s", "ask('save')", "Save"),
        Binding("colon", "prompt", "Ask", key_display=":"),
        Binding("a", "axis", "Axis"),
        Binding("y", "scale", "Log scale"),
        Binding("l", "log", "Log"),
        Binding("right", "page(1)", "More", key_display="→"),
        Binding("left", "page(-1)", "Less", show=False),
        Binding("d", "toggle_dark", "Dark", show=False),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", show=False, priority=True),
    ]

    def __init__(self, source: Source, by: str | None = None) -> None:
        super().__init__()
        self.state: Json | None = None
        self.trouble: str | None = None
        self._source, self._by = source, by
        self._curves: Json = {}
        self._lines: deque[AnyEvent | Unknown] = deque(maxlen=LINES)
        self._wanted, self._wake, self._over = _Wanted(), threading.Event(), threading.Event()
        self._page, self._x, self._log_scale, self._tall_log = 0, "step", False, False
        self._caught_up = False  # whether what comes is news
        self._shown: dict[str, Text] = {}

    def compose(self) -> ComposeResult:
        """Lay out the parts, from top to bottom."""
        yield Static(id="head")
        yield Static(id="progress")
        yield Static(id="trouble")
        yield Static(id="values")
        yield Grid(id="charts")
        yield Static(id="board")
        yield Static(id="log")
        yield Footer()

    def on_mount(self) -> None:
        """Begin to look."""
        self._put("head", Text(f"reading {self._source.run} ..."))
        self.run_worker(self._watch, thread=True, exclusive=True)

    def on_unmount(self) -> None:
        """End the thread that looks."""
        self._over.set()
        self._wake.set()

    def on_resize(self, _: Resize) -> None:
        """Lay the charts out anew."""
        self.call_after_refresh(self._draw)

    # Looking, in a thread of its own

    def _watch(self) -> None:
        failures, cpu, wanted = 0, time.process_time(), self._wanted
        while not self._over.is_set():
            begun, before, cpu = time.monotonic(), cpu, time.process_time()
            try:
                state = self._source.look()
                wanted = self._wanted
                curves = self._source.curves(wanted.names, wanted.points, wanted.x)
                self._hand(_Frame(state, curves, self._source.lines()), None)
                failures = 0
            except LivecbError as error:
                failures += 1
                self._hand(None, str(error))
            if failures or self._wanted == wanted:
                self._wake.wait(self._pause(begun, cpu - before, failures))
            self._wake.clear()

    def _pause(self, begun: float, cost: float, failures: int) -> float:
        """Return the seconds until the next look, given what it cost to look and to draw, the last time."""
        least, most = _PAUSES
        if failures:
            return min(least * 2.0 ** min(failures, 30), 2 * most)
        if self._source.behind:
            return 0.0
        if self.state is not None and self.state["status"] in OVER:
            least = _STILL_SECONDS
        return max(0.0, min(max(least, cost / _SHARE), most) - (time.monotonic() - begun))

    def _hand(self, frame: _Frame | None, trouble: str | None) -> None:
        if not self._over.is_set():
            self.call_from_thread(self._take, frame, trouble)

    # Showing

    def _take(self, frame: _Frame | None, trouble: str | None) -> None:
        self.trouble = trouble
        if frame is not None:
            self.state, self._curves = frame.state, frame.curves
            self._lines.extend(frame.lines)
            if self._caught_up:
                self._tell_answers(frame.lines)
            self._caught_up = not self._source.behind
        elif self.state is None:
            self._put("head", Text(str(trouble), "bold red"))
        self._draw()

    def _draw(self) -> None:
        state = self.state
        if state is None or not self.is_running:
            return
        width = max(10, self.size.width - 2)
        self._put("head", wording.head(state, width))
        self._put("progress", wording.progress(state, width))
        trouble = wording.trouble(state, self.trouble)
        self._put("trouble", trouble, shown=bool(trouble))
        self._put("values", wording.values(state, width), shown=bool(state["metrics"]))
        self._draw_board(state, width)
        rows = self._log_rows()
        log = self.query_one("#log", Static)
        log.styles.height = rows + 1
        log.border_title = self._source.run
        self._put("log", wording.log_lines(self._lines, rows))
        self._draw_charts(state)

    def _draw_board(self, state: Json, width: int) -> None:
        alone = not wording.charts_of(state)
        height = self.size.height - 10 if alone else self.size.height // 3
        self._put("board", wording.board(state, width, height), shown=bool(state["leaderboard"]))

    def _draw_charts(self, state: Json) -> None:
        grid, charts = self.query_one("#charts", Grid), wording.charts_of(state)
        width, height = grid.size.width, grid.size.height
        fits = min(_MOST_CHARTS, max(1, min(3, width // _COLUMNS)) * max(1, height // _ROWS))
        self._page %= max(1, -(-len(charts) // fits))
        shown = charts[self._page * fits : (self._page + 1) * fits]
        columns, rows = _grid(len(shown), max(1, min(3, width // _COLUMNS)))
        grid.styles.grid_size_columns, grid.styles.grid_size_rows = columns, rows
        cells = list(grid.query(Static))
        for each in cells[len(shown) :]:
            each.remove()
        for at in range(len(cells), len(shown)):
            grid.mount(Static(id=f"chart{at}"))
        room = (width - columns + 1) // columns, height // rows
        for at, keys in enumerate(shown):
            curves = {key: self._curves[key] for key in keys if key in self._curves}
            drawn = draw(
                curves,
                state["metrics"],
                room,
                rewinds=state["rewinds"],
                log=self._log_scale,
                started=state["started"],
            )
            self._put(f"chart{at}", drawn)
        wanted = _Wanted(tuple(key for keys in shown for key in keys), max(40, 2 * room[0]), self._x)
        if wanted != self._wanted:
            self._wanted = wanted
            self._wake.set()

    def _put(self, name: str, text: Text, *, shown: bool = True) -> None:
        """Show text, if it is another than is shown: what stays costs nothing."""
        found = self.query(f"#{name}")
        if not found:
            return
        widget = found.first(Static)
        widget.display = shown
        if self._shown.get(name) != text or not widget.content:
            self._shown[name] = text
            widget.update(text)

    def _log_rows(self) -> int:
        least, most = _LOG_ROWS
        return self.size.height // 2 if self._tall_log else max(least, min(most, self.size.height // 4)) - 1

    # Keys

    def action_page(self, by: int) -> None:
        """Show other charts."""
        self._page += by
        self._draw()

    def action_axis(self) -> None:
        """Draw over the next axis."""
        self._x = _AXES[(_AXES.index(self._x) + 1) % len(_AXES)]
        self.notify(f"over {self._x}", timeout=2)
        self._draw()

    def action_scale(self) -> None:
        """Draw values above 0 on a logarithmic axis, or no longer."""
        self._log_scale = not self._log_scale
        self.notify("logarithmic" if self._log_scale else "linear", timeout=2)
        self._draw()

    def action_log(self) -> None:
        """Give the log more room, or less."""
        self._tall_log = not self._tall_log
        self._draw()
        self.call_after_refresh(self._draw)

    def action_toggle_dark(self) -> None:
        """Change between dark and light."""
        self.theme = "textual-light" if self.current_theme.dark else "textual-dark"

    def action_pause(self) -> None:
        """Ask for a pause, or for its end."""
        paused = self.state is not None and self.state["status"] == "paused"
        self.action_ask("resume" if paused else "pause")

    def action_ask(self, name: str) -> None:
        """Ask something of the run, once a person has said yes."""
        if (why := self._why_not(name)) is not None:
            self.notify(why, title=f"not {name}", severity="warning", markup=False)
            return
        assert self.state is not None

        def answered(yes: bool | None) -> None:
            if yes:
                self._send([wish(name, by=self._by)])

        self.push_screen(Confirm(f"{name} {self.state['name'] or self.state['run']}?"), answered)

    def action_prompt(self) -> None:
        """Ask in words, as `livecb send` takes them."""

        def said(words: str | None) -> None:
            if words and words.strip():
                try:
                    self._send(wishes(words.split(), self._by))
                except LivecbError as error:
                    self.notify(str(error), severity="error", markup=False)

        self.push_screen(Prompt("pause, resume, stop, save, evaluate, sample, or set lr=0.001"), said)

    def _why_not(self, name: str) -> str | None:
        if self.state is None:
            return "the run was not read yet"
        if self.state["status"] in OVER or not self.state["alive"]:
            return "the run is over"
        return why_not(self.state["controls"], name)

    def _send(self, asked: list[Asked]) -> None:
        def send() -> None:
            try:
                self._source.ask(asked)
            except LivecbError as error:
                self.call_from_thread(self.notify, str(error), severity="error", markup=False)
                return
            words = ", ".join(each.name for each in asked)
            self.call_from_thread(self.notify, f"{words}: asked; the run obeys at its next safe point")
            self._wake.set()

        self.run_worker(send, thread=True)

    def _tell_answers(self, lines: list[AnyEvent | Unknown]) -> None:
        for event in lines:
            if isinstance(event, Command) and event.phase != "asked":
                refused = event.phase == "refused"
                told = format_event(event) or ""  # what runs and readers say is no markup
                self.notify(told, severity="error" if refused else "information", markup=False)


def _grid(count: int, most: int) -> tuple[int, int]:
    """Return how many columns and rows hold so many charts, with the fewest empty places."""
    rows = max(1, -(-count // most))
    return max(1, -(-count // rows)), rows
