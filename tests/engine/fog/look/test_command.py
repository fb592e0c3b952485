"""``fog area``, ``points``, ``frames`` and ``export`` on a small cube."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from tests.engine.fog.seas import NIGHT, sea_cube
from tests.engine.fog.test_command import run

HALF = timedelta(minutes=30)


@pytest.fixture
def cube(tmp_path: Path) -> str:
    fog = np.zeros((16, 16), bool)
    fog[4:12, 2:10] = True
    return str(sea_cube(tmp_path / "sea.zarr", [NIGHT, NIGHT + HALF, NIGHT + 3 * HALF], shape=(16, 16), fog=fog))


def test_area_and_points_print_json(cube: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code, record, _ = run(capsys, monkeypatch, "fog", "area", cube, "--region", "4,-26,16,-14", "--json")
    assert code == 0
    assert [frame["gap"] for frame in record["frames"]] == [False, False, True, False]
    assert record["frames"][2]["fog_km2"] is None
    assert record["frames"][0]["judged_km2"] is not None
    code, record, _ = run(capsys, monkeypatch, "fog", "points", cube, "--point", "Rig,8.5,-20.1", "--json")
    assert code == 0
    assert record["points"][0]["name"] == "Rig"
    assert record["synthetic"] is True


def test_frames_are_drawn_into_a_folder(
    cube: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, record, _ = run(capsys, monkeypatch, "fog", "frames", cube, "--out", str(tmp_path / "o"), "--layer", "infrared", "--json")
    assert code == 0
    assert Path(record["files"][0]).name == "SYNTHETIC_infrared_20210914T010000Z.webp"
    assert len(record["files"]) == 3
    assert len(record["gaps"]) == 1
    with Image.open(record["files"][0]) as picture:
        assert picture.size[0] == 16


@pytest.mark.parametrize("ending", ["tif", "geojson", "nc", "png", "gif"])
def test_masks_and_films_are_exported(
    cube: str, ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, record, err = run(
        capsys, monkeypatch, "fog", "export", cube, "--out", str(tmp_path / f"mask.{ending}"), "--width", "200", "--json"
    )
    assert code == 0, err
    path = Path(record["out"])
    assert path.name == f"SYNTHETIC_mask.{ending}"
    assert path.stat().st_size == record["bytes"]
    assert record["synthetic"] is True
    if ending == "tif":
        with rasterio.open(path) as found:
            assert found.tags()["PHAROS_TIME"] == (NIGHT + 3 * HALF).isoformat()


def test_what_can_not_be_done_is_one_line(
    cube: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for words, said in (
        (["export", cube, "--out", str(tmp_path / "mask.docx")], "no ending that is known"),
        (["export", cube, "--out", str(tmp_path / "mask.png"), "--over", "truth"], "fog, probability, state"),
        (["area", cube, "--region", "1,2,3"], "four numbers"),
        (["area", cube, "--from", "2031-01-01"], "it covers"),
        (["points", cube, "--point", "here"], "NAME,LON,LAT"),
        (["frames", cube, "--out", str(tmp_path), "--layer", "mist"], "There is no layer"),
    ):
        code, record, err = run(capsys, monkeypatch, "fog", *words, "--json")
        assert (code, record) == (2, None), words
        assert said in err, err
        assert len(err.strip().splitlines()) == 1, err
