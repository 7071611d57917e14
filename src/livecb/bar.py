"""A bar in the terminal for `run.track(..., bar=True)`: small, and on stderr.

On a terminal, and in a notebook, one line is drawn over and over; a loop inside another stands
behind it in the same line. Elsewhere, as in a file, a line is written now and then.
"""

from __future__ import annotations

import shutil
import sys
from time import monotonic
from typing import Any, TextIO

__all__ = ["Bar", "shown"]

_CELLS = 20
_SPARSE_SECONDS = 30.0

_bars: list[Bar] = []  # those that are drawn now, outermost first


class Bar:
    """Shows what a `livecb.meter.Meter` reads."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._live = _is_live(self._stream)
        self._text = ""
        self._drawn = 0  # characters in the line, where this is the outermost
        self._next = monotonic() + _SPARSE_SECONDS
        _bars.append(self)

    def draw(self, reading: dict[str, Any]) -> None:
        """Show a reading."""
        self._text = shown(reading, _is_wide(self._stream))
        if self._live:
            beside = [bar for bar in _bars if bar._stream is self._stream]
            around = [bar._text.partition("  ")[0] for bar in beside[:-1]]
            line = " | ".join([*around, beside[-1]._text])
            line = line[: shutil.get_terminal_size().columns - 1]
            # Blanks over what stood there: not every place that shows a line knows how to clear it.
            self._write("\r" + line.ljust(beside[0]._drawn))
            beside[0]._drawn = len(line)
        elif monotonic() >= self._next:
            self._next = monotonic() + _SPARSE_SECONDS
            self._write(self._text + "\n")

    def close(self) -> None:
        """Leave the last reading where it can be read."""
        inner = self in _bars and _bars.index(self) > 0
        if self in _bars:
            _bars.remove(self)
        if not inner:
            self._write("\n" if self._live else self._text + "\n")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except Exception:  # closed, full, or of another encoding: a bar is no reason to stop
            pass


def shown(reading: dict[str, Any], wide: bool = True) -> str:
    """Return a reading of a meter as one line."""
    done, total, name = reading["done"], reading["total"], reading["phase"] or reading["unit"]
    words = [f"{name} {done:,}"]
    if total:
        full = min(done / total, 1.0)
        filled = int(full * _CELLS)
        on, off = ("━", "─") if wide else ("#", "-")
        words = [f"{name} {done:,}/{total:,}", on * filled + off * (_CELLS - filled), f"{int(full * 100)}%"]
    if rate := reading["rate"]:
        words.append(f"{rate:,.1f}/s" if rate >= 1 else f"{1 / rate:,.1f} s each")
    left = reading["left"]
    if left is not None and done < total:
        words.append(f"{_clock(left)} left")
    elif reading["elapsed"] is not None:
        words.append(f"in {_clock(reading['elapsed'])}")
    return "  ".join(words)


def _clock(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _is_live(stream: TextIO) -> bool:
    """Whether a line can be drawn over another: on a terminal, and where a notebook shows it."""
    try:
        return stream.isatty() or type(stream).__module__.startswith("ipykernel")
    except Exception:  # a stream that is none, or closed
        return False


def _is_wide(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "").lower().startswith("utf")
