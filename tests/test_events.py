import math
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecb import events
from livecb.errors import EventError
from livecb.events import EVENTS, Config, Metrics, Progress, RunStarted, Unknown, decode, decode_lines, encode

numbers = st.one_of(st.floats(), st.integers(-(2**63), 2**63 - 1))
names = st.text(st.characters(codec="utf-8"), max_size=20)
free = st.recursive(
    st.none() | st.booleans() | numbers | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


def same(left: Any, right: Any) -> bool:
    """Equal, where NaN equals itself."""
    return repr(left) == repr(right)


@given(st.dictionaries(names, numbers, max_size=5))
def test_metrics_survive_the_way_to_a_line_and_back(values: dict[str, float]) -> None:
    event = Metrics(3, 1.5, step=7, values=values)
    assert same(decode(encode(event)), event)


@given(st.dictionaries(names, free, max_size=4))
def test_free_form_fields_survive_with_nan_told_from_the_word(config: dict[str, Any]) -> None:
    event = Config(3, 1.5, config=config)
    assert same(decode(encode(event)), event)


@given(st.dictionaries(names, numbers, max_size=4), st.dictionaries(names, free, max_size=4))
def test_every_line_is_strict_json_on_one_line(values: dict[str, float], config: dict[str, Any]) -> None:
    for event in (Metrics(0, 1.0, values=values), Config(0, 1.0, config=config)):
        line = encode(event)
        assert b"\n" not in line
        msgspec.json.decode(line, strict=True)
        assert b":NaN" not in line
        assert b"Infinity," not in line


def test_the_type_stands_first_and_is_read_without_parsing() -> None:
    line = encode(Metrics(12, 1795230000.123, step=6, batch=12, epoch=0.75, values={"train/loss": 0.31}))
    assert line == (
        b'{"type":"metrics","seq":12,"time":1795230000.123,"step":6,"batch":12,"epoch":0.75,'
        b'"values":{"train/loss":0.31}}'
    )
    assert events.type_of(line) == "metrics"
    assert events.type_of(b"garbage") == ""
    assert events.type_of(b'{"type":"torn') == ""


def test_non_finite_metrics_are_words_that_javascript_reads_as_numbers() -> None:
    line = encode(Metrics(0, 1.0, values={"a": math.nan, "b": math.inf, "c": -math.inf}))
    assert b'{"a":"NaN","b":"Infinity","c":"-Infinity"}' in line


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS.keys())
def test_every_type_survives_with_only_its_required_fields(kind: type[events.Event]) -> None:
    required: dict[str, Any] = {
        "version": 1, "run": "r", "name": "n", "status": "running", "done": 1.0, "values": {}, "message": "m",
        "ok": True, "file": events.FileRef("0" * 64, "f", 1), "edges": [0.0, 1.0], "counts": [1], "columns": [],
        "rows": [], "path": "p", "title": "t", "text": "t", "phase": "asked",
    }  # fmt: skip
    if kind is events.RunEnded:
        required["status"] = "completed"
    fields = msgspec.structs.fields(kind)
    wanted = {field.name for field in fields if field.required} - {"seq", "time"}
    event = kind(1, 2.0, **{name: required[name] for name in wanted})
    assert decode(encode(event)) == event


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS.keys())
def test_events_are_immutable(kind: type[events.Event]) -> None:
    assert kind.__struct_config__.frozen


def test_lines_satisfy_the_published_schema() -> None:
    schema = events.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for event in (
        Metrics(0, 1.0, values={"a": math.nan, "b": 1, "c": 0.5, "d": True}),
        RunStarted(0, 1.0, version=1, run="r", name="n", config={"x": math.inf}),
        Progress(0, 1.0, done=3, total=10),
    ):
        validator.validate(msgspec.json.decode(encode(event)))
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({"type": "metrics", "seq": 0, "time": 1.0, "values": {"a": "many"}})


def test_a_type_of_a_newer_version_loses_nothing() -> None:
    line = b'{"type":"hologram","seq":7,"time":3.5,"beams":[1,2]}'
    event = decode(line)
    assert isinstance(event, Unknown)
    assert (event.seq, event.time, event.data["beams"]) == (7, 3.5, [1, 2])
    assert decode(encode(event)) == event


def test_fields_of_a_newer_version_are_passed_over() -> None:
    assert decode(b'{"type":"note","seq":1,"time":1,"text":"hi","mood":"good"}').text == "hi"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "line",
    [b"", b"nonsense", b'{"type":"metrics","seq":1', b"[1,2]", b'{"seq":1}', b'{"type":"metrics","seq":1,"time":1}',
     b'{"type":"metrics","seq":1,"time":1,"values":{"a":"many"}}', b"\xff\xfe",
     b'{"type":"note","seq":1,"time":1,"text":' + b"[" * 100_000],
)  # fmt: skip
def test_a_broken_line_is_an_error_that_shows_it(line: bytes) -> None:
    with pytest.raises(EventError, match=r"got|expected"):
        decode(line)


def test_many_lines_at_once_are_what_each_alone_is() -> None:
    lines = [encode(Metrics(i, 1.0, values={"a": math.nan if i % 2 else 0.5})) for i in range(6)]
    lines.insert(2, b'{"type":"hologram","seq":1}')
    assert same(decode_lines(lines), [decode(line) for line in lines])


@given(st.lists(st.sampled_from([b"{", b"}", b"1},{2", b'{"type":"note","seq":1,"time":1,"text":"a"}', b""])))
def test_broken_lines_among_many_are_left_out_and_change_no_other(lines: list[bytes]) -> None:
    good = sum(line.startswith(b'{"type"') for line in lines)
    assert len(decode_lines(lines)) == good


def test_what_json_cannot_hold_is_refused_with_the_event() -> None:
    with pytest.raises(EventError, match="cannot write"):
        encode(Config(0, 1.0, config={"x": object()}))
