"""Charts: what is chosen for them is kept and can be passed on; what they show can be taken elsewhere."""

from __future__ import annotations

import csv
import re
import struct
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import PHONE, Server, TrainerProcess, Watched, point_at, wait_for, wait_for_ink
from playwright.sync_api import Page, Route, expect

import livecb

expect.set_options(timeout=30_000)
Train = Callable[..., TrainerProcess]
pytestmark = pytest.mark.usefixtures("served")


def choose(page: Page, chart: str, item: str) -> None:
    page.get_by_role("button", name=f"What to do with the chart {chart}", exact=True).click()
    page.get_by_role("menuitem", name=item, exact=True).click()
    page.get_by_role("menuitem").first.wait_for(state="detached")


def test_what_is_pinned_hidden_and_chosen_is_kept_and_a_link_shows_the_same_view(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 200)
    page = watched.open(server.url(trainer.run))
    page.locator(".chart canvas").first.wait_for()
    expect(page.locator(".chart h2").first).to_have_text("loss")
    choose(page, "grad_norm", "Pin to the top")
    choose(page, "lr", "Hide")
    page.locator("[data-chart=loss] .legend button", has_text="val").click()
    page.keyboard.press("t")
    page.wait_for_function("() => location.search.includes('hide=lr') && location.search.includes('x=time')")
    chosen = ["grad_norm", "loss", "accuracy"]
    expect(page.locator(".chart h2")).to_have_text(chosen)
    page.goto(server.url(trainer.run))
    expect(page.locator(".chart h2")).to_have_text(chosen)
    page.wait_for_function("() => location.search.includes('pin=grad_norm')")
    link = page.evaluate("location.href")  # page.url is told of it later
    other = watched.open(server.url(trainer.run))
    other.goto(link)
    expect(other.locator(".chart h2")).to_have_text(chosen)
    expect(other.get_by_role("radio", name="time", exact=True)).to_be_checked()
    expect(other.locator("[data-chart=loss] .legend .off")).to_have_text("valhidden")
    other.get_by_role("button", name="show 1 hidden").click()
    expect(other.locator(".chart h2")).to_have_text([*chosen, "lr"])


def test_a_chart_is_saved_as_a_picture_and_as_values(
    server: Server, train: Train, watched: Watched, tmp_path: Path
) -> None:
    page = watched.open(server.url(train("--steps", 200).run))
    wait_for_ink(page, "loss")  # an empty canvas is there before the curves
    for item, path in (("Save CSV", tmp_path / "loss.csv"), ("Save PNG", tmp_path / "loss.png")):
        with page.expect_download() as download:
            choose(page, "loss", item)
        download.value.save_as(path)
    rows = list(csv.DictReader((tmp_path / "loss.csv").open()))
    counts = page.evaluate("[livecb.counts()['train/loss'], livecb.counts()['val/loss']]")
    assert [sum(row["metric"] == name for row in rows) for name in ("train/loss", "val/loss")] == counts
    values = page.evaluate("livecb.points('train/loss').value")
    assert [float(row["value"]) for row in rows if row["metric"] == "train/loss"] == values
    head = (tmp_path / "loss.png").read_bytes()[:24]
    canvas = page.locator("[data-chart=loss] canvas").evaluate("canvas => [canvas.width, canvas.height]")
    width, height = struct.unpack(">II", head[16:])
    assert head.startswith(b"\x89PNG")
    assert (width > canvas[0], height > canvas[1] + 40) == (True, True)  # the title and the legend are in it


def test_a_keyboard_opens_a_chart_wide_and_closes_it(server: Server, train: Train, watched: Watched) -> None:
    page = watched.open(server.url(train("--steps", 200).run))
    page.locator("[data-chart=loss] canvas").wait_for()
    dots = page.get_by_role("button", name="What to do with the chart loss")
    dots.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Pin to the top")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => document.querySelector('[data-chart=loss] canvas').clientWidth > innerWidth - 80"
    )
    # Keys are listened to after the frame that shows it.
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    page.keyboard.press("Escape")
    page.locator(".chart.large").wait_for(state="detached")
    expect(dots).to_be_focused()


def test_of_hundreds_of_charts_only_those_in_view_are_drawn(
    server: Server, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    with livecb.init("many", "layers", dir=server.folder, sinks=[], system_interval=0) as run:
        for step in range(5):
            layers = {f"layer{layer}/w{at}": step + at for layer in range(12) for at in range(12)}
            run.log({**layers, "train/loss": 1 / (step + 1)}, step=step)
    page = watched.open(server.url(run.id), PHONE)
    page.locator("[data-chart=loss] canvas").wait_for()
    assert page.locator(".group").count() == 13
    assert page.locator(".chart").count() == 1
    page.get_by_role("button", name="layer10 12").click()
    page.locator("[data-chart='layer10/w0'] canvas").wait_for()
    assert page.locator(".chart").count() == 13
    assert page.locator(".chart canvas").count() < 13
    page.get_by_label("Find a metric").fill("^layer1[01]/w1$")
    expect(page.locator(".chart h2")).to_have_text(["layer10/w1", "layer11/w1"])
    page.get_by_label("Find a metric").fill("w1(")
    page.get_by_text("no regular expression, so looked for as it stands").wait_for()


def test_attempts_say_when_and_why_each_ended(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 1000, "--resume")
    page = watched.open(server.url(trainer.run))
    rows = page.locator(".attempts li")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("running")
    expect(rows.nth(0)).to_contain_text("from step 900")
    expect(rows.nth(1)).to_contain_text("stopped: KeyboardInterrupt")
    trainer.tell("end", "failed")
    expect(rows.nth(0)).to_contain_text("failed")
    wait_for(page, "livecb.state().attempts.length === 2")


def test_the_machine_stands_below_the_curves_on_their_axis(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 500)
    page = watched.open(server.url(trainer.run))
    strip = page.locator("[data-strip='CPU %']")
    strip.locator("canvas").wait_for()
    legend = strip.locator(".legend")
    expect(legend).to_contain_text("process cpu")
    before = legend.inner_text()
    trainer.tell("step", 60)
    expect(legend).not_to_have_text(before)
    expect(page.locator("[data-strip='memory GB'] .legend")).to_contain_text("1.32")


def test_the_machine_is_drawn_where_the_run_was_also_if_its_figures_come_before_the_curves(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 500)
    page = watched.open(server.url())
    curves: list[Route] = []

    def hold(asked: Route) -> None:
        curves.append(asked)

    page.route("**/series?*", hold)
    with page.expect_request("**/series?*"):
        page.goto(server.url(trainer.run))
    wait_for(page, "livecb.state()")
    page.wait_for_timeout(500)  # for the figures to come, if somebody asked for them
    assert curves
    for asked in curves:
        asked.continue_()
    strip = page.locator("[data-strip='CPU %']")
    point_at(strip.locator(".u-over"), strip.locator(".where"))
    expect(strip.locator(".where")).to_contain_text("step")
    expect(strip.locator(".legend")).to_contain_text(re.compile(r"process cpu\s+\d"))


def test_who_comes_back_to_the_curves_is_not_sent_again_what_the_machine_did(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 500)
    page = watched.open(server.url(trainer.run))
    strip = page.locator("[data-strip='memory GB']")
    strip.locator("canvas").wait_for()
    page.wait_for_timeout(500)  # for the reading to come to its end
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("tab", name="Values").click()
    page.locator(".values").wait_for()
    trainer.tell("step", 60)
    with page.expect_request(re.compile("types=system")):
        page.get_by_role("tab", name="Curves").click()
    expect(strip.locator(".legend")).to_contain_text("1.32")
    page.wait_for_timeout(500)
    cursors = [parse_qs(urlsplit(url).query)["cursor"][0] for url in asked if "types=system" in url]
    assert cursors
    assert "0" not in cursors


def test_the_tab_tells_how_far_the_run_is(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 1000)
    page = watched.open(server.url(trainer.run))
    page.wait_for_function("() => document.title.startsWith('27%')")
    icon = page.locator("link[rel=icon]")
    expect(icon).to_have_attribute("href", re.compile("running-2"))
    trainer.tell("end", "failed")
    expect(icon).to_have_attribute("href", re.compile("failed"))


WIPE = """
() => {
  const canvas = document.querySelector("[data-chart=loss] canvas");
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
}
"""


def test_a_mark_keeps_the_focus_while_its_chart_goes_to_another_axis(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 400)
    page = watched.open(server.url(trainer.run))
    mark = page.locator("[data-chart=loss] .mark").first
    for axis in ("epoch", "step"):
        wait_for_ink(page, "loss")
        mark.focus()
        page.evaluate(WIPE)  # what is seen then was drawn anew
        # Pressed so, it leaves the focus where it is.
        page.get_by_role("radio", name=axis, exact=True).evaluate("radio => radio.click()")
        wait_for_ink(page, "loss")
        assert mark.evaluate("mark => mark === document.activeElement")
