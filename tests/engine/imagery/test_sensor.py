"""Every sensor file is sound, and files find their sensor."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import RecipeInvalid, SensorNotFound
from engine.imagery.sensor import Sensor, guess_sensor, sensor, sensors

REQUIRED = {
    "naip", "sentinel2_l1c", "sentinel2_l2a", "landsat5_tm", "landsat7_etm", "landsat8_oli", "sentinel1",
    "rgb", "rgbn", "gray", "pharos_island", "landsat_swir_nir_red_green",
}  # fmt: skip


def test_all_are_there_and_sound() -> None:
    assert set(sensors()) >= REQUIRED
    for one in sensors().values():
        assert len(one.shown(len(one.bands))) in {1, 3}
        assert len({band.name for band in one.bands}) == len(one.bands)
        assert one.fits(len(one.bands))


@pytest.mark.parametrize(
    ("name", "wavelengths"),
    [
        ("sentinel2_l1c", (665, 560, 490)),
        ("sentinel2_l2a", (665, 560, 490)),
        ("landsat8_oli", (655, 561, 482)),
        ("landsat7_etm", (662, 560, 483)),
        ("landsat5_tm", (660, 560, 485)),
        ("naip", (650, 560, 470)),
    ],
)
def test_natural_colours_show_red_green_blue_light(name: str, wavelengths: tuple[int, int, int]) -> None:
    one = sensor(name)
    assert one.composite.natural
    assert tuple(one.bands[index - 1].wavelength_nm for index in one.shown(len(one.bands))) == wavelengths


def test_false_colours_are_marked() -> None:
    assert not sensor("landsat_swir_nir_red_green").composite.natural
    assert not sensor("sentinel1").composite.natural
    assert sensor("pharos_island").synthetic


def test_twelve_bands_skip_the_cirrus_band() -> None:
    assert len(sensor("sentinel2_l1c").bands) == 13
    assert [band.name for band in sensor("sentinel2_l2a").bands] == [b.name for b in sensor("sentinel2_l1c").bands if b.name != "B10"]


@pytest.mark.parametrize(
    ("near", "count", "expected"),
    [
        ("x/m_4709963_se_14_1_20090818", 4, "naip"),
        ("naip/anything", 3, "naip"),
        ("x/LC08_L2SP_016037_20170813", 7, "landsat8_oli"),
        ("x/LE07_L2SP_016037_20020813", 6, "landsat7_etm"),
        ("x/LT05_L2SP_016037_19870813", 6, "landsat5_tm"),
        ("x/S2A_MSIL2A_20200101", 12, "sentinel2_l2a"),
        ("x/S2B_MSIL1C_20200101", 13, "sentinel2_l1c"),
        ("x/S1A__IW___A_20150309T173017_VV", 1, "sentinel1"),
        ("landsat_timelapse/1985", 4, "landsat_swir_nir_red_green"),
        ("x/pharos_island_20200101", 4, "pharos_island"),
        ("x/m_4709963_se_14_1_20090818", 1, "gray"),
        ("x/plain", 1, "gray"),
        ("x/plain", 3, "rgb"),
        ("x/plain", 4, "rgbn"),
        ("x/plain", 13, "sentinel2_l1c"),
        ("x/plain", 7, "unknown"),
    ],
)
def test_a_name_and_a_band_count_find_the_sensor(near: str, count: int, expected: str) -> None:
    assert guess_sensor({}, (None,) * count, near, count) == expected


def test_a_made_up_sensor_is_known_by_its_own_mark_alone() -> None:
    for one in sensors().values():
        if one.synthetic:
            names = tuple(band.name for band in one.bands)
            assert guess_sensor({"PHAROS_SENSOR": one.id}, names, "x/plain", len(names)) == one.id
            assert not sensor(guess_sensor({}, names, "x/plain", len(names))).synthetic
            assert not sensor(guess_sensor({}, (None,) * len(names), "x/plain", len(names))).synthetic


def test_the_tag_wins_and_an_unknown_tag_does_no_harm() -> None:
    assert guess_sensor({"PHAROS_SENSOR": "pharos_island"}, (None,) * 4, "x/m_4709963_se_14_1_2009", 4) == "pharos_island"
    assert guess_sensor({"PHAROS_SENSOR": "hubble"}, (None,) * 4, "x/plain", 4) == "rgbn"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("VV", "VH"), "sentinel1"),
        (("R", "G", "B"), "rgb"),
        (("red", "green", "blue", "nir"), "rgbn"),
        (("swir1", "nir", "red", "green"), "landsat_swir_nir_red_green"),
        (tuple(f"B{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, "8A", 9, 10, 11, 12)), "sentinel2_l1c"),
        (tuple(f"B{n}" for n in ("01", "02", "03", "04", "05", "06", "07", "08", "8A", "09", "11", "12")), "sentinel2_l2a"),
    ],
)
def test_band_names_find_the_sensor(names: tuple[str, ...], expected: str) -> None:
    assert guess_sensor({}, names, "x/plain", len(names)) == expected


def test_bands_are_found_by_their_descriptions_in_any_order() -> None:
    assert sensor("rgbn").shown(4, ("nir", "blue", "green", "red")) == (4, 3, 2)
    assert sensor("sentinel2_l1c").shown(3, ("B4", "B3", "B2")) == (1, 2, 3)


def test_one_polarisation_is_grey() -> None:
    assert sensor("sentinel1").shown(1) == (1,)


def test_unknown_names_the_known() -> None:
    with pytest.raises(SensorNotFound, match="naip"):
        sensor("hubble")
    assert sensor("unknown").shown(7) == (1, 2, 3)
    assert sensor("unknown").shown(2) == (1,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "title: x",
        "title: x\nbands: [{name: a}]\ncomposite: {red: b, green: a, blue: a, natural: true}",
        "[1, 2",
        "title: x\nfiles: ['(']\nbands: [{name: a}]\ncomposite: {red: a, green: a, blue: a, natural: true}",
    ],
)
def test_a_broken_description_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    with pytest.raises(RecipeInvalid, match=r"odd\.yaml"):
        Sensor.read(path)
