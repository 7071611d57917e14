"""Prompts: what a language model is asked, in any of the forms in which people keep it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from livecb.errors import ValueRefused, warn

__all__ = ["Prompt", "read_prompts"]

_MOST = 1000
_FORMS = "a string, a chat as a list of {'role', 'content'}, or a dict with 'prompt' or 'messages'"


@dataclass(frozen=True)
class Prompt:
    """What is asked.

    Attributes:
        input: A text, or a chat: messages, each with `role` and `content`.
        target: What the answer should be, if that is known.
        name: What to call it, if anything.
    """

    input: str | list[dict[str, Any]]
    target: str | None = None
    name: str | None = None

    @property
    def is_chat(self) -> bool:
        """Whether it goes through the tokenizer's chat template."""
        return not isinstance(self.input, str)


def read_prompts(given: Any) -> list[Prompt]:
    """Return the prompts that were given; what is none is named in a warning, and left out."""
    if isinstance(given, (str, Mapping)) or _is_chat(given):
        given = [given]
    if not isinstance(given, Iterable):
        warn(f"expected prompts as a list, got a {type(given).__name__}: nothing is asked")
        return []
    rows = list(islice(given, _MOST + 1))
    if len(rows) > _MOST:
        warn(f"more than {_MOST} prompts were given: the first {_MOST} are asked")
    found = []
    for number, row in enumerate(rows[:_MOST], 1):
        try:
            found.append(_read(row))
        except ValueRefused as error:
            warn(f"prompt {number} is left out: {error}")
    if not found:
        warn("no prompts were given: nothing is asked")
    return found


def _read(row: Any) -> Prompt:
    if isinstance(row, str):
        return Prompt(row)
    if _is_chat(row):
        return _from_chat(list(row), None, None)
    if not isinstance(row, Mapping):
        raise ValueRefused(f"expected {_FORMS}, got a {type(row).__name__}")
    asked = row.get("prompt", row.get("messages"))
    target = _text_of(row.get("target", row.get("completion")))
    name = None if row.get("name") is None else str(row["name"])
    if isinstance(asked, str):
        return Prompt(asked, target, name)
    if _is_chat(asked):
        return _from_chat(list(asked), target, name)
    raise ValueRefused(f"expected {_FORMS}, got a dict with {sorted(map(str, row))}")


def _from_chat(messages: list[dict[str, Any]], target: str | None, name: str | None) -> Prompt:
    # A chat of a data set goes on to the assistant's answer: that is what the model should say.
    if len(messages) > 1 and messages[-1]["role"] == "assistant":
        *messages, answer = messages
        target = _text_of(answer["content"]) if target is None else target
    return Prompt(messages, target, name)


def _text_of(target: Any) -> str | None:
    if _is_chat(target):
        target = target[-1]["content"]
    return None if target is None else str(target)


def _is_chat(given: Any) -> bool:
    return (
        isinstance(given, (list, tuple))
        and len(given) > 0
        and all(isinstance(each, Mapping) and {"role", "content"} <= each.keys() for each in given)
    )
