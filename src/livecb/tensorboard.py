"""A SummaryWriter with the methods of TensorBoard's: a script changes its import, and is watched live.

```python
from livecb.tensorboard import SummaryWriter
```
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from math import prod
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from livecb.run import Run
from livecb.start import init
from livecb.values import plain

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["SummaryWriter"]

P = ParamSpec("P")


def _harmless(
    method: Callable[Concatenate[SummaryWriter, P], None],
) -> Callable[Concatenate[SummaryWriter, P], None]:
    """Turn what a method cannot take, which would end the training, into a warning."""

    @wraps(method)
    def harmless(writer: SummaryWriter, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(writer, *args, **kwargs)
        except Exception as error:
            name = method.__name__
            writer.run.warn_once(name, f"SummaryWriter.{name} could not record what it was given: {error!r}")

    return harmless


class SummaryWriter:
    """Records what it is given as a run; `run` is that run.

    What has no counterpart (`add_graph`, `add_embedding` ...) does nothing, and says so once. It
    never raises into the training, and nothing is written to `log_dir`.

    Args:
        log_dir: The run's name; the run's id if left out.
        comment: Appended to the name.
        purge_step: The step this training goes on from.
        max_queue, flush_secs, filename_suffix: Have no effect: all is written at once.
        others: Keywords of `livecb.init`, such as `project` or `sinks`.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
        **others: Any,
    ) -> None:
        self.log_dir = os.fspath(log_dir) if log_dir is not None else ""
        others.pop("write_to_disk", None)
        name = f"{self.log_dir}{comment}" or None
        self.run: Run = init(name=name, resumed_step=purge_step, **others)
        self.log_dir = self.log_dir or self.run.id

    def get_logdir(self) -> str:
        """Return what was given as `log_dir`, else the run's id."""
        return self.log_dir

    @_harmless
    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Record a number."""
        self.run.log({tag: _single(scalar_value)}, step=global_step)

    @_harmless
    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Record several numbers, as `main_tag/tag`."""
        values = {f"{main_tag}/{tag}": _single(value) for tag, value in tag_scalar_dict.items()}
        self.run.log(values, step=global_step)

    @_harmless
    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = 64,
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """Record a distribution; `bins` in TensorBoard's words are 64 of equal width."""
        self.run.histogram(tag, values, bins=bins if isinstance(bins, int) else 64, step=global_step)

    @_harmless
    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """Record a picture whose axes are in the order of `dataformats`: CHW, HWC or HW."""
        if (pixels := self._pixels(tag, img_tensor, dataformats)) is not None:
            self.run.image(tag, pixels, step=global_step)

    @_harmless
    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Record several pictures, as `tag/0`, `tag/1` ..., whose axes are in that order: NCHW or NHWC."""
        pixels = self._pixels(tag, img_tensor, dataformats)
        for number, one in enumerate(pixels if pixels is not None else ()):
            self.run.image(f"{tag}/{number}", one, step=global_step)

    @_harmless
    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: int | None = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        """Record a figure of Matplotlib, or several in a list, and close them as TensorBoard does."""
        several = isinstance(figure, (list, tuple))
        for number, one in enumerate(figure if several else [figure]):
            self.run.figure(f"{tag}/{number}" if several else tag, one, step=global_step)
            pyplot = sys.modules.get("matplotlib.pyplot")
            if close and pyplot is not None and isinstance(one, pyplot.Figure):
                pyplot.close(one)

    @_harmless
    def add_text(
        self, tag: str, text_string: str, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """Record text, as a line of the log whose logger is the tag."""
        self.run.text(text_string, logger=tag, step=global_step)

    @_harmless
    def add_audio(
        self,
        tag: str,
        snd_tensor: Any,
        global_step: int | None = None,
        sample_rate: int = 44100,
        walltime: float | None = None,
    ) -> None:
        """Record a sound: samples in -1..1, flat or 1×L."""
        flat = snd_tensor.reshape(-1).tolist() if hasattr(snd_tensor, "reshape") else snd_tensor
        self.run.audio(tag, (flat, sample_rate), step=global_step)

    @_harmless
    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: object = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Record settings, and what they led to, which also stands beside the run's end."""
        self.run.configure(hparam_dict)
        self.run.log({tag: _single(value) for tag, value in metric_dict.items()}, step=global_step)
        self.run.summary.update(plain(dict(metric_dict)))

    def flush(self) -> None:
        """Wait until numbers that are still on a device are written; everything else is already."""
        self.run.flush()

    def close(self) -> None:
        """End the run."""
        self.run.finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run.__exit__(kind, error, trace)

    def __getattr__(self, name: str) -> Callable[..., None]:
        if not name.startswith("add_"):
            raise AttributeError(f"SummaryWriter has no {name!r}")
        return lambda *args, **kwargs: self._warn_of(name)

    def _pixels(self, tag: str, given: Any, axes: str) -> Any:
        """Return an array whose axes are in the order (N) H W (C); None, with a warning, if it is none."""
        try:
            import numpy

            pixels = numpy.asarray(given.detach().cpu() if hasattr(given, "detach") else given)
            if len(axes) != pixels.ndim:
                self.run.warn_once(
                    f"image {tag}",
                    f"image {tag!r} was not recorded: its shape is {pixels.shape}, and dataformats={axes!r}: "
                    "say with dataformats= what its axes are",
                )
                return None
            return pixels.transpose([axes.upper().index(axis) for axis in "NHWC" if axis in axes.upper()])
        except Exception as error:
            self.run.warn_once(f"image {tag}", f"image {tag!r} was not recorded: {error!r}")
            return None

    def _warn_of(self, name: str) -> None:
        self.run.warn_once(name, f"SummaryWriter.{name} records nothing: livecb has no counterpart of it")


def _single(value: Any) -> Any:
    """Return what holds a single number as a scalar."""
    shape = getattr(value, "shape", None)
    return value.reshape(()) if shape and prod(shape) == 1 and hasattr(value, "reshape") else value
