"""CLOSP and GeoCLOSP: sensors that never see the same scene meet in the words for what they see, and in where they look."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field as Key
from torch import Tensor, nn

from engine.errors import RecipeInvalid
from engine.learning.draws import Draw
from engine.learning.location import LocationEncoder
from engine.learning.objectives.base import Batch, Objective, ObjectivePart
from engine.learning.objectives.infonce import infonce
from engine.learning.objectives.satmip import MOST_SCALE, same
from engine.learning.part import Positive

if TYPE_CHECKING:
    from engine.learning.loop import Training
    from engine.learning.recipe import Recipe


class CLOSPPart(ObjectivePart):
    """Pictures of any sensor against the words for their labels.

    Attributes:
        kind: See the registry.
        targets: ``diagonal`` as published: every other text is wrong, even an equal one. ``shared``: each text that shares a label
            with the picture is right. ``jaccard``: as right as the labels agree.
        scale: Inverse temperature; published is 1. The towers' learnt one if left out.
    """

    kind: Literal["closp"]
    targets: Literal["jaccard", "shared", "diagonal"] = "jaccard"
    scale: Positive | None = None


class CLOSP(Objective):
    r"""Contrast of one sensor's pictures with texts; sensors are tied through the text tower alone.

    .. math::
        L = \tfrac{1}{2} \big( H(Q, S) + H(Q^\top, S^\top) \big), \quad
        H(Q, S) = -\tfrac{1}{B} \sum_i \sum_j \frac{Q_{ij}}{\sum_k Q_{ik}} \log \frac{e^{S_{ij}}}{\sum_k e^{S_{ik}}}, \quad
        S_{ij} = s\,z_i^\top t_j

    with :math:`Q` the identity (as published), or :math:`Q_{ij} = |L_i \cap T_j| / |L_i \cup T_j|` of the picture's labels and the
    text's. A step has a batch of each sensor, and its loss is their mean by size.

    Source: CLOSP (repository DarthReca/closp); with few labels most of the diagonal's negatives are false, hence the soft targets.
    """

    part = CLOSPPart
    how: CLOSPPart

    def forward(self, batch: Batch) -> Tensor:
        """The loss of a batch: () float, nats."""
        scale = batch.towers.scale if self.how.scale is None else batch.image.new_tensor(self.how.scale)
        if self.how.targets == "diagonal":
            return infonce(batch.image, batch.text, scale)
        target = torch.from_numpy(agreement(batch.draw)).to(batch.image)
        if self.how.targets == "shared":
            target = (target > 0).to(target.dtype)
        _, ignored = batch.matches()
        return soft_contrast(batch.image, batch.text, scale, target, ignored)


def agreement(draw: Draw) -> NDArray[np.float64]:
    """Jaccard index of each picture's labels and each text's: (B, B), picture × text.

    A text's labels are the classes that its words hold for; a sentence, which holds for no class as a whole, has those of the
    picture that it was drawn for. A picture agrees with its own text even where neither has a label.
    """
    own = np.array([not text.holds.any() for text in draw.texts])
    told = np.where(own[:, None], draw.labels, np.stack([text.holds for text in draw.texts]))
    shared = draw.labels.astype(np.float64) @ told.T.astype(np.float64)
    either = draw.labels.sum(axis=1)[:, None] + told.sum(axis=1)[None, :] - shared
    index: NDArray[np.float64] = np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)
    np.fill_diagonal(index, np.where(index.diagonal() > 0, index.diagonal(), 1.0))
    return index


def soft_contrast(image: Tensor, text: Tensor, scale: Tensor, target: Tensor, ignored: Tensor | None = None) -> Tensor:
    """The formula of :class:`CLOSP`.

    Args:
        image: (B, D) float, unit length.
        text: (T, D) float, unit length.
        scale: () float > 0, the inverse temperature.
        target: (B, T) float ≥ 0, how far image and text belong together. Rows and columns of zeros add nothing.
        ignored: (B, T) bool, pairs left out of the denominators; one with a target never is.

    Returns:
        () float, nats.
    """
    logits = scale * image @ text.T
    if ignored is not None:
        logits = logits.masked_fill(ignored & (target == 0), -torch.inf)
    return (_one_way(logits, target) + _one_way(logits.T, target.T)) / 2


def _one_way(logits: Tensor, target: Tensor) -> Tensor:
    """Cross entropy of each row against its targets, scaled to sum to 1: (B, T), (B, T) → ()."""
    mass = target.sum(dim=1)
    share = target / mass.clamp(min=torch.finfo(target.dtype).tiny)[:, None]
    log_share = logits.log_softmax(dim=1).masked_fill(target == 0, 0.0)
    return -(share * log_share).sum() / (mass > 0).sum().clamp(min=1)


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
    degrees: int = Key(default=10, ge=1, le=40)
    width: int = Key(default=512, ge=1)
    layers: int = Key(default=2, ge=1)
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
        scale = self.log_scale.clamp(max=MOST_SCALE).exp()
        return infonce(batch.image[rows], places, scale, same(known).to(batch.image.device))
