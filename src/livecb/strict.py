"""Strict JSON: what the API answers with holds no NaN and no infinity, but their words."""

from __future__ import annotations

import math
from typing import Any

import msgspec

__all__ = ["json_number", "json_ready"]


def json_number(value: float | None, *, whole: bool = False) -> float | int | str | None:
    """Return a number as strict JSON can hold it: `"NaN"`, `"Infinity"`, `"-Infinity"` for those.

    Args:
        value: The number.
        whole: Whether it is a whole number that is kept as a float.
    """
    if value is None:
        return None
    if math.isfinite(value):
        return int(value) if whole else value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def json_ready(value: Any) -> Any:
    """Return plain data, or an event, with the words in place of non-finite numbers all through."""
    if isinstance(value, float):
        return json_number(value)
    if isinstance(value, dict):
        return {key: json_ready(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_ready(item) for item in value]
    if isinstance(value, msgspec.Struct):
        return json_ready(msgspec.to_builtins(value))
    return value
