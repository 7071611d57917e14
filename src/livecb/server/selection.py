"""Which runs of the list are meant, in which order, and how many: what a query says of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams

from livecb.server.replies import Problem

__all__ = ["QUERY", "Selection"]

Row = dict[str, Any]

_STATUSES = (
    "starting running paused stalled evaluating saving predicting sanity_checking "
    "completed failed stopped killed crashed"
).split()
_ACTIVE, _OVER = "active", "over"
_SORTS = "run name project framework status started updated ended elapsed progress".split()
_METRIC = "metrics."
_ARCHIVED = {"0": (False,), "1": (True,), "all": (False, True)}

QUERY = {
    "status": f"comma-separated: {', '.join(_STATUSES)}; `{_ACTIVE}` or `{_OVER}`",
    "project": "the project's name",
    "framework": "the framework's name",
    "tag": "a tag that it bears; each of several, where repeated",
    "search": "words that its id, name, project and tags hold, whatever their case",
    "archived": "`0` (default) leaves archived runs out, `1` gives them alone, `all` both",
    "sort": f"one of {', '.join(_SORTS)} or `{_METRIC}NAME`; `-` before it turns it; default `-started`",
    "limit": "at most so many rows",
    "after": "the last run of the page before: `next` of its answer",
}
"""What may stand in a query, and what it means."""


@dataclass(frozen=True)
class Selection:
    """What is asked of the list."""

    statuses: frozenset[str]
    fields: dict[str, str]
    tags: frozenset[str]
    words: tuple[str, ...]
    archived: tuple[bool, ...]
    sort: str
    limit: int | None
    after: str | None

    @staticmethod
    def parse(query: QueryParams) -> Selection:
        """Return what a query means.

        Raises:
            Problem: A word of it is none that it could be.
        """
        statuses = frozenset(word.strip() for word in query.get("status", "").split(",") if word.strip())
        if wrong := statuses - {*_STATUSES, _ACTIVE, _OVER}:
            known = ", ".join([*_STATUSES, _ACTIVE, _OVER])
            raise _not_understood(f"expected status to be some of {known}, got {min(wrong)!r}")
        archived = query.get("archived", "0")
        if archived not in _ARCHIVED:
            raise _not_understood(f"expected archived to be one of {', '.join(_ARCHIVED)}, got {archived!r}")
        sort = query.get("sort", "-started")
        if (key := sort.removeprefix("-")) not in _SORTS and not key.startswith(_METRIC):
            raise _not_understood(f"expected sort to be {', '.join(_SORTS)} or {_METRIC}NAME, got {sort!r}")
        limit = query.get("limit")
        if limit is not None and not (limit.isascii() and limit.isdecimal() and 0 < int(limit) < 10**9):
            raise _not_understood(f"expected limit to be a whole number of at least 1, got {limit!r}")
        return Selection(
            statuses,
            {name: query[name] for name in ("project", "framework") if name in query},
            frozenset(query.getlist("tag")),
            tuple(query.get("search", "").casefold().split()),
            _ARCHIVED[archived],
            sort,
            None if limit is None else int(limit),
            query.get("after"),
        )

    def has(self, row: Row) -> bool:
        """Whether a row is meant."""
        if bool(row.get("archived")) not in self.archived:
            return False
        if self.statuses and not self.statuses & {row["status"], _ACTIVE if row["ended"] is None else _OVER}:
            return False
        if any(row[name] != wanted for name, wanted in self.fields.items()):
            return False
        if not self.tags <= set(row["tags"]):
            return False
        text = " ".join([row["run"], row["name"], row["project"] or "", *row["tags"]]).casefold()
        return all(word in text for word in self.words)

    def page(self, rows: Iterable[Row]) -> tuple[list[Row], int, str | None]:
        """Return the rows of the page, how many match in all, and the run to ask for the next one after.

        Raises:
            Problem: The run to go on after is not among them.
        """
        found = self._sorted([row for row in rows if self.has(row)])
        first = 0
        if self.after is not None:
            places = {row["run"]: at for at, row in enumerate(found)}
            if self.after not in places:
                raise Problem(
                    404,
                    "No such place in the list",
                    f"the run {self.after!r} is not among those asked for any more: begin without `after`",
                )
            first = places[self.after] + 1
        page = found[first:] if self.limit is None else found[first : first + self.limit]
        more = bool(page) and first + len(page) < len(found)
        return page, len(found), page[-1]["run"] if more else None

    def _sorted(self, rows: list[Row]) -> list[Row]:
        """Sort them: those of which it is not known stand last, the newest first among equals."""
        key, turned = _key_of(self.sort.removeprefix("-")), self.sort.startswith("-")
        rows = sorted(rows, key=lambda row: str(row["run"]), reverse=True)
        known = [row for row in rows if key(row) is not None]
        return sorted(known, key=key, reverse=turned) + [row for row in rows if key(row) is None]


def _key_of(sort: str) -> Callable[[Row], Any]:
    if sort.startswith(_METRIC):
        name = sort.removeprefix(_METRIC)
        return lambda row: _finite((row["metrics"].get(name) or {}).get("value"))
    if sort == "progress":
        return lambda row: _finite((row["progress"] or {}).get("fraction"))
    return lambda row: value.casefold() if isinstance(value := row[sort], str) else value


def _finite(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and math.isfinite(value) else None


def _not_understood(detail: str) -> Problem:
    return Problem(400, "Not understood", detail)
