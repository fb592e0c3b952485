"""SatMIP and SatMIPS: a picture is matched with the record of how it was taken, and with another view of itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

import torch
from pydantic import Field as Key
from torch import Tensor, nn

from engine.errors import RecipeInvalid
from engine.learning.metadata import Field
from engine.learning.metadata.encoders import TabularEncoder, TextualEncoder
from engine.learning.metadata.table import equal
from engine.learning.objectives.base import Batch, Objective, ObjectivePart
from engine.learning.objectives.infonce import infonce
from engine.learning.part import Positive
from engine.learning.simclr import Projector, nt_xent

if TYPE_CHECKING:
    from engine.learning.recipe import Recipe
    from engine.learning.training import Training

MOST_SCALE: Final = 100.0
_ENCODERS: Final = {"textual": TextualEncoder, "tabular": TabularEncoder}


class SatMIPPart(ObjectivePart):
    """Pictures against metadata.

    Attributes:
        kind: See the registry.
        form: How metadata are read: as sentences by a BERT-like network, or as a table by an FT-Transformer.
        fields: What is read of them.
        width: Of the metadata encoder; as published (512 for sentences, 192 for a table) if left out.
        layers: Of the metadata encoder.
        heads: Of the metadata encoder.
        projected: Length of the vectors that are compared; unpublished.
        scale_start: Inverse temperature at the start; learnt; unpublished, so CLIP's.
    """

    kind: Literal["satmip"]
    form: Literal["textual", "tabular"] = "tabular"
    fields: Annotated[tuple[Field, ...], Key(min_length=1)] = ("gsd", "time", "location")
    width: int | None = Key(default=None, ge=1)
    layers: int = Key(default=3, ge=1)
    heads: int = Key(default=8, ge=1)
    projected: int = Key(default=128, ge=2)
    scale_start: Positive = 1 / 0.07

    def check(self, recipe: Recipe) -> None:
        """Refuse pictures of which nothing is known, and a width that the heads can't share.

        Raises:
            ValueError: See above.
        """
        if self.width is not None and self.width % self.heads:
            raise ValueError(f"“{self.kind}”: a width of {self.width} can't be shared by {self.heads} heads")
        for number in self.sources or ():
            if not recipe.data[number].tells_metadata:
                raise ValueError(f"“{self.kind}” needs metadata, which the source “{recipe.data[number].kind}” doesn't have")
        if not any(source.tells_metadata for source in recipe.data):
            raise ValueError(f"“{self.kind}” needs metadata, which none of “data” has; take a source of the kind island")


class SatMIPSPart(SatMIPPart):
    """Pictures against metadata and against other views of themselves.

    Attributes:
        kind: See the registry.
        views: λ, the weight of the loss between views.
        temperature: Of the loss between views, not learnt.
    """

    kind: Literal["satmips"]  # type: ignore[assignment]
    views: Positive = 1.0
    temperature: Positive = 0.1


class SatMIP(Objective):
    r"""Metadata–image pre-training.

    .. math:: L_{MI} = \tfrac{1}{2} \big( \ell(z_I \to z_M) + \ell(z_M \to z_I) \big)

    with :math:`z_I` the image's vector behind a projector, :math:`z_M` the encoded record, and ℓ InfoNCE. Pictures with equal
    records are positives of one another, and a picture of which nothing is known is left out: there is nothing to match it with.

    Source: SatMIP (ECCV 2024); projector, temperature and rate are unpublished.
    """

    part: ClassVar[type[ObjectivePart]] = SatMIPPart
    how: SatMIPPart

    def __init__(self, how: SatMIPPart, dim: int) -> None:
        super().__init__(how, dim)
        width = how.width or {"textual": 512, "tabular": 192}[how.form]
        self.records = _ENCODERS[how.form](how.projected, how.fields, width, how.layers, how.heads)
        self.matched = Projector(dim, how.projected, 2 * dim)
        self.log_scale = nn.Parameter(torch.tensor(math.log(how.scale_start)))

    def begin(self, epoch: int, training: Training) -> None:
        """Refuse sources that should know something and know nothing.

        Raises:
            RecipeInvalid: If no picture of any of the objective's sources knows any of its fields.
        """
        mine = [source for number, source in enumerate(training.sources) if self.how.applies(number)]
        if not any(record.only(self.how.fields).known for source in mine for record in getattr(source, "metadata", None) or ()):
            words = ", ".join(self.how.fields)
            raise RecipeInvalid(training.recipe.name, f"“{self.how.kind}” needs metadata, and no picture knows its {words}.")

    def forward(self, batch: Batch) -> Tensor:
        """The loss of a batch: () float, nats; 0 without metadata."""
        records = [record.only(self.how.fields) for record in batch.draw.metadata or ()]
        rows = [row for row, record in enumerate(records) if record.known]
        if not rows:
            return batch.image.new_zeros(())
        image = self.matched(batch.image[rows])
        known = [records[row] for row in rows]
        return infonce(image, self.records(known), self.scale, equal(known).to(image.device))

    @property
    def scale(self) -> Tensor:
        """() the learnt inverse temperature, at most 100."""
        return self.log_scale.exp().clamp(max=MOST_SCALE)


class SatMIPS(SatMIP):
    r"""Metadata–image pre-training with self-supervision.

    .. math:: L = L_{MI} + \lambda\,L_{SimCLR}

    Coupled: one image tower serves both losses, and the view that meets the metadata is one of the two that meet each other, so
    that a step takes two passes through the tower, not three. Each loss has a projector of its own.

    Source: SatMIPS (ECCV 2024), λ = 1; SimCLR's temperature 0.1 from Chen et al. 2020, table 5.
    """

    part = SatMIPSPart
    how: SatMIPSPart

    def __init__(self, how: SatMIPSPart, dim: int) -> None:
        super().__init__(how, dim)
        self.viewed = Projector(dim, how.projected, 2 * dim)

    def forward(self, batch: Batch) -> Tensor:
        """The loss of a batch: () float, nats; without metadata the loss between views alone."""
        second = batch.images(batch.again())
        views = nt_xent(self.viewed(batch.image), self.viewed(second), 1 / self.how.temperature)
        return super().forward(batch) + self.how.views * views
