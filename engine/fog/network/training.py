"""Teaching the network: the same recipe gives the same weights, and a stopped run goes on where it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from engine.fog.labels import Label
from engine.fog.network.calibration import Calibration
from engine.fog.network.export import export
from engine.fog.network.features import NAMES
from engine.fog.network.gate import Gate
from engine.fog.network.learner import Learner, taught
from engine.fog.network.recipe import FogRecipe
from engine.fog.network.unet import UNet
from engine.fog.network.variation import laid, varied
from engine.fog.network.windows import Store, Window
from engine.learning.report import TrainReport
from engine.memory import keep_memory
from engine.progress import Cancel, Progress, silent
from engine.settings import settings
from engine.world.weather.sky import HIDDEN_FROM

_HIDDEN_COUNTS = 0.3


def train(
    recipe_path: str | Path,
    *,
    resume: bool = False,
    seed: int | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    out: Path | None = None,
) -> TrainReport:
    """Train the fog network on simulated weather.

    Args:
        recipe_path: YAML, see :class:`engine.fog.network.recipe.FogRecipe`.
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
    recipe = FogRecipe.read(recipe_path, seed)
    cache = settings().data_dir / "cache"
    learner = Detecting(recipe, Store.of(recipe.windows, cache, progress=tell))
    validation = Store.of(recipe.windows, cache, validation=True, progress=tell)

    def judge() -> dict[str, float]:
        logits, truth = judged(learner.average, validation)
        return Calibration.fit(logits, truth).figures(logits, truth)

    run = taught(learner, judge, recipe.validate_every, recipe_path=recipe_path, resume=resume, out=out, progress=tell, cancel=cancel)
    logits, truth = judged(learner.average, validation)
    calibration = Calibration.fit(logits, truth)
    figures = calibration.figures(logits, truth)
    path = run.folder / f"{recipe.name}.onnx"
    about = {"recipe": recipe.name, "fingerprint": recipe.fingerprint, "seed": recipe.seed, "steps": recipe.last, "validation": figures}
    export(learner.average, path, calibration, Gate.fit(_some(learner.windows)), about)
    return TrainReport(path, -(-recipe.last * recipe.batch // len(learner.windows)), figures, learner.seconds)


class Detecting(Learner):
    """Learning to tell fog and higher cloud.

    Attributes:
        recipe: What to do.
        windows: What to learn from.
    """

    def __init__(self, recipe: FogRecipe, windows: Store) -> None:
        """Fresh weights."""
        super().__init__(recipe, len(windows), lambda: UNet(len(NAMES), recipe.widths))
        self.recipe, self.windows = recipe, windows

    def loss(self, picked: list[tuple[int, np.random.Generator]]) -> Tensor:
        """See :class:`Learner`."""
        parts = [self._example(*each) for each in picked]
        features, fog, known, covered, sea = (torch.from_numpy(np.stack(each)) for each in zip(*parts, strict=True))
        return lost(self.network(features.contiguous(memory_format=torch.channels_last)), fog, known, covered, sea, self.recipe)

    def _example(self, index: int, dice: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
        """Features, and (n, m) truth: fog, where that counts, higher cloud, sea."""
        window = self.windows[index]
        sight = varied(window.sight, self.recipe.variation, dice)
        fields = np.concatenate([sight.features(), truth_of(window, self.recipe.stratus)])
        fields = laid(fields, int(dice.integers(8)))
        return fields[:-4], fields[-4], fields[-3], fields[-2], fields[-1]


def truth_of(window: Window, stratus: str = "neither") -> NDArray[np.float32]:
    """(4, n, m): fog seen from above, how much that counts, higher cloud, sea.

    Fog below higher cloud is no fog seen from above, but counts less: how much cloud hides it is a matter of degree, and no score
    looks at it.
    """
    labels = window.labels
    sea = labels != Label.UNLABELLED
    low = labels == Label.LOW_STRATUS
    fog = (labels == Label.FOG) | (low if stratus == "fog" else False)
    known = (sea & (labels != Label.UNCERTAIN)).astype(np.float32)
    known[labels == Label.FOG_BELOW_CLOUD] = _HIDDEN_COUNTS
    if stratus == "neither":
        known[low] = 0
    return np.stack([fog, known, window.higher >= HIDDEN_FROM, sea]).astype(np.float32)


def lost(logits: Tensor, fog: Tensor, known: Tensor, covered: Tensor, sea: Tensor, recipe: FogRecipe) -> Tensor:
    """What is minimised: cross entropy of fog and of higher cloud over the sea, and 1 − soft CSI of fog over the whole batch."""
    entropy = (F.binary_cross_entropy_with_logits(logits[:, 0], fog, reduction="none") * known).sum() / known.sum().clamp(min=1)
    other = (F.binary_cross_entropy_with_logits(logits[:, 1], covered, reduction="none") * sea).sum() / sea.sum().clamp(min=1)
    fog, chance = fog * known, logits[:, 0].sigmoid() * known
    both = (chance * (fog > 0)).sum()
    overlap = 1 - (both + 1) / (chance.sum() + fog.sum() - both + 1)
    return torch.as_tensor(entropy + recipe.overlap * overlap + recipe.covered * other)


def judged(network: UNet, windows: Store, batch: int = 16) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(N,) logits of fog over all known pixels of windows, and whether there was any; low stratus is left out."""
    logits, truth = [], []
    network.eval()
    for start in range(0, len(windows), batch):
        some = [windows[index] for index in range(start, min(start + batch, len(windows)))]
        with torch.inference_mode():
            features = torch.from_numpy(np.stack([window.sight.features() for window in some]))
            said = network(features.contiguous(memory_format=torch.channels_last))[:, 0].numpy()
        fog, known, _, _ = np.stack([truth_of(window) for window in some]).swapaxes(0, 1)
        logits.append(said[known == 1])
        truth.append(fog[known == 1] > 0)
    return np.concatenate(logits), np.concatenate(truth)


def _some(windows: Store) -> list[Window]:
    """One of four: enough for the ranges of the gate."""
    return [windows[index] for index in range(0, len(windows), 4)]
