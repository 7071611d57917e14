"""What the page shares with Python. Its own modules are tested beside it: `npm test`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from livecb import names

PAGE = Path(__file__).parents[2] / "src" / "livecb" / "page"


@pytest.mark.parametrize(
    ("name", "context", "rank", "key"), json.loads((PAGE / "test" / "keys.json").read_text())
)
def test_server_and_page_know_a_metric_by_the_same_key(
    name: str, context: str | None, rank: int, key: str
) -> None:
    assert names.key(name, context, rank) == key
