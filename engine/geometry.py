"""Geometry on the sphere and in projections: antimeridian cuts, equal areas, tile grids.

Outside this module every coordinate is WGS 84 longitude and latitude in degrees (EPSG:4326, x before y).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import GeometryCollection, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from engine.errors import RegionInvalid

WGS84: Final = "EPSG:4326"
EQUAL_AREA: Final = "EPSG:6933"
"""Cylindrical equal area on WGS 84 (EASE-Grid 2.0), metres."""

FloatArray = NDArray[np.float64]


@lru_cache(maxsize=64)
def transformer(source: str, target: str) -> Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    """Map coordinates between two reference systems, x (east, longitude) before y.

    Args:
        source: CRS as an EPSG code or WKT.
        target: CRS as an EPSG code or WKT.
    """
    from pyproj import Transformer

    return cast(
        "Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]",
        Transformer.from_crs(source, target, always_xy=True).transform,
    )


def project(geometry: BaseGeometry, source: str, target: str) -> BaseGeometry:
    """Project a geometry vertex by vertex.

    Args:
        geometry: Any shapely geometry in ``source`` coordinates.
        source: CRS of the geometry.
        target: CRS of the result.
    """
    move = transformer(source, target)
    return cast("BaseGeometry", shapely.transform(geometry, lambda xy: np.column_stack(move(xy[:, 0], xy[:, 1]))))


def area_km2(geometry: BaseGeometry) -> float:
    """Area in km² on an equal-area projection (EPSG:6933).

    Edges are straight in longitude and latitude, as they are drawn on the map; since the projection is cylindrical the
    area of a box is exact, and long sloping edges are densified to 0.1°.

    Args:
        geometry: Polygon or MultiPolygon, WGS 84 degrees, within ±180°.
    """
    return float(project(shapely.segmentize(geometry, 0.1), WGS84, EQUAL_AREA).area) / 1e6


def polygons(geometry: BaseGeometry) -> list[Polygon]:
    """The polygons in a geometry; points and lines are left out."""
    if isinstance(geometry, Polygon):
        return [] if geometry.is_empty else [geometry]
    if isinstance(geometry, MultiPolygon | GeometryCollection):
        return [part for member in geometry.geoms for part in polygons(member)]
    return []


def joined(geometry: BaseGeometry) -> Polygon | MultiPolygon:
    """The polygonal part of a geometry as one Polygon or MultiPolygon.

    Raises:
        RegionInvalid: If there is no polygonal part.
    """
    parts = polygons(geometry)
    if not parts:
        raise RegionInvalid("it has no area. Draw a rectangle or a polygon.")
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def unwrapped(ring: FloatArray) -> FloatArray:
    """Longitudes made continuous, so that no step is longer than 180°.

    A step of exactly 180° or the full width of the world (−180 to 180, as a global box has) is kept as it stands.

    Args:
        ring: (N, 2) longitude, latitude in degrees.

    Returns:
        (N, 2); longitudes may leave ±180°.
    """
    steps = np.diff(ring[:, 0])
    turns = np.where((np.abs(steps) > 180) & (np.abs(steps) < 360), -360.0 * np.sign(steps), 0.0)
    out = ring.copy()
    out[1:, 0] += np.cumsum(turns)
    return out


def cut_at_antimeridian(geometry: BaseGeometry) -> Polygon | MultiPolygon:
    """Bring a polygon that leaves ±180° back onto the map, in as many parts as it takes.

    Coordinates beyond ±180° (190° for 170° W) are taken as drawn; nothing is assumed about rings whose coordinates all
    lie within ±180°.

    Args:
        geometry: Polygonal, WGS 84 degrees, longitudes within ±540°.

    Raises:
        RegionInvalid: If nothing with an area is left.
    """
    west, _, east, _ = geometry.bounds
    if west >= -180 and east <= 180:
        return joined(geometry)
    pieces: list[BaseGeometry] = []
    for turn in (-360.0, 0.0, 360.0):
        window = shapely.box(-180 - turn, -90, 180 - turn, 90)
        piece = geometry.intersection(window)
        if not piece.is_empty:
            pieces.append(shapely.transform(piece, lambda xy, turn=turn: xy + np.array([turn, 0.0])))
    return joined(shapely.union_all([part for piece in pieces for part in polygons(piece)]))


def box(west: float, south: float, east: float, north: float) -> Polygon | MultiPolygon:
    """A box in degrees; ``west > east`` means that it crosses the antimeridian."""
    return cut_at_antimeridian(shapely.box(west, south, east + 360 if west > east else east, north))


def footprint(ring_x: FloatArray, ring_y: FloatArray, crs: str) -> Polygon | MultiPolygon:
    """The outline of a raster or a window in WGS 84, whatever its projection.

    Args:
        ring_x: (N,) eastings of the closed outline in ``crs``, dense enough to follow curved edges.
        ring_y: (N,) northings.
        crs: EPSG code or WKT.
    """
    lon, lat = transformer(crs, WGS84)(np.asarray(ring_x, float), np.asarray(ring_y, float))
    ring = np.column_stack([lon, lat])
    if not np.isfinite(ring).all():
        raise RegionInvalid("its coordinates can't be expressed in longitude and latitude.")
    polygon = shapely.make_valid(Polygon(unwrapped(ring)))
    return cut_at_antimeridian(polygon)


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of pixels: column and row of its upper left corner, width and height."""

    column: int
    row: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class TileGrid:
    """How a scene is cut into square windows.

    The last column and row are moved inward, so that the whole scene is covered and every tile has the full size; a
    scene smaller than a tile gives one tile of the scene's size.

    Attributes:
        width: Width of the scene, pixels.
        height: Height of the scene, pixels.
        size: Side of a tile, pixels.
        overlap: Pixels that neighbours share, less than ``size``.
    """

    width: int
    height: int
    size: int
    overlap: int = 0

    def __post_init__(self) -> None:
        if self.size < 1 or not 0 <= self.overlap < self.size:
            raise ValueError(f"a tile of {self.size} px can't overlap by {self.overlap} px")

    def _starts(self, length: int) -> list[int]:
        if length <= self.size:
            return [0]
        starts = list(range(0, length - self.size + 1, self.size - self.overlap))
        if starts[-1] + self.size < length:
            starts.append(length - self.size)
        return starts

    @property
    def columns(self) -> list[int]:
        """Left edges, pixels."""
        return self._starts(self.width)

    @property
    def rows(self) -> list[int]:
        """Upper edges, pixels."""
        return self._starts(self.height)

    def __len__(self) -> int:
        return len(self.columns) * len(self.rows)

    def __iter__(self) -> Iterator[Window]:
        width, height = min(self.size, self.width), min(self.size, self.height)
        return (Window(column, row, width, height) for row in self.rows for column in self.columns)


def boxes_meet(boxes: FloatArray, geometry: BaseGeometry) -> NDArray[np.bool_]:
    """Which boxes touch a geometry, exactly.

    Args:
        boxes: (N, 4) west, south, east, north in degrees; west > east crosses the antimeridian.
        geometry: Polygonal, within ±180°.

    Returns:
        (N,) bool.
    """
    boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    shapely.prepare(geometry)
    west, south, east, north = boxes.T
    crossing = west > east
    meets = shapely.intersects(geometry, shapely.box(west, south, np.where(crossing, 180.0, east), north))
    if crossing.any():
        meets[crossing] |= shapely.intersects(geometry, shapely.box(-180.0, south[crossing], east[crossing], north[crossing]))
    return cast("NDArray[np.bool_]", meets)


def ring_area_is_zero(geometry: BaseGeometry) -> bool:
    """Whether a drawn shape encloses nothing (under one square metre)."""
    return geometry.is_empty or area_km2(geometry) < 1e-6


def geojson(geometry: BaseGeometry) -> dict[str, Any]:
    """The GeoJSON geometry object of a shape."""
    return cast("dict[str, Any]", shapely.geometry.mapping(geometry))
