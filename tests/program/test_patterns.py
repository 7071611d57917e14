"""What lines of output say."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest

from livecb.errors import ValueRefused
from livecb.program.patterns import Bar, find, parse_pattern

NONE: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("line", "values", "places"),
    [
        # The documented table.
        ("Epoch 3/10", NONE, {"epoch": 3}),
        ("step 120", NONE, {"step": 120}),
        ("loss: 0.31", {None: {"loss": 0.31}}, NONE),
        ("loss=0.31", {None: {"loss": 0.31}}, NONE),
        ("accuracy: 93%", {None: {"accuracy": 0.93}}, NONE),
        ("accuracy 93.5 %", {None: {"accuracy": 0.935}}, NONE),
        ("{'loss': 0.31, 'epoch': 1.0}", {None: {"loss": 0.31}}, {"epoch": 1}),
        (
            "{'loss': '0.31', 'learning_rate': '5e-05', 'epoch': '0.5'}",
            {None: {"loss": 0.31, "learning_rate": 5e-5}},
            {"epoch": 0.5},
        ),
        ('{"step": 10, "val_loss": 0.3, "name": "x"}', {None: {"val_loss": 0.3}}, {"step": 10}),
        # Plain scripts.
        ("2026-11-21 08:52:25,123 INFO trainer.py:123 step 120 loss 0.31 lr 1e-3", {None: {"loss": 0.31, "lr": 1e-3}}, {"step": 120}),
        ("[2026-11-21T08:52:25Z] epoch=3 train_loss=0.5 val_loss=.4", {None: {"train_loss": 0.5, "val_loss": 0.4}}, {"epoch": 3}),
        ("Train loss: 0.3, acc: 0.9 | Val loss: 0.2, acc: 0.8", {"train": {"loss": 0.3, "acc": 0.9}, "val": {"loss": 0.2, "acc": 0.8}}, NONE),
        ("Test set: Average loss: 0.0480, Accuracy: 9850/10000 (98%)", {"test": {"loss": 0.048, "accuracy": 0.985}}, NONE),
        ("Train Epoch: 3 [640/60000 (1%)]\tLoss: 0.029", {"train": {"loss": 0.029}}, {"epoch": 3}),
        ("val/loss 0.3 train/loss 0.2", {None: {"val/loss": 0.3, "train/loss": 0.2}}, NONE),
        ("step=1,200 loss: 1,234.5", {None: {"loss": 1234.5}}, {"step": 1200}),
        ("Epoch 3: new best val_acc=0.9", {None: {"val_acc": 0.9}}, {"epoch": 3}),
        ("learning rate: 0.001 grad norm: 1.5", {None: {"learning_rate": 0.001, "grad_norm": 1.5}}, NONE),
        ("[1]\ttrain-rmse:0.48\teval-rmse:0.51", {None: {"train-rmse": 0.48, "eval-rmse": 0.51}}, {"step": 1}),
        ("mIoU: 0.7 mAP@0.5: 0.3", {None: {"mIoU": 0.7, "mAP@0.5": 0.3}}, NONE),
        ("loss:0.31,acc:0.9;f1:.5", {None: {"loss": 0.31, "acc": 0.9, "f1": 0.5}}, NONE),
        ("reward: 200 loss: -1.5e-3", {None: {"reward": 200, "loss": -1.5e-3}}, NONE),
        ("Loss = inf", {None: {"loss": math.inf}}, NONE),
        # Where it was best is not where it is.
        ("best_val_acc=0.95 (epoch 7)", {None: {"best_val_acc": 0.95}}, NONE),
    ],
)  # fmt: skip
def test_a_line_says_where_it_stands_and_what_was_measured(line: str, values: Any, places: Any) -> None:
    found = find(line)
    assert (found.values, found.places) == (values, places)
    assert found.bar is None


@pytest.mark.parametrize(
    "line",
    [
        "Using torch version 2.13.0 on host 10.0.0.1:8080",
        "accuracy: 10.0.0.1",
        "score: 12:30:11",
        "loss: 0.31.2",
        "loss: 2026-11-21",
        "Serving at http://127.0.0.1:7117/?loss=3",
        "/data/loss=0.3/model.pt",
        "    loss = 0.5 * criterion(out)",
        "error: 404",
        "map: 10 files",
        "10 epochs, epochs: 10, batch size: 32, seed=1",
        "{'lr': 0.1, 'batch_size': 32, 'epochs': 10, 'seed': 42}",
        "elapsed: 3.2 s, time 12.5, 30.1 it/s",
        "epoch time: 3.2",
        "CrossEntropyLoss()",
        "model-loss-0.31.ckpt",
        "",
    ],
)
def test_a_line_that_measures_nothing_says_nothing(line: str) -> None:
    assert find(line) == ({}, {}, {}, None)


def test_not_a_number_is_one() -> None:
    assert math.isnan(find("Loss: NaN").values[None]["loss"])
    assert math.isnan(find("{'loss': nan, 'epoch': 1.0}").values[None]["loss"])


@pytest.mark.parametrize(
    ("line", "bar", "values"),
    [
        (" 45%|████▌     | 45/100 [00:01<00:01, 40.12it/s, loss=0.3]", Bar(45, 100, "it", ""), {None: {"loss": 0.3}}),
        ("Epoch 2:   0%|          | 0/100 [00:00<?, ?it/s]", Bar(0, 100, "it", "Epoch 2"), NONE),
        ("Map: 100%|██████████| 1000/1000 [00:00<00:00, 3000.12 examples/s]", Bar(1000, 1000, "examples", "Map"), NONE),
        ("12/100 ━━━━━━━━━━━━━━━━━━━━ 3s 2ms/step - loss: 0.3 - acc: 0.9", Bar(12, 100, "step", ""), {None: {"loss": 0.3, "acc": 0.9}}),
        (" 12/100 [==>......] - ETA: 3s - loss: 0.3", Bar(12, 100, "step", ""), {None: {"loss": 0.3}}),
        ("Epoch 2/4 ━━━━━━━━╸━━━━━━━ 12/20 0:00:01 • 0:00:02 9.35it/s train_loss: 0.3", Bar(12, 20, "step", "Epoch 2/4"), {None: {"train_loss": 0.3}}),
        ("Epoch [2/10], Step [100/600], Loss: 0.5", Bar(100, 600, "step", "step"), {None: {"loss": 0.5}}),
        ("Epoch: [3][ 10/5005]\tTime 0.5 (0.6)\tLoss 6.9e+00 (6.9e+00)", Bar(10, 5005, "batch", "epoch"), {None: {"loss": 6.9}}),
        ("| epoch   3 |   200/ 2983 batches | lr 5.00 | loss  3.41 |", Bar(200, 2983, "batch", "epoch"), {None: {"lr": 5.0, "loss": 3.41}}),
    ],
)  # fmt: skip
def test_a_bar_says_how_far_it_is(line: str, bar: Bar, values: Any) -> None:
    found = find(line)
    assert (found.bar, found.values) == (bar, values)


def test_how_much_there_is_to_do_is_told_with_the_epoch() -> None:
    assert find("Epoch 3/10").totals == {"epochs": 10}
    assert find("epoch 3 of 10").totals == {"epochs": 10}


def test_a_pattern_of_the_users_own_goes_first() -> None:
    own = [
        parse_pattern(r"loss=L=([-+0-9.eE]+)"),
        parse_pattern(r"step=^\[([\d,]+)\]"),
        parse_pattern(r"acc=(\S+%)"),
    ]
    found = find("[1,200] L=0.5 loss: 7.5 93%", own)
    assert found.values == {None: {"loss": 0.5, "acc": 0.93}}
    assert found.places == {"step": 1200}
    assert find("[7] L=0.5 loss: 7.5 lr=1.5", own, common=False).values == {None: {"loss": 0.5}}


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("loss", "expected NAME=REGEX"),
        ("=(.*)", "expected NAME=REGEX"),
        ("loss=", "expected NAME=REGEX"),
        ("loss=([0-9.]+", "no regular expression"),
        ("loss=[0-9.]+", "put parentheses around the number"),
    ],
)
def test_a_pattern_that_is_none_is_refused_with_the_cure(text: str, cure: str) -> None:
    with pytest.raises(ValueRefused, match=cure.replace("(", r"\(")):
        parse_pattern(text)


def test_what_is_no_number_is_refused_with_the_cure() -> None:
    with pytest.raises(ValueRefused, match="matched 'high', which is no number: put the parentheses around"):
        find("loss: high", [parse_pattern(r"loss=loss: (\w+)")])


@pytest.mark.parametrize(
    "line",
    [
        "a" * 10**5,
        "a " * 10**5,
        "1" * 10**5,
        "loss:" * 10**5,
        "a-b." * 10**4,
        "|" * 10**5,
        "%|" * 10**5,
        "1%|" * 10**5,
        "x ━" * 10**5,
        "1 / " * 10**5,
        "epoch " * 10**5,
        "epoch" + " " * 1000 + "x",
        "{" + "'a':" * 10**4,
    ],
)
def test_no_line_takes_long(line: str) -> None:
    began = time.process_time()
    find(line)
    assert time.process_time() - began < 0.2
