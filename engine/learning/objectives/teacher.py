"""An external sentence encoder says how alike the texts of a batch are, and the towers learn to agree."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.learning.files import written
from engine.learning.objectives.base import Batch, Objective, ObjectivePart
from engine.learning.part import Positive
from engine.learning.teacher import Teacher
from engine.settings import settings

if TYPE_CHECKING:
    from engine.learning.training import Training


class TeacherPart(ObjectivePart):
    """Distillation in a recipe.

    Attributes:
        temperature: τ of the targets: small ones leave each text alone with itself.
    """

    kind: Literal["teacher"]
    temperature: Positive = 0.07


class Teaching(Objective):
    """See :func:`agreement`; the teacher is all-MiniLM-L6-v2, see :mod:`engine.learning.teacher`, and is asked about a text once."""

    part = TeacherPart
    how: TeacherPart

    def __init__(self, how: TeacherPart, dim: int) -> None:
        super().__init__(how, dim)
        self.asked = Asked()

    def begin(self, epoch: int, training: Training) -> None:
        """Ask about all texts of an epoch at once: the same questions give the same answers, however often a training stops.

        Raises:
            DataMissing: If there is no teacher.
        """
        self.asked.ready()
        mine = [number for number in range(len(training.sources)) if self.how.applies(number)]
        self.asked.about([text.words for number in mine for draw in training.drawn(number, epoch) for text in draw.texts])

    def forward(self, batch: Batch) -> Tensor:
        """The loss of a batch: () float, nats."""
        known = self.asked.vectors([text.words for text in batch.draw.texts]).to(batch.image)
        positive, ignored = batch.matches()
        return agreement(batch.image, batch.text, batch.towers.scale, known @ known.T, self.how.temperature, ignored & ~positive)


class Asked:
    """A teacher and what it has said so far, kept in the cache folder: trainings see the same sentences again and again."""

    def __init__(self) -> None:
        self._teacher: Teacher | None = None
        self._said: dict[str, Tensor] = {}

    def ready(self) -> Teacher:
        """The teacher.

        Raises:
            DataMissing: If there is none.
        """
        if self._teacher is None:
            self._teacher = Teacher.read()
            self._said = _remembered(_memory())
        return self._teacher

    def about(self, texts: Sequence[str]) -> None:
        """Ask about texts and keep what is said."""
        teacher = self.ready()
        new = sorted(set(texts) - self._said.keys())
        if new:
            # half precision, as it is kept; cloned out of inference mode, or no loss could be computed with it
            self._said |= dict(zip(new, teacher.vectors(new).half().clone(), strict=True))
            _remember(self._said, _memory())

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """B texts → (B, 384) float32 unit rows on the CPU."""
        self.ready()
        if not self._said.keys() >= set(texts):
            self.about(texts)
        return F.normalize(torch.stack([self._said[text] for text in texts]).float(), dim=1)


def _memory() -> Path:
    """Where vectors are kept."""
    return settings().data_dir / "cache" / "sentence-vectors.npz"


def _remembered(path: Path) -> dict[str, Tensor]:
    """Text → (384,) float16; nothing if nothing can be read."""
    try:
        with np.load(path) as held:
            texts = held["texts"].tobytes().decode().split("\n")
            return dict(zip(texts, torch.from_numpy(held["vectors"]), strict=True))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return {}


def _remember(said: dict[str, Tensor], path: Path) -> None:
    """Keep vectors, at once or not at all; texts are single lines."""
    lines = [text for text in said if "\n" not in text]
    with written(path) as partial, partial.open("wb") as file:
        vectors = torch.stack([said[text] for text in lines]).numpy()
        np.savez(file, texts=np.frombuffer("\n".join(lines).encode(), dtype=np.uint8), vectors=vectors)


def agreement(image: Tensor, text: Tensor, scale: Tensor, alike: Tensor, temperature: float, ignored: Tensor | None = None) -> Tensor:
    r"""Cross entropy of image–text similarities against the teacher's text–text similarities, both ways.

    .. math::
        L = \tfrac{1}{2} \big( \ell(S) + \ell(S^\top) \big), \quad
        \ell(S) = -\tfrac{1}{B} \sum_{ij} Q_{ij} \log \operatorname{softmax}_j(S_{ij}), \quad
        Q = \operatorname{softmax}_j(G_{ij} / \tau), \quad S_{ij} = s\,z_i^\top t_j

    where G is the teacher's cosine between texts i and j: of pictures described alike, each is a fair answer to the other's text.

    Args:
        image: (B, D) float, unit length.
        text: (B, D) float, unit length; row i belongs to image i.
        scale: () float > 0, the inverse temperature of the student.
        alike: (B, B) float, G, symmetric.
        temperature: τ > 0 of the teacher.
        ignored: (B, B) bool, pairs in neither softmax; none if None. The diagonal is never ignored.

    Returns:
        () float, nats; its least value is the entropy of the targets, not 0.

    Source: soft targets from similarities within a modality: Gao et al. 2024, "SoftCLIP: Softer Cross-Modal Alignment Makes
        CLIP Stronger", eq. 5–7; an external text teacher: Chen et al. 2023, "Prototypical Contrastive Language Image
        Pretraining", section III-D.
    """
    logits, wanted = scale * image @ text.T, alike / temperature
    if ignored is not None:
        own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
        hidden = ignored & ~own
    else:
        hidden = torch.zeros_like(logits, dtype=torch.bool)
    return (_one_way(logits, wanted, hidden) + _one_way(logits.T, wanted.T, hidden.T)) / 2


def _one_way(logits: Tensor, wanted: Tensor, hidden: Tensor) -> Tensor:
    """Cross entropy of each row: three (B, B) → ()."""
    target = wanted.masked_fill(hidden, -torch.inf).softmax(dim=1)
    log_share = logits.masked_fill(hidden, -torch.inf).log_softmax(dim=1).masked_fill(hidden, 0.0)
    return -(target * log_share).sum(dim=1).mean()
