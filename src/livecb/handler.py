"""A handler of the standard library's logging that records what its loggers say.

A run records warnings by itself. Where it should have more of one logger, or other levels:

```python
logging.getLogger("my.training").addHandler(LiveHandler(run, level=logging.INFO))
```
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from livecb.capture import text_of, was_told
from livecb.latest import current

if TYPE_CHECKING:
    from livecb.run import Run

__all__ = ["LiveHandler"]


class LiveHandler(logging.Handler):
    """Records logging records as `log` events: level, logger and message, formatted if it has a formatter.

    What the run records by itself (warnings, by default) is not recorded twice. It never raises, and
    what recording brings about is not recorded.

    Args:
        run: The run; the one begun last if left out.
        level: The lowest level to record.
    """

    def __init__(self, run: Run | None = None, level: int | str = logging.NOTSET) -> None:
        super().__init__(level)
        self._run = run
        self._here = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        """Record a record."""
        if getattr(self._here, "busy", False):
            return
        self._here.busy = True
        try:
            run = self._run if self._run is not None else current()
            if run is not None and not was_told(record, run):
                run.text(
                    self.format(record) if self.formatter else text_of(record),
                    record.levelname,
                    logger=record.name,
                )
        except Exception:  # a record whose arguments do not fit: whatever the program prints of it
            self.handleError(record)
        finally:
            self._here.busy = False
