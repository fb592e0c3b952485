"""The radar twin: classes in their order, speckle with its statistics, slopes, and no trace of clouds or the sun."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.world import POLARISATIONS, Island, LandCover, View
from engine.world.canvas import Frame
from engine.world.palette import MATERIALS, ROOFS
from engine.world.radar import (
    ECHOES,
    INCIDENCE_DEG,
    LOOK_AZIMUTH_DEG,
    LOOKS,
    ROOF_ECHOES,
    EchoCanvas,
    backscatter,
    intensity,
    slope_gain,
)


def power(view: View) -> NDArray[np.float64]:
    """(2, size, size) linear."""
    return np.asarray(10 ** (view.radar.astype(np.float64) / 10))


def mean_db(view: View, kind: LandCover) -> tuple[float, float]:
    vv, vh = 10 * np.log10(power(view)[:, view.ground == kind].mean(axis=1))
    return float(vv), float(vh)


def test_shape_type_and_range(june: View) -> None:
    assert POLARISATIONS == ("VV", "VH")
    assert june.radar.shape == (2, 512, 512)
    assert june.radar.dtype == np.float32
    assert np.isfinite(june.radar).all()
    assert -60 <= june.radar.min() < june.radar.max() < 25


def test_the_same_seed_and_date_give_the_same_bits() -> None:
    island = Island(5, 128)
    first, again, later = (island.at(island.dates[step]).radar for step in (1, 1, 3))
    assert (first == again).all()
    assert (first != later).mean() > 0.99  # other speckle on another date


def test_classes_stand_in_the_order_that_radar_sees(june: View) -> None:
    lake, forest, field, desert, town, works = (
        mean_db(june, kind)
        for kind in (
            LandCover.LAKE, LandCover.FOREST, LandCover.FARMLAND, LandCover.DESERT, LandCover.RESIDENTIAL, LandCover.INDUSTRIAL,
        )
    )  # fmt: skip
    assert lake[0] + 8 < town[0]
    assert lake[0] + 8 < works[0]
    assert forest[1] > field[1] > desert[1]
    assert forest[1] > town[1] - 3  # volumes turn the polarisation, corners do not
    assert town[0] - town[1] > forest[0] - forest[1]
    for vv, vh in (lake, forest, field, desert, town, works):
        assert 3 < vv - vh < 12
    assert -26 < lake[0] < -16
    assert -11 < forest[0] < -6
    assert -17 < forest[1] < -11


def test_ships_and_tanks_shine(june: View) -> None:
    for kind in (LandCover.HARBOUR, LandCover.STORAGE_TANKS):
        if (june.ground == kind).sum() > 30:
            assert np.percentile(june.radar[0][june.ground == kind], 95) > -5


def test_fields_follow_the_seasons(views: list[View]) -> None:
    march, june = (mean_db(view, LandCover.FARMLAND)[1] for view in views[:2])
    assert june > march + 0.5


@pytest.mark.parametrize("kind", [LandCover.LAKE, LandCover.SEA])
def test_speckle_has_the_spread_of_its_looks(june: View, kind: LandCover) -> None:
    """Coefficient of variation of intensity over even ground is 1/√looks; small windows, so that wind, swell and foam hardly count."""
    from scipy.ndimage import binary_erosion

    inside = binary_erosion(june.ground == kind, iterations=8 if kind == LandCover.SEA else 3)
    spots = [np.s_[row : row + 12, column : column + 12] for row in range(0, 500, 12) for column in range(0, 500, 12)]
    even = power(june)
    windows = np.stack([even[(slice(None), *spot)] for spot in spots if inside[spot].all()])
    assert len(windows) > 8
    spread = windows.std(axis=(2, 3), ddof=1) / windows.mean(axis=(2, 3))
    assert spread.mean(axis=0) == pytest.approx([1 / np.sqrt(LOOKS)] * 2, rel=0.06)


def test_speckle_is_unbiased_and_differs_between_polarisations_and_neighbours(june: View) -> None:
    speckle = power(june) / intensity(june.moment)
    assert speckle.mean() == pytest.approx(1, abs=0.005)
    vv, vh = speckle
    assert abs(np.corrcoef(vv.ravel(), vh.ravel())[0, 1]) < 0.01
    assert abs(np.corrcoef(vv[:, 1:].ravel(), vv[:, :-1].ravel())[0, 1]) < 0.01
    assert np.mean((vv - 1) ** 3) / vv.std() ** 3 == pytest.approx(2 / np.sqrt(LOOKS), abs=0.05)  # skewness of a gamma distribution


def test_clouds_and_the_sun_leave_no_trace(cloudy: View) -> None:
    clear = replace(cloudy.moment, season=replace(cloudy.season, cloudy=False, sun_zenith=60.0, sun_azimuth=100.0))
    assert (backscatter(clear) == cloudy.radar).all()
    hidden = (cloudy.truth == LandCover.CLOUD) & (cloudy.ground == LandCover.SEA)
    open_sea = cloudy.truth == LandCover.SEA
    assert hidden.sum() > 100
    below, beside = (power(cloudy)[0][mask].mean() for mask in (hidden, open_sea))
    assert below == pytest.approx(beside, rel=0.3)
    red = cloudy.bands[3]
    assert red[hidden].mean() > 5 * red[open_sea].mean()


def test_the_truth_below_the_clouds_is_the_truth_beside_them(cloudy: View) -> None:
    clouds = cloudy.truth == LandCover.CLOUD
    assert (cloudy.ground[~clouds] == cloudy.truth[~clouds]).all()
    assert not (cloudy.ground == LandCover.CLOUD).any()


def test_slopes_that_face_the_radar_are_brighter(june: View) -> None:
    along = np.deg2rad(LOOK_AZIMUTH_DEG)
    gy, gx = np.gradient(june.moment.terrain.height, 10.0)
    rise = gx * np.sin(along) - gy * np.cos(along)  # the ray comes from the west: ground that rises eastwards faces it
    high = june.ground == LandCover.MOUNTAIN
    facing, averted = (power(june)[0][high & side].mean() for side in (rise > 0.15, rise < -0.15))
    assert facing > 3 * averted


@pytest.mark.parametrize(("rise_deg", "gain"), [(0, 1.0), (20, 2.352), (-20, 0.487), (30, 3.847), (-60, 0.0), (60, 3.636)])
def test_the_gain_of_a_slope_by_hand(june: View, rise_deg: float, gain: float) -> None:
    """sin 39° / sin θ · cos θ / cos 39° with θ = 39° − rise; at most that of θ = 12° in its first factor; 0 in shadow."""
    along = np.deg2rad(LOOK_AZIMUTH_DEG)
    y, x = np.mgrid[:512, :512] * 10.0
    height = np.tan(np.deg2rad(rise_deg)) * (x * np.sin(along) - y * np.cos(along))
    tilted = replace(
        june.moment,
        terrain=replace(june.moment.terrain, height=height.astype(np.float32)),
        kind=np.full((512, 512), LandCover.MEADOW, dtype=np.uint8),
    )
    assert INCIDENCE_DEG == 39
    middle = slope_gain(tilted)[200:300, 200:300]
    assert np.allclose(middle, gain, atol=0.01, rtol=0.01)


def test_a_wall_that_faces_the_radar_shines_and_the_sun_casts_no_shadow() -> None:
    roof, dark = np.array([0.2, 0.03, 0, 0], dtype=np.float32), np.array([9, 9, 9, 9], dtype=np.float32)
    square = np.deg2rad(LOOK_AZIMUTH_DEG - 90)  # u along the ray
    pictures = []
    for turn in (0.0, np.pi / 4):
        canvas = EchoCanvas(48)
        canvas.building((Frame(24, 24, float(square + turn)), 0, 0, 8, 8), roof, dark, (30.0, 30.0))
        picture = np.full((48, 48, 4), 0.05, dtype=np.float32)
        canvas.over(picture, np.ones((48, 48), dtype=np.float32))
        pictures.append(picture[..., 0])
    assert pictures[0].max() > 1.5  # metal has no place in this building: it is the corner
    assert pictures[1].max() < 0.8
    assert all(picture.max() < 8 for picture in pictures)
    columns = np.nonzero((pictures[0] > 1).any(axis=0))[0]
    assert columns.max() < 24  # on the side from which the ray comes
    assert (pictures[0] < 0.045).nonzero()[1].mean() > 26  # radar shadow on the other


def test_every_material_has_an_echo() -> None:
    assert set(ECHOES) == set(MATERIALS)
    assert set(ROOF_ECHOES) == set(ROOFS)
