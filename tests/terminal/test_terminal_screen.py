"""The screen, with keys that are really pressed."""

import pytest
from looking import shown, until, watched
from textual.widgets import Input

import livecb
from livecb.errors import ServerError
from livecb.terminal.screen import Screen
from livecb.terminal.source import Stored
from livecb.terminal.wording import summary


def test_a_run_is_shown_with_its_state_its_curves_and_its_log(source):
    seen = {}

    async def look(screen, pilot):
        seen.update({name: shown(screen, name) for name in ("head", "values", "chart0", "chart1", "log")})

    watched(source, look)
    assert seen["head"].startswith("● running")
    assert "val/loss 0.015" in seen["values"]
    assert any("⠁" <= char <= "⣿" for char in seen["chart0"])
    assert seen["chart0"].startswith("loss  ━ val 0.015  ━ train 0.01")
    assert seen["chart1"].startswith("lr  ━ 0.1")
    assert "the hundredth step" in seen["log"]


def test_what_the_run_says_meanwhile_is_shown(source, trained):
    async def look(screen, pilot):
        trained.log({"train/loss": 7.5}, step=101)
        trained.text("one more")
        await until(
            pilot, lambda: "one more" in shown(screen, "log") and "train 7.5" in shown(screen, "chart0")
        )
        trained.finish()
        await until(pilot, lambda: shown(screen, "head").startswith("● completed"))

    watched(source, look)


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (40, 12), (20, 5)])
def test_a_terminal_of_any_size_will_do(source, size):
    async def look(screen, pilot):
        assert "running" in shown(screen, "head")
        assert all(len(line) <= size[0] for line in shown(screen, "chart0").splitlines())

    watched(source, look, size)


def test_charts_follow_the_size_of_the_terminal(source):
    async def look(screen, pilot):
        await until(pilot, lambda: len(shown(screen, "chart0").splitlines()) > 5)
        narrow = shown(screen, "chart0").splitlines()
        await pilot.resize_terminal(160, 50)
        await until(pilot, lambda: len(shown(screen, "chart0").splitlines()) > len(narrow))
        assert max(map(len, shown(screen, "chart0").splitlines())) > max(map(len, narrow))

    watched(source, look)


def test_more_charts_than_fit_are_a_key_away(source, trained):
    trained.log({f"extra{at}": at for at in range(20)}, step=101)

    async def look(screen, pilot):
        await until(pilot, lambda: "loss" in shown(screen, "chart0"))
        await pilot.press("right")
        await until(
            pilot, lambda: "loss" not in shown(screen, "chart0") and max(shown(screen, "chart0")) >= "⠂"
        )
        await pilot.press("left")
        await until(pilot, lambda: "loss" in shown(screen, "chart0"))

    watched(source, look)


def test_a_scale_that_is_logarithmic_says_so_by_its_marks(source, trained):
    async def look(screen, pilot):
        await until(pilot, lambda: "0.505" in shown(screen, "chart0"))
        await pilot.press("y")
        await until(pilot, lambda: "0.1┤" in shown(screen, "chart0"))

    watched(source, look)


def test_the_axis_can_be_time(source):
    async def look(screen, pilot):
        await pilot.press("a", "a")
        await until(pilot, lambda: "0 s" in shown(screen, "chart0").splitlines()[-1])

    watched(source, look)


def test_a_stop_is_asked_only_after_a_yes(source, trained):
    for _ in trained.track(range(1)):
        pass
    asked = trained.folder / "commands.jsonl"

    async def look(screen, pilot):
        await until(pilot, lambda: screen.state["controls"])
        await pilot.press("x")
        await until(pilot, lambda: len(screen.screen_stack) == 2)
        await pilot.press("n")
        await until(pilot, lambda: len(screen.screen_stack) == 1)
        assert not asked.exists() or b"stop" not in asked.read_bytes()
        await pilot.press("x")
        await until(pilot, lambda: len(screen.screen_stack) == 2)
        await pilot.press("y")
        await until(pilot, lambda: trained.should_stop)

    watched(source, look)
    assert b'"by":"ada"' in asked.read_bytes()


def test_what_is_said_in_words_is_asked_and_answered(source, trained):
    rate = trained.control("lr", 0.1)
    trained.obey()

    async def look(screen, pilot):
        await until(pilot, lambda: screen.state["controls"])
        await pilot.press("colon")
        await until(pilot, lambda: len(screen.screen_stack) == 2)
        screen.screen.query_one(Input).value = "set lr=0.025"
        await pilot.press("enter")

        def obeyed():
            trained.obey()
            return rate.value == 0.025

        await until(pilot, obeyed)
        await until(pilot, lambda: "0.1 → 0.025  applied  by ada" in shown(screen, "log"))
        assert any("applied" in str(each.message) for each in screen._notifications)

    watched(source, look)


def test_what_a_run_does_not_obey_is_told_and_not_asked(source, trained):
    async def look(screen, pilot):
        await pilot.press("s")
        await until(pilot, lambda: len(screen._notifications))
        assert any("has not said" in str(each.message) for each in screen._notifications)
        assert len(screen.screen_stack) == 1

    watched(source, look)


def test_words_that_are_no_command_are_told(source, trained):
    async def look(screen, pilot):
        await pilot.press("colon")
        await until(pilot, lambda: len(screen.screen_stack) == 2)
        screen.screen.query_one(Input).value = "dance"
        await pilot.press("enter")
        await until(pilot, lambda: len(screen._notifications))
        assert any("expected one of" in str(each.message) for each in screen._notifications)

    watched(source, look)


def test_candidates_are_a_table_best_first(run, store):
    for name, score in (("svm", 0.7), ("[red]forest", 0.9)):
        run.model_completed(name, scores={"accuracy": score}, fit_seconds=2.0)
    seen = {}

    async def look(screen, pilot):
        seen["board"] = shown(screen, "board")

    watched(Stored(store.run(run.id)), look)
    head, first, second = seen["board"].splitlines()
    assert head.split() == ["#", "MODEL", "ACCURACY", "FIT"]
    assert first.split() == ["1", "[red]forest", "0.9", "2", "s"]
    assert second.split()[:2] == ["2", "svm"]


def test_a_source_that_fails_is_told_and_tried_again(source, trained):
    look_there, fails = source.look, [ServerError("nothing answers")]

    def look():
        if fails:
            raise fails[0]
        return look_there()

    async def steps(screen, pilot):
        source.look = look
        await until(pilot, lambda: "nothing answers; trying again" in shown(screen, "trouble"))
        fails.clear()
        await until(pilot, lambda: not shown(screen, "trouble"))

    watched(source, steps)


def test_q_leaves_with_a_summary_to_print(source):
    async def look(screen, pilot):
        await pilot.press("q")
        await until(pilot, lambda: not screen.is_running)

    screen = watched(source, look)
    assert screen.return_code == 0
    assert summary(screen.state).startswith(f"livecb: {livecb.run.name}: running for")


def test_a_source_that_fails_for_days_is_tried_again_as_often(source):
    screen = Screen(source)
    assert screen._pause(0.0, 0.0, 2000) == screen._pause(0.0, 0.0, 20)
