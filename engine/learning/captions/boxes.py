"""Objects in a picture, as annotations give them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from engine.learning.captions.english import Noun


@dataclass(frozen=True, slots=True)
class Frame:
    """The pixels that boxes are measured in.

    Attributes:
        width: Columns, at least 1.
        height: Rows, at least 1.
    """

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Box:
    """An object and the upright rectangle around it, in pixels from the upper left corner of the picture.

    Attributes:
        noun: What it is.
        left: Smallest column.
        top: Smallest row.
        right: Largest column, exclusive.
        bottom: Largest row, exclusive.
        crowd: Whether it holds more of them than anybody counted.

    Raises:
        ValueError: If a coordinate is not finite or nothing lies between them.
    """

    noun: Noun
    left: float
    top: float
    right: float
    bottom: float
    crowd: bool = False

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.left, self.top, self.right, self.bottom))):
            raise ValueError("a coordinate is no finite number")
        if self.right <= self.left or self.bottom <= self.top:
            raise ValueError("a box has no area")

    def within(self, frame: Frame) -> Box | None:
        """The part of it that the picture shows, or ``None``."""
        left, top = max(self.left, 0.0), max(self.top, 0.0)
        right, bottom = min(self.right, float(frame.width)), min(self.bottom, float(frame.height))
        return replace(self, left=left, top=top, right=right, bottom=bottom) if right > left and bottom > top else None

    def is_central(self, frame: Frame, share: float) -> bool:
        """Whether its centre lies in the central part of the picture; on the line it does.

        Args:
            frame: Of the picture.
            share: Part of each side that is the middle, 0–1.
        """
        across = abs((self.left + self.right) / (2 * frame.width) - 0.5)
        down = abs((self.top + self.bottom) / (2 * frame.height) - 0.5)
        return max(across, down) <= share / 2


@dataclass(frozen=True, slots=True)
class Annotated:
    """What an annotation says about one picture.

    Attributes:
        name: How it names the picture: a file name, a path or a stem.
        boxes: Its objects.
        frame: What the boxes are measured in; ``None`` for the picture's own pixels.
        faults: Why each of the objects was left out that could not be used.
    """

    name: str
    boxes: tuple[Box, ...] = ()
    frame: Frame | None = None
    faults: tuple[str, ...] = ()
