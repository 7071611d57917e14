"""A training elsewhere through the client: its events, and the files that they name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from livecb import events as ev
from livecb.errors import ApiError, StoreError
from livecb.store import Store

Ask = Callable[..., Any]

RUN = "20260103-000000-far-away"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4000


def begun() -> ev.Event:
    return ev.RunStarted(seq=0, time=1.0, version=ev.VERSION, run=RUN, name="far away")


def picture(seq: int, ref: ev.FileRef) -> ev.Event:
    return ev.Image(seq=seq, time=2.0, name="generated", file=ref)


def test_the_files_that_events_name_go_before_them_and_only_those_that_are_missing(
    ask: Ask, store: Store, tmp_path: Path
) -> None:
    digest = hashlib.sha256(PNG).hexdigest()
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / digest).write_bytes(PNG)
    ref = ev.FileRef(hash=digest, name="it.png", size=len(PNG), mime="image/png")
    at = ask("append", RUN, [begun(), picture(1, ref)], files=tmp_path / "files")
    assert ask("file", RUN, ref) == PNG
    kept = store.run(RUN).folder / "files" / digest
    written = kept.stat().st_mtime_ns
    ask("append", RUN, [picture(2, ref)], at, files={digest: PNG})
    assert kept.stat().st_mtime_ns == written
    assert [event.seq for event in ask("read", RUN)] == [0, 1, 2]


def test_an_event_whose_file_is_not_at_hand_is_not_appended(ask: Ask, store: Store, tmp_path: Path) -> None:
    ref = ev.FileRef(hash="0" * 64, name="it.png", size=3)
    for files in (tmp_path, {}):
        with pytest.raises(StoreError, match=r"it\.png.*nothing was appended"):
            ask("append", RUN, [begun(), picture(1, ref)], files=files)
    assert not (store.root / RUN).exists()


@pytest.mark.parametrize("kind", ["bytes", "path"])
def test_a_file_is_uploaded_and_named_by_what_comes_back(
    kind: str, ask: Ask, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "it.png").write_bytes(PNG)
    at = ask("append", RUN, [begun()])
    ref = ask("upload", RUN, PNG if kind == "bytes" else tmp_path / "it.png", name="a.png", mime="image/png")
    assert (ref.hash, ref.name, ref.size, ref.mime) == (
        hashlib.sha256(PNG).hexdigest(),
        "a.png",
        len(PNG),
        "image/png",
    )
    ask("append", RUN, [picture(1, ref)], at)
    (shown,) = ask("each_image", RUN)
    assert ask("file", RUN, shown.file) == PNG
    with pytest.raises(StoreError, match="cannot read"):
        ask("upload", RUN, tmp_path / "nothing.png")


def test_a_file_of_a_training_here_is_refused(ask: Ask, writer: Any) -> None:
    with pytest.raises(ApiError, match="take another id") as caught:
        ask("upload", writer.run.id, b"mine")
    assert caught.value.status == 409


def test_more_events_than_a_server_takes_at_once_are_appended_all_the_same(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livecb.client.writing._MOST", 1000)
    lines = [ev.Log(seq=seq, time=2.0, message="x" * 100) for seq in range(1, 60)]
    ends = {ask("append", RUN, [begun(), *lines]) for _ in range(2)}
    assert len(ends) == 1
    assert [event.seq for event in ask("read", RUN)] == list(range(60))
