"""Elements: what a cube holds, named by physics and not by sensor, with the unit that each must have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import CubeInvalid

FILL: Final = -32768
"""Stored where there is no value."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What elements of one kind share.

    Attributes:
        unit: CF unit of the values.
        aliases: Other spellings of the same unit.
        standard_name: CF standard name, empty where there is none.
        words: What it is.
        step: One count of the stored int16, in the unit.
        typical: Between which values the median of a frame lies if the unit is right.
    """

    unit: str
    aliases: tuple[str, ...]
    standard_name: str
    words: str
    step: float
    typical: tuple[float, float]


_REFLECTANCE: Final = Kind("%", ("percent",), "toa_bidirectional_reflectance", "reflectance", 0.01, (-10, 150))
_BRIGHTNESS: Final = Kind("K", ("kelvin",), "toa_brightness_temperature", "brightness temperature", 0.01, (150, 350))
_GREY: Final = Kind("1", ("grey",), "", "grey level 0–255 of a stretched picture, no physical unit", 0.01, (-1, 256))
_NAMED: Final = {
    "SST": Kind("K", ("kelvin",), "sea_surface_temperature", "sea surface temperature", 0.01, (250, 330)),
    "T2M": Kind("K", ("kelvin",), "air_temperature", "air temperature at 2 m", 0.01, (180, 340)),
    "D2M": Kind("K", ("kelvin",), "dew_point_temperature", "dew point at 2 m", 0.01, (170, 320)),
    "RH2M": Kind("%", ("percent",), "relative_humidity", "relative humidity at 2 m", 0.01, (-1, 130)),
    "U10": Kind("m s-1", ("m/s",), "eastward_wind", "wind to the east at 10 m", 0.01, (-80, 80)),
    "V10": Kind("m s-1", ("m/s",), "northward_wind", "wind to the north at 10 m", 0.01, (-80, 80)),
    "MSLP": Kind("hPa", ("mbar",), "air_pressure_at_mean_sea_level", "pressure at sea level", 0.1, (850, 1100)),
    "INV": Kind("K", ("kelvin",), "", "strength of the lowest inversion", 0.01, (-20, 40)),
    "FLOWX": Kind("1", (), "", "apparent motion to the east, cells a frame pair", 0.01, (-100, 100)),
    "FLOWY": Kind("1", (), "", "apparent motion to the south, cells a frame pair", 0.01, (-100, 100)),
}
_BANDS: Final = {"R": _REFLECTANCE, "BT": _BRIGHTNESS, "G": _GREY}
_BAND: Final = re.compile(r"(R|BT|G)(\d{4})\Z")


@dataclass(frozen=True, slots=True)
class Element:
    """One physical field of a cube.

    Attributes:
        name: ``R0064`` (reflectance at 0.64 µm), ``BT1120`` (brightness temperature at 11.2 µm), ``G0064`` (a grey level of that band),
            ``SST``, or a field of a weather model such as ``T2M``.
        kind: Unit and meaning.
        wavelength: Nominal centre, µm; ``None`` where it is no band.
    """

    name: str
    kind: Kind
    wavelength: float | None = None

    @classmethod
    def find(cls, name: str) -> Element | None:
        """The element of a name, or ``None`` where the name is no element's."""
        match = _BAND.match(name)
        if match:
            return cls(name, _BANDS[match[1]], int(match[2]) / 100)
        return cls(name, _NAMED[name]) if name in _NAMED else None

    @classmethod
    def named(cls, name: str) -> Element:
        """The element of a name.

        Raises:
            CubeInvalid: If the name is no element's.
        """
        found = cls.find(name)
        if found is None:
            why = "it is no element. Bands are named by physics, as R0064, BT0390 or BT1120; further SST, T2M, D2M, RH2M, U10, V10, MSLP."
            raise CubeInvalid(name, why)
        return found

    @property
    def is_reflectance(self) -> bool:
        """Whether it is reflected sunlight in per cent, so that it has no value by night."""
        return self.kind is _REFLECTANCE

    @property
    def is_infrared(self) -> bool:
        """Whether it is a brightness temperature, so that it has a value day and night."""
        return self.kind is _BRIGHTNESS

    @property
    def is_grey(self) -> bool:
        """Whether it is a grey level without a physical unit: good for texture and motion only."""
        return self.kind is _GREY

    @property
    def words(self) -> str:
        """How a person calls it."""
        return f"{self.wavelength:g} µm {self.kind.words}" if self.wavelength else self.kind.words

    @property
    def attributes(self) -> dict[str, object]:
        """CF attributes of its variable."""
        record: dict[str, object] = {"units": self.kind.unit, "long_name": self.words, "grid_mapping": "crs"}
        if self.kind.standard_name:
            record["standard_name"] = self.kind.standard_name
        if self.wavelength:
            record["wavelength_um"] = self.wavelength
        return record

    def takes(self, unit: str) -> bool:
        """Whether a unit is this element's."""
        return unit == self.kind.unit or unit in self.kind.aliases

    def doubt(self, values: NDArray[np.float32]) -> str:
        """Why values can't be in this element's unit; empty where they can.

        Args:
            values: (n, m) float32, NaN where there is none. About 4,000 of them are looked at.
        """
        sample = values.reshape(-1)
        finite = sample[:: max(1, sample.size // 4096)]
        finite = finite[np.isfinite(finite)]
        if finite.size == 0:
            return ""
        middle, (low, high) = float(np.median(finite)), self.kind.typical
        if low <= middle <= high:
            return ""
        unit = {"K": "kelvin", "1": "grey levels"}.get(self.kind.unit, self.kind.unit)
        return f"{self.name} has a median of {middle:.1f}, which is no {self.kind.words.split(',')[0]} in {unit}. Check its scale and unit."

    def packed(self, values: NDArray[np.float32]) -> NDArray[np.int16]:
        """Values as they are stored: int16 counts of ``kind.step``, :data:`FILL` where there is none or it does not fit."""
        with np.errstate(invalid="ignore"):
            counts = np.round(values / np.float32(self.kind.step))
            good = np.abs(counts) <= 32767  # false for NaN, too
        return np.where(good, counts, FILL).astype(np.int16)
