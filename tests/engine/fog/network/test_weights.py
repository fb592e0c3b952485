"""The weights that ship: what they are, where they are not asked, and how they do on SYNTHETIC weather and on the one real scene."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from engine.fog import Cube
from engine.fog.detection import detect, detector
from engine.fog.mask import State, Validity
from engine.fog.network.features import Sight
from engine.fog.network.recipe import FogRecipe
from engine.fog.network.session import MODEL, Session
from engine.fog.scores.pairs import Pair, Said, Truth
from engine.fog.scores.scorecard import scorecard
from engine.fog.sun import solar_zenith
from engine.settings import ASSETS
from engine.world.coastline import LAND
from engine.world.weather import HELD_OUT, simulate

from .. import skies
from ..seviri import germany

HELD = (
    ("thin", "ME", "SEVIRI"), ("cool", "GA", "ABI"), ("moist", "CE", "AHI"),
    ("murky", "AG", "FCI"), ("thin", "GM", "ABI"), ("murky", "CE", "AGRI"),
)  # fmt: skip
needs_coast = pytest.mark.skipif(not LAND.is_file(), reason="the coastline comes with the front-end libraries: make setup")


def test_they_are_small_and_come_from_the_recipe() -> None:
    session = Session()
    assert MODEL.stat().st_size < 3_000_000
    assert session.record["recipe"] == "fog-network"
    assert session.record["fingerprint"] == FogRecipe.read(ASSETS / "recipes" / "fog-network.yaml").fingerprint
    assert "simulated" in session.record["synthetic"]


@pytest.mark.shared_data
def test_the_real_scene_over_land_is_left_to_physics(shared_data: Path, tmp_path: Path) -> None:
    """A network taught by simulations alone once flagged 97 % of its clear pixels."""
    scene = germany(shared_data, tmp_path)
    mask = detect(scene.cube, 0, "network")
    np.testing.assert_array_equal(mask.state, detect(scene.cube, 0, "physics").state)
    assert "not asked" in mask.method


@pytest.mark.shared_data
@pytest.mark.parametrize("surface", [270.0, 273.0, 276.0, 280.0])
def test_the_gate_knows_the_real_scene_for_strange_by_what_is_seen(shared_data: Path, tmp_path: Path, surface: float) -> None:
    """Whatever is guessed for the temperature of the ground: not only because the file lacks it, and what land is."""
    scene = germany(shared_data, tmp_path)
    sight = Sight.of(scene.cube, 0)
    for bands in (sight.bands, {**sight.bands, "SST": np.full(sight.shape, surface, np.float32)}):
        strange, share = Session().gate.strange(replace(sight, bands=bands).features(), sight.land)
        assert share > 0.5
        assert strange[scene.clear].mean() > 0.9


def test_clear_sea_is_almost_never_flagged_whatever_the_sun_does(tmp_path: Path) -> None:
    """From the table of typical signatures, not from the simulator."""
    lat, lon = np.linspace(44.9, 44.1, 64), np.linspace(-0.4, 0.4, 64)
    times = [datetime(2021, 6, 21, hour, minute, tzinfo=UTC) for hour in range(3, 13, 1) for minute in (0, 30)]
    zenith = np.stack([solar_zenith(when, lat[:, None], lon[None, :]) for when in times])
    fields = skies.clear_sea(zenith, np.random.default_rng(1))
    path = skies.write_cube(tmp_path / "sea.zarr", {**fields, "land": np.zeros(zenith.shape[1:], np.int8)}, times, lat, lon)
    cube = Cube.open(path)
    for index in range(len(times)):
        assert (detect(cube, index, "network").state == State.FOG).mean() < 0.01


@needs_coast
def test_held_out_weather_in_held_out_regions_is_told() -> None:
    """A few windows of each held-out regime; the model's card has the whole table."""
    how = FogRecipe.read(ASSETS / "recipes" / "fog-network.yaml").windows
    network, pairs, unusual = detector("network"), [], []
    for number, (name, region, sensor) in enumerate(HELD):
        assert region not in how.regions
        weather = HELD_OUT[name].at_rate((0.1, 0.3), foggy=1.0)
        cube = simulate(region, 400_000 + number, size=96, step=0.0125, sensor=sensor, regime=weather, frames=5).cube()
        for index in (0, 4):
            mask = network.detect(cube, index)
            truth = cube.label(index)
            assert truth is not None
            zenith = solar_zenith(cube.times[index], cube.lat[:, None], cube.lon[None, :])
            pairs.append(Pair(Said.of(mask), Truth(truth), zenith, cube.times[index], region, name))
            unusual.append(float(((mask.validity & Validity.UNUSUAL) > 0).mean()))
    total = scorecard(pairs, windows=(1,)).total
    assert total.csi is not None
    assert total.csi > 0.5
    assert np.mean(unusual) < 0.2
