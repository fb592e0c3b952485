"""Towers of further sensors: their bands, their own weights, and what they are told apart by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from engine.errors import RecipeInvalid
from engine.learning.sensors import SENSORS, sensor_towers
from engine.learning.towers import Towers

VIT = {"layers": 1, "width": 32, "head_width": 16, "patch_size": 8, "image_size": 16}
TIMM = {"timm_model_name": "mobilenetv4_conv_small_035", "timm_pool": "avg", "timm_proj": "", "image_size": 32}
RESNET = {"layers": [1, 1, 1, 1], "width": 16, "head_width": 16, "image_size": 32}


def config(folder: Path, vision: dict[str, Any]) -> Path:
    content = {
        "embed_dim": 16,
        "custom_text": True,
        "vision_cfg": vision,
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
        "preprocess_cfg": {"mean": [0.4, 0.4, 0.4], "std": [0.2, 0.2, 0.2]},
    }
    (folder / "model.json").write_text(json.dumps(content))
    return folder / "model.json"


@pytest.mark.parametrize("vision", [VIT, TIMM, RESNET], ids=["vit", "timm", "resnet"])
def test_towers_take_their_bands(vision: dict[str, Any], tmp_path: Path) -> None:
    torch.manual_seed(0)
    towers = Towers.build(config(tmp_path, vision), ["s2", "rgb", "s1", "s2"])
    assert list(towers.others) == ["s1", "s2"]
    towers.whole.eval()
    with torch.no_grad():
        for sensor, bands in (("rgb", 3), ("s1", 2), ("s2", 12)):
            rows = towers.images(torch.rand(3, bands, vision["image_size"], vision["image_size"]), sensor)
            assert rows.shape == (3, 16)
            torch.testing.assert_close(rows.norm(dim=1), torch.ones(3))
    assert towers.others["s1"].get_submodule("trunk") is not towers.others["s2"].get_submodule("trunk")


def test_a_model_of_one_sensor_is_what_it_was(tmp_path: Path) -> None:
    """Further towers are drawn after the model, whose random weights don't change with them."""
    weights = []
    for sensors in ([], ["s1"]):
        torch.manual_seed(3)
        weights.append(Towers.build(config(tmp_path, VIT), sensors))
    assert not weights[0].others
    assert all(
        torch.equal(one, other)
        for one, other in zip(weights[0].model.state_dict().values(), weights[1].model.state_dict().values(), strict=True)
    )


def test_wide_first_layers_answer_as_strongly_as_narrow_ones(tmp_path: Path) -> None:
    torch.manual_seed(0)
    towers = sensor_towers(config(tmp_path, TIMM), ["s1", "s2"])
    spread = []
    for tower in towers.values():
        first = next(layer for layer in tower.modules() if isinstance(layer, nn.Conv2d))
        spread.append(first(torch.randn(4, first.in_channels, 32, 32)).std().item())
    assert spread[0] == pytest.approx(spread[1], rel=0.25)


def test_statistics_go_with_the_weights(tmp_path: Path) -> None:
    weights = sensor_towers(config(tmp_path, VIT), ["s2"])["s2"].state_dict()
    torch.testing.assert_close(weights["mean"].flatten(), torch.tensor(SENSORS["s2"].mean))
    assert weights["std"].shape == (12, 1, 1)


def test_unknown_sensors_and_impossible_towers_are_said(tmp_path: Path) -> None:
    with pytest.raises(RecipeInvalid, match=r"no sensor “s3”\. Known: rgb, s1, s2"):
        sensor_towers(config(tmp_path, VIT), ["s3"])
    with pytest.raises(RecipeInvalid, match="no tower for s1"):
        sensor_towers(config(tmp_path, {"timm_model_name": "no_such_model", "image_size": 16}), ["s1"])


@pytest.mark.parametrize("sensor", SENSORS.values(), ids=list(SENSORS))
def test_every_band_has_its_statistics(sensor: Any) -> None:
    assert len(sensor.mean) == len(sensor.std) == len(sensor.bands)
    assert all(0 < value < 1 for value in (*sensor.mean, *sensor.std))
