"""The client's page and its example, as a reader would try them: with a server and runs of their own."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from watching import Writer

from livecb import events as ev
from livecb.server.launch import Address

ROOT = Path(__file__).parents[2]


def python(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-W", "error", "-W", "ignore::ResourceWarning", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end_of(process: subprocess.Popen[str]) -> tuple[str, str, int]:
    out, err = process.communicate(timeout=60)
    return out, err, process.returncode


def test_the_code_of_the_page_runs(process: Any, writer: Writer, tmp_path: Path) -> None:
    data = b"\x89PNG\r\n\x1a\n"
    digest = hashlib.sha256(data).hexdigest()
    (writer.run.folder / "files").mkdir()
    (writer.run.folder / "files" / digest).write_bytes(data)
    writer.metrics(5).say(ev.Log, message="a line of the log")
    writer.say(ev.Sample, input="a question", prediction="an answer")
    writer.say(ev.Image, name="generated", file=ev.FileRef(hash=digest, name="it.png", size=len(data)))
    writer.end()
    writer.die()
    process.start()
    code = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/how-to/client.md").read_text(), re.M | re.S)
    assert len(code) == 6
    (tmp_path / "empty").mkdir()
    out, *how = end_of(python("-c", "\n".join(code), cwd=tmp_path / "empty"))
    assert how == ["", 0]
    assert "a line of the log\na question an answer\n" in out
    assert {path.name for path in (tmp_path / "empty").iterdir()} == {"it.png", "metrics.csv"}
    assert (writer.run.labels.name, writer.run.labels.tags) == ("the good one", ["baseline"])


def test_the_example_follows_a_run_to_its_end(server: Address, writer: Writer, tmp_path: Path) -> None:
    script = ROOT / "examples" / "python_client.py"
    writer.metrics(2)
    process = python(str(script), server.url(), cwd=tmp_path)
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(3)] == [
        f"a run ({writer.run.id}) is running\n",
        "step 1: train/loss=0.5\n",
        "step 2: train/loss=0.3333\n",
    ]
    writer.metrics(1)
    writer.end()
    writer.die()
    out, *how = end_of(process)
    assert how == ["", 0]
    assert out.splitlines() == [
        "step 3: train/loss=0.25",
        "it is completed",
        "train/loss: 3 values, last 0.25, best 0.25 at step 3",
    ]
    assert len(script.read_text().splitlines()) < 40


def test_only_who_asks_for_the_client_needs_httpx() -> None:
    code = (
        "import sys; sys.modules['httpx'] = None; import livecb, livecb.server.launch\n"
        "try: livecb.Client\n"
        "except ImportError as error: print(error)"
    )
    out, err, _ = end_of(python("-c", code, cwd=ROOT))
    assert out == "reading over HTTP needs httpx: pip install 'livecb[client]'\n", err
