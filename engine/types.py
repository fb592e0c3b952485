"""The nouns of Pharos: what the parts of the engine hand to one another and to the views.

Frozen value types that carry their own verbs. Coordinates are WGS 84 degrees, times are UTC-aware.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon, shape
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from engine import geometry as geo
from engine.errors import RegionInvalid, TimeInvalid

Verdict = Literal["strong", "fair", "weak"]
TimeLike = datetime | date | str


def utc(when: TimeLike) -> datetime:
    """A time as a UTC-aware datetime; one without a zone is taken as UTC.

    Args:
        when: A datetime, a date (midnight) or ISO 8601 text.

    Raises:
        TimeInvalid: If the text is no time.
    """
    if isinstance(when, str):
        text = when.strip()
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            raise TimeInvalid(text) from None
    elif not isinstance(when, datetime):
        when = datetime(when.year, when.month, when.day, tzinfo=UTC)
    try:
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except OverflowError:  # the first and last hours of the calendar in another zone
        raise TimeInvalid(when.isoformat()) from None


def spoken(when: datetime) -> str:
    """A time as a person reads it: the day alone at midnight, else with minutes and UTC written out."""
    return f"{when:%Y-%m-%d}" if (when.hour, when.minute) == (0, 0) else f"{when:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class Bounds:
    """A box in WGS 84 degrees; ``west > east`` means that it crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def around(cls, geometry: Polygon | MultiPolygon) -> Self:
        """The smallest box around a geometry; parts that touch both sides of ±180° give a box that crosses it."""
        west, south, east, north = geometry.bounds
        parts = geo.polygons(geometry)
        touches_both = west <= -180 + 1e-9 and east >= 180 - 1e-9
        if touches_both and len(parts) > 1 and not any(p.bounds[0] <= -180 + 1e-9 and p.bounds[2] >= 180 - 1e-9 for p in parts):
            eastern = [p.bounds for p in parts if p.bounds[2] > 0 and p.bounds[0] >= 0]
            western = [p.bounds for p in parts if p.bounds[0] < 0 and p.bounds[2] <= 0]
            if eastern and western and len(eastern) + len(western) == len(parts):
                return cls(min(b[0] for b in eastern), south, max(b[2] for b in western), north)
        return cls(west, south, east, north)

    @property
    def array(self) -> NDArray[np.float64]:
        """(4,) west, south, east, north in degrees."""
        return np.array([self.west, self.south, self.east, self.north])

    @property
    def polygon(self) -> Polygon | MultiPolygon:
        """The box as a shape within ±180°."""
        return geo.box(self.west, self.south, self.east, self.north)

    @property
    def width(self) -> float:
        """Extent in longitude, degrees."""
        return (self.east - self.west) % 360 if self.west > self.east else self.east - self.west

    @property
    def centre(self) -> tuple[float, float]:
        """Longitude and latitude of the middle, degrees."""
        lon = self.west + self.width / 2
        return (lon - 360 if lon > 180 else lon, (self.south + self.north) / 2)

    def words(self) -> str:
        """The box in words, for messages: ``99.8–99.7° W, 47.1–47.2° N``."""

        def side(value: float, positive: str, negative: str) -> str:
            return f"{abs(value):.2f}° {positive if value >= 0 else negative}"

        return f"{side(self.west, 'E', 'W')} to {side(self.east, 'E', 'W')}, {side(self.south, 'N', 'S')} to {side(self.north, 'N', 'S')}"


@dataclass(frozen=True, slots=True)
class Region:
    """An area on the Earth that a person drew or named.

    Attributes:
        geometry: Polygon or MultiPolygon in WGS 84 degrees; already cut at ±180°.
        name: What the person calls it.
    """

    geometry: Polygon | MultiPolygon
    name: str = "region"

    @classmethod
    def from_like(cls, like: Any, name: str = "") -> Region:  # noqa: ANN401 - anything may come in, a Region goes out
        """Anything that names an area, as a Region: this is where region-like input is normalised, once.

        Args:
            like: A Region, Bounds, shapely geometry, GeoJSON mapping, four numbers or their text ``W,S,E,N``, or the path of
                a GeoJSON file. In four numbers ``W > E`` crosses the antimeridian; in GeoJSON longitudes beyond ±180°
                do.
            name: What to call it; by default the name inside, else “region”.

        Raises:
            RegionInvalid: If it is no polygon, crosses itself, has no area or leaves the Earth.
        """
        if isinstance(like, Region):
            return like if not name else cls(like.geometry, name)
        fallback = "region"
        if isinstance(like, str | Path):
            like, fallback = _read_region(like)
        if isinstance(like, Bounds):
            like = like.array.tolist()
        if isinstance(like, Mapping):
            like, name = _region_from_geojson(like, name)
        elif not isinstance(like, BaseGeometry):
            like = _region_from_numbers(list(like))
        return cls(_checked(like), name or fallback)

    @classmethod
    def from_box(cls, text: str, name: str = "") -> Region:
        """A region from the text ``W,S,E,N`` and nothing else: for what strangers send, since no text opens a file.

        Args:
            text: Four numbers in degrees; ``W > E`` crosses the antimeridian.
            name: What to call it; by default “region”.

        Raises:
            RegionInvalid: If it is no box, has no area or leaves the Earth.
        """
        return cls(_checked(_region_from_numbers(_numbers(text, "it is not W,S,E,N in degrees."))), name or "region")

    @property
    def area_km2(self) -> float:
        """Area on an equal-area projection (EPSG:6933), km²."""
        return geo.area_km2(self.geometry)

    @property
    def bounds(self) -> Bounds:
        """The box around it."""
        return Bounds.around(self.geometry)

    def meets(self, boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which boxes touch the region: (N, 4) west, south, east, north in degrees → (N,) bool."""
        return geo.boxes_meet(boxes, self.geometry)

    def feature(self) -> dict[str, Any]:
        """The region as a GeoJSON Feature with its name."""
        return {"type": "Feature", "properties": {"name": self.name}, "geometry": geo.geojson(self.geometry)}


def _read_region(text: str | Path) -> tuple[Any, str]:
    words = str(text).strip()
    if not words.lower().endswith((".json", ".geojson")):
        return _numbers(words, f"“{words[:80]}” is neither W,S,E,N in degrees nor a .geojson file."), "region"
    path = Path(words)
    try:
        return json.loads(path.read_text(encoding="utf-8")), path.stem
    except (OSError, ValueError) as error:
        raise RegionInvalid(f"“{path.name}” is no readable GeoJSON file ({type(error).__name__}).") from None


def _numbers(text: str, otherwise: str) -> list[float]:
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        raise RegionInvalid(otherwise) from None


def _region_from_numbers(numbers: list[Any]) -> BaseGeometry:
    try:
        west, south, east, north = (float(n) for n in numbers)
    except (TypeError, ValueError):
        raise RegionInvalid("a box takes four numbers, W,S,E,N in degrees.") from None
    if not np.isfinite([west, south, east, north]).all():
        raise RegionInvalid("its corners are not numbers.")
    if not (-90 <= south <= north <= 90) or not (-540 <= west <= 540 and -540 <= east <= 540):
        raise RegionInvalid("give W,S,E,N in degrees, south before north, latitudes within ±90.")
    if south == north or west == east:
        raise RegionInvalid("it has no area. Draw a rectangle or a polygon.")
    return shapely.box(west, south, east + 360 if west > east else east, north)


def _region_from_geojson(like: Mapping[str, Any], name: str) -> tuple[BaseGeometry, str]:
    kind = like.get("type")
    if kind == "FeatureCollection":
        members = [_region_from_geojson(member, "") for member in like.get("features") or []]
        if not members:
            raise RegionInvalid("the GeoJSON holds no feature.")
        return shapely.union_all([geometry for geometry, _ in members]), name or members[0][1]
    if kind == "Feature":
        inner = like.get("properties")
        title = str(inner.get("name") or "") if isinstance(inner, Mapping) else ""
        body = like.get("geometry")
        if not isinstance(body, Mapping):
            raise RegionInvalid("the GeoJSON feature has no geometry.")
        return _region_from_geojson(body, "")[0], name or title
    try:
        return shape(like), name
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, shapely.errors.ShapelyError):
        raise RegionInvalid("it is no valid GeoJSON polygon.") from None


def _checked(geometry: BaseGeometry) -> Polygon | MultiPolygon:
    if not isinstance(geometry, Polygon | MultiPolygon):
        raise RegionInvalid("it has no area. Draw a rectangle or a polygon.")
    if geometry.is_empty:
        raise RegionInvalid("it has no area. Draw a rectangle or a polygon.")
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        raise RegionInvalid("its corners are not numbers.")
    if not geometry.is_valid:
        if "Self-intersection" in explain_validity(geometry):
            raise RegionInvalid("its outline crosses itself. Move a corner so that no two sides cross.")
        if geo.joined(shapely.make_valid(geometry)).is_empty:
            raise RegionInvalid("it has no area. Draw a rectangle or a polygon.")
        raise RegionInvalid(f"its outline is not a simple ring ({explain_validity(geometry).split('[')[0].lower()}). Draw it again.")
    _, south, _, north = geometry.bounds
    if south < -90 or north > 90:
        raise RegionInvalid("its latitudes leave ±90°.")
    cut = geo.cut_at_antimeridian(geometry)
    if geo.ring_area_is_zero(cut):
        raise RegionInvalid("it has no area. Draw a rectangle or a polygon.")
    return cut


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """From one time to another, both included; an open end is ``None``."""

    start: datetime | None = None
    end: datetime | None = None

    @classmethod
    def from_like(cls, start: TimeLike | None, end: TimeLike | None) -> TimeSpan:
        """A span from ISO texts; a bare day as the end means its last moment.

        Raises:
            TimeInvalid: If a text is no time or the end lies before the start.
        """
        first = None if start is None else utc(start)
        last = None if end is None else utc(end)
        if last is not None and (isinstance(end, str) and len(end.strip()) <= 10):
            last += timedelta(days=1) - timedelta(microseconds=1)
        if first and last and last < first:
            raise TimeInvalid(f"{start} to {end}")
        return cls(first, last)

    def holds(self, when: datetime) -> bool:
        """Whether a time lies inside."""
        return (self.start is None or when >= self.start) and (self.end is None or when <= self.end)

    def words(self) -> str:
        """The span in words, for messages."""
        if self.start and self.end:
            return f"between {spoken(self.start)} and {spoken(self.end)}"
        if self.start:
            return f"from {spoken(self.start)} on"
        return f"up to {spoken(self.end)}" if self.end else "at any time"


@dataclass(frozen=True, slots=True)
class Scene:
    """One acquisition: a raster file with a place and a time, or a plain picture.

    Attributes:
        id: Unique in its collection, made of the file's stem or its relative path.
        source: Absolute path, or the http(s) address, of the pixels.
        sensor: Key of ``assets/sensors/``, or ``unknown``.
        datetime: Acquisition time, UTC; ``None`` where nobody knows it.
        gsd_m: Ground sampling distance, metres a pixel; ``None`` without a place.
        width: Pixels.
        height: Pixels.
        footprint: Outline in WGS 84 degrees; for pictures without a place the cell of a plain grid near 0° N 0° E.
        georeferenced: Whether the footprint is a real place.
        synthetic: Whether the pixels are made up.
        crs: CRS of the raster as EPSG code or WKT, empty without a place.
        transform: Affine pixel → CRS coefficients a, b, c, d, e, f (rasterio order), empty without a place.
    """

    id: str
    source: str
    sensor: str
    datetime: datetime | None
    gsd_m: float | None
    width: int
    height: int
    footprint: Polygon | MultiPolygon
    georeferenced: bool = True
    synthetic: bool = False
    crs: str = ""
    transform: tuple[float, ...] = ()

    @property
    def bounds(self) -> Bounds:
        """The box around it."""
        return Bounds.around(self.footprint)


@dataclass(frozen=True, slots=True)
class Tile:
    """A window of a scene.

    Attributes:
        id: ``{scene}/{column}-{row}`` in pixels; for a plain picture the scene's id.
        scene: Id of its scene.
        window: Where it lies in the scene, pixels.
        footprint: Outline in WGS 84 degrees.
    """

    id: str
    scene: str
    window: geo.Window
    footprint: Polygon | MultiPolygon

    @property
    def bounds(self) -> Bounds:
        """The box around it."""
        return Bounds.around(self.footprint)


@dataclass(frozen=True, slots=True)
class Query:
    """What a person asks of a collection.

    Attributes:
        collection: Name of the collection.
        texts: What to look for; several texts are averaged.
        negatives: What to stay away from.
        likes: Tile ids or picture paths to look like.
        regions: Where; empty means everywhere. A tile belongs when it touches any of them.
        span: When.
        sensor: Only scenes of this sensor; empty means all.
        limit: How many hits at most.
        merge: Whether overlapping hits of one scene become one.
    """

    collection: str
    texts: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    likes: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    span: TimeSpan = field(default_factory=TimeSpan)
    sensor: str = ""
    limit: int = 12
    merge: bool = True


@dataclass(frozen=True, slots=True)
class Hit:
    """A tile that answers a query.

    Attributes:
        tile_id: Id of the tile.
        rank: 1 is best.
        score: Cosine of tile and query, −1 to 1; for reading use the percentile and the margin.
        percentile: Share of all tiles of the collection that score lower, 0 to 1.
        margin: Score minus the tile's mean score for neutral prompts.
        verdict: In words, from the model's calibration.
        bounds: The box around the tile.
        datetime: Time of its scene.
        scene: Id of its scene.
        merged: Ids of overlapping tiles of the same scene that this hit stands for.
    """

    tile_id: str
    rank: int
    score: float
    percentile: float
    margin: float
    verdict: Verdict
    bounds: Bounds
    datetime: datetime | None
    scene: str
    merged: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """The hit as JSON (design.md, command-line contract)."""
        return {
            "tile_id": self.tile_id,
            "rank": self.rank,
            "score": round(self.score, 6),
            "percentile": round(self.percentile, 6),
            "margin": round(self.margin, 6),
            "verdict": self.verdict,
            "bbox": [round(float(side), 7) for side in self.bounds.array],
            "datetime": None if self.datetime is None else self.datetime.isoformat(),
            "scene": self.scene,
            "merged": list(self.merged),
        }


@dataclass(frozen=True, slots=True)
class Ranking:
    """The answer to a query.

    Attributes:
        hits: Best first.
        relevant: How many of the searched tiles pass the model's relevance cut; 0 means that nothing looks like the query.
        searched: How many tiles were inside region, time and sensor.
        total: How many tiles the collection has.
        model: Id and hash of the encoder.
        timings_ms: Duration of each stage.
    """

    hits: tuple[Hit, ...]
    relevant: int
    searched: int
    total: int
    model: str
    timings_ms: Mapping[str, float]

    def record(self) -> dict[str, Any]:
        """The ranking as JSON (design.md, command-line contract)."""
        return {
            "hits": [hit.record() for hit in self.hits],
            "relevant": self.relevant,
            "searched": self.searched,
            "total": self.total,
            "model": self.model,
            "timings_ms": {stage: round(ms, 2) for stage, ms in self.timings_ms.items()},
        }


@dataclass(frozen=True, slots=True)
class LabelScores:
    """Zero-shot labels of one tile.

    Attributes:
        tile_id: Id of the tile.
        labels: The label set, in the order of ``probabilities``.
        probabilities: One a label, sums to 1.
        abstained: Whether the margin between the two best is too small to say.
    """

    tile_id: str
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    abstained: bool

    @property
    def label(self) -> str:
        """The best label, also when abstained."""
        return self.labels[int(np.argmax(self.probabilities))]

    @property
    def probability(self) -> float:
        """Probability of the best label."""
        return max(self.probabilities)

    @property
    def margin(self) -> float:
        """Distance between the two best probabilities; 1 for a single label."""
        best = sorted(self.probabilities, reverse=True)
        return best[0] - best[1] if len(best) > 1 else 1.0
