"""The run that is meant."""

import os

import pytest

from livecb import events as ev
from livecb.errors import RunNotFound
from livecb.lookup import find_run, name_of


@pytest.fixture
def made(store):
    def make(run_id, name, written):
        run = store.create(run_id)
        started = ev.RunStarted(seq=0, time=written, version=1, run=run_id, name=name)
        run.part_path().write_bytes(ev.encode(started) + b"\n")
        os.utime(run.part_path(), (written, written))
        return run

    make("20261121-100000-calm-oak", "mlp", 1000)
    make("20261121-110000-wise-owl", "bert", 3000)
    make("20261121-120000-calm-owl", "mlp", 2000)
    return store


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("20261121-100000-calm-oak", "20261121-100000-calm-oak"),
        ("20261121-11", "20261121-110000-wise-owl"),
        ("wise-owl", "20261121-110000-wise-owl"),
        ("oak", "20261121-100000-calm-oak"),
        ("bert", "20261121-110000-wise-owl"),
        ("mlp", "20261121-120000-calm-owl"),
        ("be", "20261121-110000-wise-owl"),
        ("ml", "20261121-120000-calm-owl"),
        ("latest", "20261121-110000-wise-owl"),
    ],
)
def test_a_run_is_found_by_its_id_its_beginning_its_end_its_name_or_the_beginning_of_that_or_as_the_latest(
    made, word, found
):
    assert find_run(made, word).id == found


def test_a_word_that_fits_several_ids_is_answered_with_these(made):
    with pytest.raises(RunNotFound, match=r"2 runs begin or end with 'owl': .*wise-owl.*calm-owl"):
        find_run(made, "owl")


def test_a_word_that_fits_none_is_answered_with_those_near(made):
    with pytest.raises(RunNotFound, match="near it: bert"):
        find_run(made, "berd")


@pytest.mark.parametrize("word", ["nope", ""])
def test_a_word_that_is_near_to_none_is_answered_with_how_many_there_are(made, word):
    with pytest.raises(RunNotFound, match=r"there are 3 runs\. `livecb ls`"):
        find_run(made, word)


def test_names_that_begin_alike_are_told(made):
    made.run("20261121-100000-calm-oak").label(name="bart")
    assert find_run(made, "ba").id == "20261121-100000-calm-oak"
    with pytest.raises(RunNotFound, match=r"2 names begin with 'b': .*; write more"):
        find_run(made, "b")


def test_a_store_without_runs_says_so(store):
    with pytest.raises(RunNotFound, match="there are no runs in"):
        find_run(store, "latest")


def test_the_name_a_reader_gave_is_the_run_s_name(made):
    run = made.run("20261121-100000-calm-oak")
    assert name_of(run) == "mlp"
    run.label(name="baseline")
    assert find_run(made, "baseline").id == run.id
