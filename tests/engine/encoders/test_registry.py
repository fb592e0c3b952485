from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import open_clip
import pytest
import yaml

from engine.encoders import ModelCard, Preprocess, registry
from engine.encoders.registry import MODELS, OPENAI_MEAN, OPENAI_STD, card_from_entry, model_card
from engine.errors import EncoderNotFound
from engine.settings import ROOT, Settings

CARDS = registry(Settings(data_dir=Path("/nonexistent")))


def test_the_models_of_the_issue_are_there() -> None:
    assert set(CARDS) >= {
        "pharos-small",
        "remoteclip-rn50",
        "remoteclip-vit-b-32",
        "remoteclip-vit-l-14",
        "georsclip-vit-b-32",
        "skyclip-50-vit-b-32",
        "openai-clip-vit-b-32",
        "laion-clip-vit-b-32",
    }
    assert next(iter(CARDS)) == "pharos-small"
    assert Settings().model in CARDS


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_a_card_is_complete_and_agrees_with_its_architecture(card: ModelCard) -> None:
    assert card.title
    assert card.licence
    assert card.citation
    assert card.bands == 3
    assert re.fullmatch("([0-9a-f]{64})?", card.sha256)
    if not card.architecture.endswith(".json"):
        assert card.dim == open_clip.get_model_config(card.architecture)["embed_dim"]
        assert card.preprocess == Preprocess(OPENAI_MEAN, OPENAI_STD)
    assert json.dumps(card.record())
    assert {"id", "ready", "bands", "dim", "licence", "sha256"} <= set(card.record())


def test_published_sizes_fit_the_networks() -> None:
    """Four bytes a parameter plus keys: 102, 151 and 428 million parameters (RemoteCLIP's table of sizes)."""
    for model_id, millions in {"remoteclip-rn50": 102, "remoteclip-vit-b-32": 151.3, "remoteclip-vit-l-14": 427.6}.items():
        assert CARDS[model_id].size_mb == pytest.approx(4 * millions, rel=0.005)


def test_quick_gelu_follows_the_weights_each_model_began_as() -> None:
    quick = {model_id for model_id, card in CARDS.items() if card.quick_gelu}
    assert {m for m in CARDS if m.startswith(("remoteclip", "georsclip", "openai"))} == quick


def test_the_preprocessing_of_a_json_config_is_taken_over() -> None:
    config = json.loads((MODELS / "pharos-small.json").read_text())
    card = CARDS["pharos-small"]
    assert card.dim == config["embed_dim"]
    assert list(card.preprocess.mean) == config["preprocess_cfg"]["mean"]


def test_addresses() -> None:
    assert CARDS["georsclip-vit-b-32"].source.address("https://hub.example/") == (
        "https://hub.example/Zilun/GeoRSCLIP/resolve/main/ckpt/RS5M_ViT-B-32.pt"
    )
    assert CARDS["pharos-small"].source.address("https://hub.example") == ""
    assert CARDS["skyclip-50-vit-b-32"].source.address("https://hub.example").endswith("/SkyCLIP_ViT_B32_top50pct.zip")


def test_weights_lie_in_the_data_folder(own_data: Settings) -> None:
    assert CARDS["remoteclip-rn50"].path(own_data) == own_data.models_dir / "remoteclip-rn50" / "RemoteCLIP-RN50.pt"
    assert CARDS["remoteclip-rn50"].found(own_data) is None
    assert not CARDS["remoteclip-rn50"].record(own_data)["ready"]


def test_an_unknown_id_names_the_known_ones() -> None:
    with pytest.raises(EncoderNotFound, match=r"no model “nothing”. Known: .*pharos-small.*models add FILE"):
        model_card("nothing")


def test_a_broken_card_of_a_person_is_left_out(own_data: Settings, caplog: pytest.LogCaptureFixture) -> None:
    for name, text in {"a": "no: yes: maybe", "b": "just text", "c": "architecture: missing.json"}.items():
        (own_data.models_dir / name).mkdir(parents=True)
        (own_data.models_dir / name / "card.yaml").write_text(text)
    assert set(registry(own_data)) == set(CARDS)
    assert len(caplog.records) == 3


def test_an_added_model_cannot_take_the_place_of_a_known_one(own_data: Settings) -> None:
    entry = yaml.safe_load((MODELS / "registry.yaml").read_text())["laion-clip-vit-b-32"]
    folder = own_data.models_dir / "pharos-small"
    folder.mkdir(parents=True)
    (folder / "card.yaml").write_text(yaml.safe_dump({**entry, "source": {"file": "w.pt"}}))
    assert registry(own_data)["pharos-small"] == CARDS["pharos-small"]


@pytest.mark.parametrize(
    "change",
    [
        {"preprocess": {"std": [1, 1, 0]}},
        {"preprocess": {"mean": [1]}},
        {"preprocess": {"interpolation": "magic"}},
        {"preprocess": {"resize_mode": "?"}},
    ],
)
def test_impossible_preprocessing_is_refused(change: dict[str, object]) -> None:
    entry = yaml.safe_load((MODELS / "registry.yaml").read_text())["laion-clip-vit-b-32"]
    with pytest.raises(ValueError, match=r"std|interpolation"):
        card_from_entry("x", {**entry, **change})


def test_listing_models_does_not_import_torch() -> None:
    code = "import sys; from engine.encoders import registry; [c.record() for c in registry().values()]; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
