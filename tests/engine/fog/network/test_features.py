from __future__ import annotations

import numpy as np
import pytest

from engine.fog.network.features import NAMES, Sight, roughness

ROWS, COLUMNS = 12, 10


def sight(cosine: float = 0.6, **bands: float) -> Sight:
    shape = (ROWS, COLUMNS)

    def full(value: float) -> np.ndarray:
        return np.full(shape, value, np.float32)

    return Sight({name: full(value) for name, value in bands.items()}, full(cosine), full(90), full(1.2), np.zeros(shape, bool), 0.0125)


def channel(seen: Sight, name: str) -> np.ndarray:
    return seen.features()[NAMES.index(name)]


def test_differences_are_what_they_say() -> None:
    seen = sight(BT1120=280.0, SST=283.0, BT1230=279.0, BT0860=278.5, R0064=40.0)
    assert channel(seen, "above_sea") == pytest.approx(-3 / 5)
    assert channel(seen, "split") == pytest.approx(0.5)
    assert channel(seen, "ice") == pytest.approx(-0.75)
    assert channel(seen, "visible") == pytest.approx(0.8)
    assert (channel(seen, "has_near") == 0).all()
    assert (channel(seen, "has_sea") == 1).all()


def test_what_is_missing_is_zero_and_nothing_is_ever_nan() -> None:
    for seen in (sight(), sight(BT1120=np.nan, SST=280.0), sight(cosine=np.nan, BT1120=280.0, BT0390=279.0)):
        assert np.isfinite(seen.features()).all()
    assert (channel(sight(BT1120=280.0), "above_sea") == 0).all()


def test_sunlight_at_39_counts_by_day_and_emission_by_night() -> None:
    """By day 10 K more are sunlight; by night 3 K less are droplets; across sunrise neither jumps."""
    assert channel(sight(0.6, BT1120=280.0, BT0390=290.0), "near_mirrored").mean() > 0.3
    assert (channel(sight(-0.3, BT1120=280.0, BT0390=290.0), "near_mirrored") == 0).all()
    assert channel(sight(-0.3, BT1120=280.0, BT0390=276.5), "near_emitted").mean() < -0.5
    assert (channel(sight(0.6, BT1120=280.0, BT0390=276.5), "near_emitted") == 0).all()
    for name in ("near_mirrored", "near_emitted"):
        steps = [float(channel(sight(cosine, BT1120=280.0, BT0390=278.0), name)[0, 0]) for cosine in np.arange(-0.1, 0.3, 0.005)]
        assert np.abs(np.diff(steps)).max() < 0.1


def test_roughness_is_the_local_standard_deviation() -> None:
    values = np.random.default_rng(0).normal(280, 2, (20, 20)).astype(np.float32)
    assert roughness(values)[10, 10] == pytest.approx(values[8:13, 8:13].std(), rel=1e-3)
    values[9, 9] = np.nan
    window = values[8:13, 8:13]
    assert roughness(values)[10, 10] == pytest.approx(np.nanstd(window), rel=1e-3)
    assert (roughness(np.full((6, 6), np.nan, np.float32)) == 0).all()
