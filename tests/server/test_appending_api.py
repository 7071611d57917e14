"""Events of a training elsewhere, over HTTP."""

from __future__ import annotations

import hashlib
import os
import time
from typing import Any

import httpx
import pytest
from watching import Served, Writer, client_of, take

from livecb import events as ev
from livecb.control.commands import ask, wish
from livecb.errors import CommandRefused, ServerError
from livecb.server import appending, launch
from livecb.server.quota import Quota
from livecb.store import APPENDED, Store

RUN = "elsewhere"
STARTED = ev.encode(ev.RunStarted(seq=0, time=1.0, version=ev.VERSION, run=RUN, name="far")) + b"\n"
ENDED = ev.encode(ev.RunEnded(seq=9, time=9.0, status="completed")) + b"\n"


def loss(step: int) -> bytes:
    return ev.encode(ev.Metrics(seq=step, time=1.0 + step, step=step, values={"loss": 1 / step})) + b"\n"


def post(served: Served, lines: bytes, at: object, run: str = RUN, **query: Any) -> httpx.Response:
    return served.client.post(
        f"api/runs/{run}/events",
        params={"at": str(at), **query},
        content=lines,
        headers={"content-type": "application/x-ndjson"},
    )


def test_a_training_elsewhere_is_seen_as_one_here(served: Served, store: Store) -> None:
    cursor = post(served, STARTED, 0).json()["cursor"]
    assert served.get("api/runs")["runs"][0]["status"] == "running"
    with served.stream(served.events(RUN), cursor="end") as stream:
        cursor = post(served, loss(1) + loss(2), cursor).json()["cursor"]
        assert [message.json["step"] for message in take(stream, 2)] == [1, 2]
    post(served, ENDED, cursor)
    state = served.get(f"api/runs/{RUN}")
    assert (state["status"], state["step"], state["name"], state["lost"]) == ("completed", 2, "far", 6)
    assert state["alive"] is False
    assert store.run(RUN).part_path().read_bytes() == STARTED + loss(1) + loss(2) + ENDED
    assert served.client.delete(f"api/runs/{RUN}").status_code == 200


def test_a_retry_is_exact_and_another_story_is_refused(served: Served, store: Store) -> None:
    at = post(served, STARTED, 0).json()["cursor"]
    first, again = post(served, loss(1), at), post(served, loss(1), at)
    assert (again.status_code, again.json()) == (200, first.json())
    other = post(served, loss(2), at)
    assert (other.status_code, other.json()["cursor"]) == (409, first.json()["cursor"])
    assert post(served, loss(2), 10**9).status_code == 409
    assert store.run(RUN).part_path().read_bytes() == STARTED + loss(1)


def test_a_further_rank_has_a_part_of_its_own(served: Served) -> None:
    post(served, STARTED, 0)
    line = ev.encode(ev.Log(seq=0, time=2.0, message="of rank 1", rank=1)) + b"\n"
    assert post(served, line, 0, part="1").json()["part"] == "1"
    assert served.get(f"api/runs/{RUN}")["ranks"]["1"]["events"] == 1


@pytest.mark.parametrize(
    ("lines", "at", "query", "status", "told"),
    [
        (loss(1) + b'{"type":"metrics","seq":1}\n', 0, {}, 400, "line 2"),
        (b"no event\n", 0, {}, 400, "line 1"),
        (b'{"type":"log","seq":1,"time":1e300,"message":"x"}\n', 0, {}, 400, "a time in Unix seconds"),
        (b'{"type":"new","time":1%s}\n' % (b"0" * 400), 0, {}, 400, "line 1"),
        (
            b'{"type":"metrics","seq":1,"time":1,"step":1%s,"values":{"a":1}}\n' % (b"0" * 22),
            0,
            {},
            400,
            "step",
        ),
        (b'{"seq":1,"type":"log"}\n', 0, {}, 400, "line 1"),
        (loss(1) + b"\n", 0, {}, 400, "line 2"),
        (loss(1), "end", {}, 400, "'end'"),
        (loss(1), "", {}, 400, "at"),
        (loss(1), 5, {}, 404, "no run"),
        (loss(1), 0, {"part": "../x"}, 400, "'../x'"),
        (loss(1), 0, {"part": "notes"}, 400, "'notes'"),
        (b"x" * (9 << 20), 0, {}, 413, "bytes"),
    ],
)
def test_what_cannot_be_read_does_not_get_into_a_log(
    served: Served, store: Store, lines: bytes, at: object, query: dict[str, str], status: int, told: str
) -> None:
    answer = post(served, lines, at, **query)
    assert answer.status_code == status
    assert told in answer.json()["detail"]
    assert store.run_ids() == []


def test_the_log_of_a_training_on_this_machine_is_its_own(served: Served, writer: Writer) -> None:
    before = writer.path.read_bytes()
    for at in (0, len(before)):
        answer = post(served, loss(1), at, writer.run.id)
        assert (answer.status_code, "only its training" in answer.json()["detail"]) == (409, True)
    assert writer.path.read_bytes() == before


@pytest.mark.parametrize("run", ["..%2Fx", "%2e%2e", ".token", "a%20b"])
def test_a_run_that_is_a_path_is_not_made(served: Served, store: Store, run: str) -> None:
    assert post(served, STARTED, 0, run).status_code in (400, 404, 405)
    assert store.run_ids() == []


def test_the_parts_of_a_log_are_bounded(
    served: Served, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appending, "PARTS", 3)
    at = post(served, STARTED, 0).json()["cursor"]
    parts = [post(served, loss(1), 0, part=str(rank)) for rank in range(1, 4)]
    assert [answer.status_code for answer in parts] == [200, 200, 507]
    assert parts[2].json()["title"] == "No room in the run"
    assert post(served, loss(1), 0, part="2").status_code == 200
    assert post(served, loss(1), at).status_code == 200
    assert store.run(RUN).part_names() == ["main", "1", "2"]


def test_a_part_whose_name_breaks_a_line_is_none(served: Served, store: Store) -> None:
    at = post(served, STARTED, 0).json()["cursor"]
    for query in ({"part": "1\n"}, {"part": "notes\n"}):
        assert post(served, loss(1), 0, **query).status_code == 400
    assert post(served, loss(1), f"{at}\n").status_code == 400
    assert store.run(RUN).part_names() == ["main"]


def test_a_training_elsewhere_is_asked_there(served: Served, store: Store) -> None:
    controls = ev.Controls(seq=1, time=2.0, commands={"pause": ""}, parameters=[], candidates={})
    post(served, STARTED + ev.encode(controls) + b"\n", 0)
    answer = served.client.post(f"api/runs/{RUN}/commands", json={"name": "pause"})
    assert (answer.status_code, "elsewhere" in answer.json()["detail"]) == (409, True)
    with pytest.raises(CommandRefused, match="elsewhere"):
        ask(store.run(RUN), wish("pause"))
    assert served.get(f"api/runs/{RUN}")["controls"] is None
    assert not (store.run(RUN).folder / "commands.jsonl").exists()


def test_silence_tells_that_it_crashed_and_a_word_that_it_lives(served: Served, store: Store) -> None:
    cursor = post(served, STARTED + loss(1), 0).json()["cursor"]
    marker = store.run(RUN).folder / APPENDED
    then = time.time() - 61
    os.utime(marker, (then, then))
    assert not store.run(RUN).alive()
    assert post(served, b"", cursor).json()["cursor"] == cursor
    assert store.run(RUN).alive()


def test_nothing_is_appended_without_a_token_or_from_a_form(served: Served, store: Store) -> None:
    path = f"{served.client.base_url}api/runs/{RUN}/events?at=0"
    assert (
        httpx.post(path, content=STARTED, headers={"content-type": "application/x-ndjson"}).status_code == 401
    )
    answer = served.client.post(path, content=STARTED, headers={"content-type": "text/plain"})
    assert answer.status_code == 415
    assert store.run_ids() == []


def upload(
    served: Served, data: bytes, digest: str, run: str = RUN, kind: str = "application/octet-stream"
) -> int:
    path = f"api/runs/{run}/files/{digest}"
    return served.client.put(path, content=data, headers={"content-type": kind}).status_code


def test_files_of_a_training_elsewhere_are_there_before_the_events_that_name_them(
    served: Served, store: Store
) -> None:
    data = os.urandom(3 << 20)
    digest = hashlib.sha256(data).hexdigest()
    assert served.client.head(f"api/runs/{RUN}/files/{digest}").status_code == 404
    assert [upload(served, data, digest) for _ in range(2)] == [200, 200]
    assert served.client.head(f"api/runs/{RUN}/files/{digest}").status_code == 200
    assert post(served, STARTED, 0).status_code == 200
    assert served.client.get(f"api/runs/{RUN}/files/{digest}").content == data
    assert [path.name for path in (store.run(RUN).folder / "files").iterdir()] == [digest]


def test_a_file_that_is_not_what_its_hash_says_is_not_kept(served: Served, store: Store) -> None:
    post(served, STARTED, 0)
    digest = hashlib.sha256(b"right").hexdigest()
    assert upload(served, b"wrong", digest) == 400
    assert upload(served, b"right", digest, kind="text/plain") == 415
    assert upload(served, b"right", "..%2F..%2Fx") in (400, 404, 405)
    assert list((store.run(RUN).folder / "files").iterdir()) == []


def test_the_files_of_a_training_on_this_machine_are_its_own(served: Served, writer: Writer) -> None:
    assert upload(served, b"right", hashlib.sha256(b"right").hexdigest(), writer.run.id) == 409
    assert not (writer.run.folder / "files").exists()


def put(served: Served, content: bytes, run: str = RUN, digest: str | None = None) -> httpx.Response:
    return served.client.put(
        f"api/runs/{run}/files/{digest or hashlib.sha256(content).hexdigest()}",
        content=content,
        headers={"content-type": "application/octet-stream"},
    )


def test_a_file_that_is_refused_makes_no_run(
    served: Served, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livecb.server.appending._LARGEST", 100)
    assert put(served, b"one", digest="0" * 64).status_code == 400
    assert put(served, b"x" * 101).status_code == 413
    assert put(served, b"one", run="..").status_code in (400, 404)
    assert not (store.root / RUN).exists()
    assert list((store.root / ".uploads").iterdir()) == []
    assert put(served, b"one").status_code == 200
    assert (store.root / RUN / "files" / hashlib.sha256(b"one").hexdigest()).read_bytes() == b"one"
    assert list((store.root / ".uploads").iterdir()) == []


def test_the_files_of_a_run_are_bounded_in_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVECB_RUN_FILES", "3")
    monkeypatch.setenv("LIVECB_RUN_BYTES", "1K")
    server = launch.ThreadServer(store, port=0)
    served = client_of(server.start())
    try:
        assert put(served, b"a" * 600).status_code == 200
        full = put(served, b"b" * 600)
        assert full.status_code == 507
        assert full.json()["type"].endswith(":no-room-in-the-run")
        assert "LIVECB_RUN_BYTES" in full.json()["detail"]
        assert put(served, b"a" * 600).status_code == 507  # once more is more, as long as it comes
        assert put(served, b"c" * 400).status_code == 200  # what was refused took no room
        assert put(served, b"d", digest="0" * 64).status_code == 400
        assert put(served, b"e").status_code == 200
        many = put(served, b"f")
        assert (many.status_code, "LIVECB_RUN_FILES" in many.json()["detail"]) == (507, True)
        assert put(served, b"f", run="another").status_code == 200
        assert len(list((store.root / RUN / "files").iterdir())) == 3
    finally:
        served.client.close()
        server.stop()


@pytest.mark.parametrize("said", ["many", "-1", "1.5G", "3 X"])
def test_a_bound_that_is_no_number_is_named(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVECB_RUN_BYTES", said)
    with pytest.raises(ServerError, match="LIVECB_RUN_BYTES: expected a whole number") as told:
        Quota.from_environment()
    assert repr(said) in str(told.value)
