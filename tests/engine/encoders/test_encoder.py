from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import save_file

from engine.encoders import Calibration, Encoder, add_model, architecture, load, prompts, registry
from engine.encoders import encoder as module
from engine.encoders.registry import MODELS, model_card
from engine.errors import (
    ArchitectureUnknown,
    DeviceUnavailable,
    EmptyQuery,
    EncoderNotFound,
    ImageUnreadable,
    LabelSetInvalid,
    QueryTooLong,
    WeightsCorrupt,
    WeightsMissing,
)
from engine.settings import Settings

from .tiny import CUSTOM, RESIDUAL, SENTENCES, TRANSFORMER, card, encoder, network, pictures, write_config

LAYOUTS = {"transformer": TRANSFORMER, "residual": RESIDUAL, "custom": CUSTOM}


def wrapped(state: dict[str, torch.Tensor], layout: str, path: Path) -> Path:
    """The layouts in which public checkpoints come."""
    if layout == "safetensors":
        save_file(state, path.with_suffix(".safetensors"))
        return path.with_suffix(".safetensors")
    prefixed = {f"module.{key}": value for key, value in state.items()}
    compiled = {f"module._orig_mod.{key}": value for key, value in state.items()}
    content: Any = {
        "bare": state,
        "state_dict": {"epoch": 20, "name": "run", "state_dict": prefixed, "optimizer": {"state": {0: state["logit_scale"]}}},
        "module": prefixed,
        "model": {"model": state, "step": 7},
        "compiled": {"state_dict": compiled},
        "openai": {**state, "input_resolution": torch.tensor(64), "context_length": torch.tensor(77), "vocab_size": torch.tensor(49408)},
        "vector temperature": {**state, "logit_scale": state["logit_scale"].reshape(1)},
    }[layout]
    torch.save(content, path)
    return path


@pytest.mark.parametrize("layout", ["bare", "state_dict", "module", "model", "compiled", "openai", "vector temperature", "safetensors"])
@pytest.mark.parametrize("kind", LAYOUTS)
def test_a_checkpoint_in_any_layout_gives_the_same_features_bit_for_bit(kind: str, layout: str, tmp_path: Path, own_data: Settings) -> None:
    config = LAYOUTS[kind]
    original = network(config, seed=3)
    file = wrapped(original.state_dict(), layout, tmp_path / "my-model.pt")
    added = add_model(file, architecture=str(write_config(tmp_path, config)))
    loaded = load(added.id)

    before = Encoder(original, config, added, "0" * 64)
    np.testing.assert_array_equal(loaded.images(pictures(5)), before.images(pictures(5)))
    np.testing.assert_array_equal(loaded.texts(SENTENCES), before.texts(SENTENCES))
    assert loaded.hash == added.sha256[:12]


def test_half_precision_weights_are_widened(tmp_path: Path, own_data: Settings) -> None:
    state = {key: value.half() if value.is_floating_point() else value for key, value in network(TRANSFORMER).state_dict().items()}
    save_file(state, tmp_path / "half.safetensors")
    loaded = load(add_model(tmp_path / "half.safetensors", architecture=str(write_config(tmp_path, TRANSFORMER))).id)

    widened = architecture.build(TRANSFORMER)
    widened.load_state_dict({key: value.float() for key, value in state.items()})
    np.testing.assert_array_equal(loaded.images(pictures()), Encoder(widened, TRANSFORMER, card(), "0" * 64).images(pictures()))


@pytest.mark.slow
def test_the_real_vit_b_32_loads_and_agrees_with_open_clip(tmp_path: Path, own_data: Settings) -> None:
    """The layout of RemoteCLIP-ViT-B-32.pt: 605 MB, bare keys; open_clip's own transform and loader are the truth."""
    path = own_data.models_dir / "remote-like" / "weights.pt"
    torch.manual_seed(0)
    theirs = open_clip.create_model("ViT-B-32", force_quick_gelu=True).eval()
    torch.save(theirs.state_dict(), tmp_path / "remote-like.pt")
    assert add_model(tmp_path / "remote-like.pt", quick_gelu=True).architecture == "ViT-B-32", "guessed from the shapes"
    ours = load("remote-like")
    path.unlink()

    transform = image_transform_v2(PreprocessCfg(size=224), is_train=False)
    tiles = pictures(2, 96, 120)
    with torch.inference_mode():
        images = theirs.encode_image(torch.stack([transform(Image.fromarray(tile)) for tile in tiles]), normalize=True)
        texts = theirs.encode_text(open_clip.get_tokenizer("ViT-B-32")(SENTENCES), normalize=True)
    assert (ours.images(tiles) * images.numpy()).sum(1) == pytest.approx(np.ones(2), abs=1e-4)
    np.testing.assert_allclose(ours.texts(SENTENCES), texts.numpy(), atol=2e-6)


def test_the_temperature_is_the_learned_one() -> None:
    model = network(TRANSFORMER)
    with torch.no_grad():
        model.logit_scale.fill_(np.log(37.0))  # type: ignore[operator, union-attr]
    assert Encoder(model, TRANSFORMER, card(), "0" * 64).logit_scale == pytest.approx(37, rel=1e-6)


def test_quick_gelu_takes_effect_in_both_towers(tmp_path: Path, own_data: Settings) -> None:
    torch.save(network(TRANSFORMER).state_dict(), tmp_path / "w.pt")
    config = str(write_config(tmp_path, TRANSFORMER))
    plain = load(add_model(tmp_path / "w.pt", architecture=config, model_id="plain").id)
    quick = load(add_model(tmp_path / "w.pt", architecture=config, model_id="quick", quick_gelu=True).id)
    assert quick.card.quick_gelu
    assert plain.hash == quick.hash
    assert np.abs(plain.images(pictures()) - quick.images(pictures())).max() > 1e-4
    assert np.abs(plain.texts(SENTENCES) - quick.texts(SENTENCES)).max() > 1e-4
    true = Encoder(network(TRANSFORMER, quick_gelu=True), TRANSFORMER, quick.card, "0" * 64)
    np.testing.assert_array_equal(true.images(pictures()), quick.images(pictures()))


def test_vectors_are_unit_rows_of_float32_in_the_order_asked() -> None:
    made = encoder()
    vectors = made.images(pictures(40))
    assert vectors.shape == (40, 24)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(vectors[7:9], made.images(pictures(40)[7:9]), atol=1e-6)
    assert made.images([]).shape == (0, 24)
    assert made.texts([]).shape == (0, 24)
    assert made.texts(["a", "b", "a"])[0] == pytest.approx(made.texts(["a", "b", "a"])[2], abs=0)


def test_pictures_of_many_shapes_in_one_batch_keep_their_places() -> None:
    made = encoder()
    mixed = [*pictures(2, 64, 64), *pictures(1, 50, 90), *pictures(1, 64, 64, seed=9), *pictures(1, 200, 31)]
    alone = np.concatenate([made.images([one]) for one in mixed])
    np.testing.assert_allclose(made.images(mixed), alone, atol=1e-6)


@pytest.mark.parametrize(
    "bad", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3), np.float32), np.zeros((0, 8, 3), np.uint8), "x"]
)
def test_what_is_no_picture_is_refused_with_words(bad: Any) -> None:
    with pytest.raises(ImageUnreadable, match="8-bit red, green, blue"):
        encoder().images([bad])


def test_a_query_is_the_mean_over_its_templates() -> None:
    made = encoder()
    sentences = ["a lake", "a satellite image of a lake."]
    mean = made.texts(sentences).astype(np.float64).mean(axis=0)
    for typed in ("a lake", "lake", "  the\tlake \n"):
        np.testing.assert_allclose(made.query(typed), mean / np.linalg.norm(mean), atol=1e-6)
    assert made.query("lake").shape == (24,)


def test_bad_queries_cost_nothing_else() -> None:
    made = encoder(query_limit=500)
    for empty in ("", "   ", "\x00\u200b", "?!", "<end_of_text>"):
        with pytest.raises(EmptyQuery):
            made.query(empty)
    with pytest.raises(QueryTooLong, match="5,000 characters; at most 500"):
        made.query("x" * 5000)
    made.query("x" * 500)


def test_labels_are_read_as_words_and_averaged() -> None:
    made = encoder()
    vectors = made.labels(["DenseResidential", "river"], ["a satellite photo of {}.", "{a}"])
    for row, texts in zip(
        vectors,
        (["a satellite photo of dense residential.", "a dense residential"], ["a satellite photo of river.", "a river"]),
        strict=True,
    ):
        mean = made.texts(texts).mean(axis=0)
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-6)
    assert made.labels(["a", "b", "c"]).shape == (3, 24)
    assert made.labels([]).shape == (0, 24)
    with pytest.raises(LabelSetInvalid, match="Known: label, neutral, plain, query"):
        made.labels(["a"], "none")
    with pytest.raises(LabelSetInvalid, match="place for the label"):
        made.labels(["a"], ["a photo."])


def test_neutral_vectors_are_those_of_the_prompts() -> None:
    made = encoder()
    np.testing.assert_array_equal(made.neutral, made.texts(prompts.neutral()))


def test_texts_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = encoder()
    calls: list[int] = []
    true = made._tower
    monkeypatch.setattr(made, "_tower", lambda tokens: calls.append(len(tokens)) or true(tokens))
    made.query("a lake")
    made.query("the lake")
    assert calls == [2], "all templates in one pass, then from memory"
    monkeypatch.setattr(module, "REMEMBERED_TEXTS", 3)
    made.texts(["a", "b", "c", "d"])
    assert list(made._texts) == ["b", "c", "d"]


def test_many_threads_get_the_same_vectors() -> None:
    made, alone = encoder(), encoder()
    queries = [f"{word} {n}" for n in range(6) for word in ("lake", "forest", "port")]
    results: dict[str, Any] = {}

    def ask(query: str) -> None:
        results[query] = (made.query(query), made.images(pictures(2)))

    threads = [threading.Thread(target=ask, args=(query,)) for query in queries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for query in queries:
        np.testing.assert_allclose(results[query][0], alone.query(query), atol=1e-6)
        np.testing.assert_allclose(results[query][1], alone.images(pictures(2)), atol=1e-6)


@pytest.mark.parametrize("kind", LAYOUTS)
def test_bf16_gives_nearly_the_same_vectors(kind: str) -> None:
    """The path of CUDA devices, computed here by the CPU."""
    full, low = encoder(LAYOUTS[kind]), encoder(LAYOUTS[kind], precision="bf16")
    assert (full.images(pictures()) * low.images(pictures())).sum(1).min() > 0.995
    assert (full.texts(SENTENCES) * low.texts(SENTENCES)).sum(1).min() > 0.995
    assert low.images(pictures()).dtype == np.float32
    assert low.device_words == "CPU (bf16)"


def test_the_device_is_chosen_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert str(module.resolve_device("auto")) == "cpu"
    for name in ("cuda", "cuda:0", "gpu", ""):
        with pytest.raises(DeviceUnavailable, match=r"Available: cpu. Set PHAROS_DEVICE=auto"):
            module.resolve_device(name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert str(module.resolve_device("auto")) == "cuda:0"
    assert str(module.resolve_device("CUDA:1")) == "cuda:1"
    with pytest.raises(DeviceUnavailable, match="cpu, cuda:0, cuda:1"):
        module.resolve_device("cuda:2")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_loading_onto_a_device_that_is_not_here_is_a_clear_error(own_data: Settings) -> None:
    with pytest.raises(DeviceUnavailable):
        load("pharos-small", device="cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_cuda_agrees_with_the_cpu() -> None:
    there, here = encoder(device="cuda:0"), encoder()
    assert there.precision in ("bf16", "fp32")
    assert (there.images(pictures()) * here.images(pictures())).sum(1).min() > 0.995
    assert (there.texts(SENTENCES) * here.texts(SENTENCES)).sum(1).min() > 0.995


def test_an_unknown_model_names_the_known_ones(own_data: Settings) -> None:
    with pytest.raises(EncoderNotFound, match="pharos-small, remoteclip-rn50"):
        load("no-such-model")


def test_weights_of_the_wrong_architecture_name_the_first_keys(tmp_path: Path, own_data: Settings) -> None:
    torch.save(network(TRANSFORMER).state_dict(), tmp_path / "w.pt")
    with pytest.raises(
        WeightsCorrupt, match=r"architecture tiny\.json: keys 122 missing \(visual\.bn1\.weight, .*…\); 31 unexpected \(visual\."
    ):
        add_model(tmp_path / "w.pt", architecture=str(write_config(tmp_path, RESIDUAL)))
    wider = {**TRANSFORMER, "text_cfg": {**TRANSFORMER["text_cfg"], "width": 64}}
    with pytest.raises(WeightsCorrupt, match="of another shape"):
        add_model(tmp_path / "w.pt", architecture=str(write_config(tmp_path, wider)))
    assert set(registry()) == set(registry(own_data))
    assert not list(own_data.models_dir.glob("*")), "nothing is left of what was refused"


def test_a_brought_file_with_another_hash_is_refused(own_data: Settings) -> None:
    known = model_card("remoteclip-rn50")
    known.folder(own_data).mkdir(parents=True)
    torch.save(network(RESIDUAL).state_dict(), known.path(own_data))
    with pytest.raises(WeightsCorrupt, match="SHA-256 begins with"):
        load("remoteclip-rn50")


def test_a_card_of_another_length_is_refused() -> None:
    with pytest.raises(ArchitectureUnknown, match="7 numbers a vector"):
        Encoder(network(TRANSFORMER), TRANSFORMER, card(dim=7), "0" * 64)


def test_an_uncalibrated_model_says_so() -> None:
    made = encoder()
    assert not made.calibration.measured
    measured = Calibration(0.1, 0.2)
    assert Encoder(network(TRANSFORMER), TRANSFORMER, card(calibration=measured), "0" * 64).calibration is measured
    assert [measured.verdict(margin) for margin in (0.05, 0.1, 0.2)] == ["weak", "fair", "strong"]


class TestPharosSmall:
    """The embedded default. Until its weights are in the checkout, its config stands with random ones."""

    CARD = model_card("pharos-small")

    def test_its_architecture_is_small(self) -> None:
        model = architecture.build(architecture.config_of(self.CARD.architecture))
        images = sum(p.numel() for p in model.visual.parameters())
        assert images <= 12_000_000
        assert 2 * sum(p.numel() for p in model.parameters()) <= 40_000_000, "float16"

    def test_its_weights_are_whole_and_small(self, own_data: Settings) -> None:
        path = self.CARD.path()
        if not path.is_file():
            with pytest.raises(WeightsMissing, match=r"pharos-small.safetensors"):
                load("pharos-small")
            pytest.skip("the weights of pharos-small are not in the checkout yet")
        assert path.stat().st_size <= 40_000_000
        loaded = load("pharos-small", device="cpu")
        vectors = loaded.images(pictures(2, 256, 256))
        assert vectors.shape == (2, loaded.dim)
        assert loaded.card.record()["sha256"].startswith(loaded.hash)
        assert not list(MODELS.glob("*.sha256.json")), "nothing is written beside the embedded weights"
        assert (loaded.query("a lake") @ loaded.query("a pond")) > (loaded.query("a lake") @ loaded.query("an airport"))
