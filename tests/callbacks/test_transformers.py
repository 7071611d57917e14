"""Hugging Face Trainer: the values, and the axes they stand on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
import transformers
from at_step import At
from hf_training import end, metrics, train
from torch.utils.data import IterableDataset

from livecb import events
from livecb.callbacks.transformers import LiveStream
from livecb.testing import Recorded


def test_the_class_can_be_passed_instead_of_an_instance(recorded: Recorded, tmp_path: Path) -> None:
    train(tmp_path, LiveStream, max_steps=1)
    assert end(recorded).status == "completed"


def test_what_the_trainer_says_at_the_end_is_its_summary_and_no_value(
    recorded: Recorded, tmp_path: Path
) -> None:
    trainer = train(tmp_path, logging_steps=500)
    assert recorded.of(events.Metrics) == []
    summary = trainer.state.log_history[-1]
    assert end(recorded).summary == {name: summary[name] for name in summary if name not in ("epoch", "step")}
    assert recorded.of(events.Progress)[-1].done == 10


def test_a_gradient_that_is_no_number_is_alerted_of_although_the_loss_hides_it(
    recorded: Recorded, tmp_path: Path
) -> None:
    def break_weights(model: Any = None, **kwargs: Any) -> None:
        model.net[0].weight.data.fill_(math.nan)

    train(tmp_path, callbacks=[At(3, break_weights)])
    (alert,) = recorded.of(events.Alert)
    assert alert.title == "Non-finite gradient"
    assert "logging_nan_inf_filter" in alert.text
    hidden = metrics(recorded)[3].values
    assert hidden["loss"] == 0.0
    assert math.isnan(hidden["grad_norm"])  # type: ignore[arg-type]


def test_a_loss_that_is_no_number_is_alerted_of_where_it_is_shown(recorded: Recorded, tmp_path: Path) -> None:
    def break_weights(model: Any = None, **kwargs: Any) -> None:
        model.net[0].weight.data.fill_(math.nan)

    train(tmp_path, callbacks=[At(3, break_weights)], logging_nan_inf_filter=False)
    assert [alert.title for alert in recorded.of(events.Alert)] == ["Non-finite gradient", "Non-finite loss"]


def test_evaluating_alone_is_a_run_of_its_own(recorded: Recorded, tmp_path: Path) -> None:
    trainer = tiny.hf_trainer(tmp_path, [tiny.live_stream("transformers")])
    result = trainer.evaluate()
    assert tiny.story(recorded.events) == [
        "run_started", "evaluating evaluate", "metrics val @0", "run_ended completed",
    ]  # fmt: skip
    (event,) = metrics(recorded, "val")
    assert event.values == {name: value for name, value in result.items() if name != "epoch"}
    first, *_, last = recorded.of(events.Progress)
    assert (first.done, last.done, last.total, last.unit) == (0, 2, 2, "batch")


def test_predicting_alone_is_a_run_with_the_scores_of_a_test(recorded: Recorded, tmp_path: Path) -> None:
    trainer = tiny.hf_trainer(tmp_path, [tiny.live_stream("transformers")])
    result = trainer.predict(tiny.rows(4))
    assert [event.values for event in metrics(recorded, "test")] == [result.metrics]
    assert end(recorded).status == "completed"


def test_evaluating_after_a_training_is_another_run_at_its_step(recorded: Recorded, tmp_path: Path) -> None:
    trainer = train(tmp_path)
    trainer.evaluate(metric_key_prefix="test")
    _, run = recorded.runs
    (event,) = metrics(recorded, "test", run)
    assert (event.step, event.epoch) == (10, 2.0)


def test_each_evaluation_set_keeps_its_names(recorded: Recorded, tmp_path: Path) -> None:
    sets = {"a": tiny.rows(2), "b": tiny.rows(4)}
    trainer = train(tmp_path, eval_dataset=sets, eval_strategy="epoch", num_train_epochs=1)
    told = metrics(recorded, "val")
    assert [(event.step, min(event.values)) for event in told] == [(5, "eval_a_loss"), (5, "eval_b_loss")]
    expected = {**tiny.reported_by(trainer), "lr": ...}
    assert all(
        tiny.steps_of(recorded.events)[name] == expected[name] for name in ("eval_a_loss", "eval_b_loss")
    )
    assert recorded.events[-1].status == "completed"


def test_a_training_that_is_taken_up_in_the_middle_of_an_epoch_goes_on_there(
    recorded: Recorded, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {
        "gradient_accumulation_steps": 2, "save_strategy": "steps", "save_steps": 4, "num_train_epochs": 2,
    }  # fmt: skip
    first = train(tmp_path, **settings)
    second = train(tmp_path, resume=str(tmp_path / "checkpoint-4"), **settings)
    before, after = recorded.attempts()
    assert (after[0].attempt, after[0].resumed_step) == (2, 4)
    told = [event for event in after if isinstance(event, events.Metrics)]
    assert [(event.step, event.batch, event.epoch, event.samples) for event in told] == [
        (5, 9, pytest.approx(1.8), 18), (6, 10, 2.0, 20),
    ]  # fmt: skip
    done = next(event.done for event in after if isinstance(event, events.Progress))
    assert (done, first.state.max_steps) == (4, 6)
    assert tiny.steps_of(after)["loss"] == tiny.reported_by(second)["loss"][-2:]
    assert [event.step for event in before if isinstance(event, events.Checkpoint)] == [4, 6]


def test_early_stopping_is_a_completed_run_with_its_reason(recorded: Recorded, tmp_path: Path) -> None:
    stopping = transformers.EarlyStoppingCallback(1, early_stopping_threshold=1e9)
    settings = {"eval_strategy": "epoch", "save_strategy": "epoch", "num_train_epochs": 9}
    train(
        tmp_path, callbacks=[stopping], metric_for_best_model="loss", load_best_model_at_end=True, **settings
    )
    assert (end(recorded).status, end(recorded).reason) == ("completed", "early_stopped")


def test_a_checkpoint_names_the_metric_it_was_saved_for(recorded: Recorded, tmp_path: Path) -> None:
    train(tmp_path, metric_for_best_model="loss", eval_strategy="epoch", save_strategy="epoch")
    values = dict(tiny.steps_of(recorded.events)["eval_loss"])
    saved = recorded.of(events.Checkpoint)
    assert [(event.step, event.metric, event.value) for event in saved] == [
        (step, "loss", values[step]) for step in (5, 10)
    ]
    assert [Path(event.path) for event in saved] == [tmp_path / "checkpoint-5", tmp_path / "checkpoint-10"]


def test_a_stream_of_unknown_length_has_steps_as_its_total(recorded: Recorded, tmp_path: Path) -> None:
    class Stream(IterableDataset[Any]):
        def __iter__(self) -> Iterator[Any]:
            return iter(tiny.rows(6))

    train(
        tmp_path,
        train_dataset=Stream(),
        max_steps=5,
        eval_strategy="steps",
        eval_steps=5,
        eval_dataset=Stream(),
    )
    assert recorded.of(events.RunStarted)[0].totals == events.Totals(steps=5)
    told = metrics(recorded)
    assert [(event.step, event.batch, event.samples) for event in told] == [(n, n, None) for n in range(1, 6)]
    bars = {event.phase: event for event in recorded.of(events.Progress)}
    assert (bars["train"].total, bars["evaluate"].total, bars["evaluate"].done) == (5, None, 3)


def test_a_last_batch_that_is_short_counts_as_what_it_is(recorded: Recorded, tmp_path: Path) -> None:
    train(tmp_path, per_device_train_batch_size=4)
    assert [event.samples for event in metrics(recorded)] == [4, 8, 10, 14, 18, 20]


def test_samples_that_are_dropped_are_not_counted(recorded: Recorded, tmp_path: Path) -> None:
    train(tmp_path, per_device_train_batch_size=4, dataloader_drop_last=True)
    assert [event.samples for event in metrics(recorded)] == [4, 8, 12, 16]


def test_steps_that_are_limited_are_the_total(recorded: Recorded, tmp_path: Path) -> None:
    train(tmp_path, max_steps=4, gradient_accumulation_steps=2)
    totals = recorded.of(events.RunStarted)[0].totals
    assert totals == events.Totals(epochs=1.4, steps=4, batches=7, batches_per_epoch=5)
    assert end(recorded).reason is None


def test_tokens_are_an_axis_where_the_trainer_counts_them(recorded: Recorded, tmp_path: Path) -> None:
    model = bert()
    rows = [{"input_ids": torch.arange(5), "labels": torch.tensor(n % 2)} for n in range(4)]
    train(tmp_path, model=model, train_dataset=rows, include_num_input_tokens_seen="all", num_train_epochs=1)
    assert [event.tokens for event in metrics(recorded)] == [10, 20]
    config = recorded.of(events.RunStarted)[0].config
    assert config["model"]["model_type"] == "bert"
    assert (config["model"]["hidden_size"], config["model"]["vocab_size"]) == (8, 16)


def bert() -> Any:
    config = transformers.BertConfig(
        vocab_size=16, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
    )
    return transformers.BertForSequenceClassification(config)


def test_hyperparameters_are_what_was_chosen_and_the_essential(recorded: Recorded, tmp_path: Path) -> None:
    train(tmp_path, learning_rate=0.25, warmup_steps=2, hub_token="secret", max_steps=1)
    config = recorded.of(events.RunStarted)[0].config
    assert (config["learning_rate"], config["warmup_steps"], config["weight_decay"]) == (0.25, 2, 0.0)
    assert (config["optim"], config["hub_token"]) == ("adamw_torch_fused", "...")
    assert config["model"] == {"class": "Regressor", "parameters": 19, "trainable_parameters": 19}
    assert "adam_beta1" not in config


@pytest.mark.parametrize(
    ("groups", "told"),
    [(2, {"lr": 0.5}), (1, {"lr-AdamW/pg1": 0.5, "lr-AdamW/pg2": 5e-5})],
)
def test_a_learning_rate_other_than_the_schedulers_is_told_beside_it(
    groups: int, told: dict[str, float], recorded: Recorded, tmp_path: Path
) -> None:
    def change(optimizer: Any = None, **kwargs: Any) -> None:
        for group in optimizer.param_groups[:groups]:
            group["lr"] = 0.5

    train(tmp_path, callbacks=[At(3, change)], max_steps=5, lr_scheduler_type="constant")
    rates = [
        {name: value for name, value in event.values.items() if "lr" in name} for event in metrics(recorded)
    ]
    assert rates == [{}, {}, {}, told, {}]


def test_two_logs_of_one_step_are_both_recorded(recorded: Recorded, tmp_path: Path) -> None:
    trainers: list[Any] = []
    more = At(3, lambda **kwargs: trainers[0].log({"mine": 1.0}) or trainers[0].log({"yours": 2.0}))
    trainer = tiny.hf_trainer(tmp_path, [tiny.live_stream("transformers", every_n_steps=3), more])
    trainers.append(trainer)
    trainer.train()
    values = tiny.steps_of(recorded.events)
    assert (values["mine"], values["yours"]) == ([(3, 1.0)], [(3, 2.0)])
    assert [step for step, _ in values["loss"]] == [3, 6, 9]
