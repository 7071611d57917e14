"""Checkpoints and artifacts: only what the run itself recorded can be had, and by its number alone."""

from __future__ import annotations

import asyncio
import io
import socket
import tarfile
from pathlib import Path
from typing import Any

import pytest
from watching import Served, Writer

from livecb import events as ev
from livecb.server import checkpoints
from livecb.server.search import lines_of
from livecb.store import APPENDED, Store, StoredRun


@pytest.fixture
def saver(store: Store, tmp_path: Path) -> Writer:
    """A run that saved a file (1), a folder (2), a file that is gone (3), a relative path (4), an artifact (5)."""
    (tmp_path / "model.pt").write_bytes(b"0123456789" * 1000)
    folder = tmp_path / "checkpoint-5"
    (folder / "deep").mkdir(parents=True)
    (folder / "weights.bin").write_bytes(b"w" * 700)
    (folder / "deep" / "state.json").write_text("{}")
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    writer = Writer(store).start(host=socket.gethostname())
    for path in ("model.pt", "checkpoint-5", "gone.pt"):
        writer.say(ev.Checkpoint, path=str(tmp_path / path), step=5, metric="val/loss", value=0.25)
    writer.say(ev.Checkpoint, path="model.pt")
    writer.say(
        ev.Artifact, name="report.txt", file=writer.run.add_file(b"report", "report.txt", "text/plain")
    )
    return writer


def listed(served: Served, run: str) -> dict[str, bool]:
    rows = served.get(f"api/runs/{run}/checkpoints")["checkpoints"]
    assert all(row["available"] or row["reason"] for row in rows)
    return {row["number"]: row["available"] for row in rows}


def test_those_that_can_be_had_are_told_from_the_rest(served: Served, saver: Writer) -> None:
    assert listed(served, saver.run.id) == {"1": True, "2": True, "3": False, "4": False, "5": True}
    row = served.get(f"api/runs/{saver.run.id}/checkpoints")["checkpoints"][0]
    assert (row["step"], row["metric"], row["value"]) == (5, "val/loss", 0.25)


def test_a_file_comes_whole_and_in_pieces(served: Served, saver: Writer) -> None:
    path = f"api/runs/{saver.run.id}/checkpoints/1"
    answer = served.client.get(path)
    assert answer.content == b"0123456789" * 1000
    assert "model.pt" in answer.headers["content-disposition"]
    piece = served.client.get(path, headers={"range": "bytes=9998-"})
    assert (piece.status_code, piece.content) == (206, b"89")
    assert served.client.get(f"api/runs/{saver.run.id}/checkpoints/5").content == b"report"


def test_a_folder_comes_as_a_tar_without_the_links_in_it(served: Served, saver: Writer) -> None:
    answer = served.client.get(f"api/runs/{saver.run.id}/checkpoints/2")
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
        found = {member.name: tar.extractfile(member).read() for member in tar.getmembers()}  # type: ignore[union-attr]
    assert found == {"checkpoint-5/weights.bin": b"w" * 700, "checkpoint-5/deep/state.json": b"{}"}


@pytest.mark.parametrize("number", ["0", "3", "4", "99", "-1", "1.1", "model.pt", "..%2f..%2fetc%2fpasswd"])
def test_what_is_no_number_of_one_is_not_to_be_had(served: Served, saver: Writer, number: str) -> None:
    answer = served.client.get(f"api/runs/{saver.run.id}/checkpoints/{number}")
    assert answer.status_code == 404
    assert answer.json()["detail"]


def test_a_path_that_was_recorded_elsewhere_is_no_path_here(
    served: Served, saver: Writer, store: Store, tmp_path: Path
) -> None:
    (saver.run.folder / APPENDED).touch()
    assert listed(served, saver.run.id) == {"1": False, "2": False, "3": False, "4": False, "5": True}
    assert served.client.get(f"api/runs/{saver.run.id}/checkpoints/1").status_code == 404
    other = Writer(store, "other").start(host="another-host")
    other.say(ev.Checkpoint, path=str(tmp_path / "model.pt"))
    assert listed(served, "other") == {"1": False}


def test_logs_are_read_in_a_thread_and_the_host_is_sought_once(
    served: Served, saver: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sought: list[tuple[str, bool]] = []

    def noting(run: StoredRun, types: frozenset[str], *words: Any, **more: Any) -> Any:
        sought.append((min(types), asyncio._get_running_loop() is None))
        return lines_of(run, types, *words, **more)

    monkeypatch.setattr(checkpoints, "lines_of", noting)
    for path in ("checkpoints", "checkpoints/1", "model"):
        assert served.client.get(f"api/runs/{saver.run.id}/{path}").status_code == 200
    assert sought == [("artifact", True), ("run_started", True)] * 3


def test_the_best_and_the_final_model_can_be_asked_for(served: Served, store: Store, tmp_path: Path) -> None:
    writer = Writer(store).start(host=socket.gethostname())
    path = f"api/runs/{writer.run.id}/model"
    assert served.client.get(path).status_code == 404
    for name, value in {"first": 0.5, "best": 0.25, "last": 0.375, "gone": 0.125}.items():
        (tmp_path / name).write_text(name)
        writer.say(ev.Checkpoint, path=str(tmp_path / name), metric="val/loss", value=value)
    (tmp_path / "gone").unlink()
    answer = served.client.get(path)
    assert (answer.text, answer.headers["x-livecb-checkpoint"]) == ("best", "2")
    assert served.client.get(path, params={"which": "final"}).text == "last"
    page = served.get(f"api/runs/{writer.run.id}/checkpoints")
    assert (page["best"], page["final"]) == ("2", "3")
    assert "'worst'" in served.client.get(path, params={"which": "worst"}).json()["detail"]


def test_a_metric_that_goes_up_has_its_best_at_the_top(served: Served, store: Store, tmp_path: Path) -> None:
    writer = Writer(store).start(host=socket.gethostname())
    for name, value in {"low": 0.5, "high": 0.75, "nan": "NaN", "later": 0.625}.items():
        (tmp_path / name).write_text(name)
        writer.say(ev.Checkpoint, path=str(tmp_path / name), metric="val/accuracy", value=value)
    assert served.client.get(f"api/runs/{writer.run.id}/model").text == "high"


def test_a_range_that_is_none_is_not_heeded_and_one_beyond_the_end_is_a_problem(
    served: Served, saver: Writer
) -> None:
    path = f"api/runs/{saver.run.id}/checkpoints/5"
    assert served.client.get(path, headers={"range": "lines=1-2"}).content == b"report"
    beyond = served.client.get(path, headers={"range": "bytes=99-"})
    assert (beyond.status_code, beyond.headers["content-type"]) == (416, "application/problem+json")
    assert "'bytes=99-'" in beyond.json()["detail"]
