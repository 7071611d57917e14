"""What a language model answers while it learns: the table, the scores, and a training that notices nothing."""

from __future__ import annotations

import pickle
import random
import time
from pathlib import Path
from typing import Any

import datasets
import llm
import numpy
import peft
import pytest
import tiny
import torch
import transformers
import trl
from at_step import At
from starlette.testclient import TestClient

import livecb
from livecb import events
from livecb.callbacks.interview import Interview
from livecb.callbacks.transformers import SampleCallback
from livecb.control.commands import wish
from livecb.errors import LivecbWarning
from livecb.server import create_app
from livecb.testing import Recorded
from wishes import answered, hf_reader

PROMPTS = [{"prompt": "2 plus 2 is", "target": "4"}, "1 plus"]


def exact(prediction: str, target: str) -> bool:
    return prediction == target


def asking(prompts: Any = PROMPTS, every: Any = "epoch", **settings: Any) -> Any:
    settings = {"sinks": [], "system_interval": 0, "capture": None, "max_new_tokens": 3} | settings
    return SampleCallback(prompts, every, **settings)


def stream() -> Any:
    return tiny.live_stream("transformers")


def told(recorded: Recorded) -> list[tuple[Any, ...]]:
    return [(event.step, event.epoch, event.input) for event in recorded.of(events.Sample)]


def scores(recorded: Recorded, name: str) -> list[tuple[Any, ...]]:
    return [(event.step, event.values[name]) for event in recorded.of(events.Metrics) if name in event.values]


@pytest.mark.parametrize("first", ["stream", "samples"])
def test_beside_a_live_stream_the_answers_are_in_its_run(
    first: str, recorded: Recorded, tmp_path: Path
) -> None:
    callbacks = [stream(), asking()]
    llm.trainer(tmp_path, callbacks if first == "stream" else callbacks[::-1]).train()
    assert told(recorded) == [
        (5, 1.0, "2 plus 2 is"),
        (5, 1.0, "1 plus"),
        (10, 2.0, "2 plus 2 is"),
        (10, 2.0, "1 plus"),
    ]
    assert [(event.batch, event.samples) for event in recorded.of(events.Sample)] == [(5, 25)] * 2 + [
        (10, 50)
    ] * 2
    assert len(recorded.of(events.RunStarted)) == 1
    assert recorded.events[-1].status == "completed"


def test_alone_it_is_a_live_stream_itself(recorded: Recorded, tmp_path: Path) -> None:
    trainer = llm.trainer(tmp_path, [asking(name="sums"), asking(["3 plus"], name="more")])
    trainer.train()
    (started,) = recorded.of(events.RunStarted)
    assert started.name == "sums"
    assert tiny.steps_of(recorded.events)["loss"] == tiny.reported_by(trainer)["loss"]
    assert [step for step, _, _ in told(recorded)] == [5, 5, 5, 10, 10, 10]
    assert recorded.events[-1].status == "completed"


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({"every": 3}, [3, 6, 9, 10]),
        ({"every": 5}, [5, 10]),
        ({"every": 100, "at_start": True}, [0, 10]),
        ({"every": "epoch", "at_start": True}, [0, 5, 10]),
    ],
)
def test_it_asks_every_so_often_and_when_the_training_ends(
    settings: Any, steps: list[int], recorded: Recorded, tmp_path: Path
) -> None:
    llm.trainer(tmp_path, [asking(["1 plus"], **settings)]).train()
    assert [step for step, _, _ in told(recorded)] == steps
    assert [epoch for _, epoch, _ in told(recorded)] == [step / 5 for step in steps]


def test_a_training_that_stops_in_an_epoch_is_asked_where_it_stops(
    recorded: Recorded, tmp_path: Path
) -> None:
    def stop(control: Any, **kwargs: Any) -> None:
        control.should_training_stop = True

    llm.trainer(tmp_path, [asking(["1 plus"]), AtEnd(7, stop)]).train()
    assert told(recorded) == [(5, 1.0, "1 plus"), (7, 1.4, "1 plus")]
    assert recorded.of(events.RunEnded)[0].reason == "early_stopped"


def test_a_training_that_is_taken_up_is_asked_from_there(recorded: Recorded, tmp_path: Path) -> None:
    saving = {"save_strategy": "steps", "save_steps": 4}
    llm.trainer(tmp_path, [], **saving).train()
    trainer = llm.trainer(tmp_path, [asking(["1 plus"], 3, at_start=True)], **saving)
    trainer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    assert [step for step, _, _ in told(recorded)] == [4, 6, 9, 10]


def test_the_answers_are_what_the_model_would_generate_then(recorded: Recorded, tmp_path: Path) -> None:
    trainer = llm.trainer(tmp_path, [asking(["2 plus", "4 plus 1"], at_start=True, max_new_tokens=5)])
    words = trainer.processing_class
    answers = [ask(trainer.model, words, text) for text in ("2 plus", "4 plus 1")]
    trainer.train()
    answers += [ask(trainer.model, words, text) for text in ("2 plus", "4 plus 1")]
    said = [event.prediction for event in recorded.of(events.Sample)]
    assert said[:2] + said[-2:] == answers
    assert answers[:2] != answers[2:]


def test_the_mean_scores_of_an_interview_are_metrics(recorded: Recorded, tmp_path: Path) -> None:
    prompts = [*PROMPTS, {"prompt": "1 plus 2 is", "target": "3"}]
    asked = asking(prompts, 50, score={"exact": exact, "length": len}, at_start=True)
    llm.trainer(tmp_path, [asked], num_train_epochs=40).train()
    samples = recorded.of(events.Sample)
    assert [set(event.scores) for event in samples[:3]] == [
        {"exact", "length"},
        {"length"},
        {"exact", "length"},
    ]
    for step, mean in scores(recorded, "samples/exact"):
        of_it = [event for event in samples if event.step == step and event.target]
        assert mean == sum(event.prediction == event.target for event in of_it) / 2
    for step, mean in scores(recorded, "samples/length"):
        assert mean == sum(len(event.prediction) for event in samples if event.step == step) / 3
    assert [step for step, _ in scores(recorded, "samples/exact")] == [0, 50, 100, 150, 200]
    assert scores(recorded, "samples/exact")[0][1] < scores(recorded, "samples/exact")[-1][1] == 1.0


def test_the_page_has_a_table_of_them_by_epoch_with_their_mean_scores(
    recorded: Recorded, tmp_path: Path
) -> None:
    llm.trainer(tmp_path, [asking(at_start=True, score={"length": len})]).train()
    with TestClient(create_app(recorded.store, token=False), base_url="http://localhost") as client:
        table = client.get(f"/api/runs/{recorded.run.id}/samples").json()
    assert table["total"] == 6
    assert [(epoch["epoch"], epoch["count"]) for epoch in table["epochs"]] == [(0, 2), (1, 2), (2, 2)]
    means = [epoch["scores"]["length"]["mean"] for epoch in table["epochs"]]
    assert means == [mean for _, mean in scores(recorded, "samples/length")]
    assert table["samples"][0]["step"] == 10


def test_the_training_notices_nothing(recorded: Recorded, tmp_path: Path) -> None:
    def random_score(prediction: str) -> float:
        return random.random() + numpy.random.random() + float(torch.rand(()))

    def train(callbacks: list[Any]) -> Any:
        trainer = llm.trainer(tmp_path, callbacks)
        trainer.train()
        drawn = (random.random(), numpy.random.random(), float(torch.rand(())))
        return (
            [weight.detach().clone() for weight in trainer.model.parameters()],
            trainer.state.log_history,
            drawn,
        )

    sampling = asking(every=1, score=random_score, generation={"do_sample": True}, at_start=True)
    with_it, without = train([sampling]), train([])
    assert len(recorded.of(events.Sample)) == 22
    assert len({event.scores["random_score"] for event in recorded.of(events.Sample)}) > 10
    assert all(torch.equal(one, other) for one, other in zip(with_it[0], without[0], strict=True))
    assert [entry.get("loss") for entry in with_it[1]] == [entry.get("loss") for entry in without[1]]
    assert with_it[2] == without[2]


def test_modes_and_caches_are_as_they_were(recorded: Recorded, tmp_path: Path) -> None:
    found = []

    def look(model: Any, **kwargs: Any) -> None:
        modes = [module.training for module in model.modules()]
        found.append((modes, model.config.to_dict(), model.generation_config.to_dict()))

    trainer = llm.trainer(
        tmp_path, [At(2, look), asking(every=2), At(2, look), At(3, look)], gradient_checkpointing=True
    )
    trainer.model.config.use_cache = False
    trainer.train()
    before, after, later = found
    assert before == after == later
    assert all(before[0])
    assert before[1]["use_cache"] is False
    assert len(recorded.of(events.Sample)) == 10


def test_what_fails_is_said_once_and_the_training_goes_on(recorded: Recorded, tmp_path: Path) -> None:
    def predict(model: Any, prompt: str) -> str:
        assert not model.training
        if "plus 2" in prompt:
            raise RuntimeError("no answer to this")
        return "5"

    def wrong(prediction: str) -> Any:
        return "bad" if prediction == "5" else 1.0

    asked = asking([*PROMPTS, "3 plus"], 2, predict=predict, score={"wrong": wrong, "good": len})
    trainer = llm.trainer(tmp_path, [asked])
    with pytest.warns(LivecbWarning) as caught:
        trainer.train()
    assert [str(each.message) for each in caught if each.category is LivecbWarning] == [
        "prompt 1 was not answered: RuntimeError: no answer to this",
        "score 'wrong' is missing for some answers: expected a number, got 'bad'",
    ]
    assert trainer.state.global_step == 10
    assert [(event.input, event.scores) for event in recorded.of(events.Sample)][:2] == [
        ("1 plus", {"good": 1.0}), ("3 plus", {"good": 1.0}),
    ]  # fmt: skip
    assert recorded.events[-1].status == "completed"


def test_what_is_not_answered_in_time_is_left_out_and_counted(recorded: Recorded, tmp_path: Path) -> None:
    def slow(model: Any, prompt: str) -> str:
        time.sleep(0.2)
        return "5"

    asked = asking(["1 plus", "2 plus", "3 plus"], predict=slow, max_seconds=0.1)
    with pytest.warns(
        LivecbWarning, match="2 of 3 prompts were left out when 0.1 seconds were over"
    ) as caught:
        llm.trainer(tmp_path, [asked]).train()
    assert [each.category for each in caught].count(LivecbWarning) == 1
    assert [step for step, _, _ in told(recorded)] == [5, 10]
    assert scores(recorded, "samples/left_out") == [(5, 2), (10, 2)]


def test_the_thousandth_answer_costs_what_the_first_did(recorded: Recorded) -> None:
    network = torch.nn.Linear(1, 1)
    interview = Interview(PROMPTS, exact, 3, 30.0, None, lambda model, prompt: "4")
    before = len(pickle.dumps({**vars(interview), "predict": None}))
    sizes = [0]
    with livecb.init(sinks=[], system_interval=0, capture=None) as run:
        for step in range(1000, 1600):
            interview.hold(run, network, None, step=step, epoch=1.0)
            sizes.append(
                (recorded.run.folder / "events.jsonl").stat().st_size
                if step in (1000, 1001, 1598, 1599)
                else 0
            )
    assert len(recorded.of(events.Sample)) == 1200
    assert sizes[600] - sizes[599] == pytest.approx(sizes[2] - sizes[1], abs=40)  # numbers grow by a digit
    assert len(pickle.dumps({**vars(interview), "predict": None})) == before


def test_it_says_that_it_asks_after_what_was_measured_at_the_step(recorded: Recorded, tmp_path: Path) -> None:
    asked = asking(["1 plus"], 3, score=len, at_start=True)
    llm.trainer(tmp_path, [asked], eval_strategy="steps", eval_steps=3, num_train_epochs=1, eval=True).train()
    evaluating = ["evaluating evaluate", "metrics val @3", "running train"]
    interview = ["predicting samples", "metrics None @3", "running train"]
    story = tiny.story(recorded.events)
    assert story[:5] == [
        "run_started",
        "running train",
        "predicting samples",
        "metrics None @0",
        "running train",
    ]
    assert story[7:15] == ["metrics train @3", *evaluating, *interview, "metrics train @4"]
    assert [event.phase for event in recorded.of(events.Status)][-2:] == ["samples", "train"]


def test_a_model_that_does_not_generate_is_said_once_with_the_cure(
    recorded: Recorded, tmp_path: Path
) -> None:
    trainer = tiny.hf_trainer(tmp_path, [stream(), asking(every=1)])
    with pytest.warns(LivecbWarning, match="nothing is asked: .* does not generate: give predict=") as caught:
        trainer.train()
    assert [each.category for each in caught].count(LivecbWarning) == 1
    assert trainer.state.global_step == 10
    asked = asking(["1"], every=10, predict=lambda model, prompt: model.training)
    tiny.hf_trainer(tmp_path, [asked]).train()
    first, second = recorded.runs
    assert recorded.of(events.Sample, first) == []
    assert [event.prediction for event in recorded.of(events.Sample, second)] == [False]


def test_a_tokenizer_that_the_trainer_has_not_is_asked_for(recorded: Recorded, tmp_path: Path) -> None:
    words = llm.tokenizer()
    trainer = llm.trainer(tmp_path, [asking(every=1)])
    trainer.callback_handler.processing_class = None
    with pytest.warns(LivecbWarning, match=r"no tokenizer: SampleCallback\(prompts, tokenizer=tokenizer\)"):
        trainer.train()
    trainer.remove_callback(SampleCallback)
    trainer.add_callback(asking(["1 plus"], tokenizer=words))
    trainer.train()
    assert [len(recorded.of(events.Sample, run)) for run in recorded.runs] == [0, 2]


def test_a_run_that_is_given_is_recorded_into_and_left_open(recorded: Recorded, tmp_path: Path) -> None:
    with livecb.init(sinks=[], system_interval=0, capture=None) as run:
        llm.trainer(tmp_path, [asking(run=run)]).train()
        run.log({"mine": 1.0})
    assert len(recorded.of(events.Sample)) == 4
    assert "mine" in recorded.of(events.Metrics)[-1].values
    assert "loss" in tiny.steps_of(recorded.events)


def test_nothing_is_asked_where_nothing_is_recorded(
    monkeypatch: pytest.MonkeyPatch, recorded: Recorded, tmp_path: Path
) -> None:
    asked = []
    monkeypatch.setenv("LIVECB_MODE", "disabled")
    llm.trainer(tmp_path, [asking(predict=lambda model, prompt: asked.append(prompt))]).train()
    assert asked == []
    assert recorded.runs == []


def test_evaluating_alone_asks_nothing_and_makes_no_run(recorded: Recorded, tmp_path: Path) -> None:
    trainer = llm.trainer(tmp_path, [asking()])
    trainer.evaluate(trainer.train_dataset)
    assert recorded.runs == []


def test_each_training_is_asked_anew(recorded: Recorded, tmp_path: Path) -> None:
    trainer = llm.trainer(tmp_path, [asking(["1 plus"])], num_train_epochs=1)
    trainer.train()
    trainer.train()
    assert [len(recorded.of(events.Sample, run)) for run in recorded.runs] == [1, 1]


@pytest.mark.parametrize("every", [0, -1, "step", 0.5, True, None])
def test_an_every_that_is_none_is_said(every: Any) -> None:
    with pytest.warns(LivecbWarning, match=f"above 0, got {every!r}: 'epoch' is taken"):
        assert asking(every=every).every == "epoch"


# TRL


@pytest.mark.parametrize("lora", [False, True])
def test_the_rows_of_trl_are_asked_as_they_are(lora: bool, recorded: Recorded, tmp_path: Path) -> None:
    rows = [
        {"messages": [{"role": "user", "content": text[:-1]}, {"role": "assistant", "content": text[-1]}]}
        for text in llm.TEXTS
    ]
    words = llm.tokenizer(chat=True)
    trainer = trl.SFTTrainer(
        llm.gpt2(words),
        trl.SFTConfig(
            str(tmp_path), max_steps=4, per_device_train_batch_size=5, report_to=[], use_cpu=True, bf16=False,
            disable_tqdm=True, max_length=32, dataloader_pin_memory=False, eos_token="[EOS]",
        ),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=words,
        peft_config=peft.LoraConfig(target_modules=["c_attn"], fan_in_fan_out=True) if lora else None,
        callbacks=[stream(), asking(datasets.Dataset.from_list(rows[:2]), 2, score=exact)],
    )  # fmt: skip
    trainer.train()
    samples = recorded.of(events.Sample)
    assert [(event.step, event.target) for event in samples] == [(2, "0"), (2, "1"), (4, "0"), (4, "1")]
    assert samples[0].input == rows[0]["messages"][:1]
    assert samples[-1].prediction == ask(trainer.model, words, "user : 0 plus 1 is [SEP] assistant :")
    assert recorded.events[-1].status == "completed"


class AtEnd(transformers.TrainerCallback):
    """Does something when a step ends."""

    def __init__(self, step: int, action: Any) -> None:
        self.step = step
        self.action = action

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            self.action(control=control, **kwargs)


def ask(model: Any, words: Any, text: str) -> str:
    """Return what a model says greedily."""
    inputs = words(text, return_tensors="pt")
    size = inputs["input_ids"].shape[1]
    training = model.training
    output = model.eval().generate(
        input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], do_sample=False,
        max_new_tokens=5 if len(text) < 12 else 3, pad_token_id=0,
    )  # fmt: skip
    model.train(training)
    return str(words.decode(output[0][size:], skip_special_tokens=True))


@pytest.mark.parametrize("callbacks_first", [True, False])
def test_readers_ask_for_samples_when_they_like(
    callbacks_first: bool, recorded: Recorded, tmp_path: Path
) -> None:
    live, asks = stream(), asking(["1 plus"], every=100)
    reader = hf_reader({2: [wish("sample", by="ada")]}, live)
    beside = [live, asks] if callbacks_first else [asks, live]
    llm.trainer(tmp_path, [reader, *beside]).train()
    assert [step for step, _, _ in told(recorded)] == [2, 10]
    assert answered(recorded.events) == [("sample", "applied", 2)]
    applied = recorded.of(events.Command)[-1]
    assert (applied.by, applied.reason) == ("ada", "1 of 1 answered")


def test_a_model_that_cannot_be_asked_refuses_with_the_reason(recorded: Recorded, tmp_path: Path) -> None:
    live = tiny.live_stream("transformers")
    reader = hf_reader({2: [wish("sample")]}, live)
    tiny.hf_trainer(tmp_path, [reader, live, asking(["1 plus"], every=100)]).train()
    assert answered(recorded.events) == [("sample", "refused", 2)]
    assert "does not generate" in recorded.of(events.Command)[-1].reason


def test_without_questions_samples_are_refused(recorded: Recorded, tmp_path: Path) -> None:
    live = tiny.live_stream("transformers")
    tiny.hf_trainer(tmp_path, [live]).train()
    assert "SampleCallback" in recorded.of(events.Controls)[0].commands["sample"]
