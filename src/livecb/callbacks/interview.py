"""An interview: a model is asked the same questions now and again, and its answers are scored."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from livecb.callbacks.generation import answer, at_rest, refuse_model
from livecb.callbacks.prompts import Prompt, read_prompts
from livecb.errors import ValueRefused, warn
from livecb.run import Run

__all__ = ["Interview"]

Score = Callable[..., Any]


class Interview:
    """The questions, and how they are put.

    Args:
        prompts: See `SampleCallback`, here and below.
        score: What an answer is worth.
        max_new_tokens: How long an answer may be.
        max_seconds: How long all of it may take.
        generation: What `generate` is told beside.
        predict: What is called in place of `generate`.
    """

    def __init__(
        self,
        prompts: Any,
        score: Score | Mapping[str, Score] | None,
        max_new_tokens: int,
        max_seconds: float,
        generation: Mapping[str, Any] | None,
        predict: Callable[[Any, Any], Any] | None,
    ) -> None:
        self.prompts = read_prompts(prompts)
        self.scores = _read_scores(score)
        self.max_new_tokens = max(1, int(max_new_tokens))
        self.max_seconds = float(max_seconds)
        self.generation = dict(generation or {})
        self.predict = predict

    def hold(self, run: Run, model: Any, tokenizer: Any, **axes: Any) -> int:
        """Ask the model all of it, and record what it answers.

        Returns:
            How many prompts were answered.

        Raises:
            ValueRefused: This model cannot be asked at all; the message says what to do.
        """
        refuse_model(model, generates=self.predict is None)
        if self.predict is None and tokenizer is None:
            raise ValueRefused("there is no tokenizer: SampleCallback(prompts, tokenizer=tokenizer)")
        until = time.monotonic() + self.max_seconds
        given: dict[str, list[float]] = {}
        answered = left_out = 0
        with at_rest(model):
            for number, prompt in enumerate(self.prompts, 1):
                try:
                    said = None if time.monotonic() >= until else self._ask(model, tokenizer, prompt, until)
                except Exception as error:  # of what we call but did not write
                    run.warn_once(f"prompt {number}", f"prompt {number} was not answered: {_words(error)}")
                    continue
                if said is None:
                    left_out += 1
                    continue
                scores = self._score(run, said, prompt.target)
                for name, value in scores.items():
                    given.setdefault(name, []).append(value)
                run.sample(prompt.input, prompt.target, said, name=prompt.name, scores=scores, **axes)
                answered += 1
        self._tell(run, given, left_out, axes)
        return answered

    def _ask(self, model: Any, tokenizer: Any, prompt: Prompt, until: float) -> Any:
        if self.predict is not None:
            said = self.predict(model, prompt.input)
            return "" if said is None else said
        limits: dict[str, Any] = {"max_new_tokens": self.max_new_tokens, "until": until}
        return answer(model, tokenizer, prompt, **limits, settings=self.generation)

    def _score(self, run: Run, said: Any, target: str | None) -> dict[str, float]:
        found = {}
        for name, score in self.scores.items():
            wanted = (said,) if target is None else (said, target)
            args = wanted if _takes(score, *wanted) else (said,)
            if not _takes(score, *args):
                continue  # it compares with a target, and there is none
            try:
                found[name] = _number(score(*args))
            except Exception as error:
                run.warn_once(f"score {name}", f"score {name!r} is missing for some answers: {_words(error)}")
        return found

    def _tell(self, run: Run, given: dict[str, list[float]], left_out: int, axes: dict[str, Any]) -> None:
        values: dict[str, float] = {}
        for name, numbers in given.items():
            finite = [number for number in numbers if math.isfinite(number)]
            values[f"samples/{name}"] = sum(finite) / len(finite) if finite else math.nan
        if left_out:
            values["samples/left_out"] = left_out
            run.warn_once(
                "left out",
                f"{left_out} of {len(self.prompts)} prompts were left out when {self.max_seconds:g} seconds "
                "were over: ask fewer, lower max_new_tokens, or raise max_seconds",
            )
        if values:
            run.log(values, **axes)


def _read_scores(given: Any) -> dict[str, Score]:
    if given is None:
        return {}
    if callable(given):
        name = getattr(given, "__name__", "score")
        given = {"score" if name == "<lambda>" else name: given}
    if not isinstance(given, Mapping):
        warn(f"expected score to be a function or a dict of functions by name, got {given!r}: left out")
        return {}
    found = {str(name): score for name, score in given.items() if callable(score)}
    if len(found) < len(given):
        wrong = [name for name, score in given.items() if not callable(score)]
        warn(f"expected scores to be functions of prediction and target: {wrong} are none, and left out")
    return found


def _takes(score: Score, *args: Any) -> bool:
    try:
        inspect.signature(score).bind(*args)
    except TypeError:
        return False
    except ValueError:  # one that does not say
        return True
    return True


def _number(value: Any) -> float:
    if isinstance(value, (str, bytes)):
        raise ValueRefused(f"expected a number, got {value!r}")
    return float(value)


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, ValueRefused) else f"{type(error).__name__}: {error}"
