"""The verbs of the command line about rights: tokens for others, links that show one run, and the audit."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from livecb.errors import StoreError
from livecb.viewing import FOLDER, store_of

if TYPE_CHECKING:
    from livecb.server.tokens import Token
    from livecb.store import Store

__all__ = ["audit", "note", "seconds_of", "share", "token", "user"]

_ROLES = ("view", "control", "write", "admin")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def seconds_of(word: str) -> float:
    """Return the seconds that a word like `30d`, `12h`, `90m` or `2w` means.

    Raises:
        StoreError: It is none.
    """
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)([smhdw])", word)
    if found is None or not float(found[1]):
        raise StoreError(f"expected a time such as 30d, 12h, 90m or 2w, got {word!r}")
    return float(found[1]) * _UNITS[found[2]]


def _dir(command: click.decorators.FC) -> click.decorators.FC:
    return click.option("--dir", "folder", type=FOLDER, help="The store's folder. [LIVECB_DIR]")(command)


@click.group()
def token() -> None:
    """Make, list and revoke tokens for others than the owner."""


@token.command("create")
@click.argument("name")
@click.option(
    "--role", type=click.Choice(_ROLES), required=True, help="Each may all that the one before may."
)
@click.option("--project", help="Only for the runs of this project.")
@click.option("--run", help="Only for this run: its id, or what `livecb tail` takes.")
@click.option(
    "--expires", metavar="TIME", help="How long it opens anything, such as 30d or 12h; for ever if left out."
)
@click.option("--streams", type=click.IntRange(1), help="How many streams may be open with it at once. [100]")
@click.option("--rate", metavar="N/s", help="How many requests a second it may make. [100/s]")
@_dir
def create(
    name: str,
    role: str,
    project: str | None,
    run: str | None,
    expires: str | None,
    streams: int | None,
    rate: str | None,
    folder: Path | None,
) -> None:
    """Make a token, and print its secret, which is shown this once."""
    from livecb.lookup import find_run
    from livecb.server.access import Role
    from livecb.server.tokens import RATE, STREAMS, Tokens

    store = store_of(folder)
    known = Role.of(role)
    if run is not None and known < Role.WRITE:  # who writes may make a run that is not there yet
        run = find_run(store, run).id
    made = Tokens(store).make(
        name,
        known,
        project=project,
        run=run,
        seconds=None if expires is None else seconds_of(expires),
        by=f"{user()} (terminal)",
        streams=streams or STREAMS,
        rate=RATE if rate is None else _rate_of(rate),
    )
    note(store, f"token create {name}", run, role=role, project=project)
    click.echo(made.secret)
    click.echo(f"livecb: this is shown once; {_words(made.token)}", err=True)


@token.command("ls")
@_dir
def list_tokens(folder: Path | None) -> None:
    """List the tokens, and when each was last used."""
    from livecb.server.tokens import Tokens
    from livecb.text import format_table

    tokens = Tokens(store_of(folder))
    rows = []
    for each in tokens.all():
        used = tokens.last_used(each)
        last = "never" if used is None else _when(used)
        rows.append([each.name, *_cells(each, "no end"), last, each.by or ""])
    if not rows:
        click.echo("no tokens; `livecb token create NAME --role view` makes one", err=True)
        return
    for line in format_table(["NAME", "ROLE", "FOR", "UNTIL", "LAST USED", "MADE BY"], rows):
        click.echo(line)


@token.command("revoke")
@click.argument("name")
@_dir
def revoke(name: str, folder: Path | None) -> None:
    """Let a token, or a link, open nothing any more; what it has open ends within two seconds."""
    from livecb.server.rights import made_with
    from livecb.server.tokens import Tokens

    store = store_of(folder)
    tokens = Tokens(store)
    if not tokens.revoke(name):
        raise StoreError(f"no token {name!r}; `livecb token ls` lists those there are")
    note(store, f"token revoke {name}", None)
    click.echo(f"{name} opens nothing any more")
    if made := made_with(tokens, name):
        click.echo(f"livecb: made with it, and open still: {', '.join(made)}", err=True)


@click.command()
@click.argument("run", metavar="RUN")
@click.option(
    "--expires", metavar="TIME", default="7d", show_default=True, help="How long, such as 7d or 12h."
)
@_dir
def share(run: str, expires: str, folder: Path | None) -> None:
    """Print a link that shows one run, and nothing else, to read only.

    RUN is what `livecb tail` takes. `livecb token ls` lists the links, `livecb token revoke` takes one back.
    """
    import msgspec

    from livecb.lookup import find_run
    from livecb.server import launch
    from livecb.server.rights import shared
    from livecb.server.tokens import Tokens

    store = store_of(folder)
    stored = find_run(store, run)
    made = shared(Tokens(store), stored.id, seconds_of(expires), f"{user()} (terminal)")
    note(store, f"share {made.token.name}", stored.id)
    address = launch.find(store.root)
    if address is None:
        click.echo("livecb: no server of this store runs; `livecb view` starts one", err=True)
        address = launch.Address("127.0.0.1", launch.DEFAULT_PORT, None)
    click.echo(msgspec.structs.replace(address, token=made.secret).url(stored.id))
    click.echo(f"livecb: {_words(made.token)}", err=True)


@click.command()
@click.option("-n", "--lines", type=click.IntRange(1), default=30, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an entry.")
@_dir
def audit(lines: int, as_json: bool, folder: Path | None) -> None:
    """Print who changed what, when, and from where; the newest first."""
    import msgspec

    from livecb.server.audit import Audit
    from livecb.text import format_table

    entries = Audit(store_of(folder)).last(lines)
    if as_json:
        for entry in entries:
            click.echo(msgspec.json.encode(entry).decode())
        return
    rows = []
    for entry in entries:
        said = ", ".join(f"{name}={value}" for name, value in entry.said.items())
        rows.append([_when(entry.time), entry.who, entry.address, str(entry.status), entry.what, said])
    for line in format_table(["WHEN", "WHO", "FROM", "STATUS", "WHAT", "SAID"], rows) if rows else ():
        click.echo(line)


def note(store: Store, what: str, run: str | None, **said: Any) -> None:
    """Write into the audit what was done in the terminal."""
    from livecb.server.audit import Audit, now

    kept = {name: value for name, value in said.items() if value is not None}
    Audit(store).write(now(user(), "terminal", what, run=run, said=kept))


def user() -> str:
    """Return the name of who sits at this terminal."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "owner"


def _rate_of(word: str) -> float:
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)(?:/s)?", word)
    if found is None or not float(found[1]):
        raise StoreError(f"expected a rate such as 10/s, got {word!r}")
    return float(found[1])


def _cells(token: Token, endless: str) -> tuple[str, str, str]:
    where = "all runs"
    if token.run is not None:
        where = f"run {token.run}"
    elif token.project is not None:
        where = f"project {token.project}"
    until = endless if token.expires is None else _when(token.expires)
    return token.role, where, "expired" if token.expired else until


def _words(token: Token) -> str:
    role, where, until = _cells(token, "revoked")
    return f"{token.name} may {role}, for {where}, until {until}"


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
