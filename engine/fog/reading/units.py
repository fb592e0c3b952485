"""Which unit values are in: seen from the values and the sun, or refused; never guessed."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import UnitsUnclear
from engine.fog.elements import Element

Floats = NDArray[np.float32]

BRIGHTEST_FRACTION: Final = 1.5
"""Reflectance as a fraction stays below this, but for a few mirrors."""
DARKEST_DAY: Final = 3.0
"""Reflectance in per cent of the brightest thousandth of a picture by day is above this: clear sea alone has 3 to 6."""
HIGH_SUN_DEG: Final = 75.0


class System(StrEnum):
    """How the values of a multi-band picture are written."""

    GREY = "grey levels 0–255"
    FRACTION = "reflectance 0–1 and kelvin"
    PERCENT = "reflectance in per cent and kelvin"

    def unit(self, element: Element) -> str:
        """Unit of one element in this system."""
        if self is System.GREY or element.is_grey:
            return "grey level 0–255"
        return "K" if element.is_infrared else "fraction 0–1" if self is System.FRACTION else "%"


def system_of(name: str, sunlit: NDArray[Any], infrared: NDArray[Any], sun_zenith: float) -> System | None:
    """The system of one picture.

    Args:
        name: For messages.
        sunlit: (c, n, m) bands of reflected light.
        infrared: (c, n, m) bands of emitted light.
        sun_zenith: Smallest zenith angle of the sun in the picture, degrees.

    Returns:
        The system; ``None`` where the infrared is in kelvin and the picture too dark to tell fractions from per cent.

    Raises:
        UnitsUnclear: If it is none of the three.
    """
    if sunlit.dtype == np.uint8 and infrared.dtype == np.uint8:
        return System.GREY
    thermal = _finite(infrared)
    thermal = thermal[thermal != 0]  # what an imager did not see was written as 0
    middle = float(np.median(thermal)) if thermal.size else float("nan")
    whole = _finite(sunlit)
    if thermal.size and 180 < middle < 340:
        return _reflective(name, whole, sun_zenith)
    both = np.concatenate([whole, thermal])
    if both.size and both.min() >= 0 and 1.5 < both.max() <= 255 and np.array_equal(both, np.round(both)):
        return System.GREY
    raise UnitsUnclear(
        name,
        f"its infrared bands have a median of {middle:.4g}: neither kelvin (180–340) nor grey levels. Per cent where kelvin is expected?",
    )


def _reflective(name: str, values: Floats, sun_zenith: float) -> System | None:
    bright = float(np.quantile(values, 0.999)) if values.size else 0.0
    if bright > 200:
        raise UnitsUnclear(
            name, f"its reflected-light bands reach {bright:.0f}: kelvin where per cent is expected? Check the order of the bands."
        )
    if bright > DARKEST_DAY:
        return System.PERCENT
    if sun_zenith > HIGH_SUN_DEG:
        return None
    if bright <= BRIGHTEST_FRACTION:
        return System.FRACTION
    raise UnitsUnclear(name, f"its reflected-light bands reach {bright:.2f} by day: too much for a fraction, too little for per cent.")


def converted(name: str, element: Element, values: Floats, unit: str, sun_zenith: float) -> tuple[Floats, str]:
    """Values in the element's unit, and the unit in which they were found.

    Args:
        name: Variable, for messages.
        element: What they are.
        values: (n, m) float32.
        unit: Unit that the source states; empty where it states none.
        sun_zenith: Smallest zenith angle of the sun, degrees.

    Raises:
        UnitsUnclear: If the unit is another quantity's, or values and stated unit contradict each other.
    """
    stated = unit.strip().casefold().replace("°", "deg").replace(" ", "")
    if element.kind.unit == "K":
        return _temperature(name, element, values, stated)
    if element.is_reflectance:
        return _reflectance(name, values, stated, sun_zenith)
    if stated and not element.takes(unit.strip()):
        raise UnitsUnclear(name, f"it is given in “{unit}”; {element.kind.unit} is needed for {element.name}.")
    return values, unit or element.kind.unit


def _temperature(name: str, element: Element, values: Floats, stated: str) -> tuple[Floats, str]:
    if stated in {"degc", "c", "celsius", "degreecelsius", "degreescelsius", "degree_celsius", "degrees_celsius"}:
        out, found = values + np.float32(273.15), "°C"
    elif stated in {"", "k", "kelvin", "degk", "degrees_kelvin"}:
        out, found = values, "K"
    else:
        raise UnitsUnclear(name, f"it is given in “{stated}”, which is no unit of temperature, but {element.name} is one.")
    doubt = element.doubt(out)
    if doubt:
        raise UnitsUnclear(name, doubt + (" Per cent where kelvin is expected?" if found == "K" else ""))
    return out, found


def _reflectance(name: str, values: Floats, stated: str, sun_zenith: float) -> tuple[Floats, str]:
    if stated not in {"", "1", "%", "percent", "fraction", "none"}:
        raise UnitsUnclear(name, f"it is given in “{stated}”, which is no unit of reflectance.")
    finite = _finite(values)
    if finite.size and float(np.median(finite)) > 150:
        raise UnitsUnclear(name, f"its median is {float(np.median(finite)):.0f}: kelvin where per cent is expected.")
    system = _reflective(name, finite, sun_zenith) if finite.size else None
    if system is None:  # dark: the statement stands, for nothing speaks against it
        if stated in {"1", "fraction"}:
            return values * np.float32(100), "fraction 0–1"
        return values, "%" if stated else "% (too dark to tell)"
    if system is System.FRACTION and stated in {"%", "percent"}:
        raise UnitsUnclear(name, "it says per cent, but its values by day stay below 1.5: they are fractions. Correct its unit to “1”.")
    if system is System.PERCENT and stated in {"1", "fraction"}:
        raise UnitsUnclear(name, "it says fractions, but its values go beyond 3: they are per cent. Correct its unit to “%”.")
    return (values * np.float32(100), "fraction 0–1") if system is System.FRACTION else (values, "%")


def _finite(values: NDArray[Any]) -> Floats:
    sample = values.reshape(-1)
    sample = np.asarray(sample[:: max(1, sample.size // 400_000)], dtype=np.float32)
    return np.asarray(sample[np.isfinite(sample)])
