"""Where water is in pictures of which only the class is known.

A network that sees some 70 pixels around each place learns to tell pictures with water from those without. Land looks alike in both
and gives neither away, so what it is sure of is the water. Nobody has to draw it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from engine.learning.backbone import early, start_from
from engine.progress import Progress, silent

SURE: Final = 0.3
"""Probability from which a place is taken for water: pictures of water are a ninth of those that are compared."""
_ARCHITECTURE: Final = "tf_efficientnet_lite0"
_STAGES: Final = 3
_AT_ONCE: Final = 64
_ROUNDS: Final = 6
_LEAST: Final = 300
"""Steps, however few pictures there are."""
_BATCH: Final = 8192
_RATE: Final = 3e-3


def find_water(
    pictures: NDArray[np.uint8], shows: NDArray[np.bool_], told: NDArray[np.int64], package: str, progress: Progress = silent
) -> NDArray[np.bool_]:
    """Look for water in pictures.

    Args:
        pictures: (N, 3, H, W) uint8 RGB.
        shows: (N,) bool, whether water is somewhere in a picture.
        told: Indices of the pictures of which that is certain, and which may be learned from.
        package: Image weights of EfficientNet-Lite0, see :mod:`engine.learning.backbone`.
        progress: Told of the pictures looked at.

    Returns:
        (N, h, w) bool, one place for each 8 × 8 pixels.

    Raises:
        DataMissing: If the package isn't installed.
    """
    return told_by_look(_features(pictures, package, progress), shows, told) >= SURE


@torch.no_grad()
def _features(pictures: NDArray[np.uint8], package: str, progress: Progress) -> NDArray[np.float16]:
    """(N, h, w, C) what the first stages of a network see at each place of each picture: some 70 pixels around it."""
    import timm

    visual = nn.Module()
    visual.trunk = timm.create_model(_ARCHITECTURE, num_classes=1).eval()
    start_from(visual, package)
    first = early(visual, _STAGES)
    rows = []
    for at in range(0, len(pictures), _AT_ONCE):
        batch = torch.from_numpy(pictures[at : at + _AT_ONCE].copy()).float().div_(127.5).sub_(1)
        seen = batch.contiguous(memory_format=torch.channels_last)
        for stage in first[:-1]:
            seen = stage(seen)
        wide = first[-1](seen)
        near = F.adaptive_avg_pool2d(seen, wide.shape[-2:])
        rows.append(torch.cat([near, wide], dim=1).permute(0, 2, 3, 1).half().numpy())
        progress("looking for water", min(at + _AT_ONCE, len(pictures)), len(pictures))
    return np.concatenate(rows)


def told_by_look(features: NDArray[np.float16], positive: NDArray[np.bool_], train: NDArray[np.int64]) -> NDArray[np.float32]:
    """How sure a place's look is that its picture has water.

    Args:
        features: (N, h, w, C) of all pictures.
        positive: (N,) bool, whether a picture is one of water.
        train: Indices of those that are learned from; the others are only looked at.

    Returns:
        (N, h, w) float32 0–1, probabilities among the pictures of ``train``.
    """
    few = torch.from_numpy(features[train][:, ::2, ::2]).float()  # neighbours look alike
    target = torch.from_numpy(positive[train]).float()[:, None, None].expand(few.shape[:3]).reshape(-1)
    few = few.reshape(-1, features.shape[-1])
    mean, std = few.mean(dim=0), few.std(dim=0) + 1e-6
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        judge = nn.Sequential(nn.Linear(few.shape[1], 64), nn.GELU(), nn.Linear(64, 32), nn.GELU(), nn.Linear(32, 1))
        optimiser = torch.optim.AdamW(judge.parameters(), lr=_RATE, weight_decay=1e-4)
        each = max(1, len(few) // _BATCH)
        rounds = max(_ROUNDS, _LEAST // each)
        slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, rounds * each)
        for _ in range(rounds):
            for some in torch.split(torch.randperm(len(few)), _BATCH)[:each]:
                loss = F.binary_cross_entropy_with_logits(judge((few[some] - mean) / std)[:, 0], target[some])
                optimiser.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                slower.step()
    with torch.no_grad():
        rows = [judge((torch.from_numpy(part).float() - mean) / std).sigmoid()[..., 0].numpy() for part in np.array_split(features, 64)]
    return np.concatenate(rows)
