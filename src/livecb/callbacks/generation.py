"""What a model answers in the middle of its training, which does not notice that it was asked."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from transformers import StoppingCriteria, StoppingCriteriaList

from livecb.callbacks.prompts import Prompt
from livecb.callbacks.random_state import same_random_state
from livecb.errors import ValueRefused

__all__ = ["answer", "at_rest", "refuse_model"]

_CURE = "give predict=, as in SampleCallback(prompts, predict=lambda model, prompt: ...)"


def refuse_model(model: Any, *, generates: bool) -> None:
    """See to it that a model can be asked by one process alone.

    Args:
        model: The model as the trainer has it.
        generates: Whether its own `generate` will be called.

    Raises:
        ValueRefused: It cannot; the message says what to do.
    """
    if (how := _is_split_by(model)) is not None:
        raise ValueRefused(
            f"{how} splits the model over the processes, and one of them asking it alone would wait "
            "for the others for ever: ask a saved checkpoint instead"
        )
    can_generate = getattr(model, "can_generate", None)
    if generates and not (can_generate() if callable(can_generate) else hasattr(model, "generate")):
        raise ValueRefused(f"a {type(model).__name__} does not generate: {_CURE}")


@contextmanager
def at_rest(model: Any) -> Iterator[None]:
    """Have the model in eval mode, without gradients; leave modes, caches and random state as they were."""
    modes = [(module, module.training) for module in model.modules()]
    config: Any = getattr(model, "config", None)
    caches = getattr(config, "use_cache", None)
    devices = {parameter.device for parameter in model.parameters()}
    with torch.no_grad(), same_random_state(devices):
        try:
            model.eval()
            yield
        finally:
            model.train(modes[0][1])
            for module, training in modes:  # those that were in another mode than the whole
                module.training = training
            if caches is not None:
                config.use_cache = caches


def answer(
    model: Any,
    tokenizer: Any,
    prompt: Prompt,
    *,
    max_new_tokens: int,
    until: float,
    settings: Mapping[str, Any],
) -> str | None:
    """Return what the model answers, None if time ran out before it had said all of it.

    Args:
        model: A causal or a sequence-to-sequence model of transformers, or of PEFT.
        tokenizer: Its tokenizer.
        prompt: What it is asked.
        max_new_tokens: How long an answer may be.
        until: When time runs out, by `time.monotonic`.
        settings: What `generate` is told beside.

    Raises:
        ValueRefused: The model cannot be asked this; the message says what to do.
    """
    tokens = _encode(tokenizer, prompt)
    device = model.get_input_embeddings().weight.device
    inputs = {name: tokens[name].to(device) for name in ("input_ids", "attention_mask") if name in tokens}
    longest = min(settings.get("max_new_tokens", max_new_tokens), _room(model, inputs["input_ids"]))
    deadline = _Deadline(until)
    told = {
        "do_sample": False,
        "use_cache": True,
        "pad_token_id": _pad_of(model, tokenizer),
        **settings,
        "max_new_tokens": longest,
        "stopping_criteria": StoppingCriteriaList([*settings.get("stopping_criteria", ()), deadline]),
    }
    output = model.generate(**inputs, **told)
    (said,) = getattr(output, "sequences", output)[:1].tolist()
    if not model.config.is_encoder_decoder:
        said = said[inputs["input_ids"].shape[1] :]
    if deadline.passed and len(said) < longest and not _ends_of(model, said):
        return None
    return str(tokenizer.decode(said, skip_special_tokens=True))


class _Deadline(StoppingCriteria):  # type: ignore[misc]
    """Stops a generation when its time is over.

    Attributes:
        passed: Whether it has done so.
    """

    def __init__(self, until: float) -> None:
        self.until = until
        self.passed = False

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        self.passed = time.monotonic() >= self.until
        return torch.full((input_ids.shape[0],), self.passed, device=input_ids.device, dtype=torch.bool)


def _encode(tokenizer: Any, prompt: Prompt) -> Any:
    if not prompt.is_chat:
        return tokenizer(prompt.input, return_tensors="pt")
    if not getattr(tokenizer, "chat_template", None):
        raise ValueRefused("it is a chat, and the tokenizer has no chat_template: set one, or give a string")
    return tokenizer.apply_chat_template(
        prompt.input, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )


def _room(model: Any, ids: Any) -> int:
    """Return how many tokens an answer may have; on an accelerator one too many would end the training."""
    config = model.config.get_text_config()
    most = getattr(config, "max_position_embeddings", None) or float("inf")
    length, known = ids.shape[1], model.get_input_embeddings().weight.shape[0]
    if length == 0:
        raise ValueRefused("it is empty")
    taken = 1 if model.config.is_encoder_decoder else length
    taken += getattr(getattr(model, "active_peft_config", None), "num_virtual_tokens", None) or 0
    if taken >= most or length > most:
        raise ValueRefused(f"it has {length} tokens, and the model takes {most} with its answer: shorten it")
    if (largest := int(ids.max())) >= known:
        raise ValueRefused(
            f"its token {largest} is none of the {known} that the model knows: "
            "model.resize_token_embeddings(len(tokenizer)) before the training"
        )
    return int(min(most - taken, 2**31))


def _pad_of(model: Any, tokenizer: Any) -> int:
    for held in (tokenizer, model.generation_config):
        if (known := held.pad_token_id) is not None:
            return int(known)
    return 0  # one prompt at a time: nothing is padded


def _ends_of(model: Any, said: list[int]) -> bool:
    ends = model.generation_config.eos_token_id
    return bool(said) and said[-1] in (ends if isinstance(ends, list) else [ends])


def _is_split_by(model: Any) -> str | None:
    for module in model.modules():
        if "FullyShardedDataParallel" in type(module).__name__:
            return "FSDP"
    for parameter in model.parameters():
        if hasattr(parameter, "ds_id"):
            return "DeepSpeed ZeRO-3"
        kind = type(parameter).__name__
        if kind in ("DTensor", "FlatParameter") or hasattr(parameter, "_fsdp_flattened"):
            return "FSDP or tensor parallelism"
    return None
