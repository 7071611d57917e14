"""The curves of a run."""

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livecb import events as ev
from livecb.columns import Frame
from livecb.metric import Metric
from livecb.series import Series
from livecb.state import State
from script import BEGAN, Script


def series_of(*scripts):
    state = State("r")
    for script in scripts:
        state.feed(script.events)
    return state.series


def long_run(values, first=1):
    """Events without a Script's bookkeeping, for runs of many."""
    return [
        ev.Metrics(seq=at, time=BEGAN + at, step=first + at, values={"loss": value})
        for at, value in enumerate(values)
    ]


def charted(values, **query):
    series = Series()
    series.feed(long_run(values), range(len(values)))
    return series.to_dict(**query)["loss"]


def test_few_points_come_as_they_are():
    chart = charted([3.0, 2.0, 1.0])
    assert chart == {
        "chart": "loss",
        "series": "loss",
        "count": 3,
        "thinned": False,
        "axis": "step",
        "x": [1, 2, 3],
        "y": [3.0, 2.0, 1.0],
        "step": [1, 2, 3],
        "batch": [None, None, None],
        "time": [BEGAN, BEGAN + 1, BEGAN + 2],
        "epoch": [None, None, None],
        "attempt": [1, 1, 1],
    }


def test_many_points_are_thinned_to_about_as_many_as_asked():
    chart = charted([math.sin(at / 100) for at in range(50_000)], points=1000)
    assert (chart["count"], chart["thinned"]) == (50_000, True)
    assert 500 <= len(chart["x"]) <= 1000
    assert chart["x"] == sorted(chart["x"])
    assert (chart["x"][0], chart["x"][-1]) == (1, 50_000)


def test_one_outlier_among_a_million_points_is_there():
    count, rng = 1_000_000, random.Random(4)
    values = [rng.random() for _ in range(count)]
    values[rng.randrange(count)] = 7.0
    values[rng.randrange(count)] = -7.0
    unknown = [None] * count
    frame, metric, series = Frame(("loss",)), Metric("loss", None, 0), Series()
    axes = (range(count), range(count), *[unknown] * 4)
    frame.extend(1, range(count), axes, (values,))
    metric.pieces.append((frame, frame.columns[0]))
    series.metrics["loss"] = metric
    chart = series.to_dict(points=400)["loss"]
    assert {7.0, -7.0} <= set(chart["y"])
    assert len(chart["y"]) <= 400


@settings(max_examples=60, deadline=None)
@given(
    st.integers(300, 1500),
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from([9.0, -9.0, math.nan, math.inf, -math.inf]))),
    st.integers(1, 300),
    st.integers(0, 2**32),
)
def test_of_every_bucket_first_smallest_largest_last_and_every_kind_of_odd_value_stay(
    size, outliers, points, seed
):
    rng = random.Random(seed)
    values = [rng.random() for _ in range(size)]
    for at, value in outliers:
        values[at % size] = value
    chart = charted(values, points=points)
    shown = dict(zip(chart["x"], chart["y"], strict=True))
    buckets = max(1, points // 4)
    edges = [1 + (size - 1) * bucket / buckets for bucket in range(buckets)] + [size + 1]
    for low, high in itertools.pairwise(edges):
        inside = {step: values[step - 1] for step in range(math.ceil(low), math.ceil(high)) if step <= size}
        if not inside:
            continue
        finite = [value for value in inside.values() if math.isfinite(value)]
        kept = [shown[step] for step in inside if step in shown]
        assert min(inside) in shown
        assert max(inside) in shown
        assert not finite or (min(finite) in kept and max(finite) in kept)
        for odd, word in ((math.inf, "Infinity"), (-math.inf, "-Infinity")):
            assert (odd in inside.values()) == (word in kept)
        assert any(map(math.isnan, inside.values())) == ("NaN" in kept)


def test_a_diverged_run_is_all_gaps():
    chart = charted([1.0] * 500 + [math.nan] * 5000, points=40)
    assert chart["y"][-1] == "NaN"
    assert 1.0 in chart["y"]


def test_a_range_comes_with_all_its_points_when_they_are_few():
    values = [float(at) for at in range(100_000)]
    chart = charted(values, start=5000, end=5099, points=100)
    assert chart["x"] == list(range(5000, 5100))
    assert (chart["count"], chart["thinned"]) == (100, False)


def test_a_range_with_nothing_in_it_is_empty():
    assert charted([1.0, 2.0], start=50, end=60)["x"] == []


def test_an_unknown_axis_is_refused():
    with pytest.raises(ValueError, match="expected x to be one of time, step"):
        charted([1.0], x="dreams")


def test_unknown_names_are_left_out():
    series = series_of(Script().start().steps(1, 3))
    assert list(series.to_dict(["train/loss", "nothing"])) == ["train/loss"]


# Attempts


def test_attempts_are_thinned_each_for_itself_and_come_one_after_the_other():
    script = Script().start().steps(1, 500).start(2, resumed_step=250).steps(251, 800)
    chart = series_of(script).to_dict(points=100)["train/loss"]
    turn = chart["attempt"].index(2)
    assert set(chart["attempt"][turn:]) == {2}
    assert chart["x"][turn - 1] == 500
    assert chart["x"][turn] == 251
    assert chart["x"][:turn] == sorted(chart["x"][:turn])
    assert chart["x"][turn:] == sorted(chart["x"][turn:])


def test_a_range_holds_the_points_of_every_attempt():
    script = Script().start().steps(1, 9).start(2, resumed_step=5).steps(6, 9)
    chart = series_of(script).to_dict(start=6, end=7)["train/loss"]
    assert list(zip(chart["x"], chart["attempt"], strict=True)) == [(6, 1), (7, 1), (6, 2), (7, 2)]


def test_a_rank_whose_log_is_read_later_is_in_its_own_attempt():
    lead = Script().start().steps(1, 9).start(2, resumed_step=5).steps(6, 9)
    other = Script(rank=1).start().steps(1, 9)
    chart = series_of(lead, other).to_dict()["train/loss@1"]
    assert chart["attempt"] == [1] * 9


# Axes that are missing or fall back


def test_an_axis_that_falls_back_keeps_the_order_in_which_points_were_said():
    script = Script().start()
    steps = [step for _ in range(20) for step in range(1, 101)]
    for at, step in enumerate(steps):
        script.metrics(step, loss=9.0 if at == 777 else 0.0)
    chart = series_of(script).to_dict(points=100)["loss"]
    assert chart["time"] == sorted(chart["time"])
    assert 9.0 in chart["y"]
    part = series_of(script).to_dict(points=100, start=78, end=78)["loss"]
    assert part["x"] == [78] * 20
    assert part["y"].count(9.0) == 1
    many = series_of(script).to_dict(points=40, start=50, end=100)["loss"]
    assert (many["count"], many["thinned"]) == (51 * 20, True)
    assert 9.0 in many["y"]


def test_a_point_that_does_not_say_where_it_stands_stands_where_the_last_one_did():
    script = Script().start().metrics(loss=1.0).metrics(5, loss=2.0).metrics(loss=3.0).metrics(7, loss=4.0)
    chart = series_of(script).to_dict()["loss"]
    assert chart["x"] == [5, 5, 5, 7]
    assert chart["step"] == [None, 5, None, 7]
    assert chart["axis"] == "step"


def test_a_value_logged_in_other_company_without_a_step_stands_where_the_last_one_did():
    script = Script().start().metrics(5, loss=1.0).metrics(loss=2.0, lr=0.1).metrics(6, loss=3.0)
    assert series_of(script).to_dict()["loss"]["x"] == [5, 5, 6]


def test_a_series_without_the_asked_axis_comes_on_one_it_has():
    script = Script().start().metrics(loss=1.0)
    chart = series_of(script).to_dict(x="step")["loss"]
    assert (chart["axis"], chart["x"]) == ("time", [BEGAN + 1])


@pytest.mark.parametrize("x", ["time", "step", "batch", "epoch", "samples", "tokens"])
def test_every_axis_can_be_asked_for(x):
    script = Script().start()
    for at in range(3):
        script.say(
            ev.Metrics,
            step=at,
            batch=2 * at,
            epoch=at / 2,
            samples=8 * at,
            tokens=64 * at,
            values={"loss": 1.0},
        )
    chart = series_of(script).to_dict(x=x)["loss"]
    expected = {"time": [BEGAN + 1, BEGAN + 2, BEGAN + 3], "batch": [0, 2, 4], "epoch": [0.0, 0.5, 1.0]}
    expected |= {"step": [0, 1, 2], "samples": [0, 8, 16], "tokens": [0, 64, 128]}
    assert (chart["axis"], chart["x"]) == (x, expected[x])
    assert all(isinstance(place, int) for place in chart["x"]) == (x not in ("time", "epoch"))
    assert (chart["samples"], chart["tokens"]) == (expected["samples"], expected["tokens"])


# Names


def test_values_logged_together_and_apart_are_one_curve_in_order():
    script = Script().start()
    for step in range(1, 101):
        script.metrics(step, loss=float(step), **({"lr": 0.1} if step % 10 == 0 else {}))
    chart = series_of(script).to_dict()["loss"]
    assert chart["y"] == [float(step) for step in range(1, 101)]
    assert series_of(script).to_dict()["lr"]["count"] == 10


def test_two_curves_of_a_chart_are_never_called_alike():
    script = Script().start().metrics(1, val_acc=1.0, val__accuracy=2.0)
    found = series_of(script).splits()
    assert found["val_acc"][:2] == ("accuracy", "val")
    assert found["val/accuracy"][:2] == ("accuracy", "val/accuracy")


def test_evaluation_sets_are_recognized_by_their_losses():
    script = (
        Script().start().metrics(1, context="val", eval_a_loss=1.0).metrics(1, context="val", eval_a_f1=1.0)
    )
    found = series_of(script).splits()
    assert found["eval_a_f1"][:2] == ("f1", "val a")


def test_numbers_that_are_words_or_too_large_are_taken_for_what_they_mean():
    series = Series()
    values = [{"loss": "NaN"}, {"loss": 10**400}, {"loss": True}, {"loss": 3}]
    series.feed(
        [ev.Metrics(seq=at, time=at, step=at, values=value) for at, value in enumerate(values)], range(4)
    )
    assert series.to_dict()["loss"]["y"] == ["NaN", "Infinity", 1.0, 3.0]


def test_columns_know_their_size():
    assert series_of(Script().start().steps(1, 100)).nbytes > 100 * 3 * 8
