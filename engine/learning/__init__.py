"""Where encoders are taught: recipes in, weights and honest figures out.

``recipe`` says what to do, ``pairs`` and ``phrases`` hold pictures and words, ``augmentation`` varies the pictures,
``objectives`` holds what is minimised, ``towers`` the model, ``training`` the step, ``loop`` the steps, ``validation`` the figures.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.learning.report import TrainReport
    from engine.progress import Cancel, Progress

__all__ = ["train"]


def train(
    recipe_path: str | Path,
    *,
    resume: bool = False,
    seed: int | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    out: Path | None = None,
) -> TrainReport:
    """Train a dual encoder as a recipe says; see :func:`engine.learning.loop.train`."""
    from engine.learning.loop import train as run  # torch is heavy: only who trains pays for it

    return run(recipe_path, resume=resume, seed=seed, progress=progress, cancel=cancel, out=out)
