"""A run's configuration: a mapping whose changes are recorded."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from livecb import events

if TYPE_CHECKING:
    from livecb.run import Run

__all__ = ["Config"]


class Config(MutableMapping[str, Any]):
    """A run's hyperparameters; every change is recorded."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._values = run._settings

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._run.configure({key: value})

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._run._record(events.Config, {"removed": [key]}, {})

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Config({self._values})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            there = ", ".join(sorted(self._values)) or "nothing"
            raise AttributeError(f"the run's config has no {name!r}; it has {there}")
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            self[name] = value

    def update(self, *args: Any, allow_val_change: object = None, **kwargs: Any) -> None:
        """Change several at once, recorded as one event; `allow_val_change` has no effect."""
        try:
            given = [each if hasattr(each, "keys") else vars(each) for each in args[:1]]
            self._run.configure(dict(*given, **kwargs))
        except (TypeError, ValueError) as error:
            self._run.warn_once("config", f"run.config was not changed: {error}")
