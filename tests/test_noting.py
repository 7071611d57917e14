"""`livecb note` and `livecb baseline`: what readers keep, from the terminal and over HTTP alike."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

import livecb
from livecb.cli import main
from livecb.client import Client
from livecb.server import launch


def livecb_(*words):
    return CliRunner().invoke(main, words)


def trained(name, loss):
    with livecb.init(name=name, config={"size": name}, sinks=[], capture=None, system_interval=0) as run:
        run.log({"val/loss": loss}, step=7)
    return run.id


@pytest.fixture
def client(store):
    store.root.mkdir(exist_ok=True)
    server = launch.ThreadServer(store, port=0)
    with Client(server.start().url()) as client:
        yield client
    server.stop()


def test_a_note_of_the_terminal_is_one_to_every_reader(client, store):
    run = trained("mlp", 0.5)
    assert client.get(run).notes == []  # as it is kept for the next who asks
    result = livecb_("note", "latest", "the rate is too high", "--step", "7", "--by", "ada")
    assert (result.exit_code, result.stdout) == (0, f"noted on {run}, step 7\n")
    (note,) = client.notes(run).notes
    assert (note.text, note.author, note.step) == ("the rate is too high", "ada", 7)
    assert [each["text"] for each in client.get(run).notes] == ["the rate is too high"]
    client.edit_note(run, note, "it was not")
    assert [each.text for each in client.notes(run).notes] == ["it was not"]
    assert livecb_("audit").stdout.count("note") >= 1


@pytest.mark.parametrize("words", [("latest", " "), ("latest", "x" * 10_001), ("nobody", "well")])
def test_what_is_no_note_is_refused_and_leaves_nothing(store, words):
    run = trained("mlp", 0.5)
    assert livecb_("note", *words).exit_code == 2
    assert not (store.root / run / "notes.jsonl").exists()


def test_a_baseline_of_the_terminal_is_what_others_are_compared_with(client, store):
    base, better = trained("small", 0.5), trained("large", 0.25)
    result = livecb_("baseline", "create", "best", base, "--description", "of March")
    assert result.exit_code == 0
    assert "val/loss 0.5" in result.stdout
    assert client.baselines.get("best").run == base
    assert "of March" in livecb_("baseline", "ls").stdout
    said = livecb_("baseline", "compare", better, "best").stdout
    assert "better" in said
    assert "size: large (baseline: small)" in said
    said = json.loads(livecb_("baseline", "compare", better, "best", "--json").stdout)
    assert said["better"] == 1
    assert client.compare(better, baseline="best").metrics["val/loss"] == said["metrics"]["val/loss"]
    again = livecb_("baseline", "create", "best", better)
    assert again.exit_code == 1
    assert "baseline delete best" in again.stderr
    assert livecb_("baseline", "delete", "best").exit_code == 0
    assert client.baselines.list() == []
    assert livecb_("baseline", "ls").stdout == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("compare", "latest", "none"), "`livecb baseline ls` lists"),
        (("delete", "none"), "`livecb baseline ls` lists"),
        (("delete", "../x"), "expected a baseline's name"),
        (("create", "b", "nobody"), "no run 'nobody'"),
    ],
)
def test_what_is_no_baseline_is_refused_with_the_cure(store, words, said):
    trained("mlp", 0.5)
    result = livecb_("baseline", *words)
    assert result.exit_code in (1, 2)
    assert said in result.stderr
