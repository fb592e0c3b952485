"""The ground of an island: coast, relief, lakes and rivers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine.world.drainage import Drainage, drained
from engine.world.noise import FloatImage, enlarged, fractal, ramp, shrunk, stream
from engine.world.plan import Plan, Site

CELL = 3
"""Pixels a cell of the drainage grid."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A river from its mouth to its head: (n, 2) x, y in pixels and (n,) widths in pixels."""

    points: NDArray[np.float64]
    widths: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reservoir:
    """A valley behind a dam.

    Attributes:
        depth: (size, size) metres of water when it is full; 0 or less outside.
        dam: (2, 2) ends of the wall, x, y in pixels.
        deepest: Depth at the wall, metres.
    """

    depth: FloatImage
    dam: NDArray[np.float64]
    deepest: float


@dataclass(frozen=True, slots=True)
class Terrain:
    """Ground truth of the shape of an island; all fields (size, size), pixels of 10 m.

    Attributes:
        plan: The design, with coastal sites moved to the real coast.
        land: Above the sea.
        shore: Distance to the coast, pixels, positive on land, negative at sea.
        height: Metres above the sea.
        slope: Metres a metre.
        lake: Share of each pixel under a lake, 0–1.
        river: Share of each pixel under a river, 0–1.
        wetness: How near running or standing water is, 0–1.
        streams: The rivers.
        reservoir: The dammed valley, if a site was found.
    """

    plan: Plan
    land: NDArray[np.bool_]
    shore: FloatImage
    height: FloatImage
    slope: FloatImage
    lake: FloatImage
    river: FloatImage
    wetness: FloatImage
    streams: tuple[Stream, ...]
    reservoir: Reservoir | None

    @classmethod
    def grown(cls, plan: Plan) -> Terrain:
        """The terrain of a plan."""
        coast = _coast(plan)
        land = _land(coast)
        plan = _to_the_coast(plan, land)
        cells = round(plan.size / CELL)
        lake_form = _lakes(plan, land)
        drainage = _relief(plan, land, lake_form, cells)
        height = enlarged(drainage.height, plan.size)
        streams = _streams(plan, drainage, cells)
        reservoir = _reservoir(plan, drainage, cells, shrunk(lake_form, cells) > -0.35)
        shore = _signed_distance(land)
        height = _finished(plan, height, shore, lake_form, drainage, cells)
        river = np.where(land, _drawn(streams, plan.size), 0).astype(np.float32)
        lake = ramp(lake_form, -0.012, 0.012) * land
        gy, gx = np.gradient(height, 10.0)
        slope = np.hypot(gx, gy).astype(np.float32)
        return cls(plan, land, shore, height, slope, lake, river * (1 - lake), _wetness(river, lake, plan), streams, reservoir)


def _coast(plan: Plan) -> FloatImage:
    size = plan.size
    rng = stream(plan.seed, "coast")
    y, x = np.ogrid[:size, :size]
    u, v = (x - size / 2) / (size / 2), (y - size / 2) / (size / 2)
    along = u * np.cos(plan.axis) + v * np.sin(plan.axis)
    across = -u * np.sin(plan.axis) + v * np.cos(plan.axis)
    radius = (np.abs(along / plan.squeeze[0]) ** 2.3 + np.abs(across / plan.squeeze[1]) ** 2.3) ** (1 / 2.3)
    rough = fractal(size, rng, beta=3.3, longest=size / 2.5, shortest=2)
    broad = fractal(size, rng, beta=4.0, longest=size / 1.6, shortest=32)
    coast = 1 - radius + 0.055 * broad + 0.085 * rough
    capital = plan.sites["capital"]
    bay_x, bay_y = (
        capital.x + 1.02 * capital.radius * np.cos(_outward(plan, capital)),
        capital.y + 1.02 * capital.radius * np.sin(_outward(plan, capital)),
    )
    coast -= 0.42 * np.exp(-((x - bay_x) ** 2 + (y - bay_y) ** 2) / (0.75 * capital.radius) ** 2)
    edge = (u**4 + v**4) ** 0.25
    return np.asarray(coast - 1.2 * ramp(np.asarray(edge, dtype=np.float32), 0.74, 1.0), dtype=np.float32)


def _outward(plan: Plan, site: Site) -> float:
    return float(np.arctan2(site.y - plan.size / 2, site.x - plan.size / 2))


def _land(coast: FloatImage) -> NDArray[np.bool_]:
    from scipy.ndimage import binary_fill_holes, label

    land = np.asarray(binary_fill_holes(coast > 0), dtype=bool)
    parts, _ = label(land)
    areas = np.bincount(parts.ravel())
    areas[0] = 0
    keep = areas >= max(60, areas.max() // 4000)
    return np.asarray(keep[parts], dtype=bool)


def _signed_distance(land: NDArray[np.bool_]) -> FloatImage:
    from scipy.ndimage import distance_transform_edt

    inland = distance_transform_edt(land)
    return np.asarray(np.where(land, inland - 0.5, 0.5 - distance_transform_edt(~land)), dtype=np.float32)


def _to_the_coast(plan: Plan, land: NDArray[np.bool_]) -> Plan:
    """Harbour towns, the marina and the wetland belong where land and sea meet, on the ray from the centre."""
    half = plan.size / 2
    moved = dict(plan.sites)
    for name, inland in {"capital": 0.42, "marina": 0.3, "wetland": 0.35, "airport": 1.0, "desert": 0.62}.items():
        site = plan.sites[name]
        angle = _outward(plan, site)
        reach = np.arange(0, half * 0.97)
        columns = np.clip((half + reach * np.cos(angle)).astype(int), 0, plan.size - 1)
        rows = np.clip((half + reach * np.sin(angle)).astype(int), 0, plan.size - 1)
        coast = float(reach[land[rows, columns]].max(initial=half * 0.4))
        if name == "desert":
            coast = min(coast, np.hypot(site.x - half, site.y - half) + inland * site.radius)
        distance = max(coast - inland * site.radius, half * 0.15)
        moved[name] = replace(site, x=half + distance * np.cos(angle), y=half + distance * np.sin(angle))
    return replace(plan, sites=moved)


def _lakes(plan: Plan, land: NDArray[np.bool_]) -> FloatImage:
    """Above 0 inside lakes, about −1 to 1 in units of a lake's radius."""
    size = plan.size
    rng = stream(plan.seed, "lakes")
    wobble = fractal(size, rng, beta=3.7, longest=130 * plan.unit, shortest=2)
    form = np.full((size, size), -9.0, dtype=np.float32)
    y, x = np.ogrid[:size, :size]
    spots = [(plan.sites[name], float(rng.uniform(1.15, 1.6))) for name in plan.sites if name.startswith("lake")]
    for _ in range(9):
        angle, reach = rng.uniform(0, 2 * np.pi), size * rng.uniform(0.08, 0.33)
        site = replace(
            spots[0][0],
            x=size / 2 + reach * np.cos(angle),
            y=size / 2 + reach * np.sin(angle),
            radius=rng.uniform(7, 17) * plan.unit,
            angle=angle,
        )
        desert = plan.sites["desert"]
        if np.hypot(site.x - desert.x, site.y - desert.y) > desert.radius:
            spots.append((site, float(rng.uniform(1, 1.5))))
    for site, stretch in spots:
        along = (x - site.x) * np.cos(site.angle) + (y - site.y) * np.sin(site.angle)
        across = -(x - site.x) * np.sin(site.angle) + (y - site.y) * np.cos(site.angle)
        distance = np.hypot(along / stretch, across) / site.radius
        form = np.maximum(form, (1 - distance + 0.30 * wobble * np.minimum(distance, 1)).astype(np.float32))
    return np.asarray(np.where(land, form, -9.0), dtype=np.float32)


def _relief(plan: Plan, land: NDArray[np.bool_], lake_form: FloatImage, cells: int) -> Drainage:
    rng = stream(plan.seed, "relief")
    rough = fractal(cells, rng, beta=2.2, longest=cells / 4)
    hills = fractal(cells, rng, beta=3.2, longest=cells / 3)
    mountain = shrunk(plan.near("mountain", 1.7), cells)
    mountain = np.maximum(mountain, 0.55 * shrunk(plan.near("orchard", 1.5), cells))
    flat = np.maximum.reduce([shrunk(plan.near(name), cells) for name in ("plain", "airport", "capital", "wetland", "pivots")])
    massif = ramp(mountain + 0.10 * hills, 0.2, 0.95)
    uplift = (0.035 + 0.17 * ramp(hills, -0.3, 1.6) * (1 - 0.85 * flat) + 2.2 * massif) * (1 - 0.5 * flat * (1 - massif))
    desert = shrunk(plan.near("desert"), cells)
    uplift *= 1 - 0.75 * ramp(desert, 0.35, 0.7) * (1 - massif)
    ground = shrunk(land.astype(np.float32), cells) > 0.5
    water = shrunk(lake_form, cells) > 0
    resistance = (0.25 + np.exp(0.9 * rough)) * (1 + 1.5 * massif) * (1 + 6 * shrunk(plan.near("airport"), cells) + 2 * desert)
    resistance = resistance * _valley(plan, cells)
    resistance = np.where(water, 0.05, resistance).astype(np.float32)
    return drained(ground, np.asarray(uplift, dtype=np.float32), resistance, 10.0 * CELL)


def _valley(plan: Plan, cells: int) -> FloatImage:
    """Low along the winding way from the mountains through the great lake to the wetland, so that one real river forms."""
    stops = [plan.sites[name] for name in ("mountain", "lake_great", "wetland")]
    x = np.interp(np.linspace(0, 2, 60), [0, 1, 2], [s.x for s in stops]) * cells / plan.size
    y = np.interp(np.linspace(0, 2, 60), [0, 1, 2], [s.y for s in stops]) * cells / plan.size
    beyond = 1.6
    x, y = np.append(x, cells / 2 + beyond * (x[-1] - cells / 2)), np.append(y, cells / 2 + beyond * (y[-1] - cells / 2))
    swing = 0.035 * cells * np.sin(np.linspace(0, 9, 61)) * np.sin(np.linspace(0, np.pi, 61))
    normal = np.arctan2(y[-1] - y[0], x[-1] - x[0]) + np.pi / 2
    picture = Image.new("L", (cells, cells), 0)
    path = [(float(a), float(b)) for a, b in zip(x + swing * np.cos(normal), y + swing * np.sin(normal), strict=True)]
    ImageDraw.Draw(picture).line(path, fill=255, width=4)
    return np.where(np.asarray(picture) > 0, np.float32(0.12), np.float32(1.0))


def _finished(plan: Plan, height: FloatImage, shore: FloatImage, lake_form: FloatImage, drainage: Drainage, cells: int) -> FloatImage:
    from scipy.ndimage import gaussian_filter, label

    rng = stream(plan.seed, "detail")
    height = np.asarray(gaussian_filter(height, 1.6), dtype=np.float32)
    gy, gx = np.gradient(height, 10.0)
    steep = ramp(np.hypot(gx, gy).astype(np.float32), 0.03, 0.5)
    height += (1.2 + 22 * steep) * fractal(plan.size, rng, beta=2.7, longest=50) * ramp(shore, 0, 25)
    basins, count = label(lake_form > 0)
    for basin in range(1, count + 1):
        inside = basins == basin
        level = float(np.percentile(height[inside], 10)) if inside.any() else 0.0
        height = np.where(inside, level, height)
    bank = ramp(lake_form, -0.5, 0.0)
    height = np.where(lake_form > 0, height, height * (1 - 0.3 * bank * (1 - steep)))
    return np.asarray(np.where(shore > 0, np.maximum(height, 0.5), 0), dtype=np.float32)


def _streams(plan: Plan, drainage: Drainage, cells: int) -> tuple[Stream, ...]:
    from scipy.ndimage import gaussian_filter1d, map_coordinates

    threshold = 420.0 * plan.unit
    catchment = drainage.catchment.ravel()
    chains = _chains(drainage.receiver, catchment, threshold)
    scale = plan.size / cells
    rng = stream(plan.seed, "meanders")
    sway = [fractal(cells, rng, beta=3.0, longest=60, shortest=10) for _ in range(2)]
    calm = ramp(drainage.height, 160, 10) * 1.9
    streams = []
    for chain in chains:
        if len(chain) < 6:
            continue
        y, x = np.divmod(np.array(chain), cells)
        spots = np.stack([y, x]).astype(float)
        gentle = map_coordinates(calm, spots, order=1)
        moved = [axis + gentle * map_coordinates(field, spots, order=1) for axis, field in zip(spots, sway, strict=True)]
        smooth = [gaussian_filter1d(axis, 1.8, mode="nearest") for axis in moved]
        points = np.column_stack([(smooth[1] + 0.5) * scale, (smooth[0] + 0.5) * scale])
        widths = gaussian_filter1d(1.0 * (catchment[chain] / threshold) ** 0.57, 2.0, mode="nearest")
        streams.append(Stream(points, widths))
    return tuple(streams)


def _chains(receiver: NDArray[np.int64], catchment: FloatImage, threshold: float) -> list[list[int]]:
    wet = np.flatnonzero(catchment >= threshold)
    feeders: dict[int, list[int]] = {}
    for cell in wet.tolist():
        feeders.setdefault(int(receiver[cell]), []).append(cell)
    known = set(wet.tolist())
    starts = [(cell, int(receiver[cell])) for cell in wet.tolist() if int(receiver[cell]) not in known or int(receiver[cell]) == cell]
    chains = []
    while starts:
        cell, below = starts.pop()
        chain = [below, cell] if below != cell else [cell]
        while True:
            above = sorted((c for c in feeders.get(cell, []) if c != cell), key=lambda c: -catchment[c])
            if not above:
                break
            starts.extend((other, cell) for other in above[1:])
            cell = above[0]
            chain.append(cell)
        chains.append(chain)
    return chains


def _drawn(streams: tuple[Stream, ...], size: int, fine: int = 3) -> FloatImage:
    picture = Image.new("L", (size * fine, size * fine), 0)
    pen = ImageDraw.Draw(picture)
    for river in streams:
        points, widths = river.points * fine, river.widths * fine
        for (x0, y0), (x1, y1), width in zip(points[:-1], points[1:], widths[:-1], strict=True):
            pen.line([(x0, y0), (x1, y1)], fill=255, width=max(1, round(width)))
            if width > 3:
                r = width / 2
                pen.ellipse([x1 - r, y1 - r, x1 + r, y1 + r], fill=255)
    return np.asarray(np.asarray(picture.reduce(fine)) / 255, dtype=np.float32)


def _wetness(river: FloatImage, lake: FloatImage, plan: Plan) -> FloatImage:
    from scipy.ndimage import gaussian_filter

    coarse = max(plan.size // 4, 1)
    water = shrunk(np.maximum(river, lake), coarse)
    return enlarged(np.asarray(np.clip(gaussian_filter(water, 3.5) * 4, 0, 1), dtype=np.float32), plan.size)


def _reservoir(plan: Plan, drainage: Drainage, cells: int, lakes: NDArray[np.bool_]) -> Reservoir | None:
    """The best wall: a catchment of middle size in the foothills that floods a good area for its length."""
    catchment, height = drainage.catchment.ravel(), drainage.height.ravel()
    low, high = 600 * plan.unit**2, 9000 * plan.unit**2
    candidates = np.flatnonzero((catchment > low) & (catchment < high) & (height > 35) & (height < 380) & ~lakes.ravel())
    wanted = (100 * plan.unit / CELL) ** 2
    best, best_score = None, 0.0
    rng = stream(plan.seed, "reservoir")
    for cell in rng.permutation(candidates)[:20].tolist():
        above = drainage.upstream(cell)
        for rise in (25.0, 40.0, 60.0):
            flooded = above & (drainage.height < height[cell] + rise)
            area = float(flooded.sum()) * (1 - float(lakes[flooded].mean() > 0.02))
            score = min(area, wanted) / (1 + 0.02 * max(area - 1.6 * wanted, 0)) / rise**0.3
            if score > best_score:
                best, best_score = (cell, rise, flooded), score
    if best is None or best_score < 30:
        return None
    return _dammed(plan, drainage, cells, *best)


def _dammed(plan: Plan, drainage: Drainage, cells: int, cell: int, rise: float, flooded: NDArray[np.bool_]) -> Reservoir:
    from scipy.ndimage import binary_dilation

    level = float(drainage.height.ravel()[cell]) + rise
    near = binary_dilation(flooded, iterations=2)
    depth = np.where(near, level - drainage.height, -rise)
    depth = np.where(near & ~flooded & (depth > 0), -1.0, depth)
    y, x = divmod(cell, cells)
    below = int(drainage.receiver[cell])
    flow = np.array([below % cells - x, below // cells - y], dtype=float)
    flow /= max(float(np.hypot(*flow)), 1e-6)
    scale = plan.size / cells
    centre = (np.array([x, y]) + 0.5) * scale
    across = np.array([-flow[1], flow[0]])
    length = _wall(drainage.height, np.array([x, y], dtype=float), across, level)
    dam = np.stack([centre - across * length[0] * scale, centre + across * length[1] * scale])
    return Reservoir(enlarged(depth.astype(np.float32), plan.size), dam, rise)


def _wall(height: FloatImage, start: NDArray[np.float64], across: NDArray[np.float64], level: float) -> tuple[float, float]:
    def reach(sign: float) -> float:
        for step in range(1, 20):
            x, y = (start + sign * across * step).round().astype(int)
            if not (0 <= x < height.shape[1] and 0 <= y < height.shape[0]) or height[y, x] >= level:
                return float(step)
        return 12.0

    return reach(-1.0), reach(1.0)
