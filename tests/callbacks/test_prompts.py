"""Prompts in the forms in which people keep them."""

from __future__ import annotations

from typing import Any

import pytest

from livecb.callbacks.prompts import Prompt, read_prompts
from livecb.errors import LivecbWarning

USER = {"role": "user", "content": "What is 2 plus 2?"}
ANSWER = {"role": "assistant", "content": "4"}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("2 plus 2 is", Prompt("2 plus 2 is")),
        ([USER], Prompt([USER])),
        ([USER, ANSWER], Prompt([USER], "4")),
        ([USER, ANSWER, USER], Prompt([USER, ANSWER, USER])),
        ({"messages": [USER, ANSWER]}, Prompt([USER], "4")),
        ({"messages": [USER, ANSWER], "target": "four"}, Prompt([USER], "four")),
        ({"prompt": [USER], "completion": [ANSWER]}, Prompt([USER], "4")),
        ({"prompt": "2 plus 2 is", "completion": "4"}, Prompt("2 plus 2 is", "4")),
        ({"prompt": "2 plus 2 is", "target": 4, "name": "sum"}, Prompt("2 plus 2 is", "4", "sum")),
        ({"prompt": "2 plus 2 is", "target": None}, Prompt("2 plus 2 is")),
    ],
)
def test_a_prompt_is_read_in_any_form(given: Any, read: Prompt) -> None:
    assert read_prompts([given]) == [read]
    assert read_prompts(iter([given, given])) == [read, read]


def test_one_prompt_needs_no_list() -> None:
    assert read_prompts("2 plus 2 is") == [Prompt("2 plus 2 is")]
    assert read_prompts([USER, ANSWER]) == [Prompt([USER], "4")]
    assert read_prompts({"prompt": "a"}) == [Prompt("a")]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (7, "got a int"),
        ({"text": "a"}, r"got a dict with \['text'\]"),
        ({"prompt": 7}, r"got a dict with \['prompt'\]"),
        ([USER, "a"], "got a list"),
    ],
)
def test_what_is_no_prompt_is_named_and_the_others_are_asked(given: Any, complaint: str) -> None:
    with pytest.warns(LivecbWarning, match=f"prompt 2 is left out: expected a string, a chat .*{complaint}"):
        assert read_prompts(["a", given, "b"]) == [Prompt("a"), Prompt("b")]


@pytest.mark.parametrize(
    ("given", "complaint"), [([], "no prompts were given"), (7, "expected prompts as a list, got a int")]
)
def test_no_prompts_are_said(given: Any, complaint: str) -> None:
    with pytest.warns(LivecbWarning, match=complaint):
        assert read_prompts(given) == []


def test_of_endless_prompts_the_first_are_taken() -> None:
    with pytest.warns(LivecbWarning, match="the first 1000 are asked"):
        assert len(read_prompts("a" for _ in iter(int, 1))) == 1000
