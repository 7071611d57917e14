"""A file that comes over the net is there whole, or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from livecb.client.saving import Saving
from livecb.errors import ServerError, StoreError


def test_what_came_is_there_once_all_of_it_has(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with Saving(path, hashlib.sha256(b"weights").hexdigest()) as saving:
        saving.write(b"wei")
        assert not path.exists()
        saving.write(b"ghts")
    assert path.read_bytes() == b"weights"
    assert os.listdir(tmp_path) == ["model.pt"]


def test_what_is_not_as_its_hash_says_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="got 4 bytes of another"):
        with Saving(tmp_path / "model.pt", "0" * 64) as saving:
            saving.write(b"else")
    assert os.listdir(tmp_path) == []


def test_a_folder_in_its_place_is_named_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    with pytest.raises(StoreError, match=r"cannot write .*models: .*; name another file"):
        with Saving(tmp_path / "models") as saving:
            saving.write(b"weights")
    assert os.listdir(tmp_path) == ["models"]


def test_a_disk_that_is_full_is_named_and_nothing_stays_on_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No space left"):
        with Saving(tmp_path / "model.pt"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert os.listdir(tmp_path) == []
