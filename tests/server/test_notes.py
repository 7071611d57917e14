"""Notes of readers: a log of their own, a part of the run to all who read it."""

from __future__ import annotations

import fcntl
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from contextlib import suppress

import pytest
from watching import Served, Writer, take

from livecb import events as ev
from livecb.logs.appending import locked

IN_ATTEMPT = {"attempt": 1, "abandoned": False}


def test_a_note_is_seen_by_all_who_watch_and_by_all_who_come(served: Served, writer: Writer) -> None:
    writer.metrics(20)
    path = f"api/runs/{writer.run.id}/notes"
    with served.stream(served.events(writer.run.id), cursor="end") as stream:
        answer = served.client.post(path, json={"text": "too high", "author": "Ada", "step": 7})
        assert answer.status_code == 201
        told = take(stream, 1)[0]
    note = answer.json()
    assert (note["text"], note["author"], note["step"], note["seq"]) == ("too high", "Ada", 7, -1)
    assert told.json == note
    assert served.get(path)["notes"] == [note]
    assert served.get(f"api/runs/{writer.run.id}")["notes"] == [{**note, **IN_ATTEMPT}]
    assert served.get(served.events(writer.run.id), types="note")["events"] == [note]


def test_a_note_changes_nothing_of_how_the_run_stands(served: Served, writer: Writer) -> None:
    writer.metrics(20)
    before, log = served.get(f"api/runs/{writer.run.id}"), writer.path.read_bytes()
    served.client.post(f"api/runs/{writer.run.id}/notes", json={"text": "look", "step": 3, "epoch": 1.5})
    after = served.get(f"api/runs/{writer.run.id}")
    for name in ("step", "epoch", "seq", "events", "lost", "updated", "status", "ranks", "metrics"):
        assert after[name] == before[name], name
    assert after["counts"]["note"] == 1
    assert writer.path.read_bytes() == log


def test_notes_go_on_after_the_end_beside_those_of_the_trainer(served: Served, writer: Writer) -> None:
    writer.say(ev.Note, text="of the trainer")
    writer.end().die()
    path = f"api/runs/{writer.run.id}/notes"
    for text in ("first", "second"):
        served.client.post(path, json={"text": text})
    page = served.get(path, limit=2)
    assert [note["text"] for note in page["notes"]] == ["of the trainer", "first"]
    assert [note["text"] for note in served.get(path, cursor=page["cursor"])["notes"]] == ["second"]
    assert [note["text"] for note in served.get(path, last=1)["notes"]] == ["second"]
    assert served.get(f"api/runs/{writer.run.id}")["status"] == "completed"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": " "},
        {"text": "x" * 10_001},
        {"text": "x", "step": "y"},
        {"text": "x", "author": "y" * 201},
    ],
)
def test_what_is_no_note_is_refused_with_what_is_one(
    served: Served, writer: Writer, body: dict[str, object]
) -> None:
    answer = served.client.post(f"api/runs/{writer.run.id}/notes", json=body)
    assert answer.status_code == 400
    assert re.search(r"expected (a JSON object of )?(text|author|step|epoch)\b", answer.json()["detail"])
    assert not (writer.run.folder / "notes.jsonl").exists()


def test_a_note_of_many_lines_is_one_line(served: Served, writer: Writer) -> None:
    text = 'two\nlines, "quotes", \u2028 and \U0001f600'
    served.client.post(f"api/runs/{writer.run.id}/notes", json={"text": text})
    lines = (writer.run.folder / "notes.jsonl").read_bytes().splitlines()
    assert json.loads(lines[0])["text"] == text


def test_a_note_can_be_edited_and_taken_back_and_no_log_is_changed(served: Served, writer: Writer) -> None:
    path = f"api/runs/{writer.run.id}/notes"
    kept, gone = (
        served.client.post(path, json={"text": text, "step": 3}).json() for text in ("kept", "gone")
    )
    first = (writer.run.folder / "notes.jsonl").read_bytes()
    later = served.get(path)["cursor"]
    edited = served.client.patch(f"{path}/{kept['id']}", json={"text": "better"}).json()
    assert served.client.delete(f"{path}/{gone['id']}").json()["deleted"] is True
    assert (edited["text"], edited["time"], edited["step"]) == ("better", kept["time"], 3)
    assert served.get(path)["notes"] == [edited]
    assert served.get(f"api/runs/{writer.run.id}")["notes"] == [{**edited, **IN_ATTEMPT}]
    assert [note["id"] for note in served.get(path, cursor=later)["notes"]] == [kept["id"], gone["id"]]
    assert (writer.run.folder / "notes.jsonl").read_bytes().startswith(first)
    marks = served.get(f"api/runs/{writer.run.id}/marks")
    assert (marks["counts"]["note"], marks["left_out"]) == (1, 0)


def test_a_note_that_is_not_there_or_is_the_trainers_cannot_be_edited(served: Served, writer: Writer) -> None:
    writer.say(ev.Note, text="of the trainer")
    path = f"api/runs/{writer.run.id}/notes"
    note = served.client.post(path, json={"text": "mine"}).json()["id"]
    served.client.delete(f"{path}/{note}")
    for name in (note, "000000000000", "null"):
        assert served.client.patch(f"{path}/{name}", json={"text": "x"}).status_code == 404
        assert served.client.delete(f"{path}/{name}").status_code == 404
    assert [it["text"] for it in served.get(path)["notes"]] == ["of the trainer"]


def test_a_whole_number_may_be_written_as_javascript_may_write_it(served: Served, writer: Writer) -> None:
    path, head = f"api/runs/{writer.run.id}/notes", {"content-type": "application/json"}
    answer = served.client.post(path, content=b'{"text": "x", "step": 5.0}', headers=head)
    assert (answer.status_code, answer.json()["step"]) == (201, 5)
    assert served.client.post(path, content=b'{"text": "x", "step": 5.5}', headers=head).status_code == 400


def test_a_note_that_another_server_takes_back_while_it_is_edited_stays_taken_back(
    served: Served, writer: Writer
) -> None:
    path = f"api/runs/{writer.run.id}/notes"
    note = served.client.post(path, json={"text": "look"}).json()
    log = writer.run.part_path("notes")
    gone = {**note, "text": "", "deleted": True, "edited": note["time"]}
    with ThreadPoolExecutor(1) as pool, locked(log) as file:  # as another server of the store would
        editing = pool.submit(served.client.patch, f"{path}/{note['id']}", json={"text": "look again"})
        with suppress(TimeoutError):
            editing.result(0.5)
        assert not editing.done()
        os.pwrite(file, json.dumps(gone, separators=(",", ":")).encode() + b"\n", log.stat().st_size)
        fcntl.flock(file, fcntl.LOCK_UN)
        assert editing.result(30).status_code == 404
    assert served.get(path)["notes"] == []
