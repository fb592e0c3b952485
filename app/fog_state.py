"""What the Fog page shows, as one value that the address bar carries."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self
from urllib.parse import quote, unquote

from app.address import PageState
from app.state import Drawn, once

MOST_POINTS: Final = 32
NOTHING: Final = "none"
"""Stands for no layer, where an empty text means the default one."""
LAYERS, TIMES = "layers", "times"
"""What A and B of the swipe differ by."""
SIDES: Final = ("inside", "outside")
PERCENT: Final = (0, 100)


@dataclass(frozen=True, slots=True)
class Point:
    """A place that the person named.

    Attributes:
        name: What they call it.
        lon: Longitude, degrees, to five decimals.
        lat: Latitude, degrees, to five decimals.
    """

    name: str
    lon: float
    lat: float

    @classmethod
    def at(cls, name: str, lon: float, lat: float) -> Self:
        """Round the place to five decimals (1 m).

        Raises:
            ValueError: If it is not on Earth, or has no name.
        """
        if not (math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 540 and abs(lat) <= 90 and name):
            raise ValueError(name)
        return cls(name, round(lon, 5) + 0.0, round(lat, 5) + 0.0)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """From ``name|lon|lat``.

        Raises:
            ValueError: If it is not of that form.
        """
        name, lon, lat = text.split("|")
        return cls.at(unquote(name), float(lon), float(lat))

    def text(self) -> str:
        """As the address carries it."""
        return f"{quote(self.name, safe='')}|{self.lon:.5f}|{self.lat:.5f}"


@dataclass(frozen=True, slots=True)
class FogState(PageState):
    """Everything that the Fog page shows.

    Attributes:
        cube: Name of the cube; empty means the first.
        start: ISO date from which a long series is shown; empty means its beginning.
        when: Stamp of the frame that is shown; empty means the last observed one.
        picture: Id of the lower layer; empty means the first that can be drawn, ``none`` hides it.
        mask: Id of the upper layer; empty means fog, ``none`` hides it.
        picture_opacity: Of the lower layer, percent.
        mask_opacity: Of the upper layer, percent.
        method: Id of the detector; empty means the default.
        forecast: Whether the next three hours are shown.
        learned: Whether the network makes them, where it is offered.
        compare: ``layers`` or ``times`` for a swipe, else empty.
        other: Id of B's layer, when layers are compared.
        other_when: Stamp of B's frame, when times are compared.
        divider: Where the swipe's line stands, percent from the left.
        at: Longitude and latitude of the place that is read out, as text; empty for none.
        points: Places of the person's own.
        regions: What was drawn: the area and the search are then of these.
        text: What is looked for.
        side: Whether inside or outside the fog.
        collection: Where is searched; empty means the first that lies here.
    """

    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = dict.fromkeys(("picture_opacity", "mask_opacity", "divider"), PERCENT)
    CHOICES: ClassVar[Mapping[str, Collection[str]]] = {"compare": ("", LAYERS, TIMES), "side": SIDES}

    cube: str = ""
    start: str = ""
    when: str = ""
    picture: str = ""
    mask: str = ""
    picture_opacity: int = 100
    mask_opacity: int = 85
    method: str = ""
    forecast: bool = False
    learned: bool = False
    compare: str = ""
    other: str = ""
    other_when: str = ""
    divider: int = 50
    at: str = ""
    points: tuple[Point, ...] = ()
    regions: tuple[Drawn, ...] = ()
    text: str = ""
    side: str = "inside"
    collection: str = ""

    @classmethod
    def read(cls, name: str, default: Any, values: list[str]) -> Any:  # noqa: ANN401 - a field's value
        """A field's value from the address; regions, points and the picked place have forms of their own."""
        if name == "regions":
            return once(Drawn.from_text(value) for value in values)
        if name == "points":
            return tuple({point.name: point for point in map(Point.from_text, values[:MOST_POINTS])}.values())
        if name == "at":
            return place_text(*place_of(values[-1]))
        return super(FogState, cls).read(name, default, values)  # bare super() fails in a class with slots

    @property
    def place(self) -> tuple[float, float] | None:
        """Longitude and latitude of the place that is read out."""
        return place_of(self.at) if self.at else None


def place_of(text: str) -> tuple[float, float]:
    """Longitude and latitude of ``lon,lat``.

    Raises:
        ValueError: If it is no place on Earth.
    """
    lon, lat = (float(part) for part in text.split(","))
    point = Point.at("place", lon, lat)
    return point.lon, point.lat


def place_text(lon: float, lat: float) -> str:
    """A place as the address carries it, to five decimals."""
    return f"{round(lon, 5) + 0.0:.5f},{round(lat, 5) + 0.0:.5f}"  # adding zero takes the sign from a zero that was rounded to
