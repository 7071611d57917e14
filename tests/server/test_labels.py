"""Naming, tagging, putting away, deleting and bringing back, over HTTP."""

from __future__ import annotations

import httpx
import pytest
from watching import Served, Writer

from livecb.store import Store


def test_a_run_gets_another_name_and_tags_at_once(served: Served, writer: Writer) -> None:
    path = f"api/runs/{writer.run.id}"
    answer = served.client.patch(path, json={"name": "better", "tags": [" good ", "good", ""]})
    assert answer.json() == {"run": writer.run.id, "name": "better", "tags": ["good"], "archived": False}
    assert served.get(path)["name"] == "better"
    row = served.get("api/runs")["runs"][0]
    assert (row["name"], row["tags"]) == ("better", ["good"])
    served.client.patch(path, json={"tags": ["other"]})
    assert served.get(path)["name"] == "better"  # what is left out stays
    served.client.patch(path, json={"name": None, "tags": None})
    assert (served.get(path)["name"], served.get(path)["tags"]) == ("a run", [])


def test_a_run_that_lives_is_named_without_touching_its_log(served: Served, writer: Writer) -> None:
    before = writer.path.read_bytes()
    served.client.patch(f"api/runs/{writer.run.id}", json={"name": "better", "archived": True})
    assert writer.path.read_bytes() == before
    assert served.get("api/runs")["runs"] == []
    assert served.get("api/runs", archived="1")["runs"][0]["name"] == "better"


def test_a_run_that_is_being_written_is_protected(served: Served, writer: Writer) -> None:
    answer = served.client.delete(f"api/runs/{writer.run.id}")
    assert answer.status_code == 409
    assert answer.json()["type"] == "tag:livecb,2026:the-run-is-being-written"
    assert "stop it" in answer.json()["detail"]
    writer.metrics(1)
    assert served.get(f"api/runs/{writer.run.id}")["events"] == 2


def test_a_deleted_run_is_gone_at_once_and_can_be_brought_back(served: Served, store: Store) -> None:
    run = Writer(store).start().metrics(3).end().run.id
    state = served.get(f"api/runs/{run}")
    assert served.get("api/runs")["total"] == 1
    assert served.client.delete(f"api/runs/{run}").json()["days"] == 30
    assert served.get("api/runs")["total"] == 0
    assert served.client.get(f"api/runs/{run}").status_code == 404
    assert [entry["run"] for entry in served.get("api/trash")["runs"]] == [run]
    assert served.client.post(f"api/trash/{run}").json() == {"run": run}
    assert served.get("api/runs")["total"] == 1
    assert served.get(f"api/runs/{run}")["cursor"] == state["cursor"]


def test_a_deleted_run_can_be_removed_for_good(served: Served, store: Store) -> None:
    for name in "abc":
        served.client.delete(f"api/runs/{Writer(store, name).start().end().run.id}")
    assert served.client.delete("api/trash/a").status_code == 200
    assert served.client.delete("api/trash/a").status_code == 404
    assert served.client.delete("api/trash").json() == {"removed": 2}
    assert served.get("api/trash")["runs"] == []


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"nmae": "x"}', "application/json", 400),
        (b'{"name": 3}', "application/json", 400),
        (b"[", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'{"name": "x"}', "text/plain", 415),
        (b'{"name": "' + b"x" * 300_000 + b'"}', "application/json", 413),
        (b'{"name": "' + b"x" * 3_000 + b'"}', "application/json", 400),
    ],
)
def test_what_is_no_change_is_refused_and_nothing_changes(
    served: Served, writer: Writer, content: bytes, kind: str, status: int
) -> None:
    path = f"api/runs/{writer.run.id}"
    answer = served.client.patch(path, content=content, headers={"content-type": kind})
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert not (writer.run.folder / "labels.json").exists()


def test_who_has_no_token_and_who_comes_from_elsewhere_changes_nothing(served: Served, store: Store) -> None:
    run = Writer(store).start().end().run
    path = f"{served.client.base_url}api/runs/{run.id}"
    assert httpx.delete(path).status_code == 401
    for headers in (
        {"origin": "http://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        assert served.client.delete(path, headers=headers).status_code == 403
        assert served.client.patch(path, json={"name": "x"}, headers=headers).status_code == 403
    assert run.labels.name is None
    assert served.client.get(path, headers={"sec-fetch-site": "cross-site"}).status_code == 200
    assert served.client.delete(path, headers={"sec-fetch-site": "same-origin"}).status_code == 200
