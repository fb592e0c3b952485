"""Level-1 files of GOES and Himawari from the public open-data buckets, by region and time, without an account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from engine.errors import ArchiveUnreachable, SourceInvalid
from engine.fog.archive.bucket import ENDPOINT, Bucket, Object
from engine.fog.archive.scans import Archive, Scan, archive_of
from engine.fog.instruments import Band, of_series
from engine.fog.reading.options import Options
from engine.fog.regions import sea_regions
from engine.progress import Cancel, Progress, silent

__all__ = ["Bucket", "Fetched", "fetch"]

WANTED: Final = ("R0064", "R0160", "BT0390", "BT1120", "BT1230")
"""What the detector needs; a full-disk scan of these five weighs some hundred megabytes, so no more is fetched unasked."""
LONGEST: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came.

    Attributes:
        platform: Satellite.
        files: Level-1 files, here now.
        scans: When the fetched scans began, UTC.
        gaps: Times for which the archive has no scan.
        bytes: Size of the files.
    """

    platform: str
    files: tuple[Path, ...]
    scans: tuple[datetime, ...]
    gaps: tuple[datetime, ...]
    bytes: int


def fetch(
    region: str,
    start: datetime,
    end: datetime,
    folder: Path,
    *,
    series: str = "",
    elements: tuple[str, ...] = (),
    every: int = 30,
    endpoint: str = ENDPOINT,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Fetched:
    """Bring the level-1 files of a region and a time here; what is there already is not fetched again.

    Args:
        region: Id of a sea region, or ``W,S,E,N``.
        start: First time, UTC.
        end: Last time; at most a week later.
        folder: Where to.
        series: ``GOES`` or ``Himawari``; by default the one that sees the region.
        elements: Which; by default those that the detector needs.
        every: Minutes between frames; of each step the scan nearest in time is taken.
        endpoint: Address of the server, with ``{bucket}`` where the bucket's name belongs.
        progress: Told of each object.
        cancel: Stops; what has arrived is kept.

    Raises:
        SourceInvalid: If the region is seen by none of the two, no satellite served then, or the time is too long.
        ArchiveUnreachable: If the archive does not answer, or has nothing of that time.
        Cancelled: If the person stopped it.
    """

    if end < start or end - start > LONGEST:
        raise SourceInvalid(region, f"the time from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC is empty or longer than a week.")
    archive, bands = _archive(region, start, series, elements)
    with Bucket(archive.platform.bucket, endpoint) as bucket:
        chosen, gaps = _chosen(archive, bucket, bands, start, end, timedelta(minutes=every))
        if not chosen:
            raise ArchiveUnreachable(
                archive.platform.bucket, f"it has no scan between {start:%Y-%m-%d %H:%M} and {end:%Y-%m-%d %H:%M} UTC. Pick another time."
            )
        wanted = [item for scan in chosen for item in scan.objects]
        files = []
        for index, item in enumerate(wanted):
            progress(f"Fetching from {archive.platform.name}", index, len(wanted))
            files.append(bucket.fetch(item, folder, cancel))
        progress(f"Fetching from {archive.platform.name}", len(wanted), len(wanted))
    size = sum(item.size for item in wanted)
    return Fetched(archive.platform.name, tuple(files), tuple(scan.time for scan in chosen), tuple(gaps), size)


def _archive(region: str, when: datetime, series: str, elements: tuple[str, ...]) -> tuple[Archive, list[Band]]:
    box = Options(region=region).box
    if box is None:
        raise SourceInvalid(region, "choose a region: one of the sea regions by its id, or W,S,E,N in degrees.")
    instrument = of_series(series or _series_of(region, box.centre[0]))
    platform = instrument.serving(when, box.centre[0])
    bands = instrument.bands_for(elements or WANTED)
    return archive_of(instrument, platform, box), list(bands.values())


def _series_of(region: str, longitude: float) -> str:
    """The series with a public archive that sees a region; of a free box the one whose satellite is nearer."""
    known = sea_regions().get(region.upper())
    if known is not None:
        return next((each for each in known.satellites if each in {"GOES", "Himawari"}), known.satellites[0])
    away = {"GOES": min(_apart(longitude, -75.2), _apart(longitude, -137.0)), "Himawari": _apart(longitude, 140.7)}
    return min(away, key=lambda each: away[each])


def _apart(one: float, other: float) -> float:
    return abs((one - other + 180) % 360 - 180)


def _chosen(
    archive: Archive, bucket: Bucket, bands: list[Band], start: datetime, end: datetime, every: timedelta
) -> tuple[list[Scan], list[datetime]]:
    """For each step the nearest scan within half a step or ten minutes, each scan once; and the steps that have none."""
    reach = min(every / 2, timedelta(minutes=10))
    steps = [start + index * every for index in range(int((end - start) / every) + 1)]
    listed: dict[str, list[Object]] = {}
    taken: dict[datetime, Scan] = {}
    gaps = []
    for step in steps:
        # each step's own prefixes: between the steps of a long time nothing is listed
        objects: list[Object] = []
        for prefix in archive.prefixes(step - reach, step + reach):
            if prefix not in listed:
                listed[prefix] = list(bucket.keys(prefix))
            objects += listed[prefix]
        near = [scan for scan in archive.scans(objects, bands) if abs(scan.time - step) <= reach]
        if near:
            scan = min(near, key=lambda each: abs(each.time - step))
            taken[scan.time] = scan
        else:
            gaps.append(step)
    return [taken[when] for when in sorted(taken)], gaps
