"""`livecb watch`: a run in a terminal, with charts, where there is no browser."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from livecb.rights import note
from livecb.viewing import FOLDER, store_of

if TYPE_CHECKING:
    from livecb.control.commands import Asked
    from livecb.terminal.source import Served, Stored

__all__ = ["watch"]

_LATEST = "latest"
_WELL = ("completed", "stopped")


@click.command()
@click.argument("run", metavar="[RUN]", required=False)
@click.option("--dir", "--store", "folder", type=FOLDER, help="The store's folder. [LIVECB_DIR]")
@click.option("--url", help="The address of a server or a run elsewhere, with its token.")
@click.option("--by", help="Who asks, where something is asked of the run; this user if left out.")
@click.pass_context
def watch(
    context: click.Context, run: str | None, folder: Path | None, url: str | None, by: str | None
) -> None:
    """Watch a run in the terminal: state, progress, curves, log, and keys to pause, stop and save.

    RUN is what `livecb tail` takes, the latest if left out, or an address that livecb printed. Where
    the terminal cannot draw, lines are printed as by `livecb tail`. The exit code is 0 after `q`.
    """
    if run is not None and "://" in run:
        run, url = None, run
    if url is not None and folder is not None:
        raise click.UsageError("expected --dir or --url, got both: a run is in a folder or behind a server")
    draws = sys.stdout.isatty() and sys.stdin.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if not draws and url is None:
        # Of the same group, which knows both.
        assert context.parent is not None
        assert isinstance(context.parent.command, click.Group)
        context.invoke(context.parent.command.commands["tail"], run=run or _LATEST, folder=folder)
    from livecb.terminal.source import Served

    source = _source(run, folder, url)
    if isinstance(source, Served) and not draws:
        sys.exit(_print(source))
    try:
        from livecb.terminal.screen import Screen
    except ImportError as error:
        raise click.ClickException(
            f"livecb watch needs {error.name}: pip install 'livecb[watch]'; `livecb tail` needs nothing"
        ) from error
    from livecb.terminal.wording import summary

    screen = Screen(source, by)
    try:
        screen.run()
    finally:
        source.close()
    if screen.state is not None:
        click.echo(summary(screen.state))
    sys.exit(screen.return_code or 0)


def _source(run: str | None, folder: Path | None, url: str | None) -> Stored | Served:
    from livecb.lookup import find_run
    from livecb.terminal.source import Stored, find_served

    if url is None:
        store = store_of(folder)
        stored = find_run(store, run or _LATEST)

        def noting(asked: Asked) -> None:
            note(
                store,
                f"send {asked.name}",
                stored.id,
                by=asked.by,
                parameter=asked.parameter,
                value=asked.value,
            )

        return Stored(stored, noting)
    try:
        return find_served(url, run)
    except ImportError as error:
        raise click.ClickException("--url needs httpx: pip install 'livecb[client]'") from error


def _print(source: Served) -> int:
    """Print a run behind a server as lines until it is over; return the exit code of `livecb tail`."""
    from livecb.text import format_event

    for event in source.follow():
        if (text := format_event(event)) is not None:
            click.echo(text)
    return 0 if source.look()["status"] in _WELL else 1
