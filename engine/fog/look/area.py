"""How much of a region lies under fog or very low stratus, in equal-area square kilometres."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import shapely
from numpy.typing import NDArray

from engine.errors import PharosError, RegionInvalid
from engine.fog.cube import Cube
from engine.fog.grid import Grid
from engine.fog.look.judge import Judge
from engine.fog.mask import WORDS, FogMask, State
from engine.fog.moments import Moment
from engine.geometry import EQUAL_AREA, WGS84, transformer
from engine.progress import Cancel, Progress, silent, stop_if
from engine.types import Region

Flags = NDArray[np.bool_]


def cell_km2(grid: Grid) -> NDArray[np.float64]:
    """(n,) area of a cell of each row, km², on the equal-area cylinder EPSG:6933: exact for cells between parallels and meridians."""
    down, across = grid.step
    edges = np.clip(np.append(grid.lat + down / 2, grid.lat[-1] - down / 2), -90, 90)
    x, y = transformer(WGS84, EQUAL_AREA)(np.append(np.zeros(edges.size), across), np.append(edges, 0.0))
    return np.asarray(-np.diff(y[:-1]) * (x[-1] - x[0]) / 1e6)


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Cells of a cube's sea.

    Attributes:
        name: What the person calls the region.
        inside: (n, m) cells whose centre lies in the region and which are no land.
        km2: (n,) area of a cell of each row.
    """

    name: str
    inside: Flags
    km2: NDArray[np.float64]

    @classmethod
    def of(cls, cube: Cube, region: Region | None = None) -> Self:
        """The sea of a cube within a region, or all of it.

        Raises:
            RegionInvalid: If no cell of the cube's sea lies in the region.
        """
        inside = np.ones(cube.shape, dtype=bool) if region is None else within(cube.grid, region)
        if cube.land is not None:
            inside &= ~cube.land
        if not inside.any():
            name = "the cube" if region is None else f"“{region.name}”"
            raise RegionInvalid(f"{name} holds no sea of “{cube.title}”, which covers {cube.bounds.words()}. Draw it there.")
        return cls("" if region is None else region.name, inside, cell_km2(cube.grid))

    @property
    def total(self) -> float:
        """All of it, km²."""
        return self.of_cells(self.inside)

    def of_cells(self, cells: Flags) -> float:
        """Area of those cells that belong to it, km²."""
        return float((cells & self.inside).sum(axis=1) @ self.km2)


def within(grid: Grid, region: Region) -> Flags:
    """(n, m) cells whose centre lies in a region."""
    lon = (grid.lon + 180) % 360 - 180
    west, south, east, north = region.geometry.bounds
    rows = np.flatnonzero((grid.lat >= south) & (grid.lat <= north))
    columns = np.flatnonzero((lon >= west) & (lon <= east))
    out = np.zeros(grid.shape, dtype=bool)
    if rows.size and columns.size:
        shapely.prepare(region.geometry)
        out[np.ix_(rows, columns)] = shapely.contains_xy(region.geometry, lon[None, columns], grid.lat[rows, None])
    return out


@dataclass(frozen=True, slots=True)
class FrameArea:
    """One moment of a series.

    Attributes:
        moment: When.
        fog: Sea under fog or very low stratus, km²; ``None`` in gaps and where nothing could be said.
        obscured: Sea that higher cloud hides, km².
        judged: Sea about which something could be said, clear or fog, km².
        total: All sea of the region, km².
        pending: Whether the mask is not worked out yet.
        why: Why the frame could not be judged, in words.
    """

    moment: Moment
    fog: float | None
    obscured: float | None
    judged: float | None
    total: float
    pending: bool = False
    why: str = ""

    @classmethod
    def of(cls, moment: Moment, mask: FogMask, patch: Patch) -> Self:
        """Measure a mask."""
        fog, clear, hidden = (patch.of_cells(np.asarray(mask.state == state)) for state in (State.FOG, State.CLEAR, State.OBSCURED))
        return cls(moment, fog, hidden, fog + clear, patch.total)

    def record(self) -> dict[str, Any]:
        """As JSON."""

        def share(part: float | None) -> float | None:
            return None if part is None else round(part / self.total, 6)

        def km2(part: float | None) -> float | None:
            return None if part is None else round(part, 1)

        return {
            **self.moment.record(),
            "fog_km2": km2(self.fog),
            "obscured_km2": km2(self.obscured),
            "judged_km2": km2(self.judged),
            "fog_share": share(self.fog),
            "obscured_share": share(self.obscured),
            "judged_share": share(self.judged),
            "pending": self.pending,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class AreaSeries:
    """Fog area over time.

    Attributes:
        cube: Name of the cube.
        method: Which detector, as a person reads it; empty if nothing was judged.
        region: Name of the region; empty for the whole cube.
        total: Its sea, km².
        frames: In order of time; gaps are among them and hold no figures.
        synthetic: Whether the data are made up.
    """

    cube: str
    method: str
    region: str
    total: float
    frames: tuple[FrameArea, ...]
    synthetic: bool

    @property
    def pending(self) -> int:
        """Frames whose mask is not worked out yet."""
        return sum(each.pending for each in self.frames)

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "cube": self.cube,
            "method": self.method,
            "region": self.region,
            "words": WORDS,
            "unit": "km²",
            "region_km2": round(self.total, 1),
            "synthetic": self.synthetic,
            "pending": self.pending,
            "frames": [each.record() for each in self.frames],
        }


def area_series(
    cube: Cube,
    moments: Sequence[Moment],
    find: Judge,
    region: Region | None = None,
    *,
    patch: Patch | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> AreaSeries:
    """Fog area at each moment.

    Args:
        cube: The cube.
        moments: When; gaps stay gaps.
        find: The mask of each.
        region: Where; by default the whole cube. Cells belong to it whose centre lies inside; land is left out.
        patch: The cells, if they are known already.
        progress: Told of each moment.
        cancel: Stops between two.

    Raises:
        RegionInvalid: If no sea of the cube lies in the region.
        Cancelled: If it was stopped.
    """
    patch = patch or Patch.of(cube, region)
    frames, methods = [], []
    for done, (moment, mask, why) in enumerate(_judged(moments, find)):
        stop_if(cancel, "The series")
        progress("measuring fog", done, len(moments))
        if mask is None:
            waits = not why and (moment.index is not None or moment.forecast)
            frames.append(FrameArea(moment, None, None, None, patch.total, pending=waits, why=why))
            continue
        methods.append(mask.method)
        frames.append(FrameArea.of(moment, mask, patch))
    progress("measuring fog", len(moments), len(moments))
    return AreaSeries(cube.name, methods[0] if methods else "", patch.name, patch.total, tuple(frames), cube.synthetic)


def _judged(moments: Sequence[Moment], find: Judge) -> Iterator[tuple[Moment, FogMask | None, str]]:
    for moment in moments:
        try:
            yield moment, None if moment.gap else find(moment), ""
        except PharosError as error:  # an empty or broken frame leaves a hole and does not end the series
            yield moment, None, str(error)
