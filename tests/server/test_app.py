"""The app by itself, and mounted in an app of the user's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from watching import Served, Writer, take

from livecb import events as ev
from livecb.server import create_app, launch, pages
from livecb.server.serve import bind
from livecb.store import Store


@contextmanager
def mounted(app: object, token: str | None, prefix: str = "") -> Iterator[Served]:
    sock = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, args=([sock],))
    thread.start()
    port = sock.getsockname()[1]
    headers = {"x-api-key": token or ""}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}{prefix}/", headers=headers, timeout=20) as client:
        yield Served(launch.Address("127.0.0.1", port, token), client)
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built page."""
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text('<!doctype html><script src="./assets/page-1a2b.js"></script>')
    (static / "assets" / "page-1a2b.js").write_text("run()")
    (static / "icon.svg").write_text("<svg/>")
    monkeypatch.setattr(pages, "STATIC", static)
    return static


def test_it_works_under_a_prefix_of_a_fastapi_app(store: Store, page: Path) -> None:
    writer = Writer(store).live().start()
    app = FastAPI()
    app.mount("/live", create_app(store, token="t"))
    with mounted(app, "t", "/live") as served:
        assert [row["run"] for row in served.get("api/runs")["runs"]] == [writer.run.id]
        with served.stream(served.events(writer.run.id), state="1") as stream:
            take(stream, 1)
            line = writer.say(ev.Log, message="there")
            assert take(stream, 1)[0].data.encode() == line
        opened = served.client.get(
            f"r/{writer.run.id}?token=t", headers={"x-api-key": ""}, follow_redirects=True
        )
        assert opened.status_code == 200
        assert opened.url.path == f"/live/r/{writer.run.id}"
        assert served.client.get("r/assets/page-1a2b.js", headers={"x-api-key": ""}).text == "run()"
        cookie = next(iter(served.client.cookies.jar))
        assert cookie.path == "/live"
    writer.die()


def test_middleware_of_the_host_may_stand_before_it(store: Store) -> None:
    writer = Writer(store).live().start()
    app = FastAPI()
    app.add_middleware(GZipMiddleware)
    app.add_middleware(BaseHTTPMiddleware, dispatch=lambda request, call_next: call_next(request))
    app.mount("/live", create_app(store, token=False))
    with (
        mounted(app, None, "/live") as served,
        served.stream(served.events(writer.run.id), {"accept-encoding": "identity"}) as stream,
    ):
        take(stream, 1)
        line = writer.say(ev.Log, message="there")
        assert take(stream, 1)[0].data.encode() == line
    writer.die()


def test_without_a_token_the_host_decides_who_gets_here(store: Store) -> None:
    Writer(store).start()
    with mounted(create_app(store.root, token=False), None) as served:
        assert len(served.get("api/runs")["runs"]) == 1
        assert served.client.get("api/runs", headers={"host": "evil.example"}).status_code == 421


def test_the_page_is_the_same_file_everywhere_and_its_assets_never_change(store: Store, page: Path) -> None:
    with mounted(create_app(store, token="t"), "t") as served:
        home, run = served.client.get(""), served.client.get("r/any-run")
        assert home.content == run.content == (page / "index.html").read_bytes()
        assert home.headers["cache-control"] == "no-cache"
        for path in ("assets/page-1a2b.js", "r/assets/page-1a2b.js"):
            asset = served.client.get(path)
            assert asset.text == "run()"
            assert "immutable" in asset.headers["cache-control"]
            assert "javascript" in asset.headers["content-type"]
        slash = served.client.get("r/any-run/", follow_redirects=False)
        assert slash.headers["location"] == "../any-run"
        assert served.client.get("icon.svg").text == "<svg/>"
        assert served.client.get("nothing.svg").status_code == 404


def test_a_page_that_was_not_built_says_so(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "STATIC", tmp_path / "nowhere")
    with mounted(create_app(store, token="t"), "t") as served:
        assert "api/runs" in served.client.get("").text
        assert '"../api/runs"' in served.client.get("r/any-run").text


def test_what_is_not_there_is_said_in_json(served: Served) -> None:
    for path in ("api/nothing", "r/a/b/c", "api/runs/x/nothing"):
        response = served.client.get(path)
        assert response.status_code == 404
        assert response.json()["error"]["status"] == 404


def test_where_there_is_only_something_to_read_nothing_else_is_allowed(
    served: Served, writer: Writer
) -> None:
    for path in ("api/runs", f"api/runs/{writer.run.id}/series", "api/schema"):
        assert served.client.post(path).status_code == 405
        assert served.client.delete(path).status_code == 405


def test_the_schema_of_a_line_is_served(served: Served) -> None:
    assert "run_started" in str(served.get("api/schema"))


def test_head_of_a_stream_ends(served: Served, writer: Writer) -> None:
    response = served.client.head(served.events(writer.run.id), headers={"accept": "text/event-stream"})
    assert response.status_code == 200
    assert response.headers["x-accel-buffering"] == "no"
    assert response.headers["cache-control"] == "no-store"


def test_a_store_that_cannot_be_listed_says_why(served: Served, store: Store) -> None:
    store.root.rename(store.root.with_name("away"))
    store.root.write_text("not a folder")
    for headers in ({}, {"accept": "text/event-stream"}):
        response = served.client.get("api/runs", headers=headers)
        assert response.status_code == 500
        assert str(store.root) in response.json()["error"]["detail"]
    assert served.client.get("api/health").status_code == 200


def test_a_log_that_cannot_be_read_says_why(served: Served, store: Store) -> None:
    run = Writer(store).run
    run.part_path().mkdir()
    for path in (f"api/runs/{run.id}", served.events(run.id), f"api/runs/{run.id}/series"):
        response = served.client.get(path)
        assert response.status_code == 500
        assert "events.jsonl" in response.json()["error"]["detail"]


def test_a_run_that_has_not_said_anything_yet_is_starting(served: Served, store: Store) -> None:
    writer = Writer(store).live()
    assert served.get(f"api/runs/{writer.run.id}")["status"] == "starting"
    assert served.get(f"api/runs/{writer.run.id}/series")["series"] == {}
    with served.stream(served.events(writer.run.id)) as stream:
        assert next(stream).json["cursor"] == "0"
        writer.start()
        assert take(stream, 1)[0].json["type"] == "run_started"
    writer.die()
