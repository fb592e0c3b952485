"""Teaching the network: the same recipe gives the same weights, and a stopped run goes on where it was."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from engine.errors import Cancelled, RecipeInvalid, TrainingDiverged
from engine.fog.labels import Label
from engine.fog.network.calibration import Calibration
from engine.fog.network.export import export
from engine.fog.network.features import NAMES
from engine.fog.network.gate import Gate
from engine.fog.network.recipe import FogRecipe
from engine.fog.network.unet import UNet
from engine.fog.network.variation import laid, varied
from engine.fog.network.windows import Store, Window
from engine.learning.report import TrainReport
from engine.learning.run import Run
from engine.memory import keep_memory
from engine.progress import Cancel, Progress, silent
from engine.settings import settings
from engine.world.noise import stream
from engine.world.weather.sky import HIDDEN_FROM

_WARM_UP = 0.1
_EVERY = 20
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
    recipe = FogRecipe.read(recipe_path)
    recipe = recipe if seed is None else recipe.seeded(seed)
    cache = settings().data_dir / "cache"
    lesson = Lesson.begin(recipe, Store.of(recipe.windows, cache, progress=tell))
    validation = Store.of(recipe.windows, cache, validation=True, progress=tell)
    run = Run(out or settings().data_dir / "runs" / recipe.name)
    state = run.load() if resume else None
    if state is not None:
        lesson.restore(state, Path(recipe_path).name)
    run.forget_after(lesson.step)
    _steps(lesson, validation, run, tell, cancel)
    run.draw(recipe.name)
    logits, truth = judged(lesson.average, validation)
    calibration = Calibration.fit(logits, truth)
    figures = calibration.figures(logits, truth)
    path = run.folder / f"{recipe.name}.onnx"
    about = {"recipe": recipe.name, "fingerprint": recipe.fingerprint, "seed": recipe.seed, "steps": recipe.last, "validation": figures}
    export(lesson.average, path, calibration, Gate.fit(_some(lesson.windows)), about)
    return TrainReport(path, -(-recipe.last * recipe.batch // len(lesson.windows)), figures, lesson.seconds)


@dataclass(eq=False)
class Lesson:
    """Everything that changes while learning.

    Attributes:
        recipe: What to do.
        windows: What to learn from.
        network: The weights that learn.
        average: Their moving average, which ships.
        optimiser: AdamW.
        step: Steps done.
        seconds: Time spent.
    """

    recipe: FogRecipe
    windows: Store
    network: UNet
    average: UNet
    optimiser: torch.optim.AdamW
    step: int = 0
    seconds: float = 0.0

    @classmethod
    def begin(cls, recipe: FogRecipe, windows: Store) -> Lesson:
        """Fresh weights."""
        torch.manual_seed(recipe.seed)
        network = UNet(len(NAMES), recipe.widths)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stubs lack it; a third faster
        kernels = [each for each in network.parameters() if each.ndim > 1]
        others = [each for each in network.parameters() if each.ndim <= 1]
        groups = [{"params": kernels, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
        average = copy.deepcopy(network).eval().requires_grad_(False)
        return cls(recipe, windows, network, average, torch.optim.AdamW(groups, lr=recipe.rate))

    def learn(self) -> float:
        """One step; the loss."""
        begun = time.perf_counter()
        features, target, known, covered, sea = self._batch()
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate()
        self.network.train()
        loss = lost(self.network(features), target, known, covered, sea, self.recipe)
        if not torch.isfinite(loss):
            raise TrainingDiverged(self.step, "the loss")
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        self._follow()
        self.seconds += time.perf_counter() - begun
        return float(loss.detach())

    def _rate(self) -> float:
        """Learning rate of the step to be taken: linear warm-up, cosine to zero."""
        done, warm = self.step + 1, max(1, round(_WARM_UP * self.recipe.steps))
        if done <= warm:
            return self.recipe.rate * done / warm
        return self.recipe.rate * 0.5 * (1 + math.cos(math.pi * (done - warm) / max(1, self.recipe.steps - warm + 1)))

    def _follow(self) -> None:
        """Move the average; at first it forgets faster, so that it doesn't carry the random start."""
        decay = min(self.recipe.average, self.step / (self.step + 10))
        with torch.no_grad():
            for mean, now in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(now, 1 - decay)
                else:
                    mean.copy_(now)

    def _batch(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Features, and (B, n, m) truth: fog, where that counts, higher cloud, sea."""
        recipe, count = self.recipe, len(self.windows)
        parts = []
        for at in range(self.step * recipe.batch, (self.step + 1) * recipe.batch):
            order = stream(recipe.seed, f"order {at // count}").permutation(count)  # each window once, then anew
            parts.append(self._example(int(order[at % count]), stream(recipe.seed, f"example {at}")))
        features, *truth = (torch.from_numpy(np.stack(each)) for each in zip(*parts, strict=True))
        fog, known, covered, sea = truth
        return features.contiguous(memory_format=torch.channels_last), fog, known, covered, sea

    def _example(self, index: int, dice: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
        window = self.windows[index]
        sight = varied(window.sight, self.recipe.variation, dice)
        fields = np.concatenate([sight.features(), truth_of(window, self.recipe.stratus)])
        fields = laid(fields, int(dice.integers(8)))
        return fields[:-4], fields[-4], fields[-3], fields[-2], fields[-1]

    def state(self) -> dict[str, Any]:
        """What is needed to go on."""
        return {
            "fingerprint": self.recipe.fingerprint,
            "step": self.step,
            "seconds": self.seconds,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: Mapping[str, Any], name: str) -> None:
        """Go on from a state.

        Raises:
            RecipeInvalid: If another recipe led to it.
        """
        if state.get("fingerprint") != self.recipe.fingerprint:
            raise RecipeInvalid(name, "it has changed since the run that should be resumed. Train without --resume.")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = int(state["step"]), float(state["seconds"])


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


def _steps(lesson: Lesson, validation: Store, run: Run, progress: Progress, cancel: Cancel | None) -> None:
    """All steps that are left; a checkpoint at each validation and when stopped."""
    recipe, last, losses = lesson.recipe, lesson.recipe.last, []
    first, begun = lesson.step, time.perf_counter()
    while lesson.step < last:
        if cancel is not None and cancel.is_set():
            run.save(lesson.state())
            raise Cancelled("The training", f"{lesson.step} of {last} steps are kept; go on with --resume.")
        losses.append(lesson.learn())
        if lesson.step % _EVERY == 0 or lesson.step == last:
            left = (time.perf_counter() - begun) / (lesson.step - first) * (last - lesson.step)
            progress(f"training, {left / 60:.0f} min left, loss {np.mean(losses[-_EVERY:]):.3f}", lesson.step, last)
        if lesson.step % recipe.validate_every == 0 or lesson.step == last:
            logits, truth = judged(lesson.average, validation)
            figures = Calibration.fit(logits, truth).figures(logits, truth)
            epoch = round(lesson.step * recipe.batch / len(lesson.windows), 2)
            run.note({"step": lesson.step, "epoch": epoch, "loss": round(float(np.mean(losses)), 4), **figures})
            run.save(lesson.state())
            losses = []
