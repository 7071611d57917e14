"""Addresses, and what errors over HTTP mean."""

from __future__ import annotations

import json
import pickle

import pytest

from livecb.errors import (
    ApiError,
    CommandRefused,
    CursorError,
    LivecbError,
    RunNotFound,
    RunWritten,
    ServerError,
)
from livecb.logs.wire import Address, Ask, answer_of, error_of


@pytest.mark.parametrize(
    ("text", "base", "token", "run"),
    [
        ("http://127.0.0.1:7117/?token=abc", "http://127.0.0.1:7117/", "abc", None),
        (
            "http://127.0.0.1:7117/r/20260101-calm-heron?token=a%2Bb",
            "http://127.0.0.1:7117/",
            "a+b",
            "20260101-calm-heron",
        ),
        ("gpu-box:7117", "http://gpu-box:7117/", None, None),
        ("https://host/livecb/", "https://host/livecb/", None, None),
        ("https://host/some/livecb/r/one%20run", "https://host/some/livecb/", None, "one run"),
        ("http://[::1]:7117/r/x/", "http://[::1]:7117/", None, "x"),
        ("localhost", "http://localhost/", None, None),
    ],
)
def test_an_address_is_taken_as_it_is_printed(
    text: str, base: str, token: str | None, run: str | None
) -> None:
    assert Address.parse(text) == Address(base, token, run)


@pytest.mark.parametrize(
    "text",
    ["", "ftp://host/", "http://", "/var/runs", "htp:/x", "http:/host/", "host:", "host:x", "http://[::1"],
)
def test_what_is_no_address_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(ServerError, match="expected an address like 'http://127"):
        Address.parse(text)


def test_a_token_that_is_given_goes_before_that_of_the_address() -> None:
    assert Address.parse("host?token=a", "b").headers == {"authorization": "Bearer b"}
    assert Address.parse("host").headers == {}


@pytest.mark.parametrize(
    ("base", "loopback"), [("127.0.0.1:1", True), ("localhost", True), ("[::1]", True), ("gpu-box", False)]
)
def test_this_machine_s_own_addresses_are_known(base: str, loopback: bool) -> None:
    assert Address.parse(base).is_loopback is loopback


def test_a_question_leaves_out_what_is_none_and_escapes_the_run() -> None:
    ask = Ask.of("../etc", "series", points=5, names=None)
    assert (ask.path, ask.params, ask.content) == ("api/runs/..%2Fetc/series", {"points": 5}, None)


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("No such run", RunNotFound),
        ("Not a cursor", CursorError),
        ("The run is being written", RunWritten),
        ("The run has ended", CommandRefused),
        ("No token", ApiError),
    ],
)
def test_problems_are_the_errors_they_were(title: str, kind: type[LivecbError]) -> None:
    body = json.dumps({"type": "tag:x", "title": title, "status": 400, "detail": "do that"}).encode()
    error = error_of(400, body, "here")
    assert type(error) is kind
    assert "do that" in str(error)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b"null", b'{"error":"bad"}'])
def test_any_answer_that_is_an_error_is_one(body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        answer_of(502, body, "here")
    assert caught.value.status == 502


def test_an_error_of_the_api_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(ApiError(409, "No", "because")))
    assert (error.status, error.title, error.detail, str(error)) == (
        409,
        "No",
        "because",
        "No (409): because",
    )
