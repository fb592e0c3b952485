"""From annotated pictures to captions.json, and everything that can be wrong on the way."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.errors import Cancelled, CaptionsInvalid, DataMissing
from engine.evaluation.datasets.captions import CaptionedPictures
from engine.learning.captions.writing import CaptionReport, Rules, write_captions
from engine.learning.pairs import decoded, read_captioned
from engine.progress import Cancel
from tests.engine.learning.captions.blobs import write_blobs


def label(left: float, top: float, name: str = "plane") -> str:
    return f"{left} {top} {left + 4} {top} {left + 4} {top + 4} {left} {top + 4} {name} 0\n"


@pytest.fixture
def dota(tmp_path: Path) -> Path:
    """Three pictures of 60 × 40 px in DOTA's layout. SYNTHETIC."""
    root = tmp_path / "set"
    (root / "labelTxt").mkdir(parents=True)
    for number in range(3):
        write_blobs(root / "images" / f"P{number}.png", number)
    (root / "labelTxt" / "P0.txt").write_text("gsd:0.3\n" + label(28, 18) + label(28, 22))
    (root / "labelTxt" / "P1.txt").write_text(label(0, 0, "StorageTank") * 3)
    (root / "labelTxt" / "P2.txt").write_text("".join(label(x, 2) for x in range(12)))
    return root


def sentences(path: Path) -> dict[str, list[str]]:
    return {row["file"]: row["captions"] for row in json.loads(path.read_text())}


def test_training_and_evaluation_read_what_was_written(dota: Path, tmp_path: Path) -> None:
    report = write_captions(dota, dota, "dota")
    assert report.path == dota / "captions.json"
    assert (len(report.captions), report.boxes, report.dropped, report.skipped) == (3, 17, 0, [])
    read = read_captioned(dota)
    assert [(record.file, record.label) for record in read] == [(f"images/P{number}.png", "images") for number in range(3)]
    assert decoded(dota, read, 8, tmp_path / "cache").shape == (3, 3, 8, 8)
    assert read[0].captions[0] == "There are planes in the middle of the picture."
    assert read[1].captions[0] == "There are storage tanks at the edge of the picture."
    assert "three storage tanks" in read[1].captions[1]
    assert not any("twelve" in text or "eleven" in text for text in read[2].captions)
    opened = CaptionedPictures.open(dota, report.path)
    assert [picture.read().shape for picture in opened.pictures] == [(40, 60, 3)] * 3
    assert opened.captions == tuple(record.captions for record in read)
    assert report.sentences == sum(map(len, opened.captions))


def test_captions_elsewhere_name_whole_paths_that_both_can_follow(dota: Path, tmp_path: Path) -> None:
    report = write_captions(dota / "labelTxt", tmp_path / "elsewhere" / "some.json", "dota")
    assert set(sentences(report.path)) == {(dota / "images" / f"P{number}.png").as_posix() for number in range(3)}
    report.path.rename(tmp_path / "elsewhere" / "captions.json")
    read = read_captioned(tmp_path / "elsewhere")
    assert {record.label for record in read} == {"images"}
    assert decoded(tmp_path / "elsewhere", read, 8, tmp_path / "cache").shape == (3, 3, 8, 8)
    assert len(CaptionedPictures.open(dota, tmp_path / "elsewhere" / "captions.json").pictures) == 3


def test_pictures_beside_the_caption_file_still_have_a_folder(tmp_path: Path) -> None:
    """A training takes the class from the folder."""
    write_blobs(tmp_path / "flat" / "a.png", 1)
    (tmp_path / "flat" / "a.txt").write_text(label(1, 1))
    write_captions(tmp_path / "flat", tmp_path / "flat", "dota")
    assert [record.label for record in read_captioned(tmp_path / "flat")] == ["flat"]


def test_a_picture_s_sentences_depend_on_the_seed_and_on_itself_alone(dota: Path) -> None:
    def run(seed: int, *, only: str = "") -> dict[str, Any]:
        return write_captions(dota / "labelTxt" / only, dota, "dota", rules=Rules(seed=seed), pictures=dota / "images").captions

    everything = run(1)
    assert run(1) == everything
    assert run(1, only="P2.txt")["images/P2.png"] == everything["images/P2.png"]
    assert len({run(seed)["images/P2.png"] for seed in range(9)}) > 3


def test_coco(tmp_path: Path) -> None:
    write_blobs(tmp_path / "train" / "a b.png", 1)
    content = {
        "images": [{"id": 1, "file_name": "a b.png", "width": 600, "height": 400}, {"id": 2, "file_name": "gone.png"}],
        "categories": [{"id": 1, "name": "ship"}],
        "annotations": [{"image_id": image, "category_id": 1, "bbox": [290, 190, 20, 20]} for image in (1, 2, 3)],
    }
    (tmp_path / "instances.json").write_text(json.dumps(content))
    report = write_captions(tmp_path / "instances.json", tmp_path, "coco")
    assert report.captions["train/a b.png"][0] == "There is a ship in the middle of the picture."
    assert [name for name, why in report.skipped if "not there" in why] == ["gone.png", "picture 3"]
    assert write_captions(tmp_path, tmp_path, "coco").captions == report.captions
    (tmp_path / "more.json").write_text("{}")
    with pytest.raises(CaptionsInvalid, match="2 JSON files"):
        write_captions(tmp_path, tmp_path, "coco")


def test_label_rasters(tmp_path: Path) -> None:
    write_blobs(tmp_path / "images" / "a.jpg", 1)
    labels = np.zeros((20, 30), dtype=np.uint8)
    labels[8:12, 13:17] = 1
    labels[0:3, 0:3] = labels[0:3, 27:30] = 1
    (tmp_path / "masks").mkdir()
    Image.fromarray(labels).save(tmp_path / "masks" / "a.png")
    (tmp_path / "classes.yaml").write_text("0:\n1: water\n")
    for place in (tmp_path, tmp_path / "masks"):
        report = write_captions(place, tmp_path, "raster", classes=tmp_path / "classes.yaml")
        told = report.captions["images/a.jpg"]
        assert told[0] == "There is an area of water in the middle of the picture."
        assert "three areas of water" in told[2]
    with pytest.raises(CaptionsInvalid, match="--classes"):
        write_captions(tmp_path, tmp_path, "raster")
    with pytest.raises(CaptionsInvalid, match="--pictures"):
        write_captions(tmp_path / "masks", tmp_path, "raster", classes=tmp_path / "classes.yaml", pictures=tmp_path / "masks")


def test_near_copies_are_left_out_within_the_set_and_against_another(dota: Path, tmp_path: Path) -> None:
    picture = Image.open(dota / "images" / "P0.png")
    picture.resize((90, 60), Image.Resampling.BICUBIC).save(dota / "images" / "P9.jpg", quality=90)
    (dota / "labelTxt" / "P9.txt").write_text(label(1, 1))
    report = write_captions(dota, dota, "dota")
    assert report.duplicates == 1
    assert report.skipped == [("P9", "it is nearly the same picture as P0.png.")]
    assert len(write_captions(dota, dota, "dota", rules=Rules(duplicates=True)).captions) == 4
    write_blobs(tmp_path / "test" / "x.png", 0)
    (tmp_path / "test" / "broken.png").write_bytes(b"")
    apart = write_captions(dota, dota, "dota", against=[tmp_path / "test"], rules=Rules(duplicates=True))
    assert set(apart.captions) == {"images/P1.png", "images/P2.png"}
    assert [name for name, _ in apart.skipped] == ["broken.png", "P0", "P9"]
    assert apart.duplicates == 2


def test_what_is_left_out_says_why(dota: Path) -> None:
    write_blobs(dota / "images" / "Empty.png", 5)
    write_blobs(dota / "images" / "Outside.png", 6)
    (dota / "images" / "Broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (dota / "images" / "Two.png").write_bytes((dota / "images" / "P1.png").read_bytes())
    (dota / "images" / "Two.jpg").write_bytes(b"")
    for name in ("Broken", "Two", "Gone"):
        (dota / "labelTxt" / f"{name}.txt").write_text(label(1, 1))
    (dota / "labelTxt" / "Empty.txt").write_text("")
    (dota / "labelTxt" / "Outside.txt").write_text(label(61, 1) + label(-9, 1) + label(1, 40))
    (dota / "labelTxt" / "P1.txt").write_text(label(58, 1) + label(60, 1) * 2 + "nonsense\n")
    (dota / "labelTxt-v1.5").mkdir()
    (dota / "labelTxt-v1.5" / "P1.txt").write_text(label(1, 1))
    (dota / "classes.yaml").write_text("plane: plane\n")
    (dota / "labelTxt" / "P2.txt").write_text(label(1, 1, "ship") + label(3, 3))
    report = write_captions(dota, dota, "dota", classes=dota / "classes.yaml")
    assert set(report.captions) == {"images/P0.png", "images/P1.png", "images/P2.png"}
    skipped = {name: why for name, why in report.skipped if name != "P1"}
    assert set(skipped) == {"Broken", "Two", "Gone", "Empty", "Outside"}
    assert "“Broken.png” can't be read" in skipped["Broken"]
    assert "several files" in skipped["Two"] == skipped["Gone"]
    assert skipped["Empty"] == skipped["Outside"] == "there is no object to speak of."
    assert ("P1", "its picture has captions from another annotation.") in report.skipped
    assert report.dropped == 3 + 3 + 1
    assert dict(report.faults) == {
        "Outside": "a box lies outside of the picture (3 times).",
        "P1": "a box lies outside of the picture (2 times).",
        "P2": "the class “ship” is not in the class table.",
    }


def test_inputs_that_cannot_be_used(dota: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataMissing):
        write_captions(tmp_path / "gone", tmp_path, "dota")
    with pytest.raises(DataMissing, match=r"\.txt"):
        write_captions(tmp_path / "nothing", tmp_path / "out", "dota")
    with pytest.raises(DataMissing, match="pictures"):
        write_captions(dota, tmp_path / "out", "dota", pictures=tmp_path / "gone")
    with pytest.raises(DataMissing, match="pictures"):
        write_captions(dota, tmp_path / "out", "dota", against=[tmp_path / "gone"])
    with pytest.raises(CaptionsInvalid, match="none of 3 pictures got one; of the first, P0: its picture is not there"):
        write_captions(dota, tmp_path / "out", "dota", pictures=tmp_path / "nothing")
    assert not (tmp_path / "out" / "captions.json").exists()
    with pytest.raises(CaptionsInvalid, match="from 0 to 1"):
        Rules(central=float("nan"))
    with pytest.raises(CaptionsInvalid, match="from 0 to 63"):
        Rules(distance=64)
    (tmp_path / "empty.json").write_text('{"images": [], "annotations": [], "categories": []}')
    with pytest.raises(CaptionsInvalid, match="names no picture"):
        write_captions(tmp_path / "empty.json", tmp_path / "out", "coco")


@pytest.mark.parametrize("content", ['[{"file": "a/b.png", "captions": ["by hand"]}]', "{", "7"])
def test_what_people_wrote_is_not_overwritten(dota: Path, content: str) -> None:
    (dota / "captions.json").write_text(content)
    with pytest.raises(CaptionsInvalid, match="something else stands there"):
        write_captions(dota, dota, "dota")
    assert (dota / "captions.json").read_text() == content


def test_progress_is_told_and_stopping_leaves_nothing(dota: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    cancel = Cancel()

    def watch(*step: Any) -> None:
        steps.append(step)
        cancel.set()

    with pytest.raises(Cancelled):
        write_captions(dota, dota, "dota", progress=watch, cancel=cancel)
    assert steps == [("captions", 1, 3)]
    assert sorted(os.listdir(dota)) == ["images", "labelTxt"]


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(CaptionsInvalid, match="can't be written"):
        CaptionReport(tmp_path / "gone" / "captions.json").write("dota")


def test_repeated_reasons_are_counted() -> None:
    report = CaptionReport(Path("x"))
    report.drop("a", ["far", "small", "far"])
    report.drop("b", [])
    assert (report.dropped, report.faults) == (3, [("a", "far (2 times); small.")])
