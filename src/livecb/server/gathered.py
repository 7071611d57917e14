"""What a copy of a run tells: the answers that a server would give, thinned until they fit."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import msgspec

from livecb.errors import StoreError
from livecb.server.catalogue import Key, Scores
from livecb.server.index import Index, Kind, Page
from livecb.server.lines import Lines
from livecb.server.media import page_json
from livecb.server.search import lines_of
from livecb.store import StoredRun

__all__ = ["Gathered"]

_POINTS, _LEAST, _MOST = 200_000, 100, 10_000
_LINES, _SAMPLES, _NAMED, _SYSTEM = 20_000, 2_000, 3_000, 4_000
_PIECE = 500
_TEXT = 6 << 20
_MEDIA: tuple[Kind, ...] = ("images", "audio", "table", "histogram")
_WORDS = {"images": "pictures", "audio": "sounds", "table": "tables", "histogram": "histograms"}


class _File(msgspec.Struct):
    hash: str = ""


class _Shown(msgspec.Struct):
    file: _File | None = None
    files: list[_File] = []


_shown = msgspec.json.Decoder(_Shown).decode


class Gathered:
    """What a run has to tell, thinned to a share of what there is room for.

    Attributes:
        texts: By name, the JSON that a server would have answered.
        left: What was left out, a sentence each.
    """

    def __init__(self, index: Index, share: float, stop: Callable[[], bool]) -> None:
        self.left: list[str] = []
        self._index, self._share, self._stop = index, share, stop
        run = index.run
        state = index.state_json(run.alive(), rows=8, stop=stop)
        known = msgspec.json.decode(state)
        self.texts: dict[str, bytes] = {
            "state": state,
            "series": self._series(len(known["metrics"])),
            "marks": index.marks_json(stop=stop),
            "leaderboard": index.leaderboard_json("", 500, stop=stop),
            "lines": self._lines(),
            "samples": self._samples(),
            "system": self._system(run) if known["counts"].get("system") else b"[]",
        }
        self._pages = {kind: self._named(kind) for kind in _MEDIA}
        self._shown = {(kind, at): page for kind in _MEDIA for at, page in enumerate(self._pages[kind])}
        self._shown["samples", 0] = self._sampled
        self._files = {key: [_files_of(line) for line in page.lines] for key, page in self._shown.items()}
        every = (digest for events in self._files.values() for each in events for digest in each)
        self._sizes = _sizes(run, every)

    @property
    def media_size(self) -> int:
        """Bytes that the events of media take at most, without their files."""
        lines = (line for pages in self._pages.values() for page in pages for line in page.lines)
        return sum(len(line) + 1 for line in lines) * 4 // 3

    def files_size(self) -> int:
        """Return the bytes that all files would take that what is told shows."""
        return sum(self._sizes.values())

    def fit(self, room: int) -> list[str]:
        """Take in the media whose files have room, and return these files' hashes."""
        pages, files, sizes = self._shown, self._files, self._sizes
        kept = {key: [at for at, each in enumerate(events) if each] for key, events in files.items()}

        def chosen() -> dict[str, None]:
            return dict.fromkeys(it for key, places in kept.items() for at in places for it in files[key][at])

        def largest(key: tuple[Kind, int]) -> int:
            return max((sizes[digest] for at in kept[key] for digest in files[key][at]), default=0)

        while sum(sizes[digest] for digest in chosen()) > room:
            if any(len(places) > 1 for places in kept.values()):
                kept = {key: places[::2] for key, places in kept.items()}
            else:
                kept[max(kept, key=largest)] = []
        for kind in _MEDIA:
            shown = [
                _only(page, [at for at, each in enumerate(files[key]) if not each or at in kept[key]])
                for key, page in pages.items()
                if key[0] == kind
            ]
            total = shown[0].total if shown else 0
            self._tell(_WORDS[kind], sum(len(page.lines) for page in shown), total, kind)
            self.texts[kind] = _joined(kind, shown)
        with_files = sum(1 for each in files["samples", 0] if each)
        self._tell("samples with their files", len(kept["samples", 0]), with_files, "")
        return [digest for digest in chosen() if sizes[digest]]

    def _series(self, metrics: int) -> bytes:
        points = int(min(_MOST, max(_LEAST, _POINTS * self._share / max(1, metrics))))
        answer = self._index.series_json(
            names=None, x="step", points=points, start=None, end=None, stop=self._stop
        )
        series = msgspec.json.decode(answer)["series"].values()
        if any(columns["thinned"] for columns in series):
            self.left.append(
                f"Curves hold some {points:,} points each: the smallest and largest are among them."
            )
        return answer

    def _lines(self) -> bytes:
        found: list[bytes] = []
        counted: list[int] = []

        def count(known: Lines) -> range:
            counted.append(len(known))
            return range(0)

        self._index.lines(count, stop=self._stop)
        begin, size = counted[0], 0
        while begin and len(found) < _LINES * self._share and size < _TEXT * self._share:
            end, begin = begin, max(0, begin - _PIECE)
            lines, _ = self._index.lines(partial(_between, begin, end), stop=self._stop)
            if len(lines) < end - begin:
                break  # they are too long to come at once
            found[:0] = lines
            size += sum(map(len, lines))
        self._tell("log lines", len(found), counted[0], "log")
        return b"[%b]" % b",".join(found)

    def _samples(self) -> bytes:
        page = self._page("samples", math.inf)
        while (
            0 < len(page.lines) < min(page.matching, _SAMPLES * self._share)
            and _size(page) < _TEXT * self._share
        ):
            more = self._page("samples", page.matching - len(page.lines))
            if not more.lines:
                break
            page = page._replace(lines=[*page.lines, *more.lines], branches=[*page.branches, *more.branches])
        self._tell("samples", len(page.lines), page.matching, "samples")
        self._sampled = page
        return page_json("samples", page)

    def _named(self, kind: Kind) -> list[Page]:
        """Return the media of each name, spread over the whole run."""
        names = self._page(kind, 0).groups
        most = max(2, min(500, int(_NAMED * self._share / max(1, len(names)))))
        return [
            self._page(kind, math.inf, name, every=False, limit=most, spread=True) for name, _, _ in names
        ]

    def _page(self, kind: Kind, before: float, key: Key = None, **how: Any) -> Page:
        how = {"every": True, "limit": 500, **how}
        return self._index.page(kind, key, before=before, stop=self._stop, **how)

    def _system(self, run: StoredRun) -> bytes:
        found: list[bytes] = []
        cursor, every, number = "0", 1, 0
        while not self._stop():
            lines, cursor, _ = lines_of(run, frozenset({"system"}), lambda event: True, cursor, 10_000)
            if not lines:
                break
            for line in lines:
                if number % every == 0:
                    found.append(line)
                number += 1
                if len(found) > _SYSTEM * self._share:
                    found, every = found[::2], every * 2
        return b"[%b]" % b",".join(found)

    def _tell(self, what: str, held: int, total: int, kind: str) -> None:
        if held < total:
            which = (
                "the last ones"
                if kind in ("log", "samples")
                else "some of the whole run, the last ones among them"
            )
            self.left.append(f"{held:,} of {total:,} {what}: {which}.")


def _between(begin: int, end: int, known: Lines) -> range:
    return range(begin, end)


def _files_of(line: bytes) -> list[str]:
    try:
        shown = _shown(line)
    except msgspec.DecodeError:
        return []
    return [file.hash for file in ([shown.file] if shown.file else shown.files)]


def _sizes(run: StoredRun, digests: Iterable[str]) -> dict[str, int]:
    """Return the bytes that files take in the copy; 0 for those that are gone."""
    sizes: dict[str, int] = {}
    for digest in digests:
        if digest not in sizes:
            try:
                sizes[digest] = os.stat(run.file_path(digest)).st_size * 4 // 3 + 200
            except (OSError, StoreError):
                sizes[digest] = 0
    return sizes


def _only(page: Page, places: Sequence[int]) -> Page:
    return page._replace(
        lines=[page.lines[at] for at in places], branches=[page.branches[at] for at in places]
    )


def _size(page: Page) -> int:
    return sum(map(len, page.lines))


def _joined(kind: Kind, pages: Sequence[Page]) -> bytes:
    """Return the answer to who asks for all names; what was left out is not counted."""
    if not pages:
        return page_json(kind, Page("0", 0, [], 0, 0, [], []))
    counts = [len(page.lines) for page in pages]
    groups: list[tuple[Key, int, Scores]] = [
        (name, held, {}) for (name, _, _), held in zip(pages[0].groups, counts, strict=True) if held
    ]
    lines = [line for page in pages for line in page.lines]
    branches = [branch for page in pages for branch in page.branches]
    return page_json(
        kind,
        pages[0]._replace(
            groups=groups, matching=len(lines), before=len(lines), lines=lines, branches=branches
        ),
    )
