"""What physics asks of a frame: droplets, height of the top, brightness, ice and texture, in units that a person can read.

Everything is the same quantity by day and by night, so that nothing jumps at sunrise. A quantity that a cube can't give is absent,
never zero; a cell without a value is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.fog.cube import Cube
from engine.fog.detection.boxes import blur, box_mean, box_moments, box_spread, odd
from engine.fog.detection.sensors import ClearSky, clear_sky
from engine.fog.grid import Grid
from engine.fog.planck import SOLAR_39, radiance
from engine.fog.sun import cos_solar_zenith
from engine.fog.view import glint_angle, satellite_zenith

Field = NDArray[np.float32]

ELEMENTS: Final[tuple[str, ...]] = ("R0064", "R0086", "R0160", "BT0390", "BT0860", "BT1120", "BT1230", "SST")
"""What is used where a cube has it."""
FINE_KM: Final = 9.0
"""Side of the box in which texture is measured."""
BROAD_KM: Final = 45.0
"""Side of the box of the surroundings."""
BACKGROUND_KM: Final = 150.0
"""Side of the box from which the clear sea's own temperature is taken."""
_LITTLE: Final = np.float32(0.08)
"""Share of clear sea in that box, at which the frame's own counts as much."""
_HARDLY: Final = 0.02
"""Share of clear sea in a frame, at which half of what it shows is believed."""
_KM: Final = 111.2
_BLIND: Final = 0.5
"""Where sun and warmth at 3.9 µm balance, droplets can't be seen: the estimate is drawn to 0 where the gain falls below this."""
_DARK_FULL: Final = 11.7
"""Droplets in the dark, %, of an opaque cloud of 8 µm droplets: 14 %, as far as the estimate is drawn to 0."""
DUSK_DEG: Final = 88.0
"""Visible light is used up to here: beyond, its noise is divided by a tiny cosine."""
_AIR: Final = {"R0064": 2.4, "R0086": 1.0}
"""Reflectance of clear air at an air mass of 1, %."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity.

    Attributes:
        words: What it is.
        unit: Its unit.
    """

    words: str
    unit: str


QUANTITIES: Final[Mapping[str, Quantity]] = {
    "droplets": Quantity("reflectance of the top at 3.9 µm, from sunlight by day and from missing warmth by night", "%"),
    "height": Quantity("11 µm, cleared of vapour, minus sea surface temperature", "K"),
    "bright": Quantity("reflectance of visible light, cleared of air", "%"),
    "liquid": Quantity("reflectance at 1.6 µm over that of visible light", ""),
    "ice": Quantity("11 − 12 µm above that of clear sky", "K"),
    "grains": Quantity("8.6 − 11 µm", "K"),
    "window": Quantity("11 µm", "K"),
    "rough": Quantity("spread of 11 µm within 9 km", "K"),
    "rough_droplets": Quantity("spread of the 3.9 µm reflectance within 9 km", "%"),
    "rough_bright": Quantity("spread of visible light within 9 km", "%"),
    "around_droplets": Quantity("mean of the 3.9 µm reflectance within 45 km", "%"),
    "around_height": Quantity("mean height above the sea within 45 km", "K"),
    "opacity": Quantity("share of the sea's 11 µm light that a water cloud so bright, or so full of droplets, takes away", ""),
    "top": Quantity("11 µm of the cloud alone minus sea surface temperature: height over opacity", "K"),
    "fineness": Quantity("3.9 µm reflectance of the cloud alone, from sunlight: large where droplets are small", "%"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What is known of one frame.

    Attributes:
        fields: Element → (n, m) float32 in its unit, NaN where there is no value.
        cell_km: Height and width of a cell.
        cos_sun: (n, m) cosine of the sun's zenith angle; ``None`` where time or place is not known.
        slant: (n, m) 1 / cosine of the view angle; ``None`` where the satellite's place is not known.
        glint: (n, m) angle between the line of sight and the mirrored sun, degrees; ``None`` where it can't be had, or the sun is down.
        instrument: Id of the imager, or empty.
        wavelengths: Element → centre of the band, µm.
        land: (n, m) land, if known.
        light_assumed: Whether the sun's place is a guess.
    """

    fields: Mapping[str, Field]
    cell_km: tuple[float, float]
    cos_sun: Field | None = None
    slant: Field | None = None
    glint: Field | None = None
    instrument: str = ""
    wavelengths: Mapping[str, float] = field(default_factory=dict)
    land: NDArray[np.bool_] | None = None
    light_assumed: bool = False

    @classmethod
    def of(cls, cube: Cube, index: int) -> Sight:
        """Read a frame; elements that are all without value are left out.

        Raises:
            CubeInvalid: If a chunk is lost, or values can't be in their unit.
        """
        fields: dict[str, Field] = {name: cube.element(name, index) for name in ELEMENTS if name in cube.elements}
        return cls.on(
            cube.grid,
            cube.times[index],
            fields,
            instrument=cube.provenance.instrument,
            wavelengths={name: cube.wavelength(name) or 0.0 for name in fields},
            satellite_longitude=cube.satellite_longitude if cube.place_known else None,
            land=cube.land,
            light_known=cube.time_known and cube.place_known,
        )

    @classmethod
    def on(
        cls,
        grid: Grid,
        when: datetime,
        fields: Mapping[str, Field],
        *,
        instrument: str = "",
        wavelengths: Mapping[str, float] | None = None,
        satellite_longitude: float | None = None,
        land: NDArray[np.bool_] | None = None,
        light_known: bool = True,
    ) -> Sight:
        """Fields on a grid at a time; angles change slowly and are computed on every eighth cell."""
        down, across = grid.step
        middle = float(np.cos(np.deg2rad(grid.lat.mean())))
        cos_sun = slant = glint = None
        if light_known:
            cos_sun = between(grid, lambda lat, lon: cos_solar_zenith(when, lat, lon))
        if satellite_longitude is not None:
            where = float(satellite_longitude)
            slant = between(grid, lambda lat, lon: 1 / np.cos(np.deg2rad(np.minimum(satellite_zenith(lat, lon, where), 75))))
            if cos_sun is not None and bool((cos_sun > 0).any()):
                glint = between(grid, lambda lat, lon: glint_angle(when, lat, lon, where))
        return cls(
            fields={name: values for name, values in fields.items() if bool(np.isfinite(values).any())},
            cell_km=(down * _KM, max(across * _KM * middle, 1e-3)),
            cos_sun=cos_sun,
            slant=slant,
            glint=glint,
            instrument=instrument,
            wavelengths=wavelengths or {},
            land=land,
        )

    def without(self, elements: Collection[str]) -> Sight:
        """The same without some elements."""
        return replace(self, fields={name: values for name, values in self.fields.items() if name not in elements})

    def under_sun(self, cos_sun: Field) -> Sight:
        """The same under a sun that is guessed."""
        return replace(self, cos_sun=cos_sun, light_assumed=True)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = next(iter(self.fields.values())).shape
        return rows, columns

    @property
    def zenith(self) -> Field:
        """(n, m) zenith angle of the sun, degrees; NaN where it is not known."""
        if self.cos_sun is None:
            return np.full(self.shape, np.nan, dtype=np.float32)
        return np.asarray(np.rad2deg(np.arccos(np.clip(self.cos_sun, -1, 1))), dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """The quantities of a frame.

    Attributes:
        sight: What they were taken from.
        values: Name of a quantity → (n, m) float32, NaN where it has no value; absent where the frame can't give it.
        correction: (n, m) K that the sea surface temperature was found to be off by and was corrected by; ``None`` without one.
    """

    sight: Sight
    values: Mapping[str, Field]
    correction: Field | None = None

    @classmethod
    def of(cls, sight: Sight) -> Features:
        """Compute them."""
        shape = sight.shape
        sky = clear_sky(sight.instrument, sight.wavelengths)
        slant = sight.slant if sight.slant is not None else np.full(shape, np.float32(1.4))
        fine, broad = (_box(km, sight.cell_km) for km in (FINE_KM, BROAD_KM))
        out: dict[str, Field] = {}
        window, near, far = (sight.fields.get(name) for name in ("BT1120", "BT0390", "BT1230"))
        split = None if window is None or far is None else window - far
        sst = sight.fields.get("SST")
        out |= _lit(sight, slant, fine)
        if window is not None:
            out["window"] = window
            out["rough"] = box_spread(window, fine)
            wet = wetness(sst, window)
            if near is not None and sight.cos_sun is not None:
                out["droplets"] = _droplets(near, window, sky, wet, slant, sight.cos_sun, sight.wavelengths.get("BT0390", 3.9))
                out["rough_droplets"] = box_spread(out["droplets"], fine)
                out["around_droplets"] = box_mean(out["droplets"], broad)
            if split is not None:
                out["ice"] = split - sky.split(wet, slant)
            grain = sight.fields.get("BT0860")
            if grain is not None:
                out["grains"] = grain - window - sky.grains(wet, slant)
            top = window + sky.loss(wet, slant)
            if "ice" in out:
                top = top + np.clip(np.nan_to_num(out["ice"]), -1.0, 0.8)  # more vapour than usual shows in 11 − 12 µm, about as much
            height, correction = _height(sight, top, out)
            if height is not None:
                out["height"] = height
                out["around_height"] = box_mean(height, broad)
            out |= _cloud_alone(sight, out)
            return cls(sight, out, correction)
        return cls(sight, out)


def _lit(sight: Sight, slant: Field, fine: tuple[int, int]) -> dict[str, Field]:
    """Quantities of sunlight; NaN where the sun is too low."""
    name = next((each for each in ("R0086", "R0064") if each in sight.fields), None)
    if name is None or sight.cos_sun is None:
        return {}
    cosine = sight.cos_sun
    lit = cosine > np.float32(np.cos(np.deg2rad(DUSK_DEG)))
    if not lit.any():
        return {}
    air = np.float32(_AIR[name]) * np.minimum(0.5 * (slant + 1 / np.maximum(cosine, np.float32(0.12))), 4)
    bright = np.where(lit, sight.fields[name] - air, np.float32(np.nan))
    out = {"bright": bright}
    mean, spread = box_moments(bright, fine)
    out["rough_bright"] = spread / (np.maximum(mean, 0) + 5)
    if "R0160" in sight.fields:
        out["liquid"] = np.clip(sight.fields["R0160"] / np.maximum(bright, 6), -0.2, 1.6)
    return out


def _droplets(near: Field, window: Field, sky: ClearSky, wet: Field, slant: Field, cos_sun: Field, wavelength: float) -> Field:
    """(n, m) % reflectance of the top at 3.9 µm, by day and by night.

    An opaque top of reflectance r shines with L = (1 − r)·B + r·S·cos θ/π, so that L/B − 1 = r·g with the gain g = S·cos θ/(π·B) − 1:
    −1 by night, 0 where the sun stands about 86° from the zenith, 10 at noon. r is taken as (L/B − 1)·g / (g² + n²).

    Source: the two parts are Eyre et al. 1984 (night) and Kaufman and Nakajima 1993 (day); the shrinking is ridge regression.
    """
    warmth = radiance(window + sky.difference(wet, slant), wavelength)
    sun = np.float32(SOLAR_39 * float(radiance(5800.0, wavelength) / radiance(5800.0, 3.9)) / np.pi)
    gain = sun * np.maximum(cos_sun, 0) / warmth - 1
    excess = radiance(near, wavelength) / warmth - 1
    return np.asarray(100 * excess * gain / (gain * gain + np.float32(_BLIND**2)), dtype=np.float32)


def _cloud_alone(sight: Sight, seen: Mapping[str, Field]) -> dict[str, Field]:
    """Quantities of the cloud without what shines through it, as far as it is a water cloud.

    Its optical depth τ comes from visible light, R = 0.96·γτ/(0.96 + γτ) with γ = 0.13, while the sun is up, and from droplets, which
    build up as 1 − exp(−0.186·τ^1.387), in the dark. It then takes away 1 − exp(−0.62·τ) of the light at 11 µm.
    """
    out: dict[str, Field] = {}
    droplets = seen.get("droplets")
    if droplets is None and "bright" not in seen:
        return out
    depth: Field = np.full(sight.shape, np.float32(np.nan))
    if droplets is not None:
        full = np.clip(droplets * np.float32(1 / _DARK_FULL), 0, np.float32(0.97))
        depth = (-np.log1p(-full) * np.float32(1 / 0.186)) ** np.float32(1 / 1.387)
    if "bright" in seen and sight.cos_sun is not None:
        share = np.clip(seen["bright"] * np.float32(0.01 / 0.96), 0, np.float32(0.97))
        lit = np.float32(0.96 / 0.13) * share / (1 - share)
        sun = np.where(np.isnan(lit), np.float32(0), np.clip((sight.cos_sun - np.float32(0.035)) * np.float32(1 / 0.035), 0, 1))
        depth = lit if droplets is None else depth + sun * (np.nan_to_num(lit) - depth)
        if droplets is not None:
            out["fineness"] = np.asarray(droplets / np.maximum(1 - np.exp(np.float32(-0.35) * lit), np.float32(0.2)), dtype=np.float32)
    out["opacity"] = np.asarray(1 - np.exp(np.float32(-0.62) * depth), dtype=np.float32)
    if "height" in seen:
        out["top"] = np.asarray(seen["height"] / np.maximum(out["opacity"], np.float32(0.2)), dtype=np.float32)
    return out


def wetness(sst: Field | None, window: Field) -> Field:
    """(n, m) precipitable water that is usual above such a sea, cm: 0.75·exp(0.062·t); without a sea temperature from the top's own."""
    warm = window + 3 if sst is None else np.where(np.isnan(sst), window + 3, sst)
    return np.asarray(0.75 * np.exp(0.062 * (np.clip(warm, 255, 306) - np.float32(273.15))), dtype=np.float32)


def _height(sight: Sight, top: Field, seen: Mapping[str, Field]) -> tuple[Field | None, Field | None]:
    """(n, m) K of the top above the sea, and what the sea's temperature was corrected by.

    A product is biased and coarse; where clear sea is in sight, its own 11 µm says what the sea is like: the mean difference within
    150 km is taken off, where little of that is clear the mean of the whole frame, and less where hardly any of the frame is. Without
    a product the clear sea alone is what tops are compared with.
    """
    clear = _clear(sight, seen)
    box = _box(BACKGROUND_KM, sight.cell_km)
    sst = sight.fields.get("SST")
    if sst is not None:
        raw = top - sst
        clear = clear & (raw > -4.5) & (raw < 8)  # clear sea can't look warmer than it is: then the product is too cold
        off = np.where(clear, raw, np.float32(0))
        anywhere = np.float32(off.mean() / (clear.mean() + _HARDLY))
        correction = (blur(off, box) + _LITTLE * anywhere) / (blur(clear.astype(np.float32), box) + _LITTLE)
        return raw - correction, correction
    if not clear.any():
        return None, None
    warmest = np.quantile(top[clear][:: max(1, int(clear.sum()) // 4096)], 0.9)
    clear = clear & (top > warmest - 8)
    share = blur(clear.astype(np.float32), box) + np.float32(1e-3)
    total = blur(np.where(clear, top, np.float32(0)), box) + np.float32(1e-3 * top[clear].mean())
    return top - total / share, None


def _clear(sight: Sight, seen: Mapping[str, Field]) -> NDArray[np.bool_]:
    """(n, m) where nothing speaks of cloud: no droplets, no ice, dark, smooth."""
    limits = {"droplets": (-3.0, 3.0), "ice": (-2.0, 1.0), "bright": (-20.0, 9.0), "rough": (-1.0, 0.5)}
    clear = np.isfinite(seen["window"])
    for name, (low, high) in limits.items():
        if name in seen:
            values = seen[name]
            with np.errstate(invalid="ignore"):
                clear &= ((values > low) & (values < high)) | np.isnan(values)
    return clear if sight.land is None else clear & ~sight.land


def _box(km: float, cell_km: tuple[float, float]) -> tuple[int, int]:
    return odd(km, cell_km[0]), odd(km, cell_km[1])


def between(grid: Grid, angle: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]], step: int = 8) -> Field:
    """(n, m) of what changes slowly: computed from latitude and longitude on every eighth cell, between them linear."""
    rows, columns = grid.shape
    down, across = _Knots.along(rows, step), _Knots.along(columns, step)
    lat = np.interp(down.places, np.arange(rows), grid.lat)
    lon = np.interp(across.places, np.arange(columns), grid.lon)
    coarse = angle(lat[:, None], lon[None, :]).astype(np.float32)
    return down.between(np.ascontiguousarray(across.between(coarse.T).T))


@dataclass(frozen=True, slots=True, eq=False)
class _Knots:
    """Places along an axis.

    Attributes:
        places: (k,) where they are, in cells.
        before: (size,) number of the knot before each cell.
        beyond: (size, 1) how far towards the next one the cell is, 0–1.
    """

    places: NDArray[np.float64]
    before: NDArray[np.intp]
    beyond: Field

    @classmethod
    def along(cls, size: int, step: int) -> _Knots:
        """About one for each ``step`` cells, at least two."""
        count = max(2, -(-size // step))
        places = np.linspace(0, max(size - 1, 1), count)
        at = np.interp(np.arange(size), places, np.arange(count))
        before = np.minimum(at.astype(np.intp), count - 2)
        return cls(places, before, (at - before).astype(np.float32)[:, None])

    def between(self, values: Field) -> Field:
        """(k, m) at the knots → (size, m) at the cells."""
        return values[self.before] + self.beyond * np.diff(values, axis=0)[self.before]
