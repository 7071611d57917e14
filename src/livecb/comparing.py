"""The verbs of the command line about baselines: what runs had reached, kept to compare others with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from livecb.errors import StoreError
from livecb.rights import note
from livecb.viewing import FOLDER, store_of

if TYPE_CHECKING:
    from livecb.baselines import Baseline
    from livecb.store import StoredRun

__all__ = ["baseline"]

_dir = click.option("--dir", "folder", type=FOLDER, help="The store's folder. [LIVECB_DIR]")


@click.group()
def baseline() -> None:
    """Keep what runs have reached under names, and compare other runs with it."""


@baseline.command("create")
@click.argument("name")
@click.argument("run", metavar="RUN")
@click.option("--description", default="", help="Free text to show with it.")
@_dir
def create(name: str, run: str, description: str, folder: Path | None) -> None:
    """Keep what a run has reached by now; RUN is what `livecb tail` takes."""
    from livecb.baselines import Baselines
    from livecb.lookup import find_run

    store = store_of(folder)
    known = Baselines(store)
    if known.get(name) is not None:
        raise StoreError(
            f"there is a baseline {name!r}: `livecb baseline delete {name}`, or take another name"
        )
    stored = find_run(store, run)
    made = _reached(name, stored, description)
    known.put(made)
    note(store, f"baseline create {name}", stored.id)
    click.echo(f"{name} is what {stored.id} has reached: {_told(made)}")


@baseline.command("ls")
@_dir
def list_baselines(folder: Path | None) -> None:
    """List the baselines."""
    import time

    from livecb.baselines import Baselines
    from livecb.text import format_duration, format_table

    found = Baselines(store_of(folder)).all()
    if not found:
        click.echo("no baselines; `livecb baseline create NAME RUN` makes one", err=True)
        return
    now = time.time()
    rows = [
        [each.name, each.run, f"{format_duration(now - each.taken)} ago", _told(each), each.description]
        for each in found
    ]
    for line in format_table(["NAME", "RUN", "TAKEN", "REACHED", "DESCRIPTION"], rows):
        click.echo(line)


@baseline.command("delete")
@click.argument("name")
@_dir
def delete(name: str, folder: Path | None) -> None:
    """Forget a baseline; its run stays."""
    from livecb.baselines import Baselines

    store = store_of(folder)
    if not Baselines(store).remove(name):
        raise _none(name)
    note(store, f"baseline delete {name}", None)
    click.echo(f"{name} is no baseline any more; its run stays")


@baseline.command("compare")
@click.argument("run", metavar="RUN")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, as in the HTTP API.")
@_dir
def compare(run: str, name: str, as_json: bool, folder: Path | None) -> None:
    """Print a run beside a baseline: each metric, and the settings that differ."""
    import msgspec

    from livecb.baselines import Baselines
    from livecb.lookup import find_run
    from livecb.server.baselines import compared
    from livecb.text import format_number, format_table

    store = store_of(folder)
    other = Baselines(store).get(name)
    if other is None:
        raise _none(name)
    stored = find_run(store, run)
    found = compared(_reached("", stored), other)
    if as_json:
        said = {"run": stored.id, "baseline": name, "with": other.run, "taken": other.taken, **found}
        click.echo(msgspec.json.encode(said).decode())
        return
    rows = [
        [
            metric,
            *(format_number(row[word]) for word in ("run", "baseline", "difference")),
            row["verdict"] or "",
        ]
        for metric, row in found["metrics"].items()
    ]
    for line in format_table(["METRIC", "RUN", name.upper(), "DIFFERENCE", ""], rows):
        click.echo(line)
    for setting, values in found["config"].items():
        click.echo(f"{setting}: {values['run']} (baseline: {values['baseline']})")


def _reached(name: str, run: StoredRun, description: str = "") -> Baseline:
    from livecb.server.baselines import reached
    from livecb.server.index import Index

    index = Index(run)
    try:
        return reached(name, run.id, index.state_json(run.alive()), description)
    finally:
        index.close()


def _told(baseline: Baseline) -> str:
    """Return the metrics of which it is known which way is better, else the first ones."""
    from livecb.text import format_number

    named = [(key, row["best"]) for key, row in baseline.metrics.items() if row["goal"]]
    shown = named or [(key, row["value"]) for key, row in baseline.metrics.items()]
    return "  ".join(f"{key} {format_number(value)}" for key, value in shown[:3]) or "no metrics"


def _none(name: str) -> StoreError:
    return StoreError(f"no baseline {name!r}; `livecb baseline ls` lists those there are")
