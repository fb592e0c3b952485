"""Places that vote: the same weights under the same names, unit votes, and much of a thing above a little of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from engine.encoders import architecture as networks
from engine.encoders.registry import MODELS
from engine.encoders.votes import CONFIG_KEY, Votes
from engine.errors import ArchitectureUnknown

CONFIG: dict[str, Any] = {
    "embed_dim": 8,
    "custom_text": True,
    "vision_cfg": {"timm_model_name": "efficientnet_lite0", "timm_pool": "avg", "timm_proj": "", "image_size": 64},
    "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1},
}


def test_it_is_the_mean_of_unit_vectors() -> None:
    torch.manual_seed(0)
    votes = Votes(5, 3)
    features = torch.randn(2, 5, 4, 6)
    slow = torch.stack(
        [
            torch.stack([F.normalize(votes.weight @ features[b, :, y, x] + votes.bias, dim=0) for y in range(4) for x in range(6)]).mean(0)
            for b in range(2)
        ]
    )
    torch.testing.assert_close(votes(features), slow, atol=1e-2, rtol=0)


def test_a_wide_even_thing_outweighs_a_small_loud_one() -> None:
    votes = Votes(2, 2, bias=False)
    with torch.no_grad():
        votes.weight.copy_(torch.eye(2))
    features = torch.zeros(1, 2, 4, 4)
    features[0, 0] = 1.0  # fifteen quiet places of one thing
    features[0, :, 0, 0] = torch.tensor([0.0, 100.0])  # a loud one of another
    quiet, loud = votes(features)[0].tolist()
    assert quiet == pytest.approx(15 / 16, abs=0.01)
    assert loud == pytest.approx(1 / 16, abs=0.01)


def test_places_with_nothing_to_see_leave_gradients_finite() -> None:
    votes = Votes(4, 4, bias=False)
    features = torch.zeros(1, 4, 2, 2, requires_grad=True)
    votes(features).sum().backward()
    assert bool(torch.isfinite(features.grad).all())  # type: ignore[arg-type]


def test_weights_keep_their_names_and_shapes() -> None:
    plain = {name: value.shape for name, value in networks.build(CONFIG).state_dict().items()}
    voting = {name: value.shape for name, value in networks.build({**CONFIG, CONFIG_KEY: True}).state_dict().items()}
    assert plain == voting


def test_the_default_encoder_votes_over_every_place() -> None:
    model = networks.build(json.loads((MODELS / "pharos-small.json").read_text(encoding="utf-8"))).eval()
    assert isinstance(model.get_submodule("visual.trunk.classifier"), Votes)
    with torch.no_grad():
        vector = model.encode_image(torch.zeros(1, 3, 128, 128))  # type: ignore[operator]
    assert vector.shape == (1, 256)
    assert float(vector.norm()) <= 1.0


def test_a_tower_without_a_trunk_is_refused() -> None:
    config = {**CONFIG, "vision_cfg": {"layers": 1, "width": 16, "head_width": 8, "patch_size": 8, "image_size": 16}, CONFIG_KEY: True}
    with pytest.raises(ArchitectureUnknown):
        networks.build(config)
