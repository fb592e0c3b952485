"""Cubes that lack something: a clear error, or an answer that says how much it is worth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.errors import CubeInvalid
from engine.fog import Cube, FogMask, State, Validity, detect
from engine.fog.sun import solar_zenith

from .. import skies
from ..skies import write_cube

DAY, NIGHT = (datetime(2021, 6, 1, hour, tzinfo=UTC) for hour in (11, 23))
LAT, LON = np.linspace(45.475, 44.525, 20), np.linspace(-0.475, 0.475, 20)


def fields(when: datetime, *, foggy: bool = True) -> dict[str, np.ndarray]:
    """Fog in the left half, clear sea in the right."""
    zenith = solar_zenith(when, LAT[:, None], LON[None, :])
    fog, out = (sky(zenith, np.random.default_rng(5)) for sky in (skies.fog, skies.clear_sea))
    if foggy:
        for name, values in fog.items():
            if name != "SST":  # tops keep their distance to the sea below
                shift = out["SST"] - fog["SST"] if name.startswith("BT") else 0.0
                out[name][:, :10] = (values + shift)[:, :10]
    return out


def cube_of(
    path: Path, values: dict[str, np.ndarray], when: datetime = DAY, *, attrs: dict[str, object] | None = None, **axes: np.ndarray
) -> Cube:
    about = {"synthetic": 1, "sub_satellite_lon": -25.0, **(attrs or {})}
    stacked = {name: field[None] for name, field in values.items()}
    return Cube.open(write_cube(path / "c.zarr", stacked, [when], axes.get("lat", LAT), axes.get("lon", LON), attrs=about))


def has(mask: FogMask, flag: Validity) -> bool:
    return bool(((mask.validity & flag) > 0).all())


@pytest.mark.parametrize("when", [DAY, NIGHT], ids=["day", "night"])
def test_without_sea_temperature_clear_sea_in_sight_stands_in_for_it(tmp_path: Path, when: datetime) -> None:
    values = fields(when)
    del values["SST"]
    mask = detect(cube_of(tmp_path, values, when), 0)
    assert has(mask, Validity.NO_SEA_TEMPERATURE)
    assert mask.fog[:, :8].mean() > 0.6
    assert mask.fog[:, 12:].mean() < 0.05


def test_a_sea_temperature_that_does_not_fit_is_corrected_and_said_to_be_doubtful(tmp_path: Path) -> None:
    values = fields(NIGHT)
    values["SST"] = values["SST"] + 3
    mask = detect(cube_of(tmp_path, values, NIGHT), 0)
    assert ((mask.validity & Validity.SEA_DOUBTFUL) > 0).mean() > 0.9
    assert mask.fog[:, :8].mean() > 0.7


@pytest.mark.parametrize("gone", ["BT1230", "R0160"])
def test_a_missing_band_is_said_and_the_rest_still_judges(tmp_path: Path, gone: str) -> None:
    values = fields(DAY)
    del values[gone]
    mask = detect(cube_of(tmp_path, values), 0)
    assert has(mask, Validity.FEWER_BANDS)
    assert f"{gone} is missing" in mask.notes
    assert mask.fog[:, :8].mean() > 0.7
    assert mask.fog[:, 12:].mean() < 0.05


def test_by_day_without_near_infrared_the_visible_and_the_window_judge(tmp_path: Path) -> None:
    values = fields(DAY)
    del values["BT0390"]
    mask = detect(cube_of(tmp_path, values), 0)
    assert "BT0390 is missing" in mask.notes
    assert has(mask, Validity.FEWER_BANDS)
    assert mask.fog[:, 12:].mean() < 0.05


def test_visible_light_alone_is_judged_by_day_and_refused_by_night(tmp_path: Path) -> None:
    kept = ("R0064", "R0160")
    mask = detect(cube_of(tmp_path, {name: values for name, values in fields(DAY).items() if name in kept}), 0)
    assert has(mask, Validity.VISIBLE_ONLY)
    assert np.nanmax(mask.probability) <= 0.76  # low cloud can't be told from higher cloud
    assert mask.fog[:, 12:].mean() < 0.01
    (tmp_path / "n").mkdir()
    with pytest.raises(CubeInvalid, match="BT1120"):
        detect(cube_of(tmp_path / "n", {name: values for name, values in fields(NIGHT).items() if name in kept}, NIGHT), 0)


def test_grey_levels_are_a_hint_from_brightness_and_texture_and_say_so(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    levels = np.where(np.arange(40) < 15, 190.0, 40.0) + rng.normal(0, 1.5, (40, 40))
    levels[:, 30:] = 120 + rng.normal(0, 60, (40, 10))
    lat, lon = np.linspace(40, 39, 40), np.linspace(0, 1, 40)
    attrs = {"time_known": 0, "place_known": 0}
    stacked = {"G0064": levels[None]}
    cube = Cube.open(write_cube(tmp_path / "g.zarr", stacked, [DAY], lat, lon, attrs=attrs, units={"G0064": "1"}))
    mask = detect(cube, 0)
    assert has(mask, Validity.TEXTURE_ONLY)
    assert has(mask, Validity.LIGHT_UNKNOWN)
    assert np.nanmax(mask.probability) <= 0.6
    assert mask.fog[:, :12].mean() > 0.9
    assert mask.fog[:, 17:].mean() < 0.2
    assert "no physics" in mask.method


def test_where_the_time_is_not_known_heat_is_not_judged(tmp_path: Path) -> None:
    """By day and by night 3.9 µm means opposite things."""
    values = fields(NIGHT)
    kept = {name: values[name] for name in ("BT0390", "BT1120", "SST")}
    with pytest.raises(CubeInvalid, match="day and night can't be told apart"):
        detect(cube_of(tmp_path, kept, NIGHT, attrs={"time_known": 0}), 0)


def test_per_cent_in_kelvins_place_and_the_reverse_are_caught(tmp_path: Path) -> None:
    for number, (name, wrong) in enumerate({"BT0390": 40.0, "R0064": 285.0, "SST": 14.0}.items()):
        values = fields(DAY)
        values[name] = np.full((20, 20), wrong)
        folder = tmp_path / str(number)
        folder.mkdir()
        with pytest.raises(CubeInvalid, match=name):
            detect(cube_of(folder, values), 0)


def test_times_out_of_order_or_doubled_are_refused(tmp_path: Path) -> None:
    values = {name: np.stack([field, field]) for name, field in fields(DAY).items()}
    for number, times in enumerate(([DAY, DAY], [DAY, DAY - timedelta(hours=1)])):
        with pytest.raises(CubeInvalid, match="not in order"):
            Cube.open(write_cube(tmp_path / f"{number}.zarr", values, times, LAT, LON))


def test_a_cube_across_the_antimeridian_is_judged_as_any_other(tmp_path: Path) -> None:
    """The same sky 180° further east, twelve hours earlier, under a satellite that moved along."""
    here = detect(cube_of(tmp_path, fields(NIGHT), NIGHT), 0)
    (tmp_path / "a").mkdir()
    there = cube_of(tmp_path / "a", fields(NIGHT), NIGHT - timedelta(hours=12), attrs={"sub_satellite_lon": 155.0}, lon=LON + 180)
    assert there.bounds.west > there.bounds.east
    mask = detect(there, 0)
    assert (mask.state == here.state).mean() > 0.97


def test_beyond_65_degrees_the_view_is_flagged(tmp_path: Path) -> None:
    mask = detect(cube_of(tmp_path, fields(NIGHT), NIGHT, attrs={"sub_satellite_lon": 65.0}), 0)
    assert has(mask, Validity.SLANT)


def test_sand_seen_by_night_without_a_land_mask_is_no_fog(tmp_path: Path) -> None:
    """Quartz emits little at 3.9 µm (−4 K), as fog does, but also at 8.6 µm (−6 K), as fog does not."""
    values = fields(NIGHT, foggy=False)
    window = np.full((20, 20), 288.0)
    values |= {"BT1120": window, "BT0390": window - 4, "BT1230": window + 0.5, "BT0860": window - 6.5}
    del values["SST"]
    assert detect(cube_of(tmp_path, values, NIGHT), 0).fog.mean() < 0.01


def test_one_cell_is_a_frame(tmp_path: Path) -> None:
    values = {name: field[:1, :1] for name, field in fields(NIGHT).items()}
    mask = detect(cube_of(tmp_path, values, NIGHT, lat=LAT[:1], lon=LON[:1]), 0)
    assert mask.state.shape == (1, 1)
    assert mask.state[0, 0] in (State.FOG, State.CLEAR)


def test_reasons_say_what_speaks_for_and_against(tmp_path: Path) -> None:
    from engine.fog.mask import Check

    mask = detect(cube_of(tmp_path, fields(DAY)), 0)
    assert mask.reasons is not None
    words = Check.all_words(int(mask.reasons[10, 3]))
    assert "bright in visible light" in words
    against = Check.all_words(int(mask.reasons[10, 17]))
    assert "dark in visible light" in against
    both = mask.reasons & (mask.reasons >> np.uint32(16)) & np.uint32(0xFFFF)
    assert not both.any()  # nothing is passed and failed at once
