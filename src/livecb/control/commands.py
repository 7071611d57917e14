"""A command: a wish of a reader, appended to the second log of a run."""

from __future__ import annotations

import getpass
import math
import secrets
import time
from typing import Any

import msgspec

from livecb.errors import CommandRefused
from livecb.logs.file import FileLog
from livecb.store import StoredRun

__all__ = ["COMMANDS", "OF_CANDIDATES", "Asked", "ask", "check_heard", "decode", "log_of", "wish"]

COMMANDS = ("pause", "resume", "stop", "save", "evaluate", "sample", "skip", "drop", "add", "set")
OF_CANDIDATES = ("skip", "drop", "add")
"""Commands about one of several candidates, which are named by the value."""
WITHIN = 3600.0
"""Seconds after which a wish that was not obeyed is none any more."""

_LONGEST = 200


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was asked.

    Attributes:
        id: Names the wish in all that is said of it.
        time: When it was asked, Unix seconds.
        by: Who asks.
        parameter: What to set.
        value: What to set it to; of a `pause`, the seconds after which it ends by itself; of `skip`,
            `drop` and `add`, the candidate's name.
        expires: When it is a wish no more, Unix seconds.
        reason: Why, where livecb asks by itself.
    """

    id: str
    name: str
    time: float
    by: str
    parameter: str | None = None
    value: float | bool | str | None = None
    expires: float | None = None
    reason: str | None = None


_decoder = msgspec.json.Decoder(Asked)


def wish(
    name: str,
    value: Any = None,
    *,
    parameter: str | None = None,
    by: str | None = None,
    within: float | None = WITHIN,
) -> Asked:
    """Return a command that is well formed.

    Args:
        name: One of `COMMANDS`.
        value: What to set `parameter` to: a number, a string or a bool. Of a `pause`: how many seconds
            it lasts at most. Of `drop` and `add`: the candidate's name; of `skip` it may be left out.
        parameter: What to set; only for `set`.
        by: Who asks; the user of this process if left out.
        within: Seconds after which it is not to be obeyed any more.

    Raises:
        CommandRefused: It is none; the message says what was expected.
    """
    if name not in COMMANDS:
        raise CommandRefused(f"expected one of {', '.join(COMMANDS)}, got {name!r}")
    if (name == "set") != bool(parameter):
        raise CommandRefused("expected the name of a parameter and its value with set, and with set only")
    if not isinstance(value, float | int | str | None) or (
        isinstance(value, float) and not math.isfinite(value)
    ):
        raise CommandRefused(f"expected a finite number, a string or a bool as value, got {value!r:.200}")
    if name == "set" and value is None:
        raise CommandRefused(f"expected a value for {parameter!r}")
    if name == "pause" and value is not None and (isinstance(value, bool | str) or value <= 0):
        raise CommandRefused(f"expected the seconds that a pause lasts at most, got {value!r}")
    nameless = value is None and name == "skip"
    if name in OF_CANDIDATES and not nameless and not (isinstance(value, str) and value):
        raise CommandRefused(f"expected the name of a candidate with {name}, got {value!r:.200}")
    if name not in ("set", "pause", *OF_CANDIDATES) and value is not None:
        raise CommandRefused(f"{name} takes no value, got {value!r}")
    now = time.time()
    expires = None if within is None else now + within
    who = str(by)[:_LONGEST] if by else _user()
    return Asked(secrets.token_hex(4), name, now, who, parameter, value, expires)


def ask(run: StoredRun, asked: Asked) -> None:
    """Append a command to a run's command log.

    Raises:
        CommandRefused: The run has ended, or its training runs elsewhere.
        LogError: It cannot be written.
    """
    check_heard(run)
    log = log_of(run)
    try:
        log.append(msgspec.json.encode(asked) + b"\n")
    finally:
        log.close()


def check_heard(run: StoredRun) -> None:
    """Refuse what nothing would read.

    Raises:
        CommandRefused: The run has ended, or its training runs elsewhere; the message says so.
    """
    if not run.alive():
        raise CommandRefused(f"run {run.id} has ended: nothing can be asked of it")
    if run.appended:
        raise CommandRefused(f"run {run.id} trains elsewhere, and hears nothing of what is asked here")


def decode(line: bytes) -> Asked:
    """Return what a line asks.

    Raises:
        CommandRefused: It is no command.
    """
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CommandRefused(f"not a command: {error}") from error


def log_of(run: StoredRun) -> FileLog:
    """Return a run's command log, which is made when the first command is given."""
    return FileLog(run.folder / "commands.jsonl")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "somebody"
