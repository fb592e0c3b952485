from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.errors import DataMissing, DatasetInvalid, SourceForbidden
from engine.serving.evaluation import survey as survey_module
from engine.serving.evaluation.survey import survey, wanting
from engine.settings import Settings
from tests.engine.evaluation.squares import write_folders, write_square


def test_class_folders_are_told_with_what_is_odd(tmp_path: Path) -> None:
    write_folders(tmp_path / "set", {"Red Roofs": ["red", "red"], "DenseBlue": ["blue"], "none": []})
    found = survey(str(tmp_path / "set"))
    (part,) = found.parts
    assert (part.form, part.words, part.count) == ("classes", "2 classes, 3 pictures", 3)
    assert part.names == ("dense blue", "Red Roofs")
    assert "1 of the classes have a single picture." in part.doubt
    assert "Empty: none." in part.doubt


def test_a_division_is_told(tmp_path: Path) -> None:
    for part in ("train", "test"):
        write_folders(tmp_path / part, {"red": ["red"] * 2, "blue": ["blue"] * 2})
    assert survey(str(tmp_path)).parts[0].words == "2 classes, 8 pictures, 4 of them for learning"


def test_a_folder_of_data_sets_is_doubted(tmp_path: Path) -> None:
    for name in ("aid", "whu"):
        write_folders(tmp_path / name, {"red": ["red"], "blue": ["blue"]})
    assert "Is aid a data set of its own?" in survey(str(tmp_path)).parts[0].doubt


def test_lists_are_told_apart_by_their_columns(tmp_path: Path) -> None:
    write_square(tmp_path / "a.png", "red")
    karpathy = {"images": [{"filename": "a.png", "split": "test", "sentences": [{"raw": "red ."}, {"raw": "a red one ."}]}]}
    lists = {
        "karpathy.json": karpathy,
        "plain.json": [{"file": "a.png", "captions": ["red"]}],
        "pairs.json": [{"file": "a.png", "caption": "x", "swapped": "y"}],
        "counts.json": [{"file": "a.png", "caption": "one roof", "count": 1}],
        "labels.json": [{"file": "a.png", "labels": ["red"]}],
        "settings.json": {"colour": "red"},
        "numbers.json": [1, 2, 3],
    }
    for name, content in lists.items():
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "table.csv").write_text("filename,title\na.png,red\n")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "x_caps.txt").write_text("one\ntwo\n")
    (tmp_path / "x_filename.txt").write_text("a.png\n")
    found = survey(str(tmp_path))
    forms = {part.name: part.form for part in found.parts}
    assert forms == {
        "counts.json": "counts",
        "karpathy.json": "captions",
        "labels.json": "labels",
        "pairs.json": "pairs",
        "plain.json": "captions",
        "table.csv": "captions",
        "x_caps.txt": "captions",
    }
    karpathy_part = found.chosen(("captions",), "karpathy.json")
    assert karpathy_part is not None
    assert (karpathy_part.words, karpathy_part.splits) == ("1 pictures, 2 captions in test (1)", ("test",))
    assert found.chosen(("captions",), "none of these") == found.of("captions")[0]
    assert found.chosen(("embeddings",)) is None


def test_captions_without_their_pictures_are_a_note(tmp_path: Path) -> None:
    (tmp_path / "captions.json").write_text(json.dumps([{"file": "gone.png", "captions": ["red"]}]))
    found = survey(str(tmp_path))
    assert found.parts == ()
    assert "none of the 1 pictures" in found.notes[0]
    assert "It needs captions" in wanting(found, "captions")


def test_an_archive_of_embeddings_is_a_file_or_lies_in_a_folder(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    arrays = {
        "image_features": random.normal(size=(4, 3)).astype(np.float32),
        "labels": np.array([0, 1, 0, 1]),
        "class_names": np.array(["red", "blue"]),
        "text_features": random.normal(size=(2, 2, 3)).astype(np.float32),
        "prompts": np.array(["a", "the"]),
    }
    np.savez(tmp_path / "vectors.npz", **arrays)
    (tmp_path / "other.npz").write_bytes(b"no archive")
    for place in (tmp_path, tmp_path / "vectors.npz"):
        (part,) = survey(str(place)).parts
        assert part.words == "4 vectors, 2 classes, 2 templates"
    assert "other.npz" in survey(str(tmp_path)).notes[0]


def test_only_plain_paths_inside_the_released_folders_are_looked_into(tmp_path: Path) -> None:
    inside, outside = tmp_path / "data", tmp_path / "private"
    for folder in (inside, outside):
        write_folders(folder, {"red": ["red"], "blue": ["blue"]})
    (inside / "link").symlink_to(outside)
    config = Settings(data_dir=tmp_path, dataset_dirs=(str(inside),))
    assert survey(str(inside), config).parts
    for place in (outside, inside / ".." / "private", inside / "link"):
        with pytest.raises(SourceForbidden, match="released"):
            survey(str(place), config)
    for text in ("/vsizip/x", "https://example.org/set", "s3://bucket"):
        with pytest.raises(SourceForbidden):
            survey(text)
    for text in ("", "  ", "a\0b", str(tmp_path / "nothing"), "x" * 5000):
        with pytest.raises((DataMissing, SourceForbidden)):
            survey(text)


def test_too_much_is_not_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folders(tmp_path, {"red": ["red"] * 4, "blue": ["blue"] * 4})
    monkeypatch.setattr(survey_module, "MOST_ENTRIES", 5)
    with pytest.raises(DatasetInvalid, match="Name the folder of one data set"):
        survey(str(tmp_path))


@pytest.mark.shared_data
def test_the_real_sets_are_understood(shared_data: Path) -> None:
    aid = survey(str(shared_data / "aid_rsicd"))
    assert [part.words for part in aid.parts] == ["30 classes, 8,973 pictures", "8,973 pictures, 16,929 captions"]
    assert len(survey(str(shared_data / "whu_rs19_embeddings")).of("embeddings")) == 2
