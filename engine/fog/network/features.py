"""What the network sees of a frame: differences that physics says matter, not raw bands; absent ones are 0 and said to be absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from numpy.typing import NDArray

from engine.fog.grid import Grid
from engine.fog.planck import SOLAR_39, radiance
from engine.fog.view import glint_angle

if TYPE_CHECKING:
    from engine.fog.cube import Cube

Field = NDArray[np.float32]

BANDS: Final = ("R0064", "R0086", "R0160", "BT0390", "BT0860", "BT1120", "BT1230", "SST")
"""Elements that are looked at; all but 11 µm may be missing."""
VALUES: Final = (
    "above_sea", "near", "near_mirrored", "near_emitted", "visible", "red_edge", "snow_band", "split", "ice",
    "window", "sea", "rough_window", "rough_visible", "sun", "glint", "slant", "land", "cell",
)  # fmt: skip
PRESENT: Final = ("has_sea", "has_near", "has_visible", "has_red_edge", "has_snow_band", "has_split", "has_ice")
NAMES: Final = VALUES + PRESENT
"""Of the channels, in order."""

_DIOXIDE_K: Final = {"SEVIRI": 2.0, "FCI": 0.4, "AGRI": 0.1, "AGRI-B": 0.1}
"""How much colder carbon dioxide makes the 3.9 µm band of a sensor above low ground."""
_DIOXIDE_OTHER_K: Final = 0.5
_STEEP: Final = 1.3
"""Slant of the view that is taken where the satellite's place is not known."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A frame as an imager sees it, from a cube or from a simulation; all fields (n, m).

    Attributes:
        bands: Element → float32 in its unit, NaN where there is none; elements of :data:`BANDS`, some may lack.
        sun: Cosine of the sun's zenith angle.
        glint: Angle between the line of sight and the mirrored sun, degrees; 90 where it isn't known.
        slant: 1 / cos of the satellite's zenith angle.
        land: Land.
        cell: Size of a cell, degrees.
        near_um: Centre of the 3.9 µm band, µm.
        dioxide: What carbon dioxide takes from that band, K.
    """

    bands: Mapping[str, Field]
    sun: Field
    glint: Field
    slant: Field
    land: NDArray[np.bool_]
    cell: float
    near_um: float = 3.9
    dioxide: float = _DIOXIDE_OTHER_K

    @classmethod
    def of(cls, cube: Cube, index: int) -> Self:
        """A frame of a cube.

        Raises:
            CubeInvalid: If a field can't be read or is in the wrong unit.
        """
        shape, when, longitude = cube.shape, cube.times[index], cube.satellite_longitude
        zenith, view, land = cube.solar_zenith(index), cube.view_zenith, cube.land
        return cls(
            bands={name: cube.element(name, index) for name in BANDS if name in cube.elements},
            sun=np.full(shape, np.nan, np.float32) if zenith is None else np.cos(np.deg2rad(zenith)),
            glint=np.full(shape, 90, np.float32) if zenith is None or longitude is None else glint_of(cube.grid, when, longitude),
            slant=np.full(shape, _STEEP, np.float32) if view is None else slant_of(view),
            land=np.zeros(shape, dtype=bool) if land is None else land,
            cell=float(np.mean(cube.step)),
            near_um=cube.wavelength("BT0390") or 3.9,
            dioxide=dioxide_of(cube.provenance.instrument),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.land.shape[0], self.land.shape[1]

    def band(self, name: str) -> Field:
        """An element; NaN everywhere where there is none."""
        found = self.bands.get(name)
        return np.full(self.shape, np.nan, np.float32) if found is None else found

    def features(self) -> Field:
        """(len(NAMES), n, m) float32, each about −4 to 4 and never NaN."""
        window, near, sst = self.band("BT1120"), self.band("BT0390") + np.float32(self.dioxide), self.band("SST")
        visible, red_edge, snow_band = (self.band(name) / np.float32(100) for name in ("R0064", "R0086", "R0160"))
        split, ice, above = window - self.band("BT1230"), self.band("BT0860") - window, window - sst
        mirrored, emitted = self._near_parts(near, window)
        lit = np.clip(self.sun / np.float32(0.05), 0, 1)
        values = (
            np.clip(above / 5, -4, 2),
            np.clip((near - window) / 4, -3, 6),
            mirrored,
            emitted,
            np.clip(2 * visible, -0.5, 3),
            np.clip(2 * red_edge, -0.5, 3),
            np.clip(2 * snow_band, -0.5, 3),
            np.clip(split / 2, -2, 4),
            np.clip(ice / 2, -4, 4),
            np.clip((window - 280) / 15, -4, 3),
            np.clip((sst - 288) / 10, -3, 3),
            0.5 * np.log(roughness(window) + 0.05),
            0.5 * np.log(roughness(np.float32(100) * visible) + 0.2) * lit,
            self.sun,
            lit * np.exp(-((self.glint / 20) ** 2)),
            np.minimum(self.slant - 1, 2),
            np.float32(1) * self.land,
            np.full(self.shape, np.log2(max(self.cell, 1e-3) / 0.0125) / 3, np.float32),
        )
        present = (sst, near - window, visible, red_edge, snow_band, split, ice)
        out = np.empty((len(NAMES), *self.shape), np.float32)
        for channel, value in zip(out, values, strict=False):
            channel[:] = value
        for channel, value in zip(out[len(VALUES) :], present, strict=True):
            channel[:] = np.isfinite(value)
        return np.nan_to_num(out, copy=False, nan=0.0, posinf=0.0, neginf=0.0)

    def _near_parts(self, near: Field, window: Field) -> tuple[Field, Field]:
        """What 3.9 µm shows beyond a black body as warm as 11 µm says: mirrored sunlight by day, the lack of emission by night.

        Each fades where the other takes over, so that neither divides by the setting sun.
        """
        black = radiance(np.maximum(window, 150), self.near_um)
        excess = radiance(np.maximum(near, 150), self.near_um) - black
        by_day = np.clip((self.sun - 0.03) / 0.12, 0, 1)
        sunlight = np.float32(SOLAR_39 / np.pi * radiance(5800.0, self.near_um) / radiance(5800.0, 3.9))
        mirrored = np.clip(excess / (sunlight * np.maximum(self.sun, 0.05)) / 0.1, -2, 5)
        emitted = np.clip(10 * excess / black, -4, 4)
        return np.asarray(by_day * mirrored, np.float32), np.asarray((1 - by_day) * emitted, np.float32)


def slant_of(view: Field) -> Field:
    """1 / cos of the satellite's zenith angle in degrees, taken at 75° beyond that."""
    return np.asarray(1 / np.cos(np.deg2rad(np.minimum(view, 75))), np.float32)


def glint_of(grid: Grid, when: datetime, satellite_longitude: float, step: int = 8) -> Field:
    """(n, m) angle between the line of sight and the mirrored sun, degrees; it changes slowly, so every eighth cell is enough."""
    coarse = glint_angle(when, grid.lat[::step, None], grid.lon[None, ::step], satellite_longitude)
    rows, columns = grid.shape
    return coarse.repeat(step, 0)[:rows].repeat(step, 1)[:, :columns].astype(np.float32)


def dioxide_of(instrument: str) -> float:
    """What carbon dioxide takes from the 3.9 µm band of an imager, K."""
    return _DIOXIDE_K.get(instrument, _DIOXIDE_OTHER_K)


def roughness(values: Field, size: int = 5) -> Field:
    """Local standard deviation in a square of cells, of what is there; 0 where nothing is."""
    import cv2

    there = np.isfinite(values)
    middle = np.float32(values[there].mean()) if there.any() else np.float32(0)
    filled = np.where(there, values - middle, 0).astype(np.float32)

    def mean(field: Field) -> Field:
        return np.asarray(cv2.blur(field, (size, size), borderType=cv2.BORDER_REFLECT), np.float32)

    count = np.maximum(mean(there.astype(np.float32)), 1e-3)
    first = mean(filled) / count
    return np.asarray(np.sqrt(np.maximum(mean(filled * filled) / count - first * first, 0)), np.float32)
