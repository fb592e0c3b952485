"""Quantities against formulas that are worked out here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from engine.fog.detection.boxes import box_mean, box_spread, odd
from engine.fog.detection.features import Features, Sight, between
from engine.fog.detection.sensors import clear_skies, clear_sky
from engine.fog.grid import Grid
from engine.fog.sun import cos_solar_zenith
from engine.types import Bounds

SHAPE = (24, 24)


def planck(kelvin: float | np.ndarray, micrometres: float) -> np.ndarray:
    """W m⁻² sr⁻¹ µm⁻¹ from CODATA constants."""
    h, c, k, metres = 6.62607015e-34, 2.99792458e8, 1.380649e-23, micrometres * 1e-6
    return np.asarray(2 * h * c**2 / metres**5 / np.expm1(h * c / (metres * k * np.asarray(kelvin))) * 1e-6)


def brightness(light: float, micrometres: float) -> float:
    low, high = 150.0, 400.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if planck(middle, micrometres) < light else (low, middle)
    return low


def full(value: float) -> np.ndarray:
    return np.full(SHAPE, value, dtype=np.float32)


def seen(fields: dict[str, np.ndarray], sun: float = 120.0, **more: object) -> Features:
    cosine = full(float(np.cos(np.deg2rad(sun))))
    wavelengths = {"BT0390": 3.9, "BT1120": 11.2}
    sight = Sight(fields, (2.78, 2.78), cosine, full(1.3), None, "ABI", wavelengths)
    return Features.of(sight)


@pytest.mark.parametrize("sun", [0, 30, 60, 75, 96, 120])
@pytest.mark.parametrize("reflectance", [0.08, 0.15])
def test_droplets_are_one_quantity_by_day_and_by_night(sun: float, reflectance: float) -> None:
    """A top that reflects r shines with (1 − r)·B + r·S·cos θ/π; what clear sky adds at 3.9 − 11 µm is put on top."""
    window = 283.0
    wet = 0.75 * np.exp(0.062 * (285.0 - 273.15))
    clear = float(clear_skies()["ABI"].difference(full(wet), full(1.3))[0, 0])
    warmth = float(planck(window + clear, 3.9))
    sunlight = 10.6 * max(np.cos(np.deg2rad(sun)), 0) / np.pi
    near = brightness((1 - reflectance) * warmth + reflectance * sunlight, 3.9)
    found = seen({"BT1120": full(window), "BT0390": full(near), "SST": full(285.0)}, sun).values["droplets"]
    assert found.mean() == pytest.approx(100 * reflectance, rel=0.25)  # drawn to 0 by a fifth in the dark


def test_where_sun_and_warmth_balance_droplets_claim_nothing() -> None:
    for near in (281.0, 285.0):
        found = seen({"BT1120": full(283.0), "BT0390": full(near), "SST": full(285.0)}, 85.6).values["droplets"]
        assert abs(float(found.mean())) < 9  # by night the same 2 K would be 10 %, and certain


def test_a_wrong_sea_temperature_is_corrected_by_clear_sea_in_sight() -> None:
    """The right half is a top 8 K colder than the sea; whether the product is off by 3 K must not matter much there."""
    window = full(284.0)
    window[:, 16:] = 276.0
    near = window + np.float32(0.1)
    near[:, 16:] = 276.0 - 3
    heights = [seen({"BT1120": window, "BT0390": near, "SST": full(sea)}).values["height"][:, 18:].mean() for sea in (285.5, 288.5)]
    assert abs(heights[0] - heights[1]) < 1.0
    assert -10 < heights[0] < -6


def test_clear_sea_far_away_corrects_as_well_where_none_is_near() -> None:
    """A sheet of 600 km, of which all but the edge sees no clear sea within 150 km, at the left of which lie 300 km of it."""
    window = full(284.0)
    window[:, 8:] = 281.0
    near = window + np.float32(0.1)
    near[:, 8:] -= 3
    heights = []
    for sea in (285.5, 287.5):
        sight = replace(seen({"BT1120": window, "BT0390": near, "SST": full(sea)}).sight, cell_km=(37.0, 37.0))
        heights.append(Features.of(sight).values["height"][:, 18:].mean())
    assert abs(heights[0] - heights[1]) < 0.5
    assert -4 < heights[0] < -2


def test_without_a_product_tops_are_compared_with_clear_sea_and_without_either_not_at_all() -> None:
    window = full(284.0)
    window[:, 16:] = 276.0
    near = window.copy()
    near[:, 16:] -= 3
    found = seen({"BT1120": window, "BT0390": near})
    assert found.correction is None
    assert -9 < found.values["height"][:, 18:].mean() < -6.5
    assert "height" not in seen({"BT1120": full(276.0), "BT0390": full(272.5)}).values


def test_what_a_frame_cannot_give_is_absent() -> None:
    values = seen({"BT1120": full(284.0), "BT0390": full(284.0), "SST": full(285.0)}).values
    assert not {"ice", "grains", "bright", "liquid", "fineness"} & set(values)
    assert {"droplets", "height", "opacity", "top", "rough"} <= set(values)
    assert all(field.dtype == np.float32 for field in values.values())


def test_angles_between_every_eighth_cell_are_right() -> None:
    grid = Grid.over(Bounds(-8, 47, 5, 60), 0.1)
    when = datetime(2024, 3, 20, 6, tzinfo=UTC)
    coarse = between(grid, lambda lat, lon: cos_solar_zenith(when, lat, lon))
    assert np.abs(coarse - cos_solar_zenith(when, grid.lat[:, None], grid.lon[None, :])).max() < 1e-4
    one = Grid(np.array([45.0]), np.array([3.0]))
    assert between(one, lambda lat, lon: cos_solar_zenith(when, lat, lon)).shape == (1, 1)


def test_an_unknown_imager_takes_the_nearest_bands() -> None:
    assert clear_sky("", {"BT0390": 3.72, "BT1120": 10.8}).near_um == pytest.approx(3.725)
    assert clear_sky("", {"BT0390": 3.92, "BT1120": 10.8}).instrument == "SEVIRI"
    assert (
        clear_skies()["SEVIRI"].difference(full(1.5), full(1.3)).mean() < clear_skies()["ABI"].difference(full(1.5), full(1.3)).mean() - 0.7
    )


def test_boxes_leave_out_what_has_no_value() -> None:
    rng = np.random.default_rng(0)
    field = rng.normal(280, 2, (9, 9)).astype(np.float32)
    field[4, 4] = np.nan
    inner = field[3:6, 3:6]
    assert box_mean(field, (3, 3))[4, 4] == pytest.approx(np.nanmean(inner), abs=1e-3)
    assert box_spread(field, (3, 3))[4, 4] == pytest.approx(np.nanstd(inner), abs=1e-3)
    assert np.isnan(box_spread(np.full((3, 3), np.nan, np.float32), (3, 3))).all()
    assert (odd(9, 1.39), odd(9, 2.78), odd(9, 11)) == (7, 3, 3)
