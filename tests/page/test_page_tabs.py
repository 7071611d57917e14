"""However many tabs are open, each of them is live."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

import pytest
from browsing import ALONE, Server, TrainerProcess, Watched, wait_for, wait_for_steps
from playwright.sync_api import Page

from livecb import events as ev
from livecb.logs.file import FileLog
from livecb.store import Store

Train = Callable[..., TrainerProcess]
shared = pytest.mark.usefixtures("served")


def even(steps: int) -> list[int]:
    """The steps at which the trainer says its training values."""
    return [*range(0, steps, 2)]


def tabs(first: Page, address: str, count: int) -> list[Page]:
    """Open so many more tabs of one browser."""
    pages = [first.context.new_page() for _ in range(count)]
    for page in pages:
        page.goto(address)
    return pages


class Rank(threading.Thread):
    """Rank 1 of a run: so many steps at a rate, between them what no page asks to be told."""

    def __init__(self, server: Server, run: str, steps: int, rate: float) -> None:
        super().__init__(daemon=True)
        self.log = FileLog(Store(server.folder).run(run).part_path("1"))
        self.steps, self.rate = steps, rate
        self.said = 0

    def say(self, kind: type[ev.Event], **fields: object) -> None:
        self.log.append(ev.encode(kind(seq=self.said, time=time.time(), rank=1, **fields)) + b"\n")  # type: ignore[arg-type]
        self.said += 1

    def run(self) -> None:
        for step in range(self.steps):
            self.say(ev.Metrics, values={"train/loss": 1 / (step + 1)}, context="train", step=step)
            if step % 3 == 0:
                self.say(ev.System, cpu=50.0)
            time.sleep(1 / self.rate)


def streams_at(server: Server, page: Page) -> float:
    """How many event streams the server holds open."""
    said = page.request.get(server.address + "metrics").text()
    lines = [line for line in said.splitlines() if line.startswith("livecb_streams_open{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def assert_every_number_once(server: Server, run: str, page: Page) -> None:
    """What came by the stream is what stands in the log, number for number."""
    seqs = page.evaluate("livecb.seqs()")
    asked = (
        "metrics log run_started model_completed sample image figure command checkpoint alert note".split()
    )
    lines = (server.folder / run / "events.jsonl").read_bytes().splitlines()
    said = [event["seq"] for event in map(json.loads, lines) if event["type"] in asked]
    assert seqs == said[len(said) - len(seqs) :]
    assert len(seqs) > 0


def test_twelve_tabs_of_several_runs_that_are_all_seen_are_live_over_two_connections(
    server: Server, train: Train, watched: Watched
) -> None:
    trainers = [train("--steps", 40) for _ in range(3)]
    first = watched.open(server.url(trainers[0].run))
    pages = [first]
    for number in range(1, 12):
        pages += tabs(first, f"{server.address}r/{trainers[number % 3].run}", 1)
    [listing] = tabs(first, server.address, 1)
    for page in pages:
        wait_for(page, "livecb.link().kind === 'live'")
    wait_for(listing, "livecb.rows().length === 3 && livecb.link().kind === 'live'")
    for trainer in trainers:
        trainer.tell("step", 60)
    for page in pages:
        assert page.evaluate("document.visibilityState") == "visible"
        wait_for_steps(page, "train/loss", even(100))
        wait_for(page, "livecb.link().kind === 'live'")
        assert page.evaluate("livecb.stream()") == {"via": "stream", "shared": True}
        assert page.evaluate("livecb.link().loads") == 1
    for number, page in enumerate(pages):
        assert_every_number_once(server, trainers[number % 3].run, page)
    # The server sees a stream that was hung up once it gets to it.
    deadline = time.monotonic() + 30
    while (streams := streams_at(server, first)) > 3:
        assert time.monotonic() < deadline, (
            f"{streams}: one for the list, one for the runs, and one that goes"
        )
        first.wait_for_timeout(100)


@shared
def test_tabs_that_close_leave_the_others_neither_gap_nor_double(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 40)
    other = train("--steps", 40)
    first = watched.open(server.url(trainer.run))
    pages = [first, *tabs(first, f"{server.address}r/{trainer.run}", 2)]
    pages += tabs(first, f"{server.address}r/{other.run}", 1)
    for page in pages:
        wait_for(page, "livecb.link().kind === 'live'")
    steps = 40
    for _ in range(2):
        pages.pop(0).close()
        for _ in range(5):
            trainer.tell("step", 10)
        steps += 50
        wait_for_steps(pages[0], "train/loss", even(steps))
    assert_every_number_once(server, trainer.run, pages[0])
    wait_for_steps(pages[1], "train/loss", even(40))
    for page in pages:
        assert page.evaluate("[livecb.link().connects, livecb.link().loads]") == [1, 1]


@shared
def test_tabs_that_open_while_events_pour_in_have_each_once(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 100, "--rate", 300, "--more", 900)
    first = watched.open(server.url(trainer.run))
    pages = [first, *tabs(first, f"{server.address}r/{trainer.run}", 4)]
    for page in pages:
        wait_for(page, "livecb.link().kind === 'live' || livecb.link().kind === 'replaying'")
    trainer.tell("step", 10)
    for page in pages:
        wait_for_steps(page, "train/loss", even(1010))
        wait_for(page, "livecb.logs().count === livecb.state().counts.log")
        assert_every_number_once(server, trainer.run, page)
        page.close()


@shared
def test_tabs_that_open_or_come_back_while_two_ranks_go_on_have_each_event_of_both_once(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 100, "--rate", 100, "--more", 900)
    rank = Rank(server, trainer.run, 1000, 100)
    rank.start()
    first = watched.open(server.url(trainer.run))
    pages = [first]
    for _ in range(4):
        wait_for(pages[-1], "livecb.counts()['train/loss@1'] > 0")
        pages += tabs(first, f"{server.address}r/{trainer.run}", 1)
    while rank.is_alive():
        pages[1].evaluate("dispatchEvent(new Event('pagehide'))")
        pages[1].wait_for_timeout(200)
        pages[1].evaluate("dispatchEvent(new Event('pageshow'))")
        pages[1].wait_for_timeout(200)
    trainer.tell("step", 10)
    for page in pages:
        wait_for_steps(page, "train/loss", even(1010))
        wait_for_steps(page, "train/loss@1", [*range(1000)])


@shared
def test_a_tab_of_a_run_that_says_nothing_that_a_page_is_told_is_live_at_once(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 40)
    first = watched.open(server.url(trainer.run))
    wait_for(first, "livecb.link().kind === 'live'")
    said = first.evaluate("livecb.state().events")
    trainer.tell("progress", 45)
    wait_for(first, "livecb.state().events === wanted", said + 1)
    [second] = tabs(first, f"{server.address}r/{trainer.run}", 1)
    wait_for(second, "livecb.link().kind === 'live'")
    assert second.evaluate("livecb.stream().shared")
    trainer.tell("progress", 46)
    wait_for(second, "livecb.state().events === wanted", said + 2)
    trainer.tell("step", 60)
    for page in (first, second):
        wait_for_steps(page, "train/loss", even(100))


@shared
def test_a_tab_of_a_run_that_has_just_ended_knows_that_it_is_over(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 40)
    first = watched.open(server.url(trainer.run))
    wait_for(first, "livecb.link().kind === 'live'")
    trainer.tell("end", "completed")
    trainer.kill()
    [second] = tabs(first, f"{server.address}r/{trainer.run}", 1)
    for page in (first, second):
        wait_for(page, "livecb.link().kind === 'resting'")
        assert page.evaluate("[livecb.state().status, livecb.state().alive]") == ["completed", False]


def test_tabs_without_a_shared_worker_are_live_too(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 40)
    first = watched.open("about:blank")
    first.context.add_init_script(ALONE)
    first.goto(server.url(trainer.run))
    pages = [first, *tabs(first, f"{server.address}r/{trainer.run}", 7)]
    [listing] = tabs(first, server.address, 1)
    for page in pages:
        wait_for(page, "livecb.link().kind === 'live'")
    trainer.tell("step", 60)
    for page in pages:
        page.bring_to_front()
        wait_for_steps(page, "train/loss", even(100))
        wait_for(page, "livecb.link().kind === 'live' && livecb.stream().via === 'socket'")
        assert page.evaluate("livecb.stream().shared") is False
    wait_for(listing, "livecb.rows().length === 1")
    assert_every_number_once(server, trainer.run, pages[-1])


@shared
def test_a_worker_that_cannot_be_loaded_is_done_without(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 40)
    page = watched.open("about:blank")
    page.context.add_init_script(
        "window.SharedWorker = class { port = new MessageChannel().port1 }"  # it never says a word
    )
    page.goto(server.url(trainer.run))
    wait_for(page, "livecb.link().kind === 'live' && !livecb.stream().shared")
    trainer.tell("step", 60)
    wait_for_steps(page, "train/loss", even(100))


def test_a_deleted_run_does_not_take_the_others_with_it(
    server: Server, train: Train, watched: Watched
) -> None:
    gone, kept = train("--steps", 40), train("--steps", 40)
    first = watched.open(server.url(kept.run))
    [second] = tabs(first, f"{server.address}r/{gone.run}", 1)
    wait_for(first, "livecb.link().kind === 'live'")
    wait_for(second, "livecb.link().kind === 'live'")
    gone.kill()
    assert first.request.delete(
        f"{server.address}api/runs/{gone.run}", headers={"Origin": server.address[:-1]}
    ).ok
    server.kill()
    server.start()
    wait_for(second, "livecb.link().kind === 'refused'")
    kept.tell("step", 60)
    wait_for_steps(first, "train/loss", even(100))
    wait_for(first, "livecb.link().kind === 'live'")
