"""What schemathesis does not know: how lines of JSON are sent."""

from __future__ import annotations

import json
from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    """Return bytes as they are, and anything else as one line."""
    return value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n"
