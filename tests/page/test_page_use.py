"""The page is usable: log, keyboard, phone, screen reader, any prefix, any colour scheme."""

from __future__ import annotations

import gzip
import re
import socket
import threading
import time
from collections.abc import Callable

import pytest
import uvicorn
from browsing import (
    DESKTOP,
    PHONE,
    SHOTS,
    Server,
    TrainerProcess,
    Watched,
    wait_for,
    wait_for_ink,
    wait_for_steps,
)
from playwright.sync_api import Route, expect
from starlette.applications import Starlette
from starlette.routing import Mount

from livecb.server.app import create_app

expect.set_options(timeout=30_000)

Train = Callable[..., TrainerProcess]
pytestmark = pytest.mark.usefixtures("served")


def test_the_keyboard_reaches_everything(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 100)
    page = watched.open(server.url(trainer.run))
    page.get_by_role("tab", name="Curves").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("tab", name="Log", selected=True).wait_for()
    page.keyboard.press("End")
    page.get_by_role("tabpanel", name="Config").get_by_text("optimizer.weight_decay").wait_for()
    page.keyboard.press("1")
    page.keyboard.press("e")
    page.get_by_role("radio", name="epoch", checked=True).wait_for()
    page.keyboard.press("l")
    page.get_by_role("button", name="log y", pressed=True).wait_for()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog", name="Keys").wait_for(state="detached")
    page.keyboard.press("u")
    page.locator(f"[data-run='{trainer.run}']").wait_for()


WIPE = """
() => {
  for (const canvas of document.querySelectorAll(".chart canvas"))
    canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
}
"""


def test_a_curve_is_drawn_over_every_axis_and_scale(server: Server, train: Train, watched: Watched) -> None:
    page = watched.open(server.url(train("--steps", 600).run))
    wait_for_ink(page, "loss")
    for _ in ("linear", "logarithmic"):
        for axis in ("epoch", "time", "step"):
            page.evaluate(WIPE)  # what is seen then was drawn anew
            page.get_by_text(axis, exact=True).click()
            wait_for_ink(page, "loss")
        page.evaluate(WIPE)
        page.get_by_role("button", name="log y").click()
        wait_for_ink(page, "loss")


def test_charts_zoom_together_and_show_values_under_the_cross_hair(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 1000)
    page = watched.open(server.url(trainer.run))
    for chart in ("loss", "grad_norm"):
        page.locator(f"[data-chart={chart}] .mark").first.wait_for()  # drawn: points are known sooner
    wait_for_steps(page, "train/loss", [*range(0, 1000, 2)])
    box = page.locator("[data-chart=loss] .u-over").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    for chart in ("loss", "grad_norm"):
        page.locator(
            f"[data-chart={chart}] .where", has_text=re.compile(r"step (49[89]|500)")
        ).wait_for()  # a pixel is a step or two
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, middle, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="show all").click()
    page.get_by_role("button", name="show all").wait_for(state="detached")


def test_a_part_of_a_long_curve_is_drawn_to_the_last_point(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 16_000)
    page = watched.open(server.url(trainer.run))
    wait_for(page, "livecb.counts()['train/loss'] === wanted", 8000)
    assert page.evaluate("livecb.drawn('train/loss', 'step', 4000, 5000)") < 300
    wait_for_ink(page, "loss")  # until then the axis shows another part
    box = page.locator("[data-chart=loss] .u-over").bounding_box()
    assert box is not None
    left = [box["x"] + box["width"] * step / 16_000 for step in (3900, 5100)]
    page.mouse.move(left[0], box["y"] + 40)
    page.mouse.down()
    page.mouse.move(left[1], box["y"] + 40, steps=4)
    page.mouse.up()
    wait_for(page, "livecb.drawn('train/loss', 'step', 4000, 5000) === wanted", 501)


def test_a_link_to_a_part_shows_it_to_the_last_point_however_long_the_curves_take(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = train("--steps", 16_000)
    page = watched.open(server.url())

    def delay(asked: Route) -> None:
        time.sleep(0.5)
        asked.continue_()

    page.route("**/series?*", delay)
    page.goto(f"{server.url(trainer.run)}&from=3900&to=5100")
    wait_for(page, "livecb.drawn('train/loss', 'step', 4000, 5000) === wanted", 501)


INK_AT_THE_EDGE = """
chart => {
  const canvas = document.querySelector(`[data-chart="${chart}"] canvas`);
  const data = canvas.getContext("2d").getImageData(canvas.width - 1, 0, 1, canvas.height).data;
  return data.some(part => part > 0);
}
"""


def test_the_last_label_of_an_axis_is_whole(server: Server, train: Train, watched: Watched) -> None:
    page = watched.open(server.url(train("--steps", 1001).run), PHONE)
    wait_for_steps(page, "train/loss", [*range(0, 1001, 2)])
    wait_for_ink(page, "loss", 60)
    assert not page.evaluate(INK_AT_THE_EDGE, "loss")
    before = page.locator("[data-chart=loss] canvas").evaluate("canvas => canvas.width")
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    page.wait_for_function(
        "before => document.querySelector('[data-chart=loss] canvas').width !== before", arg=before
    )
    wait_for_ink(page, "loss", 60)
    assert not page.evaluate(INK_AT_THE_EDGE, "loss")


LONG = "grads/model.encoder.layer.11.attention.self.query.weight_norm"


BEYOND_ITS_CHART = """
charts => charts.flatMap(chart => [...chart.querySelectorAll("h2, .legend b")].filter(
    part => part.getBoundingClientRect().right > chart.getBoundingClientRect().right
).map(part => part.textContent))
"""


def test_long_names_of_metrics_stay_within_the_page(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 100)
    names = [LONG, "x" * 300, f"train/{'y' * 300}", f"val/{'y' * 300}"]
    for name in names:
        trainer.tell("metric", name)
    page = watched.open(server.url(trainer.run), PHONE)
    wait_for(page, "livecb.counts()[wanted] === 1", names[-1])
    for width, height in (PHONE, DESKTOP):
        page.set_viewport_size({"width": width, "height": height})
        page.get_by_role("tab", name="Curves").click()
        expect(page.locator(".chart")).to_have_count(7)
        assert page.locator(".chart").evaluate_all(BEYOND_ITS_CHART) == []
        alone = page.locator(f"[data-chart='{'x' * 300}'] .legend")
        expect(alone, "a name that is the title is not said twice").to_have_text("0.5123")
        views = {"Curves": ".chart", "Log": ".console.tall", "Config": ".panel .config"}
        views["Values"] = f"th[title='{LONG}']"
        for tab, shown in views.items():
            page.get_by_role("tab", name=tab).click()
            page.locator(shown).first.wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
    page.goto(server.address)
    page.locator(f"[data-run='{trainer.run}']").wait_for()
    for width, height in (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_works_under_any_prefix(
    server: Server, train: Train, watched: Watched, free_port: int
) -> None:
    trainer = train("--steps", 100)
    app = Starlette(routes=[Mount("/users/r/proxy/8081", create_app(server.folder, token=False))])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        mounted = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        serving = threading.Thread(target=mounted.run, kwargs={"sockets": [listener]}, daemon=True)
        serving.start()
        watched._host = host
        page = watched.open(f"http://{host}/users/r/proxy/8081/")
        page.locator(f"[data-run='{trainer.run}']").click()
        wait_for_steps(page, "train/loss", [*range(0, 100, 2)])
        page.reload()
        trainer.tell("step", 20)
        wait_for_steps(page, "train/loss", [*range(0, 120, 2)])
        assert page.url == f"http://{host}/users/r/proxy/8081/r/{trainer.run}"
        # Parts of the page that are loaded when they are first shown, too.
        page.get_by_role("tab", name="Values").click()
        page.locator(".values").wait_for()
        watched.close()
        mounted.should_exit = True
        serving.join(10)


LOADED_BEFORE_PAINTING = """
() => {
  const [painted] = performance.getEntriesByName("first-contentful-paint");
  const loaded = performance.getEntriesByType("resource");
  return loaded.filter(({ startTime }) => startTime <= painted.startTime).map(({ name }) => name);
}
"""


def test_a_browser_loads_at_most_a_hundred_kilobytes_before_it_shows_a_run(
    server: Server, train: Train, watched: Watched
) -> None:
    page = watched.open(server.url(train("--steps", 100).run))
    page.locator(".chart canvas").first.wait_for()
    # The browser tells of it later than it paints.
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length")
    loaded = page.evaluate(LOADED_BEFORE_PAINTING)
    parts = {page.url, *(url for url in loaded if "/api/" not in url)}
    assert any("/assets/index-" in url and url.endswith(".js") for url in parts)
    assert not any("/assets/leaderboard" in url for url in parts)
    assert sum(len(gzip.compress(page.request.get(url).body())) for url in parts) <= 100_000


def test_a_part_of_the_page_that_does_not_load_says_so(
    server: Server, train: Train, watched: Watched
) -> None:
    page = watched.open(server.url(train("--steps", 100).run))
    page.route("**/assets/values-*", lambda route: route.fulfill(status=404))
    page.get_by_role("tab", name="Values").click()
    page.get_by_text("This part of the page did not load").wait_for()
    page.unroute("**/assets/values-*")
    page.get_by_role("button", name="Load the page anew").click()
    page.get_by_role("tab", name="Values").click()
    page.locator(".values").wait_for()


@pytest.mark.parametrize(("name", "size"), [("desktop", DESKTOP), ("phone", PHONE)])
def test_pictures_show_all_of_it_at_a_glance(
    server: Server, train: Train, watched: Watched, name: str, size: tuple[int, int]
) -> None:
    trainer = train("--steps", 1284, "--resume")
    page = watched.open(server.url(trainer.run), size)
    wait_for(page, "livecb.counts()['train/loss'] > 600 && livecb.link().kind === 'live'")
    page.get_by_text("following · ").wait_for()
    page.locator(".eta", has_text="left").wait_for()
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}-light.png")
    page.emulate_media(color_scheme="dark")
    wait_for_ink(page, "loss")
    page.screenshot(path=SHOTS / f"{name}-dark.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    if size == DESKTOP:
        expect(page.locator(".chart")).to_have_count(4)
        log = page.locator(".console").bounding_box()
        assert log is not None
        assert log["y"] + log["height"] <= size[1], "progress, tiles, four charts and the log fit one screen"
