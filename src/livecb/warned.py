"""Python's warnings, seen where they are shown.

`warnings.showwarning` may be replaced, and is chained here: what a filter or a `catch_warnings` keeps
from the terminal does not come by. A `catch_warnings` block puts back what it found as it ends: a hook
that came back so after it was taken away is used again.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TextIO

__all__ = ["WarningHook"]


class WarningHook:
    """A `warnings.showwarning` that shows what it is given as before.

    Args:
        telling: Called with each warning; it is shown within the context that this returns.
    """

    def __init__(self, telling: Callable[[warnings.WarningMessage], AbstractContextManager[None]]) -> None:
        self._telling = telling
        self._show: Callable[..., None] = warnings.showwarning
        warnings.showwarning = self

    @staticmethod
    def on_top() -> WarningHook | None:
        """Return the hook that warnings come by first, if it is one of ours."""
        top = warnings.showwarning
        return top if isinstance(top, WarningHook) else None

    def __call__(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        """Show a warning; the arguments are those of `warnings.showwarning`."""
        shown: Any = message, category, filename, lineno, file, line
        whole = sys._getframe(1).f_locals.get("msg")
        with self._telling(warnings.WarningMessage(*shown)):
            if isinstance(whole, warnings.WarningMessage) and whole.source is not None and self._is_first():
                # The public hook is not told what Python also shows: where an unclosed file was opened.
                warnings._showwarnmsg_impl(whole)  # type: ignore[attr-defined]
            else:
                self._show(*shown)

    def take_away(self) -> bool:
        """Undo; false where something was put on top, which asks this one."""
        if warnings.showwarning is not self:
            return False
        warnings.showwarning = self._show
        return True

    def _is_first(self) -> bool:
        """Whether what this hook stands on is Python's own."""
        return self._show is getattr(warnings, "_showwarning_orig", None) and hasattr(
            warnings, "_showwarnmsg_impl"
        )
