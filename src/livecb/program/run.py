"""`livecb run`: a program becomes a run, from its start to how it ended."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from livecb.program.ending import count_memory_kills, tell_ending
from livecb.program.follow import Follower
from livecb.program.patterns import Pattern
from livecb.program.process import Process
from livecb.run import Run
from livecb.sinks.server import Server
from livecb.start import init

__all__ = ["run_program"]

# What passes output on waits no longer than this for what records it.
_SWITCH_SECONDS = 0.0005


def run_program(
    argv: Sequence[str],
    *,
    project: str | None = None,
    name: str | None = None,
    tags: Sequence[str] = (),
    folder: Path | None = None,
    metrics: Sequence[Pattern] = (),
    common: bool = True,
    port: int | None = None,
    quiet: bool = False,
) -> int:
    """Run a program to its end, recorded as a run; return the exit code for the shell.

    Args:
        argv: The command and its arguments.
        project: What the run belongs to.
        name: Free text to show.
        tags: Words to find it by.
        folder: The store's folder.
        metrics: Patterns of the user's own.
        common: Whether to look for the common patterns, too.
        port: The server's port.
        quiet: Print no address.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    process = Process()
    sinks = [Server(port, quiet=quiet)] if os.environ.get("LIVECB_MODE", "").lower() != "offline" else []
    run = init(project, name, dir=folder, tags=tags, capture=None, sinks=sinks)
    kills = count_memory_kills()
    follower = Follower(run, metrics, common=common)
    try:
        process.start(argv, _environment(run), follower.tell)
    except OSError as error:  # it is there and can be executed, and yet not started: no shebang, no memory
        follower.close()
        print(f"livecb: cannot start {argv[0]}: {error.strerror}", file=sys.stderr)
        run.finish("failed", reason=f"cannot start {argv[0]}: {error.strerror}")
        return 126
    code = process.wait()
    follower.close()
    ending = tell_ending(code, process.passed, follower.error.text(), count_memory_kills() - kills)
    run.finish(ending.status, reason=ending.reason, error=ending.error, by=ending.by)
    return ending.code


def _environment(run: Run) -> dict[str, str]:
    """Return the program's environment: what in it begins a run of livecb's adds to this one."""
    environment = dict(os.environ)
    if run.folder is not None:
        environment.update(LIVECB_RUN_ID=run.id, LIVECB_DIR=str(run.folder.parent.absolute()))
    if not sys.stdout.isatty():
        # A pipe makes Python keep lines back until it has some thousand characters.
        environment.setdefault("PYTHONUNBUFFERED", "1")
    return environment
