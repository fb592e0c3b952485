from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import DataMissing, DatasetInvalid, EvaluationInvalid, FeaturesInvalid, ImageUnreadable
from engine.evaluation.datasets.captions import CaptionedPictures, read_captions
from engine.evaluation.datasets.counts import CountedPictures
from engine.evaluation.datasets.folders import ClassFolders
from engine.evaluation.datasets.multilabel import MultiLabel
from engine.evaluation.datasets.pictures import PictureFinder
from engine.evaluation.datasets.transclip import Embeddings
from tests.engine.evaluation.squares import write_folders, write_square


def test_folder_names_become_words(tmp_path: Path) -> None:
    write_folders(tmp_path, {"DenseResidential": ["red"], "storage_tank": ["blue"], "railway station": ["green", "black"]})
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "notes.txt").write_text("no folder")
    folders = ClassFolders.open(tmp_path)
    assert folders.names == ("dense residential", "railway station", "storage tank")
    assert folders.classes == (0, 1, 1, 2)
    assert [picture.name for picture in folders.pictures][1] == "railway station/00.png"
    assert folders.pictures[0].read().tolist() == [[[255, 0, 0]] * 8] * 8


def test_labels_follow_the_sorted_folders_with_or_without_the_empty_ones(tmp_path: Path) -> None:
    write_folders(tmp_path, {"b": ["red"], "a": ["red"], "empty": []})
    for labels in (["first", "second"], ["first", "second", "third"]):
        folders = ClassFolders.open(tmp_path, labels)
        assert folders.names == ("first", "second")
        assert folders.skipped == (("empty", "it holds no picture."),)
    with pytest.raises(EvaluationInvalid, match=r"1 labels were given for 3 class folders: a, b, empty"):
        ClassFolders.open(tmp_path, ["x"])
    with pytest.raises(EvaluationInvalid, match="two classes"):
        ClassFolders.open(tmp_path, ["x", "X"])


def test_train_and_test_folders_make_a_division(tmp_path: Path) -> None:
    write_folders(tmp_path / "train", {"a": ["red"], "b": ["blue"]})
    write_folders(tmp_path / "test", {"a": ["red", "red"], "b": []})
    folders = ClassFolders.open(tmp_path)
    assert folders.names == ("a", "b")
    assert sorted(zip(folders.classes, folders.learning or (), strict=True)) == [(0, False), (0, False), (0, True), (1, True)]


def test_images_folder_is_stepped_into_and_lists_keep(tmp_path: Path) -> None:
    write_folders(tmp_path / "images", {"a": ["red", "red"], "b": ["blue"]})
    listing = tmp_path / "held_out.txt"
    listing.write_text("a/01.png\nb/00.png\n")
    assert [picture.name for picture in ClassFolders.open(tmp_path, only=listing).pictures] == ["a/01.png", "b/00.png"]
    listing.write_text("elsewhere.png\n")
    with pytest.raises(DatasetInvalid, match="none of its lines"):
        ClassFolders.open(tmp_path, only=listing)


def test_folders_without_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataMissing):
            ClassFolders.open(place)


def test_fingerprint_changes_with_the_selection(tmp_path: Path) -> None:
    write_folders(tmp_path, {"a": ["red"], "b": ["blue"]})
    before = ClassFolders.open(tmp_path).fingerprint
    write_square(tmp_path / "a" / "more.png", "red")
    assert ClassFolders.open(tmp_path).fingerprint != before


def karpathy(**more: Any) -> dict[str, Any]:
    images = [
        {"filename": "b_2.tif", "split": "test", "sentences": [{"raw": "two"}, {"raw": "two"}, {"raw": " "}]},
        {"filename": "a_1.tif", "split": "test", "sentences": [{"raw": "one"}]},
        {"filename": "c_3.tif", "split": "train", "sentences": [{"raw": "three"}]},
        {"filename": "gone.tif", "split": "test", "sentences": [{"raw": "four"}]},
    ]
    return {"images": images, "dataset": "rsicd", **more}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name in ("a_1", "b_2", "c_3"):
        write_square(tmp_path / "pictures" / "sub" / f"{name}.png", "red")
    return tmp_path / "pictures"


def test_karpathy_layout(tmp_path: Path, pictures: Path) -> None:
    """Test part, sorted by name, duplicates kept; a converted archive is found by its stems, missing pictures are named."""
    file = tmp_path / "dataset_rsicd.json"
    file.write_text(json.dumps(karpathy()))
    data = CaptionedPictures.open(pictures, file)
    assert [picture.name for picture in data.pictures] == ["a_1.tif", "b_2.tif"]
    assert data.captions == (("one",), ("two", "two"))
    assert data.skipped == (("gone.tif", "the picture is not there."),)
    assert data.split == "test"
    assert len(CaptionedPictures.open(pictures, file, "all").pictures) == 3
    with pytest.raises(EvaluationInvalid, match=r"no part “val”. It has: test \(3\), train \(1\)"):
        CaptionedPictures.open(pictures, file, "val")


@pytest.mark.parametrize(
    ("dataset", "folder", "names"),
    [
        ("rsicd", "RSICD_images", ["airport_1.jpg", "00623.jpg"]),
        ("RSITMD", "images", ["airport_1.tif", "baseballfield_452.tif"]),
        ("UCM", "imgs", ["1.tif", "2090.tif"]),
    ],
)
def test_layouts_of_the_caption_sets(tmp_path: Path, dataset: str, folder: str, names: list[str]) -> None:
    """The caption file beside a folder of pictures, as unpacked, with all the keys that the archives have."""
    images = []
    for place, name in enumerate([*names, "learned" + names[0]]):
        write_square(tmp_path / folder / name, "red")
        sentences = [{"tokens": ["a", "b"], "raw": f"a b {place} .", "imgid": place, "sentid": 5 * place + each} for each in range(5)]
        part = "train" if name.startswith("learned") else "test"
        images.append({"filename": name, "imgid": place, "split": part, "sentences": sentences, "sentids": list(range(5))})
    (tmp_path / f"dataset_{dataset}.json").write_text(json.dumps({"images": images, "dataset": dataset}))
    data = CaptionedPictures.open(tmp_path, tmp_path / f"dataset_{dataset}.json")
    assert [picture.name for picture in data.pictures] == sorted(names)
    assert [texts for texts in data.captions] == [(f"a b {names.index(name)} .",) * 5 for name in sorted(names)]
    assert data.pictures[0].read().shape == (8, 8, 3)
    assert not data.skipped


def test_own_layout_and_csv(tmp_path: Path, pictures: Path) -> None:
    own = tmp_path / "captions.json"
    own.write_text(json.dumps([{"file": "images/sub/c_3.png", "captions": ["x", "y"]}, {"file": "images/sub/a_1.png", "captions": []}]))
    data = CaptionedPictures.open(pictures, own)
    assert data.captions == ((), ("x", "y"))
    assert data.split == ""
    table = tmp_path / "captions.csv"
    with table.open("w", newline="") as out:
        csv.writer(out).writerows([["filepath", "title"], ["a_1.png", "one, two"], ["a_1.png", "again"]])
    assert CaptionedPictures.open(pictures, table).captions == (("one, two", "again"),)


@pytest.mark.parametrize("names", [["a_1.png", "b_2.png"], ["a_1.png", "a_1.png", "b_2.png", "b_2.png"]])
def test_precomp_layouts(tmp_path: Path, pictures: Path, names: list[str]) -> None:
    """RSICD names each picture once, RSITMD once for each caption."""
    (tmp_path / "test_filename.txt").write_text("\n".join(names) + "\n")
    (tmp_path / "test_caps.txt").write_text("one\ntwo\nthree\nthree\n")
    for file in ("test_caps.txt", "test_filename.txt"):
        assert CaptionedPictures.open(pictures, tmp_path / file).captions == (("one", "two"), ("three", "three"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", "{"),
        ("a.json", "[1, 2]"),
        ("a.json", '{"annotations": []}'),
        ("a.json", '[{"file": "x"}]'),
        ("a.json", "[]"),
        ("a.json", "[" * 3000),
        ("a.csv", "name,words\nx,y\n"),
        ("a.xml", "<a/>"),
        ("x_caps.txt", "one\n"),
    ],
)
def test_other_forms_are_refused_by_name(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DatasetInvalid, match=name):
        read_captions(tmp_path / name)


def test_captions_for_missing_pictures_alone_are_refused(tmp_path: Path, pictures: Path) -> None:
    file = tmp_path / "captions.json"
    file.write_text(json.dumps([{"file": "elsewhere.jpg", "captions": ["x"]}]))
    with pytest.raises(DataMissing, match=r"elsewhere\.jpg"):
        CaptionedPictures.open(pictures, file)
    with pytest.raises(DataMissing):
        read_captions(tmp_path / "nothing.json")


def test_finder_stays_below_its_root_and_does_not_guess(tmp_path: Path, pictures: Path) -> None:
    write_square(tmp_path / "secret.png", "blue")
    write_square(pictures / "other" / "a_1.png", "blue")
    finder = PictureFinder(pictures)
    assert finder.find("../secret.png") is None
    assert finder.find(str(tmp_path / "secret.png")) is None
    assert finder.find("a_1.png") is None  # two of that name
    assert finder.find("RSICD_images/sub/a_1.png") == pictures / "sub" / "a_1.png"
    assert finder.find("sub\\b_2.png") == pictures / "sub" / "b_2.png"
    assert finder.find("") is None


def test_counts(tmp_path: Path) -> None:
    write_square(tmp_path / "a.png", "red")
    rows = [
        {"file": "a.png", "caption": "three planes"},
        {"file": "a.png", "caption": "{} planes", "count": 2},
        {"file": "a.png", "caption": "{} planes", "count": 11},
        {"file": "a.png", "caption": "many planes"},
        {"file": "gone.png", "caption": "one plane"},
        {"file": "a.png", "caption": "{} planes", "count": "few"},
    ]
    (tmp_path / "counts.json").write_text(json.dumps(rows))
    data = CountedPictures.open(tmp_path / "counts.json")
    assert [caption.count for caption in data.captions] == [3, 2]
    assert [name for name, _ in data.skipped] == ["a.png", "a.png", "gone.png", "a.png"]
    (tmp_path / "bad.json").write_text(json.dumps(rows[2:4]))
    with pytest.raises(EvaluationInvalid, match="no row"):
        CountedPictures.open(tmp_path / "bad.json")


def test_labels_are_lower_cased_sorted_and_unique(tmp_path: Path) -> None:
    write_square(tmp_path / "a.png", "red")
    rows = [{"file": "a.png", "labels": ["Water", "Built", "water"]}, {"file": "a.png", "labels": []}, {"file": "b.png", "labels": ["x"]}]
    (tmp_path / "labels.json").write_text(json.dumps(rows))
    data = MultiLabel.open(tmp_path / "labels.json")
    assert data.labels == (("built", "water"), ())
    assert data.different == (("built", "water"),)
    assert data.matrix.tolist() == [[True, True], [False, False]]
    assert data.skipped == (("b.png", "the picture is not there."),)


def archive(**changes: Any) -> dict[str, Any]:
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        "image_features": random.normal(size=(6, 4)).astype(np.float16),
        "labels": np.array([0, 1, 2, 0, 1, 2], dtype=np.int16),
        "class_names": np.array(["a", "b", "c"]),
        "text_features": random.normal(size=(2, 3, 4)).astype(np.float16),
        "prompts": np.array(["a photo of a", "a satellite image of a"]),
    }
    return {key: value for key, value in {**arrays, **changes}.items() if value is not None}


def test_embeddings_are_read_and_normalised(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", **archive())
    data = Embeddings.open(tmp_path / "x.npz")
    assert np.linalg.norm(data.images, axis=1) == pytest.approx(np.ones(6))
    assert np.linalg.norm(data.sentences, axis=2) == pytest.approx(np.ones((2, 3)))
    assert (data.template_at(), data.template_at("a photo of a")) == (1, 0)
    with pytest.raises(DatasetInvalid, match="no template"):
        data.template_at("a drawing of a")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"image_features": np.full((6, 4), np.nan, dtype=np.float16)}, FeaturesInvalid),
        ({"labels": np.array([0, 1, 2, 0, 1, 3])}, FeaturesInvalid),
        ({"labels": np.array([0, 1])}, FeaturesInvalid),
        ({"text_features": np.ones((2, 3, 5))}, DatasetInvalid),
        ({"prompts": None}, DatasetInvalid),
        ({"class_names": np.array([{"a": 1}, "b", "c"], dtype=object)}, DatasetInvalid),
    ],
)
def test_bad_embeddings_are_refused(tmp_path: Path, changes: dict[str, Any], error: type[Exception]) -> None:
    np.savez(tmp_path / "x.npz", **archive(**changes))
    with pytest.raises(error):
        Embeddings.open(tmp_path / "x.npz")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.ones(3))
    (tmp_path / "text.npz").write_text("no archive")
    (tmp_path / "empty.npz").write_bytes(b"")
    for name in ("one.npy", "text.npz", "empty.npz"):
        with pytest.raises(DatasetInvalid, match=name):
            Embeddings.open(tmp_path / name)
    with pytest.raises(DataMissing):
        Embeddings.open(tmp_path / "none.npz")


def test_tiff_pictures_are_read(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "a").mkdir()
    Image.fromarray(np.full((6, 5, 3), (10, 20, 30), np.uint8)).save(tmp_path / "a" / "x.tif")
    (tmp_path / "a" / "y.tif").write_bytes(b"II*\x00 cut short")
    good, bad = ClassFolders.open(tmp_path).pictures
    assert good.read().shape == (6, 5, 3)
    assert good.read()[0, 0].tolist() == [10, 20, 30]
    with pytest.raises(ImageUnreadable):
        bad.read()
