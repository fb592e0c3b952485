"""A series of plates as GIF or MP4."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from engine.errors import ExportInvalid, ExtraMissing
from engine.progress import Cancel, Progress, silent, stop_if

ANIMATIONS: Final = ("gif", "mp4")
CODEC: Final = "vp09"
"""VP9, which browsers play in an MP4 as well. The OpenCV that is installed has no H.264 encoder (the free one, x264, is GPL), and MPEG-4
part 2, which it would write faster, plays in no browser: better no file than one that stays black."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One frame of an animation.

    Attributes:
        picture: What is shown.
        hold: How many frames long.
    """

    picture: Image.Image
    hold: int = 1


def write_animation(
    shots: Iterable[Shot],
    form: str,
    *,
    rate: float = 8.0,
    count: int = 0,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> bytes:
    """Put frames of one size one after the other.

    Args:
        shots: The frames; taken one at a time.
        form: ``gif`` (256 colours a frame, endless) or ``mp4``.
        rate: Frames a second, 1–30.
        count: How many there will be, for the progress.
        progress: Told of each frame.
        cancel: Stops between two.

    Raises:
        ExportInvalid: If the form is not known, there is no frame, or the OpenCV that is installed can't write VP9.
        ExtraMissing: If OpenCV is not installed (MP4).
        Cancelled: If it was stopped.
    """
    if form not in ANIMATIONS:
        raise ExportInvalid(f"“{form}” is no animation; take {' or '.join(ANIMATIONS)}.")
    rate = min(max(rate, 1.0), 30.0)

    def told() -> Iterator[Shot]:
        for done, shot in enumerate(shots):
            stop_if(cancel, "The animation")
            progress("drawing the animation", done, count)
            yield shot

    body = _gif(told(), rate) if form == "gif" else _mp4(told(), rate)
    progress("drawing the animation", count, count)
    return body


def _gif(shots: Iterator[Shot], rate: float) -> bytes:
    first = next(shots, None)
    if first is None:
        raise ExportInvalid("the span holds no frame.")
    holds = [first.hold]

    def rest() -> Iterator[Image.Image]:
        for shot in shots:
            holds.append(shot.hold)
            yield _few_colours(shot.picture)

    pictures = [_few_colours(first.picture), *rest()]
    out = io.BytesIO()
    durations = [max(20, round(1000 / rate / 10) * 10) * hold for hold in holds]
    pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0, disposal=1, optimize=False)
    return out.getvalue()


def _few_colours(picture: Image.Image) -> Image.Image:
    return picture.convert("RGB").quantize(255, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def _mp4(shots: Iterator[Shot], rate: float) -> bytes:
    try:
        import cv2
    except ImportError:
        raise ExtraMissing("Writing MP4", "opencv-python-headless") from None
    first = next(shots, None)
    if first is None:
        raise ExportInvalid("the span holds no frame.")
    size = tuple(side - side % 2 for side in first.picture.size)  # codecs take even sides only
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "animation.mp4"
        writer = _writer(cv2, path, rate, size)
        for shot in chain([first], shots):
            _write(writer, shot, size)
        writer.release()
        return path.read_bytes()


def _writer(cv2: Any, path: Path, rate: float, size: tuple[int, ...]) -> Any:  # noqa: ANN401 - OpenCV has no types
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*CODEC), rate, size)
    if not writer.isOpened():
        raise ExportInvalid(
            "the OpenCV that is installed can't write VP9, so no MP4 would play in a browser. "
            "Take a GIF, which plays everywhere, or install opencv-python-headless as requirements.txt says."
        )
    return writer


def _write(writer: Any, shot: Shot, size: tuple[int, ...]) -> None:  # noqa: ANN401
    pixels = np.asarray(shot.picture.convert("RGB"))[: size[1], : size[0], ::-1]
    for _ in range(shot.hold):
        writer.write(np.ascontiguousarray(pixels))
