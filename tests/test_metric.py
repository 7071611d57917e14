"""One metric."""

from livecb.series import Series
from livecb.state import State
from script import Script


def metric_of(script, key="loss"):
    state = State("r")
    state.feed(script.events)
    return state.series.metrics[key]


def test_its_last_values_come_from_wherever_they_were_logged():
    script = Script().metrics(1, loss=1.0).metrics(2, loss=2.0, lr=0.1).metrics(3, loss=3.0)
    metric = metric_of(script)
    assert [column.values[row] for _, column, row in metric.last(2)] == [3.0, 2.0]
    assert len(metric) == 3


def test_asking_often_is_as_good_as_asking_once():
    script, series = Script(), Series()
    for number, value in enumerate([3.0, 1.0, 4.0, 1.0, 5.0, 0.5, 2.0] * 40):
        script.metrics(number, loss=value)
        series.feed([script.events[-1]], [number])
        series.metrics["loss"].stats()
    whole = Series()
    whole.feed(script.events, range(len(script.events)))
    assert whole.metrics["loss"].stats() == series.metrics["loss"].stats()


def test_a_cut_is_noticed_after_it_was_asked():
    script, state = Script().start(), State("r")
    state.feed(script.steps(1, 9).events)
    assert state.series.stats()["train/loss"]["best_step"] == 9
    state.feed(script.start(2, resumed_step=4).events[-1:])
    assert state.series.stats()["train/loss"]["best_step"] == 4
    assert state.series.stats()["train/loss"]["min_step"] == 9
