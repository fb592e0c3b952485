"""What recipes of the small fog networks have in common."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import Field, ValidationError

from engine.errors import RecipeInvalid
from engine.learning.part import Part, Positive

Some = Annotated[int, Field(ge=1)]


class Course(Part):
    """A training of a :class:`engine.fog.network.unet.UNet`.

    Attributes:
        kind: Tells it from other recipes.
        name: Names the run's folder and the weights.
        seed: Decides weights, order and variations; the windows have their own.
        widths: Channels of each level of the U-Net; each level halves the resolution, the first, too.
        steps: Optimiser steps that the learning rate is laid out for.
        ends: Step after which it ends all the same, or never: the average of the weights is good before the rate is down.
        batch: Windows a step.
        rate: Peak learning rate (AdamW; linear warm-up, cosine to zero).
        weight_decay: Of kernels.
        average: Decay a step of the moving average of the weights, which is what is validated and shipped.
    """

    kind: str
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    seed: int = Field(ge=0)
    widths: Annotated[tuple[Some, ...], Field(min_length=2, max_length=6)] = (24, 48, 128)
    steps: Some
    ends: Some | None = None
    batch: int = Field(default=16, ge=1)
    rate: Positive = 3e-3
    weight_decay: float = Field(default=0.01, ge=0)
    average: float = Field(default=0.995, ge=0, lt=1)

    @classmethod
    def read(cls, path: str | Path, seed: int | None = None) -> Self:
        """Read and check a recipe; with another seed than its own, if one is given.

        Raises:
            RecipeInvalid: If the file can't be read, has a key nobody knows or a value that can't be.
        """
        path = Path(path)
        try:
            course = cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
            return course if seed is None else course.seeded(seed)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
            raise RecipeInvalid(path.name, f"it can't be read ({type(problem).__name__}).") from None
        except ValidationError as problem:
            first = problem.errors()[0]
            where = ".".join(str(step) for step in first["loc"]) or "recipe"
            raise RecipeInvalid(path.name, f"“{where}”: {first['msg'][0].lower()}{first['msg'][1:]}.") from None

    def seeded(self, seed: int) -> Self:
        """The same training from another seed, on the same windows; its name says so."""
        return self.model_copy(update={"seed": seed, "name": f"{self.name[:50]}-seed{seed}"})

    @property
    def last(self) -> int:
        """The step after which it ends."""
        return self.steps if self.ends is None else min(self.ends, self.steps)

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits of all that decides the outcome: a run resumes only under the same ones."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]

    def halved(self, size: int) -> None:
        """Check that windows of so many cells can be halved at each level.

        Raises:
            ValueError: If not.
        """
        if size % 2 ** len(self.widths):
            raise ValueError(f"windows of {size} cells can't be halved {len(self.widths)} times")


def windows_folder(how: Part, cache: Path, kind: str, edition: int, *, validation: bool) -> Path:
    """Where a recipe's windows are kept: the name changes with all that decides them.

    Args:
        how: The recipe's part; it has ``series`` to learn from and ``validation``.
        cache: Folder of what can be made again.
        kind: First words of the name.
        edition: Raised when windows come out otherwise.
        validation: Whether those that are validated on are meant.
    """
    said = how.model_dump(mode="json")
    said.pop("series" if validation else "validation")
    return cache / f"synthetic-{kind}-windows-{hashlib.sha256(json.dumps([said, validation, edition]).encode()).hexdigest()[:12]}"
