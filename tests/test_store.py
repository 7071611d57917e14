from __future__ import annotations

import os
import re
import stat
import tempfile
import tracemalloc
from pathlib import Path

import pytest

from livecb.errors import LivecbWarning, RunNotFound, StoreError
from livecb.store import Store, default_root, new_run_id


def test_ids_sort_by_time_and_can_be_read_aloud() -> None:
    early, late = new_run_id(1_000_000_000), new_run_id(1_000_000_001)
    assert early < late
    assert re.fullmatch(r"20010909-014640-[a-z]+-[a-z]+", early)


def test_the_store_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIVECB_DIR", str(tmp_path))
    assert default_root() == tmp_path
    monkeypatch.delenv("LIVECB_DIR")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_root() == tmp_path / "data" / "livecb"


def test_a_store_that_is_not_there_holds_no_runs(tmp_path: Path) -> None:
    assert Store(tmp_path / "none").run_ids() == []


def test_runs_are_listed_oldest_first_and_other_folders_are_none(store: Store) -> None:
    for name in ("b", "a"):
        store.create(name).log().parts["main"].append(b"{}\n")
    (store.root / "no-run").mkdir()
    (store.root / ".hidden").mkdir()
    assert store.run_ids() == ["a", "b"]


@pytest.mark.parametrize("run_id", ["..", ".", "../x", "a/b", "", "a b", ".token", "x" * 129, "a\0b", "é"])
def test_an_id_that_is_a_path_never_meets_the_file_system(store: Store, run_id: str) -> None:
    with pytest.raises(RunNotFound, match="ids are letters"):
        store.run(run_id)
    with pytest.raises(StoreError, match="expected a run id"):
        store.create(run_id)


def test_a_run_that_is_not_there_says_how_to_find_those_that_are(store: Store) -> None:
    with pytest.raises(RunNotFound, match="livecb ls"):
        store.run("nothing")


@pytest.mark.parametrize("digest", ["../../etc/passwd", "a" * 63, "A" * 64, "g" * 64, ""])
def test_a_hash_that_is_a_path_never_meets_the_file_system(store: Store, digest: str) -> None:
    with pytest.raises(StoreError, match="SHA-256"):
        store.create("r").file_path(digest)


def test_files_are_kept_once_under_their_hash(store: Store) -> None:
    run = store.create("r")
    first, second = run.add_file(b"content", "a.bin", "x/y"), run.add_file(b"content", "b.bin", "x/y")
    assert first.hash == second.hash
    assert run.file_path(first.hash).read_bytes() == b"content"
    assert os.listdir(run.folder / "files") == [first.hash]


def test_names_and_tags_can_be_changed_beside_the_log(store: Store) -> None:
    run = store.create("r")
    run.label(name="better")
    run.label(tags=["good"])
    assert (run.labels.name, run.labels.tags) == ("better", ["good"])


def test_a_file_is_copied_in_pieces_and_once(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "weights.bin"
    source.write_bytes(b"0123456789" * 300_000)
    run = store.create("r")
    tracemalloc.start()
    kept = run.add_path(source, "weights", "x/y")
    assert tracemalloc.get_traced_memory()[1] < 2_500_000
    tracemalloc.stop()
    assert kept == run.add_file(source.read_bytes(), "weights", "x/y")
    assert run.add_path(source, "again", "x/y").hash == kept.hash
    assert run.file_path(kept.hash).read_bytes() == source.read_bytes()
    assert os.listdir(run.folder / "files") == [kept.hash]
    with pytest.raises(FileNotFoundError):
        run.add_path(tmp_path / "gone", "gone", "x/y")


@pytest.fixture
def unwritable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store's root that cannot be made, beside a folder for temporary files, which is returned."""
    (tmp_path / "file").touch()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("LIVECB_DIR", str(tmp_path / "file" / "store"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


def test_where_nothing_can_be_written_a_folder_of_our_own_is_used_each_time(unwritable: Path) -> None:
    for _ in range(2):
        with pytest.warns(LivecbWarning, match="set LIVECB_DIR"):
            assert Store.writable().root == unwritable / f"livecb-{os.getuid()}"


@pytest.mark.parametrize("trap", ["link", "open to all", "file"])
def test_a_spare_folder_that_others_could_write_to_is_not_used(unwritable: Path, trap: str) -> None:
    spare = unwritable / f"livecb-{os.getuid()}"
    if trap == "link":
        (unwritable / "elsewhere").mkdir()
        spare.symlink_to(unwritable / "elsewhere")
    elif trap == "file":
        spare.touch()
    else:
        spare.mkdir()
        spare.chmod(0o777)
    with pytest.warns(LivecbWarning, match="set LIVECB_DIR"):
        root = Store.writable().root
    assert root != spare
    assert root.parent == unwritable
    assert stat.S_IMODE(root.lstat().st_mode) == 0o700
