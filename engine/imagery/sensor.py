"""What the bands of a scene are and which of them are shown: the descriptions in ``assets/sensors/*.yaml``.

A sensor is added by adding a file there; nothing else needs to change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml

from engine.errors import RecipeInvalid, SensorNotFound
from engine.settings import ASSETS

UNKNOWN: Final = "unknown"
BY_COUNT: Final = {1: "gray", 2: UNKNOWN, 3: "rgb", 4: "rgbn", 12: "sentinel2_l2a", 13: "sentinel2_l1c"}
"""Sensor of a scene of which only the number of bands is known."""


@dataclass(frozen=True, slots=True)
class Band:
    """One band of a sensor.

    Attributes:
        name: Short name, as the sensor's papers use it.
        wavelength_nm: Centre, nanometres; ``None`` for radar and for greys of unknown make.
        aliases: Other names under which files carry it.
    """

    name: str
    wavelength_nm: float | None = None
    aliases: tuple[str, ...] = ()

    def named(self, text: str | None) -> bool:
        """Whether a band description means this band."""
        said = (text or "").strip().casefold()
        return said in {self.name.casefold(), *(alias.casefold() for alias in self.aliases)}


@dataclass(frozen=True, slots=True)
class Composite:
    """Which bands are shown as red, green and blue.

    Attributes:
        channels: Names of three bands.
        natural: Whether the colours are those that an eye would see; otherwise they are false.
        ranges: Stored values that become black and white, one pair a channel; ``None`` leaves it to the scene's percentiles.
        least_span: Smallest width of the percentile ramp, stored units.
    """

    channels: tuple[str, str, str]
    natural: bool
    ranges: tuple[tuple[float, float], ...] | None = None
    least_span: float = 0.0


@dataclass(frozen=True, slots=True)
class Sensor:
    """A satellite, a camera or a kind of file.

    Attributes:
        id: Key, the file's name in ``assets/sensors``.
        title: In words.
        bands: In the order of the file's bands.
        composite: What is shown.
        scale: Physical value = stored value × ``scale`` + ``offset``.
        offset: See ``scale``.
        unit: Unit of the physical value: reflectance, dB, count.
        gsd_m: Nominal ground sampling distance, metres.
        files: Patterns of ``folder/stem`` by which its files are known.
        least_bands: Files with fewer bands are not its own.
        synthetic: Whether its scenes are made up.
        source: Where the figures come from.
    """

    id: str
    title: str
    bands: tuple[Band, ...]
    composite: Composite
    scale: float = 1.0
    offset: float = 0.0
    unit: str = "count"
    gsd_m: float | None = None
    files: tuple[str, ...] = ()
    least_bands: int = 0
    synthetic: bool = False
    source: str = ""

    @classmethod
    def read(cls, path: Path) -> Sensor:
        """A sensor from its YAML file.

        Raises:
            RecipeInvalid: If the file is no sensor description.
        """
        try:
            record = yaml.safe_load(path.read_text(encoding="utf-8"))
            return _sensor(path.stem, record)
        except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError, re.error) as error:
            raise RecipeInvalid(path.name, f"{type(error).__name__}: {error}") from None

    def position(self, name: str, descriptions: Sequence[str | None] = ()) -> int | None:
        """Which band of a file (counted from 1) holds a named band.

        The file's own descriptions win when they name it; otherwise the sensor's order is taken.

        Returns:
            ``None`` if the sensor has no such band.
        """
        band = next((one for one in self.bands if one.named(name)), None)
        if band is None:
            return None
        for index, description in enumerate(descriptions, start=1):
            if band.named(description):
                return index
        return self.bands.index(band) + 1

    def shown(self, count: int, descriptions: Sequence[str | None] = ()) -> tuple[int, ...]:
        """Bands to show of a file with ``count`` bands, counted from 1: three for red, green, blue, or one for grey."""
        wanted = [self.position(name, descriptions) for name in self.composite.channels]
        found = [index for index in wanted if index is not None and index <= count]
        if len(found) < 3:
            return (min(found, default=1),)
        return tuple(found) if len(set(found)) > 1 else (found[0],)

    def infrared(self, count: int, descriptions: Sequence[str | None] = ()) -> int | None:
        """The near infrared band of a file with ``count`` bands, counted from 1; ``None`` without, or if the colours are false."""
        found = self.position("nir", descriptions) if self.composite.natural else None
        return found if found is not None and found <= count else None

    def fits(self, count: int) -> bool:
        """Whether a file with so many bands can be this sensor's."""
        return (self.least_bands or len(self.bands)) <= count <= len(self.bands)


def sensors() -> Mapping[str, Sensor]:
    """All sensor descriptions by id."""
    return _sensors(ASSETS / "sensors")


def sensor(name: str) -> Sensor:
    """The description of a sensor; ``unknown`` shows the first three bands, or the first as grey.

    Raises:
        SensorNotFound: If there is none of that name.
    """
    known = sensors()
    if name == UNKNOWN:
        return Sensor(
            UNKNOWN, "Unknown sensor", tuple(Band(f"band {n}") for n in (1, 2, 3)), Composite(("band 1", "band 2", "band 3"), False)
        )
    if name not in known:
        raise SensorNotFound(name, known)
    return known[name]


def guess_sensor(tags: Mapping[str, str], descriptions: Sequence[str | None], near: str, count: int) -> str:
    """Whose file this is: by its own tag, its band names, its name, its number of bands, in that order.

    Args:
        tags: The file's metadata; ``PHAROS_SENSOR`` names the sensor outright.
        descriptions: One a band.
        near: ``folder/stem`` of the file.
        count: Number of bands without an alpha band.

    Returns:
        Key of ``assets/sensors`` or ``unknown``.
    """
    known = sensors()
    tagged = tags.get("PHAROS_SENSOR", "")
    if tagged in known:
        return tagged
    for one in known.values():
        if one.fits(count) and any(re.search(pattern, near, re.IGNORECASE) for pattern in one.files):
            return one.id
    named = [text for text in descriptions[:count] if text]
    if len(named) == count and count > 1:
        for one in sorted(known.values(), key=lambda each: (each.synthetic, abs(len(each.bands) - count), bool(each.files), each.id)):
            if one.fits(count) and all(any(band.named(text) for band in one.bands) for text in named):
                return one.id
    return BY_COUNT.get(count, UNKNOWN)


@lru_cache(maxsize=4)
def _sensors(folder: Path) -> dict[str, Sensor]:
    return {path.stem: Sensor.read(path) for path in sorted(folder.glob("*.yaml"))}


def _sensor(key: str, record: dict[str, Any]) -> Sensor:
    bands = tuple(Band(str(b["name"]), b.get("wavelength_nm"), tuple(str(a) for a in b.get("aliases", ()))) for b in record["bands"])
    shown = record["composite"]
    ranges = shown.get("ranges")
    composite = Composite(
        (str(shown["red"]), str(shown["green"]), str(shown["blue"])),
        bool(shown["natural"]),
        None if ranges is None else tuple((float(low), float(high)) for low, high in ranges),
        float(shown.get("least_span", 0)),
    )
    missing = [name for name in composite.channels if not any(band.named(name) for band in bands)]
    if missing:
        raise ValueError(f"the composite names unknown bands {missing}")
    scaling = record.get("scaling", {})
    patterns = tuple(str(p) for p in record.get("files", ()))
    for pattern in patterns:
        re.compile(pattern)
    return Sensor(
        key,
        str(record["title"]),
        bands,
        composite,
        float(scaling.get("scale", 1)),
        float(scaling.get("offset", 0)),
        str(scaling.get("unit", "count")),
        record.get("gsd_m"),
        patterns,
        int(record.get("least_bands", 0)),
        bool(record.get("synthetic", False)),
        str(record.get("source", "")),
    )
