"""The demo in transformers: a tiny BERT, made from a config, learns to read reviews made here.

A review praises or it does not. A "not" before a word turns it round, and "but" makes what
follows count alone: the network has to find that out from examples.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)
from transformers.utils.logging import disable_progress_bar

from livecb.callbacks.transformers import LiveStream
from livecb.run import Run

__all__ = ["review", "train"]

EPOCHS = 10
_REVIEWS = 6000
_LENGTH = 24

_PRAISE = "good great lovely bright clever warm funny moving fresh gentle".split()
_BLAME = "bad dull slow cold flat boring weak clumsy stale harsh".split()
_THINGS = "the film the plot the music the cast the ending the pace the light the book".replace(
    "the ", "the_"
).split()
_LINKS = "and while since because".split()
_WORDS = ["[PAD]", "[CLS]", "[SEP]", "was", "not", "but", "really", *_THINGS, *_LINKS, *_PRAISE, *_BLAME]
_IDS = {word: number for number, word in enumerate(_WORDS)}


def review(rng: random.Random) -> tuple[list[str], int]:
    """Return the words of a review, and 1 if it praises."""
    words: list[str] = []
    mood = 0
    for clause in range(rng.randint(1, 4)):
        if clause:
            link = rng.choice([*_LINKS, "but", "but"])
            words.append(link)
            mood = 0 if link == "but" else mood
        praises, turned = rng.random() < 0.5, rng.random() < 0.3
        words += [rng.choice(_THINGS), "was", *(["not"] if turned else [])]
        words += [*(["really"] if rng.random() < 0.3 else []), rng.choice(_PRAISE if praises else _BLAME)]
        mood += 1 if praises != turned else -1
    return (words, int(mood > 0)) if mood else review(rng)


class Reviews(torch.utils.data.Dataset):  # type: ignore[misc]
    """Reviews as numbers."""

    def __init__(self, count: int, seed: int) -> None:
        rng = random.Random(seed)
        self.rows = [_encode(*review(rng)) for _ in range(count)]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: int) -> dict[str, Any]:
        return self.rows[at]


class _Teller(TrainerCallback):  # type: ignore[misc]
    """Says how it goes."""

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        """Print a line for each evaluation."""
        told = "  ".join(f"{name} {metrics[name]:.3f}" for name in ("eval_loss", "eval_accuracy"))
        print(f"step {state.global_step} of {state.max_steps}: {told}", flush=True)


def train(run: Run, epochs: int | None = None) -> None:
    """Train, and record it into a run."""
    set_seed(1)
    torch.set_num_threads(max(1, torch.get_num_threads() - 1))  # leave one core to who watches
    disable_progress_bar()
    config = BertConfig(
        vocab_size=len(_WORDS),
        hidden_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=192,
        max_position_embeddings=_LENGTH,
        pad_token_id=0,
    )
    arguments = TrainingArguments(
        output_dir=str((run.folder or Path("livecb-demo")) / "checkpoints"),
        num_train_epochs=epochs or EPOCHS,
        per_device_train_batch_size=32,
        per_device_eval_batch_size=256,
        learning_rate=1e-3,
        warmup_steps=50,
        lr_scheduler_type="cosine",
        logging_steps=2,
        eval_strategy="steps",
        eval_steps=40,
        save_strategy="epoch",
        save_total_limit=2,
        use_cpu=not torch.cuda.is_available(),
        disable_tqdm=True,
        report_to=[],
        dataloader_pin_memory=False,
    )
    trainer = Trainer(
        model=BertForSequenceClassification(config),
        args=arguments,
        train_dataset=Reviews(_REVIEWS, seed=1),
        eval_dataset=Reviews(1000, seed=2),
        compute_metrics=_score,
        callbacks=[LiveStream(run=run), _Teller()],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()


def _encode(words: list[str], label: int) -> dict[str, Any]:
    ids = [_IDS["[CLS]"], *(_IDS[word] for word in words), _IDS["[SEP]"]]
    pad = _LENGTH - len(ids)
    return {
        "input_ids": torch.tensor(ids + [0] * pad),
        "attention_mask": torch.tensor([1] * len(ids) + [0] * pad),
        "labels": label,
    }


def _score(prediction: Any) -> dict[str, float]:
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}
