"""A process that tells a run of everything there is to see, and runs that went wrong or have odd names.

python everything.py STORE

It prints the id of each, a line each, and lives until its input ends, so that the first run goes on.
"""

from __future__ import annotations

import math
import sys
import wave
from pathlib import Path

from trainer import png

import livecb

LONG = "gpt2-sft · lr=3e-4, warm-up 100, α=0.5, seed 7, and so on, as people write who have many runs to tell apart"
ARABIC, EMOJI = "نموذج تصنيف الصور", "🚀 resnet 👩🏽‍🔬"


def tone(path: Path) -> Path:
    """Write a tenth of a second of sound."""
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\0\x40\x10" * 400)
    return path


def curves(run: livecb.Run, steps: int, **more: float) -> None:
    for step in range(steps):
        loss = 2 * math.exp(-step / 20) + 0.1
        run.log({"train/loss": loss, "val/loss": loss + 0.05, "train/acc": 1 - loss / 3, **more}, step=step)


def everything(store: Path) -> livecb.Run:
    """A run that has whatever the page can show; it goes on."""
    run = livecb.init("seen", "everything", dir=store, sinks=[], system_interval=0, config={"lr": 1e-3})
    run.control("lr", 1e-3, min=1e-6, max=1.0)
    run.control("noisy", True)
    run.offer("save", lambda: "saved")
    # Seven ranks and seven layers: more lines than colours.
    curves(run, 120, **{f"layers/w{number}": number for number in range(7)}, tokens_seen=123_456_789_012)
    run.progress(
        120, 400, unit="step", rate=2.0, elapsed=60.0, left=140.0, counters={"saved": 3, "failed": 1}
    )
    (red := store / "red.png").write_bytes(png(0xC02020))
    for step in (30, 60, 90):
        run.image("faces", red, step=step)
        run.sample("2 + 2", "4", f"answer {step}", scores={"exact": 0.5}, step=step, epoch=step // 30)
        run.histogram("weights", [step / 10, 1, 2, 3, 3], step=step)
    run.audio("speech", tone(store / "tone.wav"), step=60)
    run.table("confusion", ["true", "said"], [["cat", "dog"], ["dog", "dog"]], step=60)
    for number in range(9):
        fields = {"params": {"C": number, "kernel": "rbf"}, "scores": {"accuracy": 0.9 + number / 100}}
        run.model_completed(f"candidate {number}", fit_seconds=0.1, **fields)
    run.model_completed("broken", ok=False, reason="ValueError: Input X contains NaN.", params={"C": -1})
    run.checkpoint(red, step=40)
    run.alert("Plateau", "val/loss has not improved", step=70)
    run.note("looks fine", "ada", step=20)
    run.text("saved a checkpoint", step=40)
    run.text("1 worker is slow", "WARNING", logger="loader", step=60)
    return run


def main(store: Path) -> None:
    alive = everything(store)
    print(alive.id)
    for name in (LONG, ARABIC, EMOJI):
        with livecb.init(name[:8], name, dir=store, sinks=[], system_interval=0) as run:
            curves(run, 30, **{"grads/" + "x" * 120: 1.0, f"{ARABIC}/x": 2.0})
        print(run.id)
    failed = livecb.init("seen", "out of memory", dir=store, sinks=[], system_interval=0)
    curves(failed, 30)
    failed.finish("failed", error=RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB"))
    print(failed.id)
    empty = livecb.init("seen", "nothing yet", dir=store, sinks=[], system_interval=0)
    print(empty.id, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
