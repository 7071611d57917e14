"""From pictures, drawings and sounds to files beside the log, and to counts."""

from __future__ import annotations

import io
import math
import mimetypes
import os
import sys
import wave
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livecb.errors import ValueRefused

if TYPE_CHECKING:
    from livecb.events import FileRef
    from livecb.store import StoredRun

__all__ = ["artifact", "audio", "figure", "histogram", "image", "size_of"]

_MAGIC = (
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"<svg", "image/svg+xml"),
    (b"<?xml", "image/svg+xml"),
)


def image(run: StoredRun, name: str, value: Any) -> dict[str, Any]:
    """Keep a picture; return the fields of an `image` event.

    A tensor on a device is copied to the host, which waits for the device.

    Raises:
        ValueRefused: It is none of: encoded bytes, a path, a Pillow image, an array.
    """
    encoded = _encoded(value)
    if encoded is not None:
        return {"file": _keep_picture(run, name, encoded)}
    picture = value if hasattr(value, "save") and hasattr(value, "size") else _picture_of_array(value)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    width, height = picture.size
    return {
        "file": run.add_file(buffer.getvalue(), f"{name}.png", "image/png"),
        "width": width,
        "height": height,
    }


def figure(run: StoredRun, name: str, value: Any) -> dict[str, Any]:
    """Keep a drawing; return the fields of a `figure` event.

    Raises:
        ValueRefused: It is none of: encoded bytes, a path, a Matplotlib figure.
    """
    encoded = _encoded(value)
    if encoded is None:
        if not hasattr(value, "savefig"):
            raise ValueRefused(
                f"expected a Matplotlib figure, SVG or PNG bytes, or a path, got {_kind(value)}"
            )
        buffer = io.BytesIO()
        value.savefig(buffer, format="svg")
        encoded = buffer.getvalue()
    return {"file": _keep_picture(run, name, encoded)}


def audio(run: StoredRun, name: str, value: Any) -> dict[str, Any]:
    """Keep a sound; return the fields of an `audio` event.

    Raises:
        ValueRefused: It is none of: encoded bytes, a path, `(samples in -1..1, rate)`.
    """
    encoded = _encoded(value)
    if encoded is not None:
        mime = "audio/wav" if encoded[:4] == b"RIFF" else "audio/mpeg"
        return {"file": run.add_file(encoded, name, mime)}
    try:
        samples, rate = value
        numbers = [min(1.0, max(-1.0, float(number))) for number in samples]
    except (TypeError, ValueError) as error:
        raise ValueRefused(
            f"expected bytes, a path or (samples in -1..1, rate in Hz), got {_kind(value)}"
        ) from error
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setparams((1, 2, int(rate), len(numbers), "NONE", "not compressed"))
        sound.writeframes(array("h", (int(number * 32767) for number in numbers)).tobytes())
    file = run.add_file(buffer.getvalue(), f"{name}.wav", "audio/wav")
    return {"file": file, "seconds": len(numbers) / int(rate)}


def artifact(run: StoredRun, name: str, path: Any) -> dict[str, Any]:
    """Keep a copy of a file; return the fields of an `artifact` event.

    It is hashed and copied in the calling thread, in pieces: some seconds a gigabyte.
    """
    mime = mimetypes.guess_type(os.fspath(path))[0] or "application/octet-stream"
    return {"path": os.path.abspath(path), "file": run.add_path(path, name, mime)}


def histogram(values: Any, bins: int = 64) -> tuple[list[int], list[float]]:
    """Return counts and edges (one more) of the finite numbers, or those that were given.

    A tensor on a device is copied to the host, which waits for the device. Arrays are counted by
    NumPy where the program uses it, and element by element otherwise.

    Raises:
        ValueRefused: There is no finite number, or these are no numbers.
    """
    if isinstance(values, tuple) and len(values) == 2 and len(values[1]) == len(values[0]) + 1:
        return [int(count) for count in values[0]], [float(edge) for edge in values[1]]
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    counted = _count_array(values, bins) if bins > 0 else None
    if counted is not None:
        return counted
    try:
        flat = (
            values.reshape(-1).tolist() if hasattr(values, "reshape") else [float(value) for value in values]
        )
    except (TypeError, ValueError) as error:
        raise ValueRefused(f"expected numbers, got {_kind(values)}") from error
    numbers = [number for number in flat if math.isfinite(number)]
    if not numbers or bins < 1:
        raise ValueRefused(
            f"expected at least one finite number and one bin, got {len(flat)} values and {bins} bins"
        )
    low, high = min(numbers), max(numbers)
    width = (high - low) / bins or 1.0
    counts = [0] * bins
    for number in numbers:
        counts[min(bins - 1, int((number - low) / width))] += 1
    return counts, [low + width * edge for edge in range(bins + 1)]


def _count_array(values: Any, bins: int) -> tuple[list[int], list[float]] | None:
    """Count by NumPy, if it is there already and this is an array with finite numbers."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not hasattr(values, "shape"):
        return None
    try:
        if str(getattr(values, "dtype", "")) == "torch.bfloat16":  # NumPy has no such type
            values = values.float()
        flat = numpy.asarray(values).reshape(-1)
        if flat.dtype.kind not in "biuf":
            return None
        if flat.dtype.kind == "b" or flat.dtype.itemsize < 4:  # a bin may be finer than these can tell
            flat = flat.astype(numpy.float32)
        finite = flat if flat.dtype.kind in "iu" else flat[numpy.isfinite(flat)]
        if not finite.size:
            return None
        low, high = float(finite.min()), float(finite.max())
        upper = high if high > low else low + bins  # one width of 1, as without NumPy
        counts, _ = numpy.histogram(finite, bins=bins, range=(low, upper))
    except (TypeError, ValueError, RuntimeError):
        return None
    return counts.tolist(), [low + (upper - low) / bins * edge for edge in range(bins + 1)]


def size_of(path: Path) -> int | None:
    """Return the bytes of a file, or of all files of a folder; None if there is neither."""
    try:
        if path.is_dir():
            return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        return path.stat().st_size
    except OSError:
        return None


def _encoded(value: Any) -> bytes | None:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, (str, os.PathLike)):
        return Path(value).read_bytes()
    return None


def _keep_picture(run: StoredRun, name: str, encoded: bytes) -> FileRef:
    mime = next((mime for magic, mime in _MAGIC if encoded.lstrip().startswith(magic)), None)
    if mime is None:
        raise ValueRefused(f"expected PNG, JPEG, GIF, WebP or SVG, got bytes that begin with {encoded[:8]!r}")
    suffix = mime.partition("/")[2].partition("+")[0]
    return run.add_file(encoded, f"{name}.{suffix}", mime)


def _picture_of_array(value: Any) -> Any:
    shape = tuple(getattr(value, "shape", ()))
    if len(shape) not in (2, 3):
        raise ValueRefused(
            "expected encoded bytes, a path, a Pillow image or an array H×W, H×W×C or C×H×W, "
            f"got {_kind(value)}" + (f" of shape {shape}" if shape else "")
        )
    try:
        import numpy
        from PIL import Image
    except ImportError as error:
        raise ValueRefused("pictures from arrays need Pillow and NumPy: pip install pillow numpy") from error
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    pixels = numpy.asarray(value)
    if pixels.ndim == 3 and pixels.shape[0] in (1, 3, 4) and pixels.shape[2] not in (1, 3, 4):
        pixels = pixels.transpose(1, 2, 0)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.dtype != numpy.uint8:
        bright = numpy.nan_to_num(pixels.astype("float64"))
        bright = bright * 255 if bright.size and bright.max() <= 1.0 else bright
        pixels = bright.clip(0, 255).astype(numpy.uint8)
    return Image.fromarray(numpy.ascontiguousarray(pixels))


def _kind(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"
