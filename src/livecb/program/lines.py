"""Lines: what a terminal would show of a program's output, without colours.

A line that is drawn over (a progress bar) is there twice: as it stands at the moment, for those who
read numbers out of it, and as it stood last, for the log. Bars on several lines move the cursor up and draw
again: those lines are final once the output goes on below them.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Line", "Lines"]

_LONGEST = 16_384
_MOST_ROWS = 64
_MOST_DIGITS = 9  # of a cursor move: Python refuses to read thousands
_CONTROL = re.compile(
    r"[\r\n\b]"
    r"|\x1b\[([0-9;?]*)([@-~])"  # colours and cursor moves
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles and links
    r"|\x1b[ -/]*[0-Z\\^-~]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;?]*|\][^\x07\x1b]{0,256}\x1b?|[ -/]*)?\Z")


class Line(NamedTuple):
    """A line as it stands.

    Attributes:
        text: What is shown.
        final: Whether it stays so.
    """

    text: str
    final: bool


class Lines:
    """From bytes, cut anywhere, to lines."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self._rest = ""  # a control sequence that was cut
        self._text = ""
        self._column = 0
        self._row = 0
        self._bottom = 0
        self._above: dict[int, str] = {}  # the rows that were final, and may be drawn over
        self._redrawn: dict[int, str] = {}
        self._changed = False
        self._is_drawn_over = False

    def feed(self, data: bytes, *, last: bool = False) -> Iterator[Line]:
        """Yield the lines that this output makes, in order."""
        text = self._rest + self._decode(data, last)
        cut = None if last else _UNFINISHED.search(text)
        self._rest = text[cut.start() :] if cut else ""
        text = text[: len(text) - len(self._rest)]
        at = 0
        for control in _CONTROL.finditer(text):
            self._put(text[at : control.start()])
            at = control.end()
            yield from self._obey(control)
        self._put(text[at:])

    def pause(self) -> Iterator[Line]:
        """Yield the line that is being drawn over, as it stands: nothing more came for a while.

        Not before, for it may be cut in the middle of a number; and no line that is merely not ended yet.
        """
        if self._is_drawn_over:
            yield from self._pass()

    def close(self) -> Iterator[Line]:
        """Yield what is left when the output has ended."""
        yield from self.feed(b"", last=True)
        if self._text and self._row < self._bottom:
            self._redrawn[self._row] = self._text
        yield from self._settle()
        if self._text and self._row == self._bottom:
            yield Line(self._text.rstrip(), True)
        self._text = ""

    def _put(self, chunk: str) -> None:
        if not chunk or self._column >= _LONGEST:
            return
        before = self._text[: self._column].ljust(self._column)
        self._text = (before + chunk + self._text[self._column + len(chunk) :])[:_LONGEST]
        self._column += len(chunk)
        self._changed = True

    def _obey(self, control: re.Match[str]) -> Iterator[Line]:
        code = control[0]
        if code == "\n":
            yield from self._end_line()
        elif code == "\r":
            yield from self._pass()
            self._column, self._is_drawn_over = 0, True
        elif code == "\b":
            self._column = max(0, self._column - 1)
        elif control[2] is not None:
            yield from self._move(control[2], control[1])

    def _move(self, command: str, argument: str) -> Iterator[Line]:
        count = int(argument[:_MOST_DIGITS]) if argument.isdecimal() else 0
        if command == "K":  # erase in the line
            self._text = "" if count == 2 else self._text if count == 1 else self._text[: self._column]
        elif command == "G":
            self._column = min(max(count, 1) - 1, _LONGEST)
        elif command == "C":
            self._column = min(self._column + max(count, 1), _LONGEST)
        elif command == "D":
            self._column = max(0, self._column - max(count, 1))
        elif command == "A":
            yield from self._pass()
            self._is_drawn_over = True
            self._redrawn[self._row] = self._text
            self._row = max(0, self._row - max(count, 1))
            self._text = self._row_text()
        elif command == "B":
            self._redrawn[self._row] = self._text
            self._row = min(self._bottom, self._row + max(count, 1))
            self._text = self._row_text()

    def _end_line(self) -> Iterator[Line]:
        if self._row < self._bottom:  # drawn again, above the last line
            self._redrawn[self._row] = self._text
            yield from self._pass()
            self._row += 1
            self._text = self._row_text()
        else:
            self._redrawn.pop(self._row, None)
            yield from self._settle()
            yield Line(self._text.rstrip(), True)
            self._above[self._row] = self._text
            self._above.pop(self._row - _MOST_ROWS, None)
            self._row = self._bottom = self._bottom + 1
            self._text = ""
            self._is_drawn_over = False
        self._column, self._changed = 0, False

    def _pass(self) -> Iterator[Line]:
        """Yield the line as it stands, which is about to change."""
        if self._changed:
            self._changed = False
            yield Line(self._text.rstrip(), False)

    def _settle(self) -> Iterator[Line]:
        """Yield what was drawn again: the output goes on below it."""
        for row in sorted(self._redrawn):
            text = self._redrawn[row]
            if text.rstrip() and row < self._bottom and text != self._above.get(row):
                self._above[row] = text
                yield Line(text.rstrip(), True)
        self._redrawn.clear()

    def _row_text(self) -> str:
        return self._redrawn.get(self._row, self._above.get(self._row, ""))
