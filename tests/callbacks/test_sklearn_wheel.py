"""Readers steer searches and fits of scikit-learn, in one process and in several."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from slow_models import Slow

from livecb import events
from livecb.callbacks.sklearn import LiveStream
from livecb.control.commands import Asked, wish
from livecb.testing import Recorded
from wishes import answered, tell

pytestmark = pytest.mark.filterwarnings("ignore:.*does not support callbacks", "ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more of the test scores")  # fmt: skip

X = np.arange(400.0).reshape(-1, 2)
ZEROS = np.zeros(len(X), dtype=int)
HALVES = np.arange(len(X)) % 2


def live(**settings: Any) -> LiveStream:
    return LiveStream(**{"sinks": [], "system_interval": 0, "capture": None} | settings)


class Scorer:
    """Asks while the given fold is scored, counted from 1."""

    def __init__(self, stream: LiveStream, at: dict[int, list[Asked]]) -> None:
        self.stream, self.at, self.calls = stream, at, list[float]()

    def __call__(self, model: Any, x: Any, y: Any) -> float:
        self.calls.append(model.share)
        if wishes := self.at.get(len(self.calls)):
            tell(self.stream.run, *wishes)
        return float(model.score(x, y))


GRID = {"share": [0.9, 0.6, 0.3, 0.1]}


def test_a_search_is_stopped_by_name_and_keeps_the_best_so_far(recorded: Recorded) -> None:
    stream = live()
    score = Scorer(stream, {3: [wish("stop", by="ada"), wish("skip"), wish("drop", "share=0.1")]})
    search = GridSearchCV(Slow(), GRID, cv=2, scoring=score).set_callbacks(stream).fit(X, ZEROS)
    assert score.calls == [0.9, 0.9, 0.6]
    assert search.best_params_ == {"share": 0.9}
    (ended,) = recorded.of(events.RunEnded)
    assert (ended.status, ended.by, ended.reason) == ("stopped", "ada", None)
    assert [(name, phase) for name, phase, _ in answered(recorded.events)] == [
        ("stop", "applied"), ("skip", "refused"), ("drop", "refused"),
    ]  # fmt: skip
    assert "compare" in [event.reason for event in recorded.of(events.Command)][-1]


def test_a_search_is_paused_before_its_next_fold(recorded: Recorded) -> None:
    stream = live()
    score = Scorer(stream, {2: [wish("pause", 0.5)]})
    GridSearchCV(Slow(), GRID, cv=2, scoring=score, refit=False).set_callbacks(stream).fit(X, ZEROS)
    assert len(score.calls) == 8
    pause, resume = (event for event in recorded.of(events.Command) if event.phase == "applied")
    assert resume.time - pause.time > 0.4
    rows = [row.time for row in recorded.of(events.ModelCompleted)]
    assert not [at for at in rows if pause.time + 0.05 < at < resume.time - 0.05]
    assert recorded.of(events.RunEnded)[0].status == "completed"


def test_a_search_that_could_let_a_skipped_fold_win_says_so(recorded: Recorded) -> None:
    GridSearchCV(Slow(), GRID, cv=2, error_score=1.0).set_callbacks(live()).fit(X, ZEROS)
    assert "error_score" in recorded.of(events.Controls)[-1].commands["stop"]


def test_a_search_in_other_processes_is_held_and_stopped(recorded: Recorded) -> None:
    stream = live()
    problems: list[BaseException] = []

    def rows() -> int:
        return len(recorded.of(events.ModelCompleted)) if recorded.store.run_ids() else 0

    def wait(condition: Any) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def ask() -> None:
        try:
            wait(lambda: rows() >= 4)
            tell(stream.run, wish("pause", by="ada"))
            wait(lambda: answered(recorded.events))
            settled = [-1]

            def holds() -> bool:  # what was begun goes on to its end
                settled.append(rows())
                time.sleep(0.4)
                return settled[-1] == rows()

            wait(holds)
            assert rows() < 40
            before = rows()
            tell(stream.run, wish("resume", by="ada"))
            wait(lambda: rows() > before)
            tell(stream.run, wish("stop", by="ada"))
        except BaseException as error:
            problems.append(error)

    watcher = threading.Thread(target=ask)
    watcher.start()
    shares = [share / 20 for share in range(20)]
    search = GridSearchCV(Slow(seconds=0.1), {"share": shares}, cv=2, n_jobs=2)
    search.set_callbacks(stream).fit(X, ZEROS)
    watcher.join()
    assert problems == []
    assert [name for name, _, _ in answered(recorded.events)] == ["pause", "resume", "stop"]
    (ended,) = recorded.of(events.RunEnded)
    assert (ended.status, ended.by) == ("stopped", "ada")
    assert recorded.state().to_dict(alive=False, now=0)["progress"]["counters"]["skipped"] > 0


def test_a_fit_that_is_no_search_pauses_and_says_that_it_does_not_stop(recorded: Recorded) -> None:
    stream = live()

    class Asking(StandardScaler):  # type: ignore[misc]
        def fit(self, x: Any, y: Any = None, **more: Any) -> Asking:
            tell(stream.run, wish("pause", 0.4), wish("stop"))
            return super().fit(x, y, **more)

    make_pipeline(Asking(), LogisticRegression()).set_callbacks(stream).fit(X, HALVES)
    assert [(name, phase) for name, phase, _ in answered(recorded.events)] == [
        ("pause", "applied"), ("stop", "refused"), ("resume", "applied"),
    ]  # fmt: skip
    assert "only searches stop" in recorded.of(events.Controls)[0].commands["stop"]
    assert recorded.of(events.RunEnded)[0].status == "completed"


def test_readers_are_kept_out_of_a_fit_where_the_user_says_so(recorded: Recorded) -> None:
    LogisticRegression().set_callbacks(live(control=False)).fit(X, HALVES)
    assert recorded.of(events.Controls) == []
