"""Real files of many makers open with the right bands, dates, sizes and places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.warp import transform_bounds

from engine.imagery import Found, TileSpec, find_scenes, open_scene
from engine.types import Scene

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def found(shared_data: Path) -> Found:
    return find_scenes([shared_data / "georaster"])


def scene(found: Found, part: str) -> Scene:
    (one,) = (each for each in found.scenes if part in each.source)
    return one


def test_all_open_and_every_tile_lies_in_its_scene(found: Found) -> None:
    assert len(found.scenes) == 38
    assert found.skipped == ()
    assert len({each.id for each in found.scenes}) == 38
    for each in found.scenes:
        with open_scene(each) as reader:
            tiles = reader.tiles(TileSpec())
            image = reader.read(tiles[len(tiles) // 2].window)
            assert image.rgb.shape[:2] == (tiles[0].window.height, tiles[0].window.width)
            assert (
                shapely.union_all([tile.footprint for tile in tiles]).symmetric_difference(each.footprint).area < 1e-3 * each.footprint.area
            )
        with rasterio.open(each.source) as raster:
            expected = transform_bounds(raster.crs, "EPSG:4326", *raster.bounds, densify_pts=21)
        np.testing.assert_allclose(each.bounds.array, expected, atol=1e-4)


def test_naip_dates_and_bands(found: Found) -> None:
    naip = [each for each in found.scenes if "/naip/" in each.source]
    assert [f"{each.datetime:%Y-%m-%d}" for each in naip] == ["2009-08-18", "2014-07-20", "2020-08-31"]
    assert {each.sensor for each in naip} == {"naip"}
    assert {each.gsd_m for each in naip} == {5.0}
    for each in naip:
        with open_scene(each) as reader, rasterio.open(each.source) as raster:
            window = reader.tiles(TileSpec(128))[5].window
            stored = raster.read([1, 2, 3])[:, window.row : window.row + 128, window.column : window.column + 128]
            np.testing.assert_array_equal(reader.read(window).rgb, np.moveaxis(stored, 0, -1))


def test_landsat_time_lapse_has_years_and_false_colours(found: Found) -> None:
    lapse = [each for each in found.scenes if "landsat_timelapse" in each.source]
    assert [each.datetime.year for each in lapse if each.datetime] == [1985, 2000, 2015, 2020]
    assert {each.sensor for each in lapse} == {"landsat_swir_nir_red_green"}
    assert lapse[0].gsd_m == pytest.approx(89.2, abs=0.5)


def test_radar_and_multispectral_sensors(found: Found) -> None:
    assert scene(found, "S1/Spain_7370579").sensor == "sentinel1"
    assert scene(found, "sar_misc").sensor == "sentinel1"
    assert str(scene(found, "sar_misc").datetime) == "2015-03-09 17:30:17+00:00"
    spain = scene(found, "S2/Spain_7370579")
    assert spain.sensor == "sentinel2_l1c"
    with open_scene(spain) as reader:
        image = reader.read(reader.tiles(TileSpec(512))[0].window)
        seen = reader.view(reader.tiles(TileSpec(512))[0].window)
    assert 60 < image.rgb.mean() < 190
    assert image.rgb.std() > 25
    with rasterio.open(next(Path(spain.source).parents[1].glob("Label/Spain_7370579*"))) as label:
        water = label.read(1) == 1  # drawn by hand
    for picture, least in ((image, 1.0), (seen, 1.3)):  # a blue share of water over that of land
        share = picture.rgb[..., 2] / np.maximum(picture.rgb.sum(axis=-1, dtype=int), 1)
        assert share[water].mean() > least * share[~water].mean()


def test_the_bahamas_collar_is_invalid(found: Found) -> None:
    each = scene(found, "bahamas")
    with open_scene(each) as reader:
        tiles = reader.tiles(TileSpec(64))
        shares = [reader.read(tile.window).valid_share for tile in tiles]
    with rasterio.open(each.source) as raster:
        truth = (raster.read() != 0).any(axis=0)
    expected = [truth[t.window.row : t.window.row + 64, t.window.column : t.window.column + 64].mean() for t in tiles]
    np.testing.assert_allclose(shares, expected)
    assert min(shares) == 0.0


def test_web_mercator_pixels_are_smaller_than_they_say(found: Found) -> None:
    assert scene(found, "cogeo_3857").gsd_m == pytest.approx(0.597 * np.cos(np.radians(37.67)), rel=0.01)


def test_class_folders_of_real_pictures(shared_data: Path) -> None:
    folder = shared_data / "rsscn7"
    inner = next(path for path in sorted(folder.rglob("*")) if path.is_dir() and any(path.glob("*.jpg")))
    scenes = find_scenes([inner]).scenes
    assert len(scenes) >= 100
    assert not any(each.georeferenced for each in scenes)
    with open_scene(scenes[0]) as reader:
        (tile,) = reader.tiles(TileSpec())
        assert reader.read(tile.window).rgb.std() > 5
