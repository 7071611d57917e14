"""The command line: one function a verb.

Only what a verb needs is imported, when it runs.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import click

from livecb import __version__, noting
from livecb.browser import open_browser
from livecb.comparing import baseline
from livecb.errors import LivecbError, RunNotFound
from livecb.exporting import export
from livecb.rights import audit, note, share, token
from livecb.viewing import FOLDER, PORT, store_of, view
from livecb.watching import watch

__all__ = ["main"]

_WELL = ("completed", "stopped", None)


class _NotFound(click.ClickException):
    exit_code = 2


class _Commands(click.Group):
    """Turns livecb's errors into messages: 1 for what failed, 2 for what was asked wrongly; Ctrl-C is 130."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LivecbError as error:
            from livecb.text import printable

            failure = _NotFound if isinstance(error, RunNotFound) else click.ClickException
            raise failure(printable(str(error))) from error  # it may name what a run calls itself
        except KeyboardInterrupt:
            sys.exit(128 + signal.SIGINT)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="livecb")
def main() -> None:
    """Watch any Python training loop live."""


main.add_command(view)
main.add_command(watch)
main.add_command(token)
main.add_command(share)
main.add_command(audit)
main.add_command(export)
main.add_command(noting.note)
main.add_command(baseline)


@main.command("run", context_settings={"allow_interspersed_args": False})
@click.argument("command", metavar="[--] COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--project", help="What the run belongs to. [LIVECB_PROJECT]")
@click.option("--name", help="Free text to show. [LIVECB_NAME]")
@click.option("--tag", "tags", multiple=True, help="A word to find it by; may be given several times.")
@click.option(
    "--metric", "metrics", multiple=True, metavar="NAME=REGEX", help="A metric: what the group matches."
)
@click.option("--no-patterns", is_flag=True, help="Look for nothing but what --metric says.")
@click.option("--dir", "folder", type=FOLDER, help="The store's folder. [LIVECB_DIR]")
@click.option("--port", type=PORT, help="The server's port; the next free one if it is taken. [7117]")
@click.option("--quiet", is_flag=True, help="Print no address.")
def run_command(
    command: tuple[str, ...],
    project: str | None,
    name: str | None,
    tags: tuple[str, ...],
    metrics: tuple[str, ...],
    no_patterns: bool,
    folder: Path | None,
    port: int | None,
    quiet: bool,
) -> None:
    """Run any training command, untouched, and watch it live.

    What it prints goes on as it is, and is recorded; so are the numbers in it, and how it ends. It
    gets the signals that this gets, and this exits with its exit code, 128+N if signal N killed it.
    """
    if sys.platform == "win32":
        raise click.ClickException("livecb run needs Linux or macOS; use livecb.init in the script instead")
    from livecb import program
    from livecb.errors import ValueRefused

    try:
        patterns = [program.parse_pattern(metric) for metric in metrics]
    except ValueRefused as error:
        raise click.BadParameter(str(error), param_hint="--metric") from error
    if (missing := program.find_problem(command[0])) is not None:
        click.echo(f"livecb: {missing.why}", err=True)
        sys.exit(missing.code)
    sys.exit(
        program.run_program(
            command,
            project=project,
            name=name,
            tags=tags,
            folder=folder,
            metrics=patterns,
            common=not no_patterns,
            port=port,
            quiet=quiet,
        )
    )


@main.command()
@click.argument("run", metavar="RUN")
@click.option("--dir", "folder", type=FOLDER, help="The store's folder. [LIVECB_DIR]")
@click.option("--types", help="Only these event types or channels, comma-separated, such as metrics,logs.")
@click.option("--json", "as_json", is_flag=True, help="Print the lines as they stand in the log.")
@click.option(
    "-n", "--lines", type=click.IntRange(0), default=10, show_default=True, help="Begin with the last lines."
)
@click.option("--from-start", is_flag=True, help="Begin with the first line.")
@click.option("--no-follow", is_flag=True, help="Print what is there and end.")
def tail(
    run: str,
    folder: Path | None,
    types: str | None,
    as_json: bool,
    lines: int,
    from_start: bool,
    no_follow: bool,
) -> None:
    """Print a run as lines, until it has ended.

    RUN is an id, the beginning or end of one, a name or its beginning, or `latest`. The exit code
    is 0 if the run was completed or stopped, or goes on; 1 if it failed, crashed or was killed; 2 if there
    is none, or no such type.
    """
    from livecb.lookup import find_run
    from livecb.server.frames import Sieve
    from livecb.tailing import Tailing
    from livecb.text import SELDOM_READ

    try:
        wanted = Sieve.parse(types or "")
    except LivecbError as error:
        raise click.BadParameter(str(error), param_hint="--types") from error
    without = () if as_json or types else SELDOM_READ
    tailing = Tailing(find_run(store_of(folder), run), wanted, without)
    _print(tailing.past() if from_start else tailing.last(lines), as_json, chatty=bool(types))
    if no_follow:
        tailing.settle()
    else:
        for more in tailing.follow():
            _print(more, as_json, chatty=bool(types))
    if tailing.status in ("crashed", "killed") and not as_json:
        verb = "has" if tailing.status == "crashed" else "was"
        click.echo(f"livecb: the run {verb} {tailing.status}", err=True)
    sys.exit(0 if tailing.status in _WELL else 1)


@main.command()
@click.argument("run", metavar="RUN")
@click.argument("words", metavar="COMMAND...", nargs=-1, required=True)
@click.option("--dir", "folder", type=FOLDER, help="The store's folder. [LIVECB_DIR]")
@click.option("--by", help="Who asks; this user if left out.")
@click.option("--for", "seconds", type=float, help="Of pause: it ends by itself after so many seconds.")
@click.option(
    "--wait", type=float, default=10.0, show_default=True, help="Seconds to wait for the answer; 0 for none."
)
def send(
    run: str, words: tuple[str, ...], folder: Path | None, by: str | None, seconds: float | None, wait: float
) -> None:
    """Ask a running training to pause, resume, stop, save, evaluate, sample, or `set lr=0.001`.

    RUN is what `livecb tail` takes. The exit code is 0 if the command was applied, or waits for the next
    safe point; 1 if it was refused; 2 if there is no such run or command.
    """
    from livecb.lookup import find_run
    from livecb.sending import send, wishes
    from livecb.text import format_event

    try:
        asked = wishes(words, by, seconds)
    except LivecbError as error:
        raise click.UsageError(str(error)) from error
    store = store_of(folder)
    stored = find_run(store, run)
    answers = send(stored, asked, wait)
    for each in asked:
        note(store, f"send {each.name}", stored.id, by=each.by, parameter=each.parameter, value=each.value)
    for each in asked:
        waits = f"{each.name} was asked; it will be obeyed at the next safe point"
        click.echo(format_event(answers[each.id]) if each.id in answers else waits)
    sys.exit(1 if any(answer.phase == "refused" for answer in answers.values()) else 0)


@main.command("ls")
@click.option("--dir", "folder", type=FOLDER, help="The store's folder. [LIVECB_DIR]")
@click.option(
    "-n", "--lines", type=click.IntRange(1), default=30, show_default=True, help="At most so many runs."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a run, as in the HTTP API.")
def list_runs(folder: Path | None, lines: int, as_json: bool) -> None:
    """List the runs of a store, newest first."""
    import shutil
    import time

    from livecb import listing

    store = store_of(folder)
    rows = listing.rows(store, lines)
    if as_json:
        import msgspec

        for row in rows:
            _echo_json(msgspec.json.encode(row))
        return
    if not rows:
        click.echo(f"no runs in {store.root}; name another folder with --dir or LIVECB_DIR", err=True)
        return
    # What reads a pipe gets all of it.
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in listing.lines(rows, time.time(), width):
        click.echo(line)


@main.command()
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to a file.")
def schema(output: Path | None) -> None:
    """Print the JSON Schema of a line of a run's log."""
    import json

    from livecb.events import json_schema

    text = json.dumps(json_schema(), indent=2) + "\n"
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from error


@main.command()
@click.option(
    "--framework",
    type=click.Choice(["lightning", "transformers"]),
    default="lightning",
    show_default=True,
    help="What trains.",
)
@click.option("--epochs", type=click.IntRange(1), help="How long; about a minute if left out.")
@click.option("--dir", "folder", type=FOLDER, help="The store's folder. [LIVECB_DIR]")
@click.option("--port", type=PORT, help="The server's port; the next free one if it is taken. [7117]")
@click.option("--no-browser", is_flag=True, help="Print the address only.")
def demo(framework: str, epochs: int | None, folder: Path | None, port: int | None, no_browser: bool) -> None:
    """Train a small network on real data, and watch it live.

    Lightning reads handwritten digits; transformers learns to tell good sentences from bad ones.
    Both run offline.
    """
    from livecb import demo as demos

    missing = demos.missing(framework)
    if missing:
        names = ", ".join(missing)
        raise click.ClickException(f'the demo needs {names}: pip install "livecb[demo]"')
    demos.start(framework, epochs, store_of(folder).root, port, None if no_browser else open_browser)


def _print(lines: Any, as_json: bool, *, chatty: bool) -> None:
    """Print lines of a log as they stand, or those that are events as text."""
    if as_json:
        for line in lines:
            _echo_json(line)
        return
    from livecb.events import decode_lines
    from livecb.text import format_event

    for line in lines:
        for event in decode_lines([line]):
            if (text := format_event(event, chatty=chatty)) is not None:
                click.echo(text)


def _echo_json(line: bytes) -> None:
    """Print JSON as it is; in a terminal, what that might obey is escaped, which says the same."""
    import json

    if sys.stdout.isatty():
        text = line.decode(errors="replace")
        line = "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text).encode()
    click.echo(line)
