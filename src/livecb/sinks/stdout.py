"""A sink that prints a run's events."""

from __future__ import annotations

import sys
from typing import TextIO

from livecb.events import decode_lines
from livecb.sinks.base import ReaderSink

__all__ = ["Stdout"]


class Stdout(ReaderSink):
    """Prints each event as a readable line, or as it stands in the log.

    Args:
        json: Print the lines as they stand.
        stream: Where to; `sys.stdout` of the moment if left out.
    """

    def __init__(self, *, json: bool = False, stream: TextIO | None = None) -> None:
        super().__init__()
        self._json = json
        self._stream = stream

    def take(self, lines: tuple[bytes, ...]) -> None:
        if self._json:
            said = [line.decode(errors="replace") for line in lines]
        else:
            from livecb.text import format_event  # only who prints needs it

            said = [text for event in decode_lines(list(lines)) if (text := format_event(event)) is not None]
        if said:
            stream = self._stream or sys.stdout
            stream.write("\n".join(said) + "\n")
            stream.flush()
