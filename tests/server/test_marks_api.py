"""What happened on a run's way, over HTTP."""

from __future__ import annotations

from watching import Served, Writer

from livecb import events as ev


def test_marks_go_on_from_their_cursor(served: Served, writer: Writer) -> None:
    writer.metrics(20)
    writer.say(ev.Checkpoint, path="1.pt", step=3)
    path = f"api/runs/{writer.run.id}/marks"
    told = served.get(path)
    assert (told["counts"], told["left_out"]) == ({"checkpoint": 1, "alert": 0, "note": 0, "command": 0}, 0)
    assert [mark["path"] for mark in told["marks"]] == ["1.pt"]
    served.client.post(f"api/runs/{writer.run.id}/notes", json={"text": "a reader's", "step": 2})
    after = served.get(served.events(writer.run.id), cursor=told["cursor"])["events"]
    assert [event["type"] for event in after] == ["note"]
    assert [mark["type"] for mark in served.get(path)["marks"]] == ["checkpoint", "note"]


def test_the_marks_of_no_run_are_not_found(served: Served) -> None:
    assert served.client.get("api/runs/no-such-run/marks").status_code == 404
