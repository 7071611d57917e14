"""What a run says of itself: its name, its settings, and what it runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from livecb.events import VERSION, Config, RunStarted, Totals
from livecb.strict import json_ready

if TYPE_CHECKING:
    from livecb.store import Labels

__all__ = ["About"]


class About:
    """Merged from every `run_started` and `config` event; what was said last holds.

    Attributes:
        config: Hyperparameters.
        totals: How much there is to do, by name.
        newer: Whether the log was written with a newer vocabulary than this one.
    """

    def __init__(self) -> None:
        self.config: dict[str, Any] = {}
        self.totals: dict[str, float] = {}
        self.newer = False
        self._versions: dict[str, str] = {}
        self._framework: str | None = None
        self._start: RunStarted | None = None
        self._project: str | None = None
        self._tags: list[str] = []

    def begin(self, event: RunStarted) -> None:
        """Take in the start of an attempt."""
        self.newer = self.newer or event.version > VERSION
        self._start = event
        self._project = event.project or self._project
        self._tags = event.tags or self._tags
        self._merge(event)

    def configure(self, event: Config) -> None:
        """Take in a change."""
        self.config = {name: value for name, value in self.config.items() if name not in event.removed}
        self._merge(event)

    def to_dict(self, run: str, labels: Labels | None = None) -> dict[str, Any]:
        """Return what it says, ready for JSON; a name and tags that readers gave go before its own."""
        start = self._start
        name = start.name if start else run
        return {
            "name": (labels and labels.name) or name,
            "project": self._project,
            "tags": list(self._tags if labels is None or labels.tags is None else labels.tags),
            "archived": bool(labels and labels.archived),
            "framework": self._framework,
            "versions": dict(self._versions),
            "host": start.host if start else "",
            "pid": start.pid if start else 0,
            "world_size": start.world_size if start else 1,
            "argv": list(start.argv) if start else [],
            "config": json_ready(self.config),
            "totals": json_ready(self.totals),
        }

    def _merge(self, event: RunStarted | Config) -> None:
        self.config = {**self.config, **event.config}
        self._versions = {**self._versions, **event.versions}
        self._framework = event.framework or self._framework
        if isinstance(event.totals, Totals):
            self.totals = {**self.totals, **msgspec.to_builtins(event.totals)}
