"""Which runs of the list are meant, in which order, and how many: what a query says of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta
from starlette.requests import HTTPConnection

from livecb.server.query import COMMAS, Query, query_of
from livecb.server.replies import Problem

__all__ = ["RunQuery", "Selection"]

Row = dict[str, Any]

_STATUSES = (
    "starting running paused stalled evaluating saving predicting sanity_checking "
    "completed failed stopped killed crashed"
).split()
_ACTIVE, _OVER = "active", "over"
_CHOICES = (*_STATUSES, _ACTIVE, _OVER)
_SORTS = "run name project framework status started updated ended elapsed progress".split()
_METRIC = "metrics."
_ARCHIVED = {"0": (False,), "1": (True,), "all": (False, True)}

_Word = Annotated[str, Meta(max_length=500)] | None


class RunQuery(Query):
    """Which runs, in which order, and how many."""

    status: Annotated[
        list[Literal[_CHOICES]],  # type: ignore[valid-type]
        Meta(description=f"any of them; `{_ACTIVE}` is not over", extra_json_schema=COMMAS),
    ] = []
    project: Annotated[_Word, Meta(description="the project's name")] = None
    framework: Annotated[_Word, Meta(description="the framework's name")] = None
    tag: Annotated[list[str], Meta(description="a tag that it bears; each of several, where repeated")] = []
    search: Annotated[
        _Word, Meta(description="words that its id, name, project and tags hold, whatever their case")
    ] = None
    archived: Annotated[
        Literal["0", "1", "all"],
        Meta(description="`0` leaves archived runs out, `1` gives them alone, `all` both"),
    ] = "0"
    sort: Annotated[
        str,
        Meta(
            pattern=f"^-?({'|'.join(_SORTS)}|{_METRIC[:-1]}[.].+)$",
            description=f"one of {', '.join(_SORTS)} or `{_METRIC}NAME`; `-` before it turns it round",
            examples=["-started", "metrics.val/loss"],
        ),
    ] = "-started"
    limit: Annotated[int, Meta(ge=1, le=10**9, description="at most so many rows")] | None = None
    after: Annotated[_Word, Meta(description="the last run of the page before: `next` of its answer")] = None


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
    def parse(connection: HTTPConnection) -> Selection:
        """Return what a request asks for.

        Raises:
            Problem: A word of its query is none that it could be.
        """
        asked = query_of(connection, RunQuery)
        fields = {"project": asked.project, "framework": asked.framework}
        return Selection(
            frozenset(asked.status),
            {name: word for name, word in fields.items() if word is not None},
            frozenset(asked.tag),
            tuple((asked.search or "").casefold().split()),
            _ARCHIVED[asked.archived],
            asked.sort,
            asked.limit,
            asked.after,
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
