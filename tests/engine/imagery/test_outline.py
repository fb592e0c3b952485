"""Footprints hold exactly the ground that the pixels show: random pixels are projected by pyproj and looked up."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from engine.errors import RegionInvalid
from engine.geometry import TileGrid, Window
from engine.imagery.outline import outline, outlines, pixel_metres, ring_polygon, to_crs, to_pixels

WIDTH, HEIGHT = 300, 200

GRIDS = {
    "utm": ("EPSG:32631", Affine(10, 0, 500_000, 0, -10, 5_500_000)),
    "utm south-up": ("EPSG:32631", Affine(10, 0, 500_000, 0, 10, 5_500_000)),
    "utm rotated and sheared": ("EPSG:32631", Affine.translation(500_000, 5_500_000) @ Affine.rotation(33) @ Affine(12, 3, 0, 1, -9, 0)),
    "web mercator": ("EPSG:3857", Affine(30, 0, 14_321_853, 0, -30, 9_533_021)),
    "degrees": ("EPSG:4326", Affine(0.001, 0, -74.7, 0, -0.001, -8.2)),
    "degrees beyond 180": ("EPSG:4326", Affine(0.01, 0, 178.5, 0, -0.01, -16)),
    "degrees below -180": ("EPSG:4326", Affine(0.01, 0, -181.5, 0, -0.01, -16)),
    "utm 60 across 180": ("EPSG:32660", Affine(500, 0, 700_000, 0, -500, 7_600_000)),
    "utm 1 across 180": ("EPSG:32601", Affine(500, 0, 250_000, 0, -500, 7_600_000)),
    "polar, pole inside": ("EPSG:3413", Affine(2000, 0, -310_000, 0, -2000, 190_000)),
    "polar, pole at a tile corner": ("EPSG:3413", Affine(1000, 0, -150_000, 0, -1000, 100_000)),
    "polar, pole at the scene's corner": ("EPSG:3413", Affine(1000, 0, 0, 0, -1000, 0)),
    "polar, pole on an edge": ("EPSG:3413", Affine(1000, 0, -150_000, 0, -1000, 0)),
    "polar, across 180": ("EPSG:3413", Affine(5000, 0, -1_400_000, 0, -5000, 1_900_000)),
    "south pole inside": ("EPSG:3031", Affine(2000, 0, -310_000, 0, -2000, 190_000)),
}


@pytest.fixture(params=GRIDS, ids=str)
def grid(request: pytest.FixtureRequest) -> tuple[str, Affine]:
    return GRIDS[request.param]


def lonlat(crs: str, transform: Affine, columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = transform @ (columns, rows)
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    return (np.asarray(lon) + 180) % 360 - 180, np.asarray(lat)


def test_scene_holds_its_pixels_and_no_others(grid: tuple[str, Affine]) -> None:
    crs, transform = grid
    shape = outline(Window(0, 0, WIDTH, HEIGHT), tuple(transform)[:6], crs)
    assert shape.is_valid
    west, south, east, north = shape.bounds
    assert west >= -180
    assert east <= 180
    assert south >= -90
    assert north <= 90
    rng = np.random.default_rng(1)
    columns, rows = rng.uniform(-0.5 * WIDTH, 1.5 * WIDTH, 4000), rng.uniform(-0.5 * HEIGHT, 1.5 * HEIGHT, 4000)
    inside = (columns > 1) & (columns < WIDTH - 1) & (rows > 1) & (rows < HEIGHT - 1)
    outside = (columns < -1) | (columns > WIDTH + 1) | (rows < -1) | (rows > HEIGHT + 1)
    lon, lat = lonlat(crs, transform, columns, rows)
    held = shapely.contains_xy(shape, lon, lat)
    assert held[inside].all()
    assert not held[outside].any()


def test_tiles_hold_their_pixels_and_cover_the_scene(grid: tuple[str, Affine]) -> None:
    crs, transform = grid
    windows = list(TileGrid(WIDTH, HEIGHT, 50))
    shapes = outlines(windows, tuple(transform)[:6], crs)
    rng = np.random.default_rng(2)
    for window, shape in zip(windows, shapes, strict=True):
        assert shape is not None
        assert shape.is_valid
        columns, rows = rng.uniform(window.column - 20, window.column + 70, 300), rng.uniform(window.row - 20, window.row + 70, 300)
        left, top = columns - window.column, rows - window.row
        inside = (left > 0.2) & (left < window.width - 0.2) & (top > 0.2) & (top < window.height - 0.2)
        outside = (left < -0.2) | (left > window.width + 0.2) | (top < -0.2) | (top > window.height + 0.2)
        held = shapely.contains_xy(shape, *lonlat(crs, transform, columns, rows))
        assert held[inside].all()
        assert not held[outside].any()


def test_area_agrees_with_the_ellipsoid() -> None:
    """10 m UTM pixels near the central meridian (scale 0.9996): 300 × 200 of them are 6 km² on the map, 6.005 on the ground."""
    crs, transform = GRIDS["utm"]
    shape = outline(Window(0, 0, WIDTH, HEIGHT), tuple(transform)[:6], crs)
    area = abs(Geod(ellps="WGS84").geometry_area_perimeter(shape)[0]) / 1e6
    assert area == pytest.approx(6.0 / 0.9996**2, rel=1e-5)


def test_plain_tiles_have_four_corners() -> None:
    crs, transform = GRIDS["utm"]
    shapes = outlines(list(TileGrid(WIDTH, HEIGHT, 64)), tuple(transform)[:6], crs)
    assert {len(shape.exterior.coords) for shape in shapes if isinstance(shape, shapely.Polygon)} == {5}


def test_full_disk_leaves_out_tiles_in_space() -> None:
    crs = "+proj=geos +h=35786023 +lon_0=-75 +sweep=x +ellps=GRS80"
    side = 5_500_000 * 2 / 100
    transform = (side, 0.0, -5_500_000.0, 0.0, -side, 5_500_000.0)
    windows = list(TileGrid(100, 100, 10))
    shapes = outlines(windows, transform, crs)
    assert shapes[0] is None
    middle = shapes[55]
    assert middle is not None
    assert middle.distance(shapely.Point(-75, 0)) < 1e-6
    whole = outline(Window(0, 0, 100, 100), transform, crs)
    assert shapely.contains_xy(whole, -75, 0)
    assert not shapely.contains_xy(whole, 105, 0)


def test_crs_without_a_tie_to_the_earth_is_refused() -> None:
    with pytest.raises(RegionInvalid):
        outline(Window(0, 0, 10, 10), (1, 0, 0, 0, -1, 0), 'LOCAL_CS["plan",UNIT["metre",1]]')


@pytest.mark.parametrize(
    ("name", "metres"),
    [("utm", 10.0), ("degrees", np.sqrt(0.001 * 111_320 * np.cos(np.radians(8.3)) * 0.001 * 110_580)), ("utm south-up", 10.0)],
)
def test_pixel_size_in_metres(name: str, metres: float) -> None:
    crs, transform = GRIDS[name]
    assert pixel_metres(WIDTH, HEIGHT, tuple(transform)[:6], crs) == pytest.approx(metres, rel=2e-3)


def test_web_mercator_pixels_shrink_with_latitude() -> None:
    transform = (30.0, 0.0, 0.0, 0.0, -30.0, 8_399_737.9 + 30 * HEIGHT / 2)  # 60° N lies at y = 8 399 737.9
    assert pixel_metres(WIDTH, HEIGHT, transform, "EPSG:3857") == pytest.approx(15.0, rel=4e-3)


def test_us_feet_become_metres() -> None:
    assert pixel_metres(100, 100, (10.0, 0.0, 600_000.0, 0.0, -10.0, 200_000.0), "EPSG:2263") == pytest.approx(3.048, rel=1e-3)


def test_ring_around_the_pole_is_closed_over_it() -> None:
    lon = np.linspace(-180, 180, 37)
    cap = ring_polygon(np.column_stack([lon, np.full(37, -70.0)]))
    assert shapely.contains_xy(cap, 12, -89)
    assert not shapely.contains_xy(cap, 12, -60)


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.1, 50), st.floats(-50, -0.1), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_pixels_and_coordinates_are_inverse(b: float, d: float, a: float, e: float, c: float, f: float) -> None:
    if abs(a * e - b * d) < 1e-3:
        return
    columns, rows = np.array([0.0, 3.5, 4000.0]), np.array([0.0, 7.25, 3000.0])
    back = to_pixels((a, b, c, d, e, f), *to_crs((a, b, c, d, e, f), columns, rows))
    np.testing.assert_allclose(back, (columns, rows), atol=1e-3)
