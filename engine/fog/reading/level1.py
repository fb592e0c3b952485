"""Level-1 files of geostationary imagers through satpy, an optional package (GPL-3) that is imported only here."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.errors import ExtraMissing, SourceInvalid
from engine.fog.elements import Element
from engine.fog.instruments import Instrument, instruments
from engine.fog.provenance import Provenance, fingerprint, marked_synthetic
from engine.fog.reading.options import Options
from engine.fog.reading.regrid import Regrid
from engine.fog.series import FloatField, Frame, Series

WANTED: Final = ("R0064", "R0086", "R0160", "BT0390", "BT0620", "BT0730", "BT0860", "BT1040", "BT1120", "BT1230")
"""Elements that are taken unless others are asked for; those that the imager lacks are left out."""

_MARKS: Final = {
    "ABI": ("OR_ABI-L1b-", ".nc"),
    "AHI": ("HS_H", ".DAT"),
    "AGRI": ("FY4A-_AGRI", ".HDF"),
    "AGRI-B": ("FY4B-_AGRI", ".HDF"),
    "SEVIRI": ("MSG", ".nat"),
    "FCI": ("W_XX-EUMETSAT", ".nc"),
}
"""How the files of an imager begin, and what their name holds."""


class Level1Series(Series):
    """Files of one imager, grouped into scans; each scan is read when its frame is asked for.

    Reflectance is taken in per cent as satpy calibrates it, not divided by the cosine of the solar zenith angle: the cube does that.

    Raises:
        ExtraMissing: If satpy is not installed.
        SourceInvalid: If the files are of no known imager, or no region was given.
    """

    def __init__(self, source: Path, options: Options) -> None:
        self._satpy = satpy()
        self.name = source.name
        files, self._imager = level1_files(source, options.instrument)
        self._scans = self._grouped(files)
        self.times = tuple(when for when, _ in self._scans)
        self.grid = options.grid(self.name)
        available = tuple(name for name in WANTED if name in self._imager.elements)
        self.elements = options.elements or available
        self._bands = self._imager.bands_for(self.elements)
        self._regrids: dict[tuple[Any, ...], Regrid] = {}
        middle = float(self.grid.lon.mean())
        platform = self._imager.serving(self.times[0], middle)
        count, digest = fingerprint(files)
        self.provenance = Provenance(
            synthetic=options.synthetic if options.synthetic is not None else marked_synthetic(source.absolute()),
            title=f"{self._imager.name}, {self.name}",
            source=f"level 1 of {self._imager.name} through satpy",
            layout="satpy",
            platform=platform.name,
            instrument=self._imager.name,
            satellite_longitude=platform.longitude,
            region=options.region_id,
            units_detected={name: "K" if Element.named(name).is_infrared else "%" for name in self.elements},
            wavelengths={name: band.wavelength for name, band in self._bands.items()},
            files=count,
            files_sha256=digest,
            sun_normalised=False,
            notes=("nearest pixel, no parallax correction; times are those of the middle of the scan",),
        )

    def _grouped(self, files: Sequence[Path]) -> list[tuple[datetime, list[str]]]:
        group_files = importlib.import_module("satpy.readers.core.grouping").group_files
        reader = self._imager.reader
        scans = []
        for group in group_files([str(path) for path in files], reader=reader):
            names = [str(path) for path in group[reader]]
            scans.append((names, self._scene(names)))
        timed = sorted(((_middle(scene), names) for names, scene in scans), key=lambda scan: scan[0])
        if not timed:
            raise SourceInvalid(self.name, "its files make up no scan.")
        return timed

    def _scene(self, names: list[str]) -> Any:  # noqa: ANN401 - satpy gives no types
        try:
            return self._satpy.Scene(filenames=names, reader=self._imager.reader)
        except Exception as error:  # satpy and the format libraries raise many kinds
            raise SourceInvalid(self.name, f"{Path(names[0]).name} can't be opened ({type(error).__name__}).") from None

    def frame(self, index: int) -> Frame:
        """One scan on the cells of the region; bands whose files are missing are left out and named."""
        _, names = self._scans[index]
        scene = self._scene(names)
        wanted = {band.name: element for element, band in self._bands.items()}
        there = set(scene.available_dataset_names())
        scene.load([name for name in wanted if name in there])
        fields, notes = {}, []
        for name, element in wanted.items():
            if name not in there or name not in scene:
                notes.append(f"no {name}, so no {element}")
            else:
                fields[element] = self._field(scene[name], element)
        if not fields:
            raise SourceInvalid(self.name, f"none of {', '.join(wanted)} is in the scan of {self.times[index]:%Y-%m-%d %H:%M} UTC.")
        return Frame(fields, notes=tuple(notes))

    def _field(self, pixels: Any, element: str) -> FloatField:  # noqa: ANN401 - a satpy array
        unit = str(pixels.attrs.get("units", ""))
        if not Element.named(element).takes(unit):
            raise SourceInvalid(self.name, f"{element} is given in “{unit}”, so its calibration is missing.")
        regrid = self._regrid(pixels)
        down, across = regrid.window
        return regrid.cells(np.asarray(pixels[down, across].values, dtype=np.float32))

    def _regrid(self, pixels: Any) -> Regrid:  # noqa: ANN401 - a satpy array
        area = pixels.attrs["area"]
        area = area.squeeze() if hasattr(area, "squeeze") else area  # segments that lie above each other
        left, bottom, right, top = (float(side) for side in area.area_extent)
        key = (str(area.crs.to_wkt()), left, bottom, right, top, tuple(pixels.shape))
        if key not in self._regrids:
            rows, columns = pixels.shape
            x = left + (right - left) / columns * (np.arange(columns) + 0.5)
            y = top + (bottom - top) / rows * (np.arange(rows) + 0.5)
            regrid = Regrid.from_projection(self.grid, area.crs, x, y)
            if not regrid.inside.any():
                raise SourceInvalid(self.name, f"its pictures do not show {self.grid.bounds.words()}. Pick another region or files.")
            self._regrids[key] = regrid
        return self._regrids[key]


def satpy() -> Any:  # noqa: ANN401 - satpy gives no types
    """The optional package.

    Raises:
        ExtraMissing: If it is not installed.
    """
    try:
        return importlib.import_module("satpy")
    except ImportError:
        raise ExtraMissing("Reading level-1 files of GOES, Himawari, FY-4 and Meteosat", "satpy") from None


def level1_files(source: Path, instrument: str = "") -> tuple[list[Path], Instrument]:
    """The level-1 files of a folder (or one file) and whose they are.

    Raises:
        SourceInvalid: If there are none, or of several imagers.
    """
    candidates = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else []
    known = instruments()
    if instrument and instrument not in known:
        raise SourceInvalid(instrument, f"there is no such imager; known: {', '.join(known)}.")
    found = {each: [path for path in candidates if _is_of(path, each)] for each in ([instrument] if instrument else _MARKS)}
    found = {each: files for each, files in found.items() if files}
    if len(found) != 1:
        what = (
            f"files of several imagers ({', '.join(found)}); choose one with --instrument" if found else "no level-1 file of a known imager"
        )
        raise SourceInvalid(source.name, f"it holds {what}.")
    ((name, files),) = found.items()
    return files, known[name]


def is_level1(source: Path) -> bool:
    """Whether a path looks like level-1 files of a known imager."""
    try:
        level1_files(source)
    except SourceInvalid:
        return False
    return True


def _is_of(path: Path, instrument: str) -> bool:
    begins, holds = _MARKS[instrument]
    return path.name.startswith(begins) and holds.casefold() in path.name.casefold()


def _middle(scene: Any) -> datetime:  # noqa: ANN401 - a satpy scene
    start, end = (_utc(getattr(scene, name)) for name in ("start_time", "end_time"))
    return start + (end - start) / 2 if end >= start else start


def _utc(when: datetime) -> datetime:
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
