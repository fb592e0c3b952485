"""What a view shows, as one value that the address bar carries: exact both ways, so a link restores the view."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self
from urllib.parse import quote, unquote

import numpy as np
import shapely
from numpy.typing import NDArray

from app.address import PageState
from components.map import MapRegion
from engine.errors import PharosError
from engine.types import Region

EVERY_DATE = "all"
HITS, MOST_HITS = 12, 96
"""How many hits are shown at first, and at most: more pictures than that nobody compares, and the map would be covered."""
MOST_CORNERS = 500
"""Corners of a drawn region that an address carries; more would outgrow what browsers and proxies accept."""
EAST_END, NORTH_END = 540.0, 90.0
"""How far from 0° a corner may lie, degrees: a map repeats the world once to either side."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A region as the person drew it.

    Attributes:
        id: Stable while it is renamed and edited.
        name: What the person calls it.
        ring: Corners as (longitude, latitude) in degrees to six decimals, not closed; longitudes may leave ±180°.
    """

    id: str
    name: str
    ring: tuple[tuple[float, float], ...]

    @classmethod
    def from_ring(cls, identity: str, name: str, ring: Sequence[Sequence[float]]) -> Self:
        """Round the corners to six decimals (0.1 m) and open the ring."""
        corners = [(round(float(lon), 6) + 0.0, round(float(lat), 6) + 0.0) for lon, lat, *_ in ring]
        if len(corners) > 1 and corners[0] == corners[-1]:
            corners.pop()
        return cls(identity, name, tuple(corners))

    @classmethod
    def from_map(cls, region: MapRegion) -> Self:
        """From what the map sends; of a shape in several parts the first is kept, since only those can be drawn.

        A ring that an address could not carry is brought to the nearest world and to at most 500 corners.
        """
        coordinates = region.geometry["coordinates"]
        ring = coordinates[0] if region.geometry["type"] == "Polygon" else coordinates[0][0]
        corners = np.array([corner[:2] for corner in ring], dtype=np.float64).reshape(-1, 2)
        return cls.from_ring(region.id, region.name, _thinned(_near(corners)).tolist())

    @classmethod
    def from_text(cls, text: str) -> Self:
        """From ``id|name|lon,lat;lon,lat;…``.

        Raises:
            ValueError: If it is not of that form.
        """
        identity, name, corners = text.split("|")
        ring = [tuple(float(number) for number in corner.split(",")) for corner in corners.split(";")]
        if not 3 <= len(ring) <= MOST_CORNERS or not all(len(corner) == 2 and _on_earth(*corner) for corner in ring):
            raise ValueError(text)
        return cls.from_ring(unquote(identity), unquote(name), ring)

    def text(self) -> str:
        """As the address carries it."""
        corners = ";".join(f"{lon:.6f},{lat:.6f}" for lon, lat in self.ring)
        return f"{quote(self.id, safe='')}|{quote(self.name, safe='')}|{corners}"

    @property
    def geometry(self) -> dict[str, Any]:
        """GeoJSON polygon."""
        return {"type": "Polygon", "coordinates": [[list(corner) for corner in (*self.ring, self.ring[0])]]}

    def on_map(self) -> MapRegion:
        """As the map shows it."""
        return MapRegion(self.id, self.name, self.geometry)

    @property
    def region(self) -> Region:
        """The region that the engine understands.

        Raises:
            RegionInvalid: If the drawing bounds no area.
        """
        return Region.from_like(self.geometry, self.name)

    @property
    def flaw(self) -> str:
        """Why it can't be used, or nothing."""
        try:
            _ = self.region
        except PharosError as error:
            return str(error)
        except Exception:  # whatever the geometry library finds wrong with it
            return "The region can't be used: its outline is no polygon. Draw it again."
        return ""


@dataclass(frozen=True, slots=True)
class ViewState(PageState):
    """Everything that Explore shows.

    Attributes:
        collection: Name of the collection; empty means the first.
        text: What is looked for.
        negative: What to stay away from.
        like: Ids of tiles to look like.
        regions: What was drawn.
        when: ISO time of the scene shown and searched, ``all``, or empty for the newest.
        tile: Id of the picked tile.
        labels: Name of a label set, or labels separated by commas.
        hits: How many are asked for.
        fog: Name of the shown fog cube, or empty.
        frame: Index of its frame.
        basemap: Name of an online basemap, or empty for the offline one.
        scene_opacity: Of the imagery, percent.
        score_opacity: Of the score surface, percent.
        fog_opacity: Of the fog layer, percent.
    """

    RANGES: ClassVar[Mapping[str, tuple[int, int]]] = {
        "hits": (1, MOST_HITS),
        **{f"{layer}_opacity": (0, 100) for layer in ("scene", "score", "fog")},
    }

    collection: str = ""
    text: str = ""
    negative: str = ""
    like: tuple[str, ...] = ()
    regions: tuple[Drawn, ...] = ()
    when: str = ""
    tile: str = ""
    labels: str = "land_cover"
    hits: int = HITS
    fog: str = ""
    frame: int = 0
    basemap: str = ""
    scene_opacity: int = 100
    score_opacity: int = 0
    fog_opacity: int = 80

    @property
    def asks(self) -> bool:
        """Whether there is something to rank by."""
        return bool(self.text.strip() or self.like)

    @classmethod
    def read(cls, name: str, default: Any, values: list[str]) -> Any:  # noqa: ANN401 - a field's value
        """A field's value from the address; regions have a form of their own."""
        if name == "regions":
            return once(Drawn.from_text(value) for value in values)
        return super(ViewState, cls).read(name, default, values)  # bare super() fails in a class with slots


def once(regions: Iterable[Drawn]) -> tuple[Drawn, ...]:
    """The first region of each id."""
    by_id: dict[str, Drawn] = {}
    for drawn in regions:
        by_id.setdefault(drawn.id, drawn)
    return tuple(by_id.values())


def _on_earth(lon: float, lat: float) -> bool:
    return math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= EAST_END and abs(lat) <= NORTH_END


def _near(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ring, moved by whole turns where it was drawn on a far copy of the world."""
    if len(corners) and np.abs(corners[:, 0]).max() > EAST_END:
        corners = corners - [360 * round(float(np.ptp(corners[:, 0]) / 2 + corners[:, 0].min()) / 360), 0]
    return np.clip(corners, [-EAST_END, -NORTH_END], [EAST_END, NORTH_END])


def _thinned(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ring with at most 500 corners: those stay that matter most for its shape (Douglas–Peucker)."""
    if len(corners) <= MOST_CORNERS:
        return corners
    tolerance = float(np.ptp(corners, axis=0).max()) * 1e-5
    for _ in range(20):
        outline = shapely.simplify(shapely.Polygon(corners), tolerance, preserve_topology=True)
        kept = shapely.get_coordinates(outline)
        if 4 <= len(kept) <= MOST_CORNERS:
            return kept
        tolerance *= 2
    return corners[:: -(-len(corners) // MOST_CORNERS)]
