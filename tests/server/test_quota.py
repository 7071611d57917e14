"""The room that a run's files have: counted once, however many come at once."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.requests import Request

from livecb.server import appending, quota
from livecb.server.access import ACCESS, Access, Role
from livecb.server.appending import Appending
from livecb.server.hub import Hub
from livecb.server.quota import Quota, sizes_in
from livecb.server.replies import Problem
from livecb.store import Store


def test_two_first_files_share_the_room_of_their_run() -> None:
    room = Quota(files=3, size=10)
    both = [room.share("a", [1]) for _ in range(2)]  # each was looked for before the other was counted
    with pytest.raises(Problem, match="has 3 files"):
        room.share("a")
    both[0].take(5)
    with pytest.raises(Problem, match="10 bytes"):
        both[1].take(5)
    both[1].end(kept=False)
    room.share("a").take(4)


def test_a_run_is_looked_through_anew_once_no_file_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "_KNOWN_SECONDS", 0.0)
    room = Quota(files=3)
    share = room.share("a", [1, 1])
    assert room.knows("a")
    share.end(kept=True)
    assert not room.knows("a")
    room.share("a", [])
    room.share("a")


def test_the_sizes_of_the_files_in_a_folder_are_told(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"123")
    assert sizes_in(tmp_path) == [3]
    assert sizes_in(tmp_path / "none") == []


def test_an_upload_that_ends_while_the_files_are_looked_through_takes_no_room(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, ended = threading.Event(), threading.Event()

    def slow(folder: Path) -> list[int]:
        looking.set()
        ended.wait(10)
        return []

    async def main() -> None:
        hub = Hub(store)
        handler = Appending(hub)
        words = {"run": "far", "digest": "0" * 64}
        scope = {"type": "http", "headers": [], "path_params": words, ACCESS: Access(Role.ADMIN)}
        uploading = asyncio.ensure_future(handler.upload(Request(scope)))
        await asyncio.to_thread(looking.wait, 10)
        uploading.cancel()
        await asyncio.wait({uploading})
        ended.set()
        await asyncio.gather(*[hub.work.do(lambda: None) for _ in range(2)])
        assert uploading.cancelled()
        assert not handler.quota.knows("far")
        hub.close()

    monkeypatch.setattr(appending, "sizes_in", slow)
    # In a thread of its own: the browser's tests leave a loop running in this one.
    with ThreadPoolExecutor(1) as aside:
        aside.submit(asyncio.run, main()).result()
