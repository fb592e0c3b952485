"""Synthetic pairs: what is said of a window is true by the island's own truth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import RecipeInvalid
from engine.geometry import Window
from engine.learning import islands
from engine.learning.islands import IslandSource, Windows, _spots, cut
from engine.learning.metadata import Metadata
from engine.learning.recipe import Islands, Recipe
from engine.learning.sensors import S1, S2
from engine.settings import ASSETS
from engine.types import Bounds
from engine.world.classes import LandCover
from engine.world.island import Island

PHRASES = ASSETS / "recipes" / "island-phrases.yaml"
SIDE = 96


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Windows:
    """Four windows: forest, a lake in a forest, a trace of a lake in a forest, nothing that has a name."""
    shares = np.zeros((4, 256), dtype=np.float32)
    shares[:3, LandCover.FOREST] = 1.0, 0.6, 0.9
    shares[1:3, LandCover.LAKE] = 0.4, 0.1
    shares[3, LandCover.NO_DATA] = 1.0
    windows = Windows(np.full((4, 3, 16, 16), 100, dtype=np.uint8), shares, tuple(Metadata(gsd_m=float(gsd)) for gsd in (10, 20, 30, 40)))
    monkeypatch.setattr(islands, "cut", lambda how, seeds, seed, progress: windows)
    return windows


def test_words_are_true_of_their_windows(made: Windows, tmp_path: Path) -> None:
    source = IslandSource.read(Islands(kind="island", seeds=(100,), phrases=PHRASES), 1, tmp_path)
    assert len(source) == 3  # nothing can be said of the last
    lake, forest = source.phrases.classes.index("lake"), source.phrases.classes.index("forest")
    assert source.present[:, lake].tolist() == [False, True, False]
    assert source.traces[:, lake].tolist() == [False, False, True]
    assert source.present[:, forest].all()
    random = np.random.default_rng(0)
    for _ in range(50):
        draw = source.draw(np.array([0, 1, 2]), random)
        assert draw.pictures.shape == (3, 3, 16, 16)
        for place, text in enumerate(draw.texts):
            assert (text.holds & source.present[place]).any()


def test_half_a_window_of_lake_is_a_lake(made: Windows, tmp_path: Path) -> None:
    """A lake is said to be there from a quarter, a forest from a third; twice as much is all that counts."""
    source = IslandSource.read(Islands(kind="island", seeds=(100,), phrases=PHRASES), 1, tmp_path)
    draw = source.draw(np.array([1, 2, 0]), np.random.default_rng(0))
    assert draw.amounts is not None
    lake, forest = source.phrases.classes.index("lake"), source.phrases.classes.index("forest")
    np.testing.assert_allclose(draw.amounts[:, lake], [0.8, 0.2, 0], rtol=1e-6)
    np.testing.assert_allclose(draw.amounts[:, forest], [0.9, 1, 1], rtol=1e-6)
    assert draw.amounts.sum() == pytest.approx(3.9)


def test_each_window_keeps_its_record(made: Windows, tmp_path: Path) -> None:
    source = IslandSource.read(Islands(kind="island", seeds=(100,), phrases=PHRASES), 1, tmp_path)
    draw = source.draw(np.array([2, 0]), np.random.default_rng(0))
    assert draw.metadata == (Metadata(gsd_m=30.0), Metadata(gsd_m=10.0))
    assert draw.sensor == "rgb"


def test_captions_list_all_that_is_there(made: Windows, tmp_path: Path) -> None:
    """The same windows have the same caption, which holds for no class as a whole."""
    source = IslandSource.read(Islands(kind="island", seeds=(100,), phrases=PHRASES, captions=1.0), 1, tmp_path)
    texts = source.draw(np.array([0, 1, 2]), np.random.default_rng(0)).texts
    assert [text.words for text in texts] == ["a forest", "a forest. a lake", "a forest"]
    assert not any(text.holds.any() for text in texts)
    words = {text.words for _ in range(40) for text in _with_captions(source, 0.5).draw(np.array([1]), np.random.default_rng(_)).texts}
    assert "a forest. a lake" in words
    assert len(words) > 5


def _with_captions(source: IslandSource, share: float) -> IslandSource:
    from dataclasses import replace

    return replace(source, captions=share)


def test_windows_are_cut_once(made: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Islands(kind="island", seeds=(100,), phrases=PHRASES)
    first = IslandSource.read(recipe, 1, tmp_path)
    assert "synthetic" in next(tmp_path.glob("*.npz")).name
    monkeypatch.setattr(islands, "cut", None)
    again = IslandSource.read(recipe, 1, tmp_path)
    assert np.array_equal(again.present, first.present)
    assert again.metadata == first.metadata
    other = recipe.model_copy(update={"areas": ((1.0, 0.5, 1.0),), "captions": 0.5, "weight": 0.5})  # nothing of it is in the windows
    assert len(IslandSource.read(other, 1, tmp_path)) == len(first)
    with pytest.raises(TypeError):
        IslandSource.read(recipe.model_copy(update={"sensor": "s2"}), 1, tmp_path)


def test_held_out_islands_are_apart(made: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, ...]] = []
    monkeypatch.setattr(islands, "cut", lambda how, seeds, seed, progress: (asked.append(tuple(seeds)), made)[1])
    source = IslandSource.read(Islands(kind="island", seeds=(100, 101), held_out=(80,), phrases=PHRASES), 1, tmp_path)
    assert sorted(asked) == [(80,), (100, 101)]
    assert source.held_out is not None
    assert len(source.held_out) == 3
    assert source.held_out.held_out is None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"held_out": [5, 100]}, "island 100 is learned from and held out"),
        ({"scales": [1, 2, 4], "windows": 2}, "2 windows can't be shared"),
        ({"scales": [16], "window": 100}, "larger than an island"),
        ({"sensor": "s3"}, "sensor"),
        ({"scales": []}, "scales"),
    ],
)
def test_what_no_island_has_is_refused(wrong: dict[str, Any], says: str, tmp_path: Path) -> None:
    import yaml

    content = {
        "name": "x",
        "model": "m.json",
        "seed": 1,
        "epochs": 1,
        "sizes": {0: 32},
        "objectives": [{"kind": "infonce"}],
        "data": [{"kind": "island", "seeds": [100], "phrases": str(PHRASES), **wrong}],
    }
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(RecipeInvalid, match=says):
        Recipe.read(tmp_path / "x.yaml")


def test_rare_classes_are_found_as_often_as_common_ones() -> None:
    truth = np.full((200, 200), LandCover.SEA, dtype=np.uint8)
    truth[100:106, 50:56] = LandCover.HARBOUR
    spots = _spots(truth, 32, 200, np.random.default_rng(0))
    assert all(0 <= y <= 168 and 0 <= x <= 168 for y, x in spots)
    held = np.mean([(truth[y : y + 32, x : x + 32] == LandCover.HARBOUR).any() for y, x in spots])
    assert 0.45 < held < 0.65


def test_every_phrase_names_a_class_of_the_truth() -> None:
    from engine.learning.phrases import PhraseTable

    assert {name.upper() for name in PhraseTable.read(PHRASES).classes} <= {cover.name for cover in LandCover}


@dataclass(frozen=True)
class FakeAcquisition:
    """What a view says of a window."""

    bounds: Bounds
    cloud_cover: float
    when: datetime = datetime(2022, 6, 18, 13, 51, tzinfo=UTC)
    season: str = "summer"
    sun_elevation_deg: float = 66.0
    sun_azimuth_deg: float = 150.0
    view_zenith_deg: float = 4.0
    gsd_m: float = 10.0


class FakeView:
    """A scene whose pixels say where they are."""

    def __init__(self) -> None:
        y, x = np.mgrid[:SIDE, :SIDE]
        self.truth = np.where(x < SIDE // 2, LandCover.FOREST, LandCover.SEA).astype(np.uint8)
        self.counts = np.stack([x, y, 0 * x + 120, y]).astype(np.uint8)
        self.bands = (np.stack([x + band for band in range(12)]) / 200).astype(np.float32)
        self.radar = np.stack([np.where((x + y) % 2, -10.0, -20.0), np.full((SIDE, SIDE), -25.0)]).astype(np.float32)

    def acquired(self, window: Window) -> FakeAcquisition:
        bounds = Bounds(window.column / 10, window.row / 10, (window.column + window.width) / 10, (window.row + window.height) / 10)
        return FakeAcquisition(bounds, 0.25)


class FakeIsland:
    dates = (1, 2, 3, 4)

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def at(self, when: int) -> FakeView:
        return FakeView()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(islands, "Island", FakeIsland)


def how(**changes: Any) -> Islands:
    return Islands(kind="island", seeds=(1,), phrases=PHRASES, **{"dates": 1, "windows": 6, "window": 16, **changes})


@pytest.mark.parametrize(("sensor", "channels", "kind"), [("rgb", 3, np.uint8), ("s1", 2, np.float16), ("s2", 12, np.float16)])
def test_each_sensor_sees_its_bands(sensor: str, channels: int, kind: type, fake: None) -> None:
    windows = cut(how(sensor=sensor), (1, 2), 3)
    assert windows.pictures.shape == (12, channels, 16, 16)
    assert windows.pictures.dtype == kind
    assert np.allclose(windows.shares.sum(axis=1), 1)


def test_near_infrared_is_mixed_in_on_demand(fake: None) -> None:
    """It is as bright as green, so that B′ = (5 B − N) / 4 is all that changes."""
    plain, seen = (cut(how(infrared=infrared), (1,), 3).pictures.astype(float) for infrared in (False, True))
    np.testing.assert_array_equal(plain[:, :2], seen[:, :2])
    assert (plain[:, 2] == 120).all()
    np.testing.assert_allclose(seen[:, 2], (600 - seen[:, 1]) / 4, atol=0.5)


def test_sensors_see_the_same_places(fake: None) -> None:
    rgb, s2 = cut(how(), (1,), 3), cut(how(sensor="s2"), (1,), 3)
    np.testing.assert_allclose(s2.pictures[:, 0].astype(float) * 200, rgb.pictures[:, 0].astype(float), atol=0.2)
    assert rgb.metadata == s2.metadata


def test_coarse_pixels_are_means_of_fine_ones(fake: None) -> None:
    """Of colours and reflectances as they are; of decibels as powers: −10 and −20 dB have a mean of 10 log 0.055."""
    rgb = cut(how(scales=(4,)), (1,), 3)
    first = rgb.pictures[:, 0, 0].astype(float)
    assert np.allclose(np.diff(first, axis=1), 4)
    s1 = cut(how(scales=(2,), sensor="s1"), (1,), 3)
    expected = (10 * np.log10((0.1 + 0.01) / 2) - S1.low) / (S1.high - S1.low)
    np.testing.assert_allclose(s1.pictures[:, 0].astype(float), expected, atol=1e-3)
    np.testing.assert_allclose(s1.pictures[:, 1].astype(float), (-25 - S1.low) / (S1.high - S1.low), atol=1e-3)


def test_records_tell_the_scale_and_the_place(fake: None) -> None:
    windows = cut(how(scales=(1, 2, 4), windows=7), (1,), 3)
    assert [record.gsd_m for record in windows.metadata] == [10.0] * 3 + [20.0] * 2 + [40.0] * 2
    for picture, record in zip(windows.pictures, windows.metadata, strict=True):
        assert record.lon == pytest.approx((picture[0].astype(float).mean() + 0.5) / 10, abs=0.06)
        assert record.lat == pytest.approx((picture[1].astype(float).mean() + 0.5) / 10, abs=0.06)
        assert (record.cloud_cover, record.season) == (0.25, "summer")


def test_records_survive_the_file(fake: None, tmp_path: Path) -> None:
    made = cut(how(), (1,), 3)
    kept = Windows.of(how(), (1,), 3, tmp_path)
    assert kept.metadata == made.metadata
    assert json.loads(json.dumps(made.metadata[0].row())) == made.metadata[0].row()
    assert np.array_equal(kept.pictures, made.pictures)


def test_measurements_are_cut_to_the_range_and_never_missing() -> None:
    scaled = S2.scaled(np.array([np.nan, -0.2, 0.5, 7.0, np.inf, -np.inf]))
    assert scaled.tolist() == [0, 0, 0.5, 1, 1, 0]
    assert S1.scaled(np.array([-np.inf, -15.0, 20.0])).tolist() == [0, 0.5, 1]


def test_islands_apart_have_places_and_days_of_their_own(fake: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for the same number; in daylight everywhere."""
    made: list[dict[str, Any]] = []

    class Seen(FakeIsland):
        def __init__(self, seed: int, **how: Any) -> None:
            super().__init__(seed)
            made.append(how)

    monkeypatch.setattr(islands, "Island", Seen)
    cut(how(apart=True), (1, 2, 3, 1), 3)
    assert made[0] == made[3]
    assert len({island["centre"] for island in made}) == 3
    for island in made:
        lon, lat = island["centre"]
        assert -180 <= lon <= 180
        assert abs(lat) <= 55
        assert len(island["dates"]) == 4
        assert all((when.hour + when.minute / 60 + lon / 15) % 24 == pytest.approx(10.5, abs=0.02) for when in island["dates"])


@pytest.mark.slow
def test_a_real_island_has_all_of_it() -> None:
    view = Island(5, size=320).at(Island(5, size=320).dates[1])
    window = Window(40, 60, 32, 32)
    for sensor, channels in (("rgb", 3), ("s1", 2), ("s2", 12)):
        seen = islands._seen(view, window, 2, how(sensor=sensor))
        assert seen.shape == (channels, 16, 16)
        assert np.isfinite(seen.astype(float)).all()
        assert seen.astype(float).std() > 0
    record = islands._record(view, window, 2)
    assert record.gsd_m == 20
    assert record.known == ("gsd", "time", "location", "season", "sun", "view", "cloud")
