"""Teaching the nowcast's network: how the air changes on its way, so that what is carried fits what came better than flow alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from engine.fog.network.export import written
from engine.fog.network.learner import Learner, taught
from engine.fog.network.unet import UNet
from engine.fog.network.variation import laid
from engine.fog.nowcast.network.learned import Range
from engine.fog.nowcast.network.recipe import NowcastRecipe
from engine.fog.nowcast.network.sight import FRAMES, LEADS, NAMES, features, turned
from engine.fog.nowcast.network.windows import Store, Window
from engine.learning.report import TrainReport
from engine.memory import keep_memory
from engine.progress import Cancel, Progress, silent
from engine.settings import settings

_EASY = 0.02
"""Mean error of flow, scaled, below which a window counts less: there is nothing to learn from a sea without clouds."""


def train(
    recipe_path: str | Path,
    *,
    resume: bool = False,
    seed: int | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    out: Path | None = None,
) -> TrainReport:
    """Train the nowcast's network on simulated weather.

    Args:
        recipe_path: YAML, see :class:`engine.fog.nowcast.network.recipe.NowcastRecipe`.
        resume: Go on from the last checkpoint, if there is one; else start anew.
        seed: In the place of the recipe's own; the windows stay the same.
        progress: Called as (stage, steps done, steps in all).
        cancel: Stops after the running step; a checkpoint is kept.
        out: Folder of the run; default ``runs/NAME`` below the data folder.

    Raises:
        RecipeInvalid: If the recipe can't be used, or has changed since the run that should be resumed.
        DataMissing: If the coastline is absent.
        TrainingDiverged: If the loss is no number; the last checkpoint is kept.
        Cancelled: After ``cancel`` was set.
    """
    keep_memory()
    tell = progress or silent
    recipe = NowcastRecipe.read(recipe_path, seed)
    cache = settings().data_dir / "cache"
    learner = Changing(recipe, Store.of(recipe.windows, cache, progress=tell))
    validation = Store.of(recipe.windows, cache, validation=True, progress=tell)

    def judge() -> dict[str, float]:
        return judged(learner.average, validation)

    run = taught(learner, judge, recipe.validate_every, recipe_path=recipe_path, resume=resume, out=out, progress=tell, cancel=cancel)
    figures = judged(learner.average, validation)
    path = run.folder / f"{recipe.name}.onnx"
    written(learner.average, path, recipe.name, NAMES, about(recipe, learner, figures))
    return TrainReport(path, -(-recipe.last * recipe.batch // learner.count), figures, learner.seconds)


class Changing(Learner):
    """Learning how clouds change.

    Attributes:
        windows: What to learn from.
    """

    def __init__(self, recipe: NowcastRecipe, windows: Store) -> None:
        """Fresh weights that begin with no change."""
        super().__init__(recipe, len(windows), lambda: still(UNet(len(NAMES), recipe.widths, len(LEADS), 0.0)))
        self.windows = windows

    def loss(self, picked: list[tuple[int, np.random.Generator]]) -> Tensor:
        """See :class:`Learner`."""
        batch = Batch.of([varied(self.windows[index], int(dice.integers(8))) for index, dice in picked])
        return batch.worth(self.network(batch.features)).mean()


def still(network: UNet) -> UNet:
    """A network that says no change: from there it can only learn."""
    with torch.no_grad():
        network.head.weight.zero_()
    return network


def varied(window: Window, way: int) -> Window:
    """A window laid in one of eight ways."""
    planes = laid(np.concatenate([window.frames, window.came]), way)
    shifts = turned(window.displacements, way).astype(np.float32)
    return Window(planes[:FRAMES], planes[FRAMES:], shifts, window.probability)


class Batch:
    """Windows as tensors.

    Attributes:
        features: (B, C, n, m).
        now: (B, 1, n, m) newest frame, 0 where it is unknown.
        known: (B, 1, n, m) where it is known.
        came: (B, 4, n, m), 0 where it is unknown.
        judged: (B, 4, n, m) where a forecast can be judged: what arrives was seen, and so was what came.
        grid: (B, 4, n, m, 2) where the air that arrives comes from, as torch wants it.
    """

    def __init__(self, seen: Tensor, now: Tensor, came: Tensor, displacements: Tensor) -> None:
        self.features = seen.contiguous(memory_format=torch.channels_last)
        self.known = torch.isfinite(now).float()
        self.now = now.nan_to_num(0.0)
        rows, columns = now.shape[-2:]
        place = torch.stack(torch.meshgrid(torch.arange(columns), torch.arange(rows), indexing="xy")).float()
        sides = torch.tensor([columns - 1.0, rows - 1.0]).view(2, 1, 1)
        self.grid = (2 * (place + displacements) / sides - 1).movedim(2, -1)
        self.came = came.nan_to_num(0.0)
        self.judged = ((self.carried(self.known.expand(-1, FRAMES, -1, -1)) > 0.999) & torch.isfinite(came)).float()

    @classmethod
    def of(cls, windows: list[Window]) -> Batch:
        """Put windows together."""
        seen = [features(window.frames, window.speed, window.probability) for window in windows]
        now, came, shifts = (
            torch.from_numpy(np.stack(each))
            for each in ([w.frames[:1] for w in windows], [w.came for w in windows], [w.displacements for w in windows])
        )
        return cls(torch.from_numpy(np.stack(seen)), now, came, shifts)

    def carried(self, fields: Tensor) -> Tensor:
        """(B, 4, n, m) fields, each carried along the displacements of its lead."""
        flat = F.grid_sample(fields.flatten(0, 1)[:, None], self.grid.flatten(0, 1), align_corners=True)
        return flat.view(fields.shape)

    def errors(self, changes: Tensor) -> Tensor:
        """(B, 4) mean absolute error, scaled, of the newest frame with changes, carried; 0 where nothing can be judged."""
        missed = (self.carried((self.now + changes) * self.known) - self.came).abs() * self.judged
        return missed.sum((-2, -1)) / self.judged.sum((-2, -1)).clamp(min=1)

    def worth(self, changes: Tensor) -> Tensor:
        """(B, 4) error in units of that of flow, which changes nothing."""
        with torch.no_grad():
            flow = self.errors(torch.zeros_like(changes))
        return self.errors(changes) / (flow + _EASY)


def judged(network: UNet, windows: Store, batch: int = 16) -> dict[str, float]:
    """Gain on flow, 1 − error / its error: of all windows, and of masks and bands; windows count alike."""
    network.eval()
    gains, masks = [], []
    for start in range(0, len(windows), batch):
        some = [windows[index] for index in range(start, min(start + batch, len(windows)))]
        with torch.inference_mode():
            part = Batch.of(some)
            said, flow = part.errors(network(part.features)), part.errors(torch.zeros(len(some), FRAMES, *some[0].frames.shape[1:]))
        gains += (1 - said.sum(1) / flow.sum(1).clamp(min=1e-6)).tolist()
        masks += [window.probability for window in some]
    found, of_masks = np.array(gains), np.array(masks)
    parts = {"gain": found, "gain_masks": found[of_masks], "gain_bands": found[~of_masks], "helped": found > 0}
    return {name: round(float(np.mean(values)), 4) for name, values in parts.items() if values.size}


def about(recipe: NowcastRecipe, learner: Changing, figures: dict[str, float]) -> dict[str, Any]:
    """What the record says beside the features."""
    return {
        "recipe": recipe.name,
        "fingerprint": recipe.fingerprint,
        "seed": recipe.seed,
        "steps": recipe.last,
        "validation": figures,
        "leads": list(LEADS),
        "cells": [min(recipe.windows.cells), max(recipe.windows.cells)],
        "range": {name: Range.fit(some(learner.windows, probability)).record() for name, probability in (("mask", True), ("band", False))},
    }


def some(windows: Store, probability: bool) -> NDArray[np.float32]:
    """(C, N) features of every 97th cell of the windows of one kind."""
    chosen = [windows[int(index)] for index in np.flatnonzero(windows.probability == probability)]
    found = [features(window.frames, window.speed, window.probability).reshape(len(NAMES), -1)[:, ::97] for window in chosen]
    return np.concatenate(found, axis=1) if found else np.zeros((len(NAMES), 0), np.float32)
