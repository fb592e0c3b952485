"""A data set of a few coloured squares with sentences, and a model so small that a step takes milliseconds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

COLOURS = {"Forest": (20, 90, 30), "Beach": (220, 200, 150), "Pond": (30, 60, 120)}
PHRASES = {
    "templates": ["{}", "a photo of {}"],
    "names": {"Beach": ["a beach", "sand"], "Forest": ["a forest", "woods"], "Pond": ["a pond", "a lake"]},
    "shared": [{"phrases": ["nature"], "holds": ["Forest", "Pond"], "open": ["Beach"]}],
}
MODEL = {
    "embed_dim": 16,
    "custom_text": True,
    "vision_cfg": {"layers": 1, "width": 32, "head_width": 16, "patch_size": 8, "image_size": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
    "preprocess_cfg": {"mean": [0.4, 0.4, 0.4], "std": [0.2, 0.2, 0.2]},
}


@pytest.fixture(scope="session")
def colours() -> dict[str, tuple[int, int, int]]:
    """What each class of the small set looks like."""
    return COLOURS


@pytest.fixture
def words() -> dict[str, Any]:
    """The content of the small set's phrase table."""
    return PHRASES


@pytest.fixture(scope="session")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 pictures of 24 px in three classes, with one or two sentences each."""
    root = tmp_path_factory.mktemp("small_set")
    random = np.random.default_rng(0)
    rows = []
    for label, colour in COLOURS.items():
        (root / "images" / label).mkdir(parents=True)
        for number in range(20):
            noise = random.normal(0, 12, (24, 24, 3))
            file = f"images/{label}/{label.lower()}_{number}.png"
            Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8)).save(root / file)
            captions = [f"this is a {label.lower()} with number {number} ."] + (["the same words ."] if number % 4 == 0 else [])
            rows.append({"file": file, "captions": captions})
    (root / "captions.json").write_text(json.dumps(rows))
    return root


@pytest.fixture
def recipe(tmp_path: Path, small_set: Path) -> Callable[..., Path]:
    """Writes a recipe for the small set; keyword arguments replace its keys; a table for ``data`` changes its one source."""
    (tmp_path / "phrases.yaml").write_text(yaml.safe_dump(PHRASES))
    (tmp_path / "model.json").write_text(json.dumps(MODEL))

    def write(file: str = "recipe.yaml", **changes: Any) -> Path:
        data: dict[str, Any] = {
            "kind": "aid_rsicd",
            "root": str(small_set),
            "phrases": str(tmp_path / "phrases.yaml"),
            "size": 24,
            "held_out": 0.2,
        }
        content = {
            "name": "tiny",
            "model": str(tmp_path / "model.json"),
            "seed": 5,
            "epochs": 3,
            "batch": 12,
            "sizes": {0: 16},
            "objectives": [{"kind": "infonce"}],
            "data": [data | (changes.pop("data") if isinstance(changes.get("data"), dict) else {})],
        }
        (tmp_path / file).write_text(yaml.safe_dump({**content, **changes}))
        return tmp_path / file

    return write
