from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.errors import CubeInvalid
from engine.fog import Cube, FogMask, State, Validity, detect
from engine.fog.sun import solar_zenith

from .. import skies
from ..skies import write_cube

Sky = Callable[[np.ndarray, np.random.Generator], dict[str, np.ndarray]]

DAY, TWILIGHT, NIGHT = (datetime(2021, 6, 1, *clock, tzinfo=UTC) for clock in ((11, 0), (4, 50), (23, 0)))
LAT, LON = np.linspace(45.475, 44.525, 20), np.linspace(-0.475, 0.475, 20)


def make(path: Path, sky: Sky, when: datetime, *, change: dict[str, np.ndarray | float] | None = None, drop: tuple[str, ...] = ()) -> Cube:
    zenith = solar_zenith(when, LAT[:, None], LON[None, :])
    fields = sky(zenith, np.random.default_rng(5))
    for name, value in (change or {}).items():
        fields[name] = np.broadcast_to(np.asarray(value, dtype=float), zenith.shape).copy()
    kept = {name: values[None] for name, values in fields.items() if name not in drop}
    return Cube.open(write_cube(path / "sky.zarr", kept, [when], LAT, LON, attrs={"synthetic": 1, "sub_satellite_lon": -25.0}))


def share(mask: FogMask, state: State) -> float:
    return float((mask.state == state).mean())


def test_the_three_times_are_what_their_names_say() -> None:
    angles = [float(solar_zenith(when, np.array(45.0), np.array(0.0))) for when in (DAY, TWILIGHT, NIGHT)]
    assert angles[0] < 40
    assert 83 < angles[1] < 88
    assert angles[2] > 100


def test_clear_sea_is_almost_never_flagged_whatever_the_sun_does(tmp_path: Path) -> None:
    """Under 1 % of clear sea at every solar zenith angle, in steps of two degrees."""
    lat, lon = np.linspace(44.9, 30.1, 60), np.linspace(-9.9, 9.9, 60)
    times = [datetime(2021, 6, 21, tzinfo=UTC) + timedelta(minutes=15 * step) for step in range(96)]
    rng = np.random.default_rng(1)
    zenith = np.stack([solar_zenith(when, lat[:, None], lon[None, :]) for when in times])
    cube = Cube.open(write_cube(tmp_path / "sea.zarr", skies.clear_sea(zenith, rng), times, lat, lon))
    masks = [detect(cube, index) for index in range(len(times))]
    fog = np.stack([mask.fog for mask in masks])
    bins = (zenith // 2).astype(int)
    seen = 0
    for angle in np.unique(bins):
        here = bins == angle
        if here.sum() >= 500:
            seen += 1
            assert fog[here].mean() < 0.01, f"{2 * angle}°"
    assert seen > 45


@pytest.mark.parametrize(("when", "found"), [(DAY, 0.9), (TWILIGHT, 0.7), (NIGHT, 0.85)], ids=["day", "twilight", "night"])
def test_thick_fog_is_found_by_day_twilight_and_night(tmp_path: Path, when: datetime, found: float) -> None:
    assert share(detect(make(tmp_path, skies.fog, when), 0), State.FOG) > found


def test_twilight_says_so(tmp_path: Path) -> None:
    mask = detect(make(tmp_path, skies.fog, TWILIGHT), 0)
    assert ((mask.validity & Validity.TWILIGHT) > 0).all()
    assert "twilight" in mask.validities


@pytest.mark.parametrize("when", [DAY, TWILIGHT, NIGHT], ids=["day", "twilight", "night"])
def test_higher_cloud_over_fog_is_obscured_and_never_clear(tmp_path: Path, when: datetime) -> None:
    """Thick ice at 225 K, and thin cirrus told by 11 − 12 µm = 4 K."""
    thick = detect(make(tmp_path, skies.fog, when, change={"BT1120": 225.0, "BT1230": 224.0, "BT0390": 228.0}), 0)
    assert share(thick, State.OBSCURED) == 1
    thin = detect(make(tmp_path, skies.clear_sea, when, change={"BT1120": 278.0, "BT1230": 274.0, "SST": 287.0}), 0)
    assert share(thin, State.OBSCURED) == 1
    assert np.isnan(thin.probability).all()


@pytest.mark.parametrize("when", [DAY, NIGHT], ids=["day", "night"])
def test_a_deck_much_colder_than_the_sea_is_no_fog_and_hides_it(tmp_path: Path, when: datetime) -> None:
    zenith = solar_zenith(when, LAT[:, None], LON[None, :])
    window = skies.fog(zenith, np.random.default_rng(5))["BT1120"]
    mask = detect(make(tmp_path, skies.fog, when, change={"SST": window + 11}), 0)
    assert share(mask, State.FOG) < 0.01
    assert share(mask, State.OBSCURED) > 0.9


def test_snow_and_ice_by_day_are_no_fog(tmp_path: Path) -> None:
    """Bright in the visible, dark at 1.6 µm, little sunlight at 3.9 µm."""
    mask = detect(
        make(tmp_path, skies.clear_sea, DAY, change={"R0064": 75.0, "R0160": 8.0, "BT1120": 270.0, "BT0390": 272.0, "SST": 271.4}), 0
    )
    assert share(mask, State.FOG) == 0


def test_bright_glint_is_not_judged(tmp_path: Path) -> None:
    """Overhead sun and satellite: a glittering sea passes every test of fog by day."""
    when = datetime(2021, 3, 20, 12, 7, tzinfo=UTC)
    lat, lon = np.linspace(4.75, -4.75, 20), np.linspace(-4.75, 4.75, 20)
    fields = skies.clear_sea(solar_zenith(when, lat[:, None], lon[None, :]), np.random.default_rng(2))
    fields |= {"R0064": np.full((20, 20), 40.0), "R0160": np.full((20, 20), 35.0), "BT0390": fields["BT1120"] + 20}
    named = {name: values[None] for name, values in fields.items()}
    mask = detect(Cube.open(write_cube(tmp_path / "g.zarr", named, [when], lat, lon, attrs={"synthetic": 0, "sub_satellite_lon": 0.0})), 0)
    assert ((mask.validity & Validity.GLINT) > 0).all()
    assert share(mask, State.NO_DATA) == 1
    assert not mask.synthetic


def test_a_slanting_view_is_flagged(tmp_path: Path) -> None:
    mask = detect(make(tmp_path, skies.fog, NIGHT), 0)
    assert not ((mask.validity & Validity.SLANT) > 0).any()
    fields = {name: values[None] for name, values in skies.fog(np.full((20, 20), 110.0), np.random.default_rng(1)).items()}
    far = Cube.open(write_cube(tmp_path / "far.zarr", fields, [NIGHT], LAT, LON, attrs={"sub_satellite_lon": 100.0}))
    assert ((detect(far, 0).validity & Validity.SLANT) > 0).all()


def test_land_is_not_judged(tmp_path: Path) -> None:
    zenith = solar_zenith(NIGHT, LAT[:, None], LON[None, :])
    fields = {name: values[None] for name, values in skies.fog(zenith, np.random.default_rng(3)).items()}
    land = np.zeros((20, 20), dtype=np.int8)
    land[:, :7] = 1
    mask = detect(Cube.open(write_cube(tmp_path / "l.zarr", fields | {"land": land}, [NIGHT], LAT, LON)), 0)
    assert (mask.state[:, :7] == State.NO_DATA).all()
    assert ((mask.validity[:, :7] & Validity.LAND) > 0).all()
    assert mask.fog[:, 7:].mean() > 0.8


def test_missing_pixels_are_no_data(tmp_path: Path) -> None:
    zenith = solar_zenith(NIGHT, LAT[:, None], LON[None, :])
    fields = skies.fog(zenith, np.random.default_rng(3))
    fields["BT0390"][3, 4] = np.nan
    mask = detect(Cube.open(write_cube(tmp_path / "m.zarr", {n: v[None] for n, v in fields.items()}, [NIGHT], LAT, LON)), 0)
    assert mask.state[3, 4] == State.NO_DATA
    assert mask.validity[3, 4] & Validity.MISSING
    assert np.isnan(mask.probability[3, 4])


def test_a_missing_band_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(CubeInvalid, match="BT0390"):
        detect(make(tmp_path, skies.fog, NIGHT, drop=("BT0390",)), 0)


def test_an_empty_frame_is_an_error_with_its_time(tmp_path: Path) -> None:
    with pytest.raises(CubeInvalid, match=r"no value at 2021-06-01 23:00 UTC"):
        detect(make(tmp_path, skies.fog, NIGHT, change={"BT1120": np.nan}), 0)


def test_celsius_in_kelvins_clothes_is_caught(tmp_path: Path) -> None:
    with pytest.raises(CubeInvalid, match="no brightness temperature"):
        detect(make(tmp_path, skies.fog, NIGHT, change={"BT1120": 12.5}), 0)


def test_without_sea_temperature_and_visible_night_fog_is_still_found(tmp_path: Path) -> None:
    drop = ("SST", "R0064", "R0160", "BT1230")
    assert share(detect(make(tmp_path, skies.fog, NIGHT, drop=drop), 0), State.FOG) > 0.9


def test_one_cell_is_a_cube(tmp_path: Path) -> None:
    fields = {name: values[None] for name, values in skies.fog(np.array([[110.0]]), np.random.default_rng(0)).items()}
    mask = detect(Cube.open(write_cube(tmp_path / "one.zarr", fields, [NIGHT], np.array([45.0]), np.array([0.0]))), 0)
    assert mask.state.shape == (1, 1)
    assert mask.fog_fraction == 1
