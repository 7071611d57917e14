"""The exceptions livecb raises, and the warnings it gives.

```
LivecbError
├── EventError        a line that is no event
├── ValueRefused      a value that cannot be recorded (Run turns it into a warning)
├── LogError          a log that cannot be read or written
│   └── CursorError   a cursor that is none
├── StoreError        a store that cannot be used
│   ├── RunNotFound   no such run
│   └── RunWritten    a run whose writer lives
├── CriterionError    a stopping criterion that is none
├── CommandRefused    a command that cannot be given, or not obeyed
└── ServerError       a server that could not be started or reached
    └── ApiError      a server that answered with an error
LivecbWarning         (UserWarning) what went wrong beside a training that goes on
```

Only readers see exceptions. A training never does: `Run` turns whatever goes wrong into one
`LivecbWarning` a cause, counts what was lost and goes on.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

__all__ = [
    "ApiError",
    "CommandRefused",
    "CriterionError",
    "CursorError",
    "EventError",
    "LivecbError",
    "LivecbWarning",
    "LogError",
    "RunNotFound",
    "RunWritten",
    "ServerError",
    "StoreError",
    "ValueRefused",
    "warn",
]

_HERE = os.path.dirname(__file__) + os.sep


class LivecbError(Exception):
    """The root of all errors that livecb raises."""


class EventError(LivecbError, ValueError):
    """A line is no event: not JSON, or not of the vocabulary's shape."""


class ValueRefused(LivecbError, TypeError):
    """A value cannot be recorded as a metric; the message names the cure."""


class LogError(LivecbError):
    """A log cannot be read or written."""


class CursorError(LogError, ValueError):
    """A cursor is not one that this log gave out."""


class StoreError(LivecbError):
    """A store cannot be used: no rights, no folder, or a name that is none."""


class RunNotFound(StoreError, LookupError):
    """The store holds no run of this id.

    Attributes:
        run: The id, where one was asked for as such: who asks over HTTP is not told of folders.
    """

    def __init__(self, message: str, run: str | None = None) -> None:
        super().__init__(message)
        self.run = run


class RunWritten(StoreError):
    """A run's writer lives, and what was asked would hurt it."""


class CommandRefused(LivecbError):
    """A command cannot be given, or not be obeyed; the message says why, and what can be done."""


class CriterionError(LivecbError, ValueError):
    """A stopping criterion is none; the message says what was expected."""


class ServerError(LivecbError):
    """A server could not be started or reached."""


class ApiError(ServerError):
    """A server answered with an error.

    Attributes:
        status: The HTTP status.
        title: What is wrong, in a few words.
        detail: What is wrong, and what to do.
        data: All that the answer said, such as the `cursor` to go on from.
    """

    def __init__(self, status: int, title: str, detail: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(f"{title} ({status}): {detail}")
        self.status = status
        self.title = title
        self.detail = detail
        self.data = data or {}

    def __reduce__(self) -> tuple[type[ApiError], tuple[int, str, str, dict[str, Any]]]:
        return type(self), (self.status, self.title, self.detail, self.data)


class LivecbWarning(UserWarning):
    """Something livecb could not do, beside a training that goes on unharmed."""


def warn(message: str) -> None:
    """Give a `LivecbWarning` at the caller's line outside of livecb; never raises.

    A filter that turns warnings into errors must not reach the training, nor a hook that fails.
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        level, frame = level + 1, frame.f_back
    try:
        warnings.warn(message, LivecbWarning, stacklevel=level)
    except Exception:
        pass
