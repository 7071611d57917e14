"""Strict JSON."""

import math

import msgspec
import pytest

from livecb.events import FileRef
from livecb.strict import json_number, json_ready


@pytest.mark.parametrize(
    ("value", "ready"),
    [(None, None), (1.5, 1.5), (math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity")],
)
def test_a_number_that_json_lacks_is_a_word(value, ready):
    assert json_number(value) == ready


def test_a_whole_number_kept_as_a_float_is_whole_again():
    assert repr(json_number(3.0, whole=True)) == "3"
    assert json_number(math.nan, whole=True) == "NaN"


def test_words_stand_for_numbers_however_deep():
    ready = json_ready(
        {"a": [math.nan, (math.inf,)], "file": FileRef("0", "a", 1), "text": "x", "none": None}
    )
    assert ready == {
        "a": ["NaN", ["Infinity"]],
        "file": {"hash": "0", "name": "a", "size": 1},
        "text": "x",
        "none": None,
    }
    assert msgspec.json.decode(msgspec.json.encode(ready)) == ready
