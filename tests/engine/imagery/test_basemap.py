"""The offline basemap: land is land, sea is sea, also where one ring runs across the antimeridian."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image

from engine.errors import DataMissing
from engine.imagery.basemap import PALETTES, Basemap, Theme, read_land
from engine.settings import ROOT

VENDORED = ROOT / "vendor" / "world-atlas" / "land-50m.json"

SEA = {
    "open Atlantic": (-40, 30),
    "South Atlantic": (-15, -30),
    "North Pacific": (-150, 40),
    "at the date line": (179.9, 0),
    "west of it": (-179.9, 10),
    "Baltic": (19.5, 57.5),
    "Gulf of Bothnia": (19.5, 62),
    "Black Sea": (34, 43),
    "North Sea": (3, 56),
    "Yellow Sea": (123, 36),
    "Bering Sea": (-178, 58),
    "Arctic Ocean": (10, 84),
}
LAND = {
    "Siberia": (100, 62),
    "Chukotka west of 180": (178, 67.5),
    "Chukotka east of 180": (-176, 67),
    "Germany": (10, 51),
    "Kansas": (-98, 38.5),
    "Amazon": (-60, -5),
    "Sahara": (10, 23),
    "Australia": (134, -25),
    "Greenland": (-40, 72),
    "Antarctica": (0, -84),
    "Transantarctic Mountains": (165, -84),
    "Wrangel": (-179.7, 71.1),
    "Honshu": (138.5, 36.5),
}


def colour(basemap: Basemap, lon: float, lat: float, z: int, theme: Theme = "light") -> tuple[int, int, int]:
    """The colour of the map at a place, away from lines: the most frequent one of the pixels around it."""
    across = (lon + 180) / 360 * 2**z
    down = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z
    picture = Image.open(io.BytesIO(basemap.tile(z, int(across), int(down), theme))).convert("RGB")
    x, y = int(across % 1 * 256), int(down % 1 * 256)
    around = np.asarray(picture)[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].reshape(-1, 3)
    values, counts = np.unique(around, axis=0, return_counts=True)
    red, green, blue = values[counts.argmax()].tolist()
    return red, green, blue


def rgb(text: str) -> tuple[int, int, int]:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


@pytest.fixture(scope="module")
def world() -> Basemap:
    if not VENDORED.is_file():
        pytest.skip("vendor/world-atlas is absent: run make to fetch the front-end libraries")
    return Basemap(VENDORED)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("zoom", [0, 2, 5, 7])
def test_the_world_has_no_wedges(world: Basemap, zoom: int, theme: Theme) -> None:
    palette = PALETTES[theme]
    for name, (lon, lat) in SEA.items():
        assert colour(world, lon, lat, zoom, theme) == rgb(palette.sea) or zoom == 0, name
    for name, (lon, lat) in LAND.items():
        if zoom >= 5 or name not in {"Wrangel", "Honshu"}:  # smaller than a pixel or two
            assert colour(world, lon, lat, zoom, theme) == rgb(palette.land) or zoom == 0, name


@pytest.mark.shared_data
def test_land_agrees_with_natural_earth(world: Basemap, shared_data: Path) -> None:
    """The same scale from another file of the same source, cut by its makers; 5,000 points, coast within 0.05° left out."""
    (path,) = sorted((shared_data / "natural_earth").glob("*50m*land*.*json"))
    truth = shapely.union_all(shapely.get_parts(shapely.from_geojson(path.read_text(encoding="utf-8"))))
    rng = np.random.default_rng(0)
    lon, lat = rng.uniform(-180, 180, 5_000), np.degrees(np.arcsin(rng.uniform(-0.99, 0.995, 5_000)))
    shapely.prepare(truth)
    far = ~shapely.dwithin(truth.boundary, shapely.points(lon, lat), 0.05) & (np.abs(lon) < 179.9)
    ours = shapely.contains_xy(world.land, lon, lat)
    assert far.sum() > 3_500
    assert (ours == shapely.contains_xy(truth, lon, lat))[far].all()


def quantised(folder: Path) -> Path:
    """A small world: a square with a lake, a land across the antimeridian in one ring, a polar cap; as world-atlas writes them."""
    rings = [
        [(0, 0), (40, 0), (40, 40), (0, 40), (0, 0)],
        [(10, 10), (10, 30), (30, 30), (30, 10), (10, 10)],
        [(150, 50), (180, 50), (-180, 50), (-170, 50), (-170, 70), (-180, 70), (180, 70), (150, 70), (150, 50)],
        [(-180, -90), (-180, -70), (-60, -72), (60, -72), (180, -70), (180, -90), (-180, -90)],
    ]
    arcs = []
    for ring in rings:
        steps = np.diff(np.array([(0, 0), *[((x + 180) * 10, (y + 90) * 10) for x, y in ring]]), axis=0)
        arcs.append(steps.tolist())
    land = {"type": "GeometryCollection", "geometries": [{"type": "MultiPolygon", "arcs": [[[0], [1]], [[2]], [[~3]]]}]}
    topology = {"type": "Topology", "objects": {"land": land}, "arcs": arcs, "transform": {"scale": [0.1, 0.1], "translate": [-180, -90]}}
    path = folder / "land.json"
    path.write_text(json.dumps(topology))
    return path


def test_rings_are_cut_and_lakes_stay_water(tmp_path: Path) -> None:
    basemap = Basemap(quantised(tmp_path))
    for zoom in (1, 3, 5):
        for lon, lat in [(5, 5), (35, 35), (160, 60), (179, 60), (-179, 60), (-172, 60), (0, -80), (170, -80)]:
            assert basemap.is_land(lon, lat)
            assert colour(basemap, lon, lat, zoom) == rgb(PALETTES["light"].land), (lon, lat, zoom)
        for lon, lat in [(20, 20), (-5, 5), (-100, 60), (0, 60), (140, 60), (0, -60)]:
            assert not basemap.is_land(lon, lat)
            assert colour(basemap, lon, lat, zoom) == rgb(PALETTES["light"].sea), (lon, lat, zoom)
    assert read_land(quantised(tmp_path)).bounds == (-180, -90, 180, 70)


def test_the_cut_is_no_coast(tmp_path: Path) -> None:
    """Inside a land that crosses ±180° no line of coast colour runs along the cut."""
    basemap = Basemap(quantised(tmp_path))
    for x, near in ((0, np.s_[:, :128]), (31, np.s_[:, 128:])):
        picture = np.asarray(Image.open(io.BytesIO(basemap.tile(5, x, 9))).convert("RGB"))[near]
        assert (picture == rgb(PALETTES["light"].land)).all(axis=2).mean() > 0.95
        for wrong in (PALETTES["light"].coast, PALETTES["light"].sea):
            assert not (picture == rgb(wrong)).all(axis=2).any()


def test_tiles_wrap_cache_and_have_the_asked_size(tmp_path: Path) -> None:
    basemap = Basemap(quantised(tmp_path))
    assert basemap.tile(3, 9, 2) is basemap.tile(3, 1, 2)
    assert Image.open(io.BytesIO(basemap.tile(3, 1, 2, size=512))).size == (512, 512)
    assert basemap.tile(3, 1, 2, "dark") != basemap.tile(3, 1, 2, "light")
    assert basemap.tile(20, 5, 5)


def test_neighbours_join_without_a_seam(tmp_path: Path) -> None:
    basemap = Basemap(quantised(tmp_path))
    for z in (3, 4, 6):
        x, y = int((20 + 180) / 360 * 2**z), int(0.47 * 2**z)
        left, right = (np.asarray(Image.open(io.BytesIO(basemap.tile(z, x + n, y))).convert("RGB")).astype(int) for n in (0, 1))
        assert np.abs(left[:, -1] - right[:, 0]).mean() < 4


@pytest.mark.parametrize("text", [None, "", "{}", '{"objects": {}}', '{"objects": {"land": {"type": "Point"}}, "arcs": []}'])
def test_a_missing_or_broken_file_says_so(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "land.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataMissing, match="offline basemap"):
        Basemap(path)
