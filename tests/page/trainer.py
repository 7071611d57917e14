"""A process that writes a run as a training of digits would: some history at once, then live.

python trainer.py STORE [--run ID] [--steps 1284] [--rate 9.2] [--more 0] [--end STATUS] [--resume] [--obey]
"""

from __future__ import annotations

import argparse
import functools
import math
import os
import random
import struct
import sys
import time
import zlib

from livecb import events as ev
from livecb.lock import WriterLock
from livecb.logs.file import FileLog
from livecb.store import Store, StoredRun

TOTAL, EPOCHS, SAVE_EVERY = 3600, 20, 180


class Trainer:
    """Says what a training says; `said` counts the events."""

    def __init__(self, store: str, run: str | None, began: float) -> None:
        self.stored = Store(store).create(run)
        self.log = FileLog(self.stored.part_path())
        self.random = random.Random(7)
        self.time = began
        self.said = 0
        self.totals: ev.Totals | None = ev.Totals(
            epochs=EPOCHS, steps=TOTAL, batches_per_epoch=TOTAL // EPOCHS
        )
        self.samples = self.images = 0
        self.lines: list[bytes] = []

    def say(self, kind: type[ev.Event], **fields: object) -> None:
        self.lines.append(ev.encode(kind(seq=self.said, time=round(self.time, 3), **fields)))  # type: ignore[arg-type]
        self.said += 1

    def flush(self) -> None:
        if self.lines:
            self.log.append(b"\n".join(self.lines) + b"\n")
        self.lines = []

    def start(self, attempt: int = 1, resumed_step: int | None = None) -> None:
        self.say(
            ev.RunStarted,
            version=ev.VERSION,
            run=self.stored.id,
            name="digits-mlp",
            project="digits",
            framework="lightning",
            versions={"lightning": "2.6.6", "torch": "2.13.0", "python": "3.11.9"},
            config={
                "model": {"hidden": [64, 64], "dropout": 0.1},
                "optimizer": {"name": "AdamW", "lr": 1e-3, "weight_decay": 0.01},
                "batch_size": 64,
                "seed": 7,
                "data": {
                    "path": "a/rather/long/path/to/the/place/where/the/digits/of/scikit-learn/are/kept.npz"
                },
            },
            totals=self.totals,
            host="box",
            pid=os.getpid(),
            attempt=attempt,
            resumed_step=resumed_step,
            argv=["train.py", "--lr", "1e-3"],
        )
        self.say(ev.Status, status="running", phase="train")

    def step(self, step: int, rate: float) -> None:
        place = {"step": step, "batch": step, "epoch": round(step * EPOCHS / TOTAL, 4)}
        noise = self.random.gauss(0, 1)
        loss = 2.2 * math.exp(-step / 260) + 0.09 + noise * (0.06 * math.exp(-step / 900) + 0.012)
        accuracy = min(1.0, 1 - 0.7 * math.exp(-step / 240) - 0.012 + noise * 0.012)
        if step % 2 == 0:
            values = {
                "train/loss": max(loss, 0.01),
                "train/acc": accuracy,
                "grad_norm": 2.6 * math.exp(-step / 420) + 0.75 + abs(self.random.gauss(0, 0.35)),
                "lr": 1e-3 * min(1, step / 100) if step < 1100 else 3e-4,
            }
            self.say(ev.Metrics, values=values, context="train", **place)
        if step % 10 == 0:
            left = (TOTAL - step) / rate
            self.say(
                ev.Progress,
                done=step,
                total=TOTAL,
                rate=rate,
                elapsed=step / rate,
                left=left,
                phase="train",
                **place,
            )
        if step % 90 == 0:
            values = {
                "val/loss": 2.1 * math.exp(-step / 250) + 0.14 - 0.00001 * step + self.random.gauss(0, 0.004),
                "val/acc": min(
                    1.0,
                    1 - 0.68 * math.exp(-step / 250) - 0.035 + 0.000005 * step + self.random.gauss(0, 0.002),
                ),
            }
            self.say(ev.Metrics, values=values, context="val", **place)
            said = f"Epoch {step // 180}: val/acc {values['val/acc']:.4f}, val/loss {values['val/loss']:.4f}"
            self.say(ev.Log, message=said, logger="train", **place)
        if step % SAVE_EVERY == 0 and step:
            path = f"checkpoints/epoch={step // 180}-step={step}.ckpt"
            self.say(ev.Checkpoint, path=path, size=1_234_567, metric="val/loss", value=0.12, **place)
            self.say(ev.Log, message=f"saved {path} (1.2 MB)", stream="stdout", **place)
        if step in (430, 1150):
            self.say(
                ev.Log,
                level="WARNING",
                message="1 worker is slower than the others",
                logger="loader",
                **place,
            )
        if step == 700:
            self.say(ev.Alert, title="Plateau", text="val/loss has not improved for 3 validations", **place)
        if step % 50 == 0:
            self.say(
                ev.System,
                cpu=93.0 - noise,
                memory_used=9_100_000_000,
                memory_total=16_000_000_000,
                process_cpu=182.0 + noise,
                process_memory=1_320_000_000 + step * 1000,
            )

    def end(self, status: str) -> None:
        if status == "failed":
            trace = (
                "Traceback (most recent call last):\n"
                '  File "train.py", line 88, in <module>\n    main()\n'
                '  File "train.py", line 61, in main\n    loss = model(batch).loss\n'
                "RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x63 and 64x64)\n"
            )
            error = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x63 and 64x64)"
            self.say(ev.RunEnded, status="failed", error=error, traceback=trace)
        else:
            self.say(ev.RunEnded, status=status, reason="early_stopped" if status == "stopped" else None)  # type: ignore[arg-type]
        self.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("--run")
    parser.add_argument("--steps", type=int, default=1284)
    parser.add_argument("--rate", type=float, default=9.2)
    parser.add_argument("--more", type=int, default=0)
    parser.add_argument("--end", default="")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--bare", action="store_true", help="no totals: a search, a generation")
    parser.add_argument("--obey", action="store_true")
    asked = parser.parse_args()
    seconds = asked.steps / asked.rate
    trainer = Trainer(asked.store, asked.run, time.time() - seconds)
    trainer.totals = None if asked.bare else trainer.totals
    lock = WriterLock(trainer.stored.lock_path)
    lock.acquire()
    trainer.start()
    history = [*range(1010), None, *range(900, asked.steps)] if asked.resume else [*range(asked.steps)]
    for step in history:
        if step is None:
            trainer.say(ev.RunEnded, status="stopped", reason="KeyboardInterrupt")
            trainer.said = 0
            trainer.start(attempt=2, resumed_step=900)
            continue
        trainer.time += seconds / len(history)
        trainer.step(step, asked.rate)
    trainer.flush()
    print(trainer.stored.id, flush=True)
    for step in range(asked.steps, asked.steps + asked.more):
        time.sleep(1 / asked.rate)
        trainer.time = time.time()
        trainer.step(step, asked.rate)
        trainer.flush()
    if asked.obey:
        obey(trainer, asked.steps + asked.more, asked.rate)
    if asked.end:
        trainer.end(asked.end)


def candidate(trainer: Trainer, number: int) -> None:
    """Say that a candidate is done, and how far the search is; every fifth one failed."""
    fields: dict[str, object] = {"params": {"svc": {"C": 2**number, "gamma": number / 10}, "cache_size": 200}}
    if number % 5 == 4:
        reason = "ValueError: Input X contains NaN."
        trainer.say(ev.ModelCompleted, name=f"candidate {number}", ok=False, reason=reason, **fields)
    else:
        scores = {"accuracy": 0.9 + number * 7 % 10 / 100, "f1": 0.8}
        trainer.say(
            ev.ModelCompleted,
            name=f"candidate {number}",
            ok=True,
            scores=scores,
            fit_seconds=0.5 + number,
            importances={"pixel 0": 0.25, "pixel 1": 0.75},
            **fields,
        )
    trainer.say(
        ev.Progress,
        done=number + 1,
        total=12,
        unit="candidate",
        left=60.0,
        counters={"succeeded": number, "failed": number // 5},
        fields={"current": f"candidate {number + 1}", "best_model": "svc"},
    )


def samples(trainer: Trainer, count: int) -> None:
    """Say what the model makes of so many prompts, ten an epoch."""
    for _ in range(count):
        number = trainer.samples
        trainer.samples += 1
        trainer.say(
            ev.Sample,
            input=[{"role": "user", "content": f"question {number}"}],
            target="no",
            prediction=f"answer {number}" + " and so on" * (100 if number == 3 else 0),
            scores={"exact": number % 2, "judge": 0.25},
            epoch=1 + number // 10,
            step=number,
        )


def images(trainer: Trainer, count: int) -> None:
    """Say so many pictures under two names."""
    for _ in range(count):
        number = trainer.images
        trainer.images += 1
        file = picture(trainer.stored, number % 300)
        name = "fake" if number % 5 else "real"
        trainer.say(
            ev.Image, name=name, file=file, width=8, height=8, step=number, caption=f"picture {number}"
        )


@functools.cache
def picture(stored: StoredRun, colour: int) -> ev.FileRef:
    return stored.add_file(png(colour), "a.png", "image/png")


def png(colour: int) -> bytes:
    """Return a PNG of 8 × 8 pixels of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + colour.to_bytes(3, "big") * 8
    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(row * 8)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


def progress(trainer: Trainer, done: int) -> None:
    """Say how far a job that makes samples is."""
    trainer.say(
        ev.Progress,
        done=done,
        total=500,
        unit="sample",
        counters={"successful": done, "failed": 2, "saved": 1, "best_model/a": 3, "best_model/b": 40},
        fields={"judge": "a rather strict one", "best_model": "b", "temperature": 0.7},
    )


def answers(trainer: Trainer, epoch: int) -> None:
    """Say what the model makes of the same two prompts, in an epoch."""
    for prompt, words in (("count", " ".join(map(str, range(1, epoch + 2)))), ("greet", "good day")):
        trainer.say(ev.Sample, input=prompt, prediction=words, scores={"judge": epoch / 4}, epoch=epoch)


def others(trainer: Trainer, count: int) -> None:
    """Say so many sounds, tables and histograms, each under one name."""
    sound = trainer.stored.add_file(wav(), "voice.wav", "audio/wav")
    for step in range(count):
        trainer.say(ev.Audio, name="voice", file=sound, seconds=0.1, step=step)
        rows: list[list[object]] = [[row, f"text {row} at {step}"] for row in range(60)]
        trainer.say(ev.Table, name="worst", columns=["id", "text"], rows=rows, step=step)
        edges: list[ev.Number] = [step - 1.0, step, step + 1.0]
        trainer.say(ev.Histogram, name="weights", counts=[1, 2 + step], edges=edges, step=step)


def wav() -> bytes:
    """Return a tenth of a second of silence."""
    data = bytes(1600)
    head = struct.pack(
        "<4sI8sIHHIIHH4sI", b"RIFF", 36 + 1600, b"WAVEfmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", 1600
    )
    return head + data


KEPT = {
    "candidate": candidate,
    "samples": samples,
    "images": images,
    "progress": progress,
    "answers": answers,
    "others": others,
}


def obey(trainer: Trainer, step: int, rate: float) -> None:
    """Do what stands on standard input, a line each, and answer each: a verb and what it is about."""
    for line in sys.stdin:
        verb, what = line.split()
        trainer.time = time.time()
        if verb == "step":
            for _ in range(int(what)):
                trainer.step(step, rate)
                step += 1
        elif verb == "log":
            for number in range(int(what)):
                trainer.say(ev.Log, message=f"line {number} of {what}", logger="chatter", step=step)
        elif verb == "warning":
            trainer.say(ev.Log, level="WARNING", message=f"{what} " * 20, logger="chatter", step=step)
        elif verb == "metric":
            trainer.say(ev.Metrics, values={what: 0.512345}, step=step)
        elif verb == "resume":
            trainer.say(ev.RunEnded, status="stopped", reason="KeyboardInterrupt")
            trainer.said = 0
            trainer.start(attempt=2, resumed_step=int(what))
        elif verb in KEPT:
            KEPT[verb](trainer, int(what))
        trainer.flush()
        if verb == "end":
            trainer.end(what)
        print("done", flush=True)


if __name__ == "__main__":
    main()
