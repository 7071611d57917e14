"""Steering: what a run can be asked, and what becomes of it at the loop's next safe point.

The law: the loop pays one look at an attribute (`run._asked`) while nothing is asked. What is asked
is always answered, by an event: applied, or refused with the reason. What a command calls may fail;
the training goes on as if it had not been asked.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from time import monotonic
from time import time as now
from typing import TYPE_CHECKING, Any

import msgspec

from livecb import events
from livecb.control.commands import COMMANDS, OF_CANDIDATES, Asked, log_of, wish
from livecb.control.criterion import Criterion
from livecb.control.inbox import Inbox
from livecb.control.lookout import Lookout
from livecb.control.parameter import Control
from livecb.errors import CommandRefused

if TYPE_CHECKING:
    from livecb.control.steered import Steered

__all__ = ["Offer", "Steering"]

Offer = Callable[..., object] | str
"""How a command is obeyed, or why it is not. What it returns as a string is said with the answer.

A function gets nothing; that of `skip`, `drop` and `add` gets the wish, whose value is the candidate's name.
"""

_LOOK_SECONDS = 0.25
_MOST_WAITING = 100  # for a loop obeys all that wait at one step
_BY_ITSELF = "livecb"
_NO_LOOK = "the loop does not look for what is asked: use run.track, or call run.obey() at each step"


def _not_here(name: str) -> str:
    """Return why a command of which nothing was said is not obeyed, and what would."""
    if name in OF_CANDIDATES:
        return f"this training has no candidates to {name}: livecb.compare has"
    return f"this training has no place for it: run.offer({name!r}, function) gives it one"


def _willing() -> None:
    """Obey by nothing but what `Steering` does itself."""


class Steering:
    """Obeys for one run.

    Attributes:
        stopped: The wish that ended the training, if one did.
        paused: The wish that holds it, while one does.
        barred: Why nothing of this run's loop can be changed now; None if it can.
        only: Names of the parameters that can be set; None for all.
        together: Commands that several processes obey together.
        limit: Seconds after which a pause ends by itself, where the wish does not say.
        running: Status and phase to go back to after a pause.
    """

    def __init__(self, run: Steered) -> None:
        self.run = run
        self.stopped: Asked | None = None
        self.paused: Asked | None = None
        self.barred: str | None = _NO_LOOK
        self.only: frozenset[str] | None = None
        self.together: frozenset[str] = frozenset()
        self.limit = 3600.0
        self.running: tuple[str, str | None] = ("running", None)
        self._asked: deque[Asked] = deque()
        self._arrived = threading.Event()
        self._one_at_a_time = threading.RLock()
        self._until = 0.0
        self._offers: dict[str, Offer] = {}
        self._parameters: dict[str, Control] = {}
        self._candidates: dict[str, list[str]] = {}
        self._said: dict[str, Any] | None = None
        self._inbox: Inbox | None = None
        self._lookouts: list[Lookout] = []

    def offer(
        self, offers: Mapping[str, Offer], candidates: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        """Say how commands are obeyed, or why they are not.

        Args:
            offers: By command.
            candidates: Which candidates `skip`, `drop` and `add` can be asked of; those known if left out.
        """
        for name, how in offers.items():
            if name not in COMMANDS or name == "set":
                raise ValueError(f"expected one of {', '.join(COMMANDS[:-1])} as the command, got {name!r}")
            if not callable(how) and not (isinstance(how, str) and how.strip()):
                raise ValueError(
                    f"expected a function, or the reason why it cannot be done, got {how!r:.200}"
                )
            if name in self.together:
                raise ValueError("several processes obey it together: one of them cannot do it otherwise")
            self._offers[name] = how
        if candidates is not None:
            self._candidates = {name: list(names) for name, names in candidates.items()}
        self._say()

    def offered(self, name: str) -> Offer | None:
        """Return how a command is obeyed, or why it is not; None if nothing was said of it."""
        return self._offers.get(name)

    def begin(
        self,
        barred: str | None = None,
        offers: Mapping[str, Offer] | None = None,
        parameters: Iterable[Control] = (),
    ) -> None:
        """Say that a loop begins that looks for what is asked, or why it may obey nothing of it.

        Args:
            barred: Why it may not.
            offers: How it obeys, beside pausing and stopping, which need no more than that it looks.
            parameters: What of it can be set.
        """
        self.barred = barred
        self._offers.update({"pause": _willing, "resume": _willing, "stop": _willing, **(offers or {})})
        self._parameters.update({each.name: each for each in parameters})
        self._say()

    def end(self, why: str, offers: Iterable[str], parameters: Iterable[str]) -> None:
        """Say that a loop is over, and that what it offered is no more."""
        for name in offers:
            self._offers.pop(name, None)
        for name in parameters:
            self._parameters.pop(name, None)
        self.barred, self.only, self._candidates = why, None, {}
        self.together = frozenset()
        self._say()

    def add(self, control: Control) -> Control:
        """Take a parameter in; one of the same name gives way."""
        self._parameters[control.name] = control
        self._say()
        return control

    def stop_when(self, criterion: Criterion) -> None:
        """Look out for a metric that is good enough, and ask the loop to stop then."""
        if self.run._stored is not None and not self.run._ended and not self.run.rank:
            complain = partial(self.run.warn_once, f"stop_when {criterion}")
            self._lookouts.append(Lookout(self.run._stored, criterion, self.enough, complain))

    def enough(self, how: str) -> None:
        """Ask, in livecb's own name, that the loop stop, as a criterion is met."""
        self.take(msgspec.structs.replace(wish("stop", by=_BY_ITSELF, within=None), reason=how))

    # The reading thread

    def take(self, asked: Asked) -> None:
        """Note what was asked, in whichever thread it was read."""
        self._tell("asked", asked, new=asked.value)
        full = len(self._asked) >= _MOST_WAITING and asked.name != "stop"
        if self.barred or full:
            self._refuse(asked, self.barred or f"{_MOST_WAITING} wishes wait already: ask again later")
            return
        self._asked.append(asked)
        self.run._asked = True
        self._arrived.set()

    def close(self) -> None:
        """The run ends: what was not obeyed will not be."""
        if self._inbox is not None:
            self._inbox.stop()
        for lookout in self._lookouts:
            lookout.stop()
        for asked in self.due():
            self._refuse(asked, "the run has ended")

    # The loop

    def obey(self) -> None:
        """Obey what was asked, and wait as long as that says."""
        while self.look():
            self._arrived.wait(_LOOK_SECONDS)
            self._arrived.clear()

    def look(self) -> bool:
        """Obey what was asked, without waiting; true while the loop is to wait."""
        with self._one_at_a_time:  # trials and fits go on in several threads
            self.carry_out(self.due())
            return self.holds()

    def due(self) -> list[Asked]:
        """Return what was asked since, less what is a wish no more."""
        self.run._asked = self.stopped is not None  # once stopped, each loop is to look, and to end
        found = []
        while self._asked:
            asked = self._asked.popleft()
            if asked.expires is not None and now() > asked.expires:
                self._refuse(asked, "nothing was there to obey it in time")
            else:
                found.append(asked)
        return found

    def holds(self) -> bool:
        """Whether the loop is to wait; a pause that lasts too long ends here."""
        if self.paused is not None and monotonic() >= self._until:
            self.go_on()
        return self.paused is not None

    def go_on(self, asked: Asked | None = None) -> None:
        """End a pause."""
        if self.paused is None:
            return
        self.paused = None
        if asked is None:
            last = "the pause lasted as long as it may"
            self.run._record(
                events.Command,
                {"name": "resume", "phase": "applied", "by": _BY_ITSELF, "reason": last},
                {},
            )
        self.run.status(*self.running)

    def carry_out(self, wishes: list[Asked]) -> None:
        """Obey, one after the other, and answer each."""
        for asked in wishes:
            try:
                self._carry_out(asked)
            except CommandRefused as error:
                self._refuse(asked, str(error))
            except Exception as error:  # of what the user, or the framework, does
                self._refuse(asked, f"it failed: {type(error).__name__}: {error}")

    def _carry_out(self, asked: Asked) -> None:
        if asked.name == "set":
            self._set(asked)
            return
        how = self._offers.get(asked.name) or _not_here(asked.name)
        if isinstance(how, str):
            raise CommandRefused(how)
        if asked.name in OF_CANDIDATES:
            self._choose(how, asked)
            return
        if asked.name == "resume" and self.paused is None:
            raise CommandRefused("it is not paused")
        notes = [asked.reason, self._save_first()] if asked.name == "stop" else []
        notes.append(how())
        said = "; ".join(note for note in notes if isinstance(note, str)) or None
        lasts = asked.value if isinstance(asked.value, float | int) else self.limit
        self._tell("applied", asked, reason=said, **({"new": lasts} if asked.name == "pause" else {}))
        if asked.name == "pause":
            self._until = monotonic() + min(float(lasts), threading.TIMEOUT_MAX)
            self.paused = asked
            self.run.status("paused", self.running[1], f"by {asked.by}")
        elif asked.name == "resume":
            self.go_on(asked)
        elif asked.name == "stop":
            self.stopped = asked
            self.run._asked = True
            self.go_on(asked)
        elif self.paused is not None:  # an evaluation, or samples, have said what they did meanwhile
            self.run.status("paused", self.running[1], f"by {self.paused.by}")

    def _choose(self, how: Callable[..., object], asked: Asked) -> None:
        known = self._candidates.get(asked.name, [])
        if asked.value is not None and asked.value not in known:
            names = ", ".join(known) or "there is none"
            raise CommandRefused(f"expected a candidate to {asked.name} ({names}), got {asked.value!r}")
        said = how(asked)
        name = asked.value if asked.value is not None else next(iter(known), None)
        self._tell("applied", asked, new=name, reason=said if isinstance(said, str) else None)

    def _save_first(self) -> object:
        """Save before a stop, where that can be; that it cannot keeps nobody from stopping."""
        save = self._offers.get("save")
        if save is None or isinstance(save, str):
            return None
        try:
            return save()
        except Exception as error:
            return f"nothing was saved: {type(error).__name__}: {error}"

    def _set(self, asked: Asked) -> None:
        control = self._parameters.get(asked.parameter or "")
        if control is None:
            known = ", ".join(self._parameters) or "there is none"
            raise CommandRefused(f"expected a parameter of this run ({known}), got {asked.parameter!r}")
        if self.only is not None and control.name not in self.only:
            raise CommandRefused("several processes train together, and only one of them knows this value")
        old = control.now()
        said = control.set(asked.value)
        self._tell("applied", asked, old=old, new=control.value, reason=said)

    def _refuse(self, asked: Asked, reason: str) -> None:
        self._tell("refused", asked, new=asked.value, reason=reason)

    def _tell(self, phase: str, asked: Asked, **fields: Any) -> None:
        about = {"name": asked.name, "id": asked.id, "by": asked.by, "parameter": asked.parameter}
        self.run._record(events.Command, {**about, "phase": phase, **fields}, {})

    def _say(self) -> None:
        """Say what can be asked, if that is news, and begin to read what is."""
        offers = {name: self._offers.get(name) or _not_here(name) for name in COMMANDS[:-1]}
        commands = {
            name: self.barred or (how if isinstance(how, str) else "") for name, how in offers.items()
        }
        parameters = [
            events.Parameter(each.name, each.now(), each.min, each.max, each.reason or self.barred)
            for each in self._parameters.values()
        ]
        fields = {"commands": commands, "parameters": parameters, "candidates": dict(self._candidates)}
        stored = self.run._stored  # who reads what can be asked may ask at once
        if self._inbox is None and stored is not None and not self.run._ended and not self.run.rank:
            self._inbox = Inbox(
                log_of(stored),
                self.take,
                lambda why: self.run.warn_once("commands", f"a command was not read: {why}"),
            )
        if fields != self._said:
            self._said = fields
            self.run._record(events.Controls, fields, {})
