"""Networks with the key layouts of the public models, small enough to make anew in every test. Their weights are random."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.encoders import Encoder, ModelCard, Source, architecture

TEXT = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
# As ViT-B-32: bare keys, a transformer for pictures.
TRANSFORMER: dict[str, Any] = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 32, "head_width": 16, "patch_size": 32},
    "text_cfg": TEXT,
}
# As RN50: batch statistics, integer counters, attention pooling.
RESIDUAL: dict[str, Any] = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None, "head_width": 32},
    "text_cfg": TEXT,
}
# As pharos-small: a timm tower and the text tower under text.
CUSTOM: dict[str, Any] = {
    "embed_dim": 24,
    "custom_text": True,
    "vision_cfg": {"timm_model_name": "mobilenetv4_conv_small_035", "timm_pool": "avg", "timm_proj": "", "image_size": 64},
    "text_cfg": {**TEXT, "context_length": 32},
    "preprocess_cfg": {"mean": [0.4, 0.4, 0.4], "std": [0.2, 0.2, 0.2], "interpolation": "bilinear", "resize_mode": "shortest"},
}

SENTENCES = ["a lake", "many planes are parked next to a terminal.", "b", "dense forest " * 60]


def network(config: Mapping[str, Any], seed: int = 0, *, quick_gelu: bool = False) -> torch.nn.Module:
    """A network whose statistics have been moved off their starting values."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = architecture.build(config, quick_gelu=quick_gelu)
        for key, value in model.state_dict().items():
            if key.endswith(("running_mean", "bias")):
                value.normal_(0, 0.02)
            elif key.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif key.endswith("num_batches_tracked"):
                value.fill_(1234)
    return model.eval()


def write_config(folder: Path, config: Mapping[str, Any], name: str = "tiny.json") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(config), encoding="utf-8")
    return folder / name


def card(**changes: Any) -> ModelCard:
    known: dict[str, Any] = {
        "id": "tiny",
        "title": "Tiny",
        "architecture": "tiny.json",
        "source": Source("weights.pt", added=True),
        "dim": 24,
        "licence": "none",
    }
    return ModelCard(**{**known, **changes})


def encoder(config: Mapping[str, Any] = TRANSFORMER, seed: int = 0, **options: Any) -> Encoder:
    return Encoder(network(config, seed), config, card(), f"{seed:064x}", **options)


def pictures(count: int = 3, height: int = 64, width: int = 64, seed: int = 0) -> list[NDArray[np.uint8]]:
    return list(np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8))
