"""Getting satellite data in: M4Fog's tracks, level-1 files, plain CF files, described arrays; each becomes a series of frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.errors import SourceInvalid
from engine.fog.observations import Observations
from engine.fog.reading.options import Options
from engine.fog.series import Series
from engine.fog.writing import Written, write_cube
from engine.progress import Cancel, Progress, silent

__all__ = ["LAYOUTS", "Converted", "Options", "convert", "layout_of", "open_series"]

LAYOUTS: Final = ("m4fog-a", "m4fog-b", "m4fog-c", "satpy", "cf", "array")


@dataclass(frozen=True, slots=True)
class Converted:
    """What a conversion made.

    Attributes:
        series: What was read.
        written: What was written.
    """

    series: Series
    written: Written


def layout_of(source: Path) -> str:
    """Which layout a source has, seen from its files.

    Raises:
        SourceInvalid: If it is none of them; the message names them.
    """
    from engine.fog.reading.cf import is_cf
    from engine.fog.reading.level1 import is_level1
    from engine.fog.reading.m4fog import is_m4fog
    from engine.fog.reading.sequences import is_sequences

    if not source.exists():
        raise SourceInvalid(source.name, "there is no such file or folder.")
    if source.suffix == ".npy":
        return "m4fog-c" if is_sequences(source) else "array"
    if is_level1(source):
        return "satpy"
    if is_cf(source):
        return "cf"
    if source.is_dir() and is_m4fog(source):
        return "m4fog-a"
    raise SourceInvalid(source.name, f"its layout is not recognised. Name it with --layout: {', '.join(LAYOUTS)}.")


def open_series(source: Path, layout: str = "", options: Options | None = None) -> Series:
    """Open a source as a series of frames; no pixels are read but a few to tell the units.

    Args:
        source: File or folder.
        layout: One of :data:`LAYOUTS`; recognised by the files where empty.
        options: What the source does not say itself.

    Raises:
        SourceInvalid: If the source does not have that layout, or can't be read.
        UnitsUnclear: If the units of its values can't be told.
        ExtraMissing: If an optional package is needed.
    """
    if layout and layout not in LAYOUTS:
        raise SourceInvalid(source.name, f"there is no layout “{layout}”; known: {', '.join(LAYOUTS)}.")
    if not source.exists():
        raise SourceInvalid(source.name, "there is no such file or folder.")
    return _OPENERS[layout or layout_of(source)](source, options or Options())


def convert(
    source: Path,
    out: Path,
    layout: str = "",
    options: Options | None = None,
    *,
    observations: Path | None = None,
    masks: Path | None = None,
    sst: Path | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Converted:
    """Bring a source into a cube.

    Args:
        source: File or folder.
        out: The cube to write; ``.zarr`` is appended where it is missing.
        layout: One of :data:`LAYOUTS`; recognised by the files where empty.
        options: What the source does not say itself.
        observations: Table of ships and stations.
        masks: Folder of masks named by their time; those of the Yellow Sea are recognised by their size.
        sst: NetCDF or Zarr with sea surface temperature, such as a daily analysis, for sources that bring none.
        progress: Told of each frame.
        cancel: Stops between two frames.

    Raises:
        SourceInvalid: If anything of it can't be read.
        UnitsUnclear: If the units of its values can't be told.
        CubeInvalid: If the cube can't be written.
        Cancelled: If the person stopped it.
    """
    series = open_series(source, layout, options)
    if sst is not None:
        from engine.fog.reading.sea import WithSeaTemperature

        series = WithSeaTemperature(series, sst)
    if masks is not None:
        series = labelled(series, masks)
    table = None if observations is None else Observations.read(observations)
    out = out if out.suffix == ".zarr" else out.with_name(f"{out.name}.zarr")
    return Converted(series, write_cube(out, series, observations=table, progress=progress, cancel=cancel))


def labelled(series: Series, folder: Path) -> Series:
    """A series with labels from a folder of masks."""
    from engine.fog.reading.masks import YELLOW_SEA, YELLOW_SEA_BOUNDS, Labelled, Masks, yellow_sea

    masks = Masks.find(folder)
    if yellow_sea(masks):
        masks = Masks.find(folder, YELLOW_SEA_BOUNDS, YELLOW_SEA)
    return Labelled(series, masks)


def _m4fog_a(source: Path, options: Options) -> Series:
    from engine.fog.reading.m4fog import M4FogSeries

    return M4FogSeries(source, options)


def _m4fog_b(source: Path, options: Options) -> Series:
    from engine.fog.reading.m4fog import M4FogSeries

    return M4FogSeries(source, options, "m4fog-b")


def _m4fog_c(source: Path, options: Options) -> Series:
    from engine.fog.reading.sequences import SequenceSeries

    return SequenceSeries(source, options)


def _satpy(source: Path, options: Options) -> Series:
    from engine.fog.reading.level1 import Level1Series

    return Level1Series(source, options)


def _cf(source: Path, options: Options) -> Series:
    from engine.fog.reading.cf import CfSeries

    return CfSeries(source, options)


def _array(source: Path, options: Options) -> Series:
    from engine.fog.reading.described import DescribedSeries

    return DescribedSeries(source, options)


_OPENERS: Final[dict[str, Callable[[Path, Options], Series]]] = {
    "m4fog-a": _m4fog_a,
    "m4fog-b": _m4fog_b,
    "m4fog-c": _m4fog_c,
    "satpy": _satpy,
    "cf": _cf,
    "array": _array,
}
