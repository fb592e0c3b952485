"""A training between two steps: all that decides the next one, and the step itself."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import MemoryShort, RecipeInvalid, TrainingDiverged
from engine.learning.augmentation import augment, draw_windows
from engine.learning.backbone import early, start_from
from engine.learning.descent import adamw, one_cycle
from engine.learning.draws import Draw
from engine.learning.language import lesson_name, plain, teach
from engine.learning.objectives import Batch, Objective
from engine.learning.objectives.base import precision
from engine.learning.objectives.registry import OBJECTIVES
from engine.learning.phrases import Text
from engine.learning.recipe import Augmentation, CaptionedPictures, Islands, Recipe, Shores, located
from engine.learning.sources import CaptionedSource, Source, places
from engine.learning.towers import SCALE_NAME, MovingAverage, Towers, load_weights, save_weights, silence_unseen
from engine.progress import Cancel, Progress, silent
from engine.settings import settings


def shares(weights: Sequence[float], batch: int) -> tuple[int, ...]:
    """How many images of a batch come from each source: at least one each, the first takes the rounding."""
    counts = [max(1, round(batch * weight / sum(weights))) for weight in weights]
    counts[0] = max(1, batch - sum(counts[1:]))
    return tuple(counts)


@dataclass(frozen=True, slots=True)
class Piece:
    """What a part of a step has of one source.

    Attributes:
        source: Number of the source.
        start: Place of its first pair in the source's draw.
        draw: Its pairs.
        pictures: Their pictures, varied.
    """

    source: int
    start: int
    draw: Draw
    pictures: Tensor


@dataclass(frozen=True, slots=True)
class Best:
    """A validation that none after it has beaten.

    Attributes:
        value: Of the figure that is watched.
        since: Validations since.
        metrics: All figures.
        weights: The averaged weights, by name.
    """

    value: float
    since: int
    metrics: dict[str, float]
    weights: dict[str, Tensor]


@dataclass(slots=True)
class Training:
    """A training between two steps.

    Attributes:
        recipe: What is done.
        sources: Where pairs come from.
        counts: How many of each batch come from each source.
        towers: What learns.
        steady: Parts of the image tower whose batch norms keep their statistics: those that don't learn, and others if the recipe says so.
        objectives: What is minimised, with parameters of their own, in the recipe's order.
        average: The moving average, which is validated and shipped.
        optimiser: With its moments.
        device: Where the towers are.
        step: Steps done.
        seconds: Time spent on them.
        metrics: The last validation.
        parts: In how many parts a step is taken; more than one after memory ran out.
        best: The best validation so far, if the recipe stops early.
    """

    recipe: Recipe
    sources: tuple[Source, ...]
    counts: tuple[int, ...]
    towers: Towers
    steady: tuple[nn.Module, ...]
    objectives: nn.ModuleList
    average: MovingAverage
    optimiser: torch.optim.AdamW
    device: torch.device
    step: int
    seconds: float
    metrics: dict[str, float]
    parts: int = 1
    best: Best | None = None

    @classmethod
    def begin(cls, recipe: Recipe, sources: tuple[Source, ...], progress: Progress = silent, cancel: Cancel | None = None) -> Training:
        """A training before its first step; the lesson in words is given, if there is one."""
        device = _device()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            towers = Towers.build(located(recipe.model), [part.sensor for part in recipe.data])
            objectives = nn.ModuleList(OBJECTIVES[part.kind](part, towers.width) for part in recipe.objectives)
        if recipe.start is not None:
            load_weights(towers.model, located(recipe.start))
        else:
            _lesson(towers, recipe, sources[0], progress, cancel)
            if recipe.backbone is not None:
                start_from(towers.model.get_submodule("visual"), recipe.backbone.package)
            with torch.no_grad():
                getattr(towers.model, SCALE_NAME).fill_(math.log(recipe.scale.start))
        for module in (towers.model, towers.others, objectives):
            module.to(device).train()
        held = _held(towers, recipe)
        for part in held:
            part.requires_grad_(False)
        optimiser = adamw(towers, objectives, recipe.optimiser)
        average = MovingAverage.of(towers.whole, recipe.optimiser.average)
        counts = shares([part.weight for part in recipe.data], recipe.batch)
        steady = (*held, *(_batch_norms(towers) if recipe.optimiser.steady else ()))
        return cls(recipe, sources, counts, towers, steady, objectives, average, optimiser, device, 0, 0.0, {})

    @property
    def augmentations(self) -> tuple[Augmentation, ...]:
        """How the pictures of each source vary."""
        return tuple(self._augmentation(part) for part in self.recipe.data)

    def _augmentation(self, part: CaptionedPictures | Islands | Shores) -> Augmentation:
        common = self.recipe.augmentation
        if isinstance(part, Shores):
            return part.augmentation
        return common.model_copy(update={"areas": part.areas}) if isinstance(part, Islands) else common

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

        Raises:
            TrainingDiverged: If the loss or its gradient is no number; no weight has moved then.
        """
        began = time.perf_counter()
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(_seed(self.recipe.seed, 3000, self.step))  # whatever an objective draws follows from the step
            if self.step % self.steps_per_epoch == 0:
                for objective in self._objectives():
                    objective.begin(self.epoch, self)
            loss = self._backward([self.draw(number, self.step) for number in range(len(self.sources))])
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * one_cycle(self.step, self.steps, self.recipe.optimiser.warm_up)
        norm = nn.utils.clip_grad_norm_(self._parameters(), self.recipe.optimiser.clip)
        if not math.isfinite(norm):
            raise TrainingDiverged(self.step + 1, "gradient")
        self.optimiser.step()
        with torch.no_grad():
            getattr(self.towers.model, SCALE_NAME).clamp_(max=math.log(self.recipe.scale.most))
        self.average.take(self.towers.whole, self.step)
        self.step += 1
        self.seconds += time.perf_counter() - began
        return loss

    def _backward(self, draws: Sequence[Draw]) -> float:
        """The gradient of a step, part by part; the loss."""
        self.optimiser.zero_grad(set_to_none=True)
        (draws, pictures), total = self._varied(draws), 0.0
        for part in range(self.parts):
            loss = self._loss(self._part(draws, pictures, part))
            total += float(loss.detach())
            if not math.isfinite(total):
                raise TrainingDiverged(self.step + 1, "loss")
            if loss.requires_grad:
                loss.backward()  # type: ignore[no-untyped-call]
        return total

    def halve(self) -> None:
        """Take each step in twice as many parts from now on.

        What is learnt per step stays as much, in half the memory; but in each part a picture is told from half as many
        others, and batch norms see half as many.

        Raises:
            MemoryShort: If the parts are as small as they can be.
        """
        if max(self.counts) // (2 * self.parts) < 2:
            raise MemoryShort(-(-sum(self.counts) // self.parts))
        self.parts *= 2
        self.optimiser.zero_grad(set_to_none=True)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def draw(self, number: int, step: int) -> Draw:
        """What a step, counted from 0, draws of a source: the same whenever it is asked."""
        source, count, seed = self.sources[number], self.counts[number], self.recipe.seed
        draw = source.draw(places(count, len(source), step, _seed(seed, number, 0)), _rng(seed, number, step))
        random = _rng(seed, number, step, 1)
        more = tuple(text for _ in range(self.recipe.names - 1) for text in source.phrases.draw_all(random))
        return replace(draw, names=(*draw.names, *more))

    def drawn(self, number: int, epoch: int) -> Iterator[Draw]:
        """All that an epoch, counted from 0, will draw of a source, step by step."""
        return (self.draw(number, step) for step in range(epoch * self.steps_per_epoch, (epoch + 1) * self.steps_per_epoch))

    def _objectives(self) -> list[Objective]:
        """The objectives by their type."""
        return [cast("Objective", objective) for objective in self.objectives]

    def _parameters(self) -> list[nn.Parameter]:
        """All that learns."""
        return [*self.towers.whole.parameters(), *self.objectives.parameters()]

    def _part(self, draws: Sequence[Draw], pictures: Sequence[Tensor], part: int) -> list[Piece]:
        """What a part of the step has of each source."""
        pieces = []
        for number, (draw, varied) in enumerate(zip(draws, pictures, strict=True)):
            start, stop = len(draw) * part // self.parts, len(draw) * (part + 1) // self.parts
            if stop > start:
                pieces.append(Piece(number, start, draw.rows(start, stop), varied[start:stop]))
        return pieces

    def _loss(self, pieces: Sequence[Piece]) -> Tensor:
        """The objectives of each source among its own, weighted by its share: between sources nobody knows what matches."""
        total = torch.zeros((), device=self.device)
        frozen = any(objective.freezes(self.epoch, self.recipe.epochs) for objective in self._objectives())
        with self.towers.still() if frozen else contextlib.nullcontext():
            for batch in self._batches(pieces):
                losses = [each.how.weight * each(batch) for each in self._objectives() if each.how.applies(batch.source)]
                if losses:
                    total = total + torch.stack(losses).sum() * (len(batch.draw) / sum(self.counts))
        return total

    def _batches(self, pieces: Sequence[Piece]) -> list[Batch]:
        """Encode: pictures of one sensor together, and all texts together."""
        for module in self.steady:
            module.eval()
        texts = [self._texts(piece) for piece in pieces]
        with precision(self.device):
            images = self._images(pieces)
            words = self.towers.texts([text.words for own in texts for text in own]).float()
        rows = torch.split(words, [len(own) for own in texts])
        first = (self.step % self.steps_per_epoch) * torch.tensor(self.counts)
        return [
            Batch(
                draw=piece.draw,
                pictures=piece.pictures,
                again=self._views(piece),
                image=image,
                text=own[: len(piece.draw)],
                names=own[len(piece.draw) :],
                towers=self.towers,
                source=piece.source,
                order=torch.arange(len(piece.draw)) + piece.start + first[piece.source],
            )
            for piece, image, own in zip(pieces, images, rows, strict=True)
        ]

    def _varied(self, draws: Sequence[Draw]) -> tuple[list[Draw], list[Tensor]]:
        """The pictures of each source, varied, and what the views still show of what was drawn."""
        random = torch.Generator().manual_seed(_seed(self.recipe.seed, 1000, self.step))
        size, seen, pictures = self.recipe.size_at(self.epoch), [], []
        for source, draw, how in zip(self.sources, draws, self.augmentations, strict=True):
            windows = draw_windows(len(draw), how, random)
            pictures.append(augment(draw.pictures, size, how, random, windows))
            seen.append(source.seen(draw, windows, size))
        return seen, pictures

    def _views(self, piece: Piece) -> Callable[[], Tensor]:
        """Further random views of the pictures."""
        random = torch.Generator().manual_seed(_seed(self.recipe.seed, 2000 + piece.source, self.step, piece.start))
        return lambda: augment(piece.draw.pictures, self.recipe.size_at(self.epoch), self.augmentations[piece.source], random)

    def _images(self, pieces: Sequence[Piece]) -> list[Tensor]:
        """(B, D) unit rows of each piece; one pass for each sensor, so that batch norms see all of its pictures."""
        rows: dict[int, Tensor] = {}
        for sensor in dict.fromkeys(piece.draw.sensor for piece in pieces):
            mine = [piece for piece in pieces if piece.draw.sensor == sensor]
            encoded = self.towers.images(torch.cat([piece.pictures for piece in mine]), sensor).float()
            rows |= dict(zip((piece.source for piece in mine), torch.split(encoded, [len(piece.draw) for piece in mine]), strict=True))
        return [rows[piece.source] for piece in pieces]

    def _texts(self, piece: Piece) -> tuple[Text, ...]:
        """What is encoded of a draw: its texts, and words for all classes if an objective asks for them."""
        asked = any(objective.asks_names and objective.how.applies(piece.source) for objective in self._objectives())
        return (*piece.draw.texts, *piece.draw.names) if asked else piece.draw.texts

    def validate(self) -> dict[str, float]:
        """Measure the averaged weights on what the sources hold out."""
        whole = self.towers.whole
        learning = {name: value.detach().clone() for name, value in whole.state_dict().items()}
        whole.load_state_dict(self.average.weights)
        try:
            return {name: value for source in self.sources for name, value in source.figures(self.towers).items()}
        finally:
            whole.load_state_dict(learning)

    def judge(self) -> None:
        """Validate, and remember the best if the recipe stops early."""
        self.metrics = self.validate()
        how = self.recipe.early_stop
        if how is None:
            return
        value = self.metrics[how.figure]
        if self.best is None or value > self.best.value:
            weights = {name: weight.detach().cpu().clone() for name, weight in self.average.weights.items()}
            self.best = Best(value, 0, self.metrics, weights)
        else:
            self.best = replace(self.best, since=self.best.since + 1)

    @property
    def exhausted(self) -> bool:
        """Whether the recipe's patience is at its end."""
        how = self.recipe.early_stop
        return how is not None and self.best is not None and self.best.since >= how.patience

    def settle(self) -> None:
        """Go back to the best validation, if one is remembered: what ships are its weights and figures."""
        if self.best is not None:
            self.average.weights = {name: weight.to(self.device) for name, weight in self.best.weights.items()}
            self.metrics = self.best.metrics

    def state(self) -> dict[str, Any]:
        """All that a later sitting needs."""
        return {
            "fingerprint": self.recipe.fingerprint,
            "step": self.step,
            "seconds": self.seconds,
            "metrics": self.metrics,
            "towers": self.towers.whole.state_dict(),
            "objectives": self.objectives.state_dict(),
            "average": self.average.weights,
            "optimiser": self.optimiser.state_dict(),
            "parts": self.parts,
            "best": {each.name: getattr(self.best, each.name) for each in fields(Best)} if self.best else None,
        }

    def restore(self, state: dict[str, Any], name: str) -> None:
        """Go back to a state.

        Raises:
            RecipeInvalid: If it belongs to another recipe or to a model of another architecture.
        """
        if state.get("fingerprint") != self.recipe.fingerprint:
            raise RecipeInvalid(name, "it has changed since the run that should be resumed. Train without --resume, or rename the recipe.")
        try:
            self.towers.whole.load_state_dict(state["towers"])
            self.objectives.load_state_dict(state["objectives"])
            self.optimiser.load_state_dict(state["optimiser"])
        except (RuntimeError, ValueError, KeyError):
            why = f"its model “{self.recipe.model.name}” is of another architecture than the run that should be resumed"
            raise RecipeInvalid(name, f"{why}. Train without --resume, or rename the recipe.") from None
        self.average.weights = {key: value.to(self.device) for key, value in state["average"].items()}
        self.step, self.seconds, self.metrics = state["step"], state["seconds"], state["metrics"]
        self.parts = state.get("parts", 1)
        self.best = Best(**state["best"]) if state.get("best") else None

    def shipped_sensors(self) -> dict[str, dict[str, Tensor]]:
        """The averaged weights of the image towers of further sensors, by sensor and name."""
        return {
            sensor: {
                name.removeprefix(f"others.{sensor}."): value.detach().cpu().clone()
                for name, value in self.average.weights.items()
                if name.startswith(f"others.{sensor}.")
            }
            for sensor in self.towers.others
        }

    def shipped(self) -> dict[str, Tensor]:
        """The averaged weights of the model with unknown words silenced, by name."""
        weights = {
            name.removeprefix("model."): value.detach().cpu().clone()
            for name, value in self.average.weights.items()
            if name.startswith("model.")
        }
        if self.recipe.language is not None or self.recipe.start is not None:  # words that no caption has were taught before
            return weights
        seen = torch.zeros(_vocabulary_size(self.towers.model), dtype=torch.bool)
        for source in self.sources:
            for words in source.vocabulary():
                seen[self.towers.tokenizer([words])[0]] = True
        silence_unseen(weights, self.towers.model, seen)
        return weights


def _lesson(towers: Towers, recipe: Recipe, source: Source, progress: Progress, cancel: Cancel | None) -> None:
    """Teach words, or take what an earlier training with the same lesson has learned.

    The lesson depends on the data's seed alone, so that trainings that are compared over seeds share it.
    """
    how = recipe.language
    if how is None or not isinstance(source, CaptionedSource):
        return
    cached = settings().data_dir / "cache" / lesson_name(recipe.model, how, recipe.data[0].phrases, recipe.of_data)
    if not cached.is_file():
        never = frozenset(plain(text) for index in source.parts.held_out for text in source.records[index].captions)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.of_data)
            pupil = Towers.build(located(recipe.model))
        teach(pupil, how, source.phrases, never, recipe.of_data, progress, cancel)
        save_weights(pupil.model.state_dict(), cached)
    load_weights(towers.model, cached, keep=("visual.", SCALE_NAME))


def _held(towers: Towers, recipe: Recipe) -> tuple[nn.Module, ...]:
    """The stages of the image network that don't learn.

    Raises:
        RecipeInvalid: If it has none.
    """
    try:
        return early(towers.model.get_submodule("visual"), recipe.optimiser.held) if recipe.optimiser.held else ()
    except AttributeError:
        why = f"its model “{recipe.model.name}” has no stages to hold. Leave “held” out, or take a timm network that has them."
        raise RecipeInvalid(recipe.name, why) from None


def _batch_norms(towers: Towers) -> tuple[nn.Module, ...]:
    """Those of the image tower."""
    return tuple(module for module in towers.model.get_submodule("visual").modules() if isinstance(module, nn.modules.batchnorm._BatchNorm))


def _device() -> torch.device:
    """Where to train, as the settings say."""
    asked = settings().device
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if asked == "auto" else asked)


def _vocabulary_size(model: nn.Module) -> int:
    """Tokens that the text tower knows."""
    return max(module.num_embeddings for module in model.modules() if isinstance(module, nn.Embedding))


def _seed(*parts: int) -> int:
    """One seed of several numbers."""
    return int(np.random.SeedSequence(list(parts)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _rng(*parts: int) -> np.random.Generator:
    """A generator of its own for each source and step."""
    return np.random.default_rng(list(parts))
