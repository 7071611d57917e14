"""Steering from the page: what is pressed happens in a training that goes on, and all viewers see the same."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import DESKTOP, PHONE, Server, TrainerProcess, Watched, complaints, wait_for
from playwright.sync_api import Browser, Locator, Page, expect

from livecb.server.access import Role
from livecb.server.tokens import Tokens
from livecb.store import Store

SECONDS = 30_000
expect.set_options(timeout=SECONDS)


class Descent:
    """A training of `descent.py`, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, str(Path(__file__).with_name("descent.py")), str(folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.run = self.process.stdout.readline().strip()
        assert self.run, "the training ended"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("steered") / "store")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def descent(serving: Server) -> Iterator[Descent]:
    training = Descent(serving.folder)
    yield training
    training.kill()


@pytest.fixture
def viewer(browser: Browser, serving: Server) -> Iterator[Watched]:
    watching = Watched(browser, serving.address)
    yield watching
    watching.close()
    assert watching.foreign == [], "the page asked another host"
    assert watching.errors == [], "the browser's console holds errors"


def button(page: Page, name: str) -> Locator:
    return page.locator(".control").get_by_role("button", name=name, exact=True)


def latest(page: Page, words: str) -> Locator:
    """What was asked last, if it says so."""
    return page.locator(".latest li", has_text=re.compile(words)).first


def step_of(item: Locator) -> int:
    found = re.search(r"at step ([\d,]+)", item.inner_text())
    assert found is not None, item.inner_text()
    return int(found[1].replace(",", ""))


def test_a_pause_holds_the_loop_for_all_viewers_until_it_is_resumed(
    serving: Server, descent: Descent, viewer: Watched
) -> None:
    page, other = viewer.open(serving.url(descent.run)), viewer.open(serving.url(descent.run))
    button(page, "Say who you are").click()
    page.get_by_label("Your name").fill("Ada")
    page.keyboard.press("Enter")
    page.get_by_label("pause for at most").select_option("10 minutes")
    button(page, "Pause").click()
    wait_for(
        page, "livecb.state().commands.some(({ name, new: lasts }) => name === 'pause' && lasts === 600)"
    )
    for each in (page, other):
        expect(each.locator(".paused")).to_have_text(
            re.compile(r"Paused by Ada for .+; goes on by itself at \d\d:\d\d")
        )
        expect(each.locator("[data-status=paused]")).to_be_visible()
    paused = latest(page, "paused by Ada, applied at step")
    paused.wait_for()
    # What is asked meanwhile is obeyed at the step where the loop stands still.
    button(other, "Sample now").click()
    sampled = latest(page, "samples made by owner, applied at step .*: the line rises by")
    sampled.wait_for()
    assert step_of(sampled) == step_of(paused)
    button(other, "Resume").click()
    expect(page.locator(".paused")).to_have_count(0)
    wait_for(page, "livecb.state().step > wanted", step_of(paused))


def test_the_rate_that_is_set_is_the_rate_the_training_uses_and_stands_on_every_axis(
    serving: Server, descent: Descent, viewer: Watched
) -> None:
    page = viewer.open(serving.url(descent.run))
    slider = page.get_by_label("lr, logarithmic slider")
    slider.focus()
    for _ in range(2):
        page.keyboard.press("PageUp")
    wanted = float(page.get_by_label("lr", exact=True).input_value())
    assert 0.002 < wanted <= 1
    page.get_by_role("button", name=f"Set {wanted:g}").click()
    latest(page, "lr 1.0e-3 → .* by owner, applied at step").wait_for()
    wait_for(page, "livecb.points('lr').value.at(-1) === wanted", wanted)
    mark = page.locator("[data-chart=loss]").get_by_role("button", name=re.compile("command: lr 1.0e-3 →"))
    mark.wait_for()
    page.reload()
    for axis in ("epoch", "time", "step"):
        page.get_by_text(axis, exact=True).click()
        mark.focus()
        tip = page.locator("[data-chart=loss]").get_by_role("tooltip")
        expect(tip).to_contain_text(re.compile(r"lr 1.0e-3 → .*by owner · step"))
        stands = mark.evaluate(
            "mark => { const plot = mark.closest('figure').querySelector('.u-over').getBoundingClientRect();"
            " const box = mark.getBoundingClientRect();"
            " return (box.left + box.width / 2 - plot.left) / plot.width }"
        )
        assert 0 < stands < 1.01
        page.keyboard.press("Escape")
        expect(tip).to_have_count(0)
    page.get_by_role("button", name="events", exact=True).click()
    expect(mark).to_have_count(0)


def test_what_is_refused_says_why_and_changes_nothing(
    serving: Server, descent: Descent, viewer: Watched
) -> None:
    page = viewer.open(serving.url(descent.run))
    size = page.get_by_label("batch_size", exact=True)
    size.fill("1000")
    size.press("Enter")
    expect(page.locator(".fate.bad")).to_have_text("expected at most 64, got 1000")
    size.press("Escape")
    expect(size).to_have_value("8")
    size.fill("2.5")  # a slider would not, and the page cannot know: the run refuses it
    size.press("Enter")
    latest(page, "batch_size = 2.5 by owner, refused: expected batch_size to be a whole number").wait_for()
    expect(size).to_have_value("8")
    label = page.get_by_label("label", exact=True)
    label.fill(" ")
    label.press("Enter")
    latest(page, "refused: it failed: ValueError: a label needs a letter").wait_for()
    expect(label).to_have_value("first try")
    page.locator(".happenings .refused").first.wait_for()
    noisy = page.get_by_role("switch", name="noisy")
    noisy.click()
    latest(page, "noisy on → off by owner, applied at step").wait_for()
    expect(noisy).not_to_be_checked()


def test_what_cannot_be_asked_tells_a_mouse_a_keyboard_and_a_finger_why(
    serving: Server, descent: Descent, viewer: Watched
) -> None:
    page = viewer.open(serving.url(descent.run))
    refused = button(page, "Evaluate now")
    expect(refused).to_have_attribute("aria-disabled", "true")
    why = page.locator(".evaluate [role=tooltip]")
    described = refused.get_attribute("aria-describedby")
    assert described
    assert described == why.get_attribute("id")
    expect(why).to_have_text("there is no data to evaluate on")
    expect(why).to_have_class(re.compile("sr"))
    refused.hover()
    expect(why).not_to_have_class(re.compile("sr"))
    page.mouse.move(0, 0)
    expect(why).to_have_class(re.compile("sr"))
    refused.focus()
    expect(why).not_to_have_class(re.compile("sr"))
    page.keyboard.press("Enter")
    touched = viewer.open(serving.url(descent.run), PHONE, has_touch=True, is_mobile=True)
    summary = touched.locator(".control summary")
    expect(summary).to_have_text(re.compile("^Control · lr 1.0e-3 · batch_size 8$"))
    chart = touched.locator(".chart").first.bounding_box()
    assert chart is not None
    assert chart["y"] < PHONE[1] - 150, "a curve is seen at the first glance"
    summary.tap()
    button(touched, "Evaluate now").scroll_into_view_if_needed()  # and it stands still
    button(touched, "Evaluate now").tap(force=True)
    expect(touched.locator(".evaluate [role=tooltip]")).not_to_have_class(re.compile("sr"))
    for name in ("Pause", "Stop and save", "Save now"):
        box = button(touched, name).bounding_box()
        assert box is not None
        assert box["height"] >= 40, "a thumb is wide"
        assert box["y"] > PHONE[1] - 80, "under the thumb"
    assert touched.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert page.evaluate("livecb.state().commands") == [], "none of it was asked"


def test_a_keyboard_alone_stops_a_run_which_saves_first(
    serving: Server, descent: Descent, viewer: Watched
) -> None:
    page = viewer.open(serving.url(descent.run))
    button(page, "Pause").focus()
    page.keyboard.press("Tab")
    expect(button(page, "Stop and save")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Stop descent?")
    expect(dialog).to_contain_text("It saves a checkpoint first")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert page.evaluate("livecb.state().alive"), "who asks again has stopped nothing"
    button(page, "Stop and save").focus()
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Stop and save").focus()
    page.keyboard.press("Enter")
    page.locator("[data-status=stopped]").wait_for()
    expect(page.locator(".control")).to_have_count(0)
    assert descent.process.wait(30) == 0
    saved = [*(serving.folder / f"saved-{descent.run}").iterdir()]
    assert [float(file.read_text()) > 0 for file in saved] == [True]
    page.locator(".happenings .applied", has_text="stopped").wait_for()


def test_who_may_only_look_is_told_so(serving: Server, descent: Descent, viewer: Watched) -> None:
    tokens = Tokens(Store(serving.folder))
    looker = tokens.make("guests", Role.VIEW)
    steerer = tokens.make("ada", Role.CONTROL)
    page = viewer.open(f"{serving.address}r/{descent.run}?token={looker.secret}")
    expect(button(page, "Pause")).to_have_attribute("aria-disabled", "true")
    page.locator(".control .fate", has_text="You may look at this run, not steer it").wait_for()
    button(page, "Pause").click(force=True)
    other = viewer.open(f"{serving.address}r/{descent.run}?token={steerer.secret}")
    button(other, "Save now").click()
    latest(page, "saved by .*ada.*, applied at step").wait_for()
    assert page.evaluate("livecb.state().commands.filter(({ name }) => name === 'pause')") == []


def test_where_the_server_does_not_tell_what_one_may_do_the_page_says_so_and_asks_again(
    serving: Server, descent: Descent, viewer: Watched
) -> None:
    page = viewer.open(serving.url(descent.run))
    page.route("**/api/access", lambda route: route.fulfill(status=502))
    page.reload()
    unsure = page.locator(".control .unsure", has_text="The server did not tell what you may do here")
    unsure.wait_for()
    page.unroute("**/api/access")
    unsure.wait_for(state="detached")
    button(page, "Save now").click()
    latest(page, "saved by owner, applied at step").wait_for()


def test_a_note_on_a_step_is_seen_by_all_where_it_belongs(
    serving: Server, descent: Descent, viewer: Watched
) -> None:
    page, other = viewer.open(serving.url(descent.run)), viewer.open(serving.url(descent.run))
    wait_for(page, "livecb.state().step > 30")
    page.get_by_role("button", name="write a note").click()
    page.get_by_label("Note", exact=True).fill("too <b>slow</b> from here")
    page.get_by_role("textbox", name="step").fill("twelve")
    page.get_by_role("button", name="Write", exact=True).click()
    page.get_by_role("alert").get_by_text("expected a").wait_for()
    page.get_by_role("textbox", name="step").fill("12")
    page.get_by_label("by", exact=True).fill("Ada")
    page.get_by_role("button", name="Write", exact=True).click()
    for each in (page, other):
        row = each.locator(".happenings .note")
        expect(row).to_contain_text("too <b>slow</b> from here")
        expect(row).to_contain_text("step 12")
        expect(row).to_contain_text("by Ada")
        each.locator("[data-chart=loss]").get_by_role(
            "button", name=re.compile("note: too .* from here, by Ada, step 12")
        ).wait_for()


def test_a_request_that_fails_says_what_is_known_and_what_to_do(
    serving: Server, descent: Descent, viewer: Watched
) -> None:
    page = viewer.open(serving.url(descent.run))
    page.route("**/commands", lambda route: route.abort())
    button(page, "Save now").click()
    page.get_by_role("alert").get_by_text("nobody knows whether it was asked").wait_for()
    page.unroute("**/commands")
    problem = {"title": "The run does not do that", "detail": "the disk is full", "status": 409}
    page.route("**/commands", lambda route: route.fulfill(status=409, json=problem))
    button(page, "Save now").click()
    page.get_by_role("alert").get_by_text("The run does not do that: the disk is full").wait_for()
    page.unroute("**/commands")
    button(page, "Save now").click()
    latest(page, "saved by owner, applied at step").wait_for()
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "dark"), (PHONE, "light")])
def test_axe_accepts_controls_marks_and_notes(
    serving: Server, descent: Descent, viewer: Watched, size: tuple[int, int], scheme: str
) -> None:
    page = viewer.open(serving.url(descent.run), size, scheme)
    button(page, "Save now").click()
    page.locator("[data-chart=loss] .mark.applied").first.wait_for()
    page.get_by_role("button", name="write a note").click()
    page.locator("[data-chart=loss] .mark").first.focus()
    page.locator("[data-chart=loss] .marks .tip").wait_for()
    assert complaints(page) == []
    button(page, "Stop and save").click()
    page.get_by_role("dialog").wait_for()
    assert complaints(page) == []


def test_marks_that_stand_dense_are_one_and_the_arrows_go_through_them(
    serving: Server, viewer: Watched
) -> None:
    trainer = TrainerProcess(serving.folder, "--steps", "40000")
    trainer.kill()
    page = viewer.open(serving.url(trainer.run), PHONE)
    marks = page.locator("[data-chart=loss] .mark")
    marks.first.wait_for()
    assert page.locator("[data-chart=loss] .marks [tabindex='0']").count() == 1, "one stop of the tab key"
    assert 2 <= marks.count() <= 25, "222 checkpoints, and none covers another"
    assert page.locator("[data-chart=loss] .mark.many").count() >= 1
    marks.first.focus()
    page.keyboard.press("ArrowRight")
    expect(marks.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(marks.last).to_be_focused()
    expect(page.locator(".happenings .checkpoint")).to_have_text(re.compile("222 checkpoints, the last"))
    page.get_by_role("button", name=re.compile(r"all \d+ of them")).click()
    page.get_by_text(re.compile(r"\d+ before these are in the log")).wait_for()


def test_candidates_are_dropped_and_added_by_name_while_another_is_tried(
    serving: Server, viewer: Watched, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    store = Store(serving.folder)
    known = set(store.run_ids())
    script = str(Path(__file__).with_name("comparing.py"))
    comparing = subprocess.Popen([sys.executable, script, str(serving.folder), str(go)])
    try:
        deadline = time.monotonic() + 60
        while not (begun := set(store.run_ids()) - known):
            assert time.monotonic() < deadline
            assert comparing.poll() is None
            time.sleep(0.05)
        page = viewer.open(serving.url(begun.pop()))
        page.get_by_label("Candidate to drop").select_option("logistic")
        button(page, "Drop").click()
        latest(page, "drop logistic by owner, asked").wait_for()
        button(page, "Add").click()
        latest(page, "add guess by owner, asked").wait_for()
        expect(button(page, "Add")).to_have_attribute("aria-disabled", "true")
        go.touch()
        page.locator("[data-status=completed]").wait_for()
        page.get_by_role("tab", name="Leaderboard").click()
        board = page.locator(".board")
        expect(board.locator("tr.pruned")).to_contain_text("logistic")
        expect(board.locator("tr.pruned")).to_contain_text("dropped by owner")
        expect(board.locator("tr.fail")).to_have_count(0)
        expect(board).to_contain_text("guess")
    finally:
        comparing.kill()
        comparing.wait()
