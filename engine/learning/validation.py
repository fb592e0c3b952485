"""Figures on what was held out: zero-shot over the classes, and retrieval, by the bench's own measures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.evaluation.retrieval import KS, Matching, retrieve
from engine.evaluation.zero_shot import classify, ensemble
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
    matching = Matching.of([source.records[index].captions for index in held_out])
    found = retrieve(images, encoded_texts(towers, matching.texts), matching)
    towers.model.train(was_training)
    return {
        "zero_shot": classify(images, classes, labels, source.phrases.names).accuracy,
        "zero_shot_crops": classify(crops, classes, labels, source.phrases.names).accuracy,
        **{f"{way}_r{k}": recall.at(k) for way, recall in (("t2i", found.t2i), ("i2t", found.i2t)) for k in KS},
        "mean_recall": found.mean_recall,
    }


def embedded(towers: Towers, pictures: NDArray[np.uint8] | NDArray[np.float16], sensor: str = "rgb") -> Floats:
    """(N, 3, H, W) uint8, or (N, C, H, W) 0–1 of another sensor → (N, D) float32 unit rows."""
    rows = [
        towers.images(resized(torch.from_numpy(pictures[at : at + BATCH].copy()), towers.size), sensor)
        for at in range(0, len(pictures), BATCH)
    ]
    return _array(torch.cat(rows))


def class_vectors(towers: Towers, names: Sequence[str], templates: Sequence[str] = TEMPLATES) -> Floats:
    """L names → (L, D): the mean over templates, renormalised."""
    rows = encoded_texts(towers, [template.replace("{}", name) for template in templates for name in names])
    return ensemble(rows.reshape(len(templates), len(names), -1))


def encoded_texts(towers: Towers, words: Sequence[str]) -> Floats:
    """Encode many sentences, piece by piece."""
    return _array(torch.cat([towers.texts(words[at : at + BATCH]) for at in range(0, len(words), BATCH)]))


def _array(rows: Tensor) -> Floats:
    """To NumPy on the CPU."""
    array: Floats = rows.float().cpu().numpy()
    return array
