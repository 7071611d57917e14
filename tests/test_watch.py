"""`livecb.watch`: what an optimizer really did, without waiting for a device and without harm."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn

import livecb
from livecb import events
from livecb.errors import LivecbWarning
from livecb.testing import Recorded, record
from livecb.watch import gradient_norm
from syncs import Syncs

X = torch.randn(12, 4, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def store() -> Iterator[Recorded]:
    with record() as recorded:
        yield recorded


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1))


def train(
    model: nn.Module, optimizer: Any, steps: int = 4, after: Callable[[Any], None] | None = None
) -> list[float]:
    """Return the norm of the gradients of each step, by arithmetic of its own."""
    norms = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(X) ** 2).mean()
        loss.backward()
        norms.append(norm_of(model))
        optimizer.step()
        if after is not None:
            after(loss)
    return norms


def norm_of(model: nn.Module) -> float:
    return (
        sum(float((each.grad.double() ** 2).sum()) for each in model.parameters() if each.grad is not None)
        ** 0.5
    )


def logged(recorded: Recorded, name: str) -> list[tuple[int | None, Any]]:
    return [(event.step, event.values[name]) for event in recorded.of(events.Metrics) if name in event.values]


@contextmanager
def run(**settings: Any) -> Iterator[livecb.Run]:
    with livecb.init(sinks=[], capture=None, system_interval=0, **settings) as run:
        yield run


def test_the_norm_and_the_rate_of_each_step_stand_at_the_runs_step(store: Recorded) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    norms = []
    with run() as live, livecb.watch(optimizer):
        for _ in live.track(range(4)):
            norms += train(model, optimizer, 1)
            scheduler.step()
    assert logged(store, "grad_norm") == [(n + 1, pytest.approx(norm)) for n, norm in enumerate(norms)]
    assert logged(store, "lr") == [(n + 1, pytest.approx(0.1 * 0.5**n)) for n in range(4)]


def test_in_a_loop_that_counts_nothing_they_stand_at_the_step_of_its_own_call(store: Recorded) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with run() as live, livecb.watch(optimizer):
        train(model, optimizer, 3, after=lambda loss: live.log({"loss": loss}))
    steps = [[step for step, _ in logged(store, name)] for name in ("loss", "lr", "grad_norm")]
    assert steps == [[1, 2, 3]] * 3


@pytest.mark.parametrize("tracked", [True, False])
def test_in_a_loop_that_counts_steps_by_a_call_they_stand_at_the_step_being_made(
    store: Recorded, tracked: bool
) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def after(loss: float) -> None:
        live.step()
        live.log({"loss": loss})

    with run() as live, livecb.watch(optimizer):
        live.step = 0
        live.step()
        for _ in live.track(range(3), steps=False) if tracked else range(3):
            train(model, optimizer, 1, after=after)
    steps = [[step for step, _ in logged(store, name)] for name in ("loss", "lr", "grad_norm")]
    assert steps == [[2, 3, 4]] * 3


def test_several_are_told_apart_by_name_and_by_group(store: Recorded) -> None:
    a, b = network(), network()
    first, _, last = a
    optimizers = {
        "a": torch.optim.Adam(
            [{"params": first.parameters()}, {"params": last.parameters(), "lr": 0.3}], 0.2
        ),
        "b": torch.optim.SGD(b.parameters(), torch.tensor(0.5)),
    }
    with run(), livecb.watch(optimizers):
        for model, optimizer in zip((a, b), optimizers.values(), strict=True):
            train(model, optimizer, 1)
    one, other = (event.values for event in store.of(events.Metrics))
    assert set(one) == {"lr/a/pg1", "lr/a/pg2", "grad_norm/a"}
    assert (one["lr/a/pg1"], one["lr/a/pg2"]) == (0.2, 0.3)
    assert other == {"lr/b": 0.5, "grad_norm/b": pytest.approx(norm_of(b))}


def test_the_gradients_are_those_that_a_closure_computed(store: Recorded) -> None:
    model = network()
    optimizer = torch.optim.LBFGS(model.parameters(), 0.1, max_iter=2)
    norms = []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (model(X) ** 2).mean()
        loss.backward()
        norms.append(norm_of(model))
        return loss

    with run(), livecb.watch(optimizer):
        optimizer.step(closure)
    assert [value for _, value in logged(store, "grad_norm")] == [pytest.approx(norms[-1])]


def test_gradients_that_were_clipped_count_as_they_are_applied(store: Recorded) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with run(), livecb.watch(optimizer):
        (model(X) ** 2).mean().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
        optimizer.step()
    assert [value for _, value in logged(store, "grad_norm")] == [pytest.approx(1e-3, rel=1e-2)]


def test_of_a_module_its_own_gradients_count_whichever_optimizer_steps(store: Recorded) -> None:
    model, other = network(), network()
    whole = torch.optim.SGD([*model.parameters(), *other.parameters()], 0.1)
    stranger = torch.optim.SGD(other.parameters(), 0.7)
    model[0].weight.requires_grad_(False)  # type: ignore[union-attr]
    with run(), livecb.watch({"net": model}):
        ((model(X) + other(X)) ** 2).mean().backward()
        stranger.step()
        whole.step()
    (event,) = store.of(events.Metrics)
    assert event.values == {"lr/net": 0.1, "grad_norm/net": pytest.approx(norm_of(model))}


def test_every_nth_step_alone_is_recorded_if_wanted(store: Recorded) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with run() as live, livecb.watch(optimizer, every_n_steps=3):
        for _ in live.track(range(7)):
            train(model, optimizer, 1)
    assert [step for step, _ in logged(store, "lr")] == [3, 6]


def test_a_wrapper_is_seen_through(store: Recorded) -> None:
    from accelerate import Accelerator

    model, optimizer = Accelerator(cpu=True).prepare(network(), torch.optim.SGD(network().parameters(), 0.1))
    optimizer.param_groups[0]["params"] = list(model.parameters())
    with run(), livecb.watch(optimizer):
        norms = train(model, optimizer, 2)
    assert [value for _, value in logged(store, "grad_norm")] == [pytest.approx(norm) for norm in norms]


def test_what_a_script_written_for_another_tracker_says_is_understood_or_named(store: Recorded) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.warns(LivecbWarning, match=r"livecb.watch ignores log='all', run=MSELoss\(\)") as said:
        handle = livecb.watch(model, nn.MSELoss(), log="all", log_freq=2)  # type: ignore[arg-type]
    assert len(said) == 1
    with run() as live, handle:
        for _ in live.track(range(5)):
            train(model, optimizer, 1)
    assert [step for step, _ in logged(store, "grad_norm")] == [2, 4]


def test_nothing_is_recorded_after_it_was_removed_nor_without_a_run(store: Recorded) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    handles = [livecb.watch(optimizer), livecb.watch(model)]
    train(model, optimizer, 1)
    with run():
        train(model, optimizer, 1)
        for handle in handles:
            handle.remove()
            handle.remove()
        train(model, optimizer, 1)
    assert len(logged(store, "lr")) == 2


def test_it_is_recorded_into_the_run_begun_last_or_the_one_given(store: Recorded) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with run(name="first") as first, run(name="second"):
        livecb.watch(optimizer)
        livecb.watch({"given": optimizer}, first)
        train(model, optimizer, 1)
    found = {store.of(events.RunStarted, each)[0].name: store.of(events.Metrics, each) for each in store.runs}
    assert [set(event.values) for event in found["first"]] == [{"lr/given", "grad_norm/given"}]
    assert [set(event.values) for event in found["second"]] == [{"lr", "grad_norm"}]


@pytest.mark.parametrize("nonsense", [None, "adam", 3, nn.Linear, [network()], lambda: None])
def test_what_cannot_be_watched_is_named_and_the_handle_does_nothing(nonsense: Any) -> None:
    with pytest.warns(LivecbWarning, match="expected a torch optimizer or module") as said:
        livecb.watch(nonsense).remove()
    assert len(said) == 1


def test_sparse_gradients_are_refused_once_and_the_rate_is_recorded(store: Recorded) -> None:
    table = nn.Embedding(5, 2, sparse=True)
    optimizer = torch.optim.SGD(table.parameters(), 0.1)
    with pytest.warns(LivecbWarning, match="sparse or sharded") as said, run(), livecb.watch(optimizer):
        for _ in range(2):
            optimizer.zero_grad()
            table(torch.tensor([1, 3])).sum().backward()
            optimizer.step()
    assert len(said) == 1
    assert [event.values for event in store.of(events.Metrics)] == [{"lr": 0.1}] * 2


def test_a_step_without_gradients_has_no_norm(store: Recorded) -> None:
    optimizer = torch.optim.SGD(network().parameters(), 0.1)
    with run(), livecb.watch(optimizer):
        optimizer.step()
    assert [event.values for event in store.of(events.Metrics)] == [{"lr": 0.1}]


@pytest.mark.parametrize("action", ["always", "error"])
def test_a_mistake_of_ours_is_said_once_and_the_training_goes_on(
    action: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["livecb.watch"], "gradient_norm", lambda parameters: 1 / 0)
    weights = []
    for watched in (True, False):
        model = network()
        optimizer = torch.optim.Adam(model.parameters(), 0.1)
        with record(), run(), warnings.catch_warnings(record=True) as said:
            warnings.simplefilter(action, LivecbWarning)
            handle = livecb.watch(optimizer) if watched else None
            train(model, optimizer)
            if handle is not None:
                handle.remove()
                assert len(said) == (action == "always")
        weights.append([each.detach() for each in model.parameters()])
    assert all(torch.equal(*pair) for pair in zip(*weights, strict=True))


def test_the_norm_is_computed_without_asking_the_device_for_a_number() -> None:
    model = network()
    (model(X) ** 2).mean().backward()
    with Syncs() as syncs:
        norm = gradient_norm(model.parameters())
        assert syncs.found == []
        norm.item()
        assert syncs.found != []  # the watcher watches


def test_the_norm_of_coarse_gradients_is_a_fine_one() -> None:
    model = network().to(torch.bfloat16)
    (model(X.bfloat16()) ** 2).mean().backward()
    norm = gradient_norm(model.parameters())
    assert norm.dtype == torch.float32
    assert norm.item() == pytest.approx(norm_of(model), rel=1e-5)
