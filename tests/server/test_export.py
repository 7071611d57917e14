"""A run to take along, as JSON lines, CSV or Parquet."""

from __future__ import annotations

import csv
import io
import math
import sys

import pyarrow.parquet
import pytest
from watching import Served, Writer

from livecb import events as ev
from livecb.store import Store


@pytest.fixture
def writer(store: Store) -> Writer:
    writer = Writer(store).start()
    writer.say(ev.Metrics, values={"train/loss": 0.1 + 0.2, '=odd, "name"\n': 1}, step=1, epoch=0.5)
    writer.say(ev.Log, message="a line")
    writer.say(ev.Metrics, values={"loss": math.nan}, context="val", step=2, samples=64)
    writer.append(b"broken\n")
    return writer.end()


ROWS = [
    ("train/loss", 0.1 + 0.2, 1, 0.5, None, None),
    ('=odd, "name"\n', 1.0, 1, 0.5, None, None),
    ("loss", math.nan, 2, None, 64, "val"),
]


def test_json_lines_are_the_log_as_it_stands_but_for_what_is_no_event(served: Served, writer: Writer) -> None:
    other = Writer(writer.run.folder and Store(writer.run.folder.parent), writer.run.id, "1")
    other.say(ev.Log, message="of another rank", rank=1)
    answer = served.client.get(f"api/runs/{writer.run.id}/export")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert f"{writer.run.id}.jsonl" in answer.headers["content-disposition"]
    good = [line for line in writer.lines() if line != b"broken"]
    assert answer.content.splitlines() == good + other.lines()
    logs = served.client.get(f"api/runs/{writer.run.id}/export", params={"types": "log"})
    assert logs.content.splitlines() == [good[2], *other.lines()]


def test_csv_holds_every_value_exactly(served: Served, writer: Writer) -> None:
    answer = served.client.get(f"api/runs/{writer.run.id}/export", params={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["name"] for row in rows] == [row[0] for row in ROWS]
    assert float(rows[0]["value"]) == 0.1 + 0.2
    assert math.isnan(float(rows[2]["value"]))
    assert (rows[2]["step"], rows[2]["epoch"], rows[2]["samples"], rows[2]["context"]) == (
        "2",
        "",
        "64",
        "val",
    )


def test_parquet_holds_every_value_exactly(served: Served, writer: Writer) -> None:
    answer = served.client.get(f"api/runs/{writer.run.id}/export", params={"format": "parquet"})
    table = pyarrow.parquet.read_table(io.BytesIO(answer.content)).to_pylist()
    found = [tuple(row[n] for n in ("name", "value", "step", "epoch", "samples", "context")) for row in table]
    assert found[:2] == ROWS[:2]
    assert math.isnan(found[2][1])
    assert found[2][2:] == ROWS[2][2:]


def test_a_long_run_comes_whole(served: Served, store: Store) -> None:
    run = Writer(store, "long").start().metrics(60_000).run.id
    text = served.client.get(f"api/runs/{run}/export", params={"format": "csv"}).text
    assert text.count("\n") == 60_001
    answer = served.client.get(f"api/runs/{run}/export", params={"format": "parquet"})
    steps = pyarrow.parquet.read_table(io.BytesIO(answer.content))["step"].to_pylist()
    assert steps == list(range(1, 60_001))


def test_what_a_later_attempt_gave_up_is_kept_and_marked(served: Served, store: Store) -> None:
    writer = Writer(store).start().metrics(4)  # steps 1 to 4
    writer.start(attempt=2, resumed_step=2)
    for step in (3, 4):
        writer.say(ev.Metrics, values={"train/loss": 0.0}, step=step)
    writer.end()
    answer = served.client.get(f"api/runs/{writer.run.id}/export", params={"format": "csv"})
    rows = [row for row in csv.DictReader(io.StringIO(answer.text)) if row["name"] == "train/loss"]
    told = [(row["step"], row["attempt"], row["abandoned"]) for row in rows]
    assert told == [
        ("1", "1", "False"), ("2", "1", "False"), ("3", "1", "True"), ("4", "1", "True"),
        ("3", "2", "False"), ("4", "2", "False"),
    ]  # fmt: skip
    answer = served.client.get(f"api/runs/{writer.run.id}/export", params={"format": "parquet"})
    table = pyarrow.parquet.read_table(io.BytesIO(answer.content)).to_pylist()
    assert [(row["attempt"], row["abandoned"]) for row in table][-3:] == [(1, True), (2, False), (2, False)]


def test_a_run_without_values_is_an_empty_table(served: Served, store: Store) -> None:
    run = Writer(store, "bare").start().run.id
    assert served.client.get(f"api/runs/{run}/export", params={"format": "csv"}).text.startswith(
        "name,value,"
    )
    answer = served.client.get(f"api/runs/{run}/export", params={"format": "parquet"})
    assert pyarrow.parquet.read_table(io.BytesIO(answer.content)).num_rows == 0


def test_a_format_that_is_none_or_not_installed_is_told_with_the_cure(
    served: Served, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = served.client.get(f"api/runs/{writer.run.id}/export", params={"format": "xls"})
    assert (answer.status_code, "'xls'" in answer.json()["detail"]) == (400, True)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = served.client.get(f"api/runs/{writer.run.id}/export", params={"format": "parquet"})
    assert (answer.status_code, "livecb[parquet]" in answer.json()["detail"]) == (501, True)
