"""Which files are annotations and which picture each speaks of."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import CaptionsInvalid, DataMissing
from engine.learning.captions.files import AnnotatedPictures, annotation_files, folder_of_pictures, kind_named


def touch(root: Path, *names: str) -> list[Path]:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return [root / name for name in names]


def test_pictures_are_expected_in_or_beside(tmp_path: Path) -> None:
    touch(tmp_path, "a/images/x.png", "a/labels/x.txt", "b/x.txt")
    assert folder_of_pictures(tmp_path / "a") == folder_of_pictures(tmp_path / "a" / "labels") == tmp_path / "a" / "images"
    assert folder_of_pictures(tmp_path / "a" / "labels" / "x.txt") == tmp_path / "a" / "images"
    assert folder_of_pictures(tmp_path / "b") == tmp_path / "b"


def test_label_rasters_are_not_looked_for_among_the_pictures(tmp_path: Path) -> None:
    labels = touch(tmp_path, "labels/a.png", "labels/deep/b.tif")
    touch(tmp_path, "images/a.png", "images/b.tif", "labels/.hidden.png", "labels/notes.txt")
    for place in (tmp_path, tmp_path / "labels"):
        assert annotation_files(place, "raster", tmp_path / "images", tmp_path / "captions.json") == labels
    assert annotation_files(tmp_path / "labels", "raster", tmp_path, tmp_path / "captions.json") == labels
    assert annotation_files(labels[0], "raster", tmp_path / "images", tmp_path) == labels[:1]
    for place in (tmp_path / "images", tmp_path / "images" / "a.png"):
        with pytest.raises(CaptionsInvalid, match="--pictures"):
            annotation_files(place, "raster", tmp_path / "images", tmp_path)


def test_the_caption_file_is_no_annotation(tmp_path: Path) -> None:
    instances, captions = touch(tmp_path, "instances.json", "captions.json")
    assert annotation_files(tmp_path, "coco", tmp_path, captions) == [instances]
    with pytest.raises(CaptionsInvalid, match="2 JSON files"):
        annotation_files(tmp_path, "coco", tmp_path, tmp_path / "other.json")
    with pytest.raises(DataMissing, match=r"\.txt"):
        annotation_files(tmp_path, "dota", tmp_path, captions)


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("P0001", "P0001.png"),
        ("P0001_instance_color_RGB", "P0001.png"),
        ("top_2_10_label", "top_2_10_RGB.tif"),
        ("top_2_11", None),
        ("top_2", None),
        ("area_label", None),
        ("two_3_label", None),
        ("Clear.View", "Clear.View.png"),
        ("../P0001.png", None),
        ("notes.txt", None),
    ],
)
def test_names_of_a_role_find_their_picture(tmp_path: Path, name: str, picture: str | None) -> None:
    touch(tmp_path, "P0001.png", "top_2_10_RGB.tif", "area_view.png", "two_3_a.png", "two_3_b.png", "Clear.View.png", "notes.txt")
    assert AnnotatedPictures(tmp_path, roles=True).find(name) == (tmp_path / picture if picture else None)


def test_only_label_rasters_have_roles(tmp_path: Path) -> None:
    touch(tmp_path, "P0001.png")
    assert AnnotatedPictures(tmp_path).find("P0001_label") is None


def test_kinds_by_their_names() -> None:
    assert kind_named("COCO") == "coco"
    with pytest.raises(CaptionsInvalid, match="dota, coco, raster"):
        kind_named("voc")
