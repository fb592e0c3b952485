"""Which objects of an archive make up a scan: the key patterns of GOES and Himawari."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from engine.errors import SourceInvalid
from engine.fog.archive.bucket import Object
from engine.fog.instruments import Band, Instrument, Platform
from engine.types import Bounds

CONUS: Final = {"east": Bounds(-113.0, 15.0, -65.0, 50.0), "west": Bounds(-150.0, 15.0, -113.0, 50.0)}
"""Boxes that lie whole in the five-minute sector of GOES-East and of GOES-West."""
_EARTH_KM, _ORBIT_KM = 6378.137, 42164.0


@dataclass(frozen=True, slots=True)
class Scan:
    """The objects of one time.

    Attributes:
        time: When it began, UTC.
        objects: One a band, or one a band and segment.
    """

    time: datetime
    objects: tuple[Object, ...]


class Archive(ABC):
    """How a satellite's bucket is laid out.

    Attributes:
        instrument: Its imager.
        platform: The satellite.
        bounds: Where to.
    """

    def __init__(self, instrument: Instrument, platform: Platform, bounds: Bounds) -> None:
        if not platform.bucket:
            raise SourceInvalid(
                platform.name, "its level-1 files lie in no public archive. Fetch them from their agency, then convert them."
            )
        self.instrument, self.platform, self.bounds = instrument, platform, bounds

    @abstractmethod
    def prefixes(self, start: datetime, end: datetime) -> list[str]:
        """What to list for the scans that began between two times."""

    @abstractmethod
    def scans(self, objects: Iterable[Object], bands: Sequence[Band]) -> list[Scan]:
        """The objects of the wanted bands, and no others, grouped by time."""


class Goes(Archive):
    """``ABI-L1b-RadC/2024/123/18/OR_ABI-L1b-RadC-M6C13_G16_s20241231801171_e…_c….nc``: one object a band."""

    _KEY: Final = re.compile(r"OR_ABI-L1b-Rad[A-Z]\d?-M\d(C\d\d)_G\d\d_s(\d{4})(\d{3})(\d\d)(\d\d)(\d\d)\d_e")

    @property
    def product(self) -> str:
        """The five-minute sector where it holds the whole region, else the full disk."""
        sector = CONUS.get(self.platform.role)
        box = self.bounds
        inside = sector is not None and box.west <= box.east and box.west >= sector.west and box.east <= sector.east
        return (
            "ABI-L1b-RadC" if inside and sector is not None and box.south >= sector.south and box.north <= sector.north else "ABI-L1b-RadF"
        )

    def prefixes(self, start: datetime, end: datetime) -> list[str]:
        """One an hour."""
        hour, out = start.replace(minute=0, second=0, microsecond=0), []
        while hour <= end:
            out.append(f"{self.product}/{hour:%Y/%j/%H}/")
            hour += timedelta(hours=1)
        return out

    def scans(self, objects: Iterable[Object], bands: Sequence[Band]) -> list[Scan]:
        """By the second in which the scan began; a band may begin some seconds later than another."""
        wanted, found = {band.name for band in bands}, []
        for item in objects:
            match = self._KEY.match(item.name)
            if match and match[1] in wanted:
                year, day, hour, minute, second = (int(part) for part in match.groups()[1:])
                when = datetime(year, 1, 1, hour, minute, min(second, 59), tzinfo=UTC) + timedelta(days=day - 1)
                found.append((when, item))
        return _grouped(found, timedelta(seconds=60))


class Himawari(Archive):
    """``AHI-L1b-FLDK/2024/05/03/1800/HS_H09_20240503_1800_B13_FLDK_R20_S0110.DAT.bz2``: ten segments a band from north to south."""

    _KEY: Final = re.compile(r"HS_H\d\d_(\d{8})_(\d{4})_(B\d\d)_FLDK_R\d\d_S(\d\d)(\d\d)\.DAT")

    def prefixes(self, start: datetime, end: datetime) -> list[str]:
        """One every ten minutes, as the disk is scanned."""
        when, out = start.replace(minute=start.minute // 10 * 10, second=0, microsecond=0), []
        while when <= end:
            out.append(f"AHI-L1b-FLDK/{when:%Y/%m/%d/%H%M}/")
            when += timedelta(minutes=10)
        return out

    @property
    def segments(self) -> range:
        """The segments, from 1, that show the region, with one spare on each side for its curved edges."""
        lines = [self._line(lat, lon) for lat in (self.bounds.south, self.bounds.north) for lon in (self.bounds.west, self.bounds.east)]
        first, last = int(min(lines) * 10), int(max(lines) * 10)
        return range(max(1, first), min(10, last + 2) + 1)

    def _line(self, lat: float, lon: float) -> float:
        """How far down the disk a place is seen, 0 at its top, 1 at its bottom; the disk spans ±8.8° of scan angle."""
        phi, turn = np.deg2rad(lat), np.deg2rad(lon - self.platform.longitude)
        up, toward = np.sin(phi), np.cos(phi) * np.cos(turn)
        angle = np.arctan2(up * _EARTH_KM, _ORBIT_KM - toward * _EARTH_KM)
        return float(np.clip(0.5 - np.rad2deg(angle) / 17.61, 0, 0.9999))

    def scans(self, objects: Iterable[Object], bands: Sequence[Band]) -> list[Scan]:
        """By nominal time."""
        wanted, segments, found = {band.name for band in bands}, self.segments, []
        for item in objects:
            match = self._KEY.match(item.name)
            if match and match[3] in wanted and int(match[4]) in segments:
                found.append((datetime.strptime(match[1] + match[2], "%Y%m%d%H%M").replace(tzinfo=UTC), item))
        return _grouped(found, timedelta(0))


def archive_of(instrument: Instrument, platform: Platform, bounds: Bounds) -> Archive:
    """The layout of a satellite's bucket.

    Raises:
        SourceInvalid: If its files lie in no public archive that is known here.
    """
    kinds: dict[str, type[Archive]] = {"GOES": Goes, "Himawari": Himawari}
    if instrument.series not in kinds:
        raise SourceInvalid(
            platform.name, f"only {' and '.join(kinds)} have public archives that are read. Fetch the files, then convert them."
        )
    return kinds[instrument.series](instrument, platform, bounds)


def _grouped(found: list[tuple[datetime, Object]], within: timedelta) -> list[Scan]:
    out: list[tuple[datetime, list[Object]]] = []
    for when, item in sorted(found, key=lambda pair: (pair[0], pair[1].key)):
        if out and when - out[-1][0] <= within:
            out[-1][1].append(item)
        else:
            out.append((when, [item]))
    return [Scan(when, tuple(items)) for when, items in out]
