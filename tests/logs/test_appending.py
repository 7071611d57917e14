"""Appending at a place: exact however often it is tried, and whatever happens in between."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecb.errors import LogError
from livecb.logs.appending import NotAtEnd, append_at, end_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_each_append_goes_on_where_the_one_before_ended(path: Path) -> None:
    at = append_at(path, 0, b"a\nb\n")
    assert append_at(path, at, b"c\n") == 6
    assert path.read_bytes() == b"a\nb\nc\n"
    assert end_of(path) == 6


def test_a_retry_writes_nothing_twice_even_after_later_ones(path: Path) -> None:
    append_at(path, 0, b"a\n")
    append_at(path, 2, b"b\n")
    assert append_at(path, 0, b"a\n") == 2
    assert append_at(path, 2, b"b\n") == 4
    assert append_at(path, 0, b"a\nb\n") == 4
    assert path.read_bytes() == b"a\nb\n"


def test_what_was_torn_is_completed(path: Path) -> None:
    path.write_bytes(b'{"a":1}\n{"b"')
    assert end_of(path) == 8
    assert append_at(path, 8, b'{"b":2}\n{"c":3}\n') == 24
    assert path.read_bytes() == b'{"a":1}\n{"b":2}\n{"c":3}\n'


@pytest.mark.parametrize(
    ("at", "lines"), [(0, b"x\n"), (2, b"c\n"), (6, b"c\n"), (3, b"\nc\n"), (99, b"c\n")]
)
def test_other_lines_or_another_place_are_refused_and_nothing_is_written(
    path: Path, at: int, lines: bytes
) -> None:
    path.write_bytes(b"a\nb\n")
    with pytest.raises(NotAtEnd) as caught:
        append_at(path, at, lines)
    assert caught.value.end == 4
    assert path.read_bytes() == b"a\nb\n"


def test_a_disk_that_is_full_takes_all_or_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append_at(path, 0, b"a\n")
    real, calls = os.pwrite, []

    def short(file: int, data: bytes, at: int) -> int:
        calls.append(at)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return real(file, data[:1], at)

    monkeypatch.setattr(os, "pwrite", short)
    with pytest.raises(LogError, match="No space"):
        append_at(path, 2, b"bbb\n")
    assert path.read_bytes() == b"a\n"
    monkeypatch.undo()
    assert append_at(path, 2, b"bbb\n") == 6


@given(
    st.lists(
        st.tuples(st.sampled_from([b"a\n", b"b\n", b"cc\n"]), st.integers(1, 3), st.integers(0, 3)),
        max_size=12,
    )
)
def test_whatever_is_lost_on_the_way_each_line_stands_once(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[bytes, int, int]]
) -> None:
    path, at, sent = tmp_path_factory.mktemp("log") / "events.jsonl", 0, b""
    for line, times, torn in batches:
        if torn:  # a server that died in the middle of writing
            with path.open("ab") as file:
                file.write(line[: torn - 1])
        for _ in range(times):  # answers that got lost
            following = append_at(path, at, line)
        at, sent = following, sent + line
    assert (path.read_bytes() if sent else b"") == sent
