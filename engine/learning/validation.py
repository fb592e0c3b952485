"""Figures on what was held out: zero-shot over the classes, and retrieval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.learning.augmentation import resized
from engine.learning.sources import CaptionedSource
from engine.learning.towers import Towers

Floats = NDArray[np.float32]
BATCH = 128
TEMPLATES = ("a satellite photo of {}.", "an aerial image of {}.", "{}")


@torch.no_grad()
def validate(towers: Towers, source: CaptionedSource) -> dict[str, float]:
    """Measure on the held-out part, with the encoder's own input size.

    Returns:
        Fractions from 0 to 1: ``zero_shot`` (all classes, mean of three templates), ``zero_shot_crops`` (the same on the
        central ninth of each picture: real tiles show parts of scenes), ``t2i_r1``, ``t2i_r5``, ``t2i_r10``, ``i2t_…`` and
        ``mean_recall`` (mean of these six; protocol P1: every sentence asks, one picture is right).
    """
    held_out = source.parts.held_out
    if not len(held_out):
        return {}
    was_training = towers.model.training
    towers.model.eval()
    images = embedded(towers, source.pictures[held_out])
    third = source.pictures.shape[-1] // 3
    crops = embedded(towers, source.pictures[held_out][:, :, third : 2 * third, third : 2 * third])
    classes = class_vectors(towers, source.phrases.names)
    labels = source.labels[held_out]
    sentences = [(place, text) for place, index in enumerate(held_out) for text in source.records[index].captions]
    texts = encoded_texts(towers, [text for _, text in sentences])
    towers.model.train(was_training)
    return {
        "zero_shot": float(((images @ classes.T).argmax(axis=1) == labels).mean()),
        "zero_shot_crops": float(((crops @ classes.T).argmax(axis=1) == labels).mean()),
        **recalls(images @ texts.T, np.array([place for place, _ in sentences])),
    }


def recalls(scores: Floats, owner: NDArray[np.int64]) -> dict[str, float]:
    """Recall at 1, 5, 10 in both directions under protocol P1.

    Args:
        scores: (images, texts) similarities.
        owner: (texts,) the one image of each text.

    Returns:
        ``t2i_r1`` … ``i2t_r10``: the share of the texts whose image is among the best, and of the images that have one of
        their texts among the best; ``mean_recall``: the mean of the six. A tie counts against us.

    Source: RemoteCLIP (Liu et al. 2024), table II.
    """
    right = scores[owner, np.arange(len(owner))]
    image_rank = (scores >= right[None, :]).sum(axis=0) - 1  # of each text's image
    best_text = np.full(len(scores), -np.inf, dtype=scores.dtype)
    np.maximum.at(best_text, owner, right)
    own = owner[None, :] == np.arange(len(scores))[:, None]
    text_rank = ((scores >= best_text[:, None]) & ~own).sum(axis=1)
    found = {f"t2i_r{k}": float((image_rank < k).mean()) for k in (1, 5, 10)}
    found |= {f"i2t_r{k}": float((text_rank < k).mean()) for k in (1, 5, 10)}
    return {**found, "mean_recall": float(np.mean(list(found.values())))}


def embedded(towers: Towers, pictures: NDArray[np.uint8] | NDArray[np.float16], sensor: str = "rgb") -> Floats:
    """(N, 3, H, W) uint8, or (N, C, H, W) 0–1 of another sensor → (N, D) float32 unit rows."""
    rows = [
        towers.images(resized(torch.from_numpy(pictures[at : at + BATCH].copy()), towers.size), sensor)
        for at in range(0, len(pictures), BATCH)
    ]
    return _array(torch.cat(rows))


def class_vectors(towers: Towers, names: Sequence[str], templates: Sequence[str] = TEMPLATES) -> Floats:
    """L names → (L, D): the mean over templates, renormalised."""
    rows = towers.texts([template.replace("{}", name) for name in names for template in templates])
    mean = rows.view(len(names), len(templates), -1).mean(dim=1)
    return _array(torch.nn.functional.normalize(mean, dim=-1))


def encoded_texts(towers: Towers, words: Sequence[str]) -> Floats:
    """Encode many sentences, piece by piece."""
    return _array(torch.cat([towers.texts(words[at : at + BATCH]) for at in range(0, len(words), BATCH)]))


def _array(rows: Tensor) -> Floats:
    """To NumPy on the CPU."""
    array: Floats = rows.float().cpu().numpy()
    return array
