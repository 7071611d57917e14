"""A tiny GPT-2 learns to add: watch its answers get right under "samples" of the page it prints."""

import tempfile

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, Trainer, TrainingArguments

from livecb.callbacks.transformers import LiveStream, SampleCallback

WORDS = ["[EOS]", "plus", "is", *map(str, range(19))]
SUMS = [{"prompt": f"{a} plus {b} is", "target": str(a + b)} for a in range(10) for b in range(10)]
SIZE = {"vocab_size": len(WORDS), "n_positions": 16, "n_embd": 64, "n_layer": 2, "n_head": 4}


def exact(prediction: str, target: str) -> bool:
    return prediction == target


if __name__ == "__main__":
    torch.manual_seed(0)
    words = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, "[EOS]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="[EOS]", pad_token="[EOS]")
    dropout = {"embd_pdrop": 0, "attn_pdrop": 0, "resid_pdrop": 0}
    model = GPT2LMHeadModel(GPT2Config(**SIZE, **dropout, bos_token_id=0, eos_token_id=0))
    texts = [tokenizer(f"{row['prompt']} {row['target']} [EOS]")["input_ids"] for row in SUMS]
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            folder, num_train_epochs=60, per_device_train_batch_size=25, learning_rate=3e-3, logging_steps=5,
            save_strategy="no", report_to=[],
        )  # fmt: skip
        data = {
            "train_dataset": [{"input_ids": ids, "labels": ids} for ids in texts],
            "processing_class": tokenizer,
        }
        samples = SampleCallback(SUMS[::12], every=40, score=exact, max_new_tokens=3, at_start=True)
        Trainer(model, args, **data, callbacks=[LiveStream("sums"), samples]).train()
