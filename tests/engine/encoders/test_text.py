from __future__ import annotations

import platform
from dataclasses import replace
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.encoders import architecture, prompts
from engine.encoders.text import HalvedProduct, TextTower

from .tiny import CUSTOM, RESIDUAL, TEXT, TRANSFORMER, network

LENGTH = CUSTOM["text_cfg"]["context_length"]
THEIRS = open_clip.SimpleTokenizer(context_length=LENGTH)


def with_text(config: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**config, "text_cfg": {**config["text_cfg"], **changes}}


PLAIN = {
    "transformer": TRANSFORMER,
    "residual": RESIDUAL,
    "custom": CUSTOM,
    "one layer": with_text(TRANSFORMER, layers=1),
    "wide and deep": with_text(CUSTOM, width=48, heads=3, layers=5, mlp_ratio=2.0),
    "short context": with_text(CUSTOM, context_length=9),
    "other length": {**TRANSFORMER, "embed_dim": 40},
    "no projection": {**with_text(CUSTOM, proj_type="none"), "embed_dim": TEXT["width"]},
    "projection with bias": with_text(CUSTOM, proj_bias=True),
    "layer scale": with_text(CUSTOM, ls_init_value=0.3),
}
OTHER = {
    "not causal": with_text(CUSTOM, no_causal_mask=True, pool_type="last"),
    "first token": with_text(CUSTOM, pool_type="first"),
    "class token": with_text(CUSTOM, embed_cls=True),
    "other blocks": with_text(CUSTOM, block_type="custom", qk_norm=True),
}


def sentences(count: int = 40) -> list[str]:
    """Around every template and on their own, from nothing to more than the context; “!” is token 0, as the padding is."""
    rng = np.random.default_rng(5)
    words = ["lake", "river!", "dense", "!", "harbour", "a", "an", "aerial", "photo", "of", "satellite", "27", "château", "<b>", "..."]
    texts = [" ".join(rng.choice(words, rng.integers(0, 30))) for _ in range(count)]
    around = [sentence for each in prompts.template_sets().values() for text in texts[:3] for sentence in each.around(text)]
    return [*texts, *around, *prompts.openings(), "!", "a satellite photo of!", "an aerial photo off", "dense forest " * 60]


def padded(config: dict[str, Any], texts: list[str]) -> torch.Tensor:
    """Tokens as open_clip's towers take them."""
    length = config["text_cfg"]["context_length"]
    return torch.tensor([tokens + [0] * (length - len(tokens)) for tokens in architecture.tokenizer_of(config)(texts)])


def both(config: dict[str, Any], texts: list[str]) -> tuple[TextTower, torch.Tensor, torch.Tensor]:
    """The tower, its features, and those of open_clip; at unit length."""
    model = network(config, seed=3)
    tokenize = architecture.tokenizer_of(config)
    with torch.inference_mode():
        whole = model.encode_text(padded(config, texts), normalize=True)  # type: ignore[operator]
        tower = TextTower(model, tokenize(prompts.openings()))
        return tower, torch.nn.functional.normalize(tower(tokenize(texts)), dim=-1), whole


@pytest.mark.parametrize("name", PLAIN)
def test_features_are_those_of_the_whole_tower(name: str) -> None:
    tower, features, whole = both(PLAIN[name], sentences())
    assert tower.plain
    torch.testing.assert_close(features, whole, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", OTHER)
def test_towers_of_another_structure_are_computed_whole(name: str) -> None:
    tower, features, whole = both(OTHER[name], sentences(5))
    assert not tower.plain
    torch.testing.assert_close(features, whole, atol=0, rtol=0)


def test_features_do_not_depend_on_the_texts_beside_them() -> None:
    texts = sentences(10)
    _, together, _ = both(CUSTOM, texts)
    tokenize = architecture.tokenizer_of(CUSTOM)
    tower = TextTower(network(CUSTOM, seed=3), tokenize(prompts.openings()))
    with torch.inference_mode():
        alone = torch.cat([torch.nn.functional.normalize(tower(tokenize([text])), dim=-1) for text in texts])
    torch.testing.assert_close(alone, together, atol=1e-6, rtol=0)


def test_only_what_is_new_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of “<start> a satellite photo of | a lake . <end>” the last four tokens, and in the last layer the last one."""
    tokenize = architecture.tokenizer_of(CUSTOM)
    tower = TextTower(network(CUSTOM), tokenize(prompts.openings()))
    seen: list[tuple[int, ...]] = []
    with torch.inference_mode():
        tower(tokenize(["a lake"]))
        watched = [
            replace(layer, activation=lambda x, true=layer.activation: seen.append(tuple(x.shape)) or true(x)) for layer in tower._halved
        ]
        monkeypatch.setattr(tower, "_halved", watched)
        tower(tokenize(["a satellite photo of a lake."]))
    assert seen == [(1, 4, 128), (1, 1, 128)]  # four times as wide as the tower


def test_matrices_that_lose_nothing_are_read_in_half_precision() -> None:
    """As the shipped ones, which are stored so; for a few tokens, to the same digits. Others stay as they are."""
    model = network(CUSTOM, seed=4)
    tokenize = architecture.tokenizer_of(CUSTOM)
    exact = TextTower(network(CUSTOM, seed=4), tokenize(prompts.openings()))
    assert not any(isinstance(layer.up, HalvedProduct) for layer in exact._halved)
    for weight in model.parameters():
        weight.data = weight.data.half().float()
    tower = TextTower(model, tokenize(prompts.openings()))
    halved = all(isinstance(layer.up, HalvedProduct) for layer in tower._halved)
    assert halved == (platform.machine() in ("x86_64", "AMD64"))
    with torch.inference_mode():
        texts = ["a satellite photo of a lake near a harbour.", "boats"]
        found = torch.nn.functional.normalize(tower(tokenize(texts)), dim=-1)
        whole = model.encode_text(padded(CUSTOM, texts), normalize=True)  # type: ignore[operator]
        with torch.autocast("cpu", torch.bfloat16):
            shortened = torch.nn.functional.normalize(tower(tokenize(texts)).float(), dim=-1)
    torch.testing.assert_close(found, whole, atol=1e-6, rtol=0)
    assert (shortened * whole).sum(dim=1).min() > 0.999


def test_few_tokens_leave_the_number_of_threads_as_it_was() -> None:
    tokenize = architecture.tokenizer_of(CUSTOM)
    before = torch.get_num_threads()
    tower = TextTower(network(CUSTOM), tokenize(prompts.openings()))
    during: list[int] = []
    tower._halved = [
        replace(layer, activation=lambda x, true=layer.activation: during.append(torch.get_num_threads()) or true(x))
        for layer in tower._halved
    ]
    with torch.inference_mode():
        tower(tokenize(["a lake"]))
    assert set(during) == {1}
    assert torch.get_num_threads() == before


def test_texts_of_the_same_lengths_are_laid_out_once() -> None:
    """Other words in them change nothing of the layout; another length does."""
    tokenize = architecture.tokenizer_of(CUSTOM)
    tower = TextTower(network(CUSTOM), tokenize(prompts.openings()))
    with torch.inference_mode():
        for text in ("a lake", "a farm", "two lakes and a farm"):
            tower(tokenize([text, f"a satellite image of {text}."]))
    assert tower._remembered.cache_info()[:2] == (1, 2)


def test_openings_begin_the_templates() -> None:
    openings = prompts.openings()
    assert openings[0] == ""
    assert "a satellite photo of" in openings
    assert not any("{" in opening for opening in openings)


@given(st.text(st.characters(max_codepoint=0x2FF), max_size=40) | st.text("aB &;<>'\"`.-_\x1b[mlt#39\t ", max_size=40))
def test_tokens_are_those_of_open_clip(text: str) -> None:
    assert padded(CUSTOM, [text]).tolist() == THEIRS([text]).tolist()
