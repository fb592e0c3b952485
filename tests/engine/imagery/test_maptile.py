"""Map tiles show the right ground: checked against rio-tiler on ordinary scenes and pixel by pixel on odd ones."""

from __future__ import annotations

import io
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from PIL import Image
from pyproj import Transformer
from rasterio.transform import from_origin
from rio_tiler.io import Reader

from engine.errors import ImageUnreadable
from engine.imagery import find_scenes, map_tile, scene_overview
from engine.imagery.maptile import tile_bounds
from engine.types import Bounds, Scene

from .conftest import Write
from .rasters import scenery


def only(path: Path, **options: object) -> Scene:
    (scene,) = find_scenes([path], **options).scenes  # type: ignore[arg-type]
    return scene


def pixels(tile: bytes | None) -> tuple[np.ndarray, np.ndarray]:
    assert tile is not None
    rgba = np.asarray(Image.open(io.BytesIO(tile)).convert("RGBA"))
    return rgba[..., :3].astype(int), rgba[..., 3] > 0


def at(lon: float, lat: float, z: int) -> tuple[int, int, int]:
    lon = (lon + 180) % 360 - 180
    row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return z, int((lon + 180) / 360 * 2**z), int(row * 2**z)


def test_tile_bounds_are_those_of_the_web() -> None:
    assert tile_bounds(0, 0, 0) == pytest.approx((-180, -85.0511287798, 180, 85.0511287798))
    assert tile_bounds(3, 4, 2) == pytest.approx((0, 40.9798980696, 45, 66.5132604431))


@pytest.mark.parametrize("zoom", [12, 14, 15])
def test_agrees_with_rio_tiler(write: Write, zoom: int) -> None:
    path = write("a.tif", scenery(height=400, width=500), tiled=True, blockxsize=128, blockysize=128)
    scene = only(path)
    lon, lat = scene.bounds.centre
    z, x, y = at(lon, lat, zoom)
    ours, valid = pixels(map_tile(scene, z, x, y))
    with Reader(str(path)) as reader:
        theirs = reader.tile(x, y, z, resampling_method="bilinear", reproject_method="bilinear")
    mask = theirs.mask > 0
    assert (valid != mask).mean() < 0.01
    both = valid & mask
    assert both.mean() > 0.02
    assert np.abs(ours - np.moveaxis(theirs.data.astype(int), 0, -1))[both].mean() < 4


GRIDS = {
    "rotated": ("EPSG:32631", Affine.translation(500_000, 5_500_000) @ Affine.rotation(30) @ Affine.scale(30, -30)),
    "south-up": ("EPSG:32631", Affine(30, 0, 500_000, 0, 30, 5_400_000)),
    "degrees beyond 180": ("EPSG:4326", from_origin(179.9, -16, 0.001, 0.001)),
    "degrees below -180": ("EPSG:4326", from_origin(-180.1, -16, 0.001, 0.001)),
    "utm 60": ("EPSG:32660", from_origin(712_000, 7_300_000, 100, 100)),
    "polar": ("EPSG:3413", from_origin(-1_404_000, 1_804_000, 100, 100)),
    "lambert": ("EPSG:3035", from_origin(4_321_000, 3_210_000, 30, 30)),
}


@pytest.mark.parametrize("name", GRIDS)
def test_every_valid_pixel_shows_its_ground(write: Write, name: str) -> None:
    """Each tile pixel's own longitude and latitude are projected into the file by pyproj, and the stored value looked up."""
    crs, transform = GRIDS[name]
    data = scenery(3, 240, 300)
    scene = only(write("a.tif", data, crs=crs, transform=transform))
    shown = 0
    centre = transform @ (150, 120)
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(*centre)
    zoom = 12
    z, x0, y0 = at(lon, lat, zoom)
    for x in (x0 - 1, x0, x0 + 1):
        tile = map_tile(scene, z, x % 2**z, y0)
        if tile is None:
            continue
        rgb, valid = pixels(tile)
        west, _, east, _ = tile_bounds(z, x % 2**z, y0)
        lons = west + (np.arange(256) + 0.5) / 256 * (east - west)
        lats = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (y0 + (np.arange(256) + 0.5) / 256) / 2**z))))
        grid = np.meshgrid(lons, lats)
        px, py = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*grid)
        if crs == "EPSG:4326":
            px = np.where(px < transform.c - 1e-9, px + 360, px)
            px = np.where(px > transform.c + 300 * 0.001, px - 360, px)
        column, row = ~transform @ (px, py)
        inside = (column > 1) & (column < 299) & (row > 1) & (row < 239)
        assert valid[inside].all()
        assert not valid[(column < -1) | (column > 301) | (row < -1) | (row > 241)].any()
        stored = data[:, row[inside].astype(int), column[inside].astype(int)].T.astype(int)
        assert np.abs(rgb[inside] - stored).max(initial=0) < 40  # between neighbouring pixels of smooth hills
        assert np.abs(rgb[inside] - stored).mean() < 6 if inside.any() else True
        shown += int(inside.sum())
    assert shown > 5000


def test_the_antimeridian_has_two_sides(write: Write) -> None:
    scene = only(write("a.tif", scenery(3, 240, 300), crs="EPSG:4326", transform=from_origin(179.85, -16, 0.001, 0.001)))
    z, _, y = at(0, -16.1, 8)
    west, east = pixels(map_tile(scene, z, 2**z - 1, y))[1], pixels(map_tile(scene, z, 0, y))[1]
    assert west[:, -1].any()
    assert east[:, 0].any()
    assert map_tile(scene, z, 2**z // 2, y) is None


@pytest.mark.parametrize("name", GRIDS)
def test_the_whole_world_shows_the_scene_only_where_it_is(write: Write, name: str) -> None:
    crs, transform = GRIDS[name]
    scene = only(write("a.tif", scenery(3, 240, 300), crs=crs, transform=transform @ Affine.scale(40)))
    valid = pixels(map_tile(scene, 0, 0, 0))[1]
    assert 1 <= valid.sum() < 900


def test_outside_is_none(write: Write) -> None:
    scene = only(write("a.tif"))
    assert map_tile(scene, 12, 0, 0) is None
    z, x, y = at(*scene.bounds.centre, 12)
    assert map_tile(scene, z, x + 2, y) is None
    for odd in ((-1, 0, 0), (31, 0, 0), (2, 4, 0), (2, 0, -1)):
        assert map_tile(scene, *odd) is None
    assert map_tile(scene, 0, 0, 0, size=5000) is None


def test_holes_are_transparent_and_a_tile_of_holes_is_none(write: Write) -> None:
    data = scenery(3, 400, 400)
    data[:, :, :200] = 0
    scene = only(write("a.tif", data, nodata=0))
    z, x, y = at(*scene.bounds.centre, 13)
    valid = pixels(map_tile(scene, z, x, y))[1]
    assert valid.any()
    assert not valid.all()
    left = Bounds(*scene.bounds.array)
    z, x, y = at(left.west + 0.01, left.centre[1], 16)
    assert map_tile(scene, z, x, y) is None


def test_the_map_and_the_tiles_share_one_stretch(write: Write) -> None:
    """A 16-bit scene, dark on the left: a tile that sees only the dark part must stay dark."""
    data = scenery(3, 400, 400, dtype="uint16")
    data[:, :, :200] //= 10
    scene = only(write("a.tif", data))
    left = scene.bounds
    z, x, y = at(left.west + left.width * 0.25, left.centre[1], 16)
    rgb, valid = pixels(map_tile(scene, z, x, y))
    assert rgb[valid].mean() < 40


def test_plain_pictures_are_drawn_into_their_cells(tmp_path: Path) -> None:
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, :30], picture[:, 30:] = (200, 0, 0), (0, 0, 200)
    Image.fromarray(picture).save(tmp_path / "a.png")
    scene = only(tmp_path / "a.png")
    z, x, y = at(-0.0025, 0.001, 17)
    rgb, valid = pixels(map_tile(scene, z, x, y))
    assert valid.all()
    assert (rgb[:, :240] == (200, 0, 0)).all()
    z, x, y = at(0.0025, 0.001, 17)
    assert (pixels(map_tile(scene, z, x, y))[0][:, 16:] == (0, 0, 200)).all()


def test_placed_files_are_drawn_where_they_were_put(write: Write) -> None:
    scene = only(write("a.tif", crs=None), place=Bounds(10, 50, 10.128, 50.096))
    assert pixels(map_tile(scene, *at(10.06, 50.05, 14)))[1].all()
    across = only(write("b.tif", crs=None), place=Bounds(179.9, 50, -179.9, 50.1))
    assert pixels(map_tile(across, *at(179.99, 50.05, 12)))[1].any()
    assert pixels(map_tile(across, *at(-179.99, 50.05, 12)))[1].any()


def test_an_overview_shows_the_whole_scene(write: Write) -> None:
    data = scenery(3, 96, 128)
    decoded = Image.open(io.BytesIO(scene_overview(only(write("a.tif", data)), 64)))
    assert (decoded.format, decoded.size) == ("WEBP", (64, 48))
    expected = data.reshape(3, 48, 2, 64, 2).mean(axis=(2, 4)).transpose(1, 2, 0)
    assert np.abs(np.asarray(decoded.convert("RGB")) - expected).mean() < 12


def test_many_scenes_and_threads(write: Write) -> None:
    scenes = [only(write(f"{n}.tif", np.full((3, 64, 64), 10 * n + 5, np.uint8))) for n in range(20)]
    z, x, y = at(*scenes[0].bounds.centre, 15)

    def job(number: int) -> bool:
        rgb, valid = pixels(map_tile(scenes[number % 20], z, x, y, 64))
        return bool((rgb[valid] == 10 * (number % 20) + 5).all() and valid.any())

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(job, range(120)))


def test_a_scene_whose_file_is_gone_says_so(write: Write) -> None:
    scene = only(write("a.tif"))
    place = at(*scene.bounds.centre, 13)
    assert map_tile(scene, *place)
    Path(scene.source).unlink()
    with pytest.raises(ImageUnreadable, match="no such file"):
        map_tile(scene, *place)
