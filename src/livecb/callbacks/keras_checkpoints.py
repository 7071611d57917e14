"""The files that a Keras training's own callbacks save: nothing here changes them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

from livecb.callbacks.calls import asked
from livecb.resume import NOTE

__all__ = ["Checkpoints", "backup_note"]


class Checkpoints:
    """Follows the files that every `ModelCheckpoint` of a training writes.

    Keras tells callbacks neither of each other nor of their files; the list of them is read from the call
    that is under way. Those of `ModelCheckpoint` are looked for when an epoch is over for all of them.
    """

    def __init__(self) -> None:
        self._savers = [
            each for each in _callbacks() if hasattr(each, "filepath") and hasattr(each, "monitor")
        ]
        self._stamps: dict[str, int] = {}
        self._began = time.time_ns()  # what is older was saved by another training

    def new(self, epoch: int, logs: Mapping[str, Any]) -> Iterator[tuple[str, str | None, Any]]:
        """Yield path, metric and its value for each file written since this was last asked.

        Args:
            epoch: Number of the epoch that is over, from 0.
            logs: Its values.
        """
        for saver in self._savers:
            try:
                path = str(saver.filepath).format(epoch=epoch + 1, **logs)
                stamp = os.stat(path).st_mtime_ns
            except (LookupError, OSError, ValueError):  # named after a batch, or not saved
                continue
            if stamp >= self._began and self._stamps.get(path) != stamp:
                self._stamps[path] = stamp
                best = saver.save_best_only
                yield path, saver.monitor if best else None, logs.get(saver.monitor) if best else None


def backup_note() -> str | None:
    """Return where it is noted which run `BackupAndRestore` backs up, as an epoch begins; None without one.

    It goes with the backup, when the training has come to its end.
    """
    folders = [str(each.backup_dir) for each in _callbacks() if hasattr(each, "backup_dir")]
    return os.path.join(folders[0], NOTE) if folders and "://" not in folders[0] else None


def _callbacks() -> list[Any]:
    call = asked("keras.src.callbacks.callback_list", "on_epoch_begin")
    return list(getattr(call.get("self"), "callbacks", []))
