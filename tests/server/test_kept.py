"""Answers that are kept: the same as if they were made anew, and never of what is written no more."""

from __future__ import annotations

import asyncio

from watching import Served, Writer

from livecb.server.indexes import Indexes
from livecb.server.kept import Kept
from livecb.store import Store

QUERY = {"names": None, "x": "step", "points": 100, "start": None, "end": None}


def test_an_answer_comes_again_while_nothing_was_written() -> None:
    kept = Kept()
    kept.put("question", "mark", b"answer")
    assert kept.get("question", "mark") == b"answer"
    assert kept.get("question", "another mark") is None
    assert kept.get("another question", "mark") is None


def test_the_answers_that_nobody_asked_for_lately_are_forgotten_first() -> None:
    kept = Kept(limit=100)
    for asked in range(10):
        kept.put(asked, 0, b"x" * 10)
    assert kept.get(0, 0)
    kept.put(10, 0, b"x" * 10)
    assert kept.get(0, 0)
    assert kept.get(1, 0) is None
    assert kept.nbytes == 100


def test_an_answer_that_would_put_out_the_others_is_not_kept() -> None:
    kept = Kept(limit=100)
    kept.put("small", 0, b"x" * 10)
    kept.put("large", 0, b"x" * 50)
    assert kept.get("large", 0) is None
    assert kept.get("small", 0)
    kept.put("small", 1, b"x" * 50)
    assert kept.get("small", 0) is None
    assert kept.nbytes == 0


def test_a_run_that_is_over_is_folded_once_for_all_who_compare_it(store: Store) -> None:
    run = Writer(store).start().metrics(1000).end().run.id
    indexes = Indexes(store)

    async def ask() -> tuple[bytes, bytes]:
        return await indexes.state(run, False), await indexes.series(run, **QUERY)

    async def twice() -> None:
        state, curves = await ask()
        indexes.forget(run)
        state_again, curves_again = await ask()
        assert indexes.known(run) is None
        assert curves_again == curves
        assert _without_now(state_again) == _without_now(state)

    asyncio.run(twice())
    indexes.close()


def test_what_is_written_after_the_end_is_seen_at_once(served: Served, writer: Writer) -> None:
    writer.metrics(10)
    writer.end()
    writer.die()
    path = f"api/runs/{writer.run.id}"
    for count in (10, 15, 20):
        assert served.get(path)["metrics"]["train/loss"]["count"] == count
        assert served.get(f"{path}/series")["series"]["train/loss"]["count"] == count
        assert served.get(path)["metrics"]["train/loss"]["count"] == count
        writer.metrics(5)


def test_the_clock_of_a_run_that_is_over_goes_on_and_its_labels_are_new(
    served: Served, writer: Writer
) -> None:
    writer.end()
    writer.die()
    path = f"api/runs/{writer.run.id}"
    first, second = served.get(path), served.get(path)
    assert second["now"] > first["now"]
    assert second["elapsed"] == first["elapsed"]
    writer.run.label(name="another")
    assert served.get(path)["name"] == "another"


def _without_now(state: bytes) -> bytes:
    head, _, rest = state.partition(b'"now":')
    return head + rest.partition(b",")[2]
