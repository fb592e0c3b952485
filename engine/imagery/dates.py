"""When a picture was taken: from its tags, else from its name.

In order of trust: tags that name the acquisition, a full date in the name, the TIFF date tag (which by its definition is
when the file was written), a year that stands alone in the name (1 January of that year).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

ACQUISITION_TAGS: Final = (
    "ACQUISITIONDATETIME",
    "ACQUISITION_DATETIME",
    "ACQUISITION_DATE",
    "DATE_ACQUIRED",
    "SENSING_TIME",
    "EXIF_DATETIMEORIGINAL",
    "DATETIME",
    "DATE",
)
WRITTEN_TAGS: Final = ("TIFFTAG_DATETIME", "EXIF_DATETIME")

_STAMP: Final = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_.:/]?)(\d\d)\2(\d\d)"
    r"(?:[T _-]?(\d\d)[-:_.h]?(\d\d)(?:[-:_.]?(\d\d))?(?:\.\d+)?(?:Z|\+00:?00)?)?(?!\d)"
)
_DAY: Final = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.:/]?)(\d\d)\2(\d\d)(?!\d)")
_MONTH: Final = re.compile(r"(?<!\d)((?:19|20)\d\d)-(\d\d)(?![\d-])")
_LANDSAT: Final = re.compile(r"(?<![A-Z])L[CEMOT][1-9]\d{6}((?:19|20)\d\d)([0-3]\d\d)")
_YEAR: Final = re.compile(r"(?<![\dA-Za-z])((?:19|20)\d\d)(?![\dA-Za-z])")


def date_in_tags(tags: Mapping[str, str], names: tuple[str, ...] = ACQUISITION_TAGS) -> datetime | None:
    """The first readable time among tags, UTC; names are compared without regard to case."""
    upper = {key.upper(): str(value) for key, value in tags.items()}
    for name in names:
        found = _iso(upper.get(name, "")) or date_in_text(upper.get(name, ""))
        if found is not None:
            return found
    return None


def date_in_text(text: str) -> datetime | None:
    """A full date, with or without a time, anywhere in a text: ``20090818``, ``2014-07-20``, ``20140720T103021``."""
    for match in _STAMP.finditer(text):
        year, _, month, day, hour, minute, second = match.groups()
        found = _valid(year, month, day, hour or "0", minute or "0", second or "0")
        if found is not None:
            return found
    for match in _DAY.finditer(text):
        found = _valid(match[1], match[3], match[4])
        if found is not None:
            return found
    landsat = _LANDSAT.search(text)
    if landsat and 1 <= int(landsat[2]) <= 366:
        return datetime(int(landsat[1]), 1, 1, tzinfo=UTC) + timedelta(days=int(landsat[2]) - 1)
    month_only = _MONTH.search(text)
    return _valid(month_only[1], month_only[2], "1") if month_only else None


def bare_year(stem: str) -> datetime | None:
    """A year that stands alone in a name, as 1 January: ``1985``, ``lake_1985``; several such numbers say nothing."""
    years = _YEAR.findall(stem)
    return datetime(int(years[0]), 1, 1, tzinfo=UTC) if len(years) == 1 else None


def acquired(tags: Mapping[str, str], stem: str) -> datetime | None:
    """When a raster was taken, by the module's order of trust; ``None`` where nothing says it."""
    return date_in_tags(tags) or date_in_text(stem) or date_in_tags(tags, WRITTEN_TAGS) or bare_year(stem)


def _iso(text: str) -> datetime | None:
    """ISO 8601 with its zone respected."""
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def _valid(*parts: str) -> datetime | None:
    try:
        return datetime(*(int(part) for part in parts), tzinfo=UTC)  # type: ignore[arg-type, misc]  # six whole numbers at most
    except ValueError:
        return None
