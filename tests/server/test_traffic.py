"""What a server counts of itself, as Prometheus reads it."""

from __future__ import annotations

import re

import httpx
import pytest
from watching import Served, Writer, take, until

from livecb import events as ev
from livecb.server.frames import SSE, WebSocketFraming

LINE = re.compile(r'livecb_\w+\{\w+="[^"]*"(,le="[^"]*")?\} -?\d+(\.\d+)?(e-?\d+)?')


def counts(served: Served) -> dict[str, float]:
    answer = served.client.get("metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in lines)
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_streams_are_counted_while_they_are_open_and_what_they_carried(
    served: Served, writer: Writer
) -> None:
    writer.metrics(100)
    assert counts(served)['livecb_streams_open{kind="sse"}'] == 0
    with served.stream(served.events(writer.run.id)) as stream:
        last = take(stream, 101)[-1]
        writer.say(ev.Log, message="more")
        take(stream, 1)
        assert counts(served)['livecb_streams_open{kind="sse"}'] == 1
        until(lambda: counts(served)['livecb_events_sent_total{kind="sse"}'] == 102)
    until(lambda: counts(served)['livecb_streams_open{kind="sse"}'] == 0)
    with served.stream(served.events(writer.run.id), {"last-event-id": last.id}) as stream:
        take(stream, 1)
    now = counts(served)
    assert now['livecb_streams_total{kind="sse"}'] == 2
    assert now['livecb_reconnects_total{kind="sse"}'] == 1
    assert now['livecb_bytes_sent_total{kind="sse"}'] > writer.path.stat().st_size
    until(lambda: counts(served)['livecb_stream_seconds_count{kind="sse"}'] == 2)
    assert now['livecb_stream_seconds_bucket{kind="sse",le="60"}'] >= 1


def test_batches_the_list_and_refusals_are_counted_apart(served: Served, writer: Writer) -> None:
    writer.metrics(9)
    served.get(served.events(writer.run.id))
    with served.stream("api/runs") as stream:
        take(stream, 1, "runs")
        until(lambda: counts(served)['livecb_streams_open{kind="runs"}'] == 1)
    for path in ("api/runs/no", "api/runs/no/events"):
        served.client.get(path)
        served.client.get(path, headers={"accept": "text/event-stream"})
    now = counts(served)
    assert now['livecb_events_sent_total{kind="json"}'] == 10
    assert now['livecb_errors_total{status="404"}'] == 4
    assert now['livecb_answers_total{status="200"}'] >= 2


def test_it_needs_the_token_as_everything_does(served: Served) -> None:
    path = f"{served.client.base_url}metrics"
    assert httpx.get(path).status_code == 401
    bearer = {"authorization": f"Bearer {served.address.token}"}
    assert httpx.get(path, headers=bearer).status_code == 200
    assert counts(served)['livecb_errors_total{status="401"}'] == 1


@pytest.mark.parametrize("framing", [SSE(), WebSocketFraming()])
def test_events_are_told_from_messages_of_the_transport(framing: SSE | WebSocketFraming) -> None:
    lines = [
        (ev.encode(ev.Log(seq=at, time=0, message='{"type":"cursor"}\n{"type":"run"}')), str(at))
        for at in range(3)
    ]
    framed = [framing.lines(run, lines, b"", b"") for run in (None, "A")]
    messages = [framing.cursor("3"), framing.message("reset", {"run": "A", "cursor": "0"})]
    assert framing.count(framing.glue.join([*framed, *messages])) == 6
