"""A recipe of the nowcast's network: everything that decides its weights, as one YAML file."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from engine.fog.network.course import Course, Some
from engine.learning.part import Part, Positive, Share

KIND: Final = "fog-nowcast"
"""How a recipe says that it is one of these."""


class Windows(Part):
    """Simulated weather to learn from: SYNTHETIC, of the training regime alone.

    Attributes:
        seed: First of the series' numbers; never reach those on which anything is measured (100,000 and above).
        series: How many series to learn from; each gives up to three quantities.
        validation: How many others to validate on.
        size: Cells of a side.
        cells: Size of a cell in degrees → share of the series.
        regions: Sea region → imagers that look at it; the others are held out.
        foggy: Share of the series that have fog.
    """

    seed: int = Field(ge=0, lt=50_000)
    series: Some
    validation: Some
    size: int = Field(default=128, ge=32, le=512)
    cells: dict[float, Positive]
    regions: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]
    foggy: Share = 0.7


class NowcastRecipe(Course):
    """A whole training of the nowcast's network.

    Attributes:
        validate_every: Steps between validations and checkpoints.
        windows: What to learn from.
    """

    kind: Literal["fog-nowcast"] = KIND
    validate_every: Some = 200
    windows: Windows

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.halved(self.windows.size)
        return self
