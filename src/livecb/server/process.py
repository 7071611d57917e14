"""What a process that does nothing but serve should set, once: it is not for a training's process."""

from __future__ import annotations

import gc
import logging
import logging.handlers
import os
import signal
import sys
from pathlib import Path

from livecb.server.launch import log_path

__all__ = ["detach", "hear_signals", "log_into", "prepare"]

_LOG_BYTES = 256 << 10
_MANY_FILES = 65_536
# While a thread folds a long log, the loop that serves the viewers waits no longer than this for its turn.
_SWITCH_SECONDS = 0.001


def detach() -> None:
    """Go on as nobody's child; stdout is held, and its end tells who started this process of ours.

    It must come before any thread is started.

    Raises:
        OSError: There is no room for another process.
    """
    if hasattr(os, "fork") and os.fork():
        os._exit(0)
    os.dup(1)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)


def hear_signals() -> None:
    """Let signals through that were blocked where this process was started: it must be possible to end it."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


def prepare() -> None:
    """Make room for many viewers, and keep their waits short.

    The process keeps its usual priority: at a lower one, a training that uses all processors delays what
    viewers see by several tenths of a second, and gains too little to be measured.
    """
    _allow_many_files()
    _collect_garbage_seldom()
    sys.setswitchinterval(_SWITCH_SECONDS)


def log_into(root: Path) -> None:
    """Write what goes wrong into the store's `.server.log`, which stays small; else to stderr."""
    handler: logging.Handler
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = logging.handlers.RotatingFileHandler(
            os.fspath(log_path(root)), maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8"
        )
    except OSError:
        handler = logging.StreamHandler()
    logging.basicConfig(
        level=logging.WARNING, handlers=[handler], format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("livecb").setLevel(logging.INFO)


def _allow_many_files() -> None:
    try:
        import resource
    except ImportError:  # pragma: no cover - Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MANY_FILES if hard == resource.RLIM_INFINITY else min(_MANY_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _collect_garbage_seldom() -> None:
    """Look for cyclic garbage seldom, and not among what stays: a full look takes 35 ms with 1,000 viewers.

    What a stream allocates is freed when the last reference goes; few cycles come into being.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
