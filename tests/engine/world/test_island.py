from __future__ import annotations

import math

import numpy as np
import pytest

from engine.geometry import WGS84, TileGrid, transformer
from engine.types import utc
from engine.world import DATES, Island, LandCover, View, tile_shares
from engine.world.acquisition import CENTRE, CRS, GSD_M

SMALL = 512
PLAIN = (LandCover.SEA, LandCover.FOREST, LandCover.FARMLAND, LandCover.MEADOW, LandCover.MOUNTAIN, LandCover.DESERT, LandCover.LAKE)


@pytest.fixture(scope="module")
def small() -> Island:
    return Island(7, SMALL)


@pytest.fixture(scope="module")
def full() -> tuple[View, View]:
    """The island of the demo at its second and last date."""
    island = Island(7)
    return island.at(DATES[1]), island.at(DATES[3])


def index(view: View, kind: LandCover, first: int, second: int) -> float:
    """Median normalised difference of two bands over a class; bands as reflectance."""
    scale = np.array([0.28, 0.28, 0.28, 0.60])
    a, b = (view.counts[band][view.truth == kind] * scale[band] for band in (first, second))
    return float(np.median((a - b) / (a + b)))


def test_the_same_seed_gives_the_same_bits(views: list[View]) -> None:
    again = Island(7, SMALL).at(DATES[1])
    assert (again.counts == views[1].counts).all()
    assert (again.truth == views[1].truth).all()


def test_seeds_differ_in_layout_and_colour(views: list[View]) -> None:
    other = Island(8, SMALL).at(DATES[1])
    assert (other.truth != views[1].truth).mean() > 0.3
    means = [view.rgb[view.truth == LandCover.DESERT].mean(0) for view in (views[1], other)]
    assert np.abs(means[0] - means[1]).max() > 3


def test_the_small_island_has_all_plain_classes_on_every_date(views: list[View]) -> None:
    for view in views:
        for kind in PLAIN:
            assert (view.truth == kind).mean() > 0.01, (view.season.when, kind.words)
        assert view.counts.min() >= 1  # 0 is nodata


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        (LandCover.SEA, 60), (LandCover.FOREST, 25), (LandCover.FARMLAND, 20), (LandCover.MEADOW, 25), (LandCover.MOUNTAIN, 15),
        (LandCover.DESERT, 20), (LandCover.LAKE, 10), (LandCover.RESIDENTIAL, 10), (LandCover.ORCHARD, 5), (LandCover.WETLAND, 5),
    ],
)  # fmt: skip
def test_area_classes_fill_enough_tiles_for_precision_at_ten(full: tuple[View, View], kind: LandCover, least: int) -> None:
    """Tiles of 64 px with a share of at least 30 %, of 441 on each date; four dates double what two show here."""
    windows = list(TileGrid(1344, 1344, 64))
    tiles = [(tile_shares(view.truth, windows)[:, kind] >= 0.30).sum() for view in full]
    assert min(tiles) >= least


@pytest.mark.parametrize(
    ("kind", "share", "least"),
    [
        (LandCover.AIRPORT, 0.2, 6), (LandCover.HARBOUR, 0.2, 5), (LandCover.INDUSTRIAL, 0.2, 6), (LandCover.BEACH, 0.08, 25),
        (LandCover.RIVER, 0.05, 15), (LandCover.ROAD, 0.01, 40), (LandCover.BARE, 0.2, 6),
    ],
)  # fmt: skip
def test_objects_and_lines_are_present_in_enough_tiles(full: tuple[View, View], kind: LandCover, share: float, least: int) -> None:
    windows = list(TileGrid(1344, 1344, 64))
    assert sum(int((tile_shares(view.truth, windows)[:, kind] >= share).sum()) for view in full) >= least


def test_the_pictures_agree_with_the_truth(full: tuple[View, View]) -> None:
    """Vegetation, water and bare ground have the spectral signs that they have in nature."""
    june = full[0]
    forest, rock, dune = (index(june, kind, 3, 0) for kind in (LandCover.FOREST, LandCover.MOUNTAIN, LandCover.DESERT))
    assert forest > 0.55
    assert forest > rock + 0.25
    assert dune < 0.25
    for water in (LandCover.SEA, LandCover.LAKE, LandCover.RIVER):
        assert index(june, water, 1, 3) > 0.1, water.words
    for dry in (LandCover.FOREST, LandCover.MEADOW, LandCover.DESERT, LandCover.RESIDENTIAL):
        assert index(june, dry, 1, 3) < 0, dry.words
    bright = {kind: june.rgb[june.truth == kind].mean() for kind in LandCover if (june.truth == kind).any()}
    assert bright[LandCover.BEACH] > 2 * bright[LandCover.FOREST]
    assert bright[LandCover.LAKE] < bright[LandCover.MEADOW]
    assert june.counts[1][june.truth == LandCover.MOUNTAIN].std() > 2 * june.counts[1][june.truth == LandCover.LAKE].std()


def test_what_should_change_changes_and_what_should_stay_stays(views: list[View]) -> None:
    def share(number: int, kind: LandCover) -> float:
        return float((views[number].truth == kind).mean())

    assert share(3, LandCover.RESIDENTIAL) > 1.2 * share(0, LandCover.RESIDENTIAL)
    assert share(3, LandCover.FOREST) < share(1, LandCover.FOREST)  # fellings and the fire
    assert share(1, LandCover.CLOUD) == share(3, LandCover.CLOUD) == 0
    assert 0.005 < share(2, LandCover.CLOUD) < 0.08
    sea = np.stack([view.truth == LandCover.SEA for view in (views[0], views[1], views[3])])
    assert (sea.all(0) == sea.any(0)).all()


def test_the_demo_island_gets_a_runway_and_its_reservoir_sinks(full: tuple[View, View]) -> None:
    june, november = full
    assert (november.truth == LandCover.AIRPORT).sum() > 1.4 * (june.truth == LandCover.AIRPORT).sum()
    dried = (june.truth == LandCover.LAKE) & (november.truth == LandCover.BARE)
    assert dried.sum() > 100


def test_seasons_show_in_the_pictures(views: list[View]) -> None:
    march, june, _, november = views
    field = [index(view, LandCover.FARMLAND, 3, 0) for view in (march, june, november)]
    assert field[1] > field[2] + 0.1
    woods = [view.rgb[(view.truth == LandCover.FOREST)].mean(0) for view in (june, november)]
    assert woods[1][0] / woods[1][1] > 1.1 * woods[0][0] / woods[0][1]  # leaves turn: more red against green
    assert june.season.sun_zenith < march.season.sun_zenith < november.season.sun_zenith


def test_it_lies_in_the_open_atlantic_on_whole_metres() -> None:
    island = Island(7)
    a, _, west, _, e, north = island.transform
    assert (a, e) == (GSD_M, -GSD_M)
    assert west % 10 == north % 10 == 0
    x, y = np.array([west, west + 13440]), np.array([north, north - 13440])
    lon, lat = transformer(CRS, WGS84)(x, y)
    assert lon[0] < CENTRE[0] < lon[1]
    assert lat[1] < CENTRE[1] < lat[0]
    # the nearest land is Corvo, the northernmost of the Azores' western group: 39.73° N 31.12° W
    corvo = math.hypot((39.73 - CENTRE[1]) * 111.2, (CENTRE[0] + 31.12) * 111.2 * math.cos(math.radians(41.6)))
    assert corvo > 400


def test_other_dates_can_be_chosen_and_unknown_ones_are_refused() -> None:
    island = Island(3, 256, dates=("2020-07-01T13:50Z", "2010-07-01T13:50Z"))
    assert island.dates == (utc("2010-07-01T13:50Z"), utc("2020-07-01T13:50Z"))
    with pytest.raises(ValueError, match="not in tuple"):
        island.at("2015-01-01")
