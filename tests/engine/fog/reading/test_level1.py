"""Level-1 files: with the optional package on shape-faithful GOES files; without it our part on a stand-in of its interface."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pyproj import CRS, Transformer

from engine.errors import ExtraMissing, SourceInvalid
from engine.fog import Cube
from engine.fog.instruments import instruments
from engine.fog.reading import Options, convert, layout_of, open_series
from engine.fog.reading.level1 import WANTED, level1_files

from . import abi

WHEN = datetime(2024, 6, 21, 20, 1, 17, tzinfo=UTC)
REGION = Options(region="-126,34,-122,37", step=0.1, synthetic=True)
GEOS = CRS.from_proj4(f"+proj=geos +h={abi.HEIGHT} +lon_0=-137 +a=6378137 +b=6356752.31414 +sweep=x")
X, Y = np.linspace(0.015, 0.045, 160), np.linspace(0.105, 0.085, 120)
"""Scan angles that hold the region, some 7 km apart."""


def places() -> tuple[np.ndarray, np.ndarray]:
    across, up = np.meshgrid(X * abi.HEIGHT, Y * abi.HEIGHT)
    lon, lat = Transformer.from_crs(GEOS, "EPSG:4326", always_xy=True).transform(across, up)
    return np.asarray(lat), np.asarray(lon)


def test_bands_and_imagers_are_complete() -> None:
    """What the detector needs is on every imager; names are the reader's."""
    for imager in instruments().values():
        assert {"R0064", "R0160", "BT0390", "BT1120", "BT1230"} <= set(imager.elements), imager.id
        assert set(WANTED) & set(imager.elements) >= {"BT0860"}
    with pytest.raises(SourceInvalid, match="no band for R0225"):
        instruments()["SEVIRI"].bands_for(("R0225",))


@pytest.mark.parametrize(
    ("name", "imager"),
    [
        ("OR_ABI-L1b-RadC-M6C13_G18_s20241231801171_e20241231803556_c20241231804008.nc", "ABI"),
        ("HS_H09_20240503_1800_B13_FLDK_R20_S0110.DAT.bz2", "AHI"),
        ("FY4A-_AGRI--_N_DISK_1047E_L1-_FDI-_MULT_NOM_20200101040000_20200101041459_4000M_V0001.HDF", "AGRI"),
        ("FY4B-_AGRI--_N_DISK_1330E_L1-_FDI-_MULT_NOM_20230101040000_20230101041459_4000M_V0001.HDF", "AGRI-B"),
        ("MSG4-SEVI-MSG15-0100-NA-20210325154242.512000000Z-NA.nat", "SEVIRI"),
        ("W_XX-EUMETSAT-Darmstadt,IMG+SAT,MTI1+FCI-1C-RRAD-FDHSI-FD--CHK-BODY---NC4E_C_EUMT_20240503.nc", "FCI"),
    ],
)
def test_files_tell_their_imager(tmp_path: Path, name: str, imager: str) -> None:
    (tmp_path / name).write_bytes(b"")
    assert level1_files(tmp_path)[1].id == imager
    assert layout_of(tmp_path) == "satpy"


def test_mixed_and_unknown_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match="no level-1 file"):
        level1_files(tmp_path)
    for name in ("OR_ABI-L1b-RadC-M6C13.nc", "HS_H09_20240503_1800_B13.DAT"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(SourceInvalid, match=r"several imagers \(ABI, AHI\)"):
        level1_files(tmp_path)
    assert level1_files(tmp_path, "AHI")[1].id == "AHI"


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "OR_ABI-L1b-RadC-M6C13_G18.nc").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "satpy", None)
    with pytest.raises(ExtraMissing, match="pip install satpy"):
        open_series(tmp_path)


class Pixels:
    """As much of an array with an area as the reader uses."""

    def __init__(self, values: np.ndarray, unit: str, area: Any) -> None:
        self.values, self.shape = values, values.shape
        self.attrs = {"units": unit, "area": area}

    def __getitem__(self, key: Any) -> Any:
        return SimpleNamespace(values=self.values[key])


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, tuple[np.ndarray, str]]], None]:
    """A module with the interface of the package: scenes that hold what the test gives."""

    def put(bands: dict[str, tuple[np.ndarray, str]]) -> None:
        step_x, step_y = (X[1] - X[0]) * abi.HEIGHT, (Y[0] - Y[1]) * abi.HEIGHT
        extent = (
            X[0] * abi.HEIGHT - step_x / 2,
            Y[-1] * abi.HEIGHT - step_y / 2,
            X[-1] * abi.HEIGHT + step_x / 2,
            Y[0] * abi.HEIGHT + step_y / 2,
        )
        area = SimpleNamespace(crs=GEOS, area_extent=extent)

        class Scene(dict[str, Pixels]):
            def __init__(self, filenames: list[str], reader: str) -> None:
                super().__init__()
                if "torn" in filenames[0]:
                    raise OSError("torn")
                minute = int(filenames[0].rsplit("_s", 1)[1][9:11])
                self.start_time = WHEN.replace(tzinfo=None, minute=minute)
                self.end_time = self.start_time + timedelta(minutes=2)

            def available_dataset_names(self) -> list[str]:
                return list(bands)

            def load(self, names: list[str]) -> None:
                self.update({name: Pixels(*bands[name], area) for name in names})

        def group_files(files: list[str], reader: str) -> list[dict[str, list[str]]]:
            starts = sorted({name.rsplit("_s", 1)[1][:11] for name in files})
            return [{reader: [name for name in files if f"_s{start}" in name]} for start in starts]

        module, readers, core, grouping = (
            ModuleType(name) for name in ("satpy", "satpy.readers", "satpy.readers.core", "satpy.readers.core.grouping")
        )
        module.Scene, grouping.group_files = Scene, group_files  # type: ignore[attr-defined]
        for each in (module, readers, core, grouping):
            monkeypatch.setitem(sys.modules, each.__name__, each)

    return put


def files(folder: Path, minutes: tuple[int, ...] = (31, 1), name: str = "OR_ABI-L1b-RadC-M6C14_G18") -> Path:
    folder.mkdir(exist_ok=True)
    for minute in minutes:
        (folder / f"{name}_s{WHEN.replace(minute=minute):%Y%j%H%M%S}0_e_c.nc").write_bytes(b"x")
    return folder


def test_scans_come_in_order_on_the_regions_cells(tmp_path: Path, stand_in: Callable[..., None]) -> None:
    lat, _ = places()
    stand_in({"C14": (240 + lat, "K"), "C02": (np.full(lat.shape, 20.0), "%")})
    made = convert(files(tmp_path / "l1"), tmp_path / "o.zarr", options=REGION)
    cube = Cube.open(made.written.path)
    assert cube.times == (WHEN + timedelta(minutes=1), WHEN + timedelta(minutes=31))
    error = cube.element("BT1120", 0) - 240 - cube.lat[:, None]
    assert np.abs(error).max() < 0.08  # half a pixel of 7 km along the meridian, seen aslant
    assert cube.provenance.platform == "GOES-18"
    assert cube.satellite_longitude == -137.0
    zenith = cube.solar_zenith(0)
    assert zenith is not None
    np.testing.assert_allclose(cube.element("R0064", 0), 20 / np.cos(np.deg2rad(zenith)), rtol=2e-3)
    assert any("no C07, so no BT0390" in note for note in cube.provenance.notes)


def test_pictures_that_dont_show_the_region_or_lack_calibration_are_refused(tmp_path: Path, stand_in: Callable[..., None]) -> None:
    lat, _ = places()
    stand_in({"C14": (240 + lat, "K")})
    root = files(tmp_path / "l1", (1,))
    with pytest.raises(SourceInvalid, match="do not show"):
        open_series(root, options=Options(region="-160,-20,-155,-15", step=0.5)).frame(0)
    with pytest.raises(SourceInvalid, match="choose a region"):
        open_series(root)
    stand_in({"C14": (240 + lat, "count")})
    with pytest.raises(SourceInvalid, match="calibration is missing"):
        open_series(root, options=REGION).frame(0)
    stand_in({"C01": (240 + lat, "%")})
    with pytest.raises(SourceInvalid, match="none of C02"):
        open_series(root, options=REGION).frame(0)
    with pytest.raises(SourceInvalid, match="can't be opened"):
        open_series(files(tmp_path / "torn", (1,)), options=REGION)


@pytest.mark.skipif(importlib.util.find_spec("satpy") is None, reason="satpy is an optional package (requirements-ingest.txt)")
@pytest.mark.filterwarnings("ignore")
def test_goes_files_are_read_by_the_package_itself(tmp_path: Path) -> None:
    lat, _ = places()
    root = tmp_path / "l1"
    root.mkdir()
    for minute in (31, 1):
        for band, values in (("C02", np.full(lat.shape, 0.2)), ("C07", 241 + lat), ("C14", 240 + lat), ("C15", 239 + lat)):
            abi.write(root, band, WHEN.replace(minute=minute), X, Y, values)
    cube = Cube.open(convert(root, tmp_path / "o.zarr", options=REGION).written.path)
    assert cube.times == (WHEN + timedelta(minutes=1), WHEN + timedelta(minutes=31))
    for name, base in (("BT0390", 241), ("BT1120", 240), ("BT1230", 239)):
        assert np.abs(cube.element(name, 1) - base - cube.lat[:, None]).max() < 0.15, name
    zenith = cube.solar_zenith(0)
    assert zenith is not None
    assert np.abs(cube.element("R0064", 0) - 20 / np.cos(np.deg2rad(zenith))).max() < 0.2
