"""A recipe of the fog network: everything that decides its weights, as one YAML file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from engine.errors import RecipeInvalid
from engine.learning.part import Part, Positive, Share

KIND: Final = "fog-network"
"""How a recipe says that it is one of these."""

Some = Annotated[int, Field(ge=1)]


class Windows(Part):
    """Simulated weather to learn from: SYNTHETIC, of the training regime alone.

    Attributes:
        seed: First of the series' numbers; never reach those on which anything is measured (100,000 and above).
        series: How many series to learn from.
        validation: How many others to validate and calibrate on; their weather is drawn as it comes.
        frames: Frames of each series.
        size: Cells of a side.
        cells: Size of a cell in degrees → share of the series.
        regions: Sea region → imagers that look at it; the others are held out.
        foggy: Share of the learned series that have fog; that of the regime would waste most steps.
        twilight: Share of the frames that are sought near sunrise and sunset.
    """

    seed: int = Field(ge=0, lt=50_000)
    series: Some
    validation: Some
    frames: int = Field(default=4, ge=1, le=48)
    size: int = Field(default=96, ge=16, le=512)
    cells: dict[float, Positive]
    regions: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]
    foggy: Share = 0.6
    twilight: Share = 0.2


class Variation(Part):
    """How windows vary each time that they are seen; shares are probabilities per window.

    Attributes:
        sea_bias: Standard deviation of a further error of the sea surface temperature, K.
        sea_wrong: Share of windows where that error is even, up to ``sea_most``.
        sea_most: See above, K.
        near_bias: Standard deviation of a calibration error of 3.9 µm, K.
        gain: Largest relative calibration error of reflectances.
        noise: Standard deviation of further noise of brightness temperatures, K; drawn between 0 and this.
        without: Element → share of windows that lack it.
        dark: Share of windows that lack all reflectances.
    """

    sea_bias: float = Field(default=0.5, ge=0)
    sea_wrong: Share = 0.2
    sea_most: float = Field(default=2.5, ge=0)
    near_bias: float = Field(default=0.3, ge=0)
    gain: Share = 0.08
    noise: float = Field(default=0.15, ge=0)
    without: dict[str, Share] = Field(default_factory=dict)
    dark: Share = 0.04


class FogRecipe(Part):
    """A whole training.

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
        overlap: Weight of the overlap (1 − soft CSI) beside the cross entropy.
        covered: Weight of telling higher cloud.
        stratus: What low stratus counts as while learning: fog, not fog, or neither.
        validate_every: Steps between validations and checkpoints.
        windows: What to learn from.
        variation: How it varies.
    """

    kind: Literal["fog-network"] = KIND
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    seed: int = Field(ge=0)
    widths: Annotated[tuple[Some, ...], Field(min_length=2, max_length=6)] = (24, 48, 128)
    steps: Some
    ends: Some | None = None
    batch: int = Field(default=16, ge=1)
    rate: Positive = 3e-3
    weight_decay: float = Field(default=0.01, ge=0)
    average: float = Field(default=0.995, ge=0, lt=1)
    overlap: float = Field(default=0.5, ge=0)
    covered: float = Field(default=0.3, ge=0)
    stratus: Literal["fog", "not fog", "neither"] = "neither"
    validate_every: Some = 200
    windows: Windows
    variation: Variation = Variation()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        halvings = len(self.widths)
        if self.windows.size % 2**halvings:
            raise ValueError(f"windows of {self.windows.size} cells can't be halved {halvings} times")
        return self

    @classmethod
    def read(cls, path: str | Path) -> FogRecipe:
        """Read and check a recipe.

        Raises:
            RecipeInvalid: If the file can't be read, has a key nobody knows or a value that can't be.
        """
        path = Path(path)
        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
            raise RecipeInvalid(path.name, f"it can't be read ({type(problem).__name__}).") from None
        except ValidationError as problem:
            first = problem.errors()[0]
            where = ".".join(str(step) for step in first["loc"]) or "recipe"
            raise RecipeInvalid(path.name, f"“{where}”: {first['msg'][0].lower()}{first['msg'][1:]}.") from None

    def seeded(self, seed: int) -> FogRecipe:
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
