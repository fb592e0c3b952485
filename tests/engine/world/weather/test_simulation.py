from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from engine.errors import WeatherInvalid
from engine.fog import Cube, SeaRegion, sea_regions
from engine.fog.command import fog_cli
from engine.fog.labels import Label
from engine.types import Bounds
from engine.world.coastline import LAND
from engine.world.weather import DEMO, HELD_OUT, REGIMES, TRAINING, Simulation, simulate

START = datetime(2022, 5, 3, 1, tzinfo=UTC)
Simulate = Callable[..., Simulation]


@pytest.fixture(scope="module")
def coast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An island of 3° × 4° in the north-west of every box of the sea regions: a lattice of rectangles."""
    arcs, polygons = [], []
    for box in [*(region.bounds for region in sea_regions().values()), Bounds(174, 50, 180, 63), Bounds(-179, 50, -170, 63)]:
        west, north = round(box.west * 10) + 10, round(box.north * 10) - 10
        arcs.append([[west, north], [30, 0], [0, -40], [-30, 0], [0, 40]])
        polygons.append([[len(arcs) - 1]])
    topology = {
        "transform": {"scale": [0.1, 0.1], "translate": [0, 0]},
        "arcs": arcs,
        "objects": {"land": {"type": "MultiPolygon", "arcs": polygons}},
    }
    path = tmp_path_factory.mktemp("coast") / "land.json"
    path.write_text(json.dumps(topology), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def make(coast: Path) -> Simulate:
    def made(region: SeaRegion | str = "YB", seed: int = 3, **more: object) -> Simulation:
        return simulate(region, seed, **{"size": 32, "frames": 6, "start": START, "coastline": coast} | more)  # type: ignore[arg-type]

    return made


FOGGY = TRAINING.at_rate((0.02, 0.40), foggy=1.0)


@pytest.mark.parametrize("region", sorted(sea_regions()))
def test_every_region_is_seen_by_its_satellite(make: Simulate, region: str) -> None:
    series = make(region, regime=FOGGY, frames=2)
    frame = series.frame(0)
    assert series.grid.bounds == sea_regions()[region].bounds
    assert 0 < series.place.land.mean() < 0.5
    assert series.provenance.satellite_longitude is not None
    assert series.imager.slant.max() < 4
    for name, values in frame.fields.items():
        known = ~series.place.land if name == "SST" else np.ones_like(series.place.land)
        assert np.isfinite(values[known]).all() or name.startswith("R")
    assert frame.label is not None
    assert (frame.label[series.place.land] == Label.UNLABELLED).all()
    assert (frame.label[series.place.sea] != Label.UNLABELLED).all()


def test_a_region_across_the_antimeridian_has_land_on_both_sides(make: Simulate) -> None:
    bering = SeaRegion("BS", "Bering", Bounds(174, 49, -171, 64), ("Himawari",), "")
    series = make(bering, frames=1)
    assert series.grid.lon[0] > 174
    assert series.grid.lon[-1] > 180
    columns = series.place.land.any(axis=0)
    assert columns[series.grid.lon < 180].any()
    assert columns[series.grid.lon > 180].any()
    assert np.isfinite(series.frame(0).fields["BT1120"]).all()


def test_base_rates_lie_within_2_to_40_per_cent_and_half_of_the_series_have_no_fog(make: Simulate) -> None:
    rates = np.array([make("YB" if seed % 2 else "GA", seed, size=24, frames=8, start=None).fog_rate() for seed in range(60)])
    foggy = rates[rates > 0]
    assert (rates == 0).mean() >= 0.5
    assert foggy.size > 12
    assert foggy.min() > 0.018
    assert foggy.max() < 0.41
    assert foggy.max() > 3 * foggy.min()


@pytest.mark.parametrize("rate", [0.02, 0.12, 0.40])
def test_the_base_rate_is_the_one_that_was_asked_for(make: Simulate, rate: float) -> None:
    series = make(regime=TRAINING.at_rate(rate, foggy=1.0), size=48, frames=24)
    assert series.fog_rate() == pytest.approx(rate, rel=0.2)


def test_the_same_seed_gives_the_same_pixels_in_any_order(make: Simulate) -> None:
    first, second = make(regime=FOGGY), make(regime=FOGGY, elements=("BT0390", "SST"))
    late = second.frame(5)
    for index in (0, 5):
        one, other = first.frame(index), second.frame(index) if index == 0 else late
        assert np.array_equal(one.fields["BT0390"], other.fields["BT0390"])
        assert np.array_equal(np.asarray(one.label), np.asarray(other.label))
    assert not np.array_equal(first.frame(0).fields["BT0390"], make(seed=4, regime=FOGGY).frame(0).fields["BT0390"])


def test_labels_follow_from_the_layers(make: Simulate) -> None:
    """Fog: extinction 3.912/km by Koschmieder; hidden: a fifth of the 11 µm light taken away above it."""
    regime = replace(FOGGY, name="mixed", deck=1, cirrus=1, empty=0, deck_low=1.0)
    series = make(regime=regime.at_rate(0.3, 1.0), size=48)
    sky, label = series.sky(2), np.asarray(series.frame(2).label)
    sea = series.place.sea
    fog = (label == Label.FOG) | (label == Label.FOG_BELOW_CLOUD)
    scenario = series.scenario
    # depth = extinction × thickness, and the thickness is at least half of the full one
    extinction = sky.fog.depth / (scenario.fog_depth / 1000)
    assert extinction[sea & fog].min() >= 3.912 / 2
    assert extinction[sea & ~fog].max() < 3.912
    assert sky.deck is not None
    assert sky.cirrus is not None
    passed = np.exp(-0.62 * sky.deck.depth) * np.exp(-0.5 * sky.cirrus.depth)
    passed = passed if sky.mid is None else passed * np.exp(-0.62 * sky.mid.depth)
    assert (passed[label == Label.FOG] > 0.8).all()
    assert (passed[label == Label.FOG_BELOW_CLOUD] <= 0.8).all()
    assert (label == Label.LOW_STRATUS).any()
    assert (np.exp(-0.62 * sky.deck.depth)[label == Label.LOW_STRATUS] < 0.8).all()


def test_fog_and_deck_overlap_in_what_is_seen_and_not_in_height() -> None:
    """Low stratus and cool fog share 11 µm − SST, so that no threshold separates them."""
    low_top = -6.3 * TRAINING.deck_low_top[0] / 1000
    assert TRAINING.fog_top[0] < low_top < TRAINING.fog_top[1]
    assert TRAINING.fog_radius[1] > TRAINING.deck_radius[0]


def test_neighbouring_frames_are_alike_through_sunrise(make: Simulate) -> None:
    """The truth moves by a few cells; the infrared does not jump with the sun; visible light comes when the sun is 2° up."""
    series = make("YB", regime=replace(FOGGY, name="x", cirrus=0, mid=0), start=datetime(2022, 5, 3, 18, tzinfo=UTC), frames=16, size=48)
    frames = [series.frame(index) for index in range(16)]
    zenith = [float(np.rad2deg(np.arccos(series.sky(index).cos_sza)).mean()) for index in range(16)]
    assert zenith[0] > 100
    assert zenith[-1] < 65
    sea = series.place.sea
    areas = np.array([(np.asarray(frame.label) == Label.FOG)[sea].mean() for frame in frames])
    assert np.abs(np.diff(areas)).max() < 0.06
    window = np.stack([frame.fields["BT1120"][sea] for frame in frames])
    assert np.abs(np.diff(window, axis=0)).mean(axis=1).max() < 1.0
    for frame, angle in zip(frames, zenith, strict=True):
        seen = np.isfinite(frame.fields["R0064"]).mean()
        assert seen == 0 if angle > 94 else seen == 1 if angle < 82 else True


def test_clouds_move_with_their_winds(make: Simulate) -> None:
    """Half an hour carries ice cloud some 20 to 50 cells of 2 km, fog 2 to 7: each field correlates best where its wind says."""
    regime = replace(FOGGY, name="wind", cirrus=1.0, empty=0, cirrus_depth=(4, 4))
    series = make(regime=regime, size=96, frames=2)
    weather = series.weather
    assert weather.cirrus is not None
    before, after = weather.cirrus.cover.at(0.0), weather.cirrus.cover.at(0.5)
    spectrum = np.fft.fft2(after) * np.conj(np.fft.fft2(before))
    shift = np.unravel_index(int(np.fft.ifft2(spectrum).real.argmax()), before.shape)
    rows, columns = ((at + 48) % 96 - 48 for at in shift)
    down, across = series.place.cell_km
    east, north = series.scenario.cirrus_wind
    assert columns * across == pytest.approx(east * 1.8, abs=across)
    assert -rows * down == pytest.approx(north * 1.8, abs=down)


def test_the_product_of_sea_temperature_is_wrong_most_at_fronts(make: Simulate) -> None:
    series = make(regime=replace(FOGGY, name="front", front=(5.5, 5.5), sst_bias=(0.5, 0.5)), size=96)
    sea, place = series.sea, series.place
    wrong = (sea.product - sea.sst)[place.sea]
    assert np.mean(wrong) == pytest.approx(0.5, abs=0.2)
    assert 0.2 < np.std(wrong) < 1.5
    assert np.isnan(sea.product[place.land]).all()


def test_a_window_has_the_grids_own_cells_and_holds_sea(make: Simulate) -> None:
    for seed in range(6):
        series = make("ME", seed, size=40, step=0.05, frames=1)
        assert series.grid.step == pytest.approx((0.05, 0.05))
        box, outer = series.grid.bounds, sea_regions()["ME"].bounds
        assert outer.west <= box.west < box.east <= outer.east
        assert outer.south <= box.south < box.north <= outer.north
        assert series.place.sea.mean() > 0.2


def test_a_cube_in_memory_and_one_on_disk_are_the_same_and_say_synthetic(make: Simulate, tmp_path: Path) -> None:
    series = make("NS", regime=FOGGY, frames=3)
    memory, path = series.cube(), series.write(tmp_path)
    assert path.name == "SYNTHETIC_fog_NS_3.zarr"
    disk = Cube.open(path)
    for cube in (memory, disk):
        assert cube.synthetic
        assert "SYNTHETIC" in cube.title
        assert cube.times == series.times
        assert set(cube.elements) == set(series.elements)
        assert cube.wavelength("BT1120") == pytest.approx(10.8)
        assert np.array_equal(np.asarray(cube.label(1)), np.asarray(series.frame(1).label))
    for name in disk.elements:
        assert np.allclose(disk.element(name, 2), memory.element(name, 2), atol=0.0051, equal_nan=True)
    assert "SYNTHETIC" in disk.provenance.notes[0]
    with pytest.raises(WeatherInvalid, match="made up"):
        series.write(tmp_path, name="real")


def test_held_out_regimes_leave_the_training_ranges() -> None:
    assert set(HELD_OUT) == {"thin", "cool", "moist", "murky"}
    assert set(REGIMES) == {"training", "demo", *HELD_OUT}
    for regime in HELD_OUT.values():
        assert regime.fog_rate == TRAINING.fog_rate
        assert regime.foggy == TRAINING.foggy
        assert regime != replace(TRAINING, name=regime.name)
    assert DEMO.foggy == 1
    assert TRAINING.at_rate(0.02).fog_rate == (0.02, 0.02)


@pytest.mark.parametrize("sensor", ["ABI", "AHI", "AGRI", "AGRI-B", "SEVIRI", "FCI"])
def test_every_sensor_has_its_own_bands(make: Simulate, sensor: str) -> None:
    series = make("MW", sensor=sensor, size=8, frames=1, start=None, elements=("R0225", "BT0390", "BT1120"))
    assert ("R0225" in series.elements) == (sensor != "SEVIRI")
    assert series.provenance.instrument == sensor


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"region": "QQ"}, "no sea region"),
        ({"sensor": "EYE"}, "no imager"),
        ({"size": 0}, "1 to"),
        ({"frames": 0}, "1 to"),
        ({"seed": -1}, "seed from 0"),
        ({"elements": ("R0137",)}, "has none of"),
        ({"step": 1.0}, "larger than the region"),
        ({"start": datetime(2022, 5, 3)}, "time zone"),
        ({"start": datetime(1990, 5, 3, tzinfo=UTC)}, "no satellite"),
    ],
)
def test_bad_input_is_an_error_in_words(make: Simulate, more: dict[str, object], words: str) -> None:
    with pytest.raises(WeatherInvalid, match=words):
        make(**more)


def test_fog_is_smooth_and_a_deck_is_cellular(make: Simulate) -> None:
    """fog.md §1.5: local deviation of 11 µm 0.1 to 0.4 K in fog and 0.4 to 1.5 K in stratocumulus, at cells of 2 km."""
    from scipy.ndimage import binary_erosion, uniform_filter

    regime = replace(FOGGY, name="texture", deck=1, empty=0, cirrus=0, mid=0, deck_low=0, deck_broken=(0.9, 0.9), deck_cover=(0.4, 0.4))
    series = make("CC", 5, regime=regime.at_rate(0.35, 1.0), size=96, step=0.02, frames=1)
    window, sky = series.frame(0).fields["BT1120"], series.sky(0)
    deviation = np.sqrt(np.maximum(uniform_filter(window.astype(float) ** 2, 5) - uniform_filter(window.astype(float), 5) ** 2, 0))
    assert sky.deck is not None
    inside = binary_erosion(sky.fog.depth > 3, iterations=3) & (uniform_filter(sky.deck.depth, 7) == 0)
    cells = binary_erosion(uniform_filter(sky.deck.depth, 9) > 3, iterations=4) & (uniform_filter(sky.fog.depth, 9) == 0)
    assert inside.sum() > 100
    assert cells.sum() > 100
    assert np.median(deviation[inside]) < 0.4
    assert np.median(deviation[cells]) > 1.5 * np.median(deviation[inside])


def test_a_grid_finer_than_the_sensor_is_oversampled_and_not_sharper(make: Simulate) -> None:
    """AGRI's infrared pixels of 4 km lie on three cells of 0.0125°: neighbours share noise and edges."""
    sharp, soft = (
        make("CE", 2, size=64, step=0.0125, frames=1, sensor=sensor, regime=FOGGY).frame(0).fields["BT1230"] for sensor in ("ABI", "AGRI")
    )

    def alike(field: NDArray[np.float32]) -> float:
        rough = field - (np.roll(field, 2, 1) + np.roll(field, -2, 1)) / 2
        return float(np.corrcoef(rough[:, 4:-5].ravel(), rough[:, 5:-4].ravel())[0, 1])

    assert alike(soft) > alike(sharp) + 0.1


def test_a_full_series_is_made_in_20_seconds(coast: Path) -> None:
    """48 frames of 512 × 512 in processor time, which a busy machine does not stretch, from 4 of them."""
    begun = time.process_time()
    series = simulate("CC", 5, regime=replace(FOGGY, name="x", deck=1, mid=1, cirrus=1, empty=0), start=START, coastline=coast)
    for index in range(0, 48, 12):
        series.frame(index)
    assert (time.process_time() - begun) * 12 < 20


@pytest.mark.skipif(not LAND.is_file(), reason="vendor/world-atlas is fetched at set-up")
def test_the_command_line_writes_a_marked_cube_and_refuses_in_words(tmp_path: Path) -> None:
    run = ["simulate", str(tmp_path), "--region", "NS", "--seed", "4", "--frames", "2", "--size", "16", "--rate", "0.2"]
    done = CliRunner().invoke(fog_cli, [*run, "--json"])
    assert done.exit_code == 0
    record = json.loads(done.stdout)
    assert record["synthetic"] is True
    assert record["fog_rate"] == pytest.approx(0.2)
    cube = Cube.open(record["cube"])
    assert cube.name == "SYNTHETIC_fog_NS_4"
    assert cube.shape == (16, 16)
    assert CliRunner().invoke(fog_cli, [*run, "--regime", "wild"]).exit_code != 0


def test_one_cell_and_one_frame_work(make: Simulate) -> None:
    frame = make(size=1, frames=1, regime=FOGGY).frame(0)
    assert frame.fields["BT1120"].shape == (1, 1)
    assert START + timedelta(0) == make(size=1, frames=1).times[0]
