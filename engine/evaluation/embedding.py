"""Pictures to vectors, in batches, while the next batch is being read."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.errors import EvaluationInvalid, FeaturesInvalid, PharosError
from engine.evaluation.datasets.pictures import Picture, Pixels, Skipped
from engine.evaluation.vectors import Floats, Integers, unit
from engine.progress import Cancel, Progress, silent, stop_if

if TYPE_CHECKING:
    from engine.encoders import Encoder

BATCH: Final = 64
READERS: Final = 2
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Vectors of the pictures that could be read.

    Attributes:
        vectors: (N, D) float32, unit length.
        kept: (N,) int64, ascending: which pictures they are.
        skipped: Those that could not be read, with the reason.
    """

    vectors: Floats
    kept: Integers
    skipped: Skipped


def embed(
    pictures: Sequence[Picture], encoder: Encoder, *, batch: int = BATCH, progress: Progress = silent, cancel: Cancel | None = None
) -> Embedded:
    """Embed pictures; unreadable ones are left out and named, and a batch that exceeds the memory is halved.

    Args:
        pictures: What to embed.
        encoder: By what.
        batch: Pictures at once.
        progress: Told about each batch.
        cancel: Stops between batches.

    Raises:
        EvaluationInvalid: If there is no picture, none can be read, or a single one exceeds the memory.
        FeaturesInvalid: If the encoder gives NaN.
        Cancelled: If the person asked for it.
    """
    if not pictures:
        raise EvaluationInvalid("there is no picture.")
    parts: list[Floats] = []
    kept: list[int] = []
    skipped: list[tuple[str, str]] = []
    done, size = 0, batch
    for chunk in _read(pictures, batch):
        stop_if(cancel, "Embedding the pictures")
        good = [(index, pixels) for index, pixels in chunk if not isinstance(pixels, PharosError)]
        skipped += [(pictures[index].name, str(error)) for index, error in chunk if isinstance(error, PharosError)]
        if good:
            vectors, size = _encoded([pixels for _, pixels in good], encoder, size)
            parts.append(vectors)
            kept += [index for index, _ in good]
        done += len(chunk)
        progress("embedding pictures", done, len(pictures))
    if not parts:
        raise EvaluationInvalid(f"none of the {len(pictures):,} pictures can be read. The first: {skipped[0][1]}")
    vectors = np.concatenate(parts)
    broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(broken):
        raise FeaturesInvalid(
            f"{encoder.id} gives NaN or infinity for {len(broken)} of {len(vectors)} pictures, first for "
            f"“{pictures[kept[broken[0]]].name}”. Leave them out, or check the model's weights."
        )
    return Embedded(unit(vectors, "the pictures' vectors"), np.array(kept, dtype=np.int64), tuple(skipped))


Read = list[tuple[int, "Pixels | PharosError"]]


def _read(pictures: Sequence[Picture], batch: int) -> Iterator[Read]:
    """Batches of pixels or of what went wrong, one batch read ahead."""

    def one(index: int) -> tuple[int, Pixels | PharosError]:
        try:
            return index, pictures[index].read()
        except PharosError as error:
            return index, error

    with ThreadPoolExecutor(READERS) as pool:
        ahead: list[Future[tuple[int, Pixels | PharosError]]] = []
        for start in range(0, len(pictures), batch):
            coming = [pool.submit(one, index) for index in range(start, min(start + batch, len(pictures)))]
            if ahead:
                yield [future.result() for future in ahead]
            ahead = coming
        yield [future.result() for future in ahead]


def _encoded(pixels: Sequence[Pixels], encoder: Encoder, size: int) -> tuple[Floats, int]:
    """Vectors, and the batch size that fitted."""
    while True:
        try:
            rows = [encoder.images(pixels[at : at + size]) for at in range(0, len(pixels), size)]
            return np.concatenate(rows), size
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            if size == 1:
                raise EvaluationInvalid("the memory does not suffice for a single picture. Free some, or use a smaller model.") from None
            size = max(1, min(size, len(pixels)) // 2)
            log.warning("out of memory: going on with batches of %d pictures", size)


def _out_of_memory(error: BaseException) -> bool:
    # torch's own class is not imported: this module does without torch.
    said = str(error).lower()
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "allocate memory" in said
