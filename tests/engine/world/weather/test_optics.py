"""The simulated imager against the published table of signatures, on skies of one layer over an open sea."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.fog.instruments import instruments
from engine.fog.regions import SeaRegion
from engine.fog.sun import solar_zenith
from engine.types import Bounds
from engine.world.noise import stream
from engine.world.weather import Regime, Scenario
from engine.world.weather.glint import glint
from engine.world.weather.imager import Imager
from engine.world.weather.layers import Layer
from engine.world.weather.place import Place
from engine.world.weather.sea import Sea
from engine.world.weather.sky import Weather

N = 24
LAT, LON = 38.0, -140.0
OPEN = SeaRegion("XX", "open sea", Bounds(LON - 0.5, LAT - 0.5, LON + 0.5, LAT + 0.5), ("GOES",), "")
CALM = Regime(
    name="still", foggy=0, empty=1, front=(0, 0), turbid=0, dust=0, snow=0, vapour=(0.7, 0.7), sst_bias=(0, 0), sst_error=0, wind=(5, 5)
)
Fields = dict[str, NDArray[np.float32]]


def _when(zenith: float) -> datetime:
    """A time on a June day at which the sun stands at about that zenith angle."""
    start = datetime(2022, 6, 10, 9, tzinfo=UTC)
    steps = [start + timedelta(minutes=2 * index) for index in range(360)]
    return min(steps, key=lambda when: abs(float(solar_zenith(when, np.array(LAT), np.array(LON))) - zenith))


def _look(zenith: float, sensor: str = "ABI", **layers: Layer) -> tuple[Fields, Sea]:
    when = _when(zenith)
    place = Place.of(OPEN, N, rng=stream(1, "place"))
    assert not place.land.any()
    scenario = Scenario.draw(CALM, 1, lat=LAT, when=when)
    sea = Sea.of(place, scenario, when)
    clear = Weather(sea, scenario, (when,)).at(when)
    sky = replace(clear, **layers)
    imager = Imager(instruments()[sensor], -137.0, sea, scenario)
    return imager.view(sky, 0, imager.elements), sea


def _layer(depth: float, kelvin: float, radius: float = 0.0) -> Layer:
    return Layer(np.full((N, N), depth, np.float32), np.full((N, N), kelvin, np.float32), radius, 0.0)


def _difference(fields: Fields) -> float:
    return float(np.median(fields["BT0390"] - fields["BT1120"]))


def _sst() -> float:
    return float(_look(110)[1].sst.mean())


def test_clear_sea_looks_as_warm_as_it_is_less_the_vapour() -> None:
    fields, sea = _look(110)
    assert -4 < np.median(fields["BT1120"] - sea.sst) < -0.5
    assert -0.5 < _difference(fields) < 1.3
    assert 0.3 < np.median(fields["BT1120"] - fields["BT1230"]) < 3.5
    assert -3 < np.median(fields["BT0860"] - fields["BT1120"]) < -0.4
    assert all(np.isnan(values).all() for name, values in fields.items() if name.startswith("R"))


@pytest.mark.parametrize(("radius", "low", "high"), [(5, -5.0, -3.0), (10, -4.0, -1.8), (15, -2.6, -0.6)])
def test_opaque_fog_by_night_is_colder_at_39_the_smaller_its_droplets(radius: float, low: float, high: float) -> None:
    assert low < _difference(_look(110, fog=_layer(12, _sst(), radius))[0]) < high


def test_thin_fog_by_night_is_weak() -> None:
    """fog.md: −0.2, −0.5, −1.2, −2.1, −2.8 K at an optical depth of 0.5, 1, 2, 4 and 8 over a surface as warm as the top."""
    clear = _difference(_look(110)[0])
    loss = [_difference(_look(110, fog=_layer(depth, _sst(), 10))[0]) - clear for depth in (0.5, 1, 2, 4, 8)]
    assert np.all(np.diff(loss) < 0)
    assert loss == pytest.approx([-0.2, -0.5, -1.2, -2.1, -2.8], abs=0.6)


@pytest.mark.parametrize(("zenith", "low", "high"), [(30, 8, 25), (60, 3, 15), (75, 0.5, 8)])
def test_fog_by_day_shines_at_39_and_the_less_the_lower_the_sun(zenith: float, low: float, high: float) -> None:
    fields, sea = _look(zenith, fog=_layer(8, _sst(), 8))
    assert low < _difference(fields) < high
    assert 20 < np.median(fields["R0064"]) < 60
    assert 20 < np.median(fields["R0160"]) < 50
    assert -3 < np.median(fields["BT1120"] - sea.sst) < 1.5


def test_the_difference_of_fog_changes_its_sign_in_the_blind_zone_before_sunrise() -> None:
    values = [_difference(_look(zenith, fog=_layer(10, _sst(), 7))[0]) for zenith in (70, 80, 89, 100)]
    assert values[0] > 0 > values[2]
    assert np.all(np.diff(values) < 0)


def test_low_sun_is_noisier_in_the_visible() -> None:
    high, low = (float(_look(zenith, fog=_layer(8, _sst(), 8))[0]["R0064"].std()) for zenith in (30, 84))
    assert low > 3 * high


def test_a_deck_is_colder_than_fog_but_as_bright() -> None:
    fields, sea = _look(40, deck=_layer(15, _sst() - 6.3 * 1.2, 11))
    assert -12 < np.median(fields["BT1120"] - sea.sst) < -4
    assert 30 < np.median(fields["R0064"]) < 75
    assert 3 < _difference(fields) < 20


def test_thin_cirrus_splits_the_window_and_is_warm_at_39_by_night() -> None:
    clear, _ = _look(110)
    fields, sea = _look(110, cirrus=_layer(1.0, 218))
    split = fields["BT1120"] - fields["BT1230"]
    assert 2 < np.median(split) < 8
    assert np.median(split) > np.median(clear["BT1120"] - clear["BT1230"]) + 1.5
    assert 2 < _difference(fields) < 14
    assert np.median(fields["BT0860"] - fields["BT1120"]) > 0
    assert -40 < np.median(fields["BT1120"] - sea.sst) < -5


def test_thick_ice_is_cold_grey_at_16_and_noisy_at_39() -> None:
    night, _ = _look(110, cirrus=_layer(40, 218))
    assert np.median(night["BT1120"]) == pytest.approx(218, abs=0.3)
    assert np.std(night["BT0390"]) > 10 * np.std(night["BT1120"])
    day, _ = _look(40, cirrus=_layer(25, 218))
    assert 20 < np.median(day["R0160"]) < 40 < 55 < np.median(day["R0064"]) < 90


def test_dust_is_grey_without_a_fog_signal_and_turns_the_split_window() -> None:
    clear, _ = _look(40)
    dusty, _ = _look(40, dust=_layer(2.0, _sst() - 13))
    assert np.median(dusty["R0064"]) > np.median(clear["R0064"]) + 4
    assert np.median(dusty["BT1120"] - dusty["BT1230"]) < np.median(clear["BT1120"] - clear["BT1230"]) - 0.4
    assert _difference(_look(110, dust=_layer(2.0, _sst() - 13))[0]) > -0.5
    assert _difference(dusty) < _difference(_look(40, fog=_layer(8, _sst(), 8))[0]) - 5


def test_noise_at_39_grows_towards_the_cold() -> None:
    """NEdT is a step of radiance: 0.1 K at 300 K is 0.2 K at 280 K, and more than 3 K at 220 K."""
    warm = float(_look(110)[0]["BT0390"].std())
    cold = float(_look(110, cirrus=_layer(60, 222))[0]["BT0390"].std())
    assert 0.08 < warm < 0.4
    assert cold > 2


def test_the_spectral_place_of_a_band_is_the_sensors() -> None:
    """SEVIRI's broad band reaches into carbon dioxide: clear sea 1 to 3 K colder; AGRI's 3.72 µm sees more sun."""
    assert -3.5 < _difference(_look(110, "SEVIRI")[0]) - _difference(_look(110, "ABI")[0]) < -1
    fog = _layer(8, _sst(), 8)
    assert _difference(_look(40, "AGRI", fog=fog)[0]) > _difference(_look(40, "ABI", fog=fog)[0])
    assert "R0047" not in _look(40, "SEVIRI")[0]
    assert "BT1040" in _look(40, "ABI")[0]


def test_glint_lies_where_the_mirrored_sun_is_and_widens_with_wind() -> None:
    region = SeaRegion("XX", "tropics", Bounds(-10, -15, 10, 15), ("MSG",), "")
    place = Place.of(region, 60, rng=stream(1, "place"))
    noon = datetime(2022, 3, 21, 12, 7, tzinfo=UTC)
    calm, rough = (glint(place.grid, noon, 0.0, wind) for wind in (2, 10))
    row, column = np.unravel_index(int(calm.argmax()), calm.shape)
    assert abs(place.grid.lat[row]) < 2
    assert abs(place.grid.lon[column]) < 2
    assert calm.max() > rough.max()
    assert (calm > 0.01).sum() < (rough > 0.01).sum()
    assert not glint(place.grid, noon + timedelta(hours=12), 0.0, 5).any()
