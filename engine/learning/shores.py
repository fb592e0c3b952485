"""Windows of real scenes whose water was drawn by hand: how much of a tile is water is known there, and near infrared was seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import rasterio
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from engine import imagery
from engine.errors import DataMissing, RecipeInvalid
from engine.geometry import Window
from engine.learning.draws import Draw, Water
from engine.learning.phrases import PhraseTable, Text
from engine.learning.recipe import Shore, Shores, located
from engine.progress import Progress, silent

if TYPE_CHECKING:
    from engine.learning.towers import Towers

_KNOWN: Final = 0.95
"""Share of a window that must have been seen and judged."""
_TRACE: Final = 0.02
"""Share of water below which a window is dry, and of land below which it shows none."""
_ALL: Final = 0.9
"""Share of water from which a window shows nothing that lies on land."""
_STEPS: Final = 5
"""Steps of the share of water that windows are spread over."""
_TRIES: Final = 200
"""Windows that are drawn at most for each that is kept."""


@dataclass(frozen=True, slots=True)
class ShoreSource:
    """Windows of real scenes.

    Attributes:
        pictures: (N, 3, P, P) uint8, as an encoder sees the scenes.
        share: (N,) float32 0–1, how much of each is water.
        phrases: Words of the classes.
        water: Index of the class that water is.
        land: Index of the class that the rest is, mostly; None if nobody knows.
        wet: (C,) bool, classes that dry windows don't show.
        dry: (C,) bool, classes that windows of water alone don't show.
    """

    pictures: NDArray[np.uint8]
    share: NDArray[np.float32]
    phrases: PhraseTable
    water: int
    land: int | None
    wet: NDArray[np.bool_]
    dry: NDArray[np.bool_]

    @classmethod
    def read(cls, how: Shores, seed: int, progress: Progress = silent) -> ShoreSource:
        """Cut windows out of the scenes that a recipe names.

        Raises:
            DataMissing: If a scene or its water isn't there.
            ImageUnreadable: If one can't be read.
            RecipeInvalid: If the phrases can't be read, a class isn't known, or a scene and its water don't match.
        """
        phrases = PhraseTable.read(located(how.phrases))
        unknown = sorted({how.water, *how.wet, *how.dry, *([how.land] if how.land else [])} - set(phrases.classes))
        if unknown:
            raise RecipeInvalid("shores", f"there is no class “{unknown[0]}”. There are {', '.join(phrases.classes)}.")
        parts = []
        for number, shore in enumerate(how.scenes):
            parts.append(cut(shore, how, np.random.default_rng([seed, number])))
            progress("cutting windows of shores", number + 1, len(how.scenes))
        return cls(
            np.concatenate([pictures for pictures, _ in parts]),
            np.concatenate([share for _, share in parts]),
            phrases,
            phrases.classes.index(how.water),
            phrases.classes.index(how.land) if how.land else None,
            np.isin(phrases.classes, how.wet),
            np.isin(phrases.classes, how.dry),
        )

    def __len__(self) -> int:
        return len(self.pictures)

    def draw(self, places: NDArray[np.int64], random: np.random.Generator) -> Draw:
        """Windows with words for what there is more of; of other classes nobody knows, but for those that can't be there."""
        share = self.share[places]
        labels = np.zeros((len(places), len(self.phrases.classes)), dtype=bool)
        amounts = np.zeros(labels.shape, dtype=np.float32)
        labels[:, self.water], amounts[:, self.water] = share >= _TRACE, share
        if self.land is not None:
            labels[:, self.land], amounts[:, self.land] = share <= 1 - _TRACE, 1 - share
        gone = (self.wet & (share < _TRACE)[:, None]) | (self.dry & (share >= _ALL)[:, None])
        known = np.isin(np.arange(labels.shape[1]), [self.water, -1 if self.land is None else self.land])
        return Draw(
            pictures=torch.from_numpy(self.pictures[places]),
            texts=tuple(self._text(float(part), random) for part in share),
            labels=labels,
            unsure=~(labels | gone | known),
            names=self.phrases.draw_all(random),
            places=places,
            amounts=amounts,
            water=Water.known(np.arange(labels.shape[1]) == self.water, len(places)),
        )

    def seen(self, draw: Draw, windows: Tensor, size: int) -> Draw:
        """What was drawn: crops stay so large that the share of water hardly changes."""
        return draw

    def vocabulary(self) -> Iterator[str]:
        """All phrases and templates."""
        yield from self.phrases.templates
        yield from {phrase.words for phrases in self.phrases.by_class for phrase in phrases}

    def figures(self, towers: Towers) -> dict[str, float]:
        """Nothing is held out: a scene is one place."""
        return {}

    def _text(self, share: float, random: np.random.Generator) -> Text:
        """Words for the water, or for the land where there is more of it and its class is known."""
        return self.phrases.draw(self.water if self.land is None or share >= 0.5 else self.land, random)


def cut(shore: Shore, how: Shores, random: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Windows of one scene, spread over how much of them is water as evenly as it allows.

    Returns:
        (N, 3, P, P) uint8 as an encoder sees them, near infrared mixed in; (N,) float32 0–1 shares of water.

    Raises:
        DataMissing, ImageUnreadable, RecipeInvalid: See :meth:`ShoreSource.read`.
    """
    water, judged = _water(shore)
    found = imagery.find_scenes([located(shore.scene)])
    if not found.scenes:
        raise DataMissing("A scene with known water", shore.scene.name)
    scene = found.scenes[0]
    if (scene.height, scene.width) != water.shape:
        raise RecipeInvalid(shore.water.name, f"its {water.shape[1]} × {water.shape[0]} pixels aren't those of {shore.scene.name}.")
    if max(how.sides) > min(water.shape):
        raise RecipeInvalid(shore.scene.name, f"a window of {max(how.sides)} px is larger than it.")
    most = -(-how.windows * 2 // _STEPS)  # of a step: the rare ones can't fill theirs
    pictures: list[NDArray[np.uint8]] = []
    shares: list[float] = []
    counts = [0] * _STEPS
    with imagery.open_scene(scene) as reader:
        for _ in range(_TRIES * how.windows):
            if len(pictures) == how.windows:
                break
            side = int(random.choice(how.sides))
            x, y = (int(random.integers(length - side + 1)) for length in (scene.width, scene.height))
            part = slice(y, y + side), slice(x, x + side)
            share = float(water[part].mean())
            step = min(int(share * _STEPS), _STEPS - 1)
            if judged[part].mean() < _KNOWN or counts[step] >= most:
                continue
            counts[step] += 1
            seen = Image.fromarray(reader.view(Window(x, y, side, side)).fill())
            pictures.append(np.moveaxis(np.asarray(seen.resize((how.size, how.size), Image.Resampling.BICUBIC)), -1, 0))
            shares.append(share)
    if not pictures:
        raise RecipeInvalid(shore.water.name, f"no window of {min(how.sides)} px or more has been judged for {_KNOWN:.0%}.")
    return np.stack(pictures), np.array(shares, dtype=np.float32)


def _water(shore: Shore) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where there is water, and where somebody has judged: (H, W) bool each."""
    path = located(shore.water)
    if not path.is_file():
        raise DataMissing("The water of a scene, drawn by hand", path.name)
    with rasterio.open(path) as file:
        drawn = file.read(1)
    return drawn == 1, drawn >= 0
