"""The latest ticks and chunks: bounded, and joined once for all who ask for the same."""

from __future__ import annotations

from livecb.server.ring import Ring, Shelf, Tick


def ring(count: int, limit: int = 1000, send: int = 1000) -> Ring:
    made = Ring(b"|", limit, send)
    for number in range(count):
        made.add(Tick(b"%03d" % number, (number,), {}))
    return made


def test_ticks_from_a_number_on_come_as_one_piece() -> None:
    piece = ring(5).piece(2)
    assert piece.data == b"002|003|004"
    assert piece.next == 5
    assert piece.end == (4,)


def test_who_asks_for_the_same_gets_the_same_bytes() -> None:
    made = ring(5)
    assert made.piece(1) is made.piece(1)
    piece = made.piece(1)
    made.add(Tick(b"new", (9,), {}))
    assert made.piece(1) is not piece


def test_the_oldest_ticks_go_when_there_are_too_many_bytes() -> None:
    made = ring(10, limit=9)
    assert made.first == 7
    assert made.next == 10
    assert made.piece(7).data == b"007|008|009"


def test_the_latest_tick_stays_however_long_it_is() -> None:
    made = ring(3, limit=1)
    assert made.piece(2).data == b"002"


def test_a_piece_ends_where_it_is_long_enough() -> None:
    piece = ring(10, send=6).piece(0)
    assert piece.data == b"000|001"
    assert piece.next == 2


def test_ticks_that_hold_nothing_leave_no_trace_but_their_place() -> None:
    made = ring(1)
    made.add(Tick(b"", (7,), {}))
    made.add(Tick(b"xyz", (8,), {}))
    assert made.piece(0).data == b"000|xyz"
    assert made.piece(1).end == (8,)


def test_numbers_go_on_after_all_was_forgotten() -> None:
    made = ring(3)
    made.clear()
    assert made.first == made.next == 3
    made.add(Tick(b"new", (9,), {}))
    assert made.piece(3).data == b"new"


def test_a_shelf_gives_nothing_beyond_the_bound() -> None:
    shelf = Shelf(100)
    shelf.put((0, 0), b"chunk", (10, 5))
    assert shelf.get((0, 0), (10, 5)) == (b"chunk", (10, 5))
    assert shelf.get((0, 0), (10, 4)) is None
    assert shelf.get((1, 0), (99, 99)) is None


def test_a_shelf_forgets_what_was_least_lately_asked_for() -> None:
    shelf = Shelf(10)
    shelf.put((0,), b"aaaa", (1,))
    shelf.put((1,), b"bbbb", (2,))
    assert shelf.get((0,), (9,))
    shelf.put((2,), b"cccc", (3,))
    assert shelf.get((1,), (9,)) is None
    assert shelf.get((0,), (9,))
    shelf.put((2,), b"c", (3,))
    shelf.put((4,), b"dddd", (5,))
    assert shelf.get((0,), (9,))
