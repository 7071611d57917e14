"""Two processes train a language model, with questions and without: `asked.py FOLDER`; run by test_distributed.py."""

from __future__ import annotations

import sys
from pathlib import Path

import llm
import tiny
from leaving import leave

from livecb.callbacks.transformers import SampleCallback

if __name__ == "__main__":
    tiny.quiet()
    ask = SampleCallback(["2 plus 2 is"], 1, max_new_tokens=3, sinks=[], system_interval=0, capture=None)
    for callbacks in ([ask], []):
        trainer = llm.trainer(Path(sys.argv[1]), callbacks, num_train_epochs=1)
        trainer.train()
        # One write: the other process writes to the same place.
        sys.stdout.write(
            f"weights={sum(float(each.double().sum()) for each in trainer.model.parameters())}\n"
        )
        sys.stdout.flush()
    leave()
