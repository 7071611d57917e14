"""The list of runs in a real browser: found, sorted, labelled, compared, and put away; each with its way back."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable

import pytest
from browsing import DESKTOP, PHONE, Server, TrainerProcess, Watched, complaints
from playwright.sync_api import Page, expect

from livecb import events as ev
from livecb.logs.file import FileLog
from livecb.server.access import Role
from livecb.server.tokens import Tokens
from livecb.store import Store

Train = Callable[..., TrainerProcess]

expect.set_options(timeout=30_000)

RATES = {
    "20261121-100000-calm-lynx": 0.001,
    "20261121-110000-brave-mole": 0.01,
    "20261121-120000-loud-finch": 0.1,
}
CALM, BRAVE, LOUD = RATES


@pytest.fixture
def runs(store: Store) -> list[str]:
    """Three runs that are over, which differ in their learning rate: the larger, the better."""
    for at, (run, rate) in enumerate(RATES.items()):
        record(store, run, rate, time.time() - 3600 * (3 - at))
    return list(RATES)


def record(store: Store, run: str, rate: float, began: float) -> None:
    said: list[bytes] = []

    def say(kind: type[ev.Event], **fields: object) -> None:
        said.append(ev.encode(kind(seq=len(said), time=began + len(said), **fields)))  # type: ignore[arg-type]

    say(
        ev.RunStarted,
        version=ev.VERSION,
        run=run,
        name=f"mlp-{rate}",
        config={"lr": rate, "seed": 7},
        project="digits",
    )
    for step in range(60):
        loss = math.exp(-step * rate) + 0.1
        say(
            ev.Metrics,
            values={"val/loss": loss, "val/acc": 1 - loss / 2},
            step=step,
            epoch=step / 10,
            context="val",
        )
    say(ev.RunEnded, status="completed")
    FileLog(store.create(run).part_path()).append(b"\n".join(said) + b"\n")


@pytest.fixture
def page(runs: list[str], server: Server, watched: Watched) -> Page:
    page = watched.open(server.url())
    for run in runs:
        page.locator(f"[data-run='{run}']").wait_for()
    return page


def shown(page: Page) -> list[str]:
    found = page.locator("[data-run]").evaluate_all("rows => rows.map(row => row.dataset.run)")
    return [str(run) for run in found]


def choose(page: Page, *runs: str) -> None:
    for run in runs:
        page.locator(f"[data-run='{run}'] .tick input").check()


def test_runs_are_found_and_sorted_and_the_address_says_how(page: Page) -> None:
    assert shown(page) == [LOUD, BRAVE, CALM]
    expect(page.locator(".run-row polyline")).to_have_count(3)
    page.get_by_role("button", name="val/acc").click()
    page.locator("th[aria-sort=descending]", has_text="val/acc").wait_for()
    page.get_by_role("button", name="val/loss").click()
    page.locator("th[aria-sort=descending]", has_text="val/loss").wait_for()
    assert shown(page) == [CALM, BRAVE, LOUD]
    page.get_by_label("Find a run").fill("mlp-0.01")
    page.get_by_text("1 run", exact=True).wait_for()
    page.reload()
    page.locator(f"[data-run='{BRAVE}']").wait_for()
    assert shown(page) == [BRAVE]
    page.get_by_label("Find a run").fill("nothing like it")
    page.get_by_role("button", name="Show all").click()
    page.locator(f"[data-run='{CALM}']").wait_for()


def test_a_run_is_renamed_and_tagged_where_it_stands(page: Page, store: Store) -> None:
    row = page.locator(f"[data-run='{CALM}']")
    row.hover()
    row.get_by_role("button", name="Rename").click()
    page.keyboard.type("the slow one")
    page.keyboard.press("Enter")
    row.get_by_role("link", name="the slow one").wait_for()
    row.get_by_role("button", name="Tag the slow one").click()
    page.keyboard.type("slow, kept")
    page.keyboard.press("Enter")
    row.get_by_role("button", name="kept", exact=True).wait_for()
    assert store.run(CALM).labels.tags == ["slow", "kept"]
    # The list may tell of the tags before the answer to this page comes: until then there is no way back.
    page.get_by_text("is tagged slow, kept.").wait_for()
    page.get_by_role("button", name="Undo").click()
    row.get_by_role("button", name="kept", exact=True).wait_for(state="detached")
    row.get_by_role("button", name="Rename").click()
    page.keyboard.type("never")
    page.keyboard.press("Escape")
    row.get_by_role("link", name="the slow one").wait_for()


def test_runs_are_put_away_and_deleted_and_come_back(page: Page, store: Store) -> None:
    choose(page, CALM, BRAVE)
    page.get_by_role("button", name="Put away").click()
    page.locator(f"[data-run='{CALM}']").wait_for(state="detached")
    page.get_by_text("2 runs put away.").wait_for()
    page.get_by_role("button", name="put away (2)").click()
    page.locator(f"[data-run='{CALM}']").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Taken back.").wait_for()
    page.get_by_role("button", name="Show all").click()
    page.locator(f"[data-run='{CALM}']").wait_for()
    choose(page, CALM)
    page.get_by_role("button", name="Delete").click()
    page.locator(f"[data-run='{CALM}']").wait_for(state="detached")
    assert CALM not in store.run_ids()
    page.get_by_role("button", name="Undo").click()
    page.locator(f"[data-run='{CALM}']").wait_for()
    assert CALM in store.run_ids()


def test_runs_are_compared_in_charts_tables_and_settings(page: Page) -> None:
    choose(page, CALM, BRAVE, LOUD)
    page.get_by_role("button", name="Compare").click()
    chart = page.locator("[data-chart='val/loss']")
    chart.wait_for()
    page.get_by_text("1 of 2 settings differ").wait_for()
    assert page.locator(".differs").inner_text().split("\t") == ["lr", "0.001", "0.01", "0.1"]
    page.get_by_role("button", name="show all 2").click()
    page.get_by_role("row", name="seed 7 7 7").wait_for()
    best = page.get_by_role("region", name="Table of best values").get_by_role("row", name="val/loss")
    assert best.locator(".now").count() == 1
    assert "the best" in best.locator("td").nth(2).inner_text()
    # A chart that is drawn after the pointer has come has no cross-hair.
    page.locator("[data-chart='val/acc'] .u-over").wait_for()
    box = chart.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    for name in ("val/loss", "val/acc"):
        page.locator(f"[data-chart='{name}'] .where", has_text=re.compile("step (29|30)")).wait_for()
    expect(chart.locator(".beneath li")).to_have_count(3)
    page.get_by_text("time since the start").click()
    page.get_by_role("button", name="log y").click()
    page.get_by_label("Smoothing").fill("0.5")
    page.wait_for_function("() => location.search.endsWith('&compare=1&x=time&log=y&smooth=0.5')")
    page.reload()
    page.locator("[data-chart='val/loss'] canvas").wait_for()
    expect(page.get_by_label("time since the start")).to_be_checked()
    expect(page.get_by_role("button", name="log y", pressed=True)).to_be_visible()
    expect(page.get_by_label("Smoothing")).to_have_value("0.5")
    page.get_by_text("1 of 2 settings differ").wait_for()
    assert complaints(page) == []
    page.go_back()
    page.locator(f"[data-run='{CALM}']").wait_for()
    page.get_by_text("3 selected").wait_for()


def test_a_baseline_is_what_all_runs_are_held_against(page: Page) -> None:
    choose(page, BRAVE)
    page.get_by_role("button", name="Make baseline").click()
    page.locator(f"[data-run='{BRAVE}'] .chip", has_text="baseline").wait_for()
    expect(page).to_have_url(re.compile(r"[?&]baseline=mlp-0\.01-brave-mole(&|$)"))
    loud = page.locator(f"[data-run='{LOUD}'] .delta")
    assert loud.evaluate_all("all => all.map(one => one.className)") == ["delta better"] * 2
    worse = page.locator(f"[data-run='{CALM}'] .delta.worse")
    assert worse.count() == 2
    assert worse.first.inner_text().startswith("+")


def test_who_may_only_look_sees_why_the_rest_is_grey(
    runs: list[str], server: Server, watched: Watched
) -> None:
    token = Tokens(Store(server.folder)).make("guest", Role.VIEW).secret
    page = watched.open(f"{server.address}?token={token}", PHONE, "dark")
    page.locator(f"[data-run='{LOUD}']").wait_for()
    choose(page, LOUD)
    delete = page.get_by_role("button", name="Delete")
    page.locator("[aria-disabled=true]", has_text="Delete").wait_for()
    delete.focus()
    page.get_by_role("tooltip", name=re.compile("role “admin”")).first.wait_for()
    page.keyboard.press("Enter")
    assert shown(page) == [LOUD, BRAVE, CALM]
    assert complaints(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_runs_appear_and_move_by_themselves(page: Page, train: Train) -> None:
    trainer = train("--steps", 20)
    row = page.locator(f"[data-run='{trainer.run}']")
    row.locator(".chip", has_text="running").wait_for()
    choose(page, trainer.run)
    page.locator("[aria-disabled=true]", has_text="Delete").wait_for()
    trainer.tell("end", "completed")
    row.locator(".chip", has_text="completed").wait_for()
    page.locator("[aria-disabled=false]", has_text="Delete").wait_for()


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_axe_accepts_the_list_with_runs_selected(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    choose(page, LOUD, CALM)
    assert complaints(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
