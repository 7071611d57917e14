"""What is known of an Optuna study while it is optimized, and why its trials fail."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from datetime import datetime
from typing import Any

from livecb.callbacks.base import Session
from livecb.control.commands import Asked
from livecb.run import EndStatus, Run

__all__ = ["MODULE", "Failures", "StudySession", "failures"]

MODULE = "optuna.study._optimize"
"""Where Optuna goes through trials, and logs why one failed."""

_FAILED = re.compile(r"Trial (\d+) failed .*because of the following error: (.*)\.", re.DOTALL)
_MOST_FAILURES = 100
_CHECK_SECONDS = 0.05  # from our call to where Optuna looks at the clock


class Failures(logging.Filter):
    """Notes why trials fail, from what Optuna logs; lets all pass. A callback is not told why.

    Attributes:
        untold: Why and when a trial failed that no callback was told of, by thread and number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.untold: dict[tuple[int, int], tuple[str, datetime]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Take note of a record, and let it pass."""
        if found := _FAILED.match(record.getMessage()):
            error = record.exc_info[1] if record.exc_info else None
            why = found[2]
            with contextlib.suppress(Exception):  # one that cannot be printed
                why = why if error is None else f"{type(error).__name__}: {error}"
            self.untold[threading.get_ident(), int(found[1])] = why, datetime.now()
            for oldest in list(self.untold)[:-_MOST_FAILURES]:  # of studies that nobody watches
                self.untold.pop(oldest, None)
        return True

    def take(self, number: int) -> str | None:
        """Return why this thread's trial has failed, once."""
        why, _ = self.untold.pop((threading.get_ident(), number), (None, None))
        return why

    def since(self, began: datetime) -> dict[int, str]:
        """Return why trials have failed that no callback was told of, by number."""
        return {number: why for (_, number), (why, at) in list(self.untold.items()) if at >= began}


failures = Failures()
logging.getLogger(MODULE).addFilter(failures)


class StudySession(Session):
    """What is known of an optimization.

    Attributes:
        study: The study, once it is known: a `with` block begins before it is.
        names: What the study calls its values.
        goals: Which way each is better.
        first: Trials that were finished before.
        total: Trials that will be finished in the end, None if unknown.
        timeout: Seconds that the call of `optimize` may take.
        began: When it began.
        called: When the call of `optimize` began that is under way, or was the last.
        before: Trials that were finished by then.
        took: Seconds from there to the trial that was told last.
        best: The best value so far, of one objective.
        counters: Trials by how they ended.
        curves: Trials whose values on their way are recorded as metrics.
        optimized: The study that was seen last, known before a trial is told.
        under_way: Numbers of the trials that look for what readers ask.
        skipped: Who wished that a trial be given up, by its number.
    """

    def __init__(self, run: Run, owned: bool) -> None:
        super().__init__(run, owned)
        self.study: Any = None
        self.names: list[str] = []
        self.goals: list[Any] = []
        self.first = 0
        self.total: int | None = None
        self.timeout: float | None = None
        self.began = datetime.now()
        self.called: datetime | None = None
        self.before = 0
        self.took = 0.0
        self.best: float | None = None
        self.counters = {"completed": 0, "pruned": 0, "failed": 0}
        self.curves = 0
        self.optimized: Any = None
        self.under_way: list[int] = []
        self.skipped: dict[int, str] = {}

    def fate(self, what: str) -> tuple[EndStatus, str | None] | None:
        """Return how it ended: by a failure that no `catch=` names, early, or as it was asked for."""
        self.tell_front()
        if (failure := self._failure()) is not None:
            return "failed", failure
        if what == "the program ended":  # perhaps by an exit code, in the middle of a trial
            return None
        if self.total is not None and self.step >= self.total:
            return "completed", None
        if self.timeout is not None and self.took >= self.timeout - _CHECK_SECONDS:
            return "completed", "timeout"
        return "completed", "stopped early" if self.total is not None else None

    def stop(self) -> str | None:
        """Stop the study, as readers asked; called in a thread that one of its trials runs in."""
        self.optimized.stop()
        return "when the trials under way are done" if len(self.under_way) > 1 else None

    def skip(self, asked: Asked) -> None:
        """Note that readers wish a trial to be given up."""
        number = self.under_way[0] if asked.value is None else int(str(asked.value).split()[-1])
        self.skipped[number] = asked.by

    def offer_trials(self) -> None:
        """Say which trials can be skipped."""
        names = [f"trial {number}" for number in self.under_way]
        self.run._steer().offer({"skip": self.skip if names else "no trial is under way"}, {"skip": names})

    def tell_front(self) -> None:
        """Tell which trials are best, of several objectives."""
        if self.study is not None and len(self.goals) > 1:
            with contextlib.suppress(Exception):  # whatever a storage raises
                self.run.summary.update(best_trials=[each.number for each in self.study.best_trials])

    def _failure(self) -> str | None:
        """Return which trial of this study has failed without a word to us, and why."""
        untold = failures.since(self.began) if self.study is not None else {}
        if untold:
            with contextlib.suppress(Exception):  # whatever a storage raises
                for trial in self.study.get_trials(deepcopy=False):
                    if trial.state.name == "FAIL" and trial.number in untold:
                        return f"trial {trial.number}: {untold[trial.number]}"
        return None
