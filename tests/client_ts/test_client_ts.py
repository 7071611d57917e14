"""The TypeScript client as every server serves it, in Node and in Chromium: it follows, reads and steers."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Server
from playwright.sync_api import Browser
from scripting import Node, Raised, Script, Site, Swallowing, Tab, training, until
from watching import Writer

import livecb
from livecb import events as ev
from livecb.events.lines import FREE_FORM
from livecb.server import launch
from livecb.server.token import token_of
from livecb.store import Store

PAGE = Path(livecb.__file__).parent / "page"

FOLLOW = """
(globalThis.seen = [], globalThis.links = [], globalThis.events = client.follow('RUN', {
  onEvents: (events) => { seen.push(...events.map(({ seq }) => seq)); },
  onLink: ({ kind }) => links.push(kind),
}), null)
"""


def test_what_there_is_can_be_read(script: Script, store: Store, writer: Writer) -> None:
    run = writer.run.id
    writer.metrics(3)
    writer.say(ev.Log, message="a line", logger="train")
    writer.say(ev.ModelCompleted, name="svc", ok=True, scores={"accuracy": 0.9})
    writer.say(ev.Sample, input="why", prediction="because", epoch=1)
    writer.say(
        ev.Image, name="fake", file=writer.run.add_file(b"\x89PNG", "a.png", "image/png"), width=1, height=1
    )
    until(script, f"client.get('{run}').then(state => state.events === 8)")
    listed = f"client.list({{search: '{run}'}}).then(rows => rows.map(row => row.run))"
    assert until(script, f"{listed}.then(runs => runs.length && runs)") == [run]  # a list may be a second old
    assert script.run(f"client.list({{search: '{run}', status: 'over'}})") == []
    loss = script.run(f"client.metrics('{run}', 'train/loss')")["series"]["train/loss"]
    assert loss["x"] == [1, 2, 3]
    assert loss["y"] == [1 / 2, 1 / 3, 1 / 4]
    assert script.run(f"client.values('{run}', 'train/loss')")["value"] == loss["y"]
    assert [line["message"] for line in script.run(f"client.logs('{run}', {{last: 5}})")["logs"]] == [
        "a line"
    ]
    assert script.run(f"client.leaderboard('{run}')")["leaderboard"][0]["place"] == 1
    assert script.run(f"client.samples('{run}')")["samples"][0]["prediction"] == "because"
    shown = (
        f"client.images('{run}').then(({{images}}) => client.file('{run}', images[0].file)).then(b => b.size)"
    )
    assert script.run(shown) == 4
    assert [
        event["type"]
        for event in script.run(f"client.events('{run}', {{types: ['log'], limit: 1}})")["events"]
    ] == ["log"]
    assert len(script.run(f"client.export('{run}').then(file => file.text())").splitlines()) == 8


def test_what_readers_say_is_kept(script: Script, store: Store, writer: Writer) -> None:
    run = writer.run.id
    writer.metrics(1)
    script.run(f"client.note('{run}', 'too high', {{author: 'Ada', step: 1}})")
    assert [note["text"] for note in script.run(f"client.notes('{run}')")["notes"]] == ["too high"]
    script.run(f"client.rename('{run}', 'better')")
    script.run(f"client.tag('{run}', ['good', '{run}'])")
    script.run(f"client.baselines.create('of-{run}', '{run}')")
    assert script.run(f"client.compare('{run}', {{baseline: 'of-{run}'}})")["equal"] >= 0
    assert [row["name"] for row in script.run(f"client.list({{tag: ['good', '{run}']}})")] == ["better"]
    with pytest.raises(Raised, match="writ") as raised:
        script.run(f"client.delete('{run}')")
    assert raised.value.name == "RunWritten"


def test_a_training_elsewhere_appends_exactly_once_and_what_its_events_name(script: Script, run: str) -> None:
    start = f"{{type: 'run_started', seq: 0, time: 1.0, version: 1, run: '{run}', name: 'afar'}}"
    place = script.run(f"client.append('{run}', [{start}])")
    assert script.run(f"client.append('{run}', [{start}])") == place
    loss = "{seq: 1, time: 2.0, step: 1, values: {loss: 0.5}, type: 'metrics'}"
    place = script.run(f"client.append('{run}', [{loss}], '{place}')")
    assert script.run(f"client.get('{run}')")["metrics"]["loss"]["value"] == 0.5
    with pytest.raises(Raised, match="409") as raised:
        script.run(f"client.append('{run}', [{{type: 'log', seq: 1, time: 2.0, message: 'else'}}], '0')")
    assert raised.value.name == "ApiError"
    ref = script.run(f"client.upload('{run}', new Blob(['png']), {{name: 'a.png', mime: 'image/png'}})")
    assert (len(ref["hash"]), ref["name"], ref["size"], ref["mime"]) == (64, "a.png", 3, "image/png")
    shown = "{type: 'image', seq: 2, time: 3.0, name: 'fake', width: 1, height: 1, file: REF}"
    event = shown.replace("REF", json.dumps(ref))
    with pytest.raises(Raised, match="nothing was appended"):
        script.run(f"client.append('{run}', [{event}], '{place}', {{files: {{}}}})")
    files = f"{{'{ref['hash']}': new Blob(['png'])}}"
    script.run(f"client.append('{run}', [{event}], '{place}', {{files: {files}}})")
    assert script.run(f"client.file('{run}', '{ref['hash']}').then(file => file.text())") == "png"


def test_a_loss_that_is_no_number_is_recorded_as_it_is(script: Script, store: Store, run: str) -> None:
    start = f"{{type: 'run_started', seq: 0, time: 1, version: 1, run: '{run}', name: 'afar', config: {{clip: Infinity}}}}"
    loss = (
        "{type: 'metrics', seq: 1, time: 2, step: 1, epoch: NaN, values: {a: NaN, b: Infinity, c: -Infinity}}"
    )
    script.run(f"client.append('{run}', [{start}, {loss}])")
    started, said = (ev.decode(line) for line in store.run(run).part_path().read_bytes().splitlines())
    assert isinstance(started, ev.RunStarted)
    assert started.config == {"clip": math.inf}
    assert isinstance(said, ev.Metrics)
    assert repr(said.values) == "{'a': nan, 'b': inf, 'c': -inf}"
    assert said.epoch is None


def test_the_client_knows_which_fields_are_of_any_shape() -> None:
    text = (PAGE / "client/line.ts").read_text()
    (words,) = re.findall(r"FREE_FORM = new Set\(\[(.*?)\]", text)
    assert set(re.findall(r"\w+", words)) == FREE_FORM


def test_no_metrics_are_asked_for_where_none_are_named(script: Script, writer: Writer) -> None:
    writer.metrics(1)
    until(script, f"client.metrics('{writer.run.id}').then(({{series}}) => series['train/loss'])")
    assert script.run(f"client.metrics('{writer.run.id}', [])")["series"] == {}


def test_the_rest_of_what_there_is_can_be_read(script: Script, writer: Writer) -> None:
    run = writer.run.id
    writer.metrics(1).say(ev.Log, message="no space", level="ERROR")
    for at in range(5):
        writer.say(ev.Sample, input="why", prediction=str(at), epoch=at)
        writer.say(ev.Table, name="confusion", columns=["a"], rows=[[at]])
    (Path(writer.run.folder) / "model.ckpt").write_bytes(b"weights")
    writer.say(ev.Checkpoint, path=str(writer.run.folder / "model.ckpt"), metric="train/loss", value=0.5)
    gather = (
        "(async (all) => { const found = []; for await (const each of all) found.push(each); return found; })"
    )
    deadline = time.monotonic() + 30
    while not (rows := script.run(f"{gather}(client.eachRun({{search: '{run}'}}))")):
        assert time.monotonic() < deadline, "the list is a second old at most"
    assert [row["run"] for row in rows] == [run]
    found = script.run(f"{gather}(client.eachSample('{run}'))")
    assert [sample["prediction"] for sample in found] == list("43210")
    assert script.run(f"{gather}(client.eachImage('{run}'))") == []
    assert script.run(f"client.media('{run}', 'table', {{limit: 1}})")["media"][0]["rows"] == [[4]]
    assert script.run(f"client.errors('{run}')")["errors"][0]["message"] == "no space"
    assert [mark["type"] for mark in script.run(f"client.marks('{run}')")["marks"]] == ["checkpoint"]
    assert script.run(f"client.flat('{run}')")["current_step"] == 1
    assert script.run(f"client.model('{run}').then(file => file.text())") == "weights"


def test_rights_are_given_and_taken(script: Script, address: str, writer: Writer) -> None:
    run = writer.run.id
    assert script.run("client.access()")["role"] == "admin"
    made = script.run(f"client.tokens.create('of-{run}', {{role: 'view', run: '{run}'}})")
    theirs = f"new livecb.Client('{address}', {{token: '{made['token']}'}})"
    assert script.run(f"{theirs}.access()")["run"] == run
    with pytest.raises(Raised, match="livecb token create"):
        script.run(f"{theirs}.tokens.list()")
    assert f"of-{run}" in [row["name"] for row in script.run("client.tokens.list()")]
    script.run(f"client.tokens.revoke('of-{run}')")
    link = script.run(f"client.share('{run}', {{seconds: 60}})")
    assert script.run(f"new livecb.Client('{link['url']}').get('{run}')")["name"] == "a run"
    assert [row["name"] for row in script.run(f"client.shares('{run}')")] == [link["name"]]
    script.run(f"client.unshare('{run}', '{link['name']}')")
    assert script.run(f"client.shares('{run}')") == []
    assert f"POST /api/runs/{run}/share" in [row["what"] for row in script.run("client.audit()")]


def test_a_deleted_run_lies_in_the_trash_until_it_is_removed(script: Script, writer: Writer) -> None:
    run = writer.run.id
    writer.end()
    writer.die()
    script.run(f"client.delete('{run}')")
    assert run in [row["run"] for row in script.run("client.trash.list()")]
    script.run(f"client.restore('{run}')")
    assert script.run(f"client.get('{run}')")["status"] == "completed"
    script.run(f"client.delete('{run}')")
    script.run(f"client.trash.remove('{run}')")
    assert script.run("client.trash.empty()") == 0
    with pytest.raises(Raised) as raised:
        script.run(f"client.restore('{run}')")
    assert raised.value.name == "RunNotFound"


def test_a_live_view_shows_notes_as_they_stand(script: Script, writer: Writer) -> None:
    run = writer.run.id
    script.run(
        f"(globalThis.live = client.live('{run}'), globalThis.leave = live.subscribe(() => undefined), null)"
    )
    until(script, "live.get().isConnected")
    texts = "JSON.stringify(live.get().state.notes.map(note => note.text)) ==="
    first = script.run(f"client.note('{run}', 'too high')")["id"]
    script.run(f"client.note('{run}', 'too low')")
    until(script, f'{texts} \'["too high","too low"]\'')
    script.run(f"client.editNote('{run}', '{first}', 'fine')")
    until(script, f'{texts} \'["fine","too low"]\'')
    script.run(f"client.deleteNote('{run}', '{first}')")
    until(script, f"{texts} '[\"too low\"]'")
    with pytest.raises(Raised, match="a reader wrote"):
        script.run(f"client.editNote('{run}', {{type: 'note', text: 'of the training'}}, 'x')")


def test_a_token_that_is_revoked_ends_what_follows_with_it_and_says_so(
    script: Script, address: str, writer: Writer
) -> None:
    run = writer.run.id
    made = script.run(f"client.tokens.create('for-{run}', {{run: '{run}'}})")
    script.run(
        f"(globalThis.mine = client, globalThis.client = new livecb.Client('{address}', {{token: '{made['token']}'}}),"
        f" globalThis.live = client.live('{run}'), globalThis.leave = live.subscribe(() => undefined), null)"
    )
    script.run(FOLLOW.replace("RUN", run))
    script.run("(globalThis.refused = null, events.done.catch(error => { refused = error; }), null)")
    until(script, "seen.length === 1 && live.get().isConnected")
    script.run(f"mine.tokens.revoke('for-{run}')")
    until(script, "refused?.status === 401 && live.get().error?.status === 401 && !live.get().isConnected")
    assert "livecb" in script.run("refused.message")


def test_following_misses_and_repeats_nothing_when_the_server_is_killed(
    script: Script, server: Server, writer: Writer
) -> None:
    writer.metrics(500)
    script.run(FOLLOW.replace("RUN", writer.run.id))
    until(script, "seen.length === 501")
    for _ in range(2):
        server.kill()
        writer.metrics(100)
        until(script, "links.at(-1) === 'reconnecting'")
        server.start()
        writer.metrics(100)
        until(script, f"seen.length >= {writer.seq}")
    writer.end()
    writer.die()
    script.run("events.done")
    assert script.run("seen") == list(range(writer.seq))
    assert script.run("links").count("live") >= 3
    assert script.run("events.resets") == 0


def test_a_loop_over_events_ends_with_the_run_and_goes_on_from_a_cursor(
    script: Script, writer: Writer
) -> None:
    writer.metrics(10).end()
    writer.die()
    run = writer.run.id
    first = """(async (run) => {
      const events = client.follow(run, {types: ['metrics']});
      for await (const event of events) if (event.step === 4) break;
      return events.cursor;
    })"""
    rest = """(async (run, from) => {
      const steps = [];
      for await (const { type, step } of client.follow(run, {from})) steps.push(step ?? type);
      return steps;
    })"""
    cursor = script.run(f"{first}('{run}')")
    assert script.run(f"{rest}('{run}', '{cursor}')") == [*range(5, 11), "run_ended"]


def test_a_token_goes_in_a_header_and_a_wrong_one_is_refused(
    script: Script, address: str, writer: Writer
) -> None:
    assert "token" not in script.run("client.address")
    wrong = f"new livecb.Client('{address}', {{token: 'x'}})"
    with pytest.raises(Raised, match="livecb view") as raised:
        script.run(f"{wrong}.list()")
    assert raised.value.name == "ApiError"
    with pytest.raises(Raised, match="401"):
        script.run(f"{wrong}.follow('{writer.run.id}', {{onEvents: () => undefined}}).done")
    with pytest.raises(Raised) as raised:
        script.run("client.get('20990101-000000-no-run')")
    assert raised.value.name == "RunNotFound"


def test_where_streams_are_swallowed_it_asks_again_and_again(
    node: Node, address: str, store: Store, writer: Writer
) -> None:
    proxy = Swallowing(address)
    writer.metrics(5)
    node.run(f"globalThis.client = new livecb.Client('{proxy.address}?token={token_of(store)}'), null")
    node.run("globalThis.began = performance.now()")
    node.run(FOLLOW.replace("RUN", writer.run.id))
    until(node, "seen.length === 6")
    writer.metrics(1)
    until(node, "seen.length === 7")
    assert node.run("seen") == list(range(7))
    assert node.run("links") == ["connecting", "polling"]
    node.run("events.close()")
    proxy.close()


HOLD_STREAMS = """
(globalThis.passed = fetch, globalThis.restore = () => { globalThis.fetch = passed; }, globalThis.polls = 0, globalThis.fetch = (address, init) => {
  if (init.headers.Accept !== 'text/event-stream') return polls++, passed(address, init);
  return new Promise((_, reject) => init.signal.addEventListener('abort', () => reject(new DOMException('', 'AbortError'))));
}, null)
"""


def test_where_streams_are_held_back_a_websocket_takes_over(
    script: Script, server: Server, writer: Writer
) -> None:
    writer.metrics(5)
    script.run(HOLD_STREAMS)
    script.run(FOLLOW.replace("RUN", writer.run.id))
    script.run(
        f"(globalThis.live = client.live('{writer.run.id}'), "
        "globalThis.leave = live.subscribe(() => undefined), null)"
    )
    until(script, "links.at(-1) === 'live' && seen.length === 6")
    assert "reconnecting" not in script.run("links")
    until(script, "live.get().isConnected && live.get().totalCount === 6 && polls > 0")
    writer.metrics(5)
    until(script, "seen.length === 11 && live.get().totalCount === 11 && live.get().state.step === 10")
    server.kill()
    writer.metrics(5)
    server.start()
    until(script, "seen.length >= 16 && live.get().state.step === 15")
    assert script.run("seen") == list(range(16))
    script.run("(leave(), events.close(), null)")


def test_a_live_view_knows_the_run_and_tells_when_the_server_is_gone(
    script: Script, server: Server, writer: Writer
) -> None:
    writer.metrics(20)
    script.run(
        f"(globalThis.live = client.live('{writer.run.id}'), "
        "globalThis.told = 0, globalThis.leave = live.subscribe(() => told++), null)"
    )
    until(script, "live.get().isConnected && live.get().state.step === 20 && live.get().totalCount === 21")
    writer.metrics(5)
    until(script, "live.get().totalCount === 26 && live.get().latest.step === 25")
    server.kill()
    until(script, "!live.get().isConnected && live.get().error instanceof livecb.ServerError")
    writer.metrics(5)
    server.start()
    until(script, "live.get().isConnected && live.get().totalCount === 31 && live.get().state.step === 30")
    assert script.run("live.get().error") is None
    script.run("leave()")
    told = script.run("told")
    writer.metrics(1)
    assert script.run("told") == told
    assert not script.run("live.get().isConnected")


@pytest.fixture
def loop(store: Store) -> Iterator[str]:
    process = training(store.root)
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.kill()
    process.wait()


def test_a_training_obeys_and_says_why_it_does_not(script: Script, loop: str) -> None:
    until(script, f"client.get('{loop}').then(state => state.step > 0)")
    script.run(f"(globalThis.live = client.live('{loop}'), live.subscribe(() => undefined), null)")
    script.run("live.send('set', {parameter: 'lr', value: 0.5, by: 'Ada'})")
    until(script, "live.get().state?.controls.parameters[0].value === 0.5")
    with pytest.raises(Raised, match="no place") as raised:
        script.run("live.send('save')")
    assert raised.value.name == "CommandRefused"
    asked = script.run("live.send('stop', {by: 'Ada'})")
    until(script, "live.get().state.status === 'stopped'")
    assert script.run("live.get().state.commands.at(-1)")["id"] == asked["id"]
    with pytest.raises(Raised, match="ended") as raised:
        script.run("live.send('pause')")
    assert raised.value.name == "CommandRefused"


def test_a_front_end_of_another_origin_imports_the_client_and_follows(
    browser: Browser, store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site()
    monkeypatch.setenv("LIVECB_ALLOWED_ORIGINS", site.origin)
    server = launch.ThreadServer(store, port=0)
    address = f"http://127.0.0.1:{server.start().port}/"
    page = browser.new_page()
    page.goto(site.origin)
    tab = Tab(page, address + "client.js")
    tab.run(f"window.client = new livecb.Client(undefined, {{token: '{token_of(store)}'}}), null")
    assert tab.run("client.address") == address
    writer.metrics(3)
    tab.run(FOLLOW.replace("RUN", writer.run.id))
    until(tab, "seen.length === 4")
    assert tab.run("links.at(-1)") == "live"
    page.close()
    server.stop()
    site.shutdown()
    site.server_close()
