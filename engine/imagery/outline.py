"""Outlines of scenes and windows in WGS 84, right at the antimeridian, at the poles and on rotated grids.

An edge that is straight in the raster is curved in longitude and latitude; it gets as many vertices as it takes to stay
within a tenth of a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from pyproj.exceptions import CRSError, ProjError
from shapely.geometry import MultiPolygon, Polygon

from engine import geometry as geo
from engine.errors import RegionInvalid
from engine.geometry import Window

Affine6 = tuple[float, ...]
FloatArray = NDArray[np.float64]

SCENE_STEPS: Final = 32
TILE_STEPS: Final = 12
TOLERANCE_PX: Final = 0.1
POLE: Final = 90 - 1e-9
_SHRINK_PX: Final = 1e-6

_GEOD: Final = Geod(ellps="WGS84")


def to_crs(transform: Affine6, columns: FloatArray, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Pixel coordinates (0, 0 = outer corner of the first pixel) → coordinates of the CRS."""
    a, b, c, d, e, f = transform[:6]
    return a * columns + b * rows + c, d * columns + e * rows + f


def to_pixels(transform: Affine6, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Coordinates of the CRS → pixel coordinates; the inverse of ``to_crs``."""
    a, b, c, d, e, f = transform[:6]
    det = a * e - b * d
    return (e * (x - c) - b * (y - f)) / det, (a * (y - f) - d * (x - c)) / det


def outline(window: Window, transform: Affine6, crs: str) -> Polygon | MultiPolygon:
    """The outline of a window (or a whole scene), densified along its edges, cut at ±180°.

    Args:
        window: Pixels.
        transform: Affine pixel → CRS coefficients a, b, c, d, e, f.
        crs: EPSG code or WKT.

    Raises:
        RegionInvalid: If no part of it lies on the Earth or the CRS has no tie to it.
    """
    columns, rows = _ring(_array([window]), SCENE_STEPS)
    return _polygon(_lonlat(transform, crs, columns, rows)[0], window, transform, crs)


def outlines(windows: Sequence[Window], transform: Affine6, crs: str) -> list[Polygon | MultiPolygon | None]:
    """The outlines of many windows of one scene; ``None`` for one that lies off the Earth (beyond a full disk's limb).

    Windows whose edges are straight within a tenth of a pixel have four vertices, the others more.
    """
    if not windows:
        return []
    boxes = _array(windows)
    rings = _lonlat(transform, crs, *_ring(boxes, 1))
    middles = _lonlat(transform, crs, *_ring(boxes, 2))[:, 1::2]
    plain = _straight(rings, middles, transform, crs, boxes)
    out: list[Polygon | MultiPolygon | None] = [None] * len(windows)
    for index, polygon in zip(np.flatnonzero(plain).tolist(), shapely.polygons(_unwrapped(rings[plain])), strict=True):
        out[index] = polygon
    for index in np.flatnonzero(~plain).tolist():
        ring = _lonlat(transform, crs, *_ring(boxes[index : index + 1], TILE_STEPS))[0]
        try:
            out[index] = _polygon(ring, windows[index], transform, crs)
        except RegionInvalid:
            out[index] = None
    return out


def pixel_metres(width: int, height: int, transform: Affine6, crs: str) -> float:
    """Ground sampling distance in metres at the middle of a scene.

    The nominal pixel size of a projection in metres is kept where it holds within 2 %; otherwise (degrees, Web Mercator,
    feet) the distance is measured on the ellipsoid.
    """
    columns, rows = np.array([0.0, 1.0, 0.0]) + width / 2, np.array([0.0, 0.0, 1.0]) + height / 2
    lonlat = _lonlat(transform, crs, columns[None], rows[None])[0]
    if not np.isfinite(lonlat).all():
        raise RegionInvalid("its middle does not lie on the Earth.")
    lon, lat = lonlat.T
    _, _, metres = _GEOD.inv(lon[[0, 0]], lat[[0, 0]], lon[1:], lat[1:])
    measured = float(np.sqrt(metres[0] * metres[1]))
    a, b, _, d, e, _ = transform[:6]
    nominal = float(np.sqrt(np.hypot(a, d) * np.hypot(b, e)))
    return nominal if abs(nominal - measured) <= 0.02 * measured else measured


def _array(windows: Sequence[Window]) -> FloatArray:
    return np.array([(w.column, w.row, w.width, w.height) for w in windows], np.float64)


def _ring(boxes: FloatArray, steps: int) -> tuple[FloatArray, FloatArray]:
    """Closed rings in pixels: (N, 4) column, row, width, height → columns and rows, (N, 4 × steps + 1)."""
    t = np.arange(steps) / steps
    one, zero = np.ones(steps), np.zeros(steps)
    u = np.concatenate([t, one, 1 - t, zero, [0.0]])
    v = np.concatenate([zero, t, one, 1 - t, [0.0]])
    return boxes[:, :1] + u * boxes[:, 2:3], boxes[:, 1:2] + v * boxes[:, 3:4]


def _lonlat(transform: Affine6, crs: str, columns: FloatArray, rows: FloatArray) -> FloatArray:
    """(N, K) pixels → (N, K, 2) longitude, latitude; infinite where the projection ends."""
    x, y = to_crs(transform, columns, rows)
    try:
        lon, lat = geo.transformer(crs, geo.WGS84)(x.ravel(), y.ravel())
    except (CRSError, ProjError):
        raise RegionInvalid("its coordinate reference system has no tie to the Earth.") from None
    lonlat: FloatArray = np.stack([lon, lat], axis=-1).reshape(*columns.shape, 2)
    lonlat[np.abs(lonlat[..., 1]) > 90 + 1e-6] = np.inf
    lonlat[..., 1] = np.where(np.isfinite(lonlat[..., 1]), np.clip(lonlat[..., 1], -90, 90), np.inf)
    return lonlat


def _unwrapped(rings: FloatArray) -> FloatArray:
    """Longitudes of (N, K, 2) rings made continuous."""
    steps = np.diff(rings[..., 0], axis=-1)
    out = rings.copy()
    out[..., 1:, 0] += np.cumsum(np.where(np.abs(steps) > 180, -360.0 * np.sign(steps), 0.0), axis=-1)
    return out


def _straight(rings: FloatArray, middles: FloatArray, transform: Affine6, crs: str, boxes: FloatArray) -> NDArray[np.bool_]:
    """Which windows need no more than their four corners: edges straight, well inside ±180° and ±85°."""
    with np.errstate(invalid="ignore"):
        inside = np.asarray(np.isfinite(rings).all(axis=(1, 2)) & np.isfinite(middles).all(axis=(1, 2)))
        inside &= (np.abs(rings[..., 1]) < 85).all(axis=1) & (np.abs(rings[..., 0]) <= 180).all(axis=1)
        inside &= np.ptp(rings[..., 0], axis=1) < 90
    if not inside.any():
        return inside
    chords = (rings[:, :-1] + rings[:, 1:]) / 2
    safe = np.where(inside[:, None], chords[..., 0], 0.0), np.where(inside[:, None], chords[..., 1], 0.0)
    columns, rows = _ring(boxes, 2)
    try:
        x, y = geo.transformer(geo.WGS84, crs)(safe[0].ravel(), safe[1].ravel())
    except (CRSError, ProjError):
        return np.zeros(len(rings), bool)
    column, row = to_pixels(transform, np.asarray(x), np.asarray(y))
    off = np.hypot(column.reshape(chords.shape[:2]) - columns[:, 1::2], row.reshape(chords.shape[:2]) - rows[:, 1::2])
    straight: NDArray[np.bool_] = inside & (off <= TOLERANCE_PX).all(axis=1)
    return straight


def _polygon(ring: FloatArray, window: Window, transform: Affine6, crs: str) -> Polygon | MultiPolygon:
    """One closed (K, 2) ring as a valid shape within ±180°, whatever it touches."""
    if not np.isfinite(ring).all():
        return _on_earth(window, transform, crs)
    if (np.abs(ring[:, 1]) > 80).any():
        ring = _past_pole(ring, window, transform, crs)
    return ring_polygon(ring)


def ring_polygon(ring: FloatArray) -> Polygon | MultiPolygon:
    """A closed (K, 2) ring of longitudes and latitudes as a shape within ±180°.

    A ring that goes once around the Earth is closed over the pole on its side of the equator.

    Raises:
        RegionInvalid: If it encloses nothing.
    """
    lonlat = _unwrapped(ring[None])[0]
    turn = lonlat[-1, 0] - lonlat[0, 0]
    if abs(turn) > 180:
        pole = np.copysign(90.0, lonlat[:, 1].mean())
        lonlat = np.vstack([lonlat, [[lonlat[-1, 0], pole], [lonlat[0, 0], pole], lonlat[:1].ravel()]])
    lonlat[:, 0] -= 360 * np.round((lonlat[:, 0].min() + lonlat[:, 0].max()) / 720)
    return geo.cut_at_antimeridian(shapely.make_valid(Polygon(lonlat)))


def _past_pole(ring: FloatArray, window: Window, transform: Affine6, crs: str) -> FloatArray:
    """A ring with vertices on a pole, where longitude is undefined, led along the pole's edge of the map.

    The longitude at which it passes is read from a ring a millionth of a pixel smaller, which never meets the pole itself.
    """
    at_pole = np.abs(ring[:, 1]) > POLE
    if not at_pole.any():
        return ring
    steps = (len(ring) - 1) // 4
    small = np.array([[window.column, window.row, window.width, window.height]], np.float64)
    small += [[_SHRINK_PX, _SHRINK_PX, -2 * _SHRINK_PX, -2 * _SHRINK_PX]]
    passing = _lonlat(transform, crs, *_ring(small, steps))[0]
    vertices: list[tuple[float, float]] = []
    for index, (lon, lat) in enumerate(ring[:-1]):
        if not at_pole[index]:
            vertices.append((lon, lat))
            continue
        before, after = (index - 1) % (len(ring) - 1), (index + 1) % (len(ring) - 1)
        vertices += [(ring[before, 0], lat), (passing[index, 0], lat), (ring[after, 0], lat)]
    return np.array([*vertices, vertices[0]])


def _on_earth(window: Window, transform: Affine6, crs: str) -> Polygon | MultiPolygon:
    """The hull of those pixels of a window that lie on the Earth: full disks have corners in space."""
    columns, rows = np.meshgrid(np.linspace(0, window.width, 65) + window.column, np.linspace(0, window.height, 65) + window.row)
    points = _lonlat(transform, crs, columns.reshape(1, -1), rows.reshape(1, -1))[0]
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < 3:
        raise RegionInvalid("it does not lie on the Earth.")
    lon = points[:, 0]
    if np.ptp(lon) > 180 and np.ptp(lon % 360) < np.ptp(lon):
        points = np.column_stack([lon % 360, points[:, 1]])
    hull = shapely.convex_hull(shapely.multipoints(points))
    return geo.cut_at_antimeridian(hull)
