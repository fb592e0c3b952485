"""Imagers: which band of theirs fills which element, and which satellite carried them when (``assets/instruments``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Self

from engine.errors import RecipeInvalid, SourceInvalid
from engine.fog.elements import Element
from engine.settings import ASSETS

FOLDER: Final = ASSETS / "instruments"


@dataclass(frozen=True, slots=True)
class Band:
    """One channel of an imager.

    Attributes:
        name: The reader's name.
        wavelength: Centre, µm.
        element: Element that it fills, or empty.
    """

    name: str
    wavelength: float
    element: str = ""


@dataclass(frozen=True, slots=True)
class Platform:
    """A satellite in its time of service.

    Attributes:
        name: For example GOES-19.
        longitude: Longitude under it, degrees east.
        start: First day of service, UTC.
        end: First day after it, or ``None``.
        bucket: Open-data bucket of its level-1 files, or empty.
        role: ``east``, ``west`` or another word for its place.
    """

    name: str
    longitude: float
    start: datetime
    end: datetime | None
    bucket: str = ""
    role: str = ""

    @classmethod
    def read(cls, record: dict[str, Any]) -> Self:
        """From a line of an imager's file."""
        end = record.get("to")
        return cls(
            str(record["name"]),
            float(record["longitude"]),
            _midnight(record["from"]),
            None if end is None else _midnight(end),
            str(record.get("bucket", "")),
            str(record.get("role", "")),
        )

    def serves(self, when: datetime) -> bool:
        """Whether it was the one in service."""
        return self.start <= when and (self.end is None or when < self.end)


@dataclass(frozen=True, slots=True)
class Instrument:
    """An imager.

    Attributes:
        id: For example ABI.
        name: What a person calls it.
        series: Geostationary series, as the sea regions name it.
        reader: Reader of its level-1 files in the optional level-1 library.
        bands: In the order of M4Fog's arrays.
        platforms: Satellites that carried it.
    """

    id: str
    name: str
    series: str
    reader: str
    bands: tuple[Band, ...]
    platforms: tuple[Platform, ...]

    @property
    def elements(self) -> dict[str, Band]:
        """Element → the band that fills it."""
        return {band.element: band for band in self.bands if band.element}

    def bands_for(self, elements: tuple[str, ...]) -> dict[str, Band]:
        """The bands that fill some elements.

        Raises:
            SourceInvalid: If the imager has no band for one of them.
        """
        known = self.elements
        missing = [name for name in elements if name not in known]
        if missing:
            raise SourceInvalid(self.name, f"it has no band for {', '.join(missing)}; it has {', '.join(known)}.")
        return {name: known[name] for name in elements}

    def serving(self, when: datetime, longitude: float | None = None) -> Platform:
        """The satellite in service at a time, the nearest to a longitude if several are.

        Raises:
            SourceInvalid: If none was.
        """
        serving = [platform for platform in self.platforms if platform.serves(when)]
        if not serving:
            first = min(platform.start for platform in self.platforms)
            raise SourceInvalid(self.name, f"no satellite carried it on {when:%Y-%m-%d}; its data begin on {first:%Y-%m-%d}.")
        if longitude is None:
            return serving[0]
        return min(serving, key=lambda platform: abs((platform.longitude - longitude + 180) % 360 - 180))


@lru_cache(maxsize=4)
def instruments(folder: Path = FOLDER) -> dict[str, Instrument]:
    """All imagers by id.

    Raises:
        RecipeInvalid: If a file lacks a key, or names an element twice or one that is none.
    """
    import yaml

    found = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            instrument = _read(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
            raise RecipeInvalid(path.name, f"{type(error).__name__}: {error}") from None
        filled = [band.element for band in instrument.bands if band.element]
        wrong = [name for name in filled if Element.find(name) is None or filled.count(name) > 1]
        if wrong:
            raise RecipeInvalid(path.name, f"{wrong[0]} is no element, or stands twice.")
        found[instrument.id] = instrument
    return found


def of_series(series: str) -> Instrument:
    """The first imager of a geostationary series, for example of GOES.

    Raises:
        SourceInvalid: If there is none.
    """
    known = instruments()
    for instrument in known.values():
        if instrument.series.casefold() == series.casefold():
            return instrument
    raise SourceInvalid(series, f"there is no such series; known: {', '.join(sorted({each.series for each in known.values()}))}.")


def _read(record: dict[str, Any]) -> Instrument:
    bands = tuple(Band(str(band["name"]), float(band["wavelength_um"]), str(band.get("element", ""))) for band in record["bands"])
    if len(bands) != int(record["channels"]):
        raise ValueError(f"{len(bands)} bands are listed, {record['channels']} channels are said")
    platforms = tuple(Platform.read(line) for line in record["platforms"])
    return Instrument(str(record["id"]), str(record["name"]), str(record["series"]), str(record["reader"]), bands, platforms)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
