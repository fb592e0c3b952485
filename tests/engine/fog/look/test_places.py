from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.errors import PointInvalid, PointOutside, RecipeInvalid
from engine.fog import sea_regions
from engine.fog.look import Place, PlaceSpells, place_spells, ports
from engine.fog.look.places import sea_cell, spells
from engine.fog.mask import State
from engine.fog.moments import Moment, moments
from engine.types import Bounds
from tests.engine.fog.seas import NIGHT, mask_of, open_sea

HALF = timedelta(minutes=30)
CODES = {"F": "fog", "c": "clear", "o": "obscured", "n": "no data", "-": "gap"}


def told(text: str, forecast: str = "") -> list[PlaceSpells]:
    """Spells of a place that was seen like this, one letter a half hour."""
    seen = []
    for step, letter in enumerate(text + forecast):
        late = step >= len(text)
        moment = Moment(NIGHT + step * HALF, None if late or letter == "-" else step, "night", int(letter == "-"), 30 if late else None)
        seen.append((moment, CODES[letter], 0.8 if letter == "F" else None))
    return [PlaceSpells(Place("Here", 0, 0), (0, 0), 0, tuple(spells(seen, HALF)))]


def fog_of(text: str, forecast: str = "") -> Sequence[str]:
    return [spell.words.replace("2021-09-14 ", "") for spell in told(text, forecast)[0].fog]


def test_every_region_has_two_ports_within_its_box() -> None:
    for region in sea_regions().values():
        known = ports(region.id)
        assert len(known) >= 2, region.id
        box = region.bounds
        assert all(box.west < port.lon < box.east and box.south < port.lat < box.north for port in known), region.id
        assert len({port.name for port in known}) == len(known)
    assert ports("XX") == ()


def test_a_spell_runs_from_the_first_to_the_last_foggy_frame() -> None:
    assert fog_of("ccFFFFc") == ["in fog or very low stratus from 02:00 to 03:30 UTC"]
    assert fog_of("cFc") == ["in fog or very low stratus at 01:30 UTC"]


def test_what_is_open_at_an_end_says_at_least() -> None:
    assert fog_of("FFc") == ["in fog or very low stratus at least from 01:00 to 01:30 UTC"]
    assert fog_of("cFF") == ["in fog or very low stratus from 01:30 at least to 02:00 UTC"]
    assert fog_of("oFFo") == ["in fog or very low stratus at least from 01:30 at least to 02:00 UTC"]


def test_a_gap_and_higher_cloud_end_a_spell() -> None:
    assert len(fog_of("cFF-FFc")) == 2
    assert len(fog_of("cFFoFFc")) == 2
    gap = told("cF--Fc")[0].spells[2]
    assert (gap.state, gap.frames, gap.end - gap.start) == ("gap", 2, HALF)


def test_a_forecast_is_a_spell_of_its_own_with_its_probability() -> None:
    assert fog_of("ccF", "FFc") == [
        "in fog or very low stratus at 02:00 UTC",
        "forecast: in fog or very low stratus from 02:30 to 03:00 UTC (0.80)",
    ]


def test_spells_over_midnight_name_both_days() -> None:
    words = told("c" * 40 + "F" * 10 + "c")[0].fog[0].words
    assert words == "in fog or very low stratus from 2021-09-14 21:00 to 2021-09-15 01:30 UTC"


def test_without_fog_it_says_what_was_seen() -> None:
    assert told("ccc")[0].words == "no fog seen"
    assert told("ccooc")[0].words == "no fog seen; hidden by higher cloud in 2 of 5 frames"
    assert told("oooc")[0].words == "no fog seen; mostly obscured by higher cloud"


def test_the_spell_of_a_time_is_found() -> None:
    place = told("ccFFc")[0]
    found = place.at(NIGHT + 3 * HALF)
    assert found is not None
    assert found.state == "fog"
    assert place.at(NIGHT + timedelta(days=2)) is None


def test_places_are_followed_through_masks(tmp_path: Path) -> None:
    cube = open_sea(tmp_path / "a.zarr", [NIGHT + step * HALF for step in range(4)], shape=(12, 12))
    state = np.zeros((4, 12, 12), np.uint8)
    state[1:3, 2, 3] = State.FOG
    places = [Place("Foggy", 7.5, -16.5), Place("Clear", 12.2, -20.1), Place("Elsewhere", 50, 50)]
    foggy, clear, lost = place_spells(cube, moments(cube), lambda moment: mask_of(state[moment.index or 0]), places)
    assert [(spell.state, spell.frames) for spell in foggy.spells] == [("clear", 1), ("fog", 2), ("clear", 1)]
    assert [spell.state for spell in clear.spells] == ["clear"]
    assert not lost.spells
    assert "outside" in lost.words


def test_a_port_on_land_takes_the_nearest_sea(tmp_path: Path) -> None:
    shape, box = (100, 100), Bounds(14, -23.25, 15.25, -22)
    land = np.zeros(shape, bool)
    land[:, 35:] = True
    cube = open_sea(tmp_path / "a.zarr", shape=shape, box=box, land=land)
    row, column, km = sea_cell(cube, Place("Walvis Bay", 14.49, -22.94))
    assert column == 34
    assert row == int((-22 + 22.94) / 0.0125)
    assert km == pytest.approx((39 - 34) * 0.0125 * 111.2 * np.cos(np.deg2rad(22.94)), rel=0.01)
    with pytest.raises(PointOutside, match="12 km"):
        sea_cell(cube, Place("Inland", 15.2, -22.5))


@pytest.mark.parametrize("text", ["Walvis Bay,14.49,-22.94", "14.49,-22.94", "Walvis Bay, the port,14.49,-22.94", "x,374.49,-22.94"])
def test_points_are_read(text: str) -> None:
    place = Place.from_text(text)
    assert (place.lon, place.lat) == (pytest.approx(14.49), -22.94)
    assert place.name


@pytest.mark.parametrize("text", ["", "here", "a,b,c", "x,1,91", "x,nan,2", "x,1e9,2", ",,"])
def test_what_is_no_point_is_refused(text: str) -> None:
    with pytest.raises(PointInvalid, match="NAME,LON,LAT"):
        Place.from_text(text)


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ports.yaml").write_text("NS: {Dover: [1]}")
    with pytest.raises(RecipeInvalid, match="no table of ports"):
        ports("NS", tmp_path / "ports.yaml")
