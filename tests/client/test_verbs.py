"""What the client reads and changes beside events: each verb by either client, against a real server."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from watching import Writer

from livecb import events as ev
from livecb.client import AsyncClient, Client
from livecb.errors import (
    ApiError,
    CommandRefused,
    LivecbError,
    RunNotFound,
    RunWritten,
    ServerError,
    StoreError,
)
from livecb.server.launch import Address
from livecb.store import Store

Ask = Callable[..., Any]


@pytest.fixture
def over(writer: Writer) -> Writer:
    """A run that has ended."""
    writer.end()
    writer.die()
    return writer


def kept(writer: Writer, data: bytes) -> ev.FileRef:
    """Store bytes as a run does."""
    digest = hashlib.sha256(data).hexdigest()
    files = writer.run.folder / "files"
    files.mkdir(exist_ok=True)
    (files / digest).write_bytes(data)
    return ev.FileRef(hash=digest, name="it.bin", size=len(data))


def test_what_is_there_is_read_without_waiting_for_more(ask: Ask, writer: Writer) -> None:
    writer.metrics(12_000).say(ev.Log, message="a line")
    assert [event.seq for event in ask("read", writer.run.id)] == list(range(12_002))
    assert [event.message for event in ask("logs", writer.run.id)] == ["a line"]


def test_metrics_become_arrays(ask: Ask, writer: Writer) -> None:
    for step, loss in enumerate([3.0, math.nan, 1.0], 1):
        writer.say(ev.Metrics, step=step, epoch=step / 2, values={"train/loss": loss, "a,b": 0.0})
    series = ask("metrics", writer.run.id, "train/loss")
    x, y = series["train/loss"].to_numpy()
    np.testing.assert_array_equal(x, [1, 2, 3])
    np.testing.assert_array_equal(y, [3, math.nan, 1])
    assert list(ask("metrics", writer.run.id, ["a,b"])) == ["a,b"]
    assert set(ask("metrics", writer.run.id).to_numpy()) == {"train/loss", "a,b"}
    assert series.cursor == str(writer.path.stat().st_size)


def test_metrics_become_a_table(ask: Ask, writer: Writer) -> None:
    writer.say(ev.Metrics, step=1, epoch=0.5, values={"a": 1.0})
    writer.say(ev.Metrics, values={"b": 2})
    table = ask("metrics", writer.run.id).to_pandas()
    assert table["name"].tolist() == ["a", "b"]
    assert table["value"].tolist() == [1.0, 2.0]
    assert table["step"].isna().tolist() == [False, True]
    assert table["time"].tolist() == [1_795_230_001.0, 1_795_230_002.0]
    assert table["attempt"].tolist() == [1, 1]


def test_points_that_a_later_attempt_gave_up_come_once_marked_and_are_not_the_best(
    ask: Ask, store: Store
) -> None:
    writer = taken_up(store)
    series = ask("metrics", writer.run.id)
    loss = series["train/loss"]
    assert (loss.step, loss.attempt) == ([1, 2, 3, 2], [1, 1, 1, 2])
    assert loss.y == [3.0, 2.0, 0.125, 1.5]
    assert [(each["attempt"], each["from_step"], each["to_step"]) for each in series.rewinds] == [(2, 3, 1)]
    assert series.to_pandas()["abandoned"].tolist() == [False, True, True, False]
    values = ask("values", writer.run.id, "train/loss")
    assert (values.value, values.attempt) == (loss.y, loss.attempt)
    best = ask("get", writer.run.id).metrics["train/loss"]
    assert (best.best, best.best_step, best.min) == (1.5, 2, 0.125)


def test_a_baseline_has_the_best_value_of_the_living_branch(server: Address, store: Store) -> None:
    run = taken_up(store).run.id
    other = Writer(store, "20260102-000000-other-run").start()
    other.say(ev.Metrics, values={"train/loss": 1.0}, step=1)
    with Client(server.url()) as client:
        kept = client.baselines.create("went-back", run)
        assert (kept.metrics["train/loss"]["value"], kept.metrics["train/loss"]["best"]) == (1.5, 1.5)
        assert client.compare(other.run.id, baseline="went-back").better == 1
        assert client.compare(run, other=other.run.id).worse == 1


def taken_up(store: Store) -> Writer:
    """A run that reached its least loss on a branch that its second attempt gave up."""
    writer = Writer(store, "20260103-000000-taken-up").start()
    for step, loss in enumerate([3.0, 2.0, 0.125], 1):
        writer.say(ev.Metrics, values={"train/loss": loss}, step=step)
    writer.start(attempt=2, resumed_step=1).say(ev.Metrics, values={"train/loss": 1.5}, step=2)
    return writer


def test_a_long_metric_is_thinned_unless_all_is_asked_for(ask: Ask, writer: Writer) -> None:
    writer.metrics(3000)
    thinned = ask("metrics", writer.run.id, points=100)["train/loss"]
    whole = ask("metrics", writer.run.id, points=None)["train/loss"]
    assert (thinned.thinned, thinned.count, len(thinned.y) < 3000) == (True, 3000, True)
    assert (whole.thinned, len(whole.y)) == (False, 3000)
    assert max(whole.y) in thinned.y
    assert ask("metrics", writer.run.id, start=10, end=12)["train/loss"].step == [10, 11, 12]


def test_samples_come_page_by_page_the_newest_first(ask: Ask, writer: Writer) -> None:
    for at in range(5):
        writer.say(ev.Sample, epoch=at // 3 + 1, prediction=str(at), scores={"f1": at / 4})
    first = ask("samples", writer.run.id, limit=3)
    rest = ask("samples", writer.run.id, limit=3, before=first.next)
    assert [sample.prediction for sample in first.events + rest.events] == list("43210")
    assert (first.total, first.next, rest.next) == (5, 2, None)
    assert ask("samples", writer.run.id, epoch=1).count == 3
    assert [group["epoch"] for group in first.groups] == [1, 2]


def test_a_picture_and_its_bytes_are_had(ask: Ask, writer: Writer, tmp_path: Path) -> None:
    data = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 1000
    writer.say(ev.Image, name="generated", file=kept(writer, data))
    (image,) = ask("images", writer.run.id).events
    assert ask("file", writer.run.id, image.file) == data
    path = ask("download", writer.run.id, image.file.hash, tmp_path / "it.png")
    assert path == tmp_path / "it.png"
    assert path.read_bytes() == data


def test_a_file_that_is_not_what_its_hash_says_is_not_taken(ask: Ask, writer: Writer, tmp_path: Path) -> None:
    file = kept(writer, b"what was stored")
    (writer.run.folder / "files" / file.hash).write_bytes(b"something else")
    with pytest.raises(ServerError, match="of another"):
        ask("file", writer.run.id, file)
    (tmp_path / "here").mkdir()
    with pytest.raises(ServerError, match="of another"):
        ask("download", writer.run.id, file, tmp_path / "here" / "it")
    with pytest.raises(ApiError) as caught:
        ask("download", writer.run.id, "0" * 64, tmp_path / "here" / "it")
    assert caught.value.status == 404
    assert list((tmp_path / "here").iterdir()) == []


def test_runs_are_found_by_what_they_are(ask: Ask, store: Store, writer: Writer) -> None:
    other = Writer(store, "20260102-000000-other-run").start(project="another", tags=["night"]).end()
    assert [row.run for row in ask("list")] == [other.run.id, writer.run.id]
    assert [row.run for row in ask("list", sort="run", limit=1)] == [writer.run.id]
    for query in ({"status": "over"}, {"project": "another"}, {"tag": "night"}, {"search": "other"}):
        assert [row.run for row in ask("list", **query)] == [other.run.id], query


def test_a_run_is_renamed_tagged_and_put_away(ask: Ask, over: Writer) -> None:
    ask("rename", over.run.id, "the good one")
    ask("tag", over.run.id, ["best", "kept"])
    state = ask("get", over.run.id)
    assert (state.name, state.tags) == ("the good one", ["best", "kept"])
    ask("archive", over.run.id)
    assert ask("list") == []
    assert [row.archived for row in ask("list", archived=True)] == [True]
    ask("archive", over.run.id, False)
    ask("rename", over.run.id, None)
    assert [row.name for row in ask("list")] == ["a run"]


def test_a_run_is_deleted_and_brought_back(ask: Ask, over: Writer) -> None:
    lines = over.lines()
    ask("delete", over.run.id)
    with pytest.raises(RunNotFound):
        ask("get", over.run.id)
    ask("restore", over.run.id)
    assert ask("get", over.run.id).status == "completed"
    assert over.lines() == lines


def test_a_run_that_is_written_is_not_deleted(ask: Ask, writer: Writer) -> None:
    with pytest.raises(RunWritten, match=writer.run.id):
        ask("delete", writer.run.id)
    assert writer.path.exists()


def test_a_command_to_a_run_that_has_ended_or_does_not_take_it_is_refused(ask: Ask, writer: Writer) -> None:
    with pytest.raises(CommandRefused):
        ask("send", writer.run.id, "pause")
    with pytest.raises(CommandRefused, match="pause, resume, stop"):
        ask("send", writer.run.id, "dance")
    writer.end()
    writer.die()
    with pytest.raises(CommandRefused, match="has ended"):
        ask("send", writer.run.id, "pause")


def test_every_value_of_a_metric_is_had_over_many_pages(
    ask: Ask, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livecb.client.reading._ALL_POINTS", 1000)
    writer.metrics(2500).say(ev.Metrics, step=9999, values={"train/loss": math.inf})
    values = ask("values", writer.run.id, "train/loss")
    assert values.step == [*range(1, 2501), 9999]
    assert values.value == [*(1 / (1 + seq) for seq in range(1, 2501)), math.inf]
    assert ask("values", writer.run.id, "train/loss", start=5, end=6).step == [5, 6]
    x, y = values.to_numpy("epoch")
    assert (len(x), np.isnan(x).all(), y[-1]) == (2501, True, math.inf)


def test_a_note_is_written_and_read_by_who_follows(ask: Ask, over: Writer) -> None:
    lines = over.lines()
    note = ask("note", over.run.id, "the rate is too high", author="Ada", step=7)
    assert (note.text, note.author, note.step) == ("the rate is too high", "Ada", 7)
    assert ask("read", over.run.id, types=["note"]) == [note]
    assert over.lines() == lines


def test_checkpoints_are_listed_and_downloaded(ask: Ask, writer: Writer, tmp_path: Path) -> None:
    (tmp_path / "model.ckpt").write_bytes(b"weights" * 100_000)
    writer.say(ev.Checkpoint, path=str(tmp_path / "model.ckpt"), metric="val/loss", value=0.5)
    writer.say(ev.Checkpoint, path=str(tmp_path / "gone.ckpt"))
    first, second = sorted(ask("checkpoints", writer.run.id), key=lambda row: row["path"], reverse=True)
    assert (first["available"], first["value"], second["available"]) == (True, 0.5, False)
    path = ask("download_checkpoint", writer.run.id, first["number"], tmp_path / "here.ckpt")
    assert path.read_bytes() == b"weights" * 100_000
    with pytest.raises(ApiError):
        ask("download_checkpoint", writer.run.id, second["number"], tmp_path / "not.ckpt")
    assert not (tmp_path / "not.ckpt").exists()


def test_a_run_is_exported_as_the_path_says(ask: Ask, writer: Writer, tmp_path: Path) -> None:
    writer.metrics(3)
    lines = ask("export", writer.run.id, tmp_path / "run.jsonl").read_bytes().splitlines()
    assert lines == writer.lines()
    rows = ask("export", writer.run.id, tmp_path / "metrics", "csv").read_text().splitlines()
    assert len(rows) == 4
    assert rows[1].startswith("train/loss,0.5,")
    with pytest.raises(ApiError, match="jsonl"):
        ask("export", writer.run.id, tmp_path / "run.docx")
    with pytest.raises(StoreError, match=r"cannot write .*run\.csv"):
        ask("export", writer.run.id, tmp_path / "no such folder" / "run.csv")


def test_a_word_is_one_tag(ask: Ask, writer: Writer) -> None:
    ask("tag", writer.run.id, "best")
    assert ask("list")[0].tags == ["best"]


def test_a_training_elsewhere_is_appended_exactly_once_however_often_it_is_tried(
    ask: Ask, store: Store
) -> None:
    run = "20260103-000000-far-away"
    began = ev.RunStarted(seq=0, time=1.0, version=ev.VERSION, run=run, name="far away")
    at = ask("append", run, [began])
    losses = [ev.Metrics(seq=seq, time=2.0, step=seq, values={"loss": math.nan}) for seq in (1, 2)]
    ends = {ask("append", run, losses, at) for _ in range(3)}
    assert ends == {str((store.run(run).folder / "events.jsonl").stat().st_size)}
    assert ask("get", run).name == "far away"
    assert [event.seq for event in ask("read", run)] == [0, 1, 2]
    with pytest.raises(ApiError) as caught:
        ask("append", run, losses[1:], at)
    assert (caught.value.status, {caught.value.data["cursor"]}) == (409, ends)


def test_nobody_appends_to_the_log_of_a_training_here(ask: Ask, writer: Writer) -> None:
    lines = writer.lines()
    with pytest.raises(ApiError, match="take another id"):
        ask("append", writer.run.id, [ev.Note(seq=1, time=1.0, text="mine")], str(writer.path.stat().st_size))
    assert writer.lines() == lines


def test_runs_are_compared_with_baselines(server: Address, store: Store, over: Writer) -> None:
    better = Writer(store, "20260102-000000-better-run").start(config={"lr": 0.1})
    better.say(ev.Metrics, values={"train/loss": 0.25, "val/loss": math.nan})
    over.say(ev.Metrics, values={"train/loss": 0.5})
    with Client(server.url()) as client:
        kept = client.baselines.create("the-first", over.run.id, "before tuning")
        assert (kept.metrics["train/loss"]["value"], kept.description) == (0.5, "before tuning")
        found = client.compare(better.run.id, baseline="the-first")
        assert (found.better, found.worse, found.other) == (1, 0, over.run.id)
        assert found.metrics["train/loss"]["difference"] == -0.25
        assert client.compare(over.run.id, other=better.run.id).worse == 1
        with pytest.raises(ApiError) as caught:
            client.baselines.create("the-first", over.run.id)
        assert caught.value.status == 409
        assert client.baselines.update("the-first", run=better.run.id).run == better.run.id
        assert [each.name for each in client.baselines.list()] == ["the-first"]

    async def by_asyncio() -> None:
        async with AsyncClient(server.url()) as client:
            assert (await client.baselines.get("the-first")).run == better.run.id
            assert (await client.compare(over.run.id, baseline="the-first")).worse == 1
            await client.baselines.update("the-first", description="again")
            assert [each.description for each in await client.baselines.list()] == ["again"]
            await client.baselines.delete("the-first")
            await client.baselines.create("the-second", over.run.id)
            assert [each.name for each in await client.baselines.list()] == ["the-second"]

    asyncio.run(by_asyncio())


def test_all_runs_that_match_are_had_over_many_pages(
    ask: Ask, store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livecb.client.reading._PAGE", 2)
    for day in range(1, 6):
        Writer(store, f"2026020{day}-000000-other-run").start(project="another", tags=["a", "b"]).end()
    newest = [f"2026020{day}-000000-other-run" for day in range(5, 0, -1)]
    assert [row.run for row in ask("each_run", project="another", sort="-run")] == newest
    assert len(ask("each_run")) == 6
    first = ask("list", sort="-run", tag=["a", "b"], limit=2)
    rest = ask("list", sort="-run", tag=["a", "b"], after=first[-1].run)
    assert [row.run for row in first + rest] == newest
    assert ask("list", framework="none of them") == []


def test_all_samples_and_other_media_are_had_over_many_pages(
    ask: Ask, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livecb.client.reading._PAGE", 2)
    for at in range(5):
        writer.say(ev.Sample, epoch=at, prediction=str(at))
        writer.say(ev.Table, name="confusion", columns=["a"], rows=[[at]])
    assert [sample.prediction for sample in ask("each_sample", writer.run.id)] == list("43210")
    assert [sample.prediction for sample in ask("each_sample", writer.run.id, epoch=3)] == ["3"]
    page = ask("media", writer.run.id, "table", limit=2)
    assert ([table.rows for table in page.events], page.total, page.next) == ([[[4]], [[3]]], 5, 3)
    assert page.groups[0]["name"] == "confusion"


def test_lines_of_text_are_found_by_level_and_words(ask: Ask, writer: Writer) -> None:
    for at, level in enumerate(["INFO", "WARNING", "ERROR"]):
        writer.say(ev.Log, level=level, message=f"Line {at}", logger="a.b")
    assert [line.message for line in ask("search", writer.run.id, "line", level="WARNING").logs] == [
        "Line 1",
        "Line 2",
    ]
    first = ask("search", writer.run.id, logger="a", limit=1)
    rest = ask("search", writer.run.id, cursor=first.cursor, logger="a")
    assert [line.message for line in first.logs + rest.logs] == ["Line 0", "Line 1", "Line 2"]
    assert [line.message for line in ask("search", writer.run.id, last=1).logs] == ["Line 2"]


def test_what_went_wrong_is_told(ask: Ask, writer: Writer) -> None:
    writer.say(ev.Log, level="ERROR", message="no space")
    writer.say(ev.RunEnded, status="failed", error="OSError: no space", traceback="Traceback ...")
    writer.die()
    found = ask("errors", writer.run.id)
    assert [type(event) for event in found.errors] == [ev.Log, ev.RunEnded]
    assert (found.status, found.error, found.traceback) == ("failed", "OSError: no space", "Traceback ...")
    assert ask("errors", writer.run.id, found.cursor).errors == []


def test_a_run_is_told_on_one_level(ask: Ask, writer: Writer) -> None:
    writer.say(ev.Metrics, step=3, values={"train/loss": math.nan, "val/loss": 0.5})
    flat = ask("flat", writer.run.id)
    assert (flat.job_id, flat.current_step, flat.eval_loss, flat.complete) == (writer.run.id, 3, 0.5, False)
    assert math.isnan(flat.loss)


def test_notes_are_edited_and_taken_back_by_who_has_them_or_their_id(ask: Ask, over: Writer) -> None:
    first = ask("note", over.run.id, "too high", author="Ada", epoch=1.5)
    second = ask("note", over.run.id, "too low")
    assert (first.epoch, first.edited) == (1.5, None)
    page = ask("notes", over.run.id)
    assert [note.text for note in page.notes] == ["too high", "too low"]
    assert ask("edit_note", over.run.id, first, "fine").text == "fine"
    ask("delete_note", over.run.id, second.id)
    assert [note.text for note in ask("notes", over.run.id).notes] == ["fine"]
    assert [note.id for note in ask("notes", over.run.id, page.cursor).notes] == [first.id, second.id]
    with pytest.raises(StoreError, match="a reader wrote"):
        ask("edit_note", over.run.id, ev.Note(seq=3, time=1.0, text="the training's"), "mine")


def test_marks_and_candidates_are_read(ask: Ask, writer: Writer) -> None:
    writer.say(ev.ModelCompleted, name="svc", ok=True, scores={"accuracy": 0.9})
    writer.say(ev.ModelCompleted, name="tree", ok=True, scores={"accuracy": 0.95})
    writer.say(ev.Alert, title="watch out")
    marks = ask("marks", writer.run.id)
    assert ([mark["title"] for mark in marks.marks], marks.counts["alert"]) == (["watch out"], 1)
    board = ask("leaderboard", writer.run.id, limit=1)
    assert ([row["name"] for row in board.leaderboard], board.count) == (["tree"], 2)


def test_the_best_and_the_final_model_are_downloaded(ask: Ask, writer: Writer, tmp_path: Path) -> None:
    for name, loss in (("good", 0.1), ("late", 0.5)):
        (tmp_path / name).write_bytes(name.encode())
        writer.say(ev.Checkpoint, path=str(tmp_path / name), metric="val/loss", value=loss)
    assert ask("download_model", writer.run.id, tmp_path / "best.ckpt").read_bytes() == b"good"
    assert ask("download_model", writer.run.id, tmp_path / "last.ckpt", "final").read_bytes() == b"late"


def test_the_trash_is_looked_through_and_emptied(ask: Ask, store: Store, over: Writer) -> None:
    others = [Writer(store, f"2026020{day}-000000-other-run").start().end().run.id for day in (1, 2)]
    for run in (over.run.id, *others):
        ask("delete", run)
    assert {row.run for row in ask("trash.list")} == {over.run.id, *others}
    ask("restore", over.run.id)
    ask("trash.remove", others[0])
    assert [row.run for row in ask("trash.list")] == others[1:]
    assert ask("trash.empty") == 1
    with pytest.raises(LivecbError, match=over.run.id):
        ask("trash.remove", over.run.id)


def test_tokens_are_made_used_and_revoked(ask: Ask, server: Address, writer: Writer) -> None:
    assert ask("access").role == "admin"
    made = ask("tokens.create", "ci", "control", run=writer.run.id, seconds=3600, rate=50)
    assert (made.name, made.role, made.run, made.rate) == ("ci", "control", writer.run.id, 50)
    with Client(server.url(), token=made.token) as theirs:
        mine = theirs.access()
        assert (mine.role, mine.name, mine.run) == ("control", "ci", writer.run.id)
        theirs.note(writer.run.id, "seen")
        with pytest.raises(ApiError, match="livecb token create") as caught:
            theirs.share(writer.run.id)
        assert caught.value.status == 403
        (row,) = ask("tokens.list")
        assert (row.name, row.token) == ("ci", None)
        ask("tokens.revoke", "ci")
        with pytest.raises(ApiError) as caught:
            theirs.get(writer.run.id)
        assert caught.value.status == 401
    assert "DELETE /api/tokens/ci" in [change.what for change in ask("audit", 10)]


def test_a_link_shows_one_run_until_it_is_taken_back(ask: Ask, store: Store, writer: Writer) -> None:
    other = Writer(store, "20260102-000000-other-run").start().end()
    link = ask("share", writer.run.id, seconds=60)
    with Client(link.url) as guest:
        assert guest.get(writer.run.id).name == "a run"
        with pytest.raises(RunNotFound):
            guest.get(other.run.id)
        assert [row.name for row in ask("shares", writer.run.id)] == [link.name]
        ask("unshare", writer.run.id, link)
        assert ask("shares", writer.run.id) == []
        with pytest.raises(ApiError):
            guest.get(writer.run.id)
