"""Named tokens: who else than the owner may ask, for what, and until when.

Each is a file of its own in the store's `.tokens`, readable by the owner alone: making one takes its name,
which one process only can, and revoking it removes that file, so that processes need no lock between them.
The secret itself stands nowhere: what is kept is its SHA-256, which nobody turns back into 192 random bits.
Its public part says which token is meant. The time of the file is when the token was last used, 0 if never.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import time
from typing import NamedTuple

import msgspec

from livecb.errors import StoreError
from livecb.server.access import Access, Projects, Role
from livecb.store import Store

__all__ = ["PREFIX", "Made", "Token", "Tokens", "is_named"]

PREFIX = "lcb"
"""How a named token's secret begins: so that it can be told from the owner's, and found where it leaked."""

STREAMS = 100
RATE = 100.0
LEAST_RATE = 0.001
_NOBODYS = ("owner", "anyone", "terminal", "livecb")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SECRET = re.compile(rf"{PREFIX}_([0-9a-f]{{12}})_([A-Za-z0-9_-]{{32}})")
_FRESH = 0.5
_USED = 60.0

_Mark = tuple[int, int, int]


class Token(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a token.

    Attributes:
        id: The public part of the secret.
        hash: The SHA-256 of the whole secret.
        role: `view`, `control`, `write` or `admin`.
        project: The project it is for; the whole store if neither this nor `run` is given.
        run: The run it is for.
        created: When, Unix seconds.
        expires: When it opens nothing any more, Unix seconds.
        by: Who made it.
        share: Whether it stands in a link that was made to be passed on.
        streams: How many streams may be open with it at once.
        rate: How many requests a second it may make.
    """

    name: str
    id: str
    hash: str
    role: str
    project: str | None = None
    run: str | None = None
    created: float
    expires: float | None = None
    by: str | None = None
    share: bool = False
    streams: int = STREAMS
    rate: float = RATE

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires is not None and time.time() >= self.expires


class Made(NamedTuple):
    """A token that was made now: the only time that its secret is there to be shown."""

    token: Token
    secret: str


def is_named(word: str) -> bool:
    """Whether a word has the form of a named token's secret."""
    return _SECRET.fullmatch(word) is not None


class Tokens:
    """The named tokens of a store."""

    def __init__(self, store: Store) -> None:
        self.folder = store.root / ".tokens"
        self._root = store.root
        self._projects = Projects(store)
        self._known: dict[str, tuple[_Mark, Token]] = {}
        self._looked = -_FRESH
        self._changed = 0
        self._used: dict[str, float] = {}

    def make(
        self,
        name: str,
        role: Role,
        *,
        project: str | None = None,
        run: str | None = None,
        seconds: float | None = None,
        by: str | None = None,
        share: bool = False,
        streams: int = STREAMS,
        rate: float = RATE,
    ) -> Made:
        """Make a token.

        Args:
            seconds: How long it opens anything; for ever if None.

        Raises:
            StoreError: There is one of this name, what was asked for is none, or it cannot be written.
        """
        _check(name, role, project, run, seconds, streams, rate)
        public, now = secrets.token_hex(6), time.time()
        secret = f"{PREFIX}_{public}_{secrets.token_urlsafe(24)}"
        token = Token(
            name=name,
            id=public,
            hash=_hash(secret),
            role=role.word,
            project=project,
            run=run,
            created=now,
            expires=None if seconds is None else now + seconds,
            by=by,
            share=share,
            streams=streams,
            rate=rate,
        )
        self._write(token)
        self._looked = -_FRESH
        return Made(token, secret)

    def all(self) -> list[Token]:
        """Return all there are, expired ones too, by their names."""
        self._look(0.0)
        return sorted((token for _, token in self._known.values()), key=lambda token: token.name)

    def get(self, name: str) -> Token | None:
        """Return the one of a name, None if there is none."""
        self._look(0.0)
        found = self._known.get(f"{name}.json")
        return None if found is None else found[1]

    def revoke(self, name: str) -> bool:
        """Let a token open nothing any more; false if there is none of this name.

        Raises:
            StoreError: It cannot be removed.
        """
        if not _NAME.fullmatch(name):
            return False
        try:
            os.unlink(self.folder / f"{name}.json")
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreError(f"cannot remove the token {name}: {error.strerror}") from error
        self._looked = -_FRESH
        return True

    def revoke_of(self, run: str, deleted: float, since: float = 0.0) -> list[str]:
        """Revoke what was made for a run before it was deleted; return the names.

        What was made later is for another run, which has its id now; what was made by `since`, for one that
        had it before.

        Raises:
            StoreError: One cannot be removed.
        """
        made = [token for token in self.all() if token.run == run and since < token.created <= deleted]
        return [token.name for token in made if self.revoke(token.name)]

    def last_used(self, token: Token) -> float | None:
        """Return when a token was last used, Unix seconds, to about a minute; None if it never was."""
        try:
            used = os.stat(self.folder / f"{token.name}.json").st_mtime
        except OSError:
            return None
        return used or None

    def open(self, secret: str) -> Access | None:
        """Return what a secret opens, None if nothing."""
        token = self._of(secret)
        if token is None or token.expired:
            return None
        self._note_use(token)
        return self._access(token)

    def has_expired(self, secret: str) -> bool:
        """Whether a secret did open something, and its time is over."""
        token = self._of(secret)
        return token is not None and token.expired

    def why_closed(self, access: Access) -> str | None:
        """Return why what was opened is closed now, None while it is not."""
        self._look()
        if access.expires is not None and time.time() >= access.expires:
            return f"the token {access.name!r} has expired"
        if not any(token.id == access.id for _, token in self._known.values()):
            return f"the token {access.name!r} was revoked"
        run, projects = access.run, self._projects
        if run is not None and projects.begun(run) and projects.deleted(run, access.made):
            return f"the run of the token {access.name!r} was deleted, and another has its id"
        return None

    def _of(self, secret: str) -> Token | None:
        found = _SECRET.fullmatch(secret)
        if found is None:
            return None
        self._look()
        hashed = _hash(secret)
        for _, token in self._known.values():
            if token.id == found[1] and hmac.compare_digest(token.hash, hashed):
                return token
        return None

    def _access(self, token: Token) -> Access:
        return Access(
            Role[token.role.upper()],
            name=token.name,
            project=token.project,
            run=token.run,
            made=token.created,
            expires=token.expires,
            id=token.id,
            streams=token.streams,
            rate=token.rate,
            projects=self._projects,
        )

    def _look(self, fresh: float = _FRESH) -> None:
        """Take in which tokens there are now: another process may have made or revoked one.

        The folder's time tells so at once, but for what happens within one tick of its clock; so it is looked
        into every half second, too.
        """
        now, changed = time.monotonic(), 0
        with contextlib.suppress(OSError):
            changed = self.folder.stat().st_mtime_ns
        if changed == self._changed and now - self._looked < fresh:
            return
        self._looked, self._changed = now, changed
        known: dict[str, tuple[_Mark, Token]] = {}
        with contextlib.suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):  # it was revoked while we looked
                    status = entry.stat(follow_symlinks=False)
                    mark = (status.st_ino, status.st_ctime_ns, status.st_size)
                    before = self._known.get(entry.name)
                    if before is not None and before[0] == mark:
                        known[entry.name] = before
                    elif (token := _read(entry.path)) is not None and entry.name == f"{token.name}.json":
                        known[entry.name] = (mark, token)
        self._known = known

    def _note_use(self, token: Token) -> None:
        now = time.monotonic()
        if now - self._used.get(token.id, -_USED) >= _USED:
            self._used[token.id] = now
            with contextlib.suppress(OSError):  # a store that may only be read
                os.utime(self.folder / f"{token.name}.json")

    def _write(self, token: Token) -> None:
        path = self.folder / f"{token.name}.json"
        try:
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.mkdir(exist_ok=True, mode=0o700)
            # The first to take a name has it. What is half written is no token to a reader yet.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise StoreError(
                f"there is a token {token.name!r}: take another name, or `livecb token revoke {token.name}`"
            ) from None
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}") from error
        try:
            with open(descriptor, "wb") as file:
                file.write(msgspec.json.encode(token))
            os.utime(path, (0, 0))
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise StoreError(f"cannot write {path}: {error.strerror}") from error


def _check(
    name: str,
    role: Role,
    project: str | None,
    run: str | None,
    seconds: float | None,
    streams: int,
    rate: float,
) -> None:
    if not _NAME.fullmatch(name):
        raise StoreError(
            f"expected a token's name of letters, digits, '.', '_' and '-' (up to 64), got {name!r}"
        )
    if name in _NOBODYS:
        raise StoreError(f"expected a token's name, got {name!r}, which somebody else goes by")
    if role is Role.ANYONE:
        raise StoreError("expected the role view, control, write or admin; for anyone no token is needed")
    if project is not None and run is not None:
        raise StoreError("expected a token to be for a project or for a run, got both; name one")
    if project == "" or run == "":
        raise StoreError("expected the name of a project or a run's id, got an empty word")
    if seconds is not None and not 0 < seconds < 1e10:
        raise StoreError(f"expected a time of more than no seconds until it expires, got {seconds!r}")
    if not (streams >= 1 and rate >= LEAST_RATE):
        raise StoreError(
            f"expected at least 1 stream and {LEAST_RATE:g} requests a second, got {streams!r} and {rate!r}"
        )


def _read(path: str) -> Token | None:
    try:
        with open(path, "rb") as file:
            token = msgspec.json.decode(file.read(1 << 16), type=Token)
        return token if token.role.upper() in Role.__members__ else None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
