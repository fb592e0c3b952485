"""Image weights of a package."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import timm
import torch
from torch import nn

from engine.errors import DataMissing, RecipeInvalid
from engine.learning.backbone import early, start_from

ARCHITECTURE = "mobilenetv4_conv_small"


def tower(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    visual = nn.Module()
    visual.trunk = timm.create_model(ARCHITECTURE, num_classes=16)
    return visual


def package(folder: Path, weights: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch) -> str:
    home = folder / "image_weights_for_a_test"
    (home / "models").mkdir(parents=True)
    (home / "__init__.py").write_text("")
    torch.save(weights, home / "models" / "weights.pth")
    monkeypatch.syspath_prepend(str(folder))
    sys.modules.pop(home.name, None)
    return home.name


def test_gives_all_weights_but_the_last_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = timm.create_model(ARCHITECTURE, num_classes=1000)
    theirs.bn1.running_mean.fill_(0.25)
    renamed = {f"other.{index}.{name.split('.')[-1]}": value for index, (name, value) in enumerate(theirs.state_dict().items())}
    visual = tower(1)
    head = visual.trunk.classifier.weight.clone()
    start_from(visual, package(tmp_path, renamed, monkeypatch))
    for name, value in theirs.state_dict().items():
        if not name.startswith("classifier") and not name.endswith("num_batches_tracked"):
            assert torch.equal(visual.trunk.state_dict()[name], value), name
    assert torch.equal(visual.trunk.classifier.weight, head)


def test_other_architecture_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RecipeInvalid, match="another architecture"):
        start_from(tower(1), package(tmp_path, timm.create_model("resnet18").state_dict(), monkeypatch))


def test_package_that_is_not_there_is_named() -> None:
    with pytest.raises(DataMissing, match="no-such-weights"):
        start_from(tower(1), "no_such_weights")


def test_early_parts_begin_at_the_picture() -> None:
    visual = tower(1)
    assert early(visual, 0) == ()
    parts = early(visual, 2)
    assert parts[0] is visual.trunk.conv_stem
    assert parts[-1] is visual.trunk.blocks[1]
