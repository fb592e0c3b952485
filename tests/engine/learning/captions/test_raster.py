"""Label rasters: values, colours, nodata, and files that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.transform import from_origin

from engine.learning.captions.boxes import Annotated, Frame
from engine.learning.captions.classes import ClassTable
from engine.learning.captions.english import Noun
from engine.learning.captions.raster import read_rasters
from engine.settings import settings

TABLE = ClassTable({"0": None, "1": Noun.of("building"), "2": Noun.of("water"), "3": Noun.of("water"), "#0000ff": Noun.of("tree")})
LABELS = np.zeros((12, 20), dtype=np.uint8)
LABELS[1:4, 2:5] = 1
LABELS[6:9, 2:5] = 1
LABELS[0:12, 10:12] = 2
LABELS[0:12, 12:14] = 3


def write(path: Path, data: NDArray[np.generic], nodata: float | None = None) -> Path:
    grid = {"crs": "EPSG:32631", "transform": from_origin(500000, 5000000, 10, 10)}
    with rasterio.open(
        path, "w", driver="GTiff", width=data.shape[1], height=data.shape[0], count=1, dtype=data.dtype, nodata=nodata, **grid
    ) as out:
        out.write(data, 1)
    return path


def read(path: Path, least: int = 4) -> Annotated:
    (annotated,) = read_rasters([path], TABLE, least)
    return annotated


def told(annotated: Annotated) -> list[tuple[str, float, float, float, float]]:
    return [(box.noun.one, box.left, box.top, box.right, box.bottom) for box in annotated.boxes]


PIECES = [("building", 2, 1, 5, 4), ("building", 2, 6, 5, 9), ("area of water", 10, 0, 14, 12)]


def test_values_of_a_geotiff(tmp_path: Path) -> None:
    """Values 2 and 3 are both water: what touches is one piece."""
    annotated = read(write(tmp_path / "a.tif", LABELS))
    assert (annotated.name, annotated.frame, annotated.faults) == ("a", Frame(20, 12), ())
    assert told(annotated) == PIECES


def test_a_palette_png_has_the_values_of_its_indices(tmp_path: Path) -> None:
    picture = Image.fromarray(LABELS, "P")
    picture.putpalette([200, 10, 10, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    picture.save(tmp_path / "a.png")
    assert told(read(tmp_path / "a.png")) == PIECES


def test_colours(tmp_path: Path) -> None:
    colours = np.zeros((12, 20, 3), dtype=np.uint8)
    colours[LABELS == 1] = (0, 0, 255)
    colours[LABELS == 2] = (255, 200, 7)
    Image.fromarray(colours).save(tmp_path / "a.png")
    annotated = read(tmp_path / "a.png")
    assert [entry[0] for entry in told(annotated)] == ["tree", "tree"]
    assert annotated.faults == ("the class table has no #000000, #ffc807",)


@pytest.mark.parametrize("nodata", [1.0, float("nan")])
def test_pixels_without_data_are_no_class(tmp_path: Path, nodata: float) -> None:
    data = LABELS.astype(np.float32)
    data[LABELS == 1] = nodata
    annotated = read(write(tmp_path / "a.tif", data, nodata))
    assert told(annotated) == PIECES[2:]
    assert annotated.faults == ()


def test_small_pieces_and_unknown_values(tmp_path: Path) -> None:
    data = LABELS.copy()
    data[11, 19], data[11, 0] = 1, 9
    annotated = read(write(tmp_path / "a.tif", data))
    assert told(annotated) == PIECES
    assert annotated.faults == ("the class table has no 9",)
    assert ("building", 19, 11, 20, 12) in told(read(write(tmp_path / "a.tif", data), least=1))


def test_measurements_are_no_classes(tmp_path: Path) -> None:
    annotated = read(write(tmp_path / "a.tif", LABELS + np.float32(0.5)))
    assert annotated.boxes == ()
    assert "no classes" in annotated.faults[0]
    many = np.arange(1200, dtype=np.uint16).reshape(30, 40)
    assert "no classes" in read(write(tmp_path / "b.tif", many)).faults[0]


def test_unreadable_and_too_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(b"no raster")
    assert "a.png" in read(tmp_path / "a.png").faults[0]
    (tmp_path / "b.tif").write_bytes(b"")
    assert "empty" in read(tmp_path / "b.tif").faults[0]
    monkeypatch.setenv("PHAROS_MAX_PICTURE_PIXELS", "100")
    settings.cache_clear()
    assert "240 pixels" in read(write(tmp_path / "c.tif", LABELS)).faults[0]
