"""The one training loop: the same recipe on two CPU cores and on a GPU, to be stopped and resumed at any step."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import numpy as np
import torch

from engine.errors import Cancelled, RecipeInvalid
from engine.learning.recipe import CaptionedPictures, Islands, Recipe, Shores
from engine.learning.report import TrainReport
from engine.learning.run import Run
from engine.learning.sources import CaptionedSource, Source
from engine.learning.towers import export
from engine.learning.training import Training
from engine.memory import keep_memory
from engine.progress import Cancel, Progress, silent
from engine.settings import settings


def train(
    recipe_path: str | Path,
    *,
    resume: bool = False,
    seed: int | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    out: Path | None = None,
) -> TrainReport:
    """Train a dual encoder.

    Everything random follows from the recipe's seed and the step, so a resumed run ends where an uninterrupted one
    would: bit for bit on the same machine with the same number of threads.

    Args:
        recipe_path: YAML, see :class:`engine.learning.recipe.Recipe`.
        resume: Go on from the last checkpoint, if there is one; else start anew.
        seed: In the place of the recipe's own; the same part is held out, and the run's name says so.
        progress: Called as (stage with time left, steps done, steps in all).
        cancel: Stops after the running step; a checkpoint is kept.
        out: Folder of the run; default ``runs/NAME`` below the data folder.

    Raises:
        RecipeInvalid: If the recipe can't be used, or has changed since the run that should be resumed.
        DataMissing: If pictures or captions are not there.
        TrainingDiverged: If a loss or its gradient is no number; the last checkpoint is kept.
        MemoryShort: If memory runs out however small the parts of a step.
        Cancelled: After ``cancel`` was set.
    """
    keep_memory()
    recipe = Recipe.read(recipe_path) if seed is None else Recipe.read(recipe_path).seeded(seed)
    tell = progress or silent
    run = Run(out or settings().data_dir / "runs" / recipe.name)
    sources = _sources(recipe, tell)
    state = run.load() if resume else None
    training = Training.begin(recipe, sources, tell, cancel)
    if state is not None:
        training.restore(state, Path(recipe_path).name)
    run.forget_after(training.step)
    _steps(training, run, tell, cancel)
    training.settle()
    run.draw(recipe.name)
    checkpoint = run.folder / f"{recipe.name}.safetensors"
    origin = {"recipe": recipe.name, "fingerprint": recipe.fingerprint, "seed": str(recipe.seed)}
    export(training.shipped(), checkpoint, origin)
    for sensor, weights in training.shipped_sensors().items():
        export(weights, run.folder / f"{recipe.name}-{sensor}.safetensors", {**origin, "sensor": sensor})
    return TrainReport(checkpoint, training.epoch, training.metrics, training.seconds)


def _sources(recipe: Recipe, progress: Progress) -> tuple[Source, ...]:
    """Open all sources of a recipe."""
    cache = settings().data_dir / "cache"
    sources = tuple(_source(part, recipe.of_data, cache, progress) for part in recipe.data)
    for part, source in zip(recipe.data, sources, strict=True):
        if len(source) < 1:
            raise RecipeInvalid(recipe.name, f"nothing is left to learn from in the source “{part.kind}”.")
    return sources


def _source(part: CaptionedPictures | Islands | Shores, seed: int, cache: Path, progress: Progress) -> Source:
    """Open one source."""
    if isinstance(part, CaptionedPictures):
        return CaptionedSource.read(part, seed, cache, progress)
    if isinstance(part, Shores):
        from engine.learning.shores import ShoreSource  # reads scenes: as below

        return ShoreSource.read(part, seed, progress)
    from engine.learning.islands import IslandSource  # makes worlds: only who asks for them pays for it

    return IslandSource.read(part, seed, cache, progress)


def _steps(training: Training, run: Run, progress: Progress, cancel: Cancel | None) -> None:
    """All steps that are left; a checkpoint after each epoch and when stopped."""
    losses: list[float] = []
    begun, first = time.perf_counter(), training.step
    while training.step < training.steps and not training.exhausted:
        if cancel is not None and cancel.is_set():
            run.save(training.state())
            raise Cancelled("The training", f"{training.step} of {training.steps} steps are kept; go on with --resume.")
        losses.append(_step(training, progress))
        left = (time.perf_counter() - begun) / (training.step - first) * (training.steps - training.step)
        progress(f"training, {_clock(left)} left, loss {losses[-1]:.2f}", training.step, training.steps)
        if training.step % training.steps_per_epoch == 0:
            _epoch(training, run, float(np.mean(losses)))
            losses.clear()
    if training.exhausted:
        progress("stopped early: nothing has become better for a while", training.step, training.steps)


def _step(training: Training, progress: Progress) -> float:
    """One step; when memory runs out, in parts."""
    while True:
        try:
            return training.learn()
        except (RuntimeError, MemoryError) as problem:
            if not out_of_memory(problem):
                raise
        # out of the except block, or the traceback would keep what filled the memory
        training.halve()
        words = f"out of memory: each step is now taken in {training.parts} parts, in which a picture is told from fewer others"
        logging.getLogger(__name__).warning("Step %d: %s", training.step + 1, words)
        progress(words, training.step, training.steps)


def out_of_memory(problem: BaseException) -> bool:
    """Whether memory ran out, on a GPU or a CPU."""
    return isinstance(problem, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(problem)


def _epoch(training: Training, run: Run, loss: float) -> None:
    """Validate after an epoch if it is due, note how it went and keep the state."""
    row: dict[str, float] = {"step": training.step, "epoch": training.epoch, "loss": loss, "scale": float(training.towers.scale.detach())}
    row["seconds"] = round(training.seconds, 1)
    if training.parts > 1:
        row["parts"] = training.parts
    if training.step == training.steps or training.epoch % training.recipe.validate_every == 0:
        training.judge()
        row |= {key: round(value, 4) for key, value in training.metrics.items()}
    run.note(row)
    run.save(training.state())


def _clock(seconds: float) -> str:
    """Time left in words."""
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
