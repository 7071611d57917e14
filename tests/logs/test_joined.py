from __future__ import annotations

import pytest

from livecb.errors import CursorError, LogError
from livecb.logs import START, JoinedLog, MemoryLog
from livecb.logs.joined import join_cursors, split_cursor


def two() -> tuple[MemoryLog, MemoryLog, JoinedLog]:
    a, b = MemoryLog(), MemoryLog()
    return a, b, JoinedLog({"a": a, "b": b})


def test_composite_cursors_name_the_place_in_every_part() -> None:
    assert split_cursor("a@120,b@77") == {"a": "120", "b": "77"}
    assert join_cursors({"a": "120", "b": "77", "c": START}) == "a@120,b@77"
    assert split_cursor(join_cursors({})) == {}


@pytest.mark.parametrize("cursor", ["a", "a@", "@3", "a@1,,b@2", "a@1,a@2"])
def test_a_composite_cursor_of_the_wrong_form_says_so(cursor: str) -> None:
    with pytest.raises(CursorError, match="a@120,b@77"):
        split_cursor(cursor)


def test_each_line_of_each_part_comes_exactly_once_whatever_the_cursor() -> None:
    a, b, joined = two()
    a.append(b"a0\na1\n")
    b.append(b"b0\n")
    batch = joined.read()
    assert sorted(batch.lines) == [b"a0", b"a1", b"b0"]
    for at, cursor in enumerate(batch.cursors):
        assert joined.read(cursor).lines == batch.lines[at + 1 :]
    a.append(b"a2\n")
    b.append(b"b1\n")
    assert sorted(joined.read(batch.cursor).lines) == [b"a2", b"b1"]


def test_a_part_that_the_cursor_does_not_name_is_read_from_its_start() -> None:
    a, b = MemoryLog(), MemoryLog()
    a.append(b"a0\n")
    cursor = JoinedLog({"a": a}).read().cursor
    b.append(b"b0\n")
    assert JoinedLog({"a": a, "b": b}).read(cursor).lines == (b"b0",)


def test_a_bare_cursor_is_a_place_in_the_main_part() -> None:
    a, b = MemoryLog(), MemoryLog()
    place = a.append(b"a0\n")
    joined = JoinedLog({"a": a, "b": b}, main="a")
    assert joined.read().cursor == place
    b.append(b"b0\n")
    assert joined.read(place).lines == (b"b0",)


def test_a_part_that_starts_anew_resets_the_whole() -> None:
    a, b, joined = two()
    a.append(b"a0\n")
    b.append(b"b0\n")
    cursor = joined.read().cursor
    a.clear()
    batch = joined.read(cursor)
    assert (batch.reset, batch.lines) == (True, (b"b0",))


def test_a_part_that_is_gone_resets_the_whole() -> None:
    a, b, joined = two()
    a.append(b"a0\n")
    b.append(b"b0\n")
    batch = JoinedLog({"b": b}).read(joined.read().cursor)
    assert (batch.reset, batch.lines) == (True, (b"b0",))


def test_a_joined_log_is_not_appended_to() -> None:
    with pytest.raises(LogError, match="one of its parts"):
        two()[2].append(b"line\n")
