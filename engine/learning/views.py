"""What holds of a part of a picture, when words were given to the whole of it.

“A pond” is said of a picture with a pond and the land around it. A tile of a real scene may show the water alone, the land alone, or some
of both; and a field without its neighbours may be a meadow.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import RecipeInvalid
from engine.learning import infrared
from engine.learning.augmentation import kept_area, seen_through
from engine.learning.draws import Draw, Water
from engine.learning.files import written
from engine.learning.water import SURE, find_water
from engine.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.learning.recipe import ViewsPart

_TRUSTED: Final = 0.08
"""Share of water that is found at least in a picture of it; where less is, the look has failed and all of the picture counts."""
_ALL: Final = 0.9
"""Share of water from which a view shows nothing else."""
_SOME: Final = 0.1
"""Share of water from which a view of another class may be called by the water."""
_TRACE: Final = 0.02
"""Share of water below which a view shows none."""


@dataclass(frozen=True, slots=True)
class Views:
    """What is known of parts of the pictures of a classified data set.

    Attributes:
        wet: (N, h, w) bool, where water is seen in each picture.
        water: (C,) bool, classes that are as much in a view as there is water; so the others.
        perhaps: (C,) bool, classes whose pictures may show such water.
        beside: (C,) bool, classes that the rest of a picture of water may be.
        beds: (C,) bool, classes of land on which water may be laid.
        alike: (G, C) bool, groups of classes that a small view doesn't tell apart.
        small: Share of a picture below which a view is small.
        infrared: Share of the pictures that are seen as if near infrared had been mixed into their colours.
    """

    wet: NDArray[np.bool_]
    water: NDArray[np.bool_]
    perhaps: NDArray[np.bool_]
    beside: NDArray[np.bool_]
    beds: NDArray[np.bool_]
    alike: NDArray[np.bool_]
    small: float
    infrared: float = 0.0

    @classmethod
    def of(
        cls,
        how: ViewsPart,
        pictures: NDArray[np.uint8],
        labels: NDArray[np.int64],
        train: NDArray[np.int64],
        classes: Sequence[str],
        cache: Path,
        progress: Progress = silent,
    ) -> Views:
        """Look for water, or take what was found before.

        Args:
            how: What the recipe says.
            pictures: (N, 3, H, W) uint8.
            labels: (N,) index of each picture's class in ``classes``.
            train: Indices of the pictures that may be learned from.
            classes: Names.
            cache: Folder for what is found.
            progress: Told of the pictures looked at.

        Raises:
            RecipeInvalid: If it names a class that there isn't.
            DataMissing: If the package isn't installed.
        """
        water, perhaps, beside, beds = (_flags(names, classes) for names in (how.water, how.perhaps, how.beside, how.beds))
        alike = np.array([_flags(group, classes) for group in how.alike], dtype=bool).reshape(-1, len(classes))
        positive, told = water[labels], ~perhaps[labels]
        content = hashlib.sha256(f"{how.package}|{SURE}|{pictures.shape}".encode())
        for part in (pictures.data, train.data, positive.data, told.data):
            content.update(part)
        path = cache / f"water-{content.hexdigest()[:12]}.npy"
        if not path.is_file():
            found = find_water(pictures, positive, train[told[train]], how.package, progress)
            with written(path) as partial, partial.open("wb") as file:
                np.save(file, found)
        return cls(np.load(path), water, perhaps, beside, beds, alike, how.small, how.infrared)

    def coloured(self, draw: Draw, random: np.random.Generator) -> Draw:
        """The draw with some of its pictures as if near infrared had been mixed in."""
        if not self.infrared:
            return draw
        may = (draw.labels & (self.water | self.perhaps)).any(axis=1)  # elsewhere what looks like water is none
        wet = torch.from_numpy(self.wet[draw.places]).float()[:, None] * torch.from_numpy(np.asarray(may))[:, None, None, None]
        wet = F.interpolate(wet, size=draw.pictures.shape[-2:], mode="bilinear", align_corners=False)
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        return replace(draw, pictures=infrared.mixed_in(draw.pictures, wet, self.infrared, generator))

    def seen(self, draw: Draw, windows: Tensor, size: int) -> Draw:
        """What holds of views of some pictures.

        Args:
            draw: The pictures with the classes of their wholes.
            windows: (B, 2, 3) what the views show.
            size: Pixels of a side of the views.

        Returns:
            The draw with the ground of its views and what is known of their water; classes that they don't tell are unsure, a class of
            water without water as well.
        """
        wet = seen_through(torch.from_numpy(self.wet[draw.places]).float()[:, None], windows, size)
        of_water = (draw.labels & self.water).any(axis=1)
        trusted = self.wet[draw.places].mean(axis=(1, 2)) >= _TRUSTED
        ground = torch.where(torch.from_numpy(of_water & trusted)[:, None, None, None], wet, 1.0)
        share, there = ground.mean(dim=(1, 2, 3)).numpy(), wet.mean(dim=(1, 2, 3)).numpy()
        gone = draw.labels & self.water & (share < _TRACE)[:, None]
        unsure = draw.unsure | gone
        unsure |= self.beside & (of_water & (share < _ALL))[:, None]
        unsure |= self.water & ((draw.labels & self.perhaps).any(axis=1) & (there >= _SOME))[:, None]
        small = (kept_area(windows).numpy() < self.small)[:, None]
        for group in self.alike:
            unsure |= group & ((draw.labels & group).any(axis=1, keepdims=True) & small)
        labels = draw.labels & ~gone
        water = Water(self.water, of_water & trusted & (share >= _TRACE), np.asarray((draw.labels & self.beds).any(axis=1)))
        return replace(draw, labels=labels, unsure=unsure & ~labels, ground=ground, water=water)


def _flags(names: Sequence[str], classes: Sequence[str]) -> NDArray[np.bool_]:
    """(C,) bool, which classes are named."""
    unknown = sorted(set(names) - set(classes))
    if unknown:
        raise RecipeInvalid("views", f"there is no class “{unknown[0]}”. There are {', '.join(classes)}.")
    return np.isin(classes, names)
