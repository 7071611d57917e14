"""The leaderboard on the page: best first, live, with what failed and why."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from browsing import PHONE, Server, TrainerProcess, Watched
from playwright.sync_api import Locator, Page, Response, expect

expect.set_options(timeout=30_000)

Train = Callable[..., TrainerProcess]
pytestmark = pytest.mark.usefixtures("served")
BOARD = re.compile(r"/leaderboard($|\?)")
"""The address of the whole leaderboard: the view's own script has the same name."""


def names(page: Page) -> list[str]:
    return page.locator(".board tbody th").all_inner_texts()


def cells(row: Locator) -> list[str]:
    return row.inner_text().replace("\u00a0", " ").split("\t")


def search(train: Train, candidates: int) -> TrainerProcess:
    """Start a search of which so many candidates are done: no curves, no epochs."""
    trainer = train("--steps", 0, "--bare")
    for number in range(candidates):
        trainer.tell("candidate", number)
    return trainer


def test_a_leaderboard_leads_where_there_are_no_curves(
    server: Server, train: Train, watched: Watched
) -> None:
    page = watched.open(server.url(search(train, 6).run))
    page.get_by_role("tab", name="Leaderboard", selected=True).wait_for()
    page.locator(".board .fail").wait_for()
    expect(page.locator(".board tbody th")).to_have_text([f"candidate {at}" for at in (1, 5, 2, 3, 0, 4)])
    first = page.locator(".board tbody tr").first
    assert cells(first) == ["1", "candidate 1", "0.9700", "0.8000", "1.50 s", "2", "0.1"]
    failed = page.locator(".board .fail")
    assert cells(failed) == ["–", "candidate 4", "ValueError: Input X contains NaN."]
    page.get_by_text("The same for all: cache_size 200").wait_for()
    page.get_by_text("6 of 12 candidates · now candidate 6 · ").wait_for()


def test_a_candidate_stands_in_its_place_as_soon_as_it_is_done(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = search(train, 3)
    page = watched.open(server.url())
    # What came before the answer was there at first.
    with page.expect_response(BOARD):
        page.goto(server.url(trainer.run))
    page.locator(".board tbody tr").nth(2).wait_for()
    trainer.tell("candidate", 7)
    # What is new stays so for some seconds: nothing that was there at first is.
    page.locator(".board .new", has_text="candidate 7").wait_for()
    assert page.locator(".board .new th").all_inner_texts() == ["candidate 7"]
    assert names(page) == [f"candidate {number}" for number in (7, 1, 2, 0)]


def test_curves_go_on_leading_where_there_are_many(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 100)
    trainer.tell("candidate", 1)
    page = watched.open(server.url(trainer.run))
    page.get_by_role("tab", name="Leaderboard", selected=False).wait_for()
    page.get_by_role("tab", name="Curves", selected=True).wait_for()
    page.get_by_text("Candidates · 1").wait_for()
    page.locator(".chart canvas").first.wait_for()  # once charts are drawn, keys mean the views there are
    page.keyboard.press("2")
    page.locator(".board").wait_for()
    page.get_by_text("Candidates · 1").wait_for(state="detached")


def test_what_a_job_counts_stands_by_its_bar(server: Server, train: Train, watched: Watched) -> None:
    trainer = train("--steps", 0, "--bare")
    trainer.tell("progress", 120)
    page = watched.open(server.url(trainer.run))
    facts = page.locator(".facts").first
    facts.get_by_text("saved 1").wait_for()
    words = ["24%", "sample 120 / 500", "successful 120", "failed 2", "saved 1", "judge a rather strict one"]
    spans = [" ".join(text.split()) for text in facts.locator("> *").all_inner_texts()]
    assert [text for text in spans if not text.startswith("elapsed")] == [*words, "temperature 0.7000"]
    shares = page.locator(".shares")
    assert " ".join(shares.inner_text().split()) == "best model b 40 a 3"
    trainer.tell("progress", 121)
    facts.get_by_text("sample 121").wait_for()


def test_a_candidate_tells_which_features_matter_to_it(
    server: Server, train: Train, watched: Watched
) -> None:
    page = watched.open(server.url(search(train, 2).run))
    row = page.get_by_role("button", name="candidate 1")
    row.click()
    more = page.locator(".more-of")
    expect(more.locator(".meter")).to_have_count(2)
    assert [cells(line) for line in more.locator(".meter").all()] == [["pixel 1\n0.750"], ["pixel 0\n0.250"]]
    assert " ".join(more.locator("dl").inner_text().split()) == "svc.C 2 svc.gamma 0.1 cache_size 200"
    row.click()
    more.wait_for(state="detached")


def test_a_failed_candidate_tells_what_it_was_tried_with(
    server: Server, train: Train, watched: Watched
) -> None:
    page = watched.open(server.url(search(train, 5).run))
    page.get_by_role("button", name="candidate 4").click()
    told = page.locator(".fail + .more-of dl").inner_text()
    assert " ".join(told.split()) == "svc.C 16 svc.gamma 0.4 cache_size 200"


def test_a_reason_and_a_warning_are_read_whole_on_a_phone(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = search(train, 5)
    trainer.tell("warning", "beware")
    page = watched.open(server.url(trainer.run), PHONE)
    reason = page.locator(".reason").bounding_box()
    assert reason is not None
    assert reason["x"] + reason["width"] <= PHONE[0]
    page.locator(".rows .row").nth(2).wait_for()
    assert "".join(page.locator(".rows .row").all_inner_texts()).count("beware") == 20
    assert page.evaluate("(rows => rows.scrollWidth <= rows.clientWidth)(document.querySelector('.rows'))")


def test_a_log_without_lines_takes_one(server: Server, train: Train, watched: Watched) -> None:
    page = watched.open(server.url(search(train, 2).run))
    page.locator(".console .none", has_text="No lines yet").wait_for()
    box = page.locator(".console").bounding_box()
    assert box is not None
    assert box["height"] < 70


def test_a_leaderboard_is_sorted_by_any_column_and_searched(
    server: Server, train: Train, watched: Watched
) -> None:
    page = watched.open(server.url(search(train, 9).run))
    page.locator(".board tbody tr").nth(8).wait_for()  # the first glance has fewer
    head = page.get_by_role("columnheader", name="fit")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert names(page)[:3] == ["candidate 0", "candidate 1", "candidate 2"]
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert names(page)[:2] == ["candidate 8", "candidate 7"]
    head.get_by_role("button").click()
    expect(page.locator(".board tbody th").first, "by their places again").to_have_text("candidate 7")
    page.get_by_role("searchbox").fill("nan")
    page.get_by_text("1 of 9").wait_for()
    expect(page.locator(".board tbody th")).to_have_text(["candidate 4"])
    page.get_by_role("searchbox").fill("c=32")
    page.get_by_role("button", name="candidate 5").press("ArrowDown")
    expect(page.locator(".board tbody th")).to_have_text(["candidate 5"])


def test_a_parameter_is_seen_against_a_score(server: Server, train: Train, watched: Watched) -> None:
    trainer = search(train, 11)
    page = watched.open(server.url(trainer.run))
    page.get_by_role("button", name="Parameters").click()
    # The first glance has eight of the nine: what is chosen among these is another once all are there.
    lines = page.get_by_role("img", name="Parallel coordinates: 9 candidates over svc.C, svc.gamma")
    lines.focus()
    told = page.locator(".told[role=status]")
    seen = [told.inner_text()]
    for key in ("ArrowRight", "End", "ArrowLeft", "Home"):
        page.keyboard.press(key)
        seen.append(told.inner_text())
    assert seen[0] == seen[4]
    assert seen[0].startswith("best: candidate 7")
    assert len(set(seen)) == 4, "second, last, the one before it"
    page.get_by_label("against").select_option("svc.C")
    drawn = page.get_by_role("img", name="accuracy against svc.C")
    expect(drawn.locator("circle")).to_have_count(9)
    expect(drawn.locator("circle.told title")).to_have_text("candidate 7")
    # The last one goes down by a place, and stays the one that is told.
    drawn.focus()
    page.keyboard.press("End")
    last = told.inner_text()
    trainer.tell("candidate", 11)
    drawn.locator("circle").nth(9).wait_for(state="attached")
    assert told.inner_text() == last
    assert drawn.locator("circle.told title").text_content() == last.split(" · ")[0]


def test_rows_glide_to_their_places_only_where_motion_is_welcome(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = search(train, 3)
    noted = """() => {
        const animate = Element.prototype.animate;
        window.moved = 0;
        Element.prototype.animate = function (...how) { window.moved++; return animate.apply(this, how); };
    }"""
    calm, lively = (
        watched.open(server.url(trainer.run), reduced_motion=motion) for motion in ("reduce", "no-preference")
    )
    for page in (calm, lively):
        page.locator(".board tbody tr").nth(2).wait_for()
        page.evaluate(noted)
    trainer.tell("candidate", 7)
    for page in (calm, lively):
        page.locator(".board tr", has_text="candidate 7").wait_for()
    assert calm.evaluate("window.moved") == 0
    assert lively.evaluate("window.moved") > 0


def test_a_glance_gets_few_candidates_and_the_leaderboard_only_what_changed(
    server: Server, train: Train, watched: Watched
) -> None:
    trainer = search(train, 30)
    page = watched.open("about:blank")
    answered: list[Response] = []
    page.on("response", lambda answer: answered.append(answer) if BOARD.search(answer.url) else None)
    page.goto(server.url(trainer.run))
    page.locator(".board tbody tr").nth(29).wait_for()
    assert page.evaluate("livecb.state().leaderboard.length") == 8
    assert page.evaluate("livecb.state().candidates.total") == 30
    trainer.tell("candidate", 31)
    page.locator(".board tr", has_text="candidate 31").wait_for()
    # Read at last: while they come in, a row may stand there sooner than its answer is read.
    answers = [len(answer.json()["leaderboard"]) for answer in answered]
    assert answers[0] == 30
    assert max(answers[1:]) == 1
