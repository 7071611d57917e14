"""The verb of the command line that writes a note on a run."""

from __future__ import annotations

from pathlib import Path

import click

from livecb.rights import note as tell
from livecb.rights import user
from livecb.viewing import FOLDER, store_of

__all__ = ["note"]

_MOST = 10_000


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("text")
@click.option("--step", type=click.IntRange(0), help="The step it is about; the whole run if left out.")
@click.option("--by", help="Who writes; this user if left out.")
@click.option("--dir", "folder", type=FOLDER, help="The store's folder. [LIVECB_DIR]")
def note(run: str, text: str, step: int | None, by: str | None, folder: Path | None) -> None:
    """Write a note on a run, or on one step of it; every viewer sees it at once.

    RUN is what `livecb tail` takes.
    """
    from livecb.lookup import find_run
    from livecb.server.notes import NewNote, add_note

    if not text.strip() or len(text) > _MOST:
        raise click.BadParameter(
            f"expected a text of 1 to {_MOST} letters that is not blank, got {len(text)}", param_hint="TEXT"
        )
    store = store_of(folder)
    stored = find_run(store, run)
    author = (by or user())[:200]
    add_note(stored, NewNote(text=text, author=author, step=step))
    tell(store, "note", stored.id, by=author, step=step)
    click.echo(f"noted on {stored.id}" + ("" if step is None else f", step {step}"))
