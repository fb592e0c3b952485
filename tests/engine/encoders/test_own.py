from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.encoders import add_model, architecture, load, registry
from engine.encoders.registry import MODELS, Preprocess
from engine.errors import ArchitectureUnknown, EncoderExists, EncoderNameInvalid, WeightsCorrupt
from engine.settings import Settings

from .tiny import CUSTOM, TRANSFORMER, network, write_config


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.save(network(TRANSFORMER).state_dict(), tmp_path / "My model (v2).pt")
    return tmp_path / "My model (v2).pt"


def test_a_model_is_added_listed_and_loaded(checkpoint: Path, tmp_path: Path, own_data: Settings) -> None:
    how = Preprocess((0.5, 0.5, 0.5), (0.25, 0.25, 0.25), "bilinear", "squash")
    card = add_model(
        checkpoint, architecture=str(write_config(tmp_path, TRANSFORMER)), licence="CC-BY-4.0", gsd_m=(0.3, 10), preprocess=how
    )
    checkpoint.unlink()
    (tmp_path / "tiny.json").unlink()
    assert card.id == "My-model-v2"
    assert registry(own_data)[card.id] == card
    assert card.preprocess == how
    record = card.record(own_data)
    assert record["ready"]
    assert record["licence"] == "CC-BY-4.0"
    assert record["source"] == "added"
    assert load(card.id).hash == record["sha256"][:12]


def test_a_name_is_taken_once(checkpoint: Path, tmp_path: Path, own_data: Settings) -> None:
    config = str(write_config(tmp_path, TRANSFORMER))
    add_model(checkpoint, architecture=config, model_id="mine")
    for name in ("mine", "pharos-small"):
        with pytest.raises(EncoderExists, match="--id"):
            add_model(checkpoint, architecture=config, model_id=name)
    for name in ("../up", ".hidden", "a/b", "x" * 65):
        with pytest.raises(EncoderNameInvalid, match="--id"):
            add_model(checkpoint, architecture=config, model_id=name)


def test_an_architecture_that_cannot_be_guessed_asks_for_the_option(checkpoint: Path, tmp_path: Path, own_data: Settings) -> None:
    with pytest.raises(ArchitectureUnknown, match=r"no architecture of open_clip has its shapes.*--architecture"):
        add_model(checkpoint)
    torch.save({"conv.weight": torch.ones(2)}, tmp_path / "other.pt")
    with pytest.raises(ArchitectureUnknown, match=r"not those of a CLIP model.*--architecture"):
        add_model(tmp_path / "other.pt")


@pytest.mark.parametrize("name", ["RN50", "RN101", "ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-L-14-336", "ViT-H-14"])
def test_public_architectures_are_guessed_from_shapes(name: str) -> None:
    with torch.device("meta"):
        state = architecture.build(architecture.config_of(name)).state_dict()
    assert architecture.guess(state, "w.pt") == name


def test_a_model_of_ones_own_training_is_guessed(own_data: Settings) -> None:
    state = architecture.build(architecture.config_of("pharos-small.json")).state_dict()
    assert architecture.guess(state, "w.pt") == "pharos-small.json"
    assert (MODELS / "pharos-small.json").is_file()


def test_an_architecture_that_does_not_exist(checkpoint: Path, tmp_path: Path, own_data: Settings) -> None:
    with pytest.raises(ArchitectureUnknown, match=r"ViT-B-33.*--architecture"):
        add_model(checkpoint, architecture="ViT-B-33")
    with pytest.raises(ArchitectureUnknown, match=r"no config absent.json"):
        add_model(checkpoint, architecture=str(tmp_path / "absent.json"))
    with pytest.raises(ArchitectureUnknown, match="embed_dim"):
        add_model(checkpoint, architecture=str(write_config(tmp_path, {"a": 1}, "odd.json")))
    broken = {**CUSTOM, "vision_cfg": {"timm_model_name": "no_such_net", "image_size": 64}}
    with pytest.raises(ArchitectureUnknown, match="can't build"):
        add_model(checkpoint, architecture=str(write_config(tmp_path, broken, "broken.json")))
    for fetched in ("hf-hub:someone/model", "ViT-B-16-SigLIP", "roberta-ViT-B-32", "coca_ViT-B-32"):
        with pytest.raises(ArchitectureUnknown):
            architecture.config_of(fetched)


def test_a_bad_file_leaves_nothing_behind(tmp_path: Path, own_data: Settings) -> None:
    (tmp_path / "bad.pt").write_bytes(b"nothing")
    with pytest.raises(WeightsCorrupt):
        add_model(tmp_path / "bad.pt")
    with pytest.raises(WeightsCorrupt, match="no such file"):
        add_model(tmp_path / "absent.pt")
    assert not own_data.models_dir.exists() or not list(own_data.models_dir.iterdir())
