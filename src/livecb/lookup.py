"""Lookup: the run that a person means by a word."""

from __future__ import annotations

import difflib

from livecb.errors import RunNotFound
from livecb.events import RunStarted, decode_lines
from livecb.logs.file import FileLog
from livecb.store import NOTES, Store, StoredRun

__all__ = ["LATEST", "by_last_write", "find_run", "name_of"]

LATEST = "latest"

_NEAR = 5


def find_run(store: Store, word: str) -> StoredRun:
    """Return the run that is meant by an id or either end of one, by a name or its beginning, or by `latest`.

    An id goes before a name, and a whole one before a part. Of several runs of a name it is the one
    written last.

    Raises:
        RunNotFound: There is none, or several begin or end like this; the message names those near.
        StoreError: The store cannot be read.
    """
    ids = store.run_ids()
    if not ids:
        raise RunNotFound(f"there are no runs in {store.root}; name another folder with --dir or LIVECB_DIR")
    if word in ids:
        return store.run(word)
    if word == LATEST:
        return by_last_write(store)[0]
    parts = [run_id for run_id in ids if run_id.startswith(word) or run_id.endswith(word)] if word else []
    if len(parts) == 1:
        return store.run(parts[0])
    names = {run.id: name_of(run) for run in by_last_write(store)}
    named = [run_id for run_id, name in names.items() if name == word]
    if named:
        return store.run(named[0])
    if parts:
        raise RunNotFound(
            f"{len(parts)} runs begin or end with {word!r}: {_listed(parts)}; write more of the id"
        )
    begun = {name: run_id for run_id, name in reversed(names.items()) if name and name.startswith(word)}
    if word and len(begun) == 1:
        return store.run(*begun.values())
    if word and begun:
        raise RunNotFound(f"{len(begun)} names begin with {word!r}: {_listed([*begun])}; write more of it")
    known = dict.fromkeys([*ids, *(name for name in names.values() if name)])
    near = difflib.get_close_matches(word, known, _NEAR)
    count = "is 1 run" if len(ids) == 1 else f"are {len(ids)} runs"
    hint = f"near it: {_listed(near)}" if near else f"there {count}"
    raise RunNotFound(f"no run {word!r} in {store.root}; {hint}. `livecb ls` lists all")


def by_last_write(store: Store) -> list[StoredRun]:
    """Return all runs, the one whose log was written last first.

    Raises:
        StoreError: The store cannot be read.
    """
    runs = [store.run(run_id) for run_id in store.run_ids()]
    return sorted(runs, key=lambda run: (_written(run), run.id), reverse=True)


def name_of(run: StoredRun) -> str | None:
    """Return a run's name, None if nothing says it."""
    if (given := run.labels.name) is not None:
        return given
    lines = FileLog(run.part_path()).read(limit=1).lines
    started = next((event for event in decode_lines(list(lines)) if isinstance(event, RunStarted)), None)
    return started.name if started else None


def _written(run: StoredRun) -> float:
    try:
        return max(run.part_path(name).stat().st_mtime for name in run.part_names() if name != NOTES)
    except OSError:  # it is being deleted
        return 0.0


def _listed(words: list[str]) -> str:
    shown = dict.fromkeys(words[-_NEAR:])
    return ", ".join(shown) + (" ..." if len(words) > _NEAR else "")
