"""Charts: values that are none, one point, and what an attempt gave up."""

import pytest

from livecb.terminal.chart import draw

NAN = float("nan")


def curve(ys, steps=None, attempts=None, **more):
    steps = steps or list(range(1, len(ys) + 1))
    return {
        "chart": "loss",
        "series": "train",
        "axis": "step",
        "x": steps,
        "step": steps,
        "y": ys,
        "attempt": attempts or [1] * len(ys),
        **more,
    }


def drawn(ys, size=(40, 10), metrics=None, **more):
    keys = {key: more.pop(key) for key in ("rewinds", "log", "started") if key in more}
    return draw({"train/loss": curve(ys, **more)}, metrics or {"train/loss": {"value": 0.5}}, size, **keys)


def dots(text):
    return sum("⠁" <= char <= "⣿" for char in text.plain)


def test_a_chart_fills_its_place_and_no_more():
    lines = drawn([1.0, 2.0, 3.0]).plain.splitlines()
    assert len(lines) == 10
    assert max(map(len, lines)) == 40


@pytest.mark.parametrize("ys", [[0.5], [0.5] * 5, [1e-300, 1e300], [-1.0, -2.0]])
def test_what_is_flat_or_far_is_drawn(ys):
    assert dots(drawn(ys)) > 0


@pytest.mark.parametrize("ys", [["NaN"], ["NaN", "Infinity"], []])
def test_what_is_no_number_is_told_in_the_title_only(ys):
    text = drawn(ys, metrics={"train/loss": {"value": "NaN"}})
    assert text.plain == "loss  ━ train NaN"
    assert any("red" in str(span.style) for span in text.spans)


def test_a_gap_of_no_numbers_is_not_bridged():
    whole, torn = drawn([1.0] * 20), drawn([1.0] * 5 + ["NaN"] * 10 + [1.0] * 5)
    assert 0 < dots(torn) < dots(whole)


def test_what_was_given_up_is_grey():
    ys, steps, attempts = [1.0, 2.0, 9.0, 3.0, 4.0], [1, 2, 3, 3, 4], [1, 1, 1, 2, 2]
    text = drawn(ys, steps=steps, attempts=attempts, rewinds=[{"attempt": 2, "to_step": 2}])
    assert any("#6e6e6e" in str(span.style) for span in text.spans)


def test_an_axis_of_time_begins_with_the_run():
    text = drawn([1.0, 2.0], x=[1000.0, 1090.0], axis="time", started=1000.0)
    assert text.plain.splitlines()[-1].split("  ")[-1].strip() == "1 min 30 s"


def test_values_of_which_one_is_not_above_0_stay_on_a_linear_scale():
    assert drawn([0.0, 1.0], log=True).plain == drawn([0.0, 1.0]).plain


@pytest.mark.parametrize("size", [(0, 0), (5, 2), (11, 9), (12, 4)])
def test_where_there_is_no_room_the_title_is_cut(size):
    assert max(map(len, drawn([1.0, 2.0], size).plain.splitlines() or [""])) <= max(size[0], 1)


def test_a_flat_line_is_marked_with_its_value():
    assert "0.5┤" in drawn([0.5, 0.5]).plain
