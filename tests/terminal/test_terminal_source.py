"""Where a view comes from: a folder or a server, which tell the same."""

import pytest

import livecb
from livecb.errors import CommandRefused, RunNotFound
from livecb.logs.wire import Address
from livecb.sending import wishes
from livecb.server import launch
from livecb.server.audit import Audit
from livecb.terminal.source import Served, Stored, find_served
from livecb.watching import _source


@pytest.fixture
def server(store):
    thread = launch.ThreadServer(store, port=0)
    yield thread.start()
    thread.stop()


@pytest.fixture
def served(trained, server):
    found = find_served(server.url(), trained.id)
    yield found
    found.close()


def test_a_folder_and_a_server_tell_the_same(trained, store, served):
    stored = Stored(store.run(trained.id))
    here, there = stored.look(), served.look()
    beside = ("now", "elapsed", "progress", "cursor")
    assert {key: here[key] for key in here if key not in beside}.items() <= there.items()
    names = ["train/loss", "val/loss"]
    assert stored.curves(names, 40, "step") == served.curves(names, 40, "step")
    assert served.lines()[-1].message == "the hundredth step"


def test_what_comes_meanwhile_comes_once_from_a_server(trained, served):
    served.look()
    served.lines()
    trained.text("more")
    trained.log({"train/loss": 1.0}, step=102)
    served.look()
    assert [line.message for line in served.lines()] == ["more"]
    served.look()
    assert served.lines() == []


def test_a_wish_goes_through_a_server(trained, served):
    for _ in trained.track(range(1)):
        pass
    served.ask(wishes(["stop"], by="ada"))
    assert b'"by":"ada"' in (trained.folder / "commands.jsonl").read_bytes()


def test_a_wish_in_a_folder_stands_in_the_audit_and_one_that_is_refused_does_not(trained, store):
    for _ in trained.track(range(1)):
        pass
    source = _source(trained.id, store.root, None)
    source.ask(wishes(["stop"], by="ada"))
    with pytest.raises(CommandRefused, match="gives it one"):
        source.ask(wishes(["save"], by="ada"))
    (entry,) = Audit(store).last(5)
    told = (entry.address, entry.what, entry.run, entry.said)
    assert told == ("terminal", "send stop", trained.id, {"by": "ada"})


def test_a_log_that_began_anew_is_read_anew(trained, store):
    stored = Stored(store.run(trained.id))
    assert stored.look()["metrics"]["train/loss"]["count"] == 100
    log = trained.folder / "events.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    trained.finish()
    log.write_bytes(b"".join(lines[:11]))
    while stored.look()["metrics"]["train/loss"]["count"] == 100 or stored.behind:
        pass
    assert stored.look()["metrics"]["train/loss"]["count"] < 12


def test_a_run_that_is_deleted_is_told(trained, store):
    stored = Stored(store.run(trained.id))
    trained.finish()
    trained.folder.rename(trained.folder.with_name("elsewhere"))
    with pytest.raises(RunNotFound, match="its folder was moved or deleted"):
        stored.look()


@pytest.mark.parametrize("word", [None, "latest", "mlp-7", "mlp"])
def test_a_run_is_found_at_a_server_by_what_a_person_says(store, server, word):
    with livecb.init(name="mlp-7", sinks=[], capture=None, system_interval=0) as run:
        run.log({"a": 1.0})
    assert find_served(server.url(), word).run == run.id
    assert find_served(server.url(run.id), None).run == run.id


def test_a_run_that_no_server_has_is_named_with_those_it_has(trained, server):
    with pytest.raises(RunNotFound, match=trained.id):
        find_served(server.url(), "nosuch")


def test_a_server_that_is_gone_is_an_error_to_be_told(trained):
    with pytest.raises(livecb.LivecbError, match=r"127\.0\.0\.1:9"):
        Served(Address.parse("http://127.0.0.1:9/"), trained.id).look()
