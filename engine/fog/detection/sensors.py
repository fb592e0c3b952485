"""How a clear sky over the sea looks to each imager: what its bands lose to vapour and carbon dioxide (``assets/detection``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import RecipeInvalid
from engine.settings import ASSETS

Field = NDArray[np.float32]
Line = tuple[float, float, float]
"""Constant, for each air mass, and for each centimetre of usual precipitable water times air mass, K."""

FILE: Final = ASSETS / "detection" / "clear_sky.yaml"


@dataclass(frozen=True, slots=True)
class ClearSky:
    """What clear sea looks like, as lines of air mass and usual vapour.

    Attributes:
        instrument: Id of the imager.
        near_um: Its band near 3.9 µm.
        window_um: Its band near 11 µm.
        near: 3.9 − 11 µm without sun, K.
        vapour: What 11 µm loses, K.
        apart: 11 − 12 µm, K.
        quartz: 8.6 − 11 µm, K.
    """

    instrument: str
    near_um: float
    window_um: float
    near: Line
    vapour: Line
    apart: Line
    quartz: Line

    def difference(self, wet: Field, slant: Field) -> Field:
        """(n, m) 3.9 − 11 µm without sun, K."""
        return _line(self.near, wet, slant)

    def loss(self, wet: Field, slant: Field) -> Field:
        """(n, m) what 11 µm loses to vapour, K."""
        return _line(self.vapour, wet, slant)

    def split(self, wet: Field, slant: Field) -> Field:
        """(n, m) 11 − 12 µm, K."""
        return _line(self.apart, wet, slant)

    def grains(self, wet: Field, slant: Field) -> Field:
        """(n, m) 8.6 − 11 µm, K."""
        return _line(self.quartz, wet, slant)


def clear_sky(instrument: str, wavelengths: Mapping[str, float]) -> ClearSky:
    """The clear sky of an imager; of an unknown one that with the nearest bands."""
    known = clear_skies()
    if instrument in known:
        return known[instrument]
    near, window = wavelengths.get("BT0390") or 3.9, wavelengths.get("BT1120") or 11.2
    return min(known.values(), key=lambda sky: 3 * abs(sky.near_um - near) + abs(sky.window_um - window))


@lru_cache(maxsize=2)
def clear_skies(path: Path = FILE) -> dict[str, ClearSky]:
    """All imagers by id.

    Raises:
        RecipeInvalid: If the file is broken.
    """
    import yaml

    try:
        records = yaml.safe_load(path.read_text(encoding="utf-8"))["imagers"]
        return {str(record["instrument"]): _read(record) for record in records}
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise RecipeInvalid(path.name, f"{type(error).__name__}: {error}") from None


def _read(record: dict[str, Any]) -> ClearSky:
    values: dict[str, Any] = {}
    for each in fields(ClearSky):
        value = record[each.name]
        values[each.name] = tuple(float(part) for part in value) if isinstance(value, list) else value
    return ClearSky(**values)


def _line(line: Line, wet: Field, slant: Field) -> Field:
    constant, path, moist = (np.float32(part) for part in line)
    return np.asarray(constant + slant * (path + moist * wet), dtype=np.float32)
