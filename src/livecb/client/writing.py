"""What is asked of the API to change something, each question described once for both clients."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from livecb.client.calls import Call, call_of
from livecb.client.records import Asked
from livecb.errors import StoreError
from livecb.events import Event, FileRef, Note, encode
from livecb.logs.wire import Ask, Upload

__all__ = [
    "Files",
    "Held",
    "append",
    "change",
    "delete",
    "delete_note",
    "edit_note",
    "held",
    "note",
    "restore",
    "send",
    "tag",
    "upload",
]

Files = str | os.PathLike[str] | Mapping[str, bytes | str | os.PathLike[str]]

_PIECE = 1 << 18
_MOST = 4 << 20  # half of what a server takes at once


class Held(NamedTuple):
    """A file that is at hand: its bytes or where they lie, their SHA-256, and how many they are."""

    source: bytes | Path
    digest: str
    size: int


def held(file: bytes | str | os.PathLike[str]) -> Held:
    """Read what there is to know of a file.

    Raises:
        StoreError: It cannot be read.
    """
    if isinstance(file, bytes):
        return Held(file, hashlib.sha256(file).hexdigest(), len(file))
    path, hashed, size = Path(file), hashlib.sha256(), 0
    try:
        with path.open("rb") as opened:
            while piece := opened.read(_PIECE):
                hashed.update(piece)
                size += len(piece)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}; nothing was sent") from error
    return Held(path, hashed.hexdigest(), size)


def append(
    run: str, events: Iterable[Event], at: str, part: str | None, files: Files | None
) -> Generator[Call[Any], Any, str]:
    """Events of a training elsewhere, and before them the files that they name and the server lacks."""
    events = [*events]
    if files is not None:
        # All are looked for before anything is sent: half of them would help nobody.
        found = {ref.hash: _found(ref, files) for event in events for ref in _refs(event)}
        for digest, source in found.items():
            if not (yield _is_there(run, digest)):
                yield _sent(run, digest, source)
    for body in _batches([encode(event) + b"\n" for event in events]):
        ask = replace(Ask.of(run, "events", at=at, part=part), method="POST", body=body)
        at = yield call_of(ask, lambda said: str(said["cursor"]))
    return at


def upload(run: str, held: Held, name: str | None, mime: str | None) -> Generator[Call[Any], Any, FileRef]:
    """A file of a training elsewhere, where the server lacks it."""
    named = name or (held.source.name if isinstance(held.source, Path) else held.digest[:12])
    if not (yield _is_there(run, held.digest)):
        yield _sent(run, held.digest, held.source)
    ref = FileRef(hash=held.digest, name=named, size=held.size)
    return ref if mime is None else msgspec.structs.replace(ref, mime=mime)


def note(run: str, **said: Any) -> Call[Note]:
    """A note."""
    body = {key: value for key, value in said.items() if value is not None}
    ask = replace(Ask.of(run, "notes"), method="POST", body=body)
    return call_of(ask, lambda said: msgspec.convert(said, Note))


def edit_note(run: str, note: str | Note, text: str) -> Call[Note]:
    """A note that says something else."""
    ask = replace(Ask.of(run, _place(note)), method="PATCH", body={"text": text})
    return call_of(ask, lambda said: msgspec.convert(said, Note))


def delete_note(run: str, note: str | Note) -> Call[None]:
    """A note less."""
    return call_of(replace(Ask.of(run, _place(note)), method="DELETE"), lambda said: None)


def change(run: str, **labels: Any) -> Call[None]:
    """Other labels for a run."""
    return call_of(replace(Ask.of(run), method="PATCH", body=labels), lambda said: None)


def tag(run: str, tags: Collection[str] | None) -> Call[None]:
    """Other tags for a run; a word is one of them, and not its letters."""
    if tags is not None:
        tags = [tags] if isinstance(tags, str) else [*tags]
    return change(run, tags=tags)


def delete(run: str) -> Call[None]:
    """A run less."""
    return call_of(replace(Ask.of(run), method="DELETE"), lambda said: None)


def restore(run: str) -> Call[None]:
    """A deleted run again."""
    return call_of(Ask(f"api/trash/{quote(run, safe='')}", method="POST"), lambda said: None)


def send(run: str, name: str, **more: Any) -> Call[Asked]:
    """A command."""
    body = {key: value for key, value in {"name": name, **more}.items() if value is not None}
    ask = replace(Ask.of(run, "commands"), method="POST", body=body)
    return call_of(ask, lambda said: msgspec.convert(said, Asked))


def _place(note: str | Note) -> str:
    known = note if isinstance(note, str) else note.id
    if not known:
        raise StoreError(
            "expected a note that a reader wrote, got one of the training's own: those have no `id`, and stay"
        )
    return f"notes/{quote(known, safe='')}"


def _is_there(run: str, digest: str) -> Call[bool]:
    ask = replace(Ask.of(run, f"files/{digest}"), method="HEAD", accept="*/*")
    return Call(ask, lambda status, _: status == 200)  # what else is wrong, sending it says


def _sent(run: str, digest: str, source: bytes | Path) -> Call[None]:
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    ask = replace(Ask.of(run, f"files/{digest}"), method="PUT", body=Upload(source, size))
    return call_of(ask, lambda said: None)


def _refs(event: Event) -> Iterator[FileRef]:
    for name in event.__struct_fields__:
        held = getattr(event, name)
        if isinstance(held, FileRef):
            yield held
        elif isinstance(held, list):
            yield from (each for each in held if isinstance(each, FileRef))


def _found(ref: FileRef, files: Files) -> bytes | Path:
    if isinstance(files, Mapping):
        given = files.get(ref.hash)
        found = given if given is None or isinstance(given, bytes) else Path(given)
    else:
        found = Path(files) / ref.hash
    if found is None or (isinstance(found, Path) and not found.is_file()):
        where = "in `files`" if found is None else f"at {found}"
        raise StoreError(
            f"expected the file {ref.name!r} that an event names {where}, got none: give a folder that holds "
            "each by its hash, as a run's files/ does, or a mapping from the hash; nothing was appended"
        )
    return found


def _batches(lines: list[bytes]) -> Iterator[bytes]:
    """Yield lines joined, as few times as a server takes; without any, that the training lives."""
    held: list[bytes] = []
    size = 0
    for line in lines:
        if held and size + len(line) > _MOST:
            yield b"".join(held)
            held, size = [], 0
        held.append(line)
        size += len(line)
    yield b"".join(held)
