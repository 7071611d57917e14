"""Places in the logs of one or several runs, and the cursors they are written as."""

from __future__ import annotations

import pytest
from watching import Writer

from livecb.errors import CursorError, LogError
from livecb.server.tail import Stretch, Tail
from livecb.store import Store


def lines(tail: Tail, place: tuple[int, ...], limit: int = 100) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    for stretch in tail.read(place, limit):
        assert isinstance(stretch, Stretch)
        found += [(stretch.part, line) for line in stretch.lines]
    return found


def test_the_only_log_of_a_run_has_bare_cursors(store: Store) -> None:
    writer = Writer(store).start().metrics(2)
    tail = Tail([writer.run])
    assert tail.format(tail.end()) == str(writer.path.stat().st_size)
    assert tail.format(()) == "0"
    assert tail.parse(tail.format(tail.end())) == (tail.end(), [])
    assert tail.parse("0") == ((0,), [])
    assert tail.parse("end") == (tail.end(), [])


def test_the_parts_of_a_run_have_names_in_its_cursors(store: Store) -> None:
    writer, rank = Writer(store).start(), Writer(store, part="1").metrics(1)
    tail = Tail([writer.run])
    size, other = writer.path.stat().st_size, rank.path.stat().st_size
    assert tail.format(tail.end()) == f"main@{size},1@{other}"
    assert tail.format((size, 0)) == str(size)
    assert tail.parse(f"1@{other}") == ((0, other), [])
    assert tail.parse(str(size)) == ((size, 0), [])


def test_several_runs_have_their_names_in_the_cursors(store: Store) -> None:
    one, two = Writer(store, "one").start(), Writer(store, "two").start()
    Writer(store, "two", part="1").metrics(1)
    tail = Tail([one.run, two.run], several=True)
    cursor = tail.format(tail.end())
    assert cursor.startswith("one@")
    assert ",two/1@" in cursor
    assert tail.parse(cursor) == (tail.end(), [])


@pytest.mark.parametrize(
    "cursor", ["x", "-1", "1.5", "main@", "@1", "main@x", "1" * 19, "٣", "main@1,main@1"]
)
def test_what_is_no_cursor_is_refused(store: Store, cursor: str) -> None:
    tail = Tail([Writer(store).start().run])
    with pytest.raises(CursorError, match="start from '0'"):
        tail.parse(cursor)


def test_a_cursor_of_a_run_that_was_not_asked_for_is_refused(store: Store) -> None:
    tail = Tail([Writer(store).start().run], several=True)
    with pytest.raises(CursorError, match="'other'"):
        tail.parse("other@5")


@pytest.mark.parametrize("cursor", ["7", "99999", "gone@5"])
def test_a_cursor_that_cannot_be_honoured_names_its_run(store: Store, cursor: str) -> None:
    run = Writer(store).start().run
    assert Tail([run]).parse(cursor)[1] == [run.id]


def test_parts_that_come_later_stand_behind(store: Store) -> None:
    writer = Writer(store).start()
    tail = Tail([writer.run])
    place = tail.end()
    rank = Writer(store, part="1").metrics(2)
    tail.find_parts()
    assert [line for _, line in lines(tail, place)] == rank.lines()
    assert tail.pad(place) == (*place, 0)


def test_reading_stops_at_a_bound(store: Store) -> None:
    writer = Writer(store).start()
    tail = Tail([writer.run])
    bound = tail.end()
    writer.metrics(5)
    (stretch,) = tail.read((0,), 100, bound)
    assert isinstance(stretch, Stretch)
    assert stretch.after((0,)) == bound
    assert list(tail.read(bound, 100, bound)) == []


def test_a_log_that_is_another_is_noticed_and_one_that_is_missing_is_not(store: Store) -> None:
    writer = Writer(store).start().metrics(3)
    tail = Tail([writer.run])
    assert tail.replaced() == set()
    content = writer.path.read_bytes()
    away = writer.path.rename(writer.path.with_suffix(".away"))
    assert tail.replaced() == set()
    away.rename(writer.path)
    assert tail.replaced() == set()
    spare = writer.path.with_suffix(".new")
    spare.write_bytes(content)
    spare.rename(writer.path)
    before = tail.generations
    assert tail.replaced() == {writer.run.id}
    assert tail.generations[writer.run.id] == before[writer.run.id] + 1


def test_a_log_that_cannot_be_read_has_nothing_new_for_the_patient(store: Store) -> None:
    run = Writer(store).run
    run.part_path().mkdir()
    assert lines(Tail([run], patient=True), (0,)) == []
    with pytest.raises(LogError):
        lines(Tail([run]), (0,))


def test_a_file_that_is_no_part_is_left_alone(store: Store) -> None:
    writer = Writer(store).start()
    for name in ("events-a,b.jsonl", "events-a@b.jsonl"):
        (writer.run.folder / name).write_bytes(writer.path.read_bytes())
    assert len(Tail([writer.run]).parts) == 1


def test_a_cursor_that_names_a_part_which_just_appeared_is_understood(store: Store) -> None:
    writer = Writer(store).start()
    tail = Tail([writer.run])
    rank = Writer(store, part="1").metrics(2)
    cursor = Tail([writer.run]).format(Tail([writer.run]).end())
    assert tail.parse(cursor) == ((writer.path.stat().st_size, rank.path.stat().st_size), [])
