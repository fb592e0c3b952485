"""The one training loop: the same recipe on two CPU cores and on a GPU, to be stopped and resumed at any step."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import Cancelled, RecipeInvalid
from engine.learning.augmentation import augment
from engine.learning.language import lesson_name, plain, teach
from engine.learning.objectives import infonce
from engine.learning.phrases import Text
from engine.learning.recipe import Augmentation, CaptionedPictures, Islands, Optimiser, Recipe, located
from engine.learning.report import TrainReport
from engine.learning.run import Run
from engine.learning.sources import CaptionedSource, Draw, Source, class_matches, matches, places
from engine.learning.towers import SCALE_NAME, MovingAverage, Towers, export, load_weights, save_weights, silence_unseen
from engine.learning.validation import validate
from engine.progress import Cancel, Progress, silent
from engine.settings import settings


def train(
    recipe_path: str | Path,
    *,
    resume: bool = False,
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
        progress: Called as (stage with time left, steps done, steps in all).
        cancel: Stops after the running step; a checkpoint is kept.
        out: Folder of the run; default ``runs/NAME`` below the data folder.

    Raises:
        RecipeInvalid: If the recipe can't be used, or has changed since the run that should be resumed.
        DataMissing: If pictures or captions are not there.
        Cancelled: After ``cancel`` was set.
    """
    recipe = Recipe.read(recipe_path)
    tell = progress or silent
    run = Run(out or settings().data_dir / "runs" / recipe.name)
    sources = _sources(recipe, tell)
    state = run.load() if resume else None
    training = Training.begin(recipe, sources, tell, cancel)
    if state is not None:
        training.restore(state, Path(recipe_path).name)
    run.forget_after(training.step)
    _steps(training, run, tell, cancel)
    checkpoint = run.folder / f"{recipe.name}.safetensors"
    export(training.shipped(), checkpoint, {"recipe": recipe.name, "fingerprint": recipe.fingerprint, "seed": str(recipe.seed)})
    return TrainReport(checkpoint, training.epoch, training.metrics, training.seconds)


def _sources(recipe: Recipe, progress: Progress) -> tuple[Source, ...]:
    """Open all sources of a recipe."""
    cache = settings().data_dir / "cache"
    sources = tuple(_source(part, recipe.seed, cache, progress) for part in recipe.data)
    for part, source in zip(recipe.data, sources, strict=True):
        if len(source) < 1:
            raise RecipeInvalid(recipe.name, f"nothing is left to learn from in the source “{part.kind}”.")
    return sources


def _source(part: CaptionedPictures | Islands, seed: int, cache: Path, progress: Progress) -> Source:
    """Open one source."""
    if isinstance(part, CaptionedPictures):
        return CaptionedSource.read(part, seed, cache, progress)
    from engine.learning.islands import IslandSource  # makes worlds: only who asks for them pays for it

    return IslandSource.read(part, seed, cache, progress)


def shares(weights: Sequence[float], batch: int) -> tuple[int, ...]:
    """How many images of a batch come from each source: at least one each, the first takes the rounding."""
    counts = [max(1, round(batch * weight / sum(weights))) for weight in weights]
    counts[0] = max(1, batch - sum(counts[1:]))
    return tuple(counts)


@dataclass(slots=True)
class Training:
    """A training between two steps.

    Attributes:
        recipe: What is done.
        sources: Where pairs come from.
        counts: How many of each batch come from each source.
        towers: What learns.
        average: The moving average, which is validated and shipped.
        optimiser: With its moments.
        device: Where the towers are.
        step: Steps done.
        seconds: Time spent on them.
        metrics: The last validation.
    """

    recipe: Recipe
    sources: tuple[Source, ...]
    counts: tuple[int, ...]
    towers: Towers
    average: MovingAverage
    optimiser: torch.optim.AdamW
    device: torch.device
    step: int
    seconds: float
    metrics: dict[str, float]

    @classmethod
    def begin(cls, recipe: Recipe, sources: tuple[Source, ...], progress: Progress = silent, cancel: Cancel | None = None) -> Training:
        """A training before its first step; the lesson in words is given, if there is one."""
        device = _device()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            towers = Towers.build(located(recipe.model))
        if recipe.start is not None:
            load_weights(towers.model, located(recipe.start))
        else:
            _lesson(towers, recipe, sources[0], progress, cancel)
            with torch.no_grad():
                getattr(towers.model, SCALE_NAME).fill_(math.log(recipe.objective.scale_start))
        towers.model.to(device).train()
        optimiser = _adamw(towers.model, recipe.optimiser)
        average = MovingAverage.of(towers.model, recipe.optimiser.average)
        counts = shares([part.weight for part in recipe.data], recipe.batch)
        return cls(recipe, sources, counts, towers, average, optimiser, device, 0, 0.0, {})

    @property
    def augmentations(self) -> tuple[Augmentation, ...]:
        """How the pictures of each source vary."""
        common = self.recipe.augmentation
        own = [part.areas if isinstance(part, Islands) else common.areas for part in self.recipe.data]
        return tuple(common.model_copy(update={"areas": areas}) for areas in own)

    @property
    def steps_per_epoch(self) -> int:
        """Steps of one pass over the first source."""
        return max(1, len(self.sources[0]) // self.counts[0])

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.steps_per_epoch * self.recipe.epochs

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return self.step // self.steps_per_epoch

    def learn(self) -> float:
        """Do one step.

        Returns:
            The loss, nats.
        """
        began = time.perf_counter()
        draws = [
            source.draw(
                places(count, len(source), self.step, _seed(self.recipe.seed, number, 0)), _rng(self.recipe.seed, number, self.step)
            )
            for number, (source, count) in enumerate(zip(self.sources, self.counts, strict=True))
        ]
        random = torch.Generator().manual_seed(_seed(self.recipe.seed, 1000, self.step))
        size = self.recipe.size_at(self.epoch)
        pictures = torch.cat([augment(draw.pictures, size, how, random) for draw, how in zip(draws, self.augmentations, strict=True)])
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * one_cycle(self.step, self.steps, self.recipe.optimiser.warm_up)
        with _precision(self.device):
            image = self.towers.images(pictures)
            text = self.towers.texts([words.words for draw in draws for words in self._texts(draw)])
        loss = self._loss(image.float(), text.float(), draws)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.towers.model.parameters(), self.recipe.optimiser.clip)
        self.optimiser.step()
        with torch.no_grad():
            getattr(self.towers.model, SCALE_NAME).clamp_(max=math.log(self.recipe.objective.scale_max))
        self.average.take(self.towers.model, self.step)
        self.step += 1
        self.seconds += time.perf_counter() - began
        return float(loss.detach())

    def _texts(self, draw: Draw) -> tuple[Text, ...]:
        """What is encoded of a draw: its texts, and words for all classes if they are asked for."""
        return (*draw.texts, *draw.names) if self.recipe.objective.classes else draw.texts

    def _loss(self, image: Tensor, text: Tensor, draws: Sequence[Draw]) -> Tensor:
        """The objective of each source among its own, weighted by its share: between sources nobody knows what matches."""
        total = image.new_zeros(())
        lengths = [len(self._texts(draw)) for draw in draws]
        parts = zip(torch.split(image, list(self.counts)), torch.split(text, lengths), draws, strict=True)
        for pictures, words, draw in parts:
            own, names = words[: len(draw.texts)], words[len(draw.texts) :]
            loss = infonce(pictures, own, self.towers.scale, *(mask.to(self.device) for mask in matches(draw)))
            if len(names):
                masks = (mask.to(self.device) for mask in class_matches(draw, draw.names))
                loss = loss + self.recipe.objective.classes * infonce(pictures, names, self.towers.scale, *masks)
            total = total + loss * (len(pictures) / len(image))
        return total

    def validate(self) -> dict[str, float]:
        """Measure the averaged weights on the first source's held-out part."""
        learning = {name: value.detach().clone() for name, value in self.towers.model.state_dict().items()}
        self.towers.model.load_state_dict(self.average.weights)
        try:
            first = self.sources[0]
            return validate(self.towers, first) if isinstance(first, CaptionedSource) else {}
        finally:
            self.towers.model.load_state_dict(learning)

    def state(self) -> dict[str, Any]:
        """All that a later sitting needs."""
        return {
            "fingerprint": self.recipe.fingerprint,
            "step": self.step,
            "seconds": self.seconds,
            "metrics": self.metrics,
            "model": self.towers.model.state_dict(),
            "average": self.average.weights,
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any], name: str) -> None:
        """Go back to a state.

        Raises:
            RecipeInvalid: If it belongs to another recipe.
        """
        if state["fingerprint"] != self.recipe.fingerprint:
            raise RecipeInvalid(name, "it has changed since the run that should be resumed. Train without --resume, or rename the recipe.")
        self.towers.model.load_state_dict(state["model"])
        self.average.weights = {key: value.to(self.device) for key, value in state["average"].items()}
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds, self.metrics = state["step"], state["seconds"], state["metrics"]

    def shipped(self) -> dict[str, Tensor]:
        """The averaged weights with unknown words silenced, by name."""
        weights = {name: value.detach().cpu().clone() for name, value in self.average.weights.items()}
        if self.recipe.language is not None or self.recipe.start is not None:  # words that no caption has were taught before
            return weights
        seen = torch.zeros(_vocabulary_size(self.towers.model), dtype=torch.bool)
        for source in self.sources:
            for words in source.vocabulary():
                seen[self.towers.tokenizer([words])[0]] = True
        silence_unseen(weights, self.towers.model, seen)
        return weights


def one_cycle(step: int, steps: int, warm_up: float) -> float:
    """Share of the peak learning rate: linear up, cosine down to zero; step from 0."""
    rising = max(1, round(steps * warm_up))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _steps(training: Training, run: Run, progress: Progress, cancel: Cancel | None) -> None:
    """All steps that are left; a checkpoint after each epoch and when stopped."""
    losses: list[float] = []
    begun, first = time.perf_counter(), training.step
    while training.step < training.steps:
        if cancel is not None and cancel.is_set():
            run.save(training.state())
            raise Cancelled("The training", f"{training.step} of {training.steps} steps are kept; go on with --resume.")
        losses.append(training.learn())
        left = (time.perf_counter() - begun) / (training.step - first) * (training.steps - training.step)
        progress(f"training, {_clock(left)} left, loss {losses[-1]:.2f}", training.step, training.steps)
        if training.step % training.steps_per_epoch == 0:
            last = training.step == training.steps
            if last or training.epoch % training.recipe.validate_every == 0:
                training.metrics = training.validate()
            row = {
                "step": training.step,
                "epoch": training.epoch,
                "loss": float(np.mean(losses)),
                "scale": float(training.towers.scale.detach()),
            }
            run.note({**row, "seconds": round(training.seconds, 1), **{key: round(value, 4) for key, value in training.metrics.items()}})
            run.save(training.state())
            losses.clear()


def _lesson(towers: Towers, recipe: Recipe, source: Source, progress: Progress, cancel: Cancel | None) -> None:
    """Teach words, or take what an earlier training with the same lesson has learned."""
    how = recipe.language
    if how is None or not isinstance(source, CaptionedSource):
        return
    cached = settings().data_dir / "cache" / lesson_name(recipe.model, how, recipe.data[0].phrases, recipe.seed)
    if not cached.is_file():
        never = frozenset(plain(text) for index in source.parts.held_out for text in source.records[index].captions)
        teach(towers, how, source.phrases, never, recipe.seed, progress, cancel)
        save_weights(towers.model.state_dict(), cached)
    load_weights(towers.model, cached)


def _adamw(model: nn.Module, how: Optimiser) -> torch.optim.AdamW:
    """AdamW in four groups: tower × with or without weight decay."""
    held = _held(model, how.text_layers)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if name in held:
            parameter.requires_grad_(False)
            continue
        rate = how.image_rate if name.startswith("visual.") else how.text_rate
        decays = parameter.ndim > 1 and "embedding" not in name
        groups.setdefault((rate, how.weight_decay if decays else 0.0), []).append(parameter)
    parts = [{"params": parameters, "peak": rate, "lr": rate, "weight_decay": decay} for (rate, decay), parameters in groups.items()]
    return torch.optim.AdamW(parts, betas=(0.9, 0.98), eps=1e-6, fused=True)


def _held(model: nn.Module, text_layers: int | None) -> set[str]:
    """Names of the text tower's parameters that don't learn."""
    if text_layers is None:
        return set()
    names = [name for name, _ in model.named_parameters() if not name.startswith("visual.")]
    layers = 1 + max(int(name.split("resblocks.")[1].split(".")[0]) for name in names if "resblocks." in name)
    early = tuple(f"resblocks.{layer}." for layer in range(layers - text_layers))
    return {name for name in names if "_embedding" in name or any(part in name for part in early)}


def _device() -> torch.device:
    """Where to train, as the settings say."""
    asked = settings().device
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if asked == "auto" else asked)


def _precision(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """bf16 on a GPU, fp32 on a CPU."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else contextlib.nullcontext()


def _vocabulary_size(model: nn.Module) -> int:
    """Tokens that the text tower knows."""
    return max(module.num_embeddings for module in model.modules() if isinstance(module, nn.Embedding))


def _seed(*parts: int) -> int:
    """One seed of several numbers."""
    return int(np.random.SeedSequence(list(parts)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _rng(*parts: int) -> np.random.Generator:
    """A generator of its own for each source and step."""
    return np.random.default_rng(list(parts))


def _clock(seconds: float) -> str:
    """Time left in words."""
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
