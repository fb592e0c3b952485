"""Why a pixel is what it is, for the person who points at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np

from engine.errors import PharosError, PointOutside
from engine.fog.cube import Cube
from engine.fog.detection import Explanation, explain
from engine.fog.elements import Element
from engine.fog.grid import Grid
from engine.fog.mask import WORDS, FogMask, State, Validity
from engine.fog.moments import Light, light


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of a pixel.

    Attributes:
        explanation: State, probability, conditions, values and tests.
        light: Day, twilight or night there.
        forecast: Whether state and probability are forecast; there are no values and tests then.
        synthetic: Whether the data are made up.
        sun: How the light is said.
    """

    explanation: Explanation
    light: Light
    forecast: bool
    synthetic: bool
    sun: str = field(default="")

    def record(self) -> dict[str, Any]:
        """As JSON."""
        found = self.explanation
        return {
            **found.record(),
            "lon": found.lon,
            "event": WORDS,
            "light": self.light,
            "sun": self.sun,
            "forecast": self.forecast,
            "synthetic": self.synthetic,
            "values": [_value(name, value) for name, value in found.values.items()],
        }


def cell_at(cube: Cube, lon: float, lat: float) -> tuple[int, int]:
    """Row and column of the cell at a place.

    Raises:
        PointOutside: If it lies outside the cube, or is no place.
    """
    grid: Grid = cube.grid
    down, across = grid.step
    row = np.floor((grid.lat[0] + down / 2 - lat) / down) if np.isfinite([lon, lat]).all() else np.nan
    column = np.floor(((lon - (grid.lon[0] - across / 2)) % 360) / across) if np.isfinite(lon) else np.nan
    rows, columns = grid.shape
    if not (np.isfinite(row) and 0 <= row < rows and 0 <= column < columns):
        raise PointOutside(lon, lat, cube.title, cube.bounds.words())
    return int(row), int(column)


def read_pixel(cube: Cube, mask: FogMask, lon: float, lat: float, index: int | None) -> Reading:
    """Read out the pixel at a place.

    Args:
        cube: The cube.
        mask: What the chosen method says of that time: its state and probability are told.
        lon: Degrees east.
        lat: Degrees north.
        index: Of the observed frame; ``None`` for a forecast.

    Raises:
        PointOutside: If the place lies outside the cube.
    """
    row, column = cell_at(cube, lon, lat)
    found = _own(cube, mask, row, column, {})
    if index is not None:
        found = _explained(cube, mask, row, column, index, found)
    at = found.solar_zenith
    there: Light = light(cube, mask.time) if at is None else "day" if at < 80 else "twilight" if at < 90 else "night"
    sun = "not known" if at is None else f"{at:.0f}° from the zenith, {there}"
    return Reading(found, there, index is None, mask.synthetic, sun)


def _explained(cube: Cube, mask: FogMask, row: int, column: int, index: int, own: Explanation) -> Explanation:
    """The tests of the physics core, with the state of the method that is shown."""
    values = _values(cube, row, column, index)
    try:
        told = explain(cube, index, row, column)
    except PharosError as error:
        return replace(own, values=values, notes=(*own.notes, str(error)))
    notes = tuple(dict.fromkeys((*told.notes, *own.notes)))
    if told.method != own.method:
        notes = (*notes, f"State and probability are those of “{own.method}”; the tests are those of “{told.method}”.")
    return replace(
        told,
        state=own.state,
        probability=own.probability,
        method=own.method,
        validity=own.validity,
        values=values,
        notes=notes,
    )


def _own(cube: Cube, mask: FogMask, row: int, column: int, values: Mapping[str, float | None]) -> Explanation:
    probability = float(mask.probability[row, column])
    sun, view = _zenith(cube, row, column, mask.time), cube.view_zenith
    return Explanation(
        time=mask.time,
        row=row,
        column=column,
        lat=float(cube.lat[row]),
        lon=float((cube.lon[column] + 180) % 360 - 180),
        state=State(int(mask.state[row, column])),
        probability=round(probability, 4) if np.isfinite(probability) else None,
        solar_zenith=sun,
        view_zenith=None if view is None else round(float(view[row, column]), 2),
        validity=Validity.all_words(int(mask.validity[row, column])),
        findings=(),
        values=values,
        method=mask.method,
        notes=tuple(mask.notes),
    )


def _zenith(cube: Cube, row: int, column: int, when: datetime) -> float | None:
    from engine.fog.sun import solar_zenith

    if not (cube.time_known and cube.place_known):
        return None
    return round(float(solar_zenith(when, np.array(cube.lat[row]), np.array(cube.lon[column]))), 2)


def _values(cube: Cube, row: int, column: int, index: int) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name in cube.elements:
        try:
            value = float(cube.element(name, index)[row, column])
        except PharosError:  # a lost chunk of one element hides no other
            value = float("nan")
        found[name] = round(value, 3) if np.isfinite(value) else None
    return found


def _value(name: str, value: float | None) -> dict[str, Any]:
    element = Element.find(name)
    words, unit = (name, "") if element is None else (element.words, element.kind.unit)
    return {"name": name, "words": words, "value": value, "unit": "" if unit == "1" else unit}
