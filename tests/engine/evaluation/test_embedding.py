from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import Cancelled, EvaluationInvalid, FeaturesInvalid, ImageUnreadable
from engine.evaluation.datasets.pictures import Picture
from engine.evaluation.embedding import embed
from engine.progress import Cancel
from tests.engine.index.colour_encoder import COLOURS, ColourEncoder


def squares(colours: Sequence[str]) -> list[Picture]:
    return [Picture(f"{i}.png", lambda colour=colour: np.full((4, 4, 3), COLOURS[colour], np.uint8)) for i, colour in enumerate(colours)]


def unreadable() -> Picture:
    def read() -> Any:
        raise ImageUnreadable("bad.png", "it is cut short.")

    return Picture("bad.png", read)


class Small(ColourEncoder):
    """An encoder with little memory."""

    def __init__(self, most: int, error: Exception) -> None:
        super().__init__()
        self.most, self.error, self.sizes = most, error, list[int]()

    def images(self, batch: Sequence[Any]) -> Any:
        if len(batch) > self.most:
            raise self.error
        self.sizes.append(len(batch))
        return super().images(batch)


def test_vectors_keep_their_order_and_unreadable_pictures_are_named() -> None:
    colours = ["red", "green", "blue", "red", "white"]
    pictures = squares(colours)
    pictures.insert(2, unreadable())
    steps: list[tuple[str, int, int]] = []
    found = embed(pictures, ColourEncoder(), batch=2, progress=lambda *step: steps.append(step))  # type: ignore[arg-type]
    assert found.kept.tolist() == [0, 1, 3, 4, 5]
    assert [list(COLOURS)[row.argmax()] for row in found.vectors] == colours
    assert found.skipped == (("bad.png", "“bad.png” can't be read: it is cut short."),)
    assert steps == [("embedding pictures", done, 6) for done in (2, 4, 6)]


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")])
def test_batches_are_halved_when_memory_is_short(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    encoder = Small(3, error)
    found = embed(squares(["red", "green"] * 10), encoder, batch=16)  # type: ignore[arg-type]
    assert len(found.vectors) == 20
    assert encoder.sizes == [2] * 10  # 16 → 8 → 4 → 2, and the later batch begins with 2
    assert "batches of 2" in caplog.text


def test_other_errors_and_memory_for_none_stop() -> None:
    with pytest.raises(RuntimeError, match="broken"):
        embed(squares(["red"]), Small(0, RuntimeError("broken")))  # type: ignore[arg-type]
    with pytest.raises(EvaluationInvalid, match="single picture"):
        embed(squares(["red"]), Small(0, MemoryError()))  # type: ignore[arg-type]


def test_cancel_stops_between_batches() -> None:
    cancel, steps = Cancel(), []

    def progress(stage: str, done: int, total: int) -> None:
        steps.append(done)
        cancel.set()

    with pytest.raises(Cancelled):
        embed(squares(["red"] * 9), ColourEncoder(), batch=2, progress=progress, cancel=cancel)  # type: ignore[arg-type]
    assert steps == [2]


def test_nothing_readable_and_nan_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationInvalid, match="no picture"):
        embed([], ColourEncoder())  # type: ignore[arg-type]
    with pytest.raises(EvaluationInvalid, match="none of the 2 pictures"):
        embed([unreadable(), unreadable()], ColourEncoder())  # type: ignore[arg-type]

    class Broken(ColourEncoder):
        def images(self, batch: Sequence[Any]) -> Any:
            vectors = super().images(batch)
            vectors[[picture[0, 0, 0] == 255 for picture in batch], 0] = np.nan  # of what is red
            return vectors

    with pytest.raises(FeaturesInvalid, match=r"NaN or infinity for 2 of 3 pictures, first for “1\.png”"):
        embed([*squares(["blue", "red", "red"]), unreadable()], Broken())  # type: ignore[arg-type]
