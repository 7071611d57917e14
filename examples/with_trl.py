"""TRL's SFTTrainer teaches a tiny GPT-2 a chat: watch what it answers at the address it prints."""

import tempfile

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer

from livecb.callbacks.transformers import LiveStream, SampleCallback

SOUNDS = {"dog": "woof", "cat": "meow", "cow": "moo", "duck": "quack", "sheep": "baa", "owl": "hoot"}
WORDS = [*"[PAD] [EOS] user assistant : what does the say ?".split(), *SOUNDS, *SOUNDS.values()]
TEMPLATE = """{% for turn in messages %}{{ turn['role'] }} : {{ turn['content'] }} [EOS] {% endfor %}\
{% if add_generation_prompt %}assistant :{% endif %}"""


def chat(animal: str, sound: str) -> dict:
    question = {"role": "user", "content": f"what does the {animal} say ?"}
    return {"prompt": [question], "completion": [{"role": "assistant", "content": sound}]}


if __name__ == "__main__":
    torch.manual_seed(0)
    words = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, "[PAD]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special = {"pad_token": "[PAD]", "eos_token": "[EOS]", "chat_template": TEMPLATE}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, **special)
    rows = Dataset.from_list([chat(*pair) for pair in SOUNDS.items()])
    model = GPT2LMHeadModel(GPT2Config(vocab_size=len(WORDS), n_positions=32, n_embd=64, n_layer=2, n_head=4))
    with tempfile.TemporaryDirectory() as folder:
        options = {"max_length": 32, "num_train_epochs": 200, "learning_rate": 5e-3, "bf16": False}
        args = SFTConfig(folder, **options, logging_steps=5, save_strategy="no", report_to=[])
        samples = SampleCallback(rows, every=25, score={"exact": str.__eq__}, max_new_tokens=4)
        callbacks = [LiveStream("sounds"), samples]
        SFTTrainer(model, args, train_dataset=rows, processing_class=tokenizer, callbacks=callbacks).train()
