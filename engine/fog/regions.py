"""The sea regions that fog cubes cover."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from engine.errors import RecipeInvalid
from engine.settings import ASSETS
from engine.types import Bounds

STEP: Final = 0.0125
"""Degrees a cell of a full cube; 1.39 km north to south, so no “1 km” grid."""


@dataclass(frozen=True, slots=True)
class SeaRegion:
    """A box of sea with a name.

    Attributes:
        id: Two letters, as in M4Fog.
        name: What lies there.
        bounds: The box.
        satellites: Geostationary series that see it.
        name_in_paper: What M4Fog calls it.
        note: Where the paper's name or box is wrong; empty where it is right.
    """

    id: str
    name: str
    bounds: Bounds
    satellites: tuple[str, ...]
    name_in_paper: str
    note: str = ""


@lru_cache(maxsize=4)
def sea_regions(folder: Path = ASSETS / "regions") -> dict[str, SeaRegion]:
    """All regions by id, in the order of their ids.

    Raises:
        RecipeInvalid: If a file lacks a key.
    """
    import yaml

    regions = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            record = yaml.safe_load(path.read_text(encoding="utf-8"))
            west, south, east, north = (float(side) for side in record["bounds"])
            region = SeaRegion(
                id=str(record["id"]),
                name=str(record["name"]),
                bounds=Bounds(west, south, east, north),
                satellites=tuple(record["satellites"]),
                name_in_paper=str(record["name_in_paper"]),
                note=str(record.get("note", "")),
            )
        except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
            raise RecipeInvalid(path.name, f"{type(error).__name__}: {error}") from None
        regions[region.id] = region
    return regions
