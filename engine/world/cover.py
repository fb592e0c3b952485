"""What grows or lies on an island where nobody has built: forests, fields, dunes, rock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.world.classes import LandCover
from engine.world.noise import FloatImage, fractal, hashed, ramp, stream
from engine.world.terrain import Terrain

PIVOT_RADIUS = 21.0
"""Pixels; real centre pivots reach 200 to 400 m."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The patchwork of farmland; all (size, size).

    Attributes:
        parcel: Number of the field.
        edge: Distance to the field's border, pixels.
        track: Distance to the border of the farm district, pixels.
        furrow: Coordinate across the furrows, pixels.
        pivot: Distance to the middle of an irrigated circle, pixels; large outside.
    """

    parcel: NDArray[np.int64]
    edge: FloatImage
    track: FloatImage
    furrow: FloatImage
    pivot: FloatImage


@dataclass(frozen=True, slots=True)
class Cover:
    """Land cover that does not change with the date; all (size, size).

    Attributes:
        kind: LandCover number.
        fields: The patchwork of farmland.
        conifer: Share of conifers in a forest, 0–1.
        grain: Fine texture, standard deviation 1, short waves.
        mottle: Texture of some hundred metres, standard deviation 1.
        drift: Texture of kilometres, standard deviation 1.
        dryness: How arid it is, 0–1.
        felled: Forest that will be cleared, in parcels; number of the felling (1, 2, …), 0 elsewhere.
        burnt: Forest that will burn: closeness to the middle of the fire, 0–1.
    """

    kind: NDArray[np.uint8]
    fields: Fields
    conifer: FloatImage
    grain: FloatImage
    mottle: FloatImage
    drift: FloatImage
    dryness: FloatImage
    felled: NDArray[np.uint8]
    burnt: FloatImage

    @classmethod
    def grown(cls, terrain: Terrain) -> Cover:
        """The cover that suits a terrain."""
        plan = terrain.plan
        rng = stream(plan.seed, "cover")
        grain = fractal(plan.size, rng, beta=0.8, longest=9)
        mottle = fractal(plan.size, rng, beta=2.6, longest=70, shortest=4)
        drift = fractal(plan.size, rng, beta=3.6, longest=plan.size / 3, shortest=24)
        patches = fractal(plan.size, rng, beta=3.0, longest=plan.size / 6, shortest=4)
        desert = np.asarray(plan.near("desert", 1.25), dtype=np.float32)
        dryness = np.clip(1.15 * desert + 0.55 * plan.near("pivots", 1.4) + 0.05 * drift, 0, 1).astype(np.float32)
        fields = _fields(terrain, drift)
        kind = _kinds(terrain, desert, mottle, patches, fields)
        conifer = ramp(terrain.height / 300 + 0.45 * patches + 0.25 * mottle, -0.25, 1.0)
        felled, burnt = _forest_changes(terrain, kind, fields, mottle)
        return cls(kind, fields, conifer, grain, mottle, drift, dryness, felled, burnt)


def _kinds(terrain: Terrain, desert: FloatImage, mottle: FloatImage, patches: FloatImage, fields: Fields) -> NDArray[np.uint8]:
    plan = terrain.plan
    height, slope = terrain.height, _smooth(terrain.slope)
    kind = np.full(height.shape, LandCover.MEADOW, dtype=np.uint8)
    fertile = plan.near("plain", 1.35) + 0.5 * plan.near("town") + 0.22 * patches - 3.2 * slope - height / 500 - 0.9 * desert
    woods = 0.62 * plan.near("forest", 1.4) + 0.30 * ramp(height, 20, 160) + 0.30 * patches + 0.07 * mottle + 0.3 * ramp(slope, 0.05, 0.3)
    wild = woods - 0.75 * plan.near("plain") - 0.8 * desert
    kind[wild > 0.27] = LandCover.FOREST
    kind[(fertile > 0.18) & (fertile > 1.15 * wild)] = LandCover.FARMLAND
    arid = desert + 0.10 * patches + 0.03 * mottle - height / 700
    kind[(arid > 0.27) & (kind != LandCover.FARMLAND)] = LandCover.SHRUB
    kind[(plan.near("orchard", 1.7) + 0.12 * patches > 0.36) & (slope < 0.42) & (height < 420)] = LandCover.ORCHARD
    kind[arid > 0.42] = LandCover.DESERT
    kind[fields.pivot < PIVOT_RADIUS] = LandCover.FARMLAND
    alpine = height + 70 * patches + 28 * mottle + 170 * slope
    kind[alpine > 400] = LandCover.MEADOW
    kind[(alpine > 445) & (kind == LandCover.MEADOW)] = LandCover.MOUNTAIN
    marsh = plan.near("wetland", 1.3) + 0.35 * terrain.wetness + 0.10 * patches
    kind[(marsh > 0.52) & (height < 14) & (slope < 0.10)] = LandCover.WETLAND
    reeds = (terrain.wetness > 0.55) & (height < 60) & (slope < 0.06) & (patches + 0.5 * mottle > 0.7)
    kind[reeds] = LandCover.WETLAND
    sandy = terrain.shore < 2.2 + 3.2 * np.clip(patches + 0.5, 0, 2) + 3 * desert
    kind[sandy & (slope < 0.16) & (terrain.height < 12)] = LandCover.BEACH
    kind[(terrain.river > 0.45) & (arid < 0.42)] = LandCover.RIVER
    kind[terrain.lake > 0.5] = LandCover.LAKE
    kind[~terrain.land] = LandCover.SEA
    return kind


def _smooth(field: FloatImage) -> FloatImage:
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(field, 4.0), dtype=np.float32)


def _fields(terrain: Terrain, drift: FloatImage) -> Fields:
    plan = terrain.plan
    size, pitch = plan.size, 62
    rng = stream(plan.seed, "fields")
    bend = 7 * drift
    y, x = np.mgrid[:size, :size].astype(np.float32)
    x, y = x + bend, y - bend
    count = size // pitch + 5
    seeds_x = (np.arange(count)[None, :] - 2 + rng.uniform(0.05, 0.95, (count, count))) * pitch
    seeds_y = (np.arange(count)[:, None] - 2 + rng.uniform(0.05, 0.95, (count, count))) * pitch
    district, track = _nearest(x, y, seeds_x.astype(np.float32), seeds_y.astype(np.float32), pitch)
    turn = _directions(terrain, seeds_x, seeds_y, rng).astype(np.float32).ravel()[district]
    dx, dy = x - seeds_x.astype(np.float32).ravel()[district], y - seeds_y.astype(np.float32).ravel()[district]
    across, along = dx * np.cos(turn) + dy * np.sin(turn), -dx * np.sin(turn) + dy * np.cos(turn)
    wide = rng.uniform(7, 17, count * count).astype(np.float32)[district]
    long = rng.uniform(20, 42, count * count).astype(np.float32)[district]
    row = np.floor(along / long)
    code = district.astype(np.int64) * 64 + (row.astype(np.int64) + 32)
    place = across / wide + hashed(code, 1)
    strip = np.floor(place)
    parcel = code * 256 + strip.astype(np.int64) + 128
    merged = hashed(code * 128 + np.floor(strip / 2).astype(np.int64) + 64, 2) < 0.35
    parcel = np.where(merged, code * 256 + (np.floor(strip / 2) * 2).astype(np.int64) + 128, parcel)
    side = np.abs(place - np.round(place)) * wide
    side = np.where(merged & (np.round(place) % 2 == 1), wide, side)
    end = np.abs(along / long - np.round(along / long)) * long
    edge = np.minimum(np.minimum(side, end), track).astype(np.float32)
    return Fields(parcel, edge, track, across.astype(np.float32), _pivots(terrain))


def _nearest(x: FloatImage, y: FloatImage, seeds_x: FloatImage, seeds_y: FloatImage, pitch: int) -> tuple[NDArray[np.int64], FloatImage]:
    """The nearest point of a jittered grid, and how far the border to the next one is."""
    count = seeds_x.shape[1]
    column, row = (x // pitch).astype(np.int32) + 2, (y // pitch).astype(np.int32) + 2
    best = np.full(x.shape, np.inf, dtype=np.float32)
    second = best.copy()
    which = np.zeros(x.shape, dtype=np.int32)
    flat_x, flat_y = seeds_x.ravel(), seeds_y.ravel()
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            index = np.clip(row + down, 0, count - 1) * count + np.clip(column + right, 0, count - 1)
            distance = (x - flat_x[index]) ** 2 + (y - flat_y[index]) ** 2
            closer = distance < best
            second = np.where(closer, best, np.minimum(second, distance))
            which = np.where(closer, index, which)
            best = np.minimum(best, distance)
    return which.astype(np.int64), np.asarray((np.sqrt(second) - np.sqrt(best)) / 2, dtype=np.float32)


def _directions(
    terrain: Terrain, seeds_x: NDArray[np.float64], seeds_y: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Furrows follow the contours where the ground is steep enough to matter, else the custom of the country."""
    size = terrain.plan.size
    columns, rows = np.clip(seeds_x, 4, size - 5).astype(int), np.clip(seeds_y, 4, size - 5).astype(int)
    gx = terrain.height[rows, columns + 4] - terrain.height[rows, columns - 4]
    gy = terrain.height[rows + 4, columns] - terrain.height[rows - 4, columns]
    custom = float(rng.uniform(0, np.pi)) + rng.normal(0, 0.35, seeds_x.shape)
    return np.where(np.hypot(gx, gy) > 3.0, np.arctan2(gy, gx), custom)


def _pivots(terrain: Terrain) -> FloatImage:
    plan = terrain.plan
    site = plan.sites["pivots"]
    rng = stream(plan.seed, "pivots")
    y, x = np.ogrid[: plan.size, : plan.size]
    distance = np.full(terrain.height.shape, 999.0, dtype=np.float32)
    pitch = 2 * PIVOT_RADIUS + 1.5
    reach = int(np.ceil(site.radius * 1.35 / pitch))
    for i in range(-reach, reach + 1):
        for j in range(-reach, reach + 1):
            cx = site.x + pitch * (i * np.cos(site.angle) - j * np.sin(site.angle))
            cy = site.y + pitch * (i * np.sin(site.angle) + j * np.cos(site.angle))
            r = PIVOT_RADIUS
            inside = np.hypot(i, j) * pitch < site.radius * 1.35 and rng.random() < 0.9
            if not inside or not (r < cx < plan.size - r and r < cy < plan.size - r):
                continue
            window = np.s_[int(cy - r) : int(cy + r) + 1, int(cx - r) : int(cx + r) + 1]
            dry = (
                terrain.land[window].all()
                and (terrain.lake[window] + terrain.river[window]).max() < 0.5
                and terrain.slope[window].mean() < 0.16
            )
            if dry:
                distance = np.minimum(distance, np.hypot(x - cx, y - cy).astype(np.float32))
    return distance


def _forest_changes(terrain: Terrain, kind: NDArray[np.uint8], fields: Fields, mottle: FloatImage) -> tuple[NDArray[np.uint8], FloatImage]:
    plan = terrain.plan
    forest = kind == LandCover.FOREST
    site = plan.sites["forest"]
    luck = hashed(fields.parcel // 256, 5)
    near = plan.near("forest", 1.2) > 0.45
    felled = np.where(forest & near & (luck < 0.30) & (fields.track > 1.5), np.uint8(1) + (luck < 0.14).astype(np.uint8), 0).astype(
        np.uint8
    )
    rows, columns = np.nonzero(forest)
    if rows.size == 0:
        return felled, np.zeros_like(mottle)
    pull = (columns - site.x + 0.9 * site.radius * np.cos(site.angle)) ** 2 + (rows - site.y + 0.9 * site.radius * np.sin(site.angle)) ** 2
    at = int(pull.argmin())
    y, x = np.ogrid[: plan.size, : plan.size]
    distance = np.hypot((x - columns[at]) * 0.8, y - rows[at]) / (78 * plan.unit)
    burnt = ramp((1 - distance + 0.22 * mottle).astype(np.float32), 0.0, 0.35)
    return felled, np.where(forest & (felled == 0), burnt, 0).astype(np.float32)
