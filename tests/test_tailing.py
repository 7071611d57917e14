"""Lines as they come."""

import threading

import livecb
from livecb.events import decode, type_of
from livecb.store import StoredRun
from livecb.tailing import Tailing


def test_the_last_lines_of_some_types(run):
    for at in range(9):
        run.text(str(at))
        run.log({"loss": at})
    tailing = Tailing(StoredRun(run.folder), {"log"})
    assert [decode(line).message for line in tailing.last(3)] == ["6", "7", "8"]
    assert tailing.status is None


def test_what_is_not_shown_does_not_count_among_the_last_lines(run):
    for at in range(3):
        run.text(str(at))
    for at in range(20):
        run.progress(at)
    with (run.folder / "events.jsonl").open("ab") as log:
        log.write(b"torn\n")
    tailing = Tailing(StoredRun(run.folder), without={"progress"})
    assert [decode(line).message for line in tailing.last(2)] == ["1", "2"]


def test_what_comes_is_followed_to_the_end(run):
    tailing, came = Tailing(StoredRun(run.folder)), []
    reader = threading.Thread(target=lambda: [came.extend(lines) for lines in tailing.follow()])
    reader.start()
    run.text("now")
    run.finish("stopped")
    reader.join(20)
    assert [type_of(line) for line in came] == ["run_started", "log", "run_ended"]
    assert tailing.status == "stopped"


def test_a_part_that_another_process_begins_is_read_too(store, run):
    tailing = Tailing(StoredRun(run.folder))
    assert len(list(tailing.past())) == 1
    other = livecb.init(id=run.id, rank=1, sinks=[], capture=None, system_interval=0)
    other.log({"loss": 1.0})
    assert [decode(line).rank for line in tailing.past()] == [1]


def test_a_run_that_is_taken_up_again_has_not_ended(store):
    for _ in range(2):
        run = livecb.init(id="again", sinks=[], capture=None, system_interval=0)
        run.finish("failed")
    run = livecb.init(id="again", sinks=[], capture=None, system_interval=0)
    tailing = Tailing(StoredRun(run.folder))
    list(tailing.past())
    assert tailing.status is None
    run.finish()
    list(tailing.past())
    assert tailing.status == "completed"
