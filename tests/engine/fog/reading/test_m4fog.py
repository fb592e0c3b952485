"""M4Fog's layouts come in with their units detected, and what does not fit is named."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import SourceInvalid, UnitsUnclear
from engine.fog import Cube
from engine.fog.labels import Label
from engine.fog.reading import Options, convert, layout_of, open_series
from engine.fog.regions import sea_regions

from . import layouts

DAY, NIGHT = "20200101_0400", "20200101_1700"
"""Noon and 01:00 local in the Yellow Sea."""


def test_himawari_is_grey_and_says_so(tmp_path: Path) -> None:
    root = layouts.himawari(tmp_path / "train_all", [DAY, NIGHT])
    assert layout_of(root) == "m4fog-a"
    made = convert(root, tmp_path / "a.zarr", options=Options(synthetic=True))
    cube = Cube.open(made.written.path)
    stored = np.load(root / f"{DAY}.npy")
    assert cube.grey
    assert cube.provenance.units_detected["G1120"] == "grey level 0–255"
    assert cube.times == (datetime(2020, 1, 1, 4, tzinfo=UTC), datetime(2020, 1, 1, 17, tzinfo=UTC))
    np.testing.assert_array_equal(cube.element("G1120", 0), stored[..., 13])  # B14 is the 14th of H, W, C
    np.testing.assert_array_equal(cube.element("G0064", 0), stored[..., 2])
    assert np.isnan(cube.element("G0064", 1)).all()  # no sun: no value, not 0
    assert np.isfinite(cube.element("G1120", 1)).all()
    assert "BT1120" not in cube.elements
    assert any("grey" in note for note in cube.provenance.notes)


def test_sst_land_and_labels_come_along(tmp_path: Path) -> None:
    root = layouts.himawari(tmp_path / "train_all", [DAY])
    cube = Cube.open(convert(root, tmp_path / "a.zarr", options=Options(synthetic=True)).written.path)
    sst, sea = cube.element("SST", 0), ~layouts.land()
    assert np.isnan(sst[~sea]).all()
    np.testing.assert_allclose(sst[sea], (layouts.celsius() + 273.15)[sea], atol=0.006)
    assert cube.land is not None
    np.testing.assert_array_equal(cube.land, layouts.land())
    label = cube.label(0)
    assert label is not None
    np.testing.assert_array_equal(label, np.where(layouts.land(), Label.UNLABELLED, layouts.fog()))


def test_a_mask_of_the_sea_is_turned_into_one_of_land(tmp_path: Path) -> None:
    root = layouts.himawari(tmp_path / "train_all", [DAY])
    np.save(root / "land_mask.npy", (~layouts.land())[None].astype(np.float32))
    np.testing.assert_array_equal(open_series(root).land, layouts.land())


def test_fengyun_fractions_become_per_cent(tmp_path: Path) -> None:
    root = layouts.fengyun(tmp_path / "train_all", [DAY, NIGHT])
    cube = Cube.open(convert(root, tmp_path / "a.zarr", options=Options(synthetic=True)).written.path)
    stored = np.load(root / f"{DAY}.npy")
    assert cube.provenance.units_detected == {
        **dict.fromkeys(["R0047", "R0064", "R0086", "R0137", "R0160", "R0225"], "fraction 0–1"),
        **dict.fromkeys(["BT0390", "BT0620", "BT0730", "BT0860", "BT1120", "BT1230", "BT1330"], "K"),
    }
    np.testing.assert_allclose(cube.element("R0064", 0, as_stored=True)[3:, 3:], 100 * stored[1, 3:, 3:], atol=0.006)
    np.testing.assert_allclose(cube.element("BT0390", 0)[3:, 3:], stored[7, 3:, 3:], atol=0.006)  # the fine 3.7 µm, not that for fires
    np.testing.assert_allclose(cube.element("BT1120", 0)[3:, 3:], stored[11, 3:, 3:], atol=0.006)
    for name in ("R0064", "BT1120"):
        assert np.isnan(cube.element(name, 0)[:2, :2]).all()  # 0 is where the imager saw nothing
    assert cube.wavelength("BT0390") == pytest.approx(3.725)
    assert np.isnan(cube.element("R0064", 1)).all()
    assert any("no sea surface temperature" in note for note in cube.provenance.notes)


def test_reflectance_is_divided_by_the_sun_on_reading(tmp_path: Path) -> None:
    cube = Cube.open(convert(layouts.fengyun(tmp_path / "t", [DAY]), tmp_path / "a.zarr", options=Options(synthetic=True)).written.path)
    zenith = cube.solar_zenith(0)
    assert zenith is not None
    expected = cube.element("R0064", 0, as_stored=True) / np.cos(np.deg2rad(zenith))
    np.testing.assert_allclose(cube.element("R0064", 0), expected, rtol=1e-4)
    assert np.nanmean(cube.element("R0064", 0)) > 1.2 * np.nanmean(cube.element("R0064", 0, as_stored=True))


def test_goes_per_cent_stays_and_bundled_sst_is_read(tmp_path: Path) -> None:
    root = layouts.goes(tmp_path / "train", ["CC_M_20200601_2000"], ancillary=True)
    cube = Cube.open(convert(root, tmp_path / "a.zarr", options=Options(synthetic=True)).written.path)
    assert cube.provenance.units_detected["R0064"] == "%"
    assert cube.provenance.units_detected["SST"] == "(°C + 2) / 32"
    assert cube.provenance.region == "CC"
    assert cube.bounds == sea_regions()["CC"].bounds
    sst = cube.element("SST", 0)
    assert np.isnan(sst[:, :6]).all()
    assert 276 < np.nanmin(sst) < np.nanmax(sst) < 301
    assert cube.provenance.platform == "GOES-16"


def test_mercator_rows_of_goes_are_brought_onto_even_latitudes(tmp_path: Path) -> None:
    size = 64
    root = layouts.goes(tmp_path / "train", ["GA_M_20200601_2000"], size=size)
    box = sea_regions()["GA"].bounds
    top, bottom = (np.arcsinh(np.tan(np.deg2rad(side))) for side in (box.north, box.south))
    rows_lat = np.rad2deg(np.arctan(np.sinh(top - (top - bottom) * (np.arange(size) + 0.5) / size)))
    cube = np.load(root / "GA_M_20200601_2000.npy")
    cube[13] = 250 + rows_lat[:, None]  # 11 µm says its own latitude
    np.save(root / "GA_M_20200601_2000.npy", cube)
    series = open_series(root)
    error = series.frame(0).fields["BT1120"] - 250 - series.grid.lat[:, None]
    assert np.abs(error).max() < 12.8 / size
    assert np.abs(rows_lat - series.grid.lat).max() > 2 * 12.8 / size  # taken as they are they would lie rows off


def test_several_regions_are_not_mixed(tmp_path: Path) -> None:
    root = layouts.goes(tmp_path / "train", ["CC_M_20200601_2000", "BC_M_20200601_2000"])
    with pytest.raises(SourceInvalid, match=r"several regions \(BC, CC\)"):
        open_series(root)
    assert open_series(root, options=Options(region="BC")).provenance.region == "BC"


def test_splits_below_one_root_are_one_series(tmp_path: Path) -> None:
    layouts.himawari(tmp_path / "h8" / "train_all", [DAY])
    layouts.himawari(tmp_path / "h8" / "val_2021", ["20210101_0400"])
    assert len(open_series(tmp_path / "h8").times) == 2


def test_a_set_of_night_alone_has_no_reflectance_and_says_why(tmp_path: Path) -> None:
    root = layouts.fengyun(tmp_path / "t", [NIGHT])
    cube = np.load(root / f"{NIGHT}.npy")
    cube[:6] = 0
    np.save(root / f"{NIGHT}.npy", cube)
    series = open_series(root)
    assert any("no picture by day" in note for note in series.provenance.notes)
    assert np.isnan(series.frame(0).fields["R0064"]).all()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda cube: cube[::-1], "Per cent where kelvin is expected"),
        (lambda cube: cube[[0, 12, *range(2, 14)]], "kelvin where per cent is expected"),
        (lambda cube: cube * np.float32(0.1), "neither kelvin"),
        (lambda cube: np.concatenate([cube[:6] * np.float32(10), cube[6:]]), "too much for a fraction, too little for per cent"),
    ],
)
def test_units_that_cant_be_told_are_refused(tmp_path: Path, spoil: object, words: str) -> None:
    root = layouts.fengyun(tmp_path / "t", [DAY])
    cube = np.load(root / f"{DAY}.npy")
    np.save(root / f"{DAY}.npy", np.ascontiguousarray(spoil(cube)))  # type: ignore[operator]
    with pytest.raises(UnitsUnclear, match=words):
        open_series(root)


def test_a_file_in_other_units_than_the_rest_is_named(tmp_path: Path) -> None:
    root = layouts.fengyun(tmp_path / "t", ["20200101_0400", "20200102_0300"])
    cube = np.load(root / "20200102_0300.npy")
    cube[:6] *= 100
    np.save(root / "20200102_0300.npy", cube)
    with pytest.raises(SourceInvalid, match=r"20200102_0300.npy.*per cent"):
        convert(root, tmp_path / "a.zarr")
    assert not list(tmp_path.glob("*.zarr*"))
    assert not list(tmp_path.glob(".*part"))


def test_a_label_of_another_shape_does_not_belong(tmp_path: Path) -> None:
    root = layouts.himawari(tmp_path / "t", [DAY])
    Image.fromarray(np.zeros((10, 10), np.uint8)).save(root / f"conn_{DAY}_300_sp.png")
    with pytest.raises(SourceInvalid, match=r"label has \(10, 10\) cells, the picture \(24, 24\)"):
        convert(root, tmp_path / "a.zarr")


def test_a_time_that_stands_twice_is_named(tmp_path: Path) -> None:
    layouts.himawari(tmp_path / "t" / "train", [DAY])
    layouts.himawari(tmp_path / "t" / "val", [DAY])
    with pytest.raises(SourceInvalid, match="2020-01-01 04:00 UTC stands twice"):
        open_series(tmp_path / "t", "m4fog-a")


def test_broken_files_and_names_are_named(tmp_path: Path) -> None:
    root = layouts.himawari(tmp_path / "t", [DAY])
    (root / "20200101_0430.npy").write_bytes(b"\x93NUMPY broken")
    with pytest.raises(SourceInvalid, match=r"20200101_0430.npy.*no readable"):
        convert(root, tmp_path / "a.zarr")
    (root / "20209901_0430.npy").write_bytes(b"")
    with pytest.raises(SourceInvalid, match="is no time"):
        open_series(root, "m4fog-a")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceInvalid, match="no cubes named by their time"):
        open_series(tmp_path / "empty", "m4fog-a")


def test_objects_in_an_array_are_never_unpickled(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    np.save(tmp_path / "t" / f"{DAY}.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(SourceInvalid, match="no readable"):
        open_series(tmp_path / "t", "m4fog-a")


def test_pairs_of_track_b_give_both_times_across_midnight(tmp_path: Path) -> None:
    root = tmp_path / "t"
    root.mkdir()
    rng = np.random.default_rng(0)
    pair = np.clip(rng.normal(90, 12, (24, 24, 32)), 1, 255).astype(np.uint8)
    np.save(root / "20200102_0000.npy", pair)
    series = open_series(root, "m4fog-b")
    assert series.times == (datetime(2020, 1, 1, 23, 30, tzinfo=UTC), datetime(2020, 1, 2, 0, 0, tzinfo=UTC))
    np.testing.assert_array_equal(series.frame(1).fields["G1120"], pair[..., 13])
    np.testing.assert_array_equal(series.frame(0).fields["G1120"], pair[..., 29])


def test_motion_of_track_b_points_where_things_go(tmp_path: Path) -> None:
    root = layouts.himawari(tmp_path / "t", [DAY])
    np.save(root / f"U_{DAY}.npy", np.full((6, 6), -2.0))
    np.save(root / f"V_{DAY}.npy", np.full((6, 6), 1.0))
    fields = open_series(root, "m4fog-b").frame(0).fields
    assert fields["FLOWX"].shape == (24, 24)
    assert (fields["FLOWX"] == 2).all()  # cells of the full grid, sign turned, not scaled by the zoom
    assert (fields["FLOWY"] == -1).all()


def test_track_c_is_blue_green_red_and_knows_neither_time_nor_place(tmp_path: Path) -> None:
    path = layouts.sequences(tmp_path / "H8_1w" / "test_area1.npy")
    assert layout_of(path) == "m4fog-c"
    cube = Cube.open(convert(path, tmp_path / "c.zarr", options=Options(sample=1, synthetic=True)).written.path)
    assert cube.elements == ("G0047", "G0051", "G0064")
    assert [float(cube.element(name, 3)[0, 0]) for name in cube.elements] == [13, 23, 33]
    assert len(cube.times) == 8
    assert cube.grey
    assert not cube.time_known
    assert not cube.place_known
    assert cube.solar_zenith(0) is None
    with pytest.raises(SourceInvalid, match="2 sequences; there is no sequence 2"):
        open_series(path, options=Options(sample=2))


def test_track_c_by_meteosat_says_where_it_is(tmp_path: Path) -> None:
    path = layouts.sequences(tmp_path / "meteo_supply" / "train_FN_20-21.npy")
    series = open_series(path, options=Options(start=datetime(2021, 6, 1, 6, tzinfo=UTC)))
    assert series.elements == ("G0064", "G0086", "G0160")
    assert series.provenance.region == "BE"
    assert series.provenance.time_known


def test_masks_of_a_sequence_are_its_labels(tmp_path: Path) -> None:
    series = open_series(layouts.sequences(tmp_path / "h8_17x_tc.npy", steps=16))
    assert len(series.times) == 8
    label = series.frame(0).label
    assert label is not None
    assert (label[:12] == Label.FOG).all()
    assert (label[12:] == Label.NOT_FOG).all()


def test_what_is_recognised_as_nothing_says_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(SourceInvalid, match="m4fog-a, m4fog-b, m4fog-c, satpy, cf, array"):
        layout_of(tmp_path / "a")
    with pytest.raises(SourceInvalid, match="no such file"):
        open_series(tmp_path / "gone")
