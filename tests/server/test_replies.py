"""Errors of the API: problem details, with the cure."""

from __future__ import annotations

import httpx
import pytest
from watching import Served, Writer

from livecb.server import index
from livecb.server.replies import Problem


def problem(response: httpx.Response) -> dict[str, object]:
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    said: dict[str, object] = response.json()
    assert said["status"] == response.status_code
    return said


def test_an_error_is_problem_details_and_says_what_to_do(served: Served, writer: Writer) -> None:
    said = problem(served.client.get("api/runs/no-such-run"))
    assert said["type"] == "tag:livecb,2026:no-such-run"
    assert said["title"] == "No such run"
    assert said["status"] == 404
    assert "GET api/runs" in str(said["detail"])
    assert said["error"] == {name: said[name] for name in ("status", "title", "detail")}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("api/nothing", 404),
        ("api/runs/%2e%2e", 404),
        ("api/runs/{run}/events?cursor=x", 400),
        ("api/runs/{run}/events?types=metric", 400),
        ("api/runs/{run}/series?points=0", 400),
        ("api/runs/{run}/files/abc", 404),
        ("api/stream", 400),
    ],
)
def test_whatever_is_refused_is_refused_in_one_shape(
    served: Served, writer: Writer, path: str, status: int
) -> None:
    said = problem(served.client.get(path.format(run=writer.run.id)))
    assert said["status"] == status
    assert str(said["type"]).startswith("tag:livecb,2026:")


def test_a_method_that_is_not_there_names_those_that_are(served: Served, writer: Writer) -> None:
    response = served.client.put(f"api/runs/{writer.run.id}/series")
    assert problem(response)["status"] == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_who_brings_no_token_gets_problem_details_too(served: Served) -> None:
    said = problem(httpx.get(str(served.client.base_url) + "api/runs"))
    assert said["type"] == "tag:livecb,2026:no-token"


def test_a_handler_that_fails_answers_and_the_server_goes_on(
    served: Served, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index.Index, "series_json", lambda *_, **__: 1 / 0)
    said = problem(served.client.get(f"api/runs/{writer.run.id}/series"))
    assert said["status"] == 500
    assert "ZeroDivisionError" in str(said["detail"])
    assert served.get(f"api/runs/{writer.run.id}")["status"] == "running"


def test_a_problem_may_have_members_of_its_own() -> None:
    said = Problem(409, "Not at the end", "read on", more={"cursor": "12"}).to_json()
    assert b'"cursor":"12"' in said
    assert b'"type":"tag:livecb,2026:not-at-the-end"' in said
