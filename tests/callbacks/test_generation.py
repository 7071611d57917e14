"""What models answer, which of them cannot be asked, and that none is changed by it."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import llm
import pytest
import torch
import transformers
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard

from livecb.callbacks.generation import answer, at_rest, refuse_model
from livecb.callbacks.prompts import Prompt
from livecb.errors import ValueRefused

CHAT = [{"role": "system", "content": "A"}, {"role": "user", "content": "what is 2 plus 2 ?"}]


def ask(
    model: Any, words: Any, asked: Any, *, seconds: float = 30.0, most: int = 4, **settings: Any
) -> str | None:
    with at_rest(model):
        return answer(
            model, words, Prompt(asked), max_new_tokens=most, until=time.monotonic() + seconds, settings=settings
        )  # fmt: skip


def bert(words: Any, kind: Any = transformers.BertForSequenceClassification) -> Any:
    return kind(
        transformers.BertConfig(
            vocab_size=len(words),
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=1,
            intermediate_size=8,
        )
    )


def test_a_model_is_at_rest_while_it_is_asked_and_as_it_was_afterwards() -> None:
    model = llm.gpt2(llm.tokenizer()).train()
    model.transformer.h[0].eval()
    model.lm_head.train(False)
    modes = [module.training for module in model.modules()]
    model.config.use_cache = False
    with contextlib.suppress(KeyboardInterrupt), at_rest(model):
        assert not any(module.training for module in model.modules())
        assert not torch.is_grad_enabled()
        model.config.use_cache = True
        raise KeyboardInterrupt
    assert [module.training for module in model.modules()] == modes
    assert set(modes) == {True, False}
    assert model.config.use_cache is False
    assert torch.is_grad_enabled()


def test_a_chat_goes_through_the_template_of_the_tokenizer() -> None:
    words = llm.tokenizer(chat=True)
    model = llm.gpt2(words)
    asked = []
    model.register_forward_pre_hook(
        lambda module, args, kwargs: asked.append(kwargs["input_ids"]), with_kwargs=True
    )
    said = ask(model, words, CHAT)
    assert words.decode(asked[0][0]) == "system : A [SEP] user : what is 2 plus 2 ? [SEP] assistant :"
    assert said == ask(model, words, "system : A [SEP] user : what is 2 plus 2 ? [SEP] assistant :")


@pytest.mark.parametrize("cache", [True, False])
def test_each_token_is_computed_once_also_where_the_training_keeps_no_cache(cache: bool) -> None:
    words = llm.tokenizer()
    model = llm.gpt2(words)
    model.config.use_cache = model.generation_config.use_cache = cache
    lengths = []
    model.register_forward_pre_hook(
        lambda module, args, kwargs: lengths.append(kwargs["input_ids"].shape[1]), with_kwargs=True
    )
    ask(model, words, "2 plus 2 is", min_new_tokens=4)
    assert lengths == [4, 1, 1, 1]


def test_a_sequence_to_sequence_model_answers_without_its_prompt() -> None:
    words = llm.tokenizer()
    torch.manual_seed(1)
    model = transformers.T5ForConditionalGeneration(
        transformers.T5Config(
            vocab_size=len(words),
            d_model=16,
            d_kv=8,
            d_ff=16,
            num_layers=1,
            num_heads=2,
            decoder_start_token_id=0,
            pad_token_id=0,
            eos_token_id=2,
        )
    )
    inputs = words("2 plus 2 is", return_tensors="pt")
    expected = model.eval().generate(
        input_ids=inputs["input_ids"],
        attention_mask=inputs["attention_mask"],
        max_new_tokens=4,
        do_sample=False,
    )
    assert ask(model.train(), words, "2 plus 2 is") == words.decode(expected[0], skip_special_tokens=True)


def test_an_answer_that_is_not_done_in_time_is_none() -> None:
    words = llm.tokenizer()
    model = llm.gpt2(words)
    calls = []

    def dawdle(module: Any, args: Any) -> None:
        calls.append(time.sleep(0.05))

    model.register_forward_pre_hook(dawdle)
    assert ask(model, words, "2 plus", seconds=0.12, most=28, min_new_tokens=28) is None
    assert len(calls) <= 4
    assert ask(model, words, "2 plus", seconds=0.01, most=1) is not None  # as long as it may be: all of it


def test_an_answer_is_no_longer_than_the_model_has_room_for() -> None:
    words = llm.tokenizer()
    model = llm.gpt2(words, n_positions=8)
    said = ask(model, words, "2 plus 2 is", most=100, min_new_tokens=4)
    assert said is not None
    assert len(said.split()) <= 4


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ("2 plus 2 is 4 plus 1 is", "it has 8 tokens, and the model takes 8 with its answer: shorten it"),
        ("", "it is empty"),
        (CHAT, "the tokenizer has no chat_template: set one, or give a string"),
    ],
)
def test_a_prompt_that_a_model_cannot_take_is_refused_before_it_is_asked(asked: Any, complaint: str) -> None:
    words = llm.tokenizer()
    with pytest.raises(ValueRefused, match=complaint):
        ask(llm.gpt2(words, n_positions=8), words, asked)


def test_a_token_that_the_model_does_not_know_is_refused_before_it_is_asked() -> None:
    words = llm.tokenizer()
    model = llm.gpt2(words)
    words.add_tokens(["seven"])
    with pytest.raises(
        ValueRefused, match=rf"its token {len(words) - 1} is none of the {len(words) - 1} .*resize"
    ):
        ask(model, words, "seven plus")


def test_a_model_that_does_not_generate_is_refused_unless_something_else_asks_it() -> None:
    words = llm.tokenizer()
    for model in (bert(words), torch.nn.Linear(1, 1)):
        with pytest.raises(ValueRefused, match=f"a {type(model).__name__} does not generate: give predict="):
            refuse_model(model, generates=True)
        refuse_model(model, generates=False)
    refuse_model(llm.gpt2(words), generates=True)


def test_a_model_that_is_split_over_processes_is_refused() -> None:
    words = llm.tokenizer()
    split, zero = llm.gpt2(words), llm.gpt2(words)
    inside = {names: llm.gpt2(words) for names in (True, False)}
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        fully_shard(split, mesh=torch.distributed.device_mesh.init_device_mesh("cpu", (1,)))
        kept = [
            FullyShardedDataParallel(model, use_orig_params=names, device_id=torch.device("cpu"))
            for names, model in inside.items()
        ]
    finally:
        torch.distributed.destroy_process_group()
    zero.lm_head.weight.ds_id = 1  # as DeepSpeed marks those that it has split
    cases = [(model, "FSDP") for model in (split, *inside.values(), *kept)]
    for model, how in [*cases, (zero, "DeepSpeed ZeRO-3")]:
        for generates in (True, False):
            with pytest.raises(
                ValueRefused, match=f"{how}.* splits the model over .* ask a saved checkpoint"
            ):
                refuse_model(model, generates=generates)
