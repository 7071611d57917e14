"""Output as a terminal would show it."""

from __future__ import annotations

import io
import random

import pytest
from tqdm import tqdm

from livecb.program.lines import Line, Lines


def final(*chunks: bytes) -> list[str]:
    lines = Lines()
    seen = [line for chunk in chunks for line in lines.feed(chunk)]
    return [line.text for line in [*seen, *lines.close()] if line.final]


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("one\ntwo", ["one", "two"]),
        ("one\r\ntwo\r\n", ["one", "two"]),
        ("10%\r20%\r100%\n", ["100%"]),
        ("\r10%\r100%\r\n", ["100%"]),
        ("100%\rok\n", ["ok0%"]),
        ("100%\rok\x1b[K\n", ["ok"]),
        ("100%\r\x1b[2Kok\n", ["ok"]),
        ("abc\b\bX\n", ["aXc"]),
        ("\x1b[1;31mred\x1b[0m plain\n", ["red plain"]),
        ("\x1b]0;title\x07text \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n", ["text link"]),
        ("a\tb\n", ["a\tb"]),
        ("\n\n", ["", ""]),
        ("ab\x1b[5Cc\x1b[1Gz\n", ["zb     c"]),
        ("one\n\x1b[1Aup\ntwo\n", ["one", "upe", "two"]),
        (
            "a 0%\nb 0%\x1b[A\ra 50%\n\rb 50%\x1b[A\ra 100%\n\rb 100%\ndone\n",
            ["a 0%", "a 100%", "b 100%", "done"],
        ),
    ],
)
def test_what_is_final_is_what_stays_on_the_screen(output: str, shown: list[str]) -> None:
    assert final(output.encode()) == shown


@pytest.mark.parametrize("seed", range(20))
def test_where_the_output_is_cut_makes_no_difference(seed: int) -> None:
    data = "grün ✓ 🙂\n\x1b[1;31m10%\x1b[0m\r\x1b[2K20%\ra\nb\x1b[A\rc\n\x1b]0;t\x1b\\d\nend".encode()
    cuts = sorted(random.Random(seed).sample(range(len(data)), 12))
    chunks = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert final(*chunks) == final(data) == final(*[bytes([byte]) for byte in data])
    assert "grün ✓ 🙂" in final(data)


def test_bytes_that_are_no_text_are_marked() -> None:
    assert final(b"a\xffb\n\xe2\x9c") == ["a�b", "�"]


def test_every_state_of_a_bar_can_be_read() -> None:
    lines = Lines()
    assert [line.text for line in lines.feed(b"\r10%\r20%\r3")] == ["10%", "20%"]
    assert [line.text for line in lines.feed(b"0%")] == []  # it might have been cut in a number
    assert [line.text for line in lines.pause()] == ["30%"]
    assert [line.text for line in lines.pause()] == []
    assert list(lines.feed(b"\nloss: 0.3")) == [Line("30%", True)]
    assert list(lines.pause()) == []  # not drawn over: it goes on


def test_a_bar_of_tqdm_is_one_line_at_its_end() -> None:
    out = io.StringIO()
    for _ in tqdm(range(50), file=out, mininterval=0, ncols=60, desc="Epoch 1"):
        pass
    (line,) = final(out.getvalue().encode())
    assert line.startswith("Epoch 1: 100%|")
    assert "50/50 [" in line


def test_bars_of_tqdm_within_each_other_end_as_they_stand() -> None:
    out = io.StringIO()
    for _ in tqdm(range(3), file=out, mininterval=0, ncols=60, desc="outer", position=0):
        for _ in tqdm(range(5), file=out, mininterval=0, ncols=60, desc="inner", position=1, leave=False):
            pass
    out.write("done\n")
    shown = [line for line in final(out.getvalue().encode()) if line]
    assert [line[:11] for line in shown][-2:] == ["outer: 100%", "done"]
    assert sum("outer" in line for line in shown) <= 2


def test_a_line_without_end_is_kept_short() -> None:
    (line,) = final(*[b"x" * 1000] * 1000)
    assert len(line) == 16_384


def test_a_cursor_move_of_any_length_is_a_move() -> None:
    assert final(b"ab\x1b[" + b"9" * 5000 + b"Dc\n") == ["cb"]
