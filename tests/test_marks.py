"""What happened on a run's way, to be drawn where its curves are."""

import random

from livecb import events as ev
from livecb.marks import MOST, Marks
from livecb.state import State


def checkpoint(at: float) -> ev.Checkpoint:
    return ev.Checkpoint(seq=int(at), time=at, step=int(at), path=f"{at:g}.pt")


def command(at: float, phase: str) -> ev.Command:
    return ev.Command(seq=int(at), time=at, name="save", phase=phase, id=str(at), by="ada")


def test_a_flood_of_one_kind_pushes_out_no_other_and_what_is_left_out_is_counted():
    marks = Marks()
    marks.feed([ev.Note(seq=-1, time=0.5, text="the first"), command(0.7, "refused")])
    marks.feed(checkpoint(at) for at in range(1, 1_001))
    told = marks.to_dict()
    assert told["counts"] == {"checkpoint": 1_000, "alert": 0, "note": 1, "command": 1}
    assert told["left_out"] == 1_000 - MOST
    assert [mark["type"] for mark in told["marks"]] == ["note", "command", *["checkpoint"] * MOST]
    assert told["marks"][-1]["path"] == "1000.pt"


def test_marks_are_the_same_in_whichever_order_they_are_read():
    all_of_it = [checkpoint(at) for at in range(3 * MOST)]
    shuffled = random.Random(1).sample(all_of_it, len(all_of_it))
    one, other = Marks(), Marks()
    one.feed(all_of_it)
    other.feed(shuffled)
    assert one.to_dict() == other.to_dict()
    assert one.newest("checkpoint", 2) == other.newest("checkpoint", 2)


def test_a_command_that_has_no_answer_yet_is_no_mark():
    marks = Marks()
    marks.feed([command(1, "asked")])
    assert marks.to_dict()["marks"] == []
    marks.feed([command(2, "applied")])
    assert [mark["phase"] for mark in marks.to_dict()["marks"]] == ["applied"]


def test_a_state_puts_readers_notes_and_the_trainers_among_its_marks():
    state = State("r")
    state.feed(
        [
            checkpoint(1),
            ev.Note(seq=-1, time=3, text="a reader's"),
            ev.Note(seq=1, time=2, text="the trainer's"),
        ]
    )
    state.feed([ev.Alert(seq=2, time=4, title="Plateau"), command(5, "asked"), command(6, "applied")])
    told = state.marks.to_dict()
    assert [mark["type"] for mark in told["marks"]] == ["checkpoint", "note", "note", "alert", "command"]
    assert told["counts"] == {"checkpoint": 1, "alert": 1, "note": 2, "command": 1}


def test_a_note_that_is_said_anew_takes_its_own_place_and_one_taken_back_is_gone():
    marks = Marks()
    first = ev.Note(seq=-1, time=1, text="to low", id="a")
    marks.feed([first, checkpoint(2)])
    marks.feed([ev.Note(seq=-1, time=1, text="too low", id="a", edited=3.0)])
    assert [mark.get("text") for mark in marks.to_dict()["marks"]] == ["too low", None]
    marks.feed([ev.Note(seq=-1, time=1, text="", id="a", edited=4.0, deleted=True)])
    told = marks.to_dict()
    assert [mark["type"] for mark in told["marks"]] == ["checkpoint"]
    assert (told["counts"]["note"], told["left_out"]) == (0, 0)


def test_a_mark_says_its_attempt_and_whether_a_later_one_gave_it_up():
    state = State("r")
    state.feed(
        [ev.RunStarted(seq=0, time=1, version=1, run="r", name="r"), *(checkpoint(at) for at in (2, 5, 8))]
    )
    again = ev.RunStarted(seq=0, time=10, version=1, run="r", name="r", attempt=2, resumed_step=5)
    late = ev.Alert(seq=9, time=9, step=9, title="late")
    state.feed([late, again])
    state.feed(
        [ev.Checkpoint(seq=1, time=11, step=8, path="again.pt"), ev.Alert(seq=2, time=12, title="no step")]
    )
    told = [(mark["attempt"], mark["abandoned"]) for mark in state.marks.to_dict()["marks"]]
    assert told == [(1, False), (1, False), (1, True), (1, True), (2, False), (2, False)]
    shown = state.to_dict(alive=True, now=13.0)
    assert [mark["abandoned"] for mark in shown["checkpoints"]] == [False, False, True, False]
