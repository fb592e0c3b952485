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
    """Train what a recipe says: a dual encoder (:func:`engine.learning.loop.train`) unless its ``kind`` names another network."""
    kind = _kind(recipe_path)
    if kind == "fog-network":
        from engine.fog.network.training import train as run
    elif kind == "fog-nowcast":
        from engine.fog.nowcast.network.training import train as run
    else:
        from engine.learning.loop import train as run  # torch is heavy: only who trains pays for it

    return run(recipe_path, resume=resume, seed=seed, progress=progress, cancel=cancel, out=out)


def _kind(recipe_path: str | Path) -> object:
    """The recipe's ``kind``; who reads the whole recipe says what is wrong with it."""
    import yaml

    try:
        content = yaml.safe_load(Path(recipe_path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return content.get("kind") if isinstance(content, dict) else None
