"""What may stand among a run's metrics and is none: pictures, sounds, distributions, tables.

`run.log({"loss": 0.3, "examples": Image(pixels)})` is `run.log({"loss": 0.3})` and
`run.image("examples", pixels)`, at the same step. Other keywords that W&B's classes of these names
take are accepted and have no effect.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livecb.verbs import Verbs

__all__ = ["Audio", "Histogram", "Image", "Logged", "Table", "record_logged"]


class Logged(ABC):
    """A value that is recorded by a verb of its own."""

    @abstractmethod
    def record(self, run: Verbs, name: str, axes: Mapping[str, Any]) -> None:
        """Record it under this name."""


class Image(Logged):
    """A picture: a path, encoded bytes, a Pillow image, or an array H×W, H×W×C or C×H×W.

    Args:
        data_or_path: The picture.
        caption: What to show below it.
    """

    def __init__(
        self, data_or_path: Any, mode: str | None = None, caption: str | None = None, **_: Any
    ) -> None:
        self.image: Any = data_or_path.image if isinstance(data_or_path, Image) else data_or_path
        self.caption = caption

    def record(self, run: Verbs, name: str, axes: Mapping[str, Any]) -> None:
        """Record it under this name."""
        run.image(name, self.image, caption=self.caption, **axes)


class Audio(Logged):
    """A sound: a path, encoded bytes, or samples in -1..1.

    Args:
        data_or_path: The sound.
        sample_rate: Samples a second, in Hz, where it is samples.
        caption: What to show below it.
    """

    def __init__(
        self, data_or_path: Any, sample_rate: int | None = None, caption: str | None = None, **_: Any
    ) -> None:
        self.audio = data_or_path if sample_rate is None else (data_or_path, sample_rate)
        self.caption = caption

    def record(self, run: Verbs, name: str, axes: Mapping[str, Any]) -> None:
        """Record it under this name."""
        run.audio(name, self.audio, caption=self.caption, **axes)


class Histogram(Logged):
    """A distribution: numbers, or `np_histogram=(counts, edges)`.

    Args:
        sequence: The numbers.
        np_histogram: Counts, and their edges: one more.
        num_bins: How many bins.
    """

    def __init__(
        self, sequence: Any = None, np_histogram: tuple[Any, Any] | None = None, num_bins: int = 64, **_: Any
    ) -> None:
        self.values = sequence if np_histogram is None else (list(np_histogram[0]), list(np_histogram[1]))
        self.bins = num_bins

    def record(self, run: Verbs, name: str, axes: Mapping[str, Any]) -> None:
        """Record it under this name."""
        run.histogram(name, self.values, bins=self.bins, **axes)


class Table(Logged):
    """Rows under columns.

    Args:
        columns: Their names; those of the dataframe, else numbers, if left out.
        data: The rows.
        dataframe: A pandas DataFrame, instead of rows.
    """

    def __init__(
        self,
        columns: Sequence[Any] | None = None,
        data: Iterable[Sequence[Any]] | None = None,
        rows: Iterable[Sequence[Any]] | None = None,
        dataframe: Any = None,
        **_: Any,
    ) -> None:
        if dataframe is not None:
            columns, data = list(dataframe.columns), dataframe.values.tolist()
        given = data if data is not None else rows
        self.data = [list(row) for row in given] if given is not None else []
        width = len(self.data[0]) if self.data else 3
        self.columns = [str(name) for name in (columns if columns is not None else range(width))]

    def add_data(self, *row: Any) -> None:
        """Append a row."""
        self.data.append(list(row))

    def record(self, run: Verbs, name: str, axes: Mapping[str, Any]) -> None:
        """Record it under this name."""
        cells = [[_cell(value) for value in row] for row in self.data]
        run.table(name, self.columns, cells, **axes)


def record_logged(run: Verbs, values: Mapping[str, Any], axes: Mapping[str, Any]) -> dict[str, Any]:
    """Record what has a verb of its own; return the rest, which should be numbers."""
    rest: dict[str, Any] = {}
    for name, value in values.items():
        each = value if isinstance(value, (list, tuple)) and value else [value]
        if all(isinstance(item, Logged) for item in each):
            for number, item in enumerate(each):
                item.record(run, str(name) if each[0] is value else f"{name}/{number}", axes)
        elif callable(getattr(value, "savefig", None)):  # a figure of Matplotlib, or pyplot with its latest
            run.figure(str(name), value, **axes)
        else:
            rest[name] = value
    return rest


def _cell(value: Any) -> Any:
    if isinstance(value, Logged):
        return f"({type(value).__name__})"  # a table holds text and numbers
    return value
