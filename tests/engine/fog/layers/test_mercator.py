from __future__ import annotations

import numpy as np
import pyproj
import pytest

from engine.fog.layers import Lattice
from engine.types import Bounds


@pytest.mark.parametrize("box", [Bounds(-10, 40, 10, 70), Bounds(4, -26.8, 16.8, -14), Bounds(170, -6, -170, 6)])
@pytest.mark.parametrize("width", [200, 777])
def test_every_pixel_shows_the_cell_that_lies_there(box: Bounds, width: int) -> None:
    """Truth from PROJ: the middle of each pixel, taken back to degrees, lies in the cell that it shows, to a hundredth of a cell."""
    shape = (400, 300)
    lattice = Lattice.of(box, shape, width)
    to_map = pyproj.Transformer.from_crs(4326, 3857, always_xy=True)
    x0, y0 = to_map.transform(0.0, box.south)
    x1, y1 = to_map.transform(box.width, box.north)
    height = lattice.shape[0]
    assert height == pytest.approx(width * (y1 - y0) / (x1 - x0), abs=0.51)
    north = y1 - (np.arange(height) + 0.5) / height * (y1 - y0)
    _, lat = pyproj.Transformer.from_crs(3857, 4326, always_xy=True).transform(np.zeros(height), north)
    place = (box.north - lat) / (box.north - box.south) * shape[0]
    assert (np.abs(place - (lattice.rows + 0.5)) <= 0.51).all()
    columns = (np.arange(width) + 0.5) / width * shape[1]
    assert (np.abs(columns - (lattice.columns + 0.5)) <= 0.51).all()


def test_without_resampling_rows_would_be_off_by_many_pixels() -> None:
    lattice = Lattice.of(Bounds(-10, 40, 10, 70), (60, 40), 800)
    plain = (np.arange(lattice.shape[0]) + 0.5) / lattice.shape[0] * 60
    assert np.abs(plain - (lattice.rows + 0.5)).max() > 4


@pytest.mark.parametrize("shape", [(1, 1), (4000, 1), (1, 5000), (20000, 20000)])
def test_pictures_stay_within_their_bounds(shape: tuple[int, int]) -> None:
    height, width = Lattice.of(Bounds(0, -80, 10, 80), shape).shape
    assert 1 <= height <= 4096
    assert 1 <= width <= 2048


def test_the_poles_do_not_blow_it_up() -> None:
    lattice = Lattice.of(Bounds(-180, -90, 180, 90), (180, 360))
    assert lattice.shape == (360, 360)
    assert lattice.rows.min() >= 4
