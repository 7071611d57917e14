"""What ends a follower: the run or the right is gone, or nobody listens any more; and whose clock counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from watching import Writer, until

from livecb import events as ev
from livecb.client import AsyncClient, Client
from livecb.errors import ApiError, RunNotFound
from livecb.server.launch import Address


@pytest.fixture(params=["blocking", "asyncio"])
def follow(request: pytest.FixtureRequest) -> Callable[..., list[Any]]:
    """Follow a run until it raises; `also` is called after each event."""

    def blocking(url: str, run: str, also: Callable[[], None], **options: Any) -> Any:
        with Client(url) as client, client.follow(run, **options) as followed:
            for _ in followed:
                also()

    async def asynchronous(url: str, run: str, also: Callable[[], None], **options: Any) -> Any:
        async with AsyncClient(url) as client, client.follow(run, **options) as followed:
            async for _ in followed:
                await asyncio.to_thread(also)

    if request.param == "blocking":
        return blocking
    return lambda *args, **options: asyncio.run(asynchronous(*args, **options))


def test_a_run_that_is_deleted_while_it_is_followed_is_no_more(
    server: Address, writer: Writer, follow: Any
) -> None:
    writer.die()

    def delete() -> None:
        with Client(server.url()) as client:
            client.delete(writer.run.id)

    with pytest.raises(RunNotFound, match=writer.run.id):
        follow(server.url(), writer.run.id, delete, until_end=False)


def test_a_token_that_is_revoked_ends_what_follows_with_it_and_says_what_to_do(
    server: Address, writer: Writer, follow: Any
) -> None:
    with Client(server.url()) as owner:
        made = owner.tokens.create("guest", run=writer.run.id)
        address = f"http://{server.host}:{server.port}/?token={made.token}"
        with pytest.raises(ApiError, match="livecb") as caught:
            follow(address, writer.run.id, lambda: owner.tokens.revoke("guest"))
    assert caught.value.status == 401


def test_a_follower_that_is_closed_or_cancelled_hangs_up(server: Address, writer: Writer) -> None:
    headers = {"authorization": f"Bearer {server.token}"}
    with httpx.Client(base_url=f"http://{server.host}:{server.port}", headers=headers, timeout=20) as raw:

        def opened() -> int:
            found = [line for line in raw.get("/metrics").text.splitlines() if "streams_open{" in line]
            return sum(int(float(line.split()[-1])) for line in found)

        with Client(server.url()) as client:
            followed = client.follow(writer.run.id)
            next(followed)
            assert opened() == 1
            followed.close()
            until(lambda: opened() == 0)
            assert next(followed, None) is None

        async def cancelled() -> None:
            async with AsyncClient(server.url()) as client:
                came = asyncio.Event()

                async def all_of_it() -> None:
                    async for _ in client.follow(writer.run.id):
                        came.set()

                task = asyncio.create_task(all_of_it())
                await came.wait()
                assert await asyncio.to_thread(opened) == 1
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                # The client lives on: it is the follower's own connection that was let go.
                await asyncio.to_thread(until, lambda: opened() == 0)
                assert (await client.get(writer.run.id)).name == "a run"

        asyncio.run(cancelled())


def test_clocks_that_are_years_apart_lose_no_event_and_make_no_run_longer(
    server: Address, writer: Writer, follow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    clock = time.time
    monkeypatch.setattr(
        time, "time", lambda: clock() - 3e8
    )  # the server and the reader are behind the training
    writer.say(ev.Metrics, step=1, values={"a": 1.0})
    writer.end()
    writer.die()
    follow(server.url(), writer.run.id, lambda: seen.append(1))
    assert len(seen) == 3
    with Client(server.url()) as client:
        state = client.get(writer.run.id)
    assert state.now is not None
    assert state.elapsed == 2.0
    assert state.started == 1_795_230_000.0
