from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from engine import encoders
from engine.errors import PharosError
from engine.evaluation.command import evaluate_cli
from engine.learning.pairs import read_captioned, split
from tests.engine.evaluation.squares import write_folders, write_square
from tests.engine.index.colour_encoder import ColourEncoder


@pytest.fixture(autouse=True)
def colour_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "load", lambda *_, **__: ColourEncoder(), raising=False)


def run(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(evaluate_cli, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == 1
    record: dict[str, Any] = json.loads(lines[0])
    return record


def refused(*arguments: str) -> str:
    with pytest.raises(PharosError) as caught:
        CliRunner().invoke(evaluate_cli, list(arguments), catch_exceptions=False)
    return str(caught.value)


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    return write_folders(tmp_path / "colours", {"a": ["red"] * 4, "b": ["blue"] * 4})


def test_zeroshot(colours: Path, tmp_path: Path) -> None:
    record = run("zeroshot", str(colours), "--labels", "red, blue", "--templates", "a photo of {}", "--report", str(tmp_path / "r.html"))
    assert (record["accuracy"], record["n"], record["per_class"]) == (1.0, 8, {"red": 1.0, "blue": 1.0})
    assert (record["model"], record["templates"]) == ("colours", "own-0")
    assert "Zero-shot" in (tmp_path / "r.html").read_text()


def test_zeroshot_in_words(colours: Path) -> None:
    result = CliRunner().invoke(evaluate_cli, ["zeroshot", str(colours), "--labels", "red,blue"], catch_exceptions=False)
    assert "1.0000  accuracy" in result.stdout
    assert "1.0000  per class: red" in result.stdout


@pytest.mark.parametrize("kind", ["knn", "linear", "fewshot"])
def test_probe(colours: Path, kind: str) -> None:
    record = run("probe", str(colours), "--kind", kind, "--shots", "1,2", "--seeds", "2")
    assert {"accuracy", "seeds", "std", "n"} <= set(record)
    assert record["accuracy"] == 1.0


def test_retrieval_and_word_order(tmp_path: Path) -> None:
    write_square(tmp_path / "r.png", "red")
    write_square(tmp_path / "b.png", "blue")
    rows = [{"file": "r.png", "captions": ["red over a road"]}, {"file": "b.png", "captions": ["blue"]}]
    (tmp_path / "captions.json").write_text(json.dumps(rows))
    record = run("retrieval", str(tmp_path), "--captions", str(tmp_path / "captions.json"), "--protocol", "p2")
    assert (record["t2i"]["r1"], record["i2t"]["r1"], record["mean_recall"]) == (1.0, 1.0, 1.0)
    assert (record["n_images"], record["n_captions"]) == (2, 2)
    record = run("word-order", str(tmp_path), "--captions", str(tmp_path / "captions.json"))
    assert {"accuracy", "seeds", "std", "n"} <= set(record)


def test_counting_and_ndcg(tmp_path: Path, colours: Path) -> None:
    write_square(tmp_path / "r.png", "red")
    (tmp_path / "counts.csv").write_text("image,caption\nr.png,one red plane\n")
    assert run("counting", str(tmp_path / "counts.csv"), "--digits")["accuracy"] == 1.0
    record = run("ndcg", str(colours), "--k", "3", "--query", "a")
    assert {"ndcg", "ndcg_jaccard", "ndcg_overlap", "seeds", "std", "n"} <= set(record)


def captioned(root: Path, colours: dict[str, list[str]]) -> Path:
    """Class folders and captions as aid_rsicd has them."""
    write_folders(root / "images", colours)
    files = sorted((root / "images").rglob("*.png"))
    for number, path in enumerate(files):
        path.rename(path.with_stem(f"{path.parent.name}_{number}"))
    rows = [
        {"file": path.relative_to(root).as_posix(), "captions": [f"it is {path.parent.name}"]} for path in (root / "images").rglob("*.png")
    ]
    (root / "captions.json").write_text(json.dumps(rows))
    return root


def test_phrases(tmp_path: Path, colours: Path) -> None:
    (tmp_path / "p.yaml").write_text("tuning: {red or so: [a]}\ntest: {rather blue: [b]}\n")
    record = run("phrases", str(colours), "--phrases", str(tmp_path / "p.yaml"), "--half", "test", "--k", "2")
    assert (record["precision"], record["n"], record["k"], record["half"]) == (1.0, 8, 2, "test")
    assert "no part" in refused("phrases", str(colours), "--phrases", str(tmp_path / "p.yaml"), "--half", "x")


def test_only_what_a_recipe_held_out(tmp_path: Path) -> None:
    """The same pictures as the training's own split, in every suite that can choose."""
    root = captioned(tmp_path / "set", {"red": ["red"] * 10, "blue": ["blue"] * 10})
    recipe = tmp_path / "own.yaml"
    recipe.write_text("seed: 5\ndata: [{kind: aid_rsicd, root: ../elsewhere/set, held_out: 0.3}, {kind: island}]\n")
    records = read_captioned(root)
    kept = [records[index].file.removeprefix("images/") for index in split(records, 0.3, 5).held_out]
    listing = tmp_path / "names.txt"
    listing.write_text("\n".join(name.split("/")[-1] for name in kept))
    (tmp_path / "p.yaml").write_text("tuning: {red or so: [red]}\n")
    captions = ["--captions", str(root / "captions.json")]
    for suite in (["zeroshot"], ["retrieval", *captions], ["probe", "--kind", "knn"], ["phrases", "--phrases", str(tmp_path / "p.yaml")]):
        by_recipe = run(suite[0], str(root), *suite[1:], "--held-out", str(recipe))
        by_list = run(suite[0], str(root), *suite[1:], "--only", str(listing))
        assert by_recipe["data_fingerprint"] == by_list["data_fingerprint"]
        assert by_recipe.get("n_images", 6) == 6
    assert "Give one of them" in refused("zeroshot", str(root), "--held-out", str(recipe), "--only", str(listing))
    assert "holds out nothing of colours" in refused("zeroshot", str(root.parent / "colours"), "--held-out", str(recipe))
    assert "is not at" in refused("zeroshot", str(root), "--held-out", "no-such-recipe")
    recipe.write_text("seed: 5\n")
    assert "can't be read from it" in refused("zeroshot", str(root), "--held-out", str(recipe))


def test_suites_share_their_options() -> None:
    """Every suite takes --report and --json; those that need an encoder --model and --batch."""
    for name, command in typer.main.get_command(evaluate_cli).commands.items():  # type: ignore[attr-defined]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--report", "--json"} <= options
        assert ({"--model", "--batch"} <= options) == (name != "embeddings")


@pytest.mark.shared_data
def test_embeddings(shared_data: Path) -> None:
    record = run("embeddings", str(shared_data / "whu_rs19_embeddings" / "RemoteCLIP_ViT-B-32_WHURS19.npz"))
    assert (round(record["accuracy_single"], 3), round(record["accuracy_ensemble"], 3), record["n"]) == (0.945, 0.952, 1005)


def test_bad_input_says_what_to_do(tmp_path: Path, colours: Path) -> None:
    assert "2 class folders" in refused("zeroshot", str(colours), "--labels", "red")
    assert "no templates" in refused("zeroshot", str(colours), "--templates", "nonsense")
    assert "is not at" in refused("zeroshot", str(tmp_path / "nowhere"))
    assert "no protocol" in refused("retrieval", str(colours), "--captions", "x.json", "--protocol", "P9")
    assert "no probe" in refused("probe", str(colours), "--kind", "svm")
    assert "no numbers" in refused("probe", str(colours), "--kind", "fewshot", "--shots", "a")
    assert "report is written as" in refused("zeroshot", str(colours), "--report", "r.pdf")
    assert "is not at" in refused("embeddings", str(tmp_path / "x.npz"))


def test_the_command_loads_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, engine.evaluation.command; print([m for m in ('torch', 'numpy', 'pyarrow', 'PIL') if m in sys.modules])"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    assert made.stdout.strip() == "[]"
