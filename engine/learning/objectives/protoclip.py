"""ProtoCLIP: pictures learn which group their texts fall into, texts which group their pictures fall into."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from engine.learning.augmentation import resized
from engine.learning.objectives.base import Batch, Objective, ObjectivePart, precision
from engine.learning.objectives.clusters import Clusters, grouped, principal
from engine.learning.objectives.teacher import Asked
from engine.learning.part import Positive

if TYPE_CHECKING:
    from engine.learning.recipe import Recipe
    from engine.learning.training import Training

_ALIGN: Final = ("infonce", "dcl", "sigmoid", "closp", "teacher")
_MOST_SCALE: Final = 100.0


class ProtoCLIPPart(ObjectivePart):
    """Prototypes in a recipe. An episode is an epoch.

    Attributes:
        clusters: K of both spaces; a tenth of the episode's pairs if left out.
        iterations: Of K-means.
        restarts: Of K-means.
        temperature: Of the soft targets.
        hidden: Width of the projection heads.
        projected: Length of the vectors that are grouped.
        scale_start: Inverse temperature of the heads at the start; learnt.
        plain: Episodes at the start without prototypes: before anything is learnt there is nothing to group.
        frozen: Episodes at the end in which the image towers stay and prototypes rest.
        external: Weight of the hard targets from an external sentence encoder, which must be installed; 0: none.
        external_dim: Main directions of the external encoder that are kept.
    """

    kind: Literal["protoclip"]
    clusters: int | None = Field(default=None, ge=2)
    iterations: int = Field(default=20, ge=1)
    restarts: int = Field(default=3, ge=1)
    temperature: Positive = 0.01
    hidden: int = Field(default=2048, ge=1)
    projected: int = Field(default=128, ge=2)
    scale_start: Positive = 1 / 0.07
    plain: int = Field(default=1, ge=0)
    frozen: int = Field(default=1, ge=0)
    external: float = Field(default=0.0, ge=0)
    external_dim: int = Field(default=64, ge=2, le=384)

    def check(self, recipe: Recipe) -> None:
        """Refuse prototypes of what nothing aligns, and a training without an episode for them.

        Raises:
            ValueError: See above.
        """
        if not any(part.kind in _ALIGN for part in recipe.objectives):
            raise ValueError("“protoclip” groups pictures and texts that another objective aligns; add one, for example infonce")
        if recipe.epochs <= self.plain + self.frozen:
            needed = self.plain + self.frozen + 1
            raise ValueError(f"“protoclip” needs {needed} epochs or more: {self.plain} plain, {self.frozen} frozen and one for prototypes")


@dataclass(frozen=True, slots=True)
class Episode:
    """What was grouped at the start of an epoch; the pairs of all sources behind one another.

    Attributes:
        starts: Of each source, the place of its first pair; -1 if the objective doesn't look at it.
        by_text: Pairs grouped by their texts: centroids of texts, and means of the pictures.
        by_image: Pairs grouped by their pictures: centroids of pictures, and means of the texts.
        by_other: Pairs grouped by the external encoder's view of their texts, twice: means of the pictures, and of the texts.
    """

    starts: tuple[int, ...]
    by_text: Prototypes
    by_image: Prototypes
    by_other: tuple[Prototypes, Prototypes] | None


@dataclass(frozen=True, slots=True)
class Prototypes:
    """Groups found in one space and carried to the other.

    Attributes:
        labels: (N,) int64, the group of each pair.
        targets: (K, K) float, row k is what a student of group k should say.
        carried: (K, P) float, the groups' means in the student's own space, not of unit length; zero where a group is empty.
        filled: (K,) bool, groups with a pair.
    """

    labels: Tensor
    targets: Tensor
    carried: Tensor
    filled: Tensor

    @classmethod
    def of(cls, clusters: Clusters, features: Tensor, temperature: float | None) -> Prototypes:
        """Carry groups into the space of ``features`` (N, P); hard targets without a temperature."""
        count = len(clusters.centroids)
        carried, filled = back_translated(features, clusters.labels, count)
        targets = torch.eye(count) if temperature is None else soft_targets(clusters.centroids, filled, temperature)
        return cls(clusters.labels, targets, carried, filled)

    def loss(self, student: Tensor, scale: Tensor, pairs: Tensor) -> Tensor:
        """:func:`prototypical` of (B, P) rows that are the pairs (B,)."""
        wanted = self.targets[self.labels[pairs]].to(student)
        return prototypical(student, self.carried.to(student), scale, wanted, self.filled.to(student.device))

    def state(self) -> dict[str, Tensor]:
        """As tensors by name."""
        return {"labels": self.labels, "targets": self.targets, "carried": self.carried, "filled": self.filled}


class Head(nn.Module):
    """D → hidden → P unit rows; a batch of one, which has no spread, is normed by the statistics so far."""

    def __init__(self, dim: int, hidden: int, projected: int) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(dim, hidden), nn.BatchNorm1d(hidden), nn.Linear(hidden, projected)

    def forward(self, rows: Tensor) -> Tensor:
        """(B, D) → (B, P) unit rows."""
        wide = self.first(rows)
        self.norm.train(self.training and len(rows) > 1)
        projected: Tensor = self.last(F.relu(self.norm(wide)))
        return F.normalize(projected, dim=-1)


class ProtoCLIP(Objective):
    r"""Prototypical contrast, beside a contrast of instances.

    At the start of an episode the pairs that it will show are embedded, projected and grouped by K-means, texts and
    pictures each by themselves. The groups of the texts are carried into the space of the pictures (prototypical back
    translation), where the pictures learn to find them, and the other way round:

    .. math::
        L = \tfrac{1}{2} (L_{t \to i} + L_{i \to t}) + \tfrac{\lambda}{2} (L_{ext \to i} + L_{ext \to t}), \quad
        L_{t \to i} = -\tfrac{1}{B} \sum_i \operatorname{softmax}(C^T_{y_i} {C^T}^\top / \tau)
            \cdot \log \operatorname{softmax}(s_p\,h^I_i\,\tilde{C}^\top), \quad
        \tilde{C}_k = \operatorname{mean}\{h^I_j : y^T_j = k\}

    Differences from the paper, for small data: an episode is an epoch and takes each of its pairs once, not a sample with
    replacement; centroids are of unit length, so that each is nearest to itself; empty groups are in no softmax.
    The first episodes are plain and in the last the image towers are frozen; in both there are no prototypes.

    Source: Chen et al. 2023, "Prototypical Contrastive Language Image Pretraining" (ProtoCLIP), eq. 4–9 and algorithm 1.
    """

    part = ProtoCLIPPart
    how: ProtoCLIPPart

    def __init__(self, how: ProtoCLIPPart, dim: int) -> None:
        super().__init__(how, dim)
        self.image_head = Head(dim, how.hidden, how.projected)
        self.text_head = Head(dim, how.hidden, how.projected)
        self.text_head.load_state_dict(self.image_head.state_dict())  # both spaces start as one
        self.log_scale = nn.Parameter(torch.tensor(math.log(how.scale_start)))
        self.asked = Asked()
        self.episode: Episode | None = None

    @property
    def scale(self) -> Tensor:
        """() the heads' inverse temperature, at most 100."""
        scale: Tensor = self.log_scale.exp()
        return scale.clamp(max=_MOST_SCALE)

    def freezes(self, epoch: int, epochs: int) -> bool:
        """Whether the image towers stay as they are in an epoch."""
        return epoch >= epochs - self.how.frozen

    def begin(self, epoch: int, training: Training) -> None:
        """Group the pairs of an epoch.

        Raises:
            DataMissing: If the external encoder is asked for and isn't there.
        """
        if self.how.external:
            self.asked.ready()
        self.episode = None
        if epoch >= self.how.plain and not self.freezes(epoch, training.recipe.epochs):
            self.episode = self._grouped(epoch, training)

    def forward(self, batch: Batch) -> Tensor:
        """The loss of a batch: () float, nats; 0 in episodes without prototypes, in which the heads' statistics settle."""
        with torch.set_grad_enabled(self.episode is not None and torch.is_grad_enabled()):
            image, text = self.image_head(batch.image), self.text_head(batch.text)
        if self.episode is None:
            return batch.image.new_zeros(())
        pairs = batch.order + self.episode.starts[batch.source]
        loss = (self.episode.by_text.loss(image, self.scale, pairs) + self.episode.by_image.loss(text, self.scale, pairs)) / 2
        if self.episode.by_other is not None:
            by_image, by_text = self.episode.by_other
            loss = loss + self.how.external / 2 * (by_image.loss(image, self.scale, pairs) + by_text.loss(text, self.scale, pairs))
        return loss

    @torch.no_grad()
    def _grouped(self, epoch: int, training: Training) -> Episode:
        """Embed all that an epoch will show, and group it."""
        images: list[Tensor] = []
        texts: list[Tensor] = []
        words: list[str] = []
        starts: list[int] = []
        whole = nn.ModuleList([training.towers.whole, self.image_head, self.text_head])
        whole.eval()
        try:
            for number in range(len(training.sources)):
                starts.append(len(words) if self.how.applies(number) else -1)
                for draw in training.drawn(number, epoch) if self.how.applies(number) else ():
                    said = [text.words for text in draw.texts]
                    with precision(training.device):
                        image = training.towers.images(resized(draw.pictures, training.recipe.size_at(epoch)), draw.sensor)
                        text = training.towers.texts(said)
                    images.append(self.image_head(image.float()).cpu())
                    texts.append(self.text_head(text.float()).cpu())
                    words += said
        finally:
            whole.train()
        return self._episode(torch.cat(images), torch.cat(texts), words, tuple(starts), training.recipe.seed + epoch)

    def _episode(self, image: Tensor, text: Tensor, words: Sequence[str], starts: tuple[int, ...], seed: int) -> Episode:
        """Group pairs: (N, P), (N, P), N texts."""
        count = self.how.clusters or max(2, len(words) // 10)
        how = {"iterations": self.how.iterations, "restarts": self.how.restarts, "seed": seed}
        texts, images = grouped(text, count, unit=True, **how), grouped(image, count, unit=True, **how)
        other = None
        if self.how.external:
            self.asked.about(words)
            outer = grouped(principal(self.asked.vectors(words), self.how.external_dim), count, unit=False, **how)
            other = (Prototypes.of(outer, image, None), Prototypes.of(outer, text, None))
        by_text, by_image = Prototypes.of(texts, image, self.how.temperature), Prototypes.of(images, text, self.how.temperature)
        return Episode(starts, by_text, by_image, other)

    def get_extra_state(self) -> dict[str, Any]:
        """The running episode, for a training that stops within it."""
        if self.episode is None:
            return {}
        parts = [self.episode.by_text, self.episode.by_image, *(self.episode.by_other or ())]
        return {"starts": list(self.episode.starts), "parts": [part.state() for part in parts]}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Go back to a running episode."""
        if not state:
            self.episode = None
            return
        by_text, by_image, *other = (Prototypes(**part) for part in state["parts"])
        self.episode = Episode(tuple(state["starts"]), by_text, by_image, (other[0], other[1]) if other else None)


def back_translated(features: Tensor, labels: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Carry groups found in one space into another: the mean of their members there.

    Args:
        features: (N, P) float.
        labels: (N,) int64, groups from 0.
        count: K, of groups.

    Returns:
        (K, P) float, means that are not of unit length, 0 for empty groups; (K,) bool, groups with a member.
    """
    sums = features.new_zeros(count, features.shape[1]).index_add(0, labels, features)
    members = torch.bincount(labels, minlength=count)
    return sums / members.clamp(min=1)[:, None], members > 0


def soft_targets(centroids: Tensor, filled: Tensor, temperature: float) -> Tensor:
    """How alike groups are: (K, P) centroids, (K,) bool → (K, K) shares of a row that sum to 1, none for an empty group."""
    logits = (centroids @ centroids.T / temperature).masked_fill(~filled[None, :], -torch.inf)
    return logits.softmax(dim=1)


def prototypical(student: Tensor, carried: Tensor, scale: Tensor, target: Tensor, filled: Tensor) -> Tensor:
    """Cross entropy of students against targets over the groups; see :class:`ProtoCLIP`.

    Args:
        student: (B, P) float, unit length.
        carried: (K, P) float, prototypes in the student's space.
        scale: () float > 0.
        target: (B, K) float, shares of a row that sum to 1; 0 for empty groups.
        filled: (K,) bool; the others are not in the denominator.

    Returns:
        () float, nats.
    """
    log_share = (scale * student @ carried.T).masked_fill(~filled, -torch.inf).log_softmax(dim=1)
    return -(target * log_share.masked_fill(~filled, 0.0)).sum(dim=1).mean()
