"""How many watch a run: told in its State, while they do."""

from __future__ import annotations

import json
import time

import httpx
from watching import Served, Writer

from livecb.store import Store


def viewers(served: Served, run: str) -> int:
    return int(served.client.get(f"api/runs/{run}").json()["viewers"])


def wait_for_viewers(served: Served, run: str, wanted: int) -> None:
    deadline = time.monotonic() + 30
    while (known := viewers(served, run)) != wanted:
        assert time.monotonic() < deadline, known
        time.sleep(0.02)


def test_a_run_tells_how_many_watch_it_and_other_runs_do_not(
    served: Served, store: Store, writer: Writer
) -> None:
    run, other = writer.run.id, Writer(store, "20260101-000000-calm-otter").start()
    assert viewers(served, run) == 0
    address = f"api/runs/{run}/events"
    sse = {"Accept": "text/event-stream"}
    with served.client.stream("GET", address, headers=sse):
        wait_for_viewers(served, run, 1)
        both = {"runs": f"{run},{other.run.id}"}
        with served.client.stream("GET", "api/stream", params=both, headers=sse):
            wait_for_viewers(served, run, 2)
            wait_for_viewers(served, other.run.id, 1)
        with served.client.stream("GET", address, params={"types": "run_ended"}, headers=sse) as waiting:
            assert next(waiting.iter_lines())
            wait_for_viewers(served, run, 1)
    wait_for_viewers(served, run, 0)


def test_who_watches_is_told_when_somebody_comes_and_goes(served: Served, writer: Writer) -> None:
    address = f"api/runs/{writer.run.id}/events?state=1"
    sse = {"Accept": "text/event-stream"}
    with served.client.stream("GET", address, headers=sse, timeout=30) as mine:
        told = (json.loads(line[6:])["viewers"] for line in mine.iter_lines() if '"viewers":' in line)
        assert 1 in told
        with httpx.Client(base_url=served.client.base_url, headers=served.client.headers) as other:
            with other.stream("GET", address, headers=sse):
                assert 2 in told
        assert 1 in told
