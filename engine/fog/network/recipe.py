"""A recipe of the fog network: everything that decides its weights, as one YAML file."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from engine.fog.network.course import Course, Some
from engine.learning.part import Part, Positive, Share

KIND: Final = "fog-network"
"""How a recipe says that it is one of these."""


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


class FogRecipe(Course):
    """A whole training of the detector.

    Attributes:
        overlap: Weight of the overlap (1 − soft CSI) beside the cross entropy.
        covered: Weight of telling higher cloud.
        stratus: What low stratus counts as while learning: fog, not fog, or neither.
        validate_every: Steps between validations and checkpoints.
        windows: What to learn from.
        variation: How it varies.
    """

    kind: Literal["fog-network"] = KIND
    overlap: float = Field(default=0.5, ge=0)
    covered: float = Field(default=0.3, ge=0)
    stratus: Literal["fog", "not fog", "neither"] = "neither"
    validate_every: Some = 200
    windows: Windows
    variation: Variation = Variation()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.halved(self.windows.size)
        return self
