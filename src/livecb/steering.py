"""Steering, as State tells it: what readers can ask of a run, and what they have asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from livecb import events as ev
from livecb.strict import json_ready

__all__ = ["Steering", "why_not"]

_MOST_COMMANDS = 50


class Steering:
    """As the last attempt says; what was asked of earlier ones is kept."""

    def __init__(self) -> None:
        self._commands: dict[str, str] | None = None
        self._parameters: dict[str, ev.Parameter] = {}
        self._candidates: dict[str, list[str]] = {}
        self._asked: deque[ev.Command] = deque(maxlen=_MOST_COMMANDS)

    def begin(self) -> None:
        """Take in that an attempt begins, which has not said yet what can be asked of it."""
        self._commands = None
        self._parameters = {}
        self._candidates = {}

    def feed(self, event: ev.Controls | ev.Command) -> None:
        """Take in what can be asked, or what became of it."""
        if isinstance(event, ev.Controls):
            self._commands = event.commands
            self._candidates = event.candidates
            self._parameters = {each.name: each for each in event.parameters}
            return
        self._asked.append(event)
        known = self._parameters.get(event.parameter or "")
        if event.phase == "applied" and known is not None:
            self._parameters[known.name] = ev.Parameter(
                known.name, event.new, known.min, known.max, known.reason
            )

    def controls(self) -> dict[str, Any] | None:
        """Return what can be asked, ready for JSON; None where nothing was said of it."""
        if self._commands is None:
            return None
        parameters = [
            {name: json_ready(getattr(each, name)) for name in each.__struct_fields__}
            for each in self._parameters.values()
        ]
        return {"commands": self._commands, "parameters": parameters, "candidates": self._candidates}

    def commands(self) -> list[Any]:
        """Return what was asked, and what became of it, ready for JSON."""
        return [json_ready(each) for each in self._asked]


def why_not(
    controls: Mapping[str, Any] | None, name: str, parameter: str | None = None, value: Any = None
) -> str | None:
    """Return why a run will not obey a command, as far as it has said so; None if it may.

    Args:
        controls: What `Steering.controls` returns.
        name: The command.
        parameter: What to set.
        value: To which value; of a command about a candidate, its name.
    """
    if controls is None:
        return "it has not said that it obeys anything: its loop must use run.track, run.obey() or a callback"
    if name != "set":
        known = controls["candidates"].get(name)
        if not (reason := controls["commands"].get(name)) and known is not None and value is not None:
            names = ", ".join(known) or "there is none"
            reason = None if value in known else f"expected a candidate to {name} ({names}), got {value!r}"
        return reason or None
    reasons: dict[str, str | None] = {each["name"]: each["reason"] for each in controls["parameters"]}
    if parameter not in reasons:
        return (
            f"expected a parameter of this run ({', '.join(reasons) or 'there is none'}), got {parameter!r}"
        )
    return reasons[parameter]
