"""The facts of an acquisition are exact."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import numpy as np
import pytest

from engine.geometry import WGS84, Window, transformer
from engine.types import utc
from engine.world import Island, LandCover, View
from engine.world.acquisition import CENTRE, Place, overpass, season_name


def almanac_sun(when: datetime, lon: float, lat: float) -> tuple[float, float]:
    """Elevation and azimuth by the Astronomical Almanac's low-precision formulas and sidereal time; another way than the engine's."""
    n = (when - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86400
    anomaly = math.radians(357.528 + 0.9856003 * n)
    ecliptic = math.radians(280.460 + 0.9856474 * n + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    tilt = math.radians(23.439 - 4e-7 * n)
    ascension = math.atan2(math.cos(tilt) * math.sin(ecliptic), math.cos(ecliptic))
    declination = math.asin(math.sin(tilt) * math.sin(ecliptic))
    sidereal = math.radians(15 * (18.697374558 + 24.06570982441908 * n) + lon)
    hour, phi = sidereal - ascension, math.radians(lat)
    up = math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(hour)
    east = -math.cos(declination) * math.sin(hour)
    north = math.sin(declination) * math.cos(phi) - math.cos(declination) * math.sin(phi) * math.cos(hour)
    return math.degrees(math.asin(up)), math.degrees(math.atan2(east, north)) % 360


def test_the_sun_stands_where_the_almanac_says(views: list[View]) -> None:
    for view in views:
        facts = view.acquisition
        elevation, azimuth = almanac_sun(facts.when, *CENTRE)
        assert facts.sun_elevation_deg == pytest.approx(elevation, abs=0.05)
        assert facts.sun_azimuth_deg == pytest.approx(azimuth, abs=0.15)


def test_elsewhere_too() -> None:
    island = Island(3, 128, dates=(overpass(date(2022, 1, 15), 147.0), overpass(date(2022, 7, 15), 147.0)), centre=(147.0, -36.0))
    for when in island.dates:
        facts = island.at(when).acquisition
        elevation, azimuth = almanac_sun(when, 147.0, -36.0)
        assert facts.sun_elevation_deg == pytest.approx(elevation, abs=0.05)
        assert facts.sun_azimuth_deg == pytest.approx(azimuth, abs=0.15)


def test_cloud_cover_is_the_share_of_cloud_in_the_truth(views: list[View]) -> None:
    for view in views:
        assert view.acquisition.cloud_cover == np.count_nonzero(view.truth == LandCover.CLOUD) / view.truth.size
    assert [view.acquisition.cloud_cover > 0 for view in views] == [False, False, True, False]


def test_parts_have_their_own_clouds_and_bounds(cloudy: View) -> None:
    quarters = [cloudy.acquired(Window(column, row, 256, 256)) for row in (0, 256) for column in (0, 256)]
    assert np.mean([quarter.cloud_cover for quarter in quarters]) == pytest.approx(cloudy.acquisition.cloud_cover, abs=1e-12)
    assert len({quarter.cloud_cover for quarter in quarters}) > 1
    west, east = quarters[0].bounds, quarters[1].bounds
    assert west.centre[0] < CENTRE[0] < east.centre[0]
    assert quarters[2].bounds.south < quarters[0].bounds.south
    whole = cloudy.acquisition.bounds
    assert whole.west == min(quarter.bounds.west for quarter in quarters)
    assert whole.north == max(quarter.bounds.north for quarter in quarters)
    assert (whole.north - whole.south) * 111.2 == pytest.approx(5.12, rel=0.05)  # 512 pixels of 10 m


def test_what_else_is_known(views: list[View]) -> None:
    assert [view.acquisition.season for view in views] == ["spring", "summer", "autumn", "autumn"]
    assert [view.acquisition.when for view in views] == [view.season.when for view in views]
    assert {view.acquisition.gsd_m for view in views} == {10.0}
    zeniths = [view.acquisition.view_zenith_deg for view in views]
    assert len(set(zeniths)) == 4
    assert 0 < min(zeniths) <= max(zeniths) < 12
    again = Island(7, 128).at(views[0].season.when).acquisition
    assert again.view_zenith_deg == zeniths[0]


@pytest.mark.parametrize(
    ("month", "north", "south"),
    [(1, "winter", "summer"), (2, "winter", "summer"), (3, "spring", "autumn"), (6, "summer", "winter"), (9, "autumn", "spring"),
     (11, "autumn", "spring"), (12, "winter", "summer")],
)  # fmt: skip
def test_seasons_are_named_for_their_hemisphere(month: int, north: str, south: str) -> None:
    assert season_name(datetime(2022, month, 15, tzinfo=UTC), 43.5) == north
    assert season_name(datetime(2022, month, 15, tzinfo=UTC), -43.5) == south


def test_south_of_the_equator_leaves_are_out_in_january() -> None:
    dates = (overpass(date(2022, 1, 15), 147.0), overpass(date(2022, 7, 15), 147.0))
    south = Island(3, 128, dates=dates, centre=(147.0, -36.0))
    january, july = (south.at(when).season for when in south.dates)
    assert january.green > 0.9
    assert july.green < 0.1
    assert south.place.crs == "EPSG:32755"


def test_places_are_found_again_from_their_bounds() -> None:
    for lon, lat in ((0.0, 0.1), (147.0, -36.0), (-70.1, 60.0), (11.5, 48.1), (6.0, -1.0)):
        lon_found, lat_found = Place.around(lon, lat, 100).bounds(Window(0, 0, 100, 100)).centre
        assert lon_found == pytest.approx(lon, abs=3e-4)
        assert lat_found == pytest.approx(lat, abs=3e-4)
    place = Place.around(11.5, 48.1, 100)
    x, y = transformer(WGS84, place.crs)(np.array(11.5), np.array(48.1))
    assert place.crs == "EPSG:32632"
    assert (place.transform[2] + 500, place.transform[5] - 500) == pytest.approx((float(x), float(y)), abs=10)


def test_a_place_on_the_antimeridian_has_bounds_across_it() -> None:
    bounds = Place.around(179.999, -40.0, 100).bounds(Window(0, 0, 100, 100))
    assert bounds.west > 179
    assert bounds.east < -179
    assert bounds.width < 0.02


def test_impossible_places_and_nights_are_refused() -> None:
    with pytest.raises(ValueError, match="70°"):
        Island(3, 128, centre=(10.0, 80.0))
    with pytest.raises(ValueError, match="70°"):
        Island(3, 128, centre=(10.0, math.nan))
    night = Island(3, 128, dates=("2022-06-01T00:00Z", "2022-06-01T12:00Z"), centre=(0.0, 45.0))
    with pytest.raises(ValueError, match="choose another hour"):
        night.at("2022-06-01T00:00Z")


def test_the_satellite_passes_in_the_morning_everywhere() -> None:
    assert overpass(date(2022, 1, 15), 0.0) == utc("2022-01-15T10:30Z")
    assert overpass(date(2022, 1, 15), 150.0) == utc("2022-01-15T00:30Z")
    assert overpass(date(2022, 1, 15), -150.0) == utc("2022-01-15T20:30Z")
