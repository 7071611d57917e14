"""GANs: loops written by hand, in which two players take turns.

```python
with LiveStream(samples=lambda: G(noise), optimizers={"D": opt_d, "G": opt_g}) as live:
    for real, _ in live.track(loader, epochs=20):
        ...
        live.d_step(d_loss, real=d_real, fake=d_fake)
        ...
        live.g_step(g_loss)
```

Axes: `batch` counts batches, however many steps either player makes on one, so that both curves
stand on it; `step` counts the steps of both. For Lightning there is `GanMonitor`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from typing import TYPE_CHECKING, Any, TypeVar

from livecb.callbacks.extras import needed

with needed("gan", "PyTorch", "torch"):
    import torch

from livecb.callbacks.base import Session, Stream, batch_size, during, opening
from livecb.callbacks.gan_alerts import Collapse, Divergence, Rule
from livecb.callbacks.gan_control import may_stop, take_helm
from livecb.callbacks.gan_monitor import Monitor, Sampling, held
from livecb.callbacks.helm import obeying, steering
from livecb.errors import ValueRefused, warn
from livecb.events import Totals
from livecb.meter import Meter
from livecb.run import Run
from livecb.start import rank_from_environment
from livecb.watch import Watch, measure, on_step

if TYPE_CHECKING:
    from typing_extensions import Self

    from livecb.callbacks.gan_lightning import GanMonitor

__all__ = ["Collapse", "Divergence", "GanMonitor", "LiveStream"]

_T = TypeVar("_T")
_PAIRS = 256


def __getattr__(name: str) -> Any:
    if name == "GanMonitor":  # only who asks for it needs Lightning
        from livecb.callbacks.gan_lightning import GanMonitor

        return GanMonitor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Session(Session):
    """What is known of a loop.

    Attributes:
        monitor: Looks after its pictures and alerts.
        epochs: Epochs begun, where the loop is tracked.
        begun: Those that were before this loop.
        done_before: Batches that were.
        per_epoch: Batches an epoch, if that is known.
        said: What was recorded of the batch so far.
        stepped: Learning rates and gradient norm of the last step, by player.
        watch: The hooks of the optimizers.
        looks: Whether the loop ends when readers ask it to.
    """

    def __init__(self, run: Run, owned: bool, monitor: Monitor) -> None:
        super().__init__(run, owned)
        self.monitor = monitor
        self.per_epoch: int | None = None
        self.epochs = self.begun = 0
        self.done_before = 0
        self.said: dict[str, Any] = {}
        self.stepped: dict[str, dict[str, Any]] = {}
        self.watch = Watch()
        self.looks = False


class LiveStream(Stream):
    """Shows a GAN's loop live. See `livecb.callbacks.base.Stream` for the other arguments.

    The loop is said by `with`: around `track(loader)`, which counts, or as `with live.fit(...)` around
    a loop that calls `batch_end()` itself.

    Args:
        samples: Called with nothing, every `every_n_batches` batches: draws pictures N×C×H×W, in
            0..1 or -1..1, from a noise that stays the same.
        every_n_batches: Batches between two grids of samples.
        optimizers: The players' optimizers, or their modules, by name (`{"D": ..., "G": ...}`): their
            learning rates and gradient norms are recorded with their steps.
        schedulers: Their learning-rate schedulers, which are scaled with a rate that readers set.
        real_samples: Real pictures, as `samples` draws them: what the diversity is held against.
        value_range: What is black and what is white in the samples, where it is neither 0..1 nor -1..1.
        alerts: Rules; `[Divergence(), Collapse()]` if left out, `[]` for none.
    """

    def __init__(
        self,
        *,
        samples: Callable[[], Any] | None = None,
        every_n_batches: int = 100,
        optimizers: Mapping[str, Any] | None = None,
        schedulers: Sequence[Any] = (),
        real_samples: Any = None,
        value_range: tuple[float, float] | None = None,
        alerts: Sequence[Rule] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.sampling = Sampling(samples, every_n_batches, real_samples, value_range, alerts)
        self.optimizers = dict(optimizers or {})
        self.schedulers = list(schedulers)
        self._warned = False

    def fit(self, epochs: int | None = None, batches: int | None = None) -> Self:
        """Begin a run; to be used in a `with`, which ends it.

        Args:
            epochs: How many there will be.
            batches: Batches an epoch; without `epochs`, in all.
        """
        self._begin(epochs, batches)
        return self

    def track(self, loader: Iterable[_T], epochs: int = 1) -> Iterator[_T]:
        """Yield the batches of `loader`, `epochs` times; each ends when the next one is asked for.

        After each batch it obeys readers: it waits while the run is paused, and ends when it is to stop.
        """
        self._begin(epochs, _length(loader))
        self._look()
        for _ in range(epochs):
            self._begin_epoch()
            for batch in loader:
                self._begin_batch(batch)
                yield batch
                self.batch_end()
                if self._stops:
                    return

    @property
    def should_stop(self) -> bool:
        """Whether readers asked to stop: `if live.should_stop: break`, in a loop without `track`."""
        if self._is_open("should_stop"):
            self._look()
        return self._stops

    def d_step(
        self, loss: Any = None, *, real: Any = None, fake: Any = None, name: str = "D", **values: Any
    ) -> None:
        """Say that the discriminator's optimizer has stepped.

        Args:
            loss: Its loss.
            real: What it made of real samples: its output, of any shape that begins with the batch.
            fake: What it made of generated ones.
            name: Which discriminator, if there are several.
            values: Other numbers, such as `gp=` of a gradient penalty.
        """
        if self._is_open("d_step"):
            self._tell_step(name, loss, real, fake, values)

    def g_step(self, loss: Any = None, *, name: str = "G", **values: Any) -> None:
        """Say that the generator's optimizer has stepped.

        Args:
            loss: Its loss.
            name: Which generator, if there are several.
            values: Other numbers.
        """
        if self._is_open("g_step"):
            self._tell_step(name, loss, None, None, values)

    def batch_end(self) -> None:
        """Say that a batch is done, whoever stepped on it, and obey readers; `track` says so itself."""
        if self._is_open("batch_end"):
            self._end_batch()

    def __enter__(self) -> Self:
        if self._session is None:
            self._begin(None, None)
        return self

    # What the verbs are made of

    def _make_session(self, run: Run, owned: bool) -> Session:
        session = _Session(run, owned, Monitor(run, self.sampling))
        if run.active:
            for name, each in self.optimizers.items():
                self._follow(session, name, each)
        return session

    def _follow(self, session: _Session, name: str, watched: Any) -> None:
        def stepped(optimizer: Any, parameters: Iterable[Any]) -> None:
            session.stepped[name] = measure(session.run, optimizer, parameters, name)

        try:
            session.watch.add(on_step(watched, stepped))
        except ValueRefused as error:
            warn(f"optimizers[{name!r}]: {error}")

    @opening
    def _begin(self, epochs: int | None, batches: int | None) -> None:
        session = self._session  # one loop after another, as one for each epoch, counts on
        begun, done = (session.epochs, session.batch) if session is not None else (0, 0)
        whole = done + batches * (epochs or 1) if batches else None
        in_all = begun + epochs if epochs else None
        totals = Totals(epochs=in_all, batches=whole, batches_per_epoch=batches if epochs else None)
        if self._session is None:
            self._open_with(totals)
        else:
            self.run.configure(totals=totals)
        if (session := self._session) is not None:
            session.per_epoch = batches if epochs else None
            session.begun, session.done_before = begun, done
            session.meter = Meter("batch", whole, "train", session.batch)
            self._tell_progress(session.meter, session.batch, always=True)

    @steering(take_helm)
    def _open_with(self, totals: Totals) -> None:
        self._open(
            leads=rank_from_environment() == 0,
            framework="torch",
            versions={"torch": str(torch.__version__)},
            config={f"optimizer/{name}": _settings(each) for name, each in self.optimizers.items()},
            totals=totals,
        )
        self.run.status("running", "train")

    @during
    def _look(self) -> None:
        if not self._session.looks:
            self._session.looks = True
            if self._helm is not None:
                may_stop(self._helm)

    @property
    def _stops(self) -> bool:
        return self._helm is not None and self._helm.stops

    @during
    def _begin_epoch(self) -> None:
        self._session.epochs += 1

    @during
    def _begin_batch(self, batch: Any) -> None:
        session = self._session
        size = batch_size(batch)
        if size is not None and (session.samples is not None or not session.batch):
            session.samples = (session.samples or 0) + size
        else:
            session.samples = None
        self.run.samples = session.samples
        self.run.at(batch=session.batch + 1, epoch=self._epoch(session.batch + 1))

    def _epoch(self, batch: int) -> float | None:
        """Return the epochs done with this batch, as far as that can be known."""
        session = self._session
        if session.per_epoch:
            return float(session.begun + (batch - session.done_before) / session.per_epoch)
        return float(session.epochs - 1) if session.epochs else None

    def _is_open(self, verb: str) -> bool:
        if self._session is None and not self._failed and rank_from_environment() == 0 and not self._warned:
            self._warned = True
            warn(f"live.{verb}() outside of `with live:` or `with live.fit():` is not recorded")
        return self._session is not None

    @during
    def _tell_step(self, name: str, loss: Any, real: Any, fake: Any, values: Mapping[str, Any]) -> None:
        session = self._session
        if not session.run.active:
            return
        session.step += 1
        batch = session.batch + 1
        self.run.at(step=session.step, batch=batch, epoch=self._epoch(batch))
        named = {} if loss is None else {f"loss/{name}": loss}
        named.update(self._scores(real, fake))
        named.update({f"{key}/{name}": value for key, value in values.items()})
        named.update(session.stepped.pop(name, {}))
        if named and self._is_nth(session.batch, batch):
            said = held(named)
            self.run.log(said)
            session.said.update(said)  # no other: what is not recorded is never read from its device

    @obeying
    def _end_batch(self) -> None:
        session = self._session
        session.batch += 1
        said, session.said = session.said, {}
        place = {"step": session.step, "batch": session.batch, "epoch": self._epoch(session.batch)}
        self.run.at(**place)
        session.monitor.see(said, **place)
        session.monitor.end_batch(**place)
        self._tell_progress(session.meter, session.batch)

    def _scores(self, real: Any, fake: Any) -> dict[str, Any]:
        try:
            return scores(real, fake)
        except Exception as error:
            self.run.warn_once(
                "scores",
                "scores were not recorded: expected real= and fake= to be the discriminator's outputs, "
                f"tensors that begin with the batch: {error}",
            )
            return {}

    def _close(self) -> Session | None:
        if (session := self._session) is not None:
            session.watch.remove()
            session.monitor.close()
            self._tell_progress(session.meter, session.batch, always=True)
        return super()._close()


def scores(real: Any, fake: Any) -> dict[str, Any]:
    """Return what a discriminator's outputs come to: their means, and how well they are told apart."""
    found = {}
    means = {}
    for name, output in (("real", real), ("fake", fake)):
        if output is not None:
            output = output.detach().float()
            found[f"scores/{name}"] = output.mean()
            if output.ndim:
                means[name] = output[:_PAIRS].flatten(1).mean(1) if output.ndim > 1 else output[:_PAIRS]
    if len(means) == 2:
        margin = means["real"][:, None] - means["fake"][None, :]
        found["separation"] = (margin.sign().mean() + 1) / 2
    return found


def _settings(optimizer: Any) -> dict[str, Any]:
    return {"class": type(optimizer).__name__, **getattr(optimizer, "defaults", {})}


def _length(loader: Any) -> int | None:
    try:
        return len(loader) if isinstance(loader, Sized) else None
    except Exception:  # a DataLoader over an iterable dataset has __len__, and it raises; others, too
        return None
