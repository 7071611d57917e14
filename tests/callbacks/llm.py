"""A language model so small that it learns sums in seconds, and its tokenizer: for tests of fine-tuning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, Trainer, TrainingArguments

TEXTS = [f"{a} plus {b} is {a + b}" for a in range(5) for b in range(5)]
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }} : {{ m['content'] }} [SEP] {% endfor %}"
    "{% if add_generation_prompt %}assistant :{% endif %}"
)


def tokenizer(*, chat: bool = False) -> Any:
    """Return a tokenizer of words, learnt from the texts."""
    words = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[PAD]", "[UNK]", "[EOS]", "[SEP]"]
    words.train_from_iterator(
        [*TEXTS, "user assistant system : Q A what is it ?"],
        trainers.WordLevelTrainer(special_tokens=special),
    )
    made = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", eos_token="[EOS]"
    )
    made.chat_template = TEMPLATE if chat else None
    return made


def gpt2(words: Any, **settings: Any) -> Any:
    """Return an untrained GPT-2, with dropout."""
    torch.manual_seed(0)
    config = {"n_positions": 32, "n_embd": 32, "n_layer": 2, "n_head": 2} | settings
    return GPT2LMHeadModel(
        GPT2Config(vocab_size=len(words), bos_token_id=2, eos_token_id=2, pad_token_id=0, **config)
    )


def rows(words: Any) -> list[dict[str, Any]]:
    """Return the texts as a data set, each with its end."""
    return [{"input_ids": words(f"{text} [EOS]")["input_ids"]} for text in TEXTS]


def trainer(folder: Path, callbacks: list[Any], model: Any = None, words: Any = None, **settings: Any) -> Any:
    """Return a trainer of 25 texts in batches of 5: 5 steps an epoch; `eval`: evaluate, too."""
    words = words or tokenizer()
    evaluates = settings.pop("eval", False)
    settings = {
        "num_train_epochs": 2, "per_device_train_batch_size": 5, "learning_rate": 5e-3, "logging_steps": 1,
        "save_strategy": "no", "report_to": [], "use_cpu": True, "disable_tqdm": True,
        "dataloader_pin_memory": False,
    } | settings  # fmt: skip
    made = Trainer(
        model=model or gpt2(words),
        args=TrainingArguments(output_dir=str(folder), **settings),
        train_dataset=rows(words),
        eval_dataset=rows(words)[:5] if evaluates else None,
        processing_class=words,
        data_collator=transformers.DataCollatorForLanguageModeling(words, mlm=False),
        callbacks=callbacks,
    )
    made.remove_callback(transformers.PrinterCallback)
    return made
