from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from engine import geometry as geo
from engine.errors import RegionInvalid


@given(st.integers(1, 700), st.integers(1, 700), st.integers(8, 256), st.data())
def test_tiles_cover_every_pixel_and_stay_inside(width: int, height: int, size: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, size // 2))
    grid = geo.TileGrid(width, height, size, overlap)
    covered = np.zeros((height, width), dtype=bool)
    windows = list(grid)
    for w in windows:
        assert 0 <= w.column <= width - w.width
        assert 0 <= w.row <= height - w.height
        assert (w.width, w.height) == (min(size, width), min(size, height))
        covered[w.row : w.row + w.height, w.column : w.column + w.width] = True
    assert covered.all()
    assert len(grid) == len(windows) == len(set(windows))


def test_tiles_that_fit_exactly_do_not_overlap() -> None:
    assert [w.column for w in geo.TileGrid(256, 64, 64)] == [0, 64, 128, 192]


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (64, 64), (64, -1)])
def test_a_grid_that_never_ends_is_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="can't overlap"):
        geo.TileGrid(100, 100, size, overlap)


@given(st.floats(-180, 179.9), st.floats(0.1, 170), st.floats(-80, 79), st.floats(0.1, 10))
def test_a_box_keeps_its_area_wherever_it_is_moved(west: float, width: float, south: float, height: float) -> None:
    east = west + width
    cut = geo.box(west, south, east - 360 if east > 180 else east, south + height)
    assert geo.area_km2(cut) == pytest.approx(geo.area_km2(shapely.box(0, south, width, south + height)), rel=1e-6)
    assert cut.bounds[0] >= -180
    assert cut.bounds[2] <= 180


def test_a_utm_square_across_the_antimeridian_has_its_true_area_and_two_parts() -> None:
    """A 100 km square in UTM zone 1 (EPSG:32701) at 500 km south, left of the zone's west edge at 180°."""
    x0, y0, side = 120_000.0, 9_500_000.0, 100_000.0
    t = np.linspace(0, 1, 20)
    xs = np.concatenate([x0 + side * t, np.full(20, x0 + side), x0 + side * (1 - t), np.full(20, x0)])
    ys = np.concatenate([np.full(20, y0), y0 + side * t, np.full(20, y0 + side), y0 + side * (1 - t)])
    outline = geo.footprint(xs, ys, "EPSG:32701")
    assert outline.geom_type == "MultiPolygon"
    assert geo.area_km2(outline) == pytest.approx(10_000, rel=0.01)


def test_a_footprint_off_the_earth_is_refused() -> None:
    ring = np.array([1e30, 2e30, 2e30, 1e30])
    with pytest.raises(RegionInvalid):
        geo.footprint(ring, ring, "EPSG:32633")
