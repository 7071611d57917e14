"""A file is there whole or not at all, and nothing is left beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from livecb.errors import StoreError
from livecb.store import write_whole
from livecb.whole import whole


def test_a_file_is_there_when_all_of_it_is(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"before")
    with whole(path) as file:
        file.write(b"after")
        file.flush()
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"after"
    assert os.listdir(tmp_path) == ["it"]


@pytest.mark.parametrize("failure", [OSError("full"), ValueError("no"), KeyboardInterrupt()])
def test_what_fails_leaves_what_was_there_and_nothing_beside_it(
    tmp_path: Path, failure: BaseException
) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"before")

    def fail() -> None:
        with whole(path) as file:
            file.write(b"half of")
            raise failure

    with pytest.raises(type(failure)):
        fail()
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["it"]


def test_a_place_that_cannot_be_taken_is_named_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match=r"cannot write .*folder: "):
        write_whole(tmp_path / "folder", b"content")
    assert os.listdir(tmp_path) == ["folder"]
