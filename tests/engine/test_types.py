from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import mapping

from engine.errors import RegionInvalid, TimeInvalid
from engine.types import Bounds, Region, TimeSpan, spoken, utc

lon = st.floats(-179, 179)
lat = st.floats(-85, 85)


@st.composite
def boxes(draw: st.DrawFn) -> Bounds:
    west, east = sorted(draw(st.lists(lon, min_size=2, max_size=2, unique=True)))
    south, north = sorted(draw(st.lists(lat, min_size=2, max_size=2, unique=True)))
    return Bounds(west, south, max(east, west + 0.01), max(north, south + 0.01))


@given(boxes(), boxes())
def test_meets_agrees_with_shapely(drawn: Bounds, tile: Bounds) -> None:
    region = Region.from_like(drawn)
    assert region.meets(tile.array[None])[0] == shapely.box(*drawn.array).intersects(shapely.box(*tile.array))


@given(boxes())
def test_every_way_to_name_a_box_gives_the_same_region(drawn: Bounds) -> None:
    numbers = drawn.array.tolist()
    shape = shapely.box(*numbers)
    likes = [
        numbers,
        ",".join(map(repr, numbers)),
        shape,
        mapping(shape),
        {"type": "Feature", "properties": {}, "geometry": mapping(shape)},
    ]
    for like in likes:
        assert Region.from_like(like).geometry.equals(shape)


def test_a_region_across_the_antimeridian_is_cut_and_keeps_its_area() -> None:
    crossing = Region.from_like("175,-20,-170,-10")
    same_elsewhere = Region.from_like("0,-20,15,-10")
    assert crossing.area_km2 == pytest.approx(same_elsewhere.area_km2, rel=1e-9)
    assert crossing.bounds == Bounds(175, -20, -170, -10)
    inside = np.array([[176.0, -15, 177, -14], [-175, -15, -174, -14], [179, -15, -179, -14]])
    assert crossing.meets(inside).all()
    assert not crossing.meets(np.array([[0.0, -15, 1, -14]])).any()


def test_a_shape_drawn_beyond_180_degrees_comes_back_on_the_other_side() -> None:
    drawn = Region.from_like({"type": "Polygon", "coordinates": [[[178, 0], [184, 0], [184, 4], [178, 4], [178, 0]]]})
    assert drawn.bounds == Bounds(178, 0, -176, 4)


def test_area_of_the_whole_earth() -> None:
    """Surface of the WGS 84 ellipsoid: 510,065,622 km² (NIMA TR8350.2)."""
    assert Region.from_like("-180,-90,180,90").area_km2 == pytest.approx(510_065_622, rel=1e-6)


def test_area_of_one_degree_at_the_equator_and_at_sixty() -> None:
    """Ellipsoidal area of a 1° cell by the closed formula with the authalic q, computed apart from pyproj."""
    a, f = 6378.137, 1 / 298.257223563
    e = np.sqrt(2 * f - f * f)

    def q(latitude: float) -> float:
        s = np.sin(np.radians(latitude))
        return float((1 - e * e) * (s / (1 - e * e * s * s) - np.log((1 - e * s) / (1 + e * s)) / (2 * e)))

    for south in (0, 60):
        expected = a * a / 2 * np.radians(1) * (q(south + 1) - q(south))
        assert Region.from_like([10, south, 11, south + 1]).area_km2 == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("like", "says"),
    [
        ("0,0,0,1", "no area"),
        ("3,4,5", "four numbers"),
        ("0,10,5,1", "south before north"),
        ("north bay", "W,S,E,N"),
        ("missing.geojson", "no readable GeoJSON"),
        ("nan,0,1,1", "not numbers"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}, "crosses itself"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0], [0, 0]]]}, "no area|crosses itself|simple ring"),
        ({"type": "LineString", "coordinates": [[0, 0], [1, 1]]}, "no area"),
        ({"type": "Polygon", "coordinates": "x"}, "valid GeoJSON"),
        ({"type": "Feature", "geometry": None}, "no geometry"),
        ({"type": "FeatureCollection", "features": []}, "no feature"),
        ({"type": "Polygon", "coordinates": [[[0, 80], [1, 80], [1, 95], [0, 95], [0, 80]]]}, "leave ±90"),
    ],
)
def test_a_shape_that_bounds_nothing_is_refused_with_the_reason(like: object, says: str) -> None:
    with pytest.raises(RegionInvalid, match=says):
        Region.from_like(like)


@given(boxes())
def test_a_box_from_text_is_the_same_region(drawn: Bounds) -> None:
    assert Region.from_box(",".join(map(repr, drawn.array.tolist()))).geometry.equals(drawn.polygon)


@pytest.mark.parametrize(
    "text", ["", "0,0,1", "0,0,1,1,1", "a,b,c,d", "nan,0,1,1", "0,0,0,1", "0,0,inf,1", "0,10,5,1", "9" * 5000, "0,0,1,1\0"]
)
def test_a_text_that_is_no_box_is_refused(text: str) -> None:
    with pytest.raises(RegionInvalid):
        Region.from_box(text)


def test_a_box_from_text_never_opens_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret.geojson"
    path.write_text(json.dumps(mapping(shapely.box(0, 0, 1, 1))))
    assert Region.from_like(str(path)).area_km2 > 0
    with pytest.raises(RegionInvalid, match="W,S,E,N") as refused:
        Region.from_box(str(path))
    assert "secret" not in str(refused.value)


def test_a_geojson_file_keeps_its_name(tmp_path: Path) -> None:
    path = tmp_path / "bay.geojson"
    path.write_text(json.dumps({"type": "Feature", "properties": {"name": "North bay"}, "geometry": mapping(shapely.box(0, 0, 1, 1))}))
    region = Region.from_like(path)
    assert region.name == "North bay"
    assert Region.from_like(region.feature()) == region


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)), st.integers(-12, 14))
def test_times_of_any_zone_name_the_same_moment(naive: datetime, hours: int) -> None:
    zoned = naive.replace(tzinfo=timezone(timedelta(hours=hours)))
    assert utc(zoned) == zoned
    assert utc(zoned.isoformat()) == zoned
    assert utc(zoned).tzinfo is UTC


def test_a_bare_day_as_the_end_of_a_span_includes_its_evening() -> None:
    span = TimeSpan.from_like("2014-07-20", "2014-07-20")
    assert span.holds(datetime(2014, 7, 20, 23, 59, tzinfo=UTC))
    assert not span.holds(datetime(2014, 7, 21, tzinfo=UTC))
    assert utc(date(2014, 7, 20)) == datetime(2014, 7, 20, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2014-13-01", "20.7.2014", "0001-01-01T00:00+14:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(TimeInvalid):
        utc(text)


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(TimeInvalid):
        TimeSpan.from_like("2020-01-02", "2020-01-01")


def test_times_are_spoken_with_their_zone() -> None:
    assert spoken(datetime(2014, 7, 20, tzinfo=UTC)) == "2014-07-20"
    assert spoken(datetime(2014, 7, 20, 5, 30, tzinfo=UTC)) == "2014-07-20 05:30 UTC"
