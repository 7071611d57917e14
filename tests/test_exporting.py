"""`livecb export`: a run as a file, whole or not at all."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import json
import re

import pyarrow.parquet
import pytest
from click.testing import CliRunner

import livecb
from livecb.cli import main
from livecb.server import pages
from livecb.store import Store

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def export(*words, code=0):
    result = CliRunner().invoke(main, ["export", *map(str, words)])
    assert result.exit_code == code, result.output
    return result


def told(path):
    """Return what an HTML file says of itself, what it holds, and its files by their hashes."""
    text = path.read_text()
    blocks = dict(re.findall(r'<script type="[^"]+" id="([^"]+)"[^>]*>([^<]*)</script>', text))
    held = json.loads(gzip.decompress(base64.b64decode(blocks.pop("held"))))
    copied = json.loads(blocks.pop("copied"))
    return copied, held, {name.removeprefix("file-"): base64.b64decode(it) for name, it in blocks.items()}


@pytest.fixture
def finished(store: Store, tmp_path):
    picture = tmp_path / "one.png"
    picture.write_bytes(PNG)
    with livecb.init(name="<b>mlp</b>", sinks=[], capture=None, system_interval=0) as run:
        for step in range(5):
            run.log({"train/loss": 1 / (step + 1)}, step=step)
        run.image("digit", picture, step=4)
    return run


def test_html_holds_the_page_with_the_run_in_it(finished, tmp_path):
    path = tmp_path / "run.html"
    said = export(finished.id, "--html", "-o", path)
    assert re.fullmatch(rf"{re.escape(str(path))}  \d+ kB\n", said.output)
    copied, held, files = told(path)
    assert copied["run"] == finished.id
    assert copied["left"] == []
    assert held["state"]["status"] == "completed"
    assert held["series"]["series"]["train/loss"]["y"] == [1, 0.5, 1 / 3, 0.25, 0.2]
    (digest,) = files
    assert files[digest] == PNG
    assert hashlib.sha256(PNG).hexdigest() == digest
    assert held["images"]["images"][0]["file"]["hash"] == digest


def test_html_lets_only_its_own_script_and_style_be(finished, tmp_path):
    export("latest", "-o", tmp_path / "run.html")
    text = (tmp_path / "run.html").read_text()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy
    assert "unsafe" not in policy
    for tag, opening in (("script", '<script type="module">'), ("style", "<style>")):
        inside = text.split(opening)[1].split(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "<title>&lt;b&gt;mlp&lt;/b&gt; — livecb</title>" in text


def test_html_is_no_larger_than_it_may_be_and_says_what_was_left_out(store: Store, tmp_path):
    with livecb.init(sinks=[], capture=None, system_interval=0) as run:
        for step in range(20_000):
            run.log({"loss": (step * 7919 % 10_007) / 10_007}, step=step)
        for number in range(12):
            picture = tmp_path / "noise.png"
            picture.write_bytes(PNG + hashlib.shake_256(bytes([number])).digest(40_000))
            run.image("noise", picture, step=number)
    whole, small = tmp_path / "whole.html", tmp_path / "small.html"
    export("latest", "-o", whole)
    said = export("latest", "--html", "--limit", 0.75, "-o", small)
    copied, held, files = told(small)
    assert small.stat().st_size <= 750_000 < whole.stat().st_size
    assert len(told(whole)[2]) == 12
    assert 1 <= len(files) < 12
    assert held["images"]["names"] == [{"name": "noise", "count": len(files)}]
    assert held["images"]["images"][0]["step"] == 11, "the last one stays"
    assert f"{len(files)} of 12 pictures: some of the whole run, the last ones among them." in copied["left"]
    assert all(sentence in said.stderr for sentence in copied["left"])
    assert held["series"]["series"]["loss"]["count"] == 20_000
    assert max(held["series"]["series"]["loss"]["y"]) == 10_006 / 10_007, "thinned with its extremes"


def test_a_limit_that_holds_nothing_is_refused_and_says_the_least(finished, tmp_path):
    path = tmp_path / "run.html"
    said = export("latest", "--html", "--limit", 0.01, "-o", path, code=1)
    assert re.search(r"takes at least [\d,]+ bytes as HTML, got a limit of 10,000", said.output)
    assert list(tmp_path.glob("*.html*")) == list(tmp_path.glob(".run*")) == []


def test_a_run_that_has_hardly_begun_can_be_taken_along(store: Store, tmp_path):
    with livecb.init(sinks=[], capture=None, system_interval=0) as run:
        export(run.id, "-o", tmp_path / "run.html")
    held = told(tmp_path / "run.html")[1]
    assert held["series"]["series"] == {}
    assert held["state"]["ended"] is None, "as it was then"


def test_the_other_formats_hold_all_of_it(finished, tmp_path):
    for suffix in ("jsonl", "csv", "parquet"):
        export(finished.id, f"--{suffix}", "-o", tmp_path / f"it.{suffix}")
    assert (tmp_path / "it.jsonl").read_bytes() == (finished.folder / "events.jsonl").read_bytes()
    rows = list(csv.DictReader((tmp_path / "it.csv").open()))
    assert [float(row["value"]) for row in rows] == [1, 0.5, 1 / 3, 0.25, 0.2]
    assert pyarrow.parquet.read_table(tmp_path / "it.parquet").num_rows == 5
    assert export("latest", "--csv", "-o", "-").stdout_bytes == (tmp_path / "it.csv").read_bytes()


def test_what_is_asked_wrongly_is_said_and_nothing_is_written(finished, tmp_path):
    assert "expected one of --html, --jsonl, --csv and --parquet" in export("latest", code=2).output
    assert "--limit is for --html" in export("latest", "--csv", "--limit", 3, code=2).output
    assert "no run 'nobody'" in export("nobody", "--csv", "-o", tmp_path / "it.csv", code=2).output
    missing = export("latest", "--csv", "-o", tmp_path / "no" / "it.csv", code=1)
    assert "No such file or directory; name another file with -o" in missing.output
    assert not (tmp_path / "it.csv").exists()


def test_a_file_that_is_there_stays_until_the_other_one_is_whole(finished, tmp_path, monkeypatch):
    path = tmp_path / "run.html"
    path.write_text("the one before")
    monkeypatch.setattr(pages, "STATIC", tmp_path)
    monkeypatch.setattr("livecb.server.offline.STATIC", tmp_path)
    assert "the page was not built" in export("latest", "-o", path, code=1).output
    assert path.read_text() == "the one before"
    assert [each.name for each in tmp_path.glob(".run*")] == []
