"""The twelve bands have the signs that materials have in nature, and agree with the picture in four."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.world import BANDS, Island, LandCover, View
from engine.world.light import FULL_SCALE
from engine.world.optical import NATIVE_M, tilt_of_view
from engine.world.palette import MATERIALS, ROOFS, Palette
from engine.world.spectra import CURVES, WAVELENGTHS_NM, palette_of, spectrum


def median(view: View, where: NDArray[np.bool_] | LandCover) -> dict[str, float]:
    """Median reflectance of each band over a class."""
    mask = view.truth == where if isinstance(where, LandCover) else where
    return dict(zip(BANDS, np.median(view.bands[:, mask], axis=1).tolist(), strict=True))


def difference(band: dict[str, float], first: str, second: str) -> float:
    return (band[first] - band[second]) / (band[first] + band[second])


def test_shape_type_range_and_order(june: View) -> None:
    assert BANDS == ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
    assert june.bands.shape == (12, 512, 512)
    assert june.bands.dtype == np.float32
    assert 0 < june.bands.min() < june.bands.max() <= 1


def test_the_same_seed_and_date_give_the_same_bits() -> None:
    island = Island(5, 128)
    first, again, later = (island.at(island.dates[step]).bands for step in (1, 1, 3))
    assert (first == again).all()
    assert (Island(5, 128).at(island.dates[1]).bands == first).all()
    assert (first != later).mean() > 0.9


def test_they_are_drawn_only_when_asked_for() -> None:
    island = Island(5, 128)
    view = island.at(island.dates[0])
    assert not {"bands", "radar", "acquisition"} & set(vars(view))
    assert view.bands is view.bands


@pytest.mark.parametrize(("channel", "band"), [(0, "B04"), (1, "B03"), (2, "B02"), (3, "B08")])
def test_four_of_them_are_the_picture_before_haze(cloudy: View, channel: int, band: str) -> None:
    counts = cloudy.counts[channel]
    ok = (counts < 255) & (cloudy.truth != LandCover.CLOUD)  # counts of snow and clouds are cut off
    seen = counts[ok] * FULL_SCALE[channel] / 255
    ours = cloudy.bands[BANDS.index(band)][ok]
    slope, path = np.polyfit(ours, seen, 1)
    assert 0.88 < slope < 1.06  # haze takes up to a tenth, the tilt of the view up to a twentieth either way
    assert -0.002 < path < 0.03
    assert np.std(seen - slope * ours - path) < 0.006
    assert np.corrcoef(seen, ours)[0, 1] > 0.995


def test_vegetation_has_a_red_edge_and_drinks_the_short_wave_infrared(june: View) -> None:
    forest = median(june, LandCover.FOREST)
    assert difference(forest, "B08", "B04") > 0.7
    edge = [forest[name] for name in ("B04", "B05", "B06", "B07", "B08", "B8A")]
    assert edge == sorted(edge)
    assert forest["B06"] > 2 * forest["B05"]
    assert forest["B08"] > forest["B11"] > forest["B12"] > forest["B04"]
    assert forest["B03"] > max(forest["B02"], forest["B04"])


@pytest.mark.parametrize("water", [LandCover.LAKE, LandCover.SEA])
def test_water_is_dark_beyond_red(june: View, water: LandCover) -> None:
    band = median(june, water)
    assert difference(band, "B03", "B08") > 0.1
    assert difference(band, "B03", "B11") > 0.4
    assert band["B11"] < 0.03
    assert band["B12"] < 0.03


def test_sand_and_soil_rise_to_the_short_wave_infrared_and_towns_lie_between(june: View) -> None:
    desert, town, meadow = (median(june, kind) for kind in (LandCover.DESERT, LandCover.RESIDENTIAL, LandCover.MEADOW))
    rising = [desert[name] for name in ("B02", "B03", "B04", "B08", "B11")]
    assert rising == sorted(rising)
    assert desert["B11"] > desert["B12"] > 0.3
    built = [difference(band, "B11", "B08") for band in (meadow, town, desert)]
    assert built == sorted(built)
    assert abs(difference(median(june, LandCover.INDUSTRIAL), "B08", "B04")) < 0.25


def test_snow_is_bright_in_green_and_dark_in_the_short_wave_infrared() -> None:
    island = Island(7, 256, dates=("2021-01-10T13:50Z", "2021-07-10T13:50Z"))
    winter = island.at(island.dates[0])
    deep = (winter.truth == LandCover.SNOW) & (winter.bands[BANDS.index("B03")] > 0.3)
    assert deep.sum() > 100
    snow, rock = median(winter, deep), median(winter, LandCover.MOUNTAIN)
    assert difference(snow, "B03", "B11") > 0.3
    assert difference(rock, "B03", "B11") < 0


def test_burnt_ground_turns_the_infrared_round(views: list[View]) -> None:
    november = views[3]
    burnt = (november.moment.cover.burnt > 0.7) & (november.truth == LandCover.BARE)
    assert burnt.sum() > 20
    assert difference(median(november, burnt), "B08", "B12") < 0
    assert difference(median(november, LandCover.FOREST), "B08", "B12") > 0.3


def test_clouds_are_bright_in_every_band_and_shade_the_ground(cloudy: View) -> None:
    from scipy.ndimage import binary_erosion

    thick = binary_erosion(cloudy.truth == LandCover.CLOUD, iterations=3)
    assert thick.sum() > 50
    cloud, sea = median(cloudy, thick), median(cloudy, LandCover.SEA)
    assert min(cloud.values()) > 0.25
    assert all(cloud[name] > 4 * sea[name] for name in BANDS)
    assert cloud["B12"] < cloud["B11"] < cloud["B02"]


def test_coarse_bands_are_softer(june: View) -> None:
    def roughness(name: str) -> float:
        band = june.bands[BANDS.index(name)]
        return float(np.abs(np.diff(band, axis=1)).mean() / band.std())

    assert roughness("B08") > 1.5 * roughness("B8A") > 1.5 * roughness("B09")
    assert len(NATIVE_M) == len(WAVELENGTHS_NM) == len(BANDS)
    assert list(WAVELENGTHS_NM) == sorted(WAVELENGTHS_NM)


def test_land_is_brighter_with_the_sun_behind_the_sensor(views: list[View]) -> None:
    for view in views:
        factor = tilt_of_view(view.season, 7)
        with_the_sun = np.cos(np.deg2rad(view.acquisition.view_azimuth_deg - view.acquisition.sun_azimuth_deg)) > 0
        assert (factor > 1) == with_the_sun
        assert abs(factor - 1) <= 0.05


def test_every_material_has_a_spectrum_that_keeps_its_four_colours() -> None:
    palette = Palette.drawn(7)
    for names in (("B04", "B03", "B02", "B08"), ("B01", "B05", "B06", "B07"), ("B8A", "B09", "B11", "B12")):
        other = palette_of(palette, names)
        assert set(other.colours) == set(MATERIALS)
        assert set(other.roofs) == set(ROOFS)
        for colour in (*other.colours.values(), *other.roofs.values()):
            assert colour.shape == (4,)
            assert 0 < colour.min() <= colour.max() <= 1
    same = palette_of(palette, ("B04", "B03", "B02", "B08"))
    for name, colour in palette.colours.items():
        assert same[name] == pytest.approx(colour, rel=1e-5)
    assert same.attenuation == pytest.approx(palette.attenuation)


def test_a_brighter_shade_of_a_material_is_brighter_in_all_bands() -> None:
    soil = np.array(MATERIALS["soil"], dtype=np.float32)
    assert spectrum(soil * np.float32(1.5), "soil") == pytest.approx(1.5 * spectrum(soil, "soil"), rel=1e-5)
    assert all(len(curve) == 12 and 0 < min(curve) <= max(curve) <= 1 for curve in CURVES.values())
