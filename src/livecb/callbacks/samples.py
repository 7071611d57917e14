"""What a language model answers, as it learns: `Trainer(callbacks=[SampleCallback(prompts, every=50)])`.

For the Hugging Face Trainer and those derived from it, as TRL's SFTTrainer. The model is asked the same
prompts every so often, in eval mode and without gradients; modes, caches and random state are put
back, and the weights come out as if nobody had asked. Time that it takes is the training's, and boxed.
"""

# ruff: noqa: D102 - the hooks are the Trainer's, and described there

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from livecb.callbacks.base import during, opening, stream_of
from livecb.callbacks.interview import Interview
from livecb.callbacks.transformers import LiveStream
from livecb.errors import CommandRefused, ValueRefused, warn
from livecb.run import Run

__all__ = ["SampleCallback"]


class SampleCallback(LiveStream):
    """Records what the model answers to prompts, into the run of the `LiveStream` beside it.

    Where there is none it is one itself. Readers may ask for samples at any time, too. Only the first
    process asks, and the others wait for it at their next exchange of gradients: `max_seconds` should stay
    well below their time limit.

    Args:
        prompts: Strings; chats, which are lists of `{"role", "content"}` and go through the tokenizer's chat
            template; or dicts with `prompt` or `messages`, and `target` or `completion`, and `name`: the
            rows of a data set.
        every: Ask every so many optimizer steps, or each `"epoch"`; and when the training ends.
        score: A function of prediction and target, or of prediction alone, that returns a number; or a
            dict of such by name. Their means over an interview are metrics: `samples/NAME`.
        max_new_tokens: How long an answer may be.
        max_seconds: How long an interview may take. What is not answered by then is left out, and counted.
        at_start: Whether to ask before the first step, too.
        generation: What `generate` is told beside, as `{"do_sample": True}`; greedy if left out.
        predict: Called with model and prompt in place of `generate`, for models that have none.
        tokenizer: Where the trainer was not given one (`processing_class`).
        settings: Those of `LiveStream`, for where there is none beside it.
    """

    def __init__(
        self,
        prompts: Any,
        every: int | Literal["epoch"] = "epoch",
        *,
        score: Callable[..., Any] | Mapping[str, Callable[..., Any]] | None = None,
        max_new_tokens: int = 64,
        max_seconds: float = 30.0,
        at_start: bool = False,
        generation: Mapping[str, Any] | None = None,
        predict: Callable[[Any, Any], Any] | None = None,
        tokenizer: Any = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.every = _every(every)
        self.at_start = at_start
        self.tokenizer = tokenizer
        self._interview = Interview(prompts, score, max_new_tokens, max_seconds, generation, predict)
        self._begins = self._due = False
        self._refused: str | None = None  # why this model cannot be asked at all
        self._asked_at: int | None = None  # the step at which readers asked last

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._begins = True  # callbacks behind us have not begun yet: who records is known later

    @opening
    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if not self._begins:
            return
        self._begins, self._refused, self._asked_at = False, None, None
        if stream_of(args) in (None, self):
            super().on_train_begin(args, state, control, **kwargs)
        self._offer(args, state, **kwargs)
        self._due = self.at_start
        self._ask(args, state, **kwargs)

    # Between a step's end and the next one's beginning all others have said where the training stands.

    @opening
    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._ask(args, state, **kwargs)

    @opening
    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        super().on_step_end(args, state, control, **kwargs)
        self._due = self.every != "epoch" and state.global_step % self.every == 0

    @opening
    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._due = self._due or self.every == "epoch" or control.should_training_stop
        self._ask(args, state, **kwargs)

    @during
    def on_prediction_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        super().on_prediction_step(args, state, control, **kwargs)

    def _offer(
        self, args: Any, state: Any, model: Any = None, processing_class: Any = None, **kwargs: Any
    ) -> None:
        """Let readers ask for samples: the leading process obeys, and the others go on, to wait as ever."""
        stream = stream_of(args)
        if stream is None or stream._helm is None or not state.is_world_process_zero:
            return
        run = stream.run

        def sample() -> str:
            if self._refused is not None:
                raise CommandRefused(f"nothing is asked: {self._refused}")
            said = self._hold(run, state, model, processing_class)
            self._asked_at = state.global_step
            return said

        stream._helm.offer("sample", sample)

    def _ask(
        self, args: Any, state: Any, model: Any = None, processing_class: Any = None, **kwargs: Any
    ) -> None:
        due, self._due = self._due, False
        due = due and state.global_step != self._asked_at
        if not due or self._refused is not None or not state.is_world_process_zero:
            return
        stream = stream_of(args)
        run = self.run if stream is None else stream.run
        if not run.active:
            return
        try:
            self._hold(run, state, model, processing_class)
        except CommandRefused as error:
            run.warn_once("samples", str(error))

    def _hold(self, run: Run, state: Any, model: Any, processing_class: Any) -> str:
        """Ask the model all of it.

        Raises:
            CommandRefused: It cannot be asked; the message says why.
        """
        tokenizer = processing_class if self.tokenizer is None else self.tokenizer
        tokenizer = getattr(tokenizer, "tokenizer", tokenizer)  # that of a processor
        run.status("predicting", "samples")
        try:
            answered = self._interview.hold(run, model, tokenizer, step=state.global_step, epoch=state.epoch)
        except ValueRefused as error:
            self._refused = str(error)
            raise CommandRefused(f"nothing is asked: {error}") from error
        except Exception as error:  # of what we call but did not write
            raise CommandRefused(f"asking the model failed: {type(error).__name__}: {error}") from error
        finally:
            run.status("running", "train")
        return f"{answered} of {len(self._interview.prompts)} answered"


def _every(given: Any) -> Any:
    if given == "epoch" or (type(given) is int and given > 0):
        return given
    warn(f"expected every to be 'epoch' or a number of steps above 0, got {given!r}: 'epoch' is taken")
    return "epoch"
