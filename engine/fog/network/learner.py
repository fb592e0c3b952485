"""Teaching a small fog network: the same recipe gives the same weights, and a stopped run goes on where it was."""

from __future__ import annotations

import copy
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.errors import Cancelled, RecipeInvalid, TrainingDiverged
from engine.fog.network.course import Course
from engine.fog.network.unet import UNet
from engine.learning.run import Run
from engine.progress import Cancel, Progress
from engine.settings import settings
from engine.world.noise import stream

_WARM_UP = 0.1
_EVERY = 20


class Learner(ABC):
    """Everything that changes while learning.

    Attributes:
        course: What to do.
        count: Windows to learn from.
        network: The weights that learn.
        average: Their moving average, which ships.
        optimiser: AdamW.
        step: Steps done.
        seconds: Time spent.
    """

    def __init__(self, course: Course, count: int, build: Callable[[], UNet]) -> None:
        """Fresh weights.

        Args:
            course: What to do.
            count: Windows to learn from.
            build: The network, from torch's own dice.
        """
        torch.manual_seed(course.seed)
        self.course, self.count, self.network = course, count, build()
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stubs lack it; a third faster
        kernels = [each for each in self.network.parameters() if each.ndim > 1]
        others = [each for each in self.network.parameters() if each.ndim <= 1]
        groups = [{"params": kernels, "weight_decay": course.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.optimiser = torch.optim.AdamW(groups, lr=course.rate)
        self.step, self.seconds = 0, 0.0

    @abstractmethod
    def loss(self, picked: list[tuple[int, np.random.Generator]]) -> Tensor:
        """What the network loses on some windows.

        Args:
            picked: Number of the window, and the dice of its variation.
        """

    def learn(self) -> float:
        """One step; the loss."""
        begun = time.perf_counter()
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate()
        self.network.train()
        loss = self.loss(self._picked())
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

    def _picked(self) -> list[tuple[int, np.random.Generator]]:
        """The windows of a step: each once, then anew."""
        course, found = self.course, []
        for at in range(self.step * course.batch, (self.step + 1) * course.batch):
            order = stream(course.seed, f"order {at // self.count}").permutation(self.count)
            found.append((int(order[at % self.count]), stream(course.seed, f"example {at}")))
        return found

    def _rate(self) -> float:
        """Learning rate of the step to be taken: linear warm-up, cosine to zero."""
        done, warm = self.step + 1, max(1, round(_WARM_UP * self.course.steps))
        if done <= warm:
            return self.course.rate * done / warm
        return self.course.rate * 0.5 * (1 + math.cos(math.pi * (done - warm) / max(1, self.course.steps - warm + 1)))

    def _follow(self) -> None:
        """Move the average; at first it forgets faster, so that it doesn't carry the random start."""
        decay = min(self.course.average, self.step / (self.step + 10))
        with torch.no_grad():
            for mean, now in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(now, 1 - decay)
                else:
                    mean.copy_(now)

    def state(self) -> dict[str, Any]:
        """What is needed to go on."""
        return {
            "fingerprint": self.course.fingerprint,
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
        if state.get("fingerprint") != self.course.fingerprint:
            raise RecipeInvalid(name, "it has changed since the run that should be resumed. Train without --resume.")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = int(state["step"]), float(state["seconds"])


def taught(
    learner: Learner,
    judge: Callable[[], Mapping[str, float]],
    every: int,
    *,
    recipe_path: str | Path,
    resume: bool,
    out: Path | None,
    progress: Progress,
    cancel: Cancel | None,
) -> Run:
    """Teach to the end of the course, from the start or from where a run was, and draw its curves.

    Args:
        learner: What is taught.
        judge: Figures of the validation.
        every: Steps between validations.
        recipe_path: Named where the recipe has changed since.
        resume: Go on from the last checkpoint, if there is one.
        out: Folder of the run; default ``runs/NAME`` below the data folder.
        progress: Told of the loss.
        cancel: Stops after the running step.

    Returns:
        The run's folder.

    Raises:
        RecipeInvalid: If another recipe led to the run that should be resumed.
        Cancelled: After ``cancel`` was set.
        TrainingDiverged: If the loss is no number.
    """
    name = learner.course.name
    run = Run(out or settings().data_dir / "runs" / name)
    state = run.load() if resume else None
    if state is not None:
        learner.restore(state, Path(recipe_path).name)
    run.forget_after(learner.step)
    _follow(learner, run, judge, every, progress, cancel)
    run.draw(name)
    return run


def _follow(
    learner: Learner, run: Run, judge: Callable[[], Mapping[str, float]], every: int, progress: Progress, cancel: Cancel | None
) -> None:
    """All steps that are left; a checkpoint at each validation and when stopped."""
    course, last, losses = learner.course, learner.course.last, []
    first, begun = learner.step, time.perf_counter()
    while learner.step < last:
        if cancel is not None and cancel.is_set():
            run.save(learner.state())
            raise Cancelled("The training", f"{learner.step} of {last} steps are kept; go on with --resume.")
        losses.append(learner.learn())
        if learner.step % _EVERY == 0 or learner.step == last:
            left = (time.perf_counter() - begun) / (learner.step - first) * (last - learner.step)
            progress(f"training, {left / 60:.0f} min left, loss {np.mean(losses[-_EVERY:]):.3f}", learner.step, last)
        if learner.step % every == 0 or learner.step == last:
            epoch = round(learner.step * course.batch / learner.count, 2)
            run.note({"step": learner.step, "epoch": epoch, "loss": round(float(np.mean(losses)), 4), **judge()})
            run.save(learner.state())
            losses = []
