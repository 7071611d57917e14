"""A training that obeys: gradient descent on a line, until readers stop it or its steps are done.

python descent.py STORE
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import livecb

PASSES, STEPS = 40, 100


def named(label: str) -> None:
    """Refuse an empty label."""
    if not label.strip():
        raise ValueError("a label needs a letter")


def main(store: str) -> None:
    """Fit a slope; what is set takes effect, and what is saved is a file."""
    chance = random.Random(3)
    slope = 0.0
    with livecb.init("lines", "descent", dir=store, sinks=[], system_interval=0) as run:
        lr = run.control("lr", 0.001, min=1e-6, max=1.0)
        batch = run.control("batch_size", 8, min=1, max=64)
        noisy = run.control("noisy", True)
        run.control("label", "first try", on_change=named)
        folder = Path(store) / f"saved-{run.id}"
        folder.mkdir()

        def save() -> str:
            path = folder / f"slope={slope:.4f}.txt"
            path.write_text(repr(slope))
            run.checkpoint(path)
            return path.name

        run.offer("save", save)
        run.offer("sample", lambda: f"the line rises by {slope:.3f}")
        run.offer("evaluate", "there is no data to evaluate on")
        print(run.id, flush=True)
        for step, _ in enumerate(run.track(range(STEPS), epochs=PASSES)):
            x = [chance.uniform(-1, 1) for _ in range(int(batch.value))]
            y = [2 * each + (chance.gauss(0, 0.3) if noisy.value else 0) for each in x]
            errors = [slope * a - b for a, b in zip(x, y, strict=True)]
            slope -= lr.value * 2 * sum(error * a for error, a in zip(errors, x, strict=True)) / len(x)
            loss = sum(error**2 for error in errors) / len(x)
            run.log({"train/loss": loss, "lr": lr.value, "slope": slope})
            if step == 20:
                run.alert("Slow", "the loss hardly moves: is the rate too low?")
            time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1])
