"""The store: the runs in a folder, by name.

One folder a run: its log (`events.jsonl`, and `events-PART.jsonl` for each further rank or
process), its writer's lock and its files. Everything else about a run is derived from these.
Names come from requests, paths never do: an id that is not of the allowed shape is refused before
it meets the file system.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import BinaryIO

import msgspec

from livecb import lock, words
from livecb.errors import RunNotFound, StoreError, warn
from livecb.events import FileRef
from livecb.logs.file import FileLog
from livecb.logs.joined import JoinedLog
from livecb.whole import spare_of, whole

__all__ = [
    "APPENDED",
    "MAIN",
    "NOTES",
    "RUN_ID",
    "SILENCE",
    "Labels",
    "Store",
    "StoredRun",
    "default_root",
    "new_run_id",
]

MAIN = "main"
"""The part of a run's log that its leading writer appends to: `events.jsonl`."""

NOTES = "notes"
"""The part of a run's log that readers append their notes to: `notes.jsonl`."""

APPENDED = "appended"
"""The file that marks a run whose log is appended to over HTTP; its time is when that was last done."""

SILENCE = 60.0
"""Seconds after which a writer elsewhere that says nothing is taken to be gone."""

_FILES = {MAIN: "events.jsonl", NOTES: "notes.jsonl"}
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_CHUNK = 1 << 20
_HASH = re.compile(r"[0-9a-f]{64}")
_ADJECTIVES = (
    "able amber bold brave brisk calm clear cool crisp dapper eager early easy fair fast fine fond "
    "free fresh gentle glad golden good grand green happy hardy honest ideal jolly keen kind lively "
    "loyal lucky mellow merry mild neat nimble noble open patient plain plucky polite proud pure "
    "quick quiet rapid ready robust rosy round safe sharp shiny silent simple smart smooth snug soft "
    "solid spry steady still strong sunny super sure sweet swift tidy tall trusty upbeat vivid warm "
    "wise witty young zesty"
).split()
_NOUNS = (
    "acorn anchor apple badger basil beacon birch bison breeze brook canoe canyon cedar cello cherry "
    "cliff clover comet coral crane creek dahlia daisy delta dolphin eagle ember falcon fern finch "
    "fjord forest fox garden geyser ginger glacier grove harbor hazel heron hill iris island ivy "
    "jasmine juniper kestrel kite lagoon lake lantern lark laurel lemon lily linden lotus lynx maple "
    "marlin meadow mesa mint moon moss nectar oak ocean olive orchid osprey otter owl panda pearl "
    "pebble pine planet plum poppy puffin quail raven reef ridge river robin rocket sage salmon "
    "sequoia spruce star stone summit swan thyme tiger trout tulip valley violet walnut willow wren "
    "zebra"
).split()


class Labels(msgspec.Struct, omit_defaults=True):
    """What readers may change about a run: it stands beside the log, which is its writer's."""

    name: str | None = None
    tags: list[str] | None = None
    archived: bool = False


def default_root() -> Path:
    """Return the folder named by `LIVECB_DIR`, else `livecb` in the user's data directory."""
    if named := os.environ.get("LIVECB_DIR"):
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local"))
    elif sys.platform == "darwin":
        base = Path("~/Library/Application Support")
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share")
    return base.expanduser() / "livecb"


def new_run_id(now: float | None = None) -> str:
    """Return an id that sorts by time and can be read aloud: `20261121-140207-quiet-otter`."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    return f"{stamp}-{secrets.choice(_ADJECTIVES)}-{secrets.choice(_NOUNS)}"


class Store:
    """The runs in a folder, which is made when the first run is."""

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        self.root = Path(root).expanduser() if root is not None else default_root()

    def run_ids(self) -> list[str]:
        """Return the ids of all runs, oldest first; none if the folder is missing.

        Raises:
            StoreError: The folder cannot be listed.
        """
        try:
            with os.scandir(self.root) as entries:
                found = [entry.name for entry in entries if RUN_ID.fullmatch(entry.name) and entry.is_dir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(f"cannot list the runs in {self.root}: {error.strerror}") from error
        return sorted(name for name in found if (self.root / name / "events.jsonl").exists())

    def run(self, run_id: str) -> StoredRun:
        """Return a run.

        Raises:
            RunNotFound: There is none of this id.
        """
        if not RUN_ID.fullmatch(run_id):
            raise RunNotFound(f"no run can be called {run_id!r}: ids are letters, digits, '.', '_' and '-'")
        run = StoredRun(self.root / run_id)
        if not run.folder.is_dir():
            told = f"no run {run_id!r} in {self.root}; `livecb ls` lists those there are"
            raise RunNotFound(told, run_id)
        return run

    def create(self, run_id: str | None = None) -> StoredRun:
        """Make the folder of a run, or return the one there is under a given id.

        Raises:
            StoreError: The id is none, or the folder cannot be made.
        """
        if run_id is not None and not RUN_ID.fullmatch(run_id):
            raise StoreError(
                f"expected a run id of letters, digits, '.', '_' and '-' (up to 128), got {run_id!r}; "
                "free text goes into the run's name"
            )
        for _ in range(16):
            folder = self.root / (run_id or new_run_id())
            try:
                self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
                folder.mkdir(exist_ok=run_id is not None)
            except FileExistsError:
                continue
            except OSError as error:
                raise StoreError(f"cannot make {folder}: {error.strerror}") from error
            return StoredRun(folder)
        raise StoreError(f"cannot find a free run id in {self.root}")

    @classmethod
    def writable(cls, root: str | os.PathLike[str] | None = None) -> Store:
        """Return a store that can be written to: a temporary one, said once, where this cannot."""
        store = cls(root)
        try:
            store.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            if os.access(store.root, os.W_OK | os.X_OK):
                return store
            why = "no right to write"
        except OSError as error:
            why = error.strerror or str(error)
        spare = _spare_folder()
        warn(f"cannot write to {store.root} ({why}): runs go to {spare}; set LIVECB_DIR to a folder of yours")
        return cls(spare)


class StoredRun:
    """One run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name

    @property
    def lock_path(self) -> Path:
        """The file whose lock the writer holds while it lives."""
        return self.folder / "writer.lock"

    @property
    def appended(self) -> bool:
        """Whether the run was recorded elsewhere and appended from there."""
        return (self.folder / APPENDED).exists()

    def part_path(self, part: str = MAIN) -> Path:
        """Return the file of one part of the log."""
        return self.folder / _FILES.get(part, f"events-{part}.jsonl")

    def part_names(self) -> list[str]:
        """Return the parts there are, the main one first; of the notes, only if there are any."""
        names = [path.name[7:-6] for path in self.folder.glob("events-*.jsonl")]
        return [MAIN, *sorted(names), *([NOTES] if self.part_path(NOTES).exists() else [])]

    def log(self) -> JoinedLog:
        """Return the log as readers see it: all parts that are there now, joined."""
        return JoinedLog({name: FileLog(self.part_path(name)) for name in self.part_names()}, MAIN)

    def alive(self) -> bool:
        """Whether the writer lives; of one elsewhere, whether it was heard of lately."""
        try:
            heard = (self.folder / APPENDED).stat().st_mtime
        except OSError:
            heard = 0.0
        return time.time() - heard < SILENCE or lock.is_held(self.lock_path)

    def last_words(self) -> str:
        """Return what a writer left that could not say its end in the log; empty if it left nothing.

        That is the word of a full disk's run, or the traceback of one that a signal killed.
        """
        return lock.last_words(self.lock_path) or words.left(self.lock_path)

    @property
    def labels(self) -> Labels:
        """The name and tags that readers gave the run."""
        try:
            return msgspec.json.decode((self.folder / "labels.json").read_bytes(), type=Labels)
        except (OSError, msgspec.DecodeError):
            return Labels()

    def label(
        self, *, name: str | None = None, tags: list[str] | None = None, archived: bool | None = None
    ) -> Labels:
        """Give the run another name or other tags, or put it away from lists; what is None stays.

        Raises:
            StoreError: They cannot be written.
        """
        now = self.labels
        labels = Labels(
            now.name if name is None else name,
            now.tags if tags is None else tags,
            now.archived if archived is None else archived,
        )
        self.keep_labels(labels)
        return labels

    def keep_labels(self, labels: Labels) -> None:
        """Give the run these labels in place of those it has.

        Raises:
            StoreError: They cannot be written.
        """
        write_whole(self.folder / "labels.json", msgspec.json.encode(labels))

    def file_path(self, digest: str) -> Path:
        """Return where the file of this hash stands.

        Raises:
            StoreError: This is no SHA-256 hash, or there is no such file.
        """
        if not _HASH.fullmatch(digest):
            raise StoreError(f"expected a SHA-256 hash of 64 hexadecimal digits, got {digest!r}")
        path = self.folder / "files" / digest
        if path.is_symlink() or not path.is_file():  # livecb makes no links; one may lead anywhere
            raise StoreError(f"run {self.id} has no file {digest}; its events name those it has")
        return path

    def add_file(self, content: bytes, name: str, mime: str) -> FileRef:
        """Keep content under its hash, once however often it is added.

        Raises:
            StoreError: It cannot be written.
        """
        digest = hashlib.sha256(content).hexdigest()
        path = self.folder / "files" / digest
        if not path.exists():
            write_whole(path, content)
        return FileRef(digest, name, len(content), mime)

    def add_path(self, path: str | os.PathLike[str], name: str, mime: str) -> FileRef:
        """Keep a copy of a file under its hash; it passes through memory in pieces.

        Raises:
            OSError: There is no such file, or no right to read it.
            StoreError: It cannot be copied.
        """
        folder = self.folder / "files"
        spare = spare_of(folder / "copy")
        with open(path, "rb") as source:
            try:
                folder.mkdir(exist_ok=True)
                with spare.open("wb") as copy:
                    # One pass: a file that is still being written to must have the hash of its copy.
                    digest, size = _copy_and_hash(source, copy)
                if not (folder / digest).exists():
                    os.replace(spare, folder / digest)
            except OSError as error:
                raise StoreError(f"cannot copy {path} to {folder}: {error.strerror}") from error
            finally:
                spare.unlink(missing_ok=True)
        return FileRef(digest, name, size, mime)


def _copy_and_hash(source: BinaryIO, copy: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        size += copy.write(chunk)
    return digest.hexdigest(), size


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that no reader ever sees half of it; its folder is made if it is missing.

    Raises:
        StoreError: It cannot be written.
    """
    try:
        path.parent.mkdir(exist_ok=True)
        with whole(path) as file:
            file.write(content)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error


def _spare_folder() -> Path:
    """Return a folder for temporary files that is ours alone, the same each time where that can be."""
    if not hasattr(os, "getuid"):  # pragma: no cover - Windows, where the folder is the user's own
        spare = Path(tempfile.gettempdir()) / "livecb-user"
        spare.mkdir(exist_ok=True)
        return spare
    spare = Path(tempfile.gettempdir()) / f"livecb-{os.getuid()}"
    try:
        spare.mkdir(mode=0o700, exist_ok=True)
        there = spare.lstat()
        # Anyone may make that name in a shared folder, or a link of it to somewhere else.
        if stat.S_ISDIR(there.st_mode) and there.st_uid == os.getuid() and not there.st_mode & 0o022:
            return spare
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="livecb-"))
