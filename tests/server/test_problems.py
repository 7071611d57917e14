"""Problems: what the API refuses with, each kind in the same words, with what came and what to do."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from watching import Served, Writer, client_of

from livecb import server
from livecb.server import launch
from livecb.server.access import Role
from livecb.server.replies import PROBLEM_JSON, TYPE, Problem
from livecb.server.tokens import Tokens
from livecb.store import Store

SOURCES = Path(server.__file__ or "").parent
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "http.md"
RUN = "20260101-000000-calm-heron"
JSON = {"content-type": "application/json"}


def slug(title: str) -> str:
    return Problem(400, title, "").type.removeprefix(TYPE)


def kinds() -> dict[str, set[int]]:
    """Every title that stands in the server's source, and the statuses it comes with."""
    found: dict[str, set[int]] = defaultdict(set)
    for path in SOURCES.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call):
                continue
            words = [it.value if isinstance(it, ast.Constant) else None for it in call.args[:2]]
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name in ("Problem", "_refuse") and len(words) == 2 and None not in words:
                found[words[1]].add(words[0])  # type: ignore[index,arg-type]
            elif name == "_too_many" and words[0] is not None:
                found[words[0]].add(429)  # type: ignore[index]
    for title in ("No token", "A wrong token", "An expired token"):  # chosen between in `keys`
        assert f'title, why = "{title}"' in (SOURCES / "keys.py").read_text()
        found[title].add(401)
    assert len(found) > 40
    return found


def test_a_kind_of_problem_has_one_status_and_a_type_of_its_own() -> None:
    found = kinds()
    assert {title: statuses for title, statuses in found.items() if len(statuses) != 1} == {}
    assert len({slug(title) for title in found}) == len(found)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug(title)) for title in found)


def test_every_kind_of_problem_is_in_the_reference_with_what_to_do() -> None:
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \| (\d{3}) \| (.+?) \| (.+?) \|$", REFERENCE.read_text(), re.MULTILINE
    )
    told = {name: int(status) for name, status, _, _ in rows}
    assert len(told) == len(rows)
    assert told == {slug(title): status for title, (status,) in kinds().items()}
    assert all(len(cure) > 5 for *_, cure in rows)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, str]]:
    """A server with a living run, one that is over and one from elsewhere; and a token that may only look."""
    store = Store(tmp_path_factory.mktemp("problems") / "store")
    lively = Writer(store, RUN).live().start()
    Writer(store, "done").start().end()
    tokens = Tokens(store)
    part = tokens.make("part", Role.ADMIN, run=RUN).secret
    tokens.make("looker", Role.VIEW)
    server = launch.ThreadServer(store, port=0)
    served = client_of(server.start())
    served.client.post("api/baselines", json={"name": "base", "run": RUN}).raise_for_status()
    yield served, part
    served.client.close()
    server.stop()
    lively.die()


LINE = b'{"type":"log","seq":0,"time":1.0,"message":"x"}\n'
LINES = {"content-type": "application/x-ndjson"}

# What is asked, the kind of problem, what its detail repeats of it, and what it says to do.
REFUSED: list[tuple[str, str, dict[str, Any], str, str, str]] = [
    ("GET", "api/nothing", {}, "no-such-address", "/api/nothing", "openapi.json"),
    ("PUT", "api/runs", {}, "no-such-method-here", "PUT", "takes GET"),
    ("GET", "nothing.png", {}, "no-such-page", "/nothing.png", "./"),
    ("GET", "api/runs/nobody", {}, "no-such-run", "'nobody'", "GET api/runs lists"),
    ("GET", "api/runs?limit=many", {}, "not-understood", "'many'", "expected limit to be a whole number"),
    ("GET", f"api/runs/{RUN}/events?cursor=x", {}, "not-a-cursor", "'x'", "start from '0'"),
    ("GET", f"api/runs/{RUN}/metrics?name=no", {}, "no-such-metric", "'no'", "there are"),
    ("GET", f"api/runs/{RUN}/files/{'0' * 64}", {}, "no-such-file", "0" * 64, "its events name"),
    ("GET", f"api/runs/{RUN}/checkpoints/7", {}, "no-such-checkpoint", "'7'", "checkpoints lists"),
    ("DELETE", f"api/runs/{RUN}/notes/{'0' * 12}", {}, "no-such-note", "0" * 12, "lists those there are"),
    ("DELETE", f"api/runs/{RUN}", {}, "the-run-is-being-written", RUN, "stop"),
    ("GET", "api/baselines/no", {}, "no-such-baseline", "'no'", "GET api/baselines lists"),
    ("GET", "api/baselines/.no", {}, "not-a-baseline-s-name", "'.no'", "expected"),
    ("POST", "api/baselines", {"json": {"name": "base", "run": RUN}}, "there-is-one-of-this-name", "'base'", "PATCH"),
    ("DELETE", "api/tokens/no", {}, "no-such-token", "'no'", "GET api/tokens lists"),
    ("POST", "api/tokens", {"json": {"name": "owner", "role": "view"}}, "no-token-made", "'owner'", "expected"),
    ("POST", "api/runs/done/commands", {"json": {"name": "stop"}}, "the-run-has-ended", "done", "nothing can be asked"),
    (
        "POST",
        f"api/runs/{RUN}/commands",
        {"json": {"name": "dance"}},
        "no-such-command",
        "'dance'",
        "expected one of pause",
    ),
    ("POST", f"api/runs/{RUN}/notes", {"json": {"txt": 1}}, "not-understood", "txt", "expected a JSON object of text"),
    ("POST", "api/tokens", {"json": {"name": "ada", "role": "boss"}}, "not-understood", '"boss"', "role to be one of admin, control, view, write"),
    ("POST", "api/tokens", {"json": {"nam": "ada"}}, "not-understood", '{"nam":"ada"}', "no field 'nam': expected a JSON object of name, role, and"),
    ("POST", "api/tokens", {"json": {"name": "ada"}}, "not-understood", '{"name":"ada"}', "role is missing: expected"),
    ("POST", "api/tokens", {"json": {"name": "ada", "role": "view", "seconds": 0}}, "not-understood", "got 0", "seconds to be a number of more than 0 and less than"),
    ("POST", "api/tokens", {"json": [1]}, "not-understood", "[1]", "expected a JSON object of name, role"),
    ("POST", "api/tokens", {"content": b"{nope", "headers": JSON}, "not-understood", "{nope", "what is no JSON"),
    ("POST", f"api/runs/{RUN}/notes", {"json": {"text": " "}}, "not-understood", '" "', "text to be a word that is not blank"),
    ("PATCH", f"api/runs/{RUN}", {"json": {"tags": ["a", 5]}}, "not-understood", "got 5", "each of tags to be a word"),
    ("POST", f"api/runs/{RUN}/notes", {"content": b"{}"}, "another-content-type", "''", "Content-Type: application/json"),
    (
        "POST",
        f"api/runs/{RUN}/notes",
        {"content": b"x" * 300_000, "headers": JSON},
        "too-long",
        "262144",
        "send less",
    ),
    (
        "POST",
        "api/runs/far/events?at=0",
        {"content": b"no\n", "headers": LINES},
        "not-an-event",
        "line 1",
        "nothing was appended",
    ),
    (
        "POST",
        f"api/runs/{RUN}/events?at=0",
        {"content": LINE, "headers": LINES},
        "not-appended-to",
        RUN,
        "take another id",
    ),
    (
        "PUT",
        f"api/runs/far/files/{'0' * 64}",
        {"content": b"x", "headers": {"content-type": "application/octet-stream"}},
        "another-hash",
        "0" * 64,
        "send them again",
    ),
    ("GET", "api/runs", {"headers": {"host": "evil.example"}}, "not-a-name-of-this-server", "'evil.example'", "--allow-host"),
    ("GET", "api/runs", {"headers": {"origin": "http://evil.example"}}, "not-from-here", "evil.example", "--allow-origin"),
    ("GET", "api/runs", {"headers": {"x-api-key": "lcb_no"}}, "a-wrong-token", "that token", "livecb view"),
    ("GET", "api/runs", {"headers": {"x-api-key": ""}}, "no-token", "", "Authorization: Bearer"),
    ("GET", "api/runs?search=" + "a" * 33_000, {}, "too-long-an-address", "33", "less"),
]  # fmt: skip


@pytest.mark.parametrize("asked", REFUSED, ids=[f"{it[0]} {it[1][:40]} {it[3]}" for it in REFUSED])
def test_a_problem_says_its_kind_what_came_and_what_to_do(there: tuple[Served, str], asked: Any) -> None:
    method, path, more, kind, value, cure = asked
    answer = there[0].client.request(method, path, **more)
    check(answer, kind, value, cure)
    for inner in ("got b'", "`$.", "Invalid enum", "/store"):
        assert inner not in answer.json()["detail"]


def test_what_a_token_may_not_is_told_with_how_to_come_by_it(there: tuple[Served, str]) -> None:
    served, part = there
    answer = served.client.get("api/tokens", headers={"x-api-key": part})
    check(answer, "not-for-a-part-of-the-store", f"run {RUN}", "ask the owner for a token")


def check(answer: httpx.Response, kind: str, value: str, cure: str) -> None:
    assert answer.headers["content-type"] == PROBLEM_JSON, answer.text
    said = answer.json()
    assert said["type"] == TYPE + kind
    assert slug(said["title"]) == kind
    assert said["status"] == answer.status_code == said["error"]["status"]
    assert value in said["detail"], said["detail"]
    assert cure in said["detail"], said["detail"]
