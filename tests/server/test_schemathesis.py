"""The API attacked with what its own description allows and forbids, by schemathesis, all checks on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from watching import Served, Writer, client_of

from livecb import events as ev
from livecb.server import launch, limits
from livecb.store import APPENDED, Store

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(64)
DIGEST = hashlib.sha256(PICTURE).hexdigest()

# A stream has no end: schemathesis would wait for it. It sends bytes of no hash, and commands that make no
# sense though each of their words does: those are refused with 400, as a range that is not there with 416.
CONFIG = f"""
seed = 7
continue-on-failure = true
request-timeout = 20.0
[generation]
deterministic = true
max-examples = {os.environ.get("LIVECB_TEST_EXAMPLES", "2")}
no-shrink = true
with-security-parameters = false
database = "none"
[phases.coverage]
generate-duplicate-query-parameters = false
unexpected-methods = ["PUT", "TRACE"]
[phases.stateful]
enabled = {("LIVECB_TEST_EXAMPLES" in os.environ and "true") or "false"}
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "404", "409", "416"]
[auth.openapi.key]
api_key = "TOKEN"
[dictionaries.runs]
values = ["lively", "done", "remote", "nobody"]
[dictionaries.digests]
values = ["{DIGEST}"]
[dictionaries.numbers]
values = ["5", "6", "7"]
[parameters]
"query.wait" = 0
"path.run" = {{ dictionary = "runs", probability = 0.9 }}
"path.digest" = {{ dictionary = "digests", probability = 0.7 }}
"path.number" = {{ dictionary = "numbers", probability = 0.9 }}
"""
NEVER_ENDS = ["/api/stream"]
MEANINGS = [
    "post_runs_run_commands",
    "put_runs_run_files_digest",
    "post_runs_run_events",
    "get_runs_run_compare",
    "post_tokens",
]


def everything(store: Store, name: str, folder: Path) -> Writer:
    """A run that said something of every kind."""
    writer = Writer(store, name).start(
        host=socket.gethostname(), config={"lr": 0.1}, totals=ev.Totals(epochs=4)
    )
    writer.metrics(20)
    writer.say(ev.Metrics, step=30, values={"val/loss": float("nan"), "acc": float("inf")}, context="val")
    file = writer.run.add_file(PICTURE, "a.png", "image/png")
    saved = folder / f"{name}.pt"
    saved.write_bytes(b"0123456789" * 100)
    writer.say(ev.Checkpoint, path=str(saved), metric="val/loss", value=0.25, step=30)
    writer.say(ev.Checkpoint, path=str(folder / "gone.pt"), value="NaN")
    writer.say(
        ev.Artifact, name="report.txt", file=writer.run.add_file(b"report", "report.txt", "text/plain")
    )
    writer.say(ev.Image, name="grid", file=file)
    for epoch in (1.0, 2.0):
        writer.say(ev.Sample, input="2 + 2", prediction="5", epoch=epoch, scores={"exact": epoch / 4})
    writer.say(ev.Log, message="careful", level="ERROR", logger="trainer")
    writer.say(ev.Alert, title="NaN", level="ERROR")
    writer.say(ev.Note, text="look")
    writer.say(ev.ModelCompleted, name="tree", ok=False, reason="ValueError: no")
    writer.say(ev.ModelCompleted, name="forest", ok=True, scores={"acc": 0.5}, params={"depth": 3})
    writer.say(ev.Progress, done=20, total=80, rate=2.0, counters={"saved": 1})
    writer.say(ev.System, cpu=3.0, gpus=[ev.Gpu(index=0, memory_used=1 << 30)])
    writer.say(ev.Controls, commands={"pause": ""}, parameters=[ev.Parameter(name="lr", value=0.1)])
    return writer


@pytest.fixture
def attacked(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server with a run that goes on, one that is over, and one of a training elsewhere."""
    lively = everything(store, "lively", tmp_path).live()
    everything(store, "done", tmp_path).end()
    (everything(store, "remote", tmp_path).end().run.folder / APPENDED).touch()
    monkeypatch.setattr(limits, "WRONG", 1e9)  # what wrong tokens are told is tested by many of them
    server = launch.ThreadServer(store, port=0)
    served = client_of(server.start())
    yield served
    served.client.close()
    server.stop()
    lively.die()


@pytest.mark.timeout(900)
def test_it_does_what_it_says_whatever_comes(attacked: Served, store: Store, tmp_path: Path) -> None:
    before = (store.root / "lively" / "events.jsonl").read_bytes()
    tool = shutil.which("st", path=str(Path(sys.executable).parent))
    assert tool is not None
    excluded = [word for path in NEVER_ENDS for word in ("--exclude-path", path)]
    (tmp_path / "schemathesis.toml").write_text(
        (CONFIG + meanings()).replace("TOKEN", attacked.address.token or "")
    )
    address, described = attacked.client.base_url, tmp_path / "openapi.json"
    described.write_bytes(attacked.client.get("api/openapi.json").content)
    told = subprocess.run(
        [
            tool,
            "--config-file",
            str(tmp_path / "schemathesis.toml"),
            "run",
            str(described),
            "--url",
            str(address),
            "--checks",
            "all",
            "--no-color",
            *excluded,
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=880,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "attack_hooks", "PYTHONPATH": str(Path(__file__).parent)},
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert (store.root / "lively" / "events.jsonl").read_bytes() == before
    assert attacked.get("api/runs/lively")["status"] == "running"


def meanings() -> str:
    """Where words that are each allowed may make no sense together."""
    accepted = json.dumps(["2xx", "400", "403", "404", "409", "413"])
    return "".join(
        f'[[operations]]\ninclude-operation-id = "{name}"\n'
        f"[operations.checks.positive_data_acceptance]\nexpected-statuses = {accepted}\n"
        for name in MEANINGS
    )
