"""A tiny BERT learns which of two words comes first: open the address it prints."""

import tempfile

import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

from livecb.callbacks.transformers import LiveStream


def sentences(count: int, seed: int) -> list[dict[str, torch.Tensor]]:
    """Make sequences of 12 tokens in which token 2 stands before token 3, or after it."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for _ in range(count):
        tokens = torch.randint(4, 32, (12,), generator=generator)
        first, second = sorted(torch.randperm(12, generator=generator)[:2].tolist())
        label = int(torch.randint(2, (), generator=generator))
        tokens[first], tokens[second] = (2, 3) if label else (3, 2)
        rows.append({"input_ids": tokens, "labels": torch.tensor(label)})
    return rows


if __name__ == "__main__":
    torch.manual_seed(0)
    size = {"vocab_size": 32, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = BertForSequenceClassification(BertConfig(intermediate_size=64, **size))
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            folder, num_train_epochs=2, per_device_train_batch_size=32, learning_rate=3e-3, logging_steps=5,
            eval_strategy="epoch", save_strategy="no", report_to=[],
        )  # fmt: skip
        data = {"train_dataset": sentences(1600, seed=0), "eval_dataset": sentences(200, seed=1)}
        Trainer(model, args, **data, callbacks=[LiveStream("bert-tiny")]).train()
