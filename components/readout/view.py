"""The read-out of a place: asked of the server by the browser, so that the pointer is followed without a rerun."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components import frontend
from engine.types import Bounds


@dataclass(frozen=True, slots=True)
class ReadoutEvents:
    """What the person did.

    Attributes:
        place: Longitude and latitude, degrees, that were typed; ``None`` if nothing was.
        freed: Whether the place was let go, so that the pointer is followed again.
    """

    place: tuple[float, float] | None = None
    freed: bool = False


def readout(
    *,
    url: str,
    query: Mapping[str, str],
    stamps: Sequence[str | None],
    labels: Sequence[str],
    index: int,
    bounds: Bounds,
    methods: Mapping[str, str],
    at: tuple[float, float] | None = None,
    over: str,
    base: str = "",
    key: str,
) -> ReadoutEvents:
    """Show what the picked place is, or the one under the pointer, with the tests that were made there.

    Args:
        url: Where a place is asked about; ``lon``, ``lat`` and ``time`` are added.
        query: What else is asked with it.
        stamps: Time of each frame as it stands in addresses; ``None`` for a gap.
        labels: Time of each frame in words.
        index: Frame that is shown first; from then on the timeline says which.
        bounds: Outside of it nothing is asked.
        methods: Names of the detectors by their id.
        at: Longitude and latitude of the picked place.
        over: Key of the map that it belongs to.
        base: Prefix of the app's own routes.
        key: Name of this read-out.
    """
    result = frontend.component("readout")(
        key=key,
        data={
            **frontend.own_files(base, "readout"),
            "url": url,
            "query": dict(query),
            "stamps": list(stamps),
            "labels": list(labels),
            "index": index,
            "bounds": [bounds.west, bounds.south, bounds.east, bounds.north],
            "methods": dict(methods),
            "at": None if at is None else list(at),
            "over": over,
        },
        on_told_change=_rerun,
    )
    kind, value = frontend.news(key, result.told) or ("", None)
    return ReadoutEvents(place_sent(value) if kind == "place" else None, kind == "freed")


def place_sent(sent: Any) -> tuple[float, float] | None:  # noqa: ANN401 - whatever a browser may send
    """Longitude and latitude of what a browser sent, or ``None`` if it is no place."""
    if not isinstance(sent, Mapping):
        return None
    lon, lat = sent.get("lon"), sent.get("lat")
    if not all(isinstance(each, int | float) and not isinstance(each, bool) and math.isfinite(each) for each in (lon, lat)):
        return None
    return (float(lon), float(lat)) if abs(lon) <= 540 and abs(lat) <= 90 else None


def _rerun() -> None:
    """A named state needs a callback; the rerun itself is all that is wanted."""
