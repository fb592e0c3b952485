"""What the map shows and what it says, as values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from engine.colours import SCORE_TICKS, score_colour
from engine.types import Bounds, Hit, Region, Verdict

NAME_LENGTH: Final = 60
MOST_REGIONS: Final = 200
MOST_CORNERS: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """What all layers share.

    Attributes:
        id: Stable from run to run; letters, digits, ``-`` and ``_``.
        title: Name for people.
        version: When it or an address changes, the layer is fetched again and swapped without a blank.
        opacity: 0 to 1; changes cost no request.
        visible: A hidden layer is not fetched until it is shown.
        attribution: Whose pictures these are; markup is shown as its text.
        z: Higher lies on top; equal ones in the order given.
        smooth: Whether enlarged pixels are smoothed; masks and classes should not be.
        side: Side of a swipe that it is seen on; both unless it says so.
    """

    kind: ClassVar[str]

    id: str
    title: str = ""
    version: str = ""
    opacity: float = 1.0
    visible: bool = True
    attribution: str = ""
    z: int = 0
    smooth: bool = True
    side: Literal["", "left", "right"] = ""

    def props(self) -> dict[str, Any]:
        """The layer as the browser gets it."""
        return {
            "kind": self.kind,
            "id": self.id,
            "version": self.version,
            "opacity": self.opacity,
            "visible": self.visible,
            "attribution": self.attribution,
            "smooth": self.smooth,
            "side": self.side,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles(_Layer):
    """Web-mercator map tiles.

    Attributes:
        url: Template with ``{z}``, ``{x}``, ``{y}``, and ``{theme}`` where there are light and dark tiles.
        bounds: Outside, no tile is asked for.
        min_zoom: Coarsest level that exists; below it the tiles are shrunk.
        max_zoom: Finest level that exists; above it the tiles are enlarged.
        dims: Whether the dark theme darkens it; for base maps.
    """

    kind: ClassVar[str] = "tiles"

    url: str
    bounds: Bounds | None = None
    min_zoom: int = 0
    max_zoom: int = 22
    dims: bool = False

    def props(self) -> dict[str, Any]:
        """The layer as the browser gets it."""
        return {
            **_Layer.props(self),
            "url": self.url,
            "bounds": _sides(self.bounds),
            "min_zoom": self.min_zoom,
            "max_zoom": self.max_zoom,
            "dims": self.dims,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture(_Layer):
    """One picture, stretched over a box.

    Attributes:
        url: Address of the picture; its rows are evenly spaced in web mercator.
        bounds: Where it lies.
    """

    kind: ClassVar[str] = "picture"

    url: str
    bounds: Bounds

    def props(self) -> dict[str, Any]:
        """The layer as the browser gets it."""
        return {**_Layer.props(self), "url": self.url, "bounds": _sides(self.bounds)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames(_Layer):
    """Pictures of one box at several times; all are fetched, one is shown.

    Attributes:
        urls: One address a frame, ``None`` where there is a gap; rows evenly spaced in web mercator.
        bounds: Where they lie.
        index: Which one is shown, unless a timeline on the page says so.
        pinned: Whether it stays there whatever the timeline shows.
    """

    kind: ClassVar[str] = "frames"

    urls: tuple[str | None, ...]
    bounds: Bounds
    index: int = 0
    pinned: bool = False

    def props(self) -> dict[str, Any]:
        """The layer as the browser gets it."""
        return {
            **_Layer.props(self),
            "urls": list(self.urls),
            "bounds": _sides(self.bounds),
            "index": self.index,
            "pinned": self.pinned,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes(_Layer):
    """GeoJSON by address, fewer than a few thousand features; a feature's own ``colour`` property wins.

    Attributes:
        url: Address of the GeoJSON, longitude and latitude in degrees.
        colour: Of lines and fill, any CSS colour.
        weight: Width of lines, pixels.
        fill_opacity: 0 leaves the insides empty.
    """

    kind: ClassVar[str] = "shapes"

    url: str
    colour: str = "#0b6e8a"
    weight: float = 1.5
    fill_opacity: float = 0.0

    def props(self) -> dict[str, Any]:
        """The layer as the browser gets it."""
        return {
            **_Layer.props(self),
            "url": self.url,
            "colour": self.colour,
            "weight": self.weight,
            "fill_opacity": self.fill_opacity,
        }


Layer = Tiles | Picture | Frames | Shapes


def _sides(bounds: Bounds | None) -> list[float] | None:
    return None if bounds is None else [bounds.west, bounds.south, bounds.east, bounds.north]


@dataclass(frozen=True, slots=True)
class MapRegion:
    """A region as it stands on the map: with an identity, and its corners as drawn.

    Attributes:
        id: Stable from drawing to deletion.
        name: What the person calls it.
        geometry: GeoJSON Polygon or MultiPolygon; longitudes beyond ±180° where it was drawn across the antimeridian.
    """

    id: str
    name: str
    geometry: Mapping[str, Any]

    @classmethod
    def of(cls, region: Region, id: str) -> MapRegion:
        """A region of the engine; one that crosses the antimeridian is put together again, its east beyond 180°."""
        from shapely import union_all
        from shapely.affinity import translate

        from engine import geometry as geo

        geometry = region.geometry
        if region.bounds.west > region.bounds.east:
            parts = [p if p.bounds[0] >= 0 else translate(p, 360.0) for p in geo.polygons(geometry)]
            geometry = geo.joined(union_all(parts))
        return cls(id, region.name, geo.geojson(geometry))

    @property
    def region(self) -> Region:
        """For the engine: checked, and cut at ±180°.

        Raises:
            RegionInvalid: If it crosses itself, has no area or leaves the Earth.
        """
        return Region.from_like(self.geometry, self.name)

    def feature(self) -> dict[str, Any]:
        """As a GeoJSON Feature with id and name."""
        return {"type": "Feature", "id": self.id, "properties": {"name": self.name}, "geometry": dict(self.geometry)}

    @classmethod
    def from_feature(cls, feature: Any) -> MapRegion | None:  # noqa: ANN401 - whatever a browser may send
        """A region from what a browser sent, or ``None`` if it is none; nothing in it is trusted."""
        if not isinstance(feature, Mapping):
            return None
        geometry, properties, id = feature.get("geometry"), feature.get("properties"), feature.get("id")
        if not isinstance(geometry, Mapping) or geometry.get("type") not in ("Polygon", "MultiPolygon") or not isinstance(id, str):
            return None
        corners = list(_positions(geometry.get("coordinates")))
        if not 4 <= len(corners) <= MOST_CORNERS or not all(_is_position(corner) for corner in corners):
            return None
        name = properties.get("name") if isinstance(properties, Mapping) else None
        words = " ".join(name.split())[:NAME_LENGTH] if isinstance(name, str) else ""
        return cls(id[:40], words or "Region", {"type": geometry["type"], "coordinates": geometry["coordinates"]})


def _positions(coordinates: Any) -> Any:  # noqa: ANN401
    if isinstance(coordinates, list) and coordinates and not isinstance(coordinates[0], list):
        yield coordinates
    elif isinstance(coordinates, list):
        for part in coordinates:
            yield from _positions(part)
    else:
        yield None


def _is_position(value: Any) -> bool:  # noqa: ANN401
    if not isinstance(value, list) or len(value) < 2:
        return False
    return all(isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n) for n in value[:2])


@dataclass(frozen=True, slots=True)
class HitOutline:
    """A hit on the map.

    Attributes:
        tile_id: Id of the tile; the gallery's card has the same.
        rank: Number on the outline; 0 for none.
        colour: ``#rrggbb``.
        ring: Corners, longitude and latitude; east beyond 180° where it crosses the antimeridian.
        verdict: In words.
    """

    tile_id: str
    rank: int
    colour: str
    ring: tuple[tuple[float, float], ...]
    verdict: Verdict | str = ""

    @classmethod
    def of(cls, hit: Hit, colour: str | None = None) -> HitOutline:
        """The outline of a hit, in the colour of its percentile unless another is given."""
        return cls.around(hit.tile_id, hit.bounds, rank=hit.rank, colour=colour or score_colour(hit.percentile), verdict=hit.verdict)

    @classmethod
    def around(cls, tile_id: str, bounds: Bounds, *, rank: int = 0, colour: str = "#ffffff", verdict: str = "") -> HitOutline:
        """The outline of a box."""
        west, south, north = bounds.west, bounds.south, bounds.north
        east = bounds.east + 360 if bounds.west > bounds.east else bounds.east
        return cls(tile_id, rank, colour, ((west, north), (east, north), (east, south), (west, south)), verdict)

    def props(self) -> dict[str, Any]:
        """The outline as the browser gets it."""
        return {"tile_id": self.tile_id, "rank": self.rank, "colour": self.colour, "ring": [list(corner) for corner in self.ring]}


@dataclass(frozen=True, slots=True)
class Mark:
    """A named point.

    Attributes:
        id: Stable from run to run; what it is at the shown time is told under it in the browser.
        lon: Longitude, degrees.
        lat: Latitude, degrees.
        label: What stands beside it; empty for nothing.
        kind: A place that stays, or the one that was picked to be asked about.
    """

    id: str
    lon: float
    lat: float
    label: str = ""
    kind: Literal["place", "picked"] = "place"

    def props(self) -> dict[str, Any]:
        """The mark as the browser gets it."""
        return {"id": self.id, "lon": self.lon, "lat": self.lat, "label": self.label, "kind": self.kind}


@dataclass(frozen=True, slots=True)
class Swipe:
    """A line between two sides of the map, which the person moves by hand or keys.

    Attributes:
        left: What is seen left of it; the side is called A.
        right: What is seen right of it; the side is called B.
        at: Where it stands, 0 to 1 from the left; the browser keeps the person's own place until this changes.
    """

    left: str
    right: str
    at: float = 0.5

    def props(self) -> dict[str, Any]:
        """The line as the browser gets it."""
        return {"left": self.left, "right": self.right, "at": self.at}


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """Where the map looks when it is told to.

    Attributes:
        token: The map moves only when this changes; until then the person's own view stays.
        bounds: Show this box …
        fill: … and nothing around it, instead of all of it.
        centre: Or look here, longitude and latitude …
        zoom: … this closely.
        home: Where the home button leads; by default here.
    """

    token: str
    bounds: Bounds | None = None
    fill: bool = False
    centre: tuple[float, float] | None = None
    zoom: int | None = None
    home: Bounds | None = None

    def props(self) -> dict[str, Any]:
        """The camera as the browser gets it."""
        here = {"bounds": _sides(self.bounds), "fill": self.fill, "centre": list(self.centre) if self.centre else None, "zoom": self.zoom}
        home = {"bounds": _sides(self.home), "fill": False} if self.home else here
        return {"token": self.token, **here, "home": home}


@dataclass(frozen=True, slots=True)
class Swatch:
    """One line of a legend: a colour or a pattern, and what it means."""

    label: str
    kind: Literal["colour", "hatch", "checks", "dashed"] = "colour"
    colour: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """The card that explains the colours.

    Attributes:
        title: What is coloured.
        unit: Said after the title, softer.
        ramp: Name of a ramp, or CSS colours from low to high; empty for none.
        ticks: Words under the ramp, from its start to its end.
        places: Where on the ramp each tick stands, 0 to 1; evenly spread if empty.
        swatches: Single colours and patterns.
    """

    title: str
    unit: str = ""
    ramp: Literal["viridis", "fog"] | tuple[str, ...] = ()
    ticks: tuple[str, ...] = ()
    places: tuple[float, ...] = ()
    swatches: tuple[Swatch, ...] = ()

    @classmethod
    def scores(cls, total: int) -> Legend:
        """The legend of the score ramp.

        Args:
            total: Tiles of the collection.
        """
        return cls(title="Score", unit=f"percentile of {total:,}", ramp="viridis", ticks=SCORE_TICKS)

    @classmethod
    def fog(cls) -> Legend:
        """The legend of a fog mask."""
        return cls(
            title="Fog or very low stratus",
            ramp="fog",
            ticks=("0.35", "probability", "1"),
            swatches=(
                Swatch("paler: twilight, weak evidence", colour="#ffbe3c80"),
                Swatch("obscured by higher cloud", "hatch"),
                Swatch("no data", "checks"),
            ),
        )

    def props(self) -> dict[str, Any]:
        """The legend as the browser gets it."""
        return {
            "title": self.title,
            "unit": self.unit,
            "ramp": self.ramp if isinstance(self.ramp, str) else list(self.ramp),
            "ticks": list(self.ticks),
            "places": list(self.places),
            "swatches": [{"label": s.label, "kind": s.kind, "colour": s.colour} for s in self.swatches],
        }


@dataclass(frozen=True, slots=True)
class MapEvents:
    """What the person did on the map since the last run.

    Attributes:
        regions: All regions after something was drawn, edited, named or deleted; ``None`` if nothing was.
        clicked: Longitude and latitude of a click beside the hits.
        picked: Tile id of a hit that was clicked.
        divider: Where the swipe's line stands, 0 to 1 from the left; ``None`` until it was moved.
    """

    regions: tuple[MapRegion, ...] | None = None
    clicked: tuple[float, float] | None = None
    picked: str | None = None
    divider: float | None = None


def regions_sent(features: Sequence[Any]) -> tuple[MapRegion, ...]:
    """The regions in what a browser sent; what is none is left out, ids stay unique."""
    found: dict[str, MapRegion] = {}
    for feature in features[:MOST_REGIONS]:
        region = MapRegion.from_feature(feature)
        if region is not None:
            found.setdefault(region.id, region)
    return tuple(found.values())
