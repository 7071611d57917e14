"""`livecb export`: a run to take along, in a file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from livecb.viewing import FOLDER, store_of
from livecb.whole import whole

if TYPE_CHECKING:
    from livecb.store import StoredRun

__all__ = ["export"]

_KINDS = ("html", "jsonl", "csv", "parquet")
_MEGABYTE = 1_000_000


@click.command()
@click.argument("run", metavar="RUN")
@click.option(
    "--html", "kind", flag_value="html", help="The page with the run inside: opens anywhere, offline."
)
@click.option("--jsonl", "kind", flag_value="jsonl", help="Every event, as it stands in the log.")
@click.option("--csv", "kind", flag_value="csv", help="Every value of every metric, a row each.")
@click.option("--parquet", "kind", flag_value="parquet", help="The same as Parquet, which needs pyarrow.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write; `-` for stdout. [RUN's id with the format's suffix, here]",
)
@click.option(
    "--limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MB",
    help="With --html: its most megabytes. [25]",
)
@click.option("--dir", "folder", type=FOLDER, help="The store's folder. [LIVECB_DIR]")
def export(run: str, kind: str | None, output: Path | None, limit: float | None, folder: Path | None) -> None:
    """Write a run to a file: to keep, to send, or to work on.

    RUN is what `livecb tail` takes. A run that goes on is written as it is now.
    """
    from livecb.lookup import find_run

    if kind is None and output is not None:
        kind = output.suffix[1:] if output.suffix[1:] in _KINDS else None
    if kind is None:
        raise click.UsageError("expected one of --html, --jsonl, --csv and --parquet, or a file that ends so")
    if limit is not None and kind != "html":
        raise click.UsageError(f"--limit is for --html: {kind} holds all of a run")
    stored = find_run(store_of(folder), run)
    path = output or Path(f"{stored.id}.{kind}")
    if str(path) == "-":
        _write(stored, kind, limit, sys.stdout.buffer)
        return
    left = _replaced(path, lambda file: _write(stored, kind, limit, file))
    size = path.stat().st_size
    click.echo(
        f"{path}  {size / _MEGABYTE:,.1f} MB" if size >= _MEGABYTE else f"{path}  {size / 1000:,.0f} kB"
    )
    for sentence in left:
        click.echo(f"livecb: {sentence}", err=True)


def _write(run: StoredRun, kind: str, limit: float | None, file: BinaryIO) -> list[str]:
    """Write a run, and return what was left out."""
    if kind == "html":
        from livecb.server.offline import LIMIT, write_copy

        return write_copy(run, file, limit=LIMIT if limit is None else int(limit * _MEGABYTE)).left
    from livecb.server.export import write_export

    write_export(run, kind, file)
    return []


def _replaced(path: Path, write: Callable[[BinaryIO], list[str]]) -> list[str]:
    """Write a file as a whole or not at all: what was there stays where it fails."""
    try:
        with whole(path) as file:
            return write(file)
    except OSError as error:
        raise click.ClickException(
            f"cannot write {path}: {error.strerror}; name another file with -o"
        ) from error
