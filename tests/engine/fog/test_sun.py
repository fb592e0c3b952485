from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from engine.fog.sun import cos_solar_zenith, solar_azimuth, solar_zenith, sun_direction


def zenith(when: datetime, lat: float, lon: float) -> float:
    return float(solar_zenith(when, np.array(lat), np.array(lon)))


def test_zenith_and_azimuth_of_the_published_spa_example() -> None:
    """Reda & Andreas 2004, NREL/TP-560-34302, table A5.1: zenith 50.1116°, azimuth 194.3402° (with 0.02° of refraction)."""
    when, lat, lon = datetime(2003, 10, 17, 19, 30, 30, tzinfo=UTC), 39.742476, -105.1786
    assert zenith(when, lat, lon) == pytest.approx(50.1116, abs=0.05)
    assert float(solar_azimuth(when, np.array(lat), np.array(lon))) == pytest.approx(194.3402, abs=0.05)


@pytest.mark.parametrize(
    ("when", "lat", "lon"),
    [
        (datetime(2024, 6, 20, 3, 43, tzinfo=UTC), 51.5074, -0.1278),  # sunrise in London, almanac
        (datetime(2024, 12, 21, 15, 53, tzinfo=UTC), 51.5074, -0.1278),  # sunset in London
        (datetime(2024, 3, 20, 10, 58, tzinfo=UTC), 40.7128, -74.0060),  # sunrise in New York
    ],
)
def test_sun_is_at_the_almanac_horizon_at_sunrise_and_sunset(when: datetime, lat: float, lon: float) -> None:
    """Sunrise is when the centre is 90.833° from the zenith (refraction and the sun's radius); a minute is 0.25° at most."""
    assert zenith(when, lat, lon) == pytest.approx(90.833, abs=0.2)


def test_noon_at_the_solstice_is_latitude_minus_the_tropic() -> None:
    lon = np.linspace(-3, 3, 601)
    best = solar_zenith(datetime(2021, 6, 21, 12, tzinfo=UTC), np.array(50.0), lon).min()
    assert best == pytest.approx(50 - 23.436, abs=0.02)


def test_fields_broadcast_and_agree_with_single_places() -> None:
    when = datetime(2022, 1, 5, 7, 30, tzinfo=UTC)
    lat, lon = np.array([10.0, -35.0]), np.array([0.0, 90.0, -170.0])
    field = solar_zenith(when, lat[:, None], lon[None, :])
    assert field.shape == (2, 3)
    assert field[1, 2] == pytest.approx(zenith(when, -35.0, -170.0))
    assert np.allclose(np.cos(np.deg2rad(field)), cos_solar_zenith(when, lat[:, None], lon[None, :]))


def test_direction_is_a_unit_vector() -> None:
    east, north, up = sun_direction(
        datetime(2021, 9, 14, 6, tzinfo=UTC), np.linspace(-80, 80, 9)[:, None], np.linspace(-170, 170, 9)[None, :]
    )
    assert np.allclose(east**2 + north**2 + up**2, 1)
