"""scikit-learn's fits and searches, live."""

from __future__ import annotations

import copy
import pickle
import threading
import time
import warnings
from contextlib import nullcontext
from typing import Any

import httpx
import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from slow_models import Interrupted, Slow

import livecb
from livecb import events
from livecb.callbacks import sklearn as ours
from livecb.callbacks.sklearn import LiveStream
from livecb.errors import LivecbWarning
from livecb.server.launch import ThreadServer
from livecb.testing import Recorded

pytestmark = pytest.mark.filterwarnings("ignore:.*does not support callbacks", "ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more of the test scores")  # fmt: skip

X, Y = load_breast_cancer(return_X_y=True)
X, Y = X[::2], Y[::2]
ZEROS = np.zeros(len(X), dtype=int)
DEPTHS = {"max_depth": [1, 3, 5, 2]}


def live(**settings: Any) -> LiveStream:
    return LiveStream(**{"sinks": [], "system_interval": 0, "capture": None} | settings)


def tree(**settings: Any) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(random_state=0, **settings)


def told(recorded: Recorded) -> dict[str, Any]:
    return recorded.state().to_dict(alive=False, now=time.time())


def by_fold(recorded: Recorded, score: str) -> dict[tuple[Any, ...], float]:
    rows = [row for row in recorded.of(events.ModelCompleted) if row.fold is not None]
    found = {(*row.params.values(), row.fold): row.scores[score] for row in rows}
    assert len(found) == len(rows)
    return found


# Searches


@pytest.mark.parametrize(("jobs", "backend"), [(None, "none"), (4, "threading"), (4, "loky")])
def test_every_fold_of_every_candidate_is_a_row_with_the_score_that_the_search_has(
    jobs: int | None, backend: str, recorded: Recorded
) -> None:
    search = GridSearchCV(tree(), DEPTHS, cv=3, n_jobs=jobs, scoring="accuracy")
    with joblib.parallel_backend(backend) if jobs else nullcontext():
        search.set_callbacks(live()).fit(X, Y)
    results = search.cv_results_
    assert by_fold(recorded, "accuracy") == {
        (depth, fold): results[f"split{fold}_test_score"][at]
        for at, depth in enumerate(DEPTHS["max_depth"])
        for fold in range(3)
    }
    state = told(recorded)
    assert (state["status"], state["lost"], state["broken"]) == ("completed", 0, 0)
    assert (state["progress"]["done"], state["progress"]["total"]) == (12, 12)
    assert state["progress"]["unit"] == "fold"
    parts = list(recorded.run.folder.glob("events-p*.jsonl"))
    assert bool(parts) == (backend == "loky")


def test_the_leaderboard_is_that_of_the_search_and_its_best_says_what_counts(recorded: Recorded) -> None:
    search = GridSearchCV(tree(), DEPTHS, cv=3).set_callbacks(live()).fit(X, Y)
    state = told(recorded)
    rows = state["leaderboard"]
    means = dict(zip(DEPTHS["max_depth"], search.cv_results_["mean_test_score"], strict=True))
    assert {row["params"]["max_depth"]: row["scores"]["score"] for row in rows} == pytest.approx(means)
    best = rows[0]
    assert best["params"] == search.best_params_
    assert best["name"] == f"max_depth={search.best_params_['max_depth']}"
    assert best["scores"] == {"score": search.best_score_}
    importances = search.best_estimator_.feature_importances_
    assert best["importances"] == pytest.approx({f"x{at}": value for at, value in enumerate(importances)})
    assert next(iter(best["importances"])) == f"x{importances.argmax()}"
    assert state["summary"] == {"best_params": search.best_params_, "best_score": search.best_score_}


def test_the_search_finds_what_it_finds_without_the_callback(recorded: Recorded) -> None:
    search = GridSearchCV(
        make_pipeline(StandardScaler(), tree()), {"decisiontreeclassifier__max_depth": [1, 2]}
    )
    plain, watched = clone(search).fit(X, Y), clone(search).set_callbacks(live()).fit(X, Y)
    for name, values in plain.cv_results_.items():
        if "time" not in name:
            assert np.array_equal(values, watched.cv_results_[name]), name
    assert watched.scoring is None
    assert (watched.predict(X) == plain.predict(X)).all()


def test_every_fold_of_four_processes_is_on_the_leaderboard_of_the_page_within_two_seconds(
    recorded: Recorded,
) -> None:
    server = ThreadServer(recorded.store, port=0)
    address = server.start()
    client = httpx.Client(
        base_url=f"http://{address.host}:{address.port}", headers={"x-api-key": address.token or ""}
    )
    seen: dict[tuple[str, int], float] = {}
    lefts: list[float] = []
    finished = threading.Event()

    def follow() -> None:
        while not finished.wait(0.1):
            for run_id in recorded.store.run_ids():
                state = client.get(f"/api/runs/{run_id}").json()
                for row in state["leaderboard"]:
                    seen.setdefault((row["name"], row["folds_done"]), time.time())
                lefts.append((state["progress"] or {}).get("left"))

    reader = threading.Thread(target=follow)
    reader.start()
    shares = [0.1, 0.3, 0.5, 0.7, 0.8, 0.9]
    search = GridSearchCV(Slow(seconds=0.3), {"share": shares}, cv=2, n_jobs=4, refit=False)
    try:
        search.set_callbacks(live()).fit(X, ZEROS)
        ended = time.time()
        while len([name for name, folds in seen if folds == 2]) < len(shares) and time.time() < ended + 2:
            time.sleep(0.05)
    finally:
        finished.set()
        reader.join()
        client.close()
        server.stop()
    rows = [row for row in recorded.of(events.ModelCompleted) if row.fold is not None]
    done = {share: sorted(row.time for row in rows if row.params == {"share": share}) for share in shares}
    late = [seen[f"share={share}", 2] - times[1] for share, times in done.items()]
    assert max(late) < 2
    assert min(seen.values()) < ended
    assert any(left is not None and left > 0 for left in lefts)


def test_how_far_it_is_is_told_with_each_fold_and_how_long_it_takes(recorded: Recorded) -> None:
    GridSearchCV(Slow(seconds=0.02), {"share": [0.1, 0.3]}, cv=2, refit=False).set_callbacks(live()).fit(
        X, ZEROS
    )
    bars = [event for event in recorded.of(events.Progress) if event.fields]
    assert [(bar.done, bar.total, bar.fields["candidate"]) for bar in bars] == [
        (1, 4, "share=0.1"), (2, 4, "share=0.1"), (3, 4, "share=0.3"), (4, 4, "share=0.3"),
    ]  # fmt: skip
    for bar in bars:
        assert bar.left == pytest.approx((4 - bar.done) * bar.elapsed / bar.done)
        assert bar.elapsed >= 0.02 * bar.done


def test_candidates_with_several_scores_are_ranked_by_the_one_the_search_chooses_by(
    recorded: Recorded,
) -> None:
    search = GridSearchCV(
        tree(),
        DEPTHS,
        cv=3,
        scoring=["accuracy", "neg_log_loss"],
        refit="neg_log_loss",
        return_train_score=True,
    )
    search.set_callbacks(live()).fit(X, Y)
    row = next(row for row in recorded.of(events.ModelCompleted) if row.fold == 0)
    assert list(row.scores) == ["neg_log_loss", "accuracy", "train_neg_log_loss", "train_accuracy"]
    assert row.scores["train_accuracy"] == search.cv_results_["split0_train_accuracy"][0]
    best = told(recorded)["leaderboard"][0]
    assert best["params"] == search.best_params_
    assert best["scores"]["accuracy"] == search.cv_results_["mean_test_accuracy"][search.best_index_]


def test_a_random_search_names_its_candidates_by_their_parameters(recorded: Recorded) -> None:
    search = RandomizedSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()),
        {"logisticregression__C": [0.123456, 1.0]}, n_iter=2, cv=2, random_state=0,
    )  # fmt: skip
    search.set_callbacks(live()).fit(X, Y)
    state = told(recorded)
    assert {row["name"] for row in state["leaderboard"]} == {"C=0.1235", "C=1"}
    assert state["leaderboard"][0]["params"] == search.best_params_
    assert state["config"]["class"] == "RandomizedSearchCV"


def test_candidates_whose_names_look_alike_are_not_taken_for_one(recorded: Recorded) -> None:
    grid = {"share": [0.123456, 0.123457]}
    GridSearchCV(Slow(), grid, cv=2, refit=False).set_callbacks(live()).fit(X, ZEROS)
    rows = told(recorded)["leaderboard"]
    assert [(row["name"], row["folds_done"]) for row in rows] == [("share=0.1235", 2)] * 2


@pytest.mark.parametrize("resource", ["n_samples", "max_leaf_nodes"])
def test_a_search_by_halving_ranks_by_rung_and_knows_all_its_fits_from_the_start(
    resource: str, recorded: Recorded
) -> None:
    grid = {"max_depth": [1, 2, 3, 4], "min_samples_leaf": [1, 5]}
    settings = {} if resource == "n_samples" else {"max_resources": 27, "min_resources": 3}
    search = HalvingGridSearchCV(tree(), grid, cv=2, resource=resource, random_state=0, **settings)
    search.set_callbacks(live()).fit(X, Y)
    fits = sum(search.n_candidates_) * 2
    bars = [event for event in recorded.of(events.Progress) if event.fields]
    assert [bar.total for bar in bars] == [fits] * fits
    first = search.n_candidates_[0] * 2
    work = [2 * candidates * 3**rung for rung, candidates in enumerate(search.n_candidates_)]
    assert bars[first - 1].left == pytest.approx(bars[first - 1].elapsed * sum(work[1:]) / work[0])
    assert bars[-1].left == 0
    rows = told(recorded)["leaderboard"]
    assert len(rows) == 8
    best = {name: value for name, value in search.best_params_.items() if name != resource}
    assert rows[0]["params"] == best
    assert [row.get("rung", 0) for row in rows[: search.n_candidates_[-1]]] == [
        search.n_iterations_ - 1
    ] * search.n_candidates_[-1]


def test_a_candidate_that_fails_is_listed_with_its_reason(recorded: Recorded) -> None:
    search = GridSearchCV(Slow(), {"fails": [True, False]}, cv=2).set_callbacks(live()).fit(X, ZEROS)
    good, bad = told(recorded)["leaderboard"]
    assert (good["ok"], good["params"]) == (True, search.best_params_)
    assert (bad["ok"], bad["place"], bad["reason"]) == (False, None, "fold 1: ValueError: cannot learn that")
    assert recorded.of(events.Progress)[-1].counters == {"failed": 2}


def test_an_error_that_ends_the_search_ends_the_run(recorded: Recorded) -> None:
    search = GridSearchCV(Slow(), {"fails": [True]}, cv=2, error_score="raise").set_callbacks(live())
    with pytest.raises(ValueError, match="cannot learn"):
        search.fit(X, ZEROS)
    (end,) = recorded.of(events.RunEnded)
    assert (end.status, end.error) == ("failed", "ValueError: cannot learn that")
    (row,) = recorded.of(events.ModelCompleted)
    assert (row.ok, row.reason) == (False, "ValueError: cannot learn that")


def test_ctrl_c_stops_the_run_and_is_not_taken_for_a_failed_candidate(recorded: Recorded) -> None:
    with pytest.raises(KeyboardInterrupt):
        GridSearchCV(Interrupted(), {"share": [0.1]}, cv=2).set_callbacks(live()).fit(X, ZEROS)
    (end,) = recorded.of(events.RunEnded)
    assert (end.status, end.by) == ("stopped", "keyboard")
    assert recorded.of(events.ModelCompleted) == []


def test_an_exception_that_was_handled_before_the_fit_is_not_its_end(recorded: Recorded) -> None:
    try:
        raise RuntimeError("before")
    except RuntimeError:
        make_pipeline(StandardScaler()).set_callbacks(live()).fit(X)
    assert [end.status for end in recorded.of(events.RunEnded)] == ["completed"]


def test_a_search_that_holds_its_scores_elsewhere_tells_them_at_the_end(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "finished_fold", lambda search: None)
    grid = {"fails": [True, False], "share": [0.1, 0.6]}
    search = GridSearchCV(Slow(), grid, cv=2).set_callbacks(live()).fit(X, ZEROS)
    state = told(recorded)
    assert state["progress"]["done"] == 8
    assert [row["ok"] for row in state["leaderboard"]] == [True, True, False, False]
    assert state["leaderboard"][0]["scores"]["score"] == search.best_score_


def test_a_bug_of_ours_leaves_the_search_as_it_is(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(search: Any) -> None:
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setattr(ours, "finished_fold", fail)
    with pytest.warns(LivecbWarning, match="a bug of ours") as said:
        search = GridSearchCV(tree(), DEPTHS, cv=2).set_callbacks(live()).fit(X, Y)
    assert len([each for each in said if each.category is LivecbWarning]) == 1
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()
    assert recorded.of(events.RunEnded)[0].status == "completed"


# Pipelines and iterations


def test_a_pipeline_says_what_it_fits_and_promises_no_time(recorded: Recorded) -> None:
    make_pipeline(StandardScaler(), tree()).set_callbacks(live()).fit(X, Y)
    assert [(event.phase, event.message) for event in recorded.of(events.Status)] == [
        ("fit", None), ("fit-transform-standardscaler", "1 of 2"), ("fit-final-estimator", "2 of 2"),
    ]  # fmt: skip
    assert recorded.of(events.Progress) == []


def test_iterations_are_counted_as_the_solver_counts_them(recorded: Recorded) -> None:
    model = LogisticRegression(max_iter=500).set_callbacks(live())
    model.fit(StandardScaler().fit_transform(X), Y)
    first, *_, last = recorded.of(events.Progress)
    assert (first.done, first.total, first.unit) == (0, 500, "iteration")
    assert (last.done, last.total) == (model.n_iter_[0], model.n_iter_[0])


def test_a_score_is_measured_after_every_iteration_if_asked_for(recorded: Recorded) -> None:
    scaled = StandardScaler().fit_transform(X)
    model = LogisticRegression().set_callbacks(live(scoring="neg_log_loss")).fit(scaled, Y)
    metrics = recorded.of(events.Metrics)
    assert [event.step for event in metrics] == list(range(1, model.n_iter_[0] + 1))
    score = get_scorer("neg_log_loss")(model, scaled, Y)
    assert metrics[-1].values == {"train/neg_log_loss": pytest.approx(score)}
    assert metrics[0].values["train/neg_log_loss"] < score
    model.set_callbacks(live(scoring="neg_log_loss", every_n_steps=4)).fit(scaled, Y)
    thinned = recorded.of(events.Metrics, recorded.runs[1])
    assert [event.values for event in thinned] == [event.values for event in metrics[3::4]]


def test_a_scoring_that_is_none_is_refused_before_the_fit() -> None:
    with pytest.raises(ValueError, match="'speed' is not a valid scoring value"):
        live(scoring="speed")


def test_a_score_that_cannot_be_measured_is_said_once_and_the_rest_is_recorded(recorded: Recorded) -> None:
    def score(model: Any, x: Any, y: Any) -> float:
        raise ZeroDivisionError("no data")

    with pytest.warns(LivecbWarning, match="no data") as said:
        model = LogisticRegression(max_iter=500).set_callbacks(live(scoring=score))
        model.fit(StandardScaler().fit_transform(X), Y)
    assert len([each for each in said if each.category is LivecbWarning]) == 1
    assert recorded.of(events.Progress)[-1].done == model.n_iter_[0]


def test_a_search_inside_a_pipeline_is_followed(recorded: Recorded) -> None:
    search = GridSearchCV(tree(), DEPTHS, cv=2)
    pipeline = make_pipeline(StandardScaler(), search).set_callbacks(live()).fit(X, Y)
    state = told(recorded)
    assert len(state["leaderboard"]) == 4
    assert state["leaderboard"][0]["params"] == pipeline[-1].best_params_
    assert (state["progress"]["unit"], state["progress"]["total"]) == ("fold", 8)


def test_what_stands_beside_a_search_in_a_pipeline_is_none_of_it(recorded: Recorded) -> None:
    search = GridSearchCV(PCA(), {"n_components": [2, 3]}, cv=2)
    pipeline = make_pipeline(StandardScaler(), search, LogisticRegression())
    pipeline.set_callbacks(live()).fit(X, Y)
    phases = [event.phase for event in recorded.of(events.Status)]
    assert phases == [
        "fit", "fit-transform-standardscaler", "fit-transform-gridsearchcv", "search", "refit-with-best-params",
        "fit-final-estimator",
    ]  # fmt: skip
    assert [bar.done for bar in recorded.of(events.Progress)][-1] == pipeline[-1].n_iter_[0]
    assert told(recorded)["leaderboard"][0]["params"] == pipeline[1].best_params_


def test_a_search_inside_a_search_is_not_mixed_with_it(recorded: Recorded) -> None:
    inner = GridSearchCV(LogisticRegression(max_iter=20), {"C": [0.1, 1.0]}, cv=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        GridSearchCV(inner, {"estimator__max_iter": [5, 10]}, cv=2).set_callbacks(live()).fit(X, Y)
    assert {row["name"] for row in told(recorded)["leaderboard"]} == {"max_iter=5", "max_iter=10"}


def test_each_fit_in_a_run_that_is_given_has_a_curve_of_its_own(recorded: Recorded) -> None:
    with livecb.init(sinks=[], system_interval=0) as run:
        model = LogisticRegression(max_iter=30).set_callbacks(live(run=run, scoring="neg_log_loss"))
        cross_validate(model, StandardScaler().fit_transform(X), Y, cv=3)
    curves: dict[str, list[int | None]] = {}
    for event in recorded.of(events.Metrics):
        curves.setdefault(*event.values, []).append(event.step)
    name = "train/neg_log_loss"
    assert list(curves) == [name, f"{name}/fit 2", f"{name}/fit 3"]
    assert all(steps == [*range(1, len(steps) + 1)] for steps in curves.values())
    metrics = told(recorded)["metrics"]
    assert {(each["chart"], each["goal"]) for each in metrics.values()} == {("neg_log_loss", "max")}
    phases = [event.phase for event in recorded.of(events.Progress)]
    assert [*dict.fromkeys(phases)] == [
        "LogisticRegression", "LogisticRegression, fit 2", "LogisticRegression, fit 3"
    ]  # fmt: skip


def test_folds_of_a_cross_validation_add_to_a_run_that_is_given(recorded: Recorded) -> None:
    with livecb.init(sinks=[], system_interval=0) as run:
        model = LogisticRegression().set_callbacks(live(run=run, scoring="neg_log_loss"))
        cross_validate(model, StandardScaler().fit_transform(X), Y, cv=2, n_jobs=4)
    assert [end.status for end in recorded.of(events.RunEnded)] == ["completed"]
    begun = [event for event in recorded.of(events.Metrics) if event.step == 1]
    assert len(begun) == len({name for event in begun for name in event.values}) == 2


def test_calls_of_partial_fit_add_to_a_run_that_is_given(recorded: Recorded) -> None:
    with livecb.init(sinks=[], system_interval=0) as run:
        scaler = StandardScaler().set_callbacks(live(run=run))
        for _ in range(3):
            scaler.partial_fit(X)
    assert len(recorded.of(events.Status)) == 3
    assert recorded.of(events.RunEnded)[0].status == "completed"


def test_a_search_that_is_not_to_be_recorded_is_left_alone(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("LIVECB_MODE", "disabled")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    search = GridSearchCV(tree(), DEPTHS, cv=2, n_jobs=4).set_callbacks(live()).fit(X, Y)
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()
    assert recorded.runs == []
    assert list(tmp_path.glob("livecb-*")) == []


# Stopping


def test_a_search_that_is_stopped_keeps_the_best_so_far(recorded: Recorded) -> None:
    stream, calls = live(), []

    def score(model: Any, x: Any, y: Any) -> float:
        calls.append(model.share)
        if len(calls) == 3:
            stream.stop("enough")
        return float(model.score(x, y))

    grid = {"share": [0.9, 0.6, 0.3, 0.1]}
    search = GridSearchCV(Slow(), grid, cv=2, scoring=score).set_callbacks(stream).fit(X, ZEROS)
    assert calls == [0.9, 0.9, 0.6]
    assert search.best_params_ == {"share": 0.9}
    assert search.predict(X).mean() == pytest.approx(0.1, abs=0.01)
    (end,) = recorded.of(events.RunEnded)
    assert (end.status, end.reason, end.summary["best_params"]) == ("stopped", "enough", {"share": 0.9})
    assert recorded.of(events.Progress)[-1].counters == {"skipped": 5}
    assert {row["name"] for row in told(recorded)["leaderboard"]} == {"share=0.9", "share=0.6"}


def test_a_search_in_other_processes_is_stopped_from_another_thread(recorded: Recorded) -> None:
    stream = live()

    def stop() -> None:
        while not recorded.store.run_ids() or len(recorded.of(events.ModelCompleted)) < 4:
            time.sleep(0.02)
        stream.stop("seen enough")

    watcher = threading.Thread(target=stop)
    watcher.start()
    shares = [share / 20 for share in range(20)]
    search = GridSearchCV(Slow(seconds=0.1), {"share": shares}, cv=2, n_jobs=4)
    search.set_callbacks(stream).fit(X, ZEROS)
    watcher.join()
    assert recorded.of(events.RunEnded)[0].status == "stopped"
    assert search.best_params_["share"] in shares[:12]
    assert told(recorded)["progress"]["counters"]["skipped"] > 10


def test_a_search_by_halving_that_is_stopped_finishes_one_candidate_a_rung(recorded: Recorded) -> None:
    stream, calls = live(), []

    def score(model: Any, x: Any, y: Any) -> float:
        calls.append(len(x))
        if len(calls) == 2:
            stream.stop()
        return float(model.score(x, y))

    grid = {"share": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]}
    search = HalvingGridSearchCV(
        Slow(),
        grid,
        cv=2,
        scoring=score,
        factor=2,
        random_state=0,
        min_resources=40,
        return_train_score=False,
    )
    search.set_callbacks(stream).fit(X, ZEROS)
    assert len(calls) == 2 * search.n_iterations_
    assert search.best_params_ == {"share": 0.1}
    assert recorded.of(events.RunEnded)[0].status == "stopped"


@pytest.mark.parametrize("error_score", [0, "raise"])
def test_a_search_in_which_a_skipped_fold_could_win_says_that_it_goes_on(
    error_score: Any, recorded: Recorded
) -> None:
    stream = live()

    def score(model: Any, x: Any, y: Any) -> float:
        stream.stop()
        return 1.0

    GridSearchCV(Slow(), {"share": [0.1, 0.2]}, cv=2, scoring=score, error_score=error_score).set_callbacks(
        stream
    ).fit(X, ZEROS)
    assert recorded.of(events.RunEnded)[0].status == "completed"
    assert len([row for row in recorded.of(events.ModelCompleted) if row.fold is not None]) == 4
    alert = recorded.of(events.Alert)[0]
    assert (alert.title, "error_score" in alert.text) == ("The fit goes on", True)


def test_an_estimator_that_does_not_listen_is_told_of(recorded: Recorded) -> None:
    stream = live(scoring=lambda model, x, y: float(stream.stop("flat") is None))
    model = LogisticRegression(max_iter=5).set_callbacks(stream)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, Y)
    assert model.n_iter_[0] == 5
    (alert,) = recorded.of(events.Alert)
    assert "LogisticRegression in scikit-learn" in alert.text
    assert recorded.of(events.RunEnded)[0].status == "completed"


def test_stopping_where_nothing_is_fitted_is_said() -> None:
    with pytest.warns(LivecbWarning, match="nothing is being fitted"):
        live().stop()


# The callback as an object


def test_a_fitted_estimator_is_copied_and_pickled_with_its_callback(
    recorded: Recorded, tmp_path: Any
) -> None:
    search = GridSearchCV(tree(), DEPTHS, cv=2).set_callbacks(live(name="one")).fit(X, Y)
    joblib.dump(search, tmp_path / "search.joblib")
    for again in (
        pickle.loads(pickle.dumps(search)),
        copy.deepcopy(search),
        joblib.load(tmp_path / "search.joblib"),
    ):
        again.fit(X, Y)
        assert again.best_params_ == search.best_params_
    assert [told.status for run in recorded.runs for told in recorded.of(events.RunEnded, run)] == [
        "completed"
    ] * 4
    assert {recorded.of(events.RunStarted, run)[0].name for run in recorded.runs} == {"one"}


def test_a_callback_takes_part_in_any_number_of_fits(recorded: Recorded) -> None:
    stream = live()
    make_pipeline(StandardScaler()).set_callbacks(stream).fit(X)
    GridSearchCV(tree(), DEPTHS, cv=2).set_callbacks(stream).fit(X, Y)
    make_pipeline(StandardScaler(), LogisticRegression()).set_callbacks(stream).fit(X, Y)
    assert [len(recorded.of(events.ModelCompleted, run)) for run in recorded.runs] == [0, 9, 0]
    units = [{bar.unit for bar in recorded.of(events.Progress, run)} for run in recorded.runs]
    assert units == [set(), {"fold"}, {"iteration"}]


def test_fits_in_several_threads_that_share_a_callback_share_its_run(recorded: Recorded) -> None:
    stream = live()
    searches = [GridSearchCV(tree(), DEPTHS, cv=2).set_callbacks(stream) for _ in range(3)]
    fits = [threading.Thread(target=search.fit, args=(X, Y)) for search in searches]
    for fit in fits:
        fit.start()
    for fit in fits:
        fit.join()
    assert all(hasattr(search, "best_score_") for search in searches)
    assert {recorded.of(events.RunEnded, run)[0].status for run in recorded.runs} == {"completed"}
    assert not stream.run.active


def test_an_older_scikit_learn_is_told_what_to_use_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "BaseSearchCV", object)
    with pytest.raises(
        ImportError, match=r"has no callbacks \(1.9 has\): use livecb.callbacks.sklearn.compare"
    ):
        LiveStream()


def test_a_count_that_the_disk_refuses_costs_no_row(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr("tempfile.mkdtemp", lambda **names: str(tmp_path / "gone"))
    GridSearchCV(tree(), DEPTHS, cv=2).set_callbacks(live()).fit(X, Y)
    assert len([row for row in recorded.of(events.ModelCompleted) if row.fold is not None]) == 8
    assert recorded.of(events.RunEnded)[0].status == "completed"


def test_the_run_says_what_is_fitted(recorded: Recorded) -> None:
    GridSearchCV(tree(), DEPTHS, cv=2).set_callbacks(live(config={"data": "cancer"})).fit(X, Y)
    (started,) = recorded.of(events.RunStarted)
    assert started.framework == "scikit-learn"
    assert started.versions["scikit-learn"] >= "1.9"
    assert started.config["param_grid"] == DEPTHS
    assert (started.config["cv"], started.config["data"]) == (2, "cancer")
    assert "DecisionTreeClassifier" in started.config["estimator"]


def test_indices_of_splits_do_not_fill_the_settings(recorded: Recorded) -> None:
    halves = [(np.arange(0, 5000), np.arange(5000, 10000))]
    rows = np.zeros((10000, 1))
    search = GridSearchCV(Slow(), {"share": [0.1]}, cv=halves, refit=False)
    search.set_callbacks(live()).fit(rows, np.zeros(10000, dtype=int))
    assert len(str(recorded.of(events.RunStarted)[0].config["cv"])) <= 2000
