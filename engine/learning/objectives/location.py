"""The second half of GeoCLOSP: pictures of any sensor meet the places where they were taken."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from engine.errors import RecipeInvalid
from engine.learning.location import LocationEncoder
from engine.learning.metadata.table import equal
from engine.learning.objectives.base import Batch, Objective, ObjectivePart
from engine.learning.objectives.infonce import infonce
from engine.learning.part import Positive

if TYPE_CHECKING:
    from engine.learning.recipe import Recipe
    from engine.learning.training import Training

MOST_SCALE = 100.0


class LocationPart(ObjectivePart):
    """Pictures of any sensor against the places where they were taken.

    Attributes:
        kind: See the registry.
        degrees: Of the spherical harmonics.
        width: Of the network behind them.
        layers: Of the network behind them.
        scale_start: Inverse temperature at the start; learnt.
    """

    kind: Literal["location"]
    degrees: int = Field(default=10, ge=1, le=40)
    width: int = Field(default=512, ge=1)
    layers: int = Field(default=2, ge=1)
    scale_start: Positive = 1 / 0.07

    def check(self, recipe: Recipe) -> None:
        """Refuse pictures that lie nowhere.

        Raises:
            ValueError: See above.
        """
        mine = [source for number, source in enumerate(recipe.data) if self.applies(number)]
        if not any(source.tells_metadata for source in mine):
            raise ValueError("“location” needs places, which none of its sources knows; take a source of the kind island")


class Location(Objective):
    r"""GeoCLOSP's second half: InfoNCE between pictures and locations, one location encoder for all sensors.

    .. math:: L = \tfrac{1}{2} \big( \ell(z_I \to g(\lambda, \varphi)) + \ell(g(\lambda, \varphi) \to z_I) \big)

    Pictures of one place are positives of one another; a picture without a place is left out.

    Source: GeoCLOSP (repository DarthReca/closp); location encoder of SatCLIP, here without its weights.
    """

    part = LocationPart
    how: LocationPart

    def __init__(self, how: LocationPart, dim: int) -> None:
        super().__init__(how, dim)
        self.places = LocationEncoder(dim, how.degrees, how.width, how.layers)
        self.log_scale = nn.Parameter(torch.tensor(math.log(how.scale_start)))

    def begin(self, epoch: int, training: Training) -> None:
        """Refuse sources that lie nowhere.

        Raises:
            RecipeInvalid: If no picture of any of the objective's sources has a place.
        """
        mine = [source for number, source in enumerate(training.sources) if self.how.applies(number)]
        if all(record.lon is None for source in mine for record in getattr(source, "metadata", None) or ()):
            raise RecipeInvalid(training.recipe.name, "“location” needs places, and no picture knows its own.")

    def forward(self, batch: Batch) -> Tensor:
        """The loss of a batch: () float, nats; 0 without places."""
        records = [record.only(("location",)) for record in batch.draw.metadata or ()]
        rows = [row for row, record in enumerate(records) if record.known]
        if not rows:
            return batch.image.new_zeros(())
        known = [records[row] for row in rows]
        lonlat = torch.tensor([[record.lon, record.lat] for record in known], dtype=torch.float64, device=batch.image.device)
        places = self.places(lonlat)
        scale = self.log_scale.exp().clamp(max=MOST_SCALE)
        return infonce(batch.image[rows], places, scale, equal(known).to(batch.image.device))
