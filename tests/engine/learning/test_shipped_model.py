"""What the shipped default encoder must be, apart from its ranking, which ``test_ranking_figures`` measures."""

from __future__ import annotations

import pytest

from engine.encoders import Encoder, load
from engine.settings import ASSETS

WEIGHTS = ASSETS / "models" / "pharos-small.safetensors"


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load("pharos-small", device="cpu")


def test_the_weights_are_small_half_precision_and_fill_the_architecture(encoder: Encoder) -> None:
    from safetensors.torch import load_file

    assert WEIGHTS.stat().st_size < 40_000_000
    weights = load_file(WEIGHTS)
    assert {str(value.dtype) for value in weights.values()} <= {"torch.float16", "torch.int64"}
    assert sum(value.numel() for name, value in weights.items() if name.startswith("visual.")) <= 12_000_000
    assert all(bool(value.isfinite().all()) for value in weights.values())


def test_the_card_names_the_data_the_terms_and_what_is_synthetic() -> None:
    card = (ASSETS / "models" / "pharos-small.md").read_text().lower()
    for word in ("AID", "RSICD", "academic", "Google Earth", "seed", "held-out", "synthetic", "MiniLM", "NAIP", "RSSCN7"):
        assert word.lower() in card


@pytest.mark.parametrize(
    ("query", "pond_like", "other"),
    [("a lake", "a body of water", "many parked cars"), ("woods", "a forest", "an airport"), ("houses", "a residential area", "a desert")],
)
def test_words_that_mean_alike_lie_together(encoder: Encoder, query: str, pond_like: str, other: str) -> None:
    asked, near, far = (encoder.query(text) for text in (query, pond_like, other))
    assert asked @ near > 0.5
    assert asked @ near > asked @ far + 0.2
