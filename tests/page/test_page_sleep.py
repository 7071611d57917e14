"""The page after a sleep, a frozen tab, a cut network and a server that stood still: no gap, no double."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from browsing import ALONE, Server, TrainerProcess, Watched, wait_for, wait_for_steps
from test_page_tabs import assert_every_number_once

Train = Callable[..., TrainerProcess]
shared = pytest.mark.usefixtures("served")


def even(steps: int) -> list[int]:
    """The steps at which the trainer says its training values."""
    return [*range(0, steps, 2)]


POURING = ("--steps", 40, "--rate", 250, "--more", 1000)
"""A training that goes on by itself for some seconds, and obeys after that."""


@shared
def test_a_tab_that_freezes_while_a_training_goes_on_has_every_event_once(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train(*POURING)
    page = watched.open(server.url(trainer.run))
    other = page.context.new_page()
    other.goto(f"{server.address}r/{trainer.run}")
    for each in (page, other):
        wait_for(each, "['live', 'replaying'].includes(livecb.link().kind)")
    devtools = page.context.new_cdp_session(page)
    for _ in range(4):
        devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
        other.wait_for_timeout(150)
        devtools.send("Page.setWebLifecycleState", {"state": "active"})
        other.wait_for_timeout(150)
    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    trainer.tell("step", 60)
    wait_for_steps(other, "train/loss", even(1100))
    devtools.send("Page.setWebLifecycleState", {"state": "active"})
    trainer.tell("step", 20)
    for each in (page, other):
        wait_for_steps(each, "train/loss", even(1120))
        assert_every_number_once(server, trainer.run, each)
        assert each.evaluate("livecb.link().loads") == 1


SLEEP = """
const until = performance.now() + 200;
while (performance.now() < until);
dispatchEvent(new PageTransitionEvent("pagehide", {persisted: true}));
"""
"""As a browser does that keeps the page while news lies in its letter box: Chromium under test does not."""


@shared
def test_a_page_that_is_kept_for_the_back_button_comes_back_live(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train(*POURING)
    page = watched.open(server.url(trainer.run))
    wait_for(page, "['live', 'replaying'].includes(livecb.link().kind)")
    for _ in range(4):
        page.evaluate(f"(() => {{ {SLEEP} dispatchEvent(new PageTransitionEvent('pageshow')) }})()")
        page.wait_for_timeout(150)
    page.evaluate(f"(() => {{ {SLEEP} }})()")
    trainer.tell("step", 60)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    wait_for_steps(page, "train/loss", even(1100))
    assert_every_number_once(server, trainer.run, page)


def test_a_browser_that_is_offline_says_so_and_comes_back(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 40)
    page = watched.open("about:blank")
    page.context.add_init_script(ALONE)  # what the browser is told under test does not reach workers
    page.goto(server.url(trainer.run))
    wait_for(page, "livecb.link().kind === 'live'")
    page.context.set_offline(True)
    server.kill()  # what is open already goes on under test
    badge = page.locator("header .badge", has_text="offline for")
    badge.wait_for()
    said = badge.get_attribute("title") or ""
    assert "This computer is offline" in said
    assert "what you see is from then" in said
    trainer.tell("step", 60)
    server.start()
    page.context.set_offline(False)
    wait_for_steps(page, "train/loss", even(100))
    wait_for(page, "['live', 'polling'].includes(livecb.link().kind)")
    assert_every_number_once(server, trainer.run, page)


def test_a_server_that_stands_still_is_noticed_and_taken_up_again(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 40)
    page = watched.open(server.url(trainer.run))
    wait_for(page, "livecb.link().kind === 'live'")
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    trainer.tell("step", 60)
    wait_for(page, "livecb.link().kind === 'reconnecting'", seconds=60)
    notice = page.locator(".notice")
    notice.wait_for()
    assert "You see the run as it was at" in notice.inner_text()
    server.process.send_signal(signal.SIGCONT)
    wait_for_steps(page, "train/loss", even(100))
    wait_for(page, "livecb.link().kind === 'live'")
    assert_every_number_once(server, trainer.run, page)


def test_a_server_that_is_started_anew_leaves_no_tab_a_gap_or_a_double(
    server: Server, train: Train, watched: Watched
) -> None:
    trainers = [train("--steps", 40), train("--steps", 40)]
    first = watched.open(server.url(trainers[0].run))
    second = first.context.new_page()
    second.goto(f"{server.address}r/{trainers[1].run}")
    for page in (first, second):
        wait_for(page, "livecb.link().kind === 'live'")
    for round_ in range(3):
        for trainer in trainers:
            trainer.tell("step", 10)
        server.kill()
        for trainer in trainers:
            trainer.tell("step", 10)
        server.start()
        for page in (first, second):
            wait_for_steps(page, "train/loss", even(40 + 20 * (round_ + 1)))
    for page, trainer in zip((first, second), trainers, strict=True):
        assert_every_number_once(server, trainer.run, page)
        assert page.evaluate("livecb.link().loads") == 1
