from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.errors import DataMissing
from engine.world.coastline import LAND, land_mask, land_rings


@pytest.fixture
def square(tmp_path: Path) -> Path:
    """Land from 10 to 14° E and 20 to 24° S with a lake of one degree, as two shared arcs and one hole, in steps of 0.5°."""
    topology = {
        "type": "Topology",
        "transform": {"scale": [0.5, 0.5], "translate": [10, -24]},
        "arcs": [
            [[0, 0], [8, 0], [0, 8]],  # south and east side
            [[0, 0], [0, 8], [8, 0]],  # west and north side, walked the other way
            [[4, 4], [2, 0], [0, 2], [-2, 0], [0, -2]],
        ],
        "objects": {"land": {"type": "GeometryCollection", "geometries": [{"type": "MultiPolygon", "arcs": [[[0, -2], [2]]]}]}},
    }
    path = tmp_path / "land.json"
    path.write_text(json.dumps(topology), encoding="utf-8")
    return path


def test_arcs_are_decoded_and_joined(square: Path) -> None:
    ((outer, hole),) = land_rings(square)
    assert outer.tolist() == [[10, -24], [14, -24], [14, -20], [10, -20], [10, -24]]
    assert hole[0].tolist() == [12, -22]


def test_cells_inside_are_land_and_holes_are_not(square: Path) -> None:
    lat, lon = np.arange(-18.25, -26, -0.5), np.arange(8.25, 16, 0.5)
    mask = land_mask(lat, lon, square)
    inside = (lat[:, None] < -20) & (lat[:, None] > -24) & (lon > 10) & (lon < 14)
    lake = (lat[:, None] < -21) & (lat[:, None] > -22) & (lon > 12) & (lon < 13)
    assert (mask == (inside & ~lake)).all()


def test_without_a_coastline_the_error_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="make run"):
        land_rings(tmp_path / "absent.json")


def test_a_broken_coastline_is_named(tmp_path: Path) -> None:
    (tmp_path / "land.json").write_text('{"arcs": []}', encoding="utf-8")
    with pytest.raises(DataMissing, match=r"land\.json"):
        land_rings(tmp_path / "land.json")


@pytest.mark.skipif(not LAND.is_file(), reason="vendor/world-atlas is fetched at set-up")
def test_the_real_coast_has_known_places_on_its_right_side() -> None:
    lat, lon = np.arange(-14.05, -26.8, -0.1), np.arange(4.05, 16.8, 0.1)
    mask = land_mask(lat, lon)

    def at(y: float, x: float) -> bool:
        return bool(mask[round((lat[0] - y) / 0.1), round((x - lon[0]) / 0.1)])

    assert at(-22.57, 16.5)  # Windhoek's west
    assert at(-15.2, 12.4)  # near Namibe
    assert not at(-22.9, 13.5)  # off Walvis Bay
    assert not at(-20.0, 8.0)
    assert 0.2 < mask.mean() < 0.45
