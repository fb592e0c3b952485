"""The basemap that needs no network: land and sea, drawn from land polygons as Web Mercator tiles.

Reads the TopoJSON of ``world-atlas`` (Natural Earth, public domain). Its Eurasia runs across the antimeridian in one ring, which
fills the Atlantic or the Baltic with wedges of land when drawn as it stands: rings are cut at ±180° first.
"""

from __future__ import annotations

import io
import json
import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from engine.errors import DataMissing, RegionInvalid
from engine.geometry import polygons
from engine.imagery.outline import ring_polygon

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

Theme = Literal["light", "dark"]
FloatArray = NDArray[np.float64]

EDGE_LAT: Final = 85.05112877980659
"""Where the Web Mercator square ends, degrees."""
CELLS: Final = 16
"""The world is kept in CELLS × CELLS pieces, so that a tile draws only what lies near it."""
COARSE_ZOOM: Final = 4
SUPERSAMPLING: Final = 2
MARGIN: Final = 4 / 256
TILES_KEPT: Final = 2048
GRATICULE: Final = {0: 30.0, 2: 20.0, 3: 10.0, 5: 5.0, 6: 2.0, 7: 1.0, 9: 0.5, 10: 0.2, 11: 0.1, 13: 0.05, 14: 0.02, 15: 0.01}
"""Degrees between lines from a zoom on."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one theme."""

    sea: str
    land: str
    coast: str
    line: str


PALETTES: Final[dict[str, Palette]] = {
    "light": Palette(sea="#dfe7ec", land="#f2f1ec", coast="#b9c6cd", line="#d3dde3"),
    "dark": Palette(sea="#10171e", land="#1b242d", coast="#33414d", line="#17202a"),
}


class Basemap:
    """Tiles of land and sea; thread-safe.

    Args:
        path: TopoJSON file with an object ``land``.

    Raises:
        DataMissing: If the file is not there or holds no land.
    """

    def __init__(self, path: Path) -> None:
        self.land = read_land(path)
        square = [part for polygon in polygons(self.land) for part in polygons(_to_square(polygon))]
        self._pieces = _cells(MultiPolygon(square))
        coast = shapely.boundary(MultiPolygon(square))
        self._coast = _cells(shapely.clip_by_rect(coast, 1e-9, 1e-9, 1 - 1e-9, 1 - 1e-9))  # the cut at ±180° is no coast
        self._tiles: OrderedDict[tuple[int, int, int, str, int], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def tile(self, z: int, x: int, y: int, theme: Theme = "light", size: int = 256) -> bytes:
        """A map tile as PNG.

        Args:
            z: Zoom, 0 to 30.
            x: Column; beyond the world's edge it wraps around.
            y: Row from the north; beyond the edge there is sea.
            theme: ``light`` or ``dark``.
            size: Side in pixels.
        """
        key = (z, x % 2**z, y, theme, size)
        with self._lock:
            known = self._tiles.get(key)
            if known is not None:
                self._tiles.move_to_end(key)
                return known
        made = self._draw(z, x % 2**z, y, PALETTES[theme], size)
        with self._lock:
            self._tiles[key] = made
            while len(self._tiles) > TILES_KEPT:
                self._tiles.popitem(last=False)
        return made

    def is_land(self, lon: float, lat: float) -> bool:
        """Whether a point lies on land, as far as the polygons know."""
        return bool(shapely.contains_xy(self.land, lon, lat))

    def _draw(self, z: int, x: int, y: int, palette: Palette, size: int) -> bytes:
        from PIL import Image, ImageDraw

        side = size * SUPERSAMPLING
        picture = Image.new("RGB", (side, side), palette.sea)
        pen = ImageDraw.Draw(picture)
        for exterior, holes in self._land_near(z, x, y, side):
            pen.polygon(exterior, fill=palette.land)
            for hole in holes:
                pen.polygon(hole, fill=palette.sea)
        _graticule(pen, z, x, y, side, palette.line)
        for line in self._coast_near(z, x, y, side):
            pen.line(line, fill=palette.coast, width=SUPERSAMPLING, joint="curve")
        small = picture.resize((size, size), Image.Resampling.BOX).quantize(64, dither=Image.Dither.NONE)
        out = io.BytesIO()
        small.save(out, "PNG", compress_level=6)
        return out.getvalue()

    def _land_near(self, z: int, x: int, y: int, side: int) -> list[tuple[list[float], list[list[float]]]]:
        drawn = []
        for part in _near(self._pieces, z, x, y):
            for polygon in polygons(part):
                rings = [_on_tile(np.asarray(ring.coords), z, x, y, side) for ring in (polygon.exterior, *polygon.interiors)]
                if len(rings[0]) >= 6:
                    drawn.append((rings[0], [ring for ring in rings[1:] if len(ring) >= 6]))
        return drawn

    def _coast_near(self, z: int, x: int, y: int, side: int) -> list[list[float]]:
        lines = [line for part in _near(self._coast, z, x, y) for line in shapely.get_parts(part) if line.geom_type == "LineString"]
        return [_on_tile(np.asarray(line.coords), z, x, y, side) for line in lines if not line.is_empty]


def read_land(path: Path) -> MultiPolygon:
    """Land in WGS 84 degrees, cut at ±180°, from a TopoJSON file.

    Raises:
        DataMissing: If the file is not there or holds no land.
    """
    try:
        topology = json.loads(path.read_text(encoding="utf-8"))
        arcs = _arcs(topology)
        parts = [part for rings in _faces(topology["objects"]["land"]) for part in polygons(_face(rings, arcs))]
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        raise DataMissing("The land polygons of the offline basemap", str(path)) from None
    if not parts:
        raise DataMissing("The land polygons of the offline basemap", str(path))
    return MultiPolygon(parts)


def _arcs(topology: dict[str, Any]) -> list[FloatArray]:
    """Arcs in degrees: quantised ones are sums of steps (TopoJSON specification, 2.1.3)."""
    transform = topology.get("transform")
    if transform is None:
        return [np.asarray(arc, float)[:, :2] for arc in topology["arcs"]]
    scale, translate = np.asarray(transform["scale"]), np.asarray(transform["translate"])
    return [np.cumsum(np.asarray(arc, float)[:, :2], axis=0) * scale + translate for arc in topology["arcs"]]


def _faces(shape: dict[str, Any]) -> list[list[list[int]]]:
    """Every polygon of a TopoJSON object as lists of arc numbers, the outer ring first."""
    if shape["type"] == "GeometryCollection":
        return [face for member in shape["geometries"] for face in _faces(member)]
    if shape["type"] == "MultiPolygon":
        return list(shape["arcs"])
    return [shape["arcs"]] if shape["type"] == "Polygon" else []


def _face(rings: list[list[int]], arcs: list[FloatArray]) -> BaseGeometry:
    outer, *holes = [_ring(_stitched(ring, arcs)) for ring in rings]
    for hole in holes:
        outer = outer.difference(hole)
    return outer


def _ring(ring: FloatArray) -> Polygon | MultiPolygon:
    """A ring as a shape; empty for slivers that quantisation has closed."""
    try:
        return ring_polygon(ring)
    except RegionInvalid:
        return Polygon()


def _stitched(numbers: list[int], arcs: list[FloatArray]) -> FloatArray:
    """One closed ring; a negative number means the arc ~number backwards, neighbours share their end point."""
    pieces = [arcs[number] if number >= 0 else arcs[~number][::-1] for number in numbers]
    return np.vstack([pieces[0], *(piece[1:] for piece in pieces[1:])])


def _to_square(geometry: BaseGeometry) -> BaseGeometry:
    """Degrees → the Web Mercator square, 0 to 1 from the west and from the north."""
    clipped = shapely.clip_by_rect(geometry, -180, -EDGE_LAT, 180, EDGE_LAT)

    def project(xy: FloatArray) -> FloatArray:
        row = 0.5 - np.arcsinh(np.tan(np.radians(xy[:, 1]))) / (2 * math.pi)
        return np.column_stack([(xy[:, 0] + 180) / 360, row])

    return shapely.transform(clipped, project)


Cells = dict[tuple[int, int], BaseGeometry]


@dataclass(frozen=True, slots=True)
class _World:
    """One kind of geometry: simplified for the first zooms, in cells for the others."""

    coarse: BaseGeometry
    cells: Cells


def _cells(geometry: BaseGeometry) -> _World:
    cells: Cells = {}
    parts = shapely.get_parts(geometry)
    tree = shapely.STRtree(parts)
    for row in range(CELLS):
        for column in range(CELLS):
            west, north, east, south = (column - 0.05) / CELLS, (row - 0.05) / CELLS, (column + 1.05) / CELLS, (row + 1.05) / CELLS
            near = parts[tree.query(shapely.box(west, north, east, south))]
            clipped = [piece for piece in shapely.clip_by_rect(near, west, north, east, south) if not piece.is_empty]
            cells[column, row] = shapely.geometrycollections(clipped)
    return _World(shapely.geometrycollections(shapely.simplify(parts, 0.25 / 256 / 2**COARSE_ZOOM, preserve_topology=False)), cells)


def _near(world: _World, z: int, x: int, y: int) -> list[BaseGeometry]:
    """What a tile with its margin shows, in the unit square."""
    side = 2.0**z
    box = ((x - MARGIN) / side, (y - MARGIN) / side, (x + 1 + MARGIN) / side, (y + 1 + MARGIN) / side)
    if z < COARSE_ZOOM:
        whole = world.coarse
    else:
        cell = (int(x * CELLS // side), int(y * CELLS // side))
        whole = world.cells.get(cell, shapely.GeometryCollection())
    members = shapely.get_parts(whole)
    clipped = shapely.clip_by_rect(members[shapely.intersects(shapely.envelope(members), shapely.box(*box))], *box)
    return [part for part in clipped if not part.is_empty]


def _on_tile(xy: FloatArray, z: int, x: int, y: int, side: int) -> list[float]:
    """Unit square → pixels of the tile, as Pillow takes them."""
    return list(((xy * 2.0**z - [x, y]) * side).ravel().tolist())


def _graticule(pen: ImageDraw, z: int, x: int, y: int, side: int, colour: str) -> None:
    """Faint meridians and parallels, over land and sea alike."""
    step = GRATICULE[max(zoom for zoom in GRATICULE if zoom <= z)]
    scale = 2.0**z
    west, east = x / scale * 360 - 180, (x + 1) / scale * 360 - 180
    for number in range(math.ceil(west / step - 1e-9), math.floor(east / step + 1e-9) + 1):
        across = ((number * step + 180) / 360 * scale - x) * side
        pen.line([(across, 0), (across, side)], fill=colour, width=1)
    north, south = (math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / scale)))) for row in (y, y + 1))
    for number in range(math.ceil(south / step - 1e-9), math.floor(north / step + 1e-9) + 1):
        row = 0.5 - math.asinh(math.tan(math.radians(number * step))) / (2 * math.pi)
        down = (row * scale - y) * side
        pen.line([(0, down), (side, down)], fill=colour, width=1)
