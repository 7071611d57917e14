"""Asking: a question over the screen, that a person answers before anything is asked of a run."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from livecb.text import printable

__all__ = ["Confirm", "Prompt"]

_BOX = """
{name} {{ align: center middle; }}
{name} Vertical {{ width: auto; max-width: 90%; min-width: 30; height: auto; padding: 1 2; background: $panel;
    border: round $primary; }}
{name} Static {{ width: auto; height: auto; padding: 0; }}
{name} Input {{ width: 60; max-width: 100%; }}
"""


class Confirm(ModalScreen[bool]):
    """Asks for a yes.

    Args:
        question: What is about to be done.
    """

    CSS = _BOX.format(name="Confirm")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape,q", "answer(False)", "No"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = printable(question)

    def compose(self) -> ComposeResult:
        """Show the question."""
        with Vertical():
            yield Static(self._question, markup=False, id="question")
            yield Static("\ny  yes      n  no", markup=False)

    def action_answer(self, yes: bool) -> None:
        """Take the answer."""
        self.dismiss(yes)


class Prompt(ModalScreen[str]):
    """Asks for words.

    Args:
        hint: What can be said.
    """

    CSS = _BOX.format(name="Prompt")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave")]

    def __init__(self, hint: str) -> None:
        super().__init__()
        self._hint = hint

    def compose(self) -> ComposeResult:
        """Show the field."""
        with Vertical():
            yield Static(self._hint, markup=False)
            yield Input(id="words")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the words."""
        self.dismiss(event.value)

    def action_leave(self) -> None:
        """Ask nothing."""
        self.dismiss("")
