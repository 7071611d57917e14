"""The client that blocks until it has an answer."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from livecb.client import calls, reading, rights, writing
from livecb.client.reader import Reader
from livecb.client.records import Asked
from livecb.client.rights import WEEK, Link
from livecb.client.saving import Saving
from livecb.events import Event, FileRef, Note
from livecb.logs.base import START
from livecb.logs.http import streamed
from livecb.logs.wire import Ask

__all__ = ["Client"]


class Client(Reader):
    """Runs on a livecb server: listed, read, followed, steered.

    Args:
        address: The server's address as livecb prints it, token included; None for the server of this
            machine's store.
        token: What opens it, where the address does not say.

    Attributes:
        baselines: What runs had reached, kept under names.
        tokens: Named tokens: who may do what.
        trash: Deleted runs.

    Raises:
        ServerError: It is no address, or no server runs here.
    """

    def file(self, run: str, file: str | FileRef) -> bytes:
        """Return the bytes of a file that an event names, or of a hash.

        Raises:
            ApiError: There is none.
            ServerError: What came is not what the hash says.
        """
        return self._do(reading.file(run, calls.digest_of(file)))

    def download(self, run: str, file: str | FileRef, path: str | os.PathLike[str]) -> Path:
        """Save a file under a path, whole or not at all, however large it is; see `file`."""
        digest = calls.digest_of(file)
        return self._save(reading.file(run, digest).ask, Saving(path, digest))

    def download_checkpoint(self, run: str, number: str, path: str | os.PathLike[str]) -> Path:
        """Save a checkpoint or artifact under a path; a folder comes as a tar.

        Raises:
            ApiError: It is not to be had; the message says why.
        """
        return self._save(reading.checkpoint(run, number), Saving(path))

    def download_model(self, run: str, path: str | os.PathLike[str], which: str = "best") -> Path:
        """Save the `best` checkpoint, or the `final` one, under a path; a folder comes as a tar.

        Raises:
            ApiError: There is none to be had; the message says why.
        """
        return self._save(reading.model(run, which), Saving(path))

    def export(self, run: str, path: str | os.PathLike[str], format: str | None = None) -> Path:
        """Save a run as `jsonl` (all events), `csv` or `parquet` (all values), or `html` (the page, whole).

        Args:
            run: The run's id.
            path: Where.
            format: Which; as the path ends if None.
        """
        return self._save(reading.export(run, format or Path(path).suffix[1:]), Saving(path))

    def append(
        self,
        run: str,
        events: Iterable[Event],
        at: str = START,
        *,
        part: str | None = None,
        files: writing.Files | None = None,
    ) -> str:
        """Append events of a training elsewhere to a run, which is made where it is new.

        It may be called again with the same place and events when no answer came: what is there already is
        not written again.

        Args:
            run: The run's id.
            events: What it says, in order. None at all: that it lives.
            at: Where this part of the log ended: what the call before returned.
            part: Which part, for a further rank or process.
            files: Where the files are that the events name: a folder that holds each by its hash, as a run's
                `files` does, or bytes and paths by their hash. What the server lacks is sent before the
                events; None: nothing is sent.

        Returns:
            The place to go on from.

        Raises:
            ApiError: The log does not end there and goes on with something else (409: `data["cursor"]` says
                where it ends), or is that of a training on the server's machine.
            StoreError: A file that an event names is not there; nothing was appended.
        """
        return self._all(writing.append(run, events, at, part, files))

    def upload(
        self,
        run: str,
        file: bytes | str | os.PathLike[str],
        *,
        name: str | None = None,
        mime: str | None = None,
    ) -> FileRef:
        """Send a file of a training elsewhere, unless the server has it; return what an event names it by.

        Args:
            run: The run's id; it is made where it is new.
            file: The bytes, or where they lie: up to 1 GiB.
            name: What to show and to save it under; the file's own if None.
            mime: Its media type.

        Raises:
            StoreError: It cannot be read here.
            ApiError: The run is that of a training on the server's machine (409).
        """
        return self._all(writing.upload(run, writing.held(file), name, mime))

    def note(
        self,
        run: str,
        text: str,
        *,
        author: str | None = None,
        step: int | None = None,
        epoch: float | None = None,
    ) -> Note:
        """Write a note on a run, or on one step or epoch of it; every viewer sees it."""
        return self._do(writing.note(run, text=text, author=author, step=step, epoch=epoch))

    def edit_note(self, run: str, note: str | Note, text: str) -> Note:
        """Let a note that a reader wrote say something else; `note` is it, or its `id`."""
        return self._do(writing.edit_note(run, note, text))

    def delete_note(self, run: str, note: str | Note) -> None:
        """Take back a note that a reader wrote; see `edit_note`."""
        self._do(writing.delete_note(run, note))

    def rename(self, run: str, name: str | None) -> None:
        """Call a run something else; None: as it calls itself."""
        self._do(writing.change(run, name=name))

    def tag(self, run: str, tags: Collection[str] | None) -> None:
        """Give a run these tags, or this one, instead of those it has; None: its own."""
        self._do(writing.tag(run, tags))

    def archive(self, run: str, archived: bool = True) -> None:
        """Leave a run out of the list, or take it in again."""
        self._do(writing.change(run, archived=archived))

    def delete(self, run: str) -> None:
        """Delete a run; `restore` brings it back, for some weeks.

        Raises:
            RunWritten: Its writer lives.
        """
        self._do(writing.delete(run))

    def restore(self, run: str) -> None:
        """Bring a deleted run back."""
        self._do(writing.restore(run))

    def send(
        self,
        run: str,
        name: str,
        *,
        parameter: str | None = None,
        value: float | bool | str | None = None,
        by: str | None = None,
        within: float | None = None,
    ) -> Asked:
        """Ask something of a run that goes on; `command` events of the same id say what becomes of it.

        Args:
            run: The run's id.
            name: `pause`, `resume`, `stop`, `save`, `evaluate`, `sample`, `skip`, `drop`, `add` or `set`.
            parameter: What to set.
            value: What to set it to; of a `pause`, the seconds it lasts at most.
            by: Who asks.
            within: Seconds after which it is not to be obeyed any more.

        Raises:
            CommandRefused: It is no command, the run does not do that, or it has ended.
        """
        return self._do(writing.send(run, name, parameter=parameter, value=value, by=by, within=within))

    def share(self, run: str, *, seconds: float | None = WEEK) -> Link:
        """Make a link that shows this run to read, and nothing else; its `url` is told this once.

        Args:
            run: The run's id.
            seconds: How long it shows it; None: as long as the run is there.
        """
        return self._do(rights.share(run, seconds, self.address.base))

    def unshare(self, run: str, link: str | Link) -> None:
        """Let a link, or the one of a name, show the run no more."""
        self._do(rights.unshare(run, link if isinstance(link, str) else link.name))

    def _save(self, ask: Ask, saving: Saving) -> Path:
        with saving, streamed(self._http, ask) as chunks:
            for chunk in chunks:
                saving.write(chunk)
        return saving.path
