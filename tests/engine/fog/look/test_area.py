from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import shapely

from engine.errors import CubeInvalid, RegionInvalid
from engine.fog.look import Patch, area_series
from engine.fog.look.area import cell_km2, within
from engine.fog.mask import FogMask, State
from engine.fog.moments import Moment, moments
from engine.geometry import area_km2
from engine.types import Bounds, Region
from tests.engine.fog.seas import BOX, NIGHT, mask_of, open_sea

SHAPE = (12, 12)
HALF = timedelta(minutes=30)


def test_cells_have_the_area_of_their_boxes(tmp_path: Path) -> None:
    cube = open_sea(tmp_path / "a.zarr", shape=SHAPE)
    rows = cell_km2(cube.grid)
    assert rows[0] == pytest.approx(area_km2(shapely.box(4, -15, 5, -14)), rel=1e-6)
    assert rows[-1] == pytest.approx(area_km2(shapely.box(4, -26, 5, -25)), rel=1e-6)
    assert 12 * rows.sum() == pytest.approx(Region.from_like(BOX).area_km2, rel=1e-6)


def test_a_mask_is_measured_in_equal_area(tmp_path: Path) -> None:
    """Fog over the northern half, obscured over two rows of the south: the boxes' areas say how much."""
    cube = open_sea(tmp_path / "a.zarr", shape=SHAPE)
    state = np.zeros(SHAPE, np.uint8)
    state[:6], state[6:8], state[8] = State.FOG, State.OBSCURED, State.NO_DATA
    series = area_series(cube, moments(cube), lambda moment: mask_of(state))
    frame = series.frames[0]
    assert frame.fog == pytest.approx(area_km2(shapely.box(4, -20, 16, -14)), rel=1e-6)
    assert frame.obscured == pytest.approx(area_km2(shapely.box(4, -22, 16, -20)), rel=1e-6)
    assert frame.judged == pytest.approx(series.total - frame.obscured - area_km2(shapely.box(4, -23, 16, -22)), rel=1e-6)
    record = series.record()
    assert record["words"] == "fog or very low stratus"
    assert record["frames"][0]["fog_share"] == pytest.approx(frame.fog / series.total, abs=1e-6)


def test_a_drawn_region_takes_cells_by_their_centre_and_land_is_left_out(tmp_path: Path) -> None:
    land = np.zeros(SHAPE, bool)
    land[:, 6:] = True
    cube = open_sea(tmp_path / "a.zarr", shape=SHAPE, land=land)
    triangle = Region.from_like(shapely.Polygon([(4, -26), (16, -26), (4, -14)]))
    patch = Patch.of(cube, triangle)
    inside = within(cube.grid, triangle)
    truth = np.array([[triangle.geometry.contains(shapely.Point(lon, lat)) for lon in cube.lon] for lat in cube.lat])
    assert (inside == truth).all()
    assert (patch.inside == (truth & ~land)).all()
    with pytest.raises(RegionInvalid, match="no sea"):
        Patch.of(cube, Region.from_like(Bounds(11, -20, 12, -19)))
    with pytest.raises(RegionInvalid, match="Draw it there"):
        Patch.of(cube, Region.from_like(Bounds(40, 10, 50, 20)))


def test_regions_across_the_antimeridian_are_whole(tmp_path: Path) -> None:
    box = Bounds(174, -6, -174, 6)
    cube = open_sea(tmp_path / "a.zarr", shape=SHAPE, box=box)
    drawn = Region.from_like([178, -3, -178, 3])
    found = within(cube.grid, drawn)
    assert found.sum() == 4 * 6
    assert Patch.of(cube, drawn).total == pytest.approx(drawn.area_km2, rel=1e-6)


def test_gaps_are_gaps_and_broken_frames_say_why(tmp_path: Path) -> None:
    cube = open_sea(tmp_path / "a.zarr", [NIGHT, NIGHT + HALF, NIGHT + 3 * HALF, NIGHT + 4 * HALF], shape=SHAPE)

    def find(moment: Moment) -> FogMask | None:
        if moment.index == 1:
            raise CubeInvalid("sea", "BT1120 holds no value.")
        return None if moment.index == 3 else mask_of(np.full(SHAPE, State.FOG))

    frames = area_series(cube, moments(cube), find).frames
    assert [frame.moment.gap for frame in frames] == [False, False, True, False, False]
    assert [frame.fog is None for frame in frames] == [False, True, True, False, True]
    assert "holds no value" in frames[1].why
    assert [frame.pending for frame in frames] == [False, False, False, False, True]
