"""What pictures of further sensors hold, and image towers for them beside the model's own, which sees RGB."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.errors import RecipeInvalid


@dataclass(frozen=True, slots=True)
class Sensor:
    """What took a picture.

    Attributes:
        name: As recipes call it.
        bands: Names of its C bands, in order.
        low: Measured value that becomes 0.
        high: Measured value that becomes 1.
        mean: Of each band after that, over 480 windows of the synthetic islands 100 and 101.
        std: See ``mean``.
    """

    name: str
    bands: tuple[str, ...]
    low: float
    high: float
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def scaled(self, measured: NDArray[np.floating[Any]]) -> NDArray[np.float16]:
        """What was measured, cut to 0–1; what isn't finite becomes 0. Half precision keeps dark water apart, which 8 bits don't."""
        share = (np.nan_to_num(measured, nan=self.low, posinf=self.high, neginf=self.low) - self.low) / (self.high - self.low)
        return np.asarray(np.clip(share, 0, 1), dtype=np.float16)


S1: Final = Sensor("s1", ("VV", "VH"), -35.0, 5.0, (0.55, 0.37), (0.12, 0.12))
"""Sentinel-1: backscatter in dB."""
S2: Final = Sensor(
    "s2",
    ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12"),
    0.0,
    1.0,
    (0.07, 0.08, 0.11, 0.11, 0.14, 0.19, 0.22, 0.23, 0.24, 0.24, 0.22, 0.17),
    (0.05, 0.07, 0.08, 0.09, 0.09, 0.11, 0.13, 0.14, 0.14, 0.13, 0.14, 0.13),
)
"""Sentinel-2: surface reflectance, without the cirrus band B10, which has none."""
SENSORS: Final = {sensor.name: sensor for sensor in (S1, S2)}
"""Further sensors by name; ``rgb`` is the model's own."""


class SensorTower(nn.Module):
    """An image tower for a sensor: the model's own architecture with the sensor's bands, weights and statistics of its own.

    Args:
        trunk: (B, C, h, w) standardised → (B, D).
        sensor: Whose pictures it sees.
    """

    def __init__(self, trunk: nn.Module, sensor: Sensor) -> None:
        super().__init__()
        self.trunk = trunk
        self.register_buffer("mean", torch.tensor(sensor.mean).view(-1, 1, 1))  # with the weights: they go together
        self.register_buffer("std", torch.tensor(sensor.std).view(-1, 1, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, C, h, w) float in 0–1 → (B, D), not normalised."""
        even = (pictures - cast("Tensor", self.mean)) / cast("Tensor", self.std)
        return cast("Tensor", self.trunk(even.contiguous(memory_format=torch.channels_last)))


def sensor_towers(config: Path, sensors: Iterable[str]) -> nn.ModuleDict:
    """Towers for further sensors, of the architecture that an open_clip configuration has for RGB, with random weights.

    Args:
        config: open_clip's JSON.
        sensors: Names; ``rgb`` and repetitions are passed over.

    Raises:
        RecipeInvalid: If a sensor isn't known or the configuration can't be built.
    """
    from open_clip.model import _build_vision_tower

    towers = nn.ModuleDict()
    for name in sorted(set(sensors) - {"rgb"}):
        if name not in SENSORS:
            raise RecipeInvalid(config.name, f"there is no sensor “{name}”. Known: rgb, {', '.join(SENSORS)}.")
        try:
            content = json.loads(config.read_text(encoding="utf-8"))
            trunk = _build_vision_tower(content["embed_dim"], content["vision_cfg"])
            _widen(trunk, len(SENSORS[name].bands))
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError) as problem:
            raise RecipeInvalid(config.name, f"no tower for {name} can be built from it ({type(problem).__name__}: {problem}).") from None
        towers[name] = SensorTower(trunk.to(memory_format=torch.channels_last), SENSORS[name])
    return towers


def _widen(trunk: nn.Module, bands: int) -> None:
    """Give the first convolution another number of bands, in place; its random weights shrink so that its output varies as before."""
    for name, layer in trunk.named_modules():
        if isinstance(layer, nn.Conv2d) and layer.in_channels == 3:
            wide = nn.Conv2d(
                bands,
                layer.out_channels,
                cast("tuple[int, int]", layer.kernel_size),
                cast("tuple[int, int]", layer.stride),
                cast("tuple[int, int]", layer.padding),
                bias=layer.bias is not None,
            )
            nn.init.normal_(wide.weight, std=float(layer.weight.detach().std()) * math.sqrt(3 / bands))
            parent, _, last = name.rpartition(".")
            setattr(trunk.get_submodule(parent), last, wide)
            return
    raise ValueError("no layer takes three bands")
