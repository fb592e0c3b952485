from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from engine.fog.sun import solar_azimuth, solar_zenith
from engine.fog.view import glint_angle, satellite_zenith


@pytest.mark.parametrize(("lat", "lon", "zenith"), [(0.0, 0.0, 0.0), (0.0, 81.3, 90.0), (50.0, 10.0, 58.1), (0.0, 30.0, 35.1)])
def test_view_zenith_of_known_places(lat: float, lon: float, zenith: float) -> None:
    """Below the satellite, at the limb (arc cos(6378/42164) = 81.3°), and by the plane triangle Earth–place–satellite."""
    arc = np.arccos(np.cos(np.deg2rad(lat)) * np.cos(np.deg2rad(lon)))
    triangle = np.rad2deg(np.arctan2(np.sin(arc), np.cos(arc) - 6378.137 / 42164))
    seen = float(satellite_zenith(np.array(lat), np.array(lon), 0.0))
    assert seen == pytest.approx(triangle, abs=1e-6)
    assert seen == pytest.approx(zenith, abs=0.4)


def test_glint_is_where_the_mirror_law_puts_it() -> None:
    """At the equator at equinox noon the sun is overhead; the sea mirrors it straight up, to a satellite overhead."""
    when = datetime(2021, 3, 20, 12, 7, 30, tzinfo=UTC)
    assert float(glint_angle(when, np.array(0.0), np.array(0.0), 0.0)) < 0.5
    # on the same meridian the mirrored sun and the satellite both lean to the equator's side or apart: angles add up
    lat = np.array(20.0)
    sun = float(solar_zenith(when, lat, np.array(0.0)))
    sight = float(satellite_zenith(lat, np.array(0.0), 0.0))
    assert float(solar_azimuth(when, lat, np.array(0.0))) == pytest.approx(180, abs=1)
    assert float(glint_angle(when, lat, np.array(0.0), 0.0)) == pytest.approx(sun + sight, abs=0.1)
