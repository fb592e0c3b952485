"""Any raster opens with the right place, bands, mask and look; a broken one says what is wrong with it."""

from __future__ import annotations

import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

from engine.errors import ImageEmpty, ImageTooLarge, ImageUnreadable, ImageWithoutPlace, SensorNotFound, SourceForbidden
from engine.geometry import Window
from engine.imagery import TileSpec, find_scenes, open_scene
from engine.imagery.preview import TileImage
from engine.imagery.raster import RasterReader
from engine.settings import settings
from engine.types import Bounds, Scene

from .conftest import Write
from .rasters import scenery

WHOLE = Window(0, 0, 128, 96)


def only(path: Path, **options: Any) -> Scene:
    found = find_scenes([path], **options)
    assert found.skipped == ()
    (scene,) = found.scenes
    return scene


def look(scene: Scene, window: Window = WHOLE, size: int | None = None) -> TileImage:
    with open_scene(scene) as reader:
        return reader.read(window, size)


def test_a_plain_geotiff_tells_its_story(write: Write) -> None:
    scene = only(write("harbour_20140720.tif", tags={"PHAROS_SYNTHETIC": "1"}))
    assert (scene.id, scene.sensor, scene.width, scene.height) == ("harbour_20140720", "rgb", 128, 96)
    assert (scene.crs, scene.gsd_m, scene.georeferenced, scene.synthetic) == ("EPSG:32631", 10.0, True, True)
    assert scene.datetime == datetime(2014, 7, 20, tzinfo=UTC)
    assert scene.transform == (10, 0, 500_000, 0, -10, 5_500_000)
    assert Path(scene.source).is_absolute()
    west, south, east, north = scene.bounds.array
    assert west == pytest.approx(3.0, abs=1e-6)  # the central meridian of zone 31
    assert 49.6 < south < north < 49.7
    assert 3.01 < east < 3.03


def test_pixels_come_through_unchanged(write: Write) -> None:
    data = scenery()
    image = look(only(write("a.tif", data)), Window(10, 20, 50, 40))
    np.testing.assert_array_equal(image.rgb, np.moveaxis(data[:, 20:60, 10:60], 0, -1))
    assert image.valid.all()


@pytest.mark.parametrize(
    ("dtype", "bands"),
    [
        ("uint8", 1),
        ("uint8", 2),
        ("uint8", 3),
        ("uint8", 5),
        ("uint16", 1),
        ("uint16", 3),
        ("int16", 4),
        ("int16", 13),
        ("uint32", 3),
        ("float32", 1),
        ("float32", 2),
        ("float64", 3),
    ],
)
def test_depths_and_band_counts(write: Write, dtype: str, bands: int) -> None:
    image = look(only(write("a.tif", scenery(bands, dtype=dtype))))
    assert image.rgb.dtype == np.uint8
    assert image.valid.all()
    assert image.rgb.std() > 40
    assert (bands >= 3) != bool((image.rgb[..., 0] == image.rgb[..., 1]).all())


def test_red_green_blue_are_found_by_the_sensor(write: Write) -> None:
    """Sentinel-2's natural colours are bands 4, 3, 2, under one ramp: brighter bands look brighter."""
    data = np.stack([scenery(1, dtype="uint16", seed=3)[0] // 4 + 100 * n for n in range(13)])
    scene = only(write("S2A_MSIL1C_20170105T013442_N0204_R031_T53NMJ.tif", data))
    assert scene.sensor == "sentinel2_l1c"
    means = look(scene).rgb.reshape(-1, 3).mean(axis=0)
    assert means[0] > means[1] > means[2]


def test_near_infrared_written_as_alpha_is_not_a_mask(write: Write) -> None:
    """GDAL marks the fourth of four 8-bit bands as alpha by default; NIR values are neither all opaque nor all clear."""
    data = scenery(4)
    data[3, 40:50, 40:50] = 0  # dark water: NIR of zero is data
    path = write("a.tif", data)
    with rasterio.open(path) as written:
        assert written.colorinterp[3] == ColorInterp.alpha
    scene = only(path)
    assert scene.sensor == "rgbn"
    assert look(scene).valid.all()
    half = look(scene, size=64)
    assert half.valid.all()
    assert (
        np.abs(
            half.rgb[20:25, 20:25].astype(int) - data[:3, 40:50, 40:50].reshape(3, 5, 2, 5, 2).mean(axis=(2, 4)).transpose(1, 2, 0)
        ).max()
        <= 1
    )


def test_an_encoder_sees_near_infrared_as_colour(write: Write) -> None:
    """Where a green lake is dark in near infrared and a green field bright, a person sees one green and an encoder two colours."""
    data = scenery(4)  # of a wide range, so that it is shown as it is
    data[:, :32] = np.array([60, 100, 60, 30], np.uint8)[:, None, None]
    data[3, :32, 64:] = 180
    scene = only(write("a.tif", data, descriptions=("red", "green", "blue", "nir"), nodata=0))
    with open_scene(scene) as reader:
        person, encoder = reader.read(WHOLE), reader.view(WHOLE)
        assert (person.rgb[:32] == (60, 100, 60)).all()
        assert (encoder.rgb[:32, :64] == (60, 83, 68)).all()
        assert (encoder.rgb[:32, 64:] == (60, 120, 30)).all()
        assert encoder.valid.all()
        beyond = reader.view(Window(120, 90, 16, 12), 8)
        assert beyond.rgb.shape == (6, 8, 3)
        assert beyond.valid.mean() == 0.25


def test_near_infrared_shares_the_ramp_of_the_colours(write: Write) -> None:
    """Sixteen bits: a band as bright as green leaves green as it is, whatever the stretch."""
    data = scenery(4, dtype="uint16")
    data[3] = data[1]
    scene = only(write("S.tif", data))
    with open_scene(scene) as reader:
        np.testing.assert_array_equal(reader.view(WHOLE).rgb[..., :2], reader.read(WHOLE).rgb[..., :2])


@pytest.mark.parametrize("name", ["a.tif", "landsat_swir_nir_red_green_2015.tif"])
def test_without_near_infrared_or_natural_colours_a_view_is_the_picture(write: Write, name: str) -> None:
    scene = only(write(name, scenery(4 if "nir" in name else 3)))
    assert ("nir" in name) == (scene.sensor == "landsat_swir_nir_red_green")
    with open_scene(scene) as reader:
        np.testing.assert_array_equal(reader.view(WHOLE).rgb, reader.read(WHOLE).rgb)


def test_a_real_alpha_band_is_a_mask(write: Write) -> None:
    data = scenery(4)
    data[3] = 255
    data[3, :, :32] = 0
    scene = only(write("a.tif", data, photometric="RGB", alpha="YES"))
    assert scene.sensor == "rgb"
    image = look(scene)
    assert image.valid_share == 0.75
    assert not image.valid[:, :32].any()


def test_an_internal_mask_is_kept(write: Write) -> None:
    mask = np.full((96, 128), 255, np.uint8)
    mask[:48] = 0
    image = look(only(write("a.tif", mask=mask)))
    assert not image.valid[:48].any()
    assert image.valid[48:].all()


def test_a_nodata_collar_is_invalid_but_dark_single_bands_are_not(write: Write) -> None:
    data = scenery()
    data[:, :, :20] = 0
    data[2, 50:60, 50:60] = 0  # blue alone is zero: dark, not missing
    image = look(only(write("a.tif", data, nodata=0)))
    assert not image.valid[:, :20].any()
    assert image.valid[:, 20:].all()


@pytest.mark.parametrize("nodata", [None, float("nan"), -9999.0])
def test_nan_is_invalid_whatever_the_nodata(write: Write, nodata: float | None) -> None:
    data = scenery(dtype="float32")
    data[:, 10:20] = np.nan if nodata is None else nodata
    data[0, 30, 30] = np.nan
    image = look(only(write("a.tif", data, nodata=nodata)))
    assert not image.valid[10:20].any()
    assert not image.valid[30, 30]
    assert image.valid.sum() == 96 * 128 - 10 * 128 - 1


def test_a_palette_is_looked_up(write: Write) -> None:
    data = np.zeros((1, 96, 128), np.uint8)
    data[0, :, 64:] = 3
    colours = {0: (10, 20, 30, 255), 3: (200, 100, 0, 255)}
    rgb = look(only(write("a.tif", data, colormap=colours))).rgb
    assert tuple(rgb[5, 5]) == (10, 20, 30)
    assert tuple(rgb[5, 100]) == (200, 100, 0)


def test_colours_are_found_by_their_interpretation(write: Write) -> None:
    data = scenery()
    order = [ColorInterp.blue, ColorInterp.green, ColorInterp.red]
    rgb = look(only(write("a.tif", data, photometric="MINISBLACK", colorinterp=order))).rgb
    np.testing.assert_array_equal(rgb, np.moveaxis(data[::-1], 0, -1))


def test_south_up_is_shown_north_up(write: Write) -> None:
    data = scenery()
    scene = only(write("a.tif", data, transform=Affine(10, 0, 500_000, 0, 10, 5_400_000)))
    np.testing.assert_array_equal(look(scene).rgb, np.moveaxis(data[:, ::-1], 0, -1))
    with open_scene(scene) as reader:
        first, *_, last = reader.tiles(TileSpec(64))
    assert first.bounds.south < last.bounds.south


def test_rotated_grids_give_slanted_tiles(write: Write) -> None:
    turned = Affine.translation(500_000, 5_500_000) @ Affine.rotation(30) @ Affine.scale(10, -10)
    scene = only(write("a.tif", transform=turned))
    assert scene.gsd_m == pytest.approx(10)
    with open_scene(scene) as reader:
        tile = reader.tiles(TileSpec(32))[0]
    x, y = np.array(tile.footprint.exterior.coords).T
    west_edge = np.array([(x[i + 1] - x[i], y[i + 1] - y[i]) for i in range(4)])
    assert not np.isclose(west_edge, 0, atol=1e-6).any()


def test_control_points_alone_make_a_place(write: Write) -> None:
    """A grid turned by 20° given by four corners only; its red corner must come out where the points say."""
    transform = Affine.translation(500_000, 5_500_000) @ Affine.rotation(20) @ Affine.scale(10, -10)
    points = [GroundControlPoint(row=r, col=c, x=(transform @ (c, r))[0], y=(transform @ (c, r))[1]) for r in (0, 96) for c in (0, 128)]
    data = np.full((3, 96, 128), 60, np.uint8)
    data[0, :20, :20] = 250
    scene = only(write("a.tif", data, gcps=(points, rasterio.CRS.from_epsg(32631)), crs=None))
    assert (scene.crs, scene.georeferenced) == ("EPSG:32631", True)
    image = look(scene, Window(0, 0, scene.width, scene.height))
    rows, columns = np.nonzero(image.valid & (image.rgb[..., 0] > 240))
    x, y = Affine(*scene.transform) @ (columns.mean() + 0.5, rows.mean() + 0.5)
    expected = transform @ (10, 10)
    assert np.hypot(x - expected[0], y - expected[1]) < 10
    assert 0.5 < image.valid_share < 0.8  # the corners of the straightened view are empty


def test_both_sides_of_the_antimeridian_are_one_scene(write: Write) -> None:
    scene = only(write("a.tif", crs="EPSG:4326", transform=from_origin(179.5, -16, 0.01, 0.01)))
    assert scene.bounds == Bounds(179.5, pytest.approx(-16.96), pytest.approx(-179.22), -16)  # type: ignore[arg-type]
    assert scene.gsd_m == pytest.approx(1089, rel=0.01)
    with open_scene(scene) as reader:
        crossing = [tile for tile in reader.tiles(TileSpec(64)) if tile.bounds.west > tile.bounds.east]
    assert len(crossing) == 2


def test_tiles_are_named_by_column_and_row(write: Write) -> None:
    with open_scene(only(write("a.tif"))) as reader:
        tiles = reader.tiles(TileSpec(64))
        assert [tile.id for tile in tiles] == ["a/0-0", "a/64-0", "a/0-32", "a/64-32"]
        assert {tile.scene for tile in tiles} == {"a"}


def test_reading_beyond_the_edge_is_invalid_there(write: Write) -> None:
    data = scenery()
    scene = only(write("a.tif", data))
    image = look(scene, Window(-10, -20, 40, 50))
    assert image.valid.sum() == 30 * 30
    np.testing.assert_array_equal(image.rgb[20:, 10:], np.moveaxis(data[:, :30, :30], 0, -1))
    assert look(scene, Window(500, 500, 10, 10)).valid_share == 0


def test_reduced_reads_are_averages(write: Write) -> None:
    data = scenery()
    small = look(only(write("a.tif", data)), Window(0, 0, 128, 96), 64)
    expected = data.reshape(3, 48, 2, 64, 2).mean(axis=(2, 4)).transpose(1, 2, 0)
    assert small.rgb.shape == (48, 64, 3)
    assert np.abs(small.rgb - expected).max() <= 1


def test_one_reader_serves_many_threads(write: Write) -> None:
    data = scenery(height=256, width=256)
    scene = only(write("a.tif", data, tiled=True, blockxsize=64, blockysize=64, compress="deflate"))
    barrier = threading.Barrier(4)

    def job(number: int) -> bool:
        if number < 4:
            barrier.wait()
        column = (number * 37) % 200
        image = reader.read(Window(column, 20, 50, 50))
        return np.array_equal(image.rgb, np.moveaxis(data[:, 20:70, column : column + 50], 0, -1))

    with open_scene(scene) as reader, ThreadPoolExecutor(4) as pool:
        assert all(pool.map(job, range(40)))
    with pytest.raises(ImageUnreadable, match="closed"):
        reader.read(WHOLE)


@pytest.mark.parametrize(
    "options", [{}, {"tiled": True, "blockxsize": 32, "blockysize": 32}, {"compress": "deflate"}, {"interleave": "band"}]
)
def test_a_truncated_file_is_named_as_such(write: Write, options: dict[str, Any]) -> None:
    path = write("a.tif", scenery(height=256, width=256), **options)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * 0.8)])
    with pytest.raises(ImageUnreadable, match=r"“a\.tif” can't be read: it is (damaged or )?cut short"):
        find_scenes([path])


def test_a_header_alone_is_no_image(write: Write) -> None:
    path = write("a.tif")
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(ImageUnreadable, match="cut short"):
        find_scenes([path])


def test_text_named_tif_and_nothing_at_all(tmp_path: Path) -> None:
    text, empty = tmp_path / "text.tif", tmp_path / "empty.tif"
    text.write_text("not a raster\n")
    empty.write_bytes(b"")
    with pytest.raises(ImageUnreadable, match="it is no image"):
        find_scenes([text])
    with pytest.raises(ImageUnreadable, match="0 bytes"):
        find_scenes([empty])
    with pytest.raises(ImageUnreadable, match="no such file"):
        find_scenes([tmp_path / "gone.tif"])


def test_all_nodata_is_empty_and_one_pixel_is_enough(write: Write) -> None:
    data = np.zeros((3, 1000, 1100), np.uint8)
    with pytest.raises(ImageEmpty):
        find_scenes([write("a.tif", data, nodata=0)])
    with pytest.raises(ImageEmpty):
        find_scenes([write("b.tif", np.full((1, 50, 50), np.nan, np.float32))])
    data[:, 501, 503] = 9
    assert only(write("c.tif", data, nodata=0)).id == "c"


def test_without_a_crs_it_must_be_placed(write: Write) -> None:
    path = write("a.tif", crs=None)
    with pytest.raises(ImageWithoutPlace, match="--place W,S,E,N"):
        find_scenes([path])
    placed = only(path, place=Bounds(10, 50, 10.128, 50.096))
    assert (placed.crs, placed.georeferenced) == ("EPSG:4326", True)
    np.testing.assert_allclose(placed.bounds.array, (10, 50, 10.128, 50.096), atol=1e-9)
    across = only(path, place=Bounds(179.9, 50, -179.9, 50.1))
    assert across.bounds.west > across.bounds.east
    loose = only(path, unplaced=True)
    assert (loose.georeferenced, loose.gsd_m, loose.crs) == (False, None, "")
    assert look(loose).valid.all()
    with open_scene(loose) as reader:
        assert [tile.id for tile in reader.tiles(TileSpec())] == ["a"]
        assert len(reader.tiles(TileSpec(64))) == 4


def test_a_crs_without_coordinates_or_a_tie_to_the_earth_is_no_place(write: Write) -> None:
    local = 'LOCAL_CS["plan",UNIT["metre",1]]'
    for path in (write("a.tif", transform=Affine.identity()), write("b.tif", crs=local)):
        with pytest.raises(ImageWithoutPlace):
            find_scenes([path])


def test_one_huge_block_is_not_decoded(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("a.tif", tiled=True, blockxsize=128, blockysize=96)
    monkeypatch.setenv("PHAROS_MAX_PICTURE_PIXELS", "5000")
    settings.cache_clear()
    with pytest.raises(ImageTooLarge, match="12,288 pixels"):
        find_scenes([path])
    assert only(write("b.tif")).id == "b"


def test_complex_numbers_are_refused(write: Write) -> None:
    with pytest.raises(ImageUnreadable, match="complex"):
        find_scenes([write("a.tif", scenery(1, dtype="float32").astype("complex64"))])


def test_overviews_that_point_elsewhere_are_refused(write: Write) -> None:
    path = write("a.tif")
    with rasterio.open(path, "r+") as raster:
        raster.update_tags(ns="OVERVIEWS", OVERVIEW_FILE="/vsicurl/http://169.254.169.254/x")
    with pytest.raises(SourceForbidden, match="another file"):
        find_scenes([path])


def test_a_sensor_can_be_named(write: Write) -> None:
    path = write("a.tif", scenery(4))
    assert only(path, sensor="landsat_swir_nir_red_green").sensor == "landsat_swir_nir_red_green"
    with pytest.raises(SensorNotFound, match=r"Known: .*naip"):
        find_scenes([path], sensor="hubble")


def test_a_file_that_changes_under_the_reader_is_noticed(write: Write) -> None:
    scene = only(write("a.tif"))
    write("a.tif", scenery(height=50, width=60))
    with pytest.raises(ImageUnreadable, match="changed"):
        open_scene(scene)
    Path(scene.source).unlink()
    with pytest.raises(ImageUnreadable, match="no such file"):
        open_scene(scene)


def test_a_sparse_giant_is_not_cut_into_millions_of_tiles(write: Write) -> None:
    scene = only(write("a.tif", np.ones((1, 64, 64), np.uint8)))
    giant = Scene(**{name: getattr(scene, name) for name in scene.__slots__} | {"width": 10_000_000, "height": 10_000_000})
    reader = RasterReader(scene)
    reader.scene = giant
    with reader, pytest.raises(ImageUnreadable, match="larger tile size"):
        reader.tiles(TileSpec(64))


def test_a_damaged_block_is_found(write: Write) -> None:
    path = write("a.tif", scenery(height=256, width=256), tiled=True, blockxsize=64, blockysize=64, compress="deflate")
    scene = only(path)
    with rasterio.open(path) as raster:
        offset, size = (int(raster.get_tag_item(f"BLOCK_{what}_2_2", "TIFF", bidx=1)) for what in ("OFFSET", "SIZE"))
    raw = bytearray(path.read_bytes())
    raw[offset : offset + size] = struct.pack("B", 0xA5) * size
    path.write_bytes(raw)
    with pytest.raises(ImageUnreadable, match="damaged"):
        open_scene(scene)
