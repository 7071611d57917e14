"""Deleting a run: nothing is lost by a slip, and nothing that lives is hurt."""

from __future__ import annotations

import os
import time

import pytest

from livecb.errors import RunNotFound, RunWritten, StoreError
from livecb.run import Run
from livecb.store import Store, StoredRun
from livecb.trash import DAYS, Trash, Trashed


def made(store: Store, run_id: str, line: bytes = b"{}\n") -> StoredRun:
    run = store.create(run_id)
    run.log().parts["main"].append(line)
    return run


def test_a_deleted_run_is_gone_and_comes_back_as_it_was(store: Store) -> None:
    trash, run = Trash(store), made(store, "a", b'{"a":1}\n')
    before = time.time()
    deleted = trash.put(run)
    assert store.run_ids() == []
    assert [entry.run for entry in trash.list()] == ["a"]
    assert before - 1 <= deleted.deleted <= time.time() + 1
    assert trash.restore("a").part_path().read_bytes() == b'{"a":1}\n'
    assert store.run_ids() == ["a"]
    assert trash.list() == []


def test_a_run_that_is_being_written_is_not_deleted(store: Store, run: Run) -> None:
    with pytest.raises(RunWritten, match="stop it"):
        Trash(store).put(store.run(run.id))
    assert store.run_ids() == [run.id]
    run.finish()
    Trash(store).put(store.run(run.id))
    assert store.run_ids() == []


def test_a_writer_that_comes_in_between_has_its_run_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made(store, "a")
    monkeypatch.setattr(StoredRun, "alive", lambda self: ".trash" in self.folder.parts)
    with pytest.raises(RunWritten, match="just now"):
        Trash(store).put(run)
    assert store.run_ids() == ["a"]


def test_two_runs_of_one_id_lie_side_by_side_and_neither_covers_another(store: Store) -> None:
    trash = Trash(store)
    trash.put(made(store, "a", b'{"n":1}\n'))
    assert trash.put(made(store, "a", b'{"n":2}\n')).run == "a.2"
    made(store, "a")
    with pytest.raises(StoreError, match="again"):
        trash.restore("a")
    assert trash.restore("a.2").part_path().read_bytes() == b'{"n":2}\n'


def test_what_has_lain_long_goes_with_the_next_deletion(store: Store) -> None:
    trash = Trash(store)
    trash.put(made(store, "old"))
    trash.put(made(store, "young"))
    then = time.time() - (DAYS + 1) * 86400
    os.utime(trash.folder / "old", (then, then))
    trash.put(made(store, "now"))
    assert {entry.run for entry in trash.list()} == {"young", "now"}
    assert trash.empty() == 2
    assert trash.list() == []


def test_a_run_in_the_trash_is_never_called_as_another_that_is_there(store: Store) -> None:
    trash = Trash(store)
    trash.put(made(store, "a"))
    made(store, "a.2")
    assert trash.put(made(store, "a")).run == "a.3"
    assert trash.restore("a.3").id == "a.3"


def test_each_that_goes_for_good_is_told_of_before_it_does(store: Store) -> None:
    told: list[tuple[str, bool]] = []
    trash = Trash(store, lambda entry: told.append((entry.run, (trash.folder / entry.run).exists())))
    for name in ("old", "one", "more"):
        assert trash.put(made(store, name)).deleted == pytest.approx(time.time(), abs=5)
    then = time.time() - (DAYS + 1) * 86400
    os.utime(trash.folder / "old", (then, then))
    trash.put(made(store, "now"))
    trash.remove("one")
    assert told == [("old", True), ("one", True)]
    trash.empty()
    assert sorted(told[2:]) == [("more", True), ("now", True)]


def test_what_cannot_be_told_of_stays(store: Store) -> None:
    def goes(entry: Trashed) -> None:
        raise StoreError("no")

    trash = Trash(store, goes)
    trash.put(made(store, "a"))
    with pytest.raises(StoreError, match="no"):
        trash.remove("a")
    assert trash.restore("a").id == "a"


@pytest.mark.parametrize("name", ["..", "../a", "", "a/b", ".hidden", "missing"])
def test_a_name_that_is_a_path_never_meets_the_file_system(store: Store, name: str) -> None:
    made(store, "a")
    for act in (Trash(store).restore, Trash(store).remove):
        with pytest.raises(RunNotFound):
            act(name)
    assert store.run_ids() == ["a"]
