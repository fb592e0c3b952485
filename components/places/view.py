"""The list of ports and points; the browser asks when each lies in fog, and shows it frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from components import frontend
from components.readout.view import place_sent

NAME_LENGTH: Final = 40


@dataclass(frozen=True, slots=True)
class PlaceEvents:
    """What the person did.

    Attributes:
        picked: Longitude and latitude, degrees, of the point to be read out.
        added: Name, longitude and latitude of a new point.
        dropped: Name of the own point that is no longer wanted.
    """

    picked: tuple[float, float] | None = None
    added: tuple[str, float, float] | None = None
    dropped: str | None = None


def places(
    *,
    url: str,
    own: Sequence[tuple[str, float, float]],
    stamps: Sequence[str | None],
    times: Sequence[str],
    index: int,
    body: Mapping[str, Any],
    over: str,
    base: str = "",
    key: str,
) -> PlaceEvents:
    """Show ports and points with “in fog from … to …”.

    Args:
        url: Where the ports' spells are; own points are posted there.
        own: Name, longitude and latitude of the person's own points.
        stamps: Time of each frame as it stands in addresses; ``None`` for a gap.
        times: Time of each frame, ISO 8601.
        index: Frame that is shown first; from then on the timeline says which.
        body: What is posted with own points.
        over: Key of the map on which they are marked.
        base: Prefix of the app's own routes.
        key: Name of this list.
    """
    result = frontend.component("places")(
        key=key,
        data={
            **frontend.own_files(base, "places"),
            "url": url,
            "own": [{"name": name, "lon": lon, "lat": lat} for name, lon, lat in own],
            "stamps": list(stamps),
            "times": list(times),
            "index": index,
            "body": dict(body),
            "over": over,
        },
        on_told_change=_rerun,
    )
    kind, value = frontend.news(key, result.told) or ("", None)
    return PlaceEvents(
        picked=place_sent(value) if kind == "picked" else None,
        added=_named(value) if kind == "added" else None,
        dropped=value if kind == "dropped" and isinstance(value, str) else None,
    )


def _named(sent: Any) -> tuple[str, float, float] | None:  # noqa: ANN401 - whatever a browser may send
    place, name = place_sent(sent), sent.get("name") if isinstance(sent, Mapping) else None
    if place is None or not isinstance(name, str) or not name.strip():
        return None
    return " ".join(name.split())[:NAME_LENGTH], *place


def _rerun() -> None:
    """A named state needs a callback; the rerun itself is all that is wanted."""
