"""A training that a request starts, through FastAPI: its test client, and real sockets."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response

import livecb
from livecb import events as ev
from livecb.errors import ServerError
from livecb.server import create_app, stream_response
from livecb.server.pace import Pace
from livecb.server.serve import bind
from livecb.store import Store
from livecb.testing import Recorded

Training = Callable[[livecb.Run], Any]


class Score(BaseModel):
    name: str
    loss: float


@pytest.fixture
def recorded(store: Store) -> Recorded:
    return Recorded(store.root)


def app_of(training: Training, **options: Any) -> FastAPI:
    """Return an app whose POST /train starts the training."""
    app = FastAPI()

    @app.post("/train")
    async def train() -> Response:
        run = livecb.init("web", sinks=[], capture=None, system_interval=0)
        return stream_response(run, training(run), **options)

    return app


def messages(body: str) -> list[tuple[str, Any]]:
    """Return the events of a stream: their names, empty where they have none, and what they hold."""
    found = []
    for message in filter(None, body.split("\n\n")):
        fields = dict(line.split(": ", 1) for line in message.split("\n"))
        found.append((fields.get("event", ""), json.loads(fields["data"])))
    return found


def post(app: FastAPI) -> list[tuple[str, Any]]:
    with TestClient(app) as client:
        answer = client.post("/train")
    assert answer.status_code == 200
    return messages(answer.text)


@contextmanager
def served(app: FastAPI) -> Iterator[httpx.Client]:
    """Serve an app on a socket of its own."""
    sock = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, args=([sock],))
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{sock.getsockname()[1]}", timeout=20) as client:
        yield client
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive()


def until(is_so: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_answer_is_the_runs_log_and_then_the_result(recorded: Recorded) -> None:
    async def train(run: livecb.Run) -> dict[str, Any]:
        for step in range(1, 4):
            await run.alog({"loss": 1 / step}, step=step)
        return {"best": 1 / 3, "model": "small"}

    got = post(app_of(train))
    assert [data["type"] for name, data in got if not name] == ["run_started", *["metrics"] * 3, "run_ended"]
    assert got[-1] == ("result", {"run": recorded.run.id, "result": {"best": 1 / 3, "model": "small"}})
    (end,) = recorded.of(ev.RunEnded)
    assert (end.status, end.result) == ("completed", {"best": 1 / 3, "model": "small"})


def test_each_event_has_the_cursor_to_read_on_from(recorded: Recorded) -> None:
    async def train(run: livecb.Run) -> None:
        run.log({"loss": 1.0})

    with TestClient(app_of(train)) as client:
        body = client.post("/train").text
    ids = [line[4:] for line in body.splitlines() if line.startswith("id: ")]
    log = recorded.run.log()
    assert ids == list(log.read().cursors)


def test_events_come_while_the_training_goes_on() -> None:
    gate = threading.Event()

    async def train(run: livecb.Run) -> str:
        run.log({"loss": 1.0})
        while not gate.is_set():
            await asyncio.sleep(0.01)
        return "done"

    with served(app_of(train)) as client, client.stream("POST", "/train") as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        lines = answer.iter_lines()
        assert any('"type":"metrics"' in line for line in lines)
        assert not gate.is_set()
        gate.set()
        rest = list(lines)
    assert rest[-3] == "event: result"
    assert json.loads(rest[-2].removeprefix("data: "))["result"] == "done"


def test_a_training_that_fails_is_a_failed_run_and_an_error_at_the_end(
    recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    async def train(run: livecb.Run) -> None:
        run.log({"loss": 1.0})
        raise ValueError("no such data")

    with caplog.at_level(logging.ERROR, "livecb.server"):
        got = post(app_of(train))
    assert got[-1] == ("error", {"run": recorded.run.id, "error": "ValueError: no such data"})
    (end,) = recorded.of(ev.RunEnded)
    assert (end.status, end.error, end.reason) == ("failed", "ValueError: no such data", "ValueError")
    assert "in train" in str(end.traceback)
    assert [record.getMessage() for record in caplog.records] == [f"run {recorded.run.id} failed"]


@pytest.mark.parametrize("is_async", [True, False])
def test_an_exit_ends_the_training_and_not_the_server(recorded: Recorded, is_async: bool) -> None:
    async def leave() -> None:
        raise SystemExit(3)

    def leave_thread() -> None:
        raise SystemExit(3)

    with TestClient(app_of(lambda run: leave if is_async else leave_thread)) as client:
        got = messages(client.post("/train").text)
        assert client.get("/docs").status_code == 200
    assert got[-1][1]["error"] == "SystemExit: 3"
    assert [(end.status, end.reason) for end in recorded.of(ev.RunEnded)] == [("failed", "exit code 3")]


def test_a_plain_function_trains_in_a_thread_and_the_app_goes_on_answering(recorded: Recorded) -> None:
    gate = threading.Event()

    def train(run: livecb.Run) -> str:
        run.log({"loss": 1.0})
        assert gate.wait(10)
        return threading.current_thread().name

    app = app_of(lambda run: lambda: train(run))
    with served(app) as client, client.stream("POST", "/train") as answer:
        lines = answer.iter_lines()
        assert any('"type":"metrics"' in line for line in lines)
        assert client.get("/docs").status_code == 200
        gate.set()
        assert f'"result":"{recorded.run.id}_0"' in list(lines)[-2]
    assert [end.status for end in recorded.of(ev.RunEnded)] == ["completed"]


def test_a_function_that_makes_a_coroutine_is_that_coroutine() -> None:
    async def train(run: livecb.Run) -> str:
        await run.alog({"loss": 1.0})
        return threading.current_thread().name

    assert post(app_of(lambda run: lambda: train(run)))[-1][1]["result"].startswith("asyncio-portal")


def test_a_client_that_goes_takes_nothing_with_it(recorded: Recorded) -> None:
    gate = threading.Event()

    async def train(run: livecb.Run) -> str:
        run.log({"loss": 1.0})
        while not gate.is_set():
            await asyncio.sleep(0.01)
        run.log({"loss": 0.5})
        return "whole"

    with served(app_of(train)) as client:
        with client.stream("POST", "/train") as answer:
            next(answer.iter_lines())
        time.sleep(0.2)
        assert recorded.of(ev.RunEnded) == []
        gate.set()
        until(lambda: recorded.of(ev.RunEnded))
    assert [event.values["loss"] for event in recorded.of(ev.Metrics)] == [1.0, 0.5]
    assert [(end.status, end.result) for end in recorded.of(ev.RunEnded)] == [("completed", "whole")]


def test_a_client_that_goes_cancels_the_training_where_that_was_asked_for(recorded: Recorded) -> None:
    cleaned = threading.Event()

    async def train(run: livecb.Run) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.set()

    with served(app_of(train, cancel_on_disconnect=True)) as client:
        with client.stream("POST", "/train") as answer:
            next(answer.iter_lines())
        assert cleaned.wait(10)
        until(lambda: recorded.of(ev.RunEnded))
    assert [(end.status, end.reason) for end in recorded.of(ev.RunEnded)] == [("stopped", "CancelledError")]


@pytest.mark.parametrize("watched", [True, False])
def test_a_server_that_stops_stops_the_training_and_the_run_says_so(
    recorded: Recorded, watched: bool
) -> None:
    async def train(run: livecb.Run) -> None:
        await asyncio.sleep(60)

    with ExitStack() as stack, served(app_of(train)) as client:
        answer = stack.enter_context(client.stream("POST", "/train"))
        lines = answer.iter_lines()  # once it is gone, so is the client
        next(lines)
        if not watched:
            answer.close()
    assert [(end.status, end.reason) for end in recorded.of(ev.RunEnded)] == [("stopped", "CancelledError")]


def test_a_run_that_the_training_ended_itself_stays_as_it_ended(recorded: Recorded) -> None:
    async def train(run: livecb.Run) -> str:
        with run:
            run.finish("stopped", reason="enough")
        return "so far"

    got = post(app_of(train))
    assert got[-1] == ("result", {"run": recorded.run.id, "result": "so far"})
    assert [(end.status, end.reason) for end in recorded.of(ev.RunEnded)] == [("stopped", "enough")]


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (None, None),
        ([math.nan, math.inf], ["NaN", "Infinity"]),
        (np.float64(0.5), 0.5),
        ({"w": np.arange(3), "n": np.int64(2)}, {"w": [0, 1, 2], "n": 2}),
        ([Score(name="a", loss=0.25)], [{"name": "a", "loss": 0.25}]),
        ({(1, 2): "odd key"}, {"(1, 2)": "odd key"}),
        (list(range(20_000)), list(range(20_000))),
        ("x" * 50_000, "x" * 50_000),
        (object, "object"),
    ],
)
def test_a_result_of_any_kind_is_told_whole(result: Any, told: Any) -> None:
    async def train(run: livecb.Run) -> Any:
        return result

    assert post(app_of(train))[-1][1]["result"] == told


def test_a_model_that_the_training_returns_is_recorded_with_its_fields(recorded: Recorded) -> None:
    async def train(run: livecb.Run) -> Score:
        return Score(name="a", loss=0.25)

    post(app_of(train))
    assert recorded.of(ev.RunEnded)[0].result == {"name": "a", "loss": 0.25}


def test_a_result_whose_own_serialiser_fails_keeps_no_run_from_ending(recorded: Recorded) -> None:
    class Bad:
        def model_dump(self) -> Any:
            raise RuntimeError("no such field")

        def __repr__(self) -> str:
            return "Bad()"

    async def train(run: livecb.Run) -> Bad:
        return Bad()

    assert post(app_of(train))[-1][1]["result"] == "Bad()"
    assert [end.status for end in recorded.of(ev.RunEnded)] == ["completed"]


def test_a_run_that_does_nothing_still_trains_and_answers_with_its_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LIVECB_MODE", "disabled")

    async def train(run: livecb.Run) -> int:
        await run.alog({"loss": 1.0})
        return 7

    assert post(app_of(train)) == [("result", {"run": "", "result": 7})]


def test_a_silent_training_is_kept_alive_by_heartbeats() -> None:
    async def train(run: livecb.Run) -> None:
        await asyncio.sleep(0.5)

    got = post(app_of(train, pace=Pace(quick=0.01, idle=0.02, heartbeat=0.1)))
    assert 2 <= [name for name, _ in got].count("heartbeat") <= 5


def test_a_long_log_comes_whole_and_in_order() -> None:
    async def train(run: livecb.Run) -> None:
        for step in range(1, 5_001):
            run.log({"loss": 1 / step}, step=step)

    got = post(app_of(train))
    assert [data["seq"] for name, data in got if not name] == list(range(5_002))


def test_two_trainings_at_once_have_each_their_own_answer(recorded: Recorded) -> None:
    both = threading.Barrier(2)

    def train(run: livecb.Run) -> str:
        both.wait(10)
        run.log({"loss": 1.0})
        return run.id

    app = app_of(lambda run: lambda: train(run))
    got: list[list[tuple[str, Any]]] = []
    with served(app) as client:
        threads = [
            threading.Thread(target=lambda: got.append(messages(client.post("/train").text)))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert {answer[0][1]["run"] for answer in got} == {run.id for run in recorded.runs}
    for answer in got:
        assert answer[-1][1] == {"run": answer[0][1]["run"], "result": answer[0][1]["run"]}


def test_it_works_behind_middleware_and_beside_the_mounted_page(recorded: Recorded, store: Store) -> None:
    async def train(run: livecb.Run) -> str:
        run.log({"loss": 1.0})
        return "done"

    app = app_of(train)
    app.add_middleware(GZipMiddleware)
    app.add_middleware(BaseHTTPMiddleware, dispatch=lambda request, call_next: call_next(request))
    app.mount("/live", create_app(store, token=False))
    with served(app) as client:
        got = messages(client.post("/train").text)
        state = client.get(f"/live/api/runs/{recorded.run.id}").json()
    assert got[-1][1]["result"] == state["result"] == "done"


def test_a_server_that_tells_of_a_client_gone_by_an_error_keeps_the_training(recorded: Recorded) -> None:
    async def train(run: livecb.Run) -> str:
        await asyncio.sleep(0.1)
        return "whole"

    async def gone(message: Any) -> None:
        raise OSError("the client is gone")

    async def request() -> None:
        run = livecb.init(sinks=[], capture=None, system_interval=0)
        answer = stream_response(run, train(run))
        scope = {"type": "http", "method": "POST", "asgi": {"spec_version": "2.4"}}
        with pytest.raises(ClientDisconnect):
            await answer(scope, None, gone)  # type: ignore[arg-type]
        while run.active:
            await asyncio.sleep(0.02)

    asyncio.run(request())
    assert [(end.status, end.result) for end in recorded.of(ev.RunEnded)] == [("completed", "whole")]


def test_what_is_no_training_is_refused_with_the_cure(run: livecb.Run) -> None:
    with pytest.raises(TypeError, match="expected a coroutine or a function"):
        stream_response(run, 5)  # type: ignore[arg-type]
    with pytest.raises(ServerError, match="pass a coroutine"):
        stream_response(run, lambda: None, cancel_on_disconnect=True)
