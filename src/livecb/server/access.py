"""What somebody may: four roles, and the part of the store that is theirs to know of.

The law: a role may all that the one before it may; and what is outside a scope is told like what does not
exist, so that nobody learns a name by asking.
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

from starlette.types import Scope

from livecb import events as ev
from livecb.errors import EventError, RunNotFound, StoreError
from livecb.server.replies import Problem
from livecb.store import MAIN, Store
from livecb.trash import Trash

__all__ = ["ACCESS", "CLOSED", "Access", "Projects", "Role", "access_of", "project_said"]

ACCESS = "livecb.access"
"""Where a request has the `Access` of whoever asks."""

CLOSED = "livecb.closed"
"""Where a stream has why its token opens nothing any more."""

_HEAD = (8 << 10, 512 << 10)


class Role(enum.IntEnum):
    """What may be done, each with all before it."""

    ANYONE = 0
    VIEW = 1
    CONTROL = 2
    WRITE = 3
    ADMIN = 4

    @classmethod
    def of(cls, word: str) -> Role:
        """Return the role of a word.

        Raises:
            StoreError: It is none that a token can have.
        """
        for role in cls:
            if role and role.word == word:
                return role
        raise StoreError(f"expected the role view, control, write or admin, got {word!r}")

    @property
    def word(self) -> str:
        """As it is said."""
        return self.name.lower()

    @property
    def meaning(self) -> str:
        """What it may, beyond the role before it."""
        return _MEANINGS[self]


_MEANINGS = {
    Role.ANYONE: "ask whether a server is there, and load the page's own files; no token is needed",
    Role.VIEW: "read everything: runs, streams, files, checkpoints, exports",
    Role.CONTROL: "steer a run (pause, stop, set ...), write notes, name, tag and put away",
    Role.WRITE: "append the events and files of a training elsewhere",
    Role.ADMIN: "delete and bring back, make baselines, share links and tokens, read the audit",
}


class _Beginning(NamedTuple):
    """A stretch of a log that tells it from any other, and the project that it names.

    A file's number would not do: file systems give that of a removed file out again.
    """

    offset: int
    size: int
    digest: bytes
    project: str | None

    def is_of(self, log: BinaryIO) -> bool:
        log.seek(self.offset)
        return _digest(log.read(self.size)) == self.digest


class Projects:
    """The projects of a store's runs: each run's is the first that its log names, and never another.

    A later attempt may name another project; who may see a run must not depend on what is appended to it. A
    run that takes the id of one that is gone is another run.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._trash = Trash(store)
        self._known: dict[str, _Beginning] = {}

    def of(self, run: str) -> str | None:
        """Return the project of a run that exists, None if it names none."""
        try:
            with self._store.run(run).part_path().open("rb") as log:
                known = self._known.get(run)
                if known is None or not known.is_of(log):
                    known = _beginning_of(log)
        except (OSError, RunNotFound):
            return None
        if known is None:
            return None
        self._known[run] = known
        return known.project

    def begun(self, run: str) -> bool:
        """Whether anything was said in a run."""
        try:
            return self._store.run(run).part_path().stat().st_size > 0
        except (OSError, RunNotFound):
            return False

    def deleted(self, run: str, since: float) -> bool:
        """Whether the run that had an id at some time was deleted since; it may lie in the trash still."""
        deleted = self._trash.deleted(run)
        return deleted is not None and deleted >= since


def project_said(lines: bytes) -> str | None:
    """Return the project of the first `run_started` in whole lines of a log; None where it names none."""
    first = _first_start(lines)
    return None if first is None else first[1].project


def _beginning_of(log: BinaryIO) -> _Beginning | None:
    """Return how a log begins; None where it has not said so yet."""
    log.seek(0)
    head = b""
    for size in _HEAD:
        head += log.read(size)
        if (first := _first_start(head)) is not None:
            line, event = first
            return _Beginning(head.index(line), len(line), _digest(line), event.project)
    if len(head) < sum(_HEAD):
        return None
    return _Beginning(0, _HEAD[0], _digest(head[: _HEAD[0]]), None)  # what comes now is no beginning


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _first_start(lines: bytes) -> tuple[bytes, ev.RunStarted] | None:
    for line in lines.split(b"\n")[:-1]:
        if line.startswith(b'{"type":"run_started"'):
            try:
                event = ev.decode(line)
            except EventError:
                continue
            if isinstance(event, ev.RunStarted):
                return line, event
    return None


@dataclass(frozen=True)
class Access:
    """What one who asks may.

    Attributes:
        role: The most that may be done.
        name: The token's name; None for the owner's own, and where no token is asked for.
        project: All that may be known of, if not None.
        run: The one run that may be known of, if not None.
        made: When it was given, Unix seconds; of a run that was deleted since, it may know nothing.
        expires: When it ends, Unix seconds.
        id: The public part of a named token; empty for the owner.
        owner: Whether it is the owner's own token that was brought.
        streams: How many streams may be open at once, with a named token.
        rate: How many requests a second, with a named token.
    """

    role: Role
    name: str | None = None
    project: str | None = None
    run: str | None = None
    made: float = 0.0
    expires: float | None = None
    id: str = ""
    owner: bool = False
    streams: int | None = None
    rate: float | None = None
    projects: Projects | None = field(default=None, repr=False, compare=False)

    @property
    def whole(self) -> bool:
        """Whether it is for the whole store."""
        return self.project is None and self.run is None

    def covers(self, other: Access) -> bool:
        """Whether it may all that another may."""
        scope = self.whole or (self.project, self.run) == (other.project, other.run)
        lasts = self.expires is None or (other.expires is not None and other.expires <= self.expires)
        return scope and self.role >= other.role and lasts

    def sees(self, run: str) -> bool:
        """Whether it may know of a run."""
        if self.run is not None:
            # What has taken the id of a deleted run is another run.
            return run == self.run and not (self.projects and self.projects.deleted(run, self.made))
        if self.project is None:
            return True
        return self.projects is not None and self.projects.of(run) == self.project

    def check_run(self, run: str) -> None:
        """Refuse a run that it may not know of, in the same words whether it exists or not.

        Raises:
            RunNotFound: It may not.
        """
        if not self.whole and not self.sees(run):
            raise RunNotFound(f"no run {run!r} for this token; GET api/runs lists those there are")

    def check_write(self, run: str, part: str = MAIN, lines: bytes = b"") -> None:
        """Refuse to write to a run that is not its own; one that has not begun is nobody's yet.

        Args:
            run: The run's id, which there may be none of.
            part: The part of the log that is appended to.
            lines: What is appended.

        Raises:
            RunNotFound: It may not know of the run.
            Problem: The run does not begin in its project.
        """
        if self.project is None or self.projects is None or self.projects.begun(run):
            self.check_run(run)
        elif lines and (part != MAIN or project_said(lines) != self.project):
            detail = (
                f"{self.who} is for project {self.project} only: begin the run's main part with a "
                "run_started that names this project"
            )
            raise Problem(403, "Not for a part of the store", detail)

    def check(self, role: Role, whole: bool, what: str) -> None:
        """Refuse what it may not do.

        Raises:
            Problem: It may not; the detail names the role that may, and how to come by it.
        """
        if self.role < role:
            detail = (
                f"{what} needs the role {role.word}, and {self.who} has {self.role.word}: ask the owner for "
                f"a token, made with `livecb token create NAME --role {role.word}`"
            )
            more = {"role": self.role.word, "needed": role.word}
            raise Problem(403, "Not for this role", detail, more=more)
        if whole and not self.whole:
            scope = f"run {self.run}" if self.run is not None else f"project {self.project}"
            detail = (
                f"{what} is of the whole store, and {self.who} is for {scope} only: ask the owner for a "
                "token without --project and --run"
            )
            raise Problem(403, "Not for a part of the store", detail, more={"needed": role.word})

    @property
    def known_as(self) -> str:
        """The one word for whoever asks: in the audit, and where they do not say who they are."""
        return self.name or ("owner" if self.owner else "anyone")

    @property
    def who(self) -> str:
        """Whose it is, in words."""
        return f"the token {self.name!r}" if self.name is not None else "whoever asks from here"

    def signed(self, by: str | None) -> str | None:
        """Return who did something: what they say of themselves, and the token that they said it with."""
        if self.name is None:
            return by
        by = "".join(
            filter(str.isprintable, by or "")
        )  # marks of direction would turn the token's name round
        # Cut before the token's name is put behind it, which could be pushed out otherwise.
        return f"{by.strip()[:_SIGNED]} (token {self.name})" if by.strip() else self.name

    def to_json(self) -> dict[str, Any]:
        """Return it as the API says it."""
        return {
            "role": self.role.word,
            "name": self.name,
            "who": self.known_as,
            "project": self.project,
            "run": self.run,
            "expires": self.expires,
        }


_SIGNED = 80


def access_of(scope: Scope) -> Access:
    """Return what whoever sent a request may; nothing, where nobody has looked."""
    found = scope.get(ACCESS)
    return found if isinstance(found, Access) else Access(Role.ANYONE)
