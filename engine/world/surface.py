"""Reflectance of the natural surface of an island on a date, before light, air and sensor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.world.classes import LandCover
from engine.world.cover import PIVOT_RADIUS, Cover
from engine.world.noise import FloatImage, hashed, ramp
from engine.world.palette import Colour, Palette
from engine.world.season import Season
from engine.world.terrain import Terrain

Rows = NDArray[np.int64]
Paint = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ground:
    """Everything that decides the colour of the ground on a date.

    Attributes:
        terrain: Shape of the island.
        cover: What grows there.
        palette: Colours of the island.
        season: The date.
        kind: (size, size) LandCover on that date.
    """

    terrain: Terrain
    cover: Cover
    palette: Palette
    season: Season
    kind: NDArray[np.uint8]

    def painted(self) -> Paint:
        """(size · size, 4) float32 reflectance: red, green, blue, near infrared."""
        flat = self.kind.ravel()
        out = np.zeros((flat.size, 4), dtype=np.float32)
        order = np.argsort(flat, kind="stable")
        edges = np.searchsorted(flat[order], np.arange(256))
        for kind, paint in _PAINTS.items():
            rows = order[edges[kind] : edges[kind + 1]]
            if rows.size:
                out[rows] = paint(self, rows)
        return out

    def at(self, field: FloatImage, rows: Rows) -> FloatImage:
        """A field's values at some pixels, as a column."""
        return field.ravel()[rows][:, None]


def mix(first: Colour | Paint, second: Colour | Paint, share: FloatImage | np.float32) -> Paint:
    """Between two colours: share 0 gives the first, 1 the second."""
    return np.asarray(first + (second - first) * share, dtype=np.float32)


def _grass(ground: Ground, rows: Rows) -> Paint:
    g, p, season = ground, ground.palette, ground.season
    mottle, drift, grain = g.at(g.cover.mottle, rows), g.at(g.cover.drift, rows), g.at(g.cover.grain, rows)
    fresh = season.lush + 0.14 * mottle + 0.10 * drift + 0.25 * g.at(g.terrain.wetness, rows) - 0.5 * g.at(g.cover.dryness, rows)
    fresh = fresh - 0.25 * ramp(g.at(g.terrain.height, rows), 250, 500)
    paddock = hashed(g.cover.fields.parcel.ravel()[rows] // 256, 9)[:, None]
    colour = mix(p["dry"], p["lush"], np.clip(fresh + 0.25 * (paddock - 0.5), 0, 1))
    bushes = ramp(grain + 0.5 * mottle, 1.7, 2.6) * 0.75
    colour = mix(colour, _leaves(ground), bushes)
    return np.asarray(colour * (1 + 0.05 * grain), dtype=np.float32)


def _leaves(ground: Ground) -> Colour:
    season, p = ground.season, ground.palette
    bare = p["twig"] + (p["leaf_gold"] - p["twig"]) * np.float32(season.gold)
    return np.asarray(bare + (p["leaf"] - bare) * np.float32(season.green), dtype=np.float32)


def _forest(ground: Ground, rows: Rows) -> Paint:
    g, p = ground, ground.palette
    grain, mottle = g.at(g.cover.grain, rows), g.at(g.cover.mottle, rows)
    conifer = np.clip(ramp(g.at(g.cover.conifer, rows), 0.35, 0.65) + 0.10 * grain, 0, 1)
    colour = mix(_leaves(g), p["conifer"], conifer)
    return np.asarray(colour * np.clip(1 + 0.17 * grain + 0.06 * mottle, 0.4, 1.8), dtype=np.float32)


def _meadow(ground: Ground, rows: Rows) -> Paint:
    return _grass(ground, rows)


def _farmland(ground: Ground, rows: Rows) -> Paint:
    g, p, fields = ground, ground.palette, ground.cover.fields
    parcel = fields.parcel.ravel()[rows]
    pivot = g.at(fields.pivot, rows)
    sector = pivot < PIVOT_RADIUS
    parcel = np.where(sector[:, 0], parcel // 16384, parcel)
    luck, tone = hashed(parcel, 11), hashed(parcel, 12)[:, None]
    sown = hashed(parcel * 8 + g.season.when.year % 4, 13)
    green, gold, blossom = (field[:, None] for field in g.season.crops(np.where(sector[:, 0], 0.36 + 0.4 * luck, sown)))
    mottle, grain = g.at(g.cover.mottle, rows), g.at(g.cover.grain, rows)
    late = (luck[:, None] - 0.5) * 0.30
    soil = mix(p["soil"], p["soil_pale"], np.clip(tone * 0.8 + 0.3 * g.at(g.cover.dryness, rows) + 0.08 * mottle, 0, 1))
    colour = mix(soil, p["gold"], np.clip(gold * (0.8 + late) + 0.04 * mottle * (gold > 0), 0, 1))
    colour = mix(colour, p["crop"] * (0.8 + 0.5 * tone), np.clip(green + late * (green > 0.05) + 0.07 * mottle * green, 0, 1))
    colour = mix(colour, p["blossom"], blossom * 0.9)
    rows_of_crop = np.sin(g.at(fields.furrow, rows) * (2.0 + 0.6 * tone))
    colour = colour * (1 + 0.035 * rows_of_crop + 0.02 * grain + 0.16 * (tone - 0.5))
    return _hedged(g, rows, colour, sector, pivot, luck[:, None])


def _hedged(g: Ground, rows: Rows, colour: Paint, sector: NDArray[np.bool_], pivot: FloatImage, luck: FloatImage) -> Paint:
    fields, p = g.cover.fields, g.palette
    hedge = ramp(g.at(fields.edge, rows), 1.1, 0.3) * (0.75 * (luck < 0.45) + 0.12) * ~sector
    colour = mix(colour, mix(_leaves(g), p["dry"], np.float32(0.25)), hedge)
    track = ramp(g.at(fields.track, rows), 1.0, 0.3) * 0.85 * ~sector
    colour = mix(colour, p["track"], track)
    rim = np.where(sector, ramp(pivot, PIVOT_RADIUS - 1.2, PIVOT_RADIUS - 0.2) * 0.8, 0)
    rings = np.where(sector, 1 + 0.05 * np.sin(pivot * 1.3), 1)
    return mix(np.asarray(colour * rings, dtype=np.float32), p["track"], np.asarray(rim, dtype=np.float32))


def _orchard(ground: Ground, rows: Rows) -> Paint:
    g, p, fields = ground, ground.palette, ground.cover.fields
    parcel = fields.parcel.ravel()[rows] // 256
    tone, pitch = hashed(parcel, 21)[:, None], 2.3 + 0.5 * hashed(parcel, 22)[:, None]
    lines = 0.5 + 0.5 * np.cos(g.at(fields.furrow, rows) * (2 * np.pi / pitch))
    soil = mix(p["soil_pale"], p["dry"], np.float32(0.3))
    grass = mix(soil, p["lush"], np.clip(tone * g.season.lush * 0.8, 0, 1))
    leaf = 0.25 + 0.75 * max(g.season.green, 0.8 * g.season.gold)
    colour = mix(grass, _leaves(g), np.clip((0.15 + 0.65 * lines + 0.12 * g.at(g.cover.grain, rows)) * leaf, 0, 1))
    colour = colour * (1 + 0.03 * g.at(g.cover.grain, rows) + 0.14 * (tone - 0.5))
    return mix(np.asarray(colour, dtype=np.float32), p["track"], ramp(g.at(fields.edge, rows), 1.0, 0.3) * 0.6)


def _mountain(ground: Ground, rows: Rows) -> Paint:
    g, p = ground, ground.palette
    mottle, grain = g.at(g.cover.mottle, rows), g.at(g.cover.grain, rows)
    tone = np.clip(0.5 + 0.25 * mottle + 0.18 * g.at(g.cover.drift, rows), 0, 1)
    colour = mix(p["rock_dark"], p["rock"], tone)
    colour = mix(colour, p["scree"], ramp(g.at(g.terrain.slope, rows) + 0.08 * grain, 0.5, 0.15) * 0.6)
    turf = ramp(0.35 * mottle - g.at(g.terrain.slope, rows) - g.at(g.terrain.height, rows) / 900 + 0.9, 0, 0.7)
    colour = mix(colour, mix(p["dry"], p["lush"], np.float32(0.6 * g.season.lush)), turf * 0.8)
    return np.asarray(colour * (1 + 0.10 * grain), dtype=np.float32)


def _snow(ground: Ground, rows: Rows) -> Paint:
    bare = _mountain(ground, rows)
    g = ground
    share = np.clip(g.season.snow(g.at(g.terrain.height, rows) + 25 * g.at(g.cover.mottle, rows)) + 0.3, 0, 1)
    steep = ramp(g.at(g.terrain.slope, rows), 1.0, 0.55)
    return mix(bare, g.palette["snow"], share * (0.35 + 0.65 * steep))


def _desert(ground: Ground, rows: Rows) -> Paint:
    g, p = ground, ground.palette
    mottle, drift = g.at(g.cover.mottle, rows), g.at(g.cover.drift, rows)
    colour = mix(p["dune"], p["dune_pale"], np.clip(0.45 + 0.3 * drift + 0.12 * mottle, 0, 1))
    colour = mix(colour, p["scree"], ramp(mottle + 0.8 * drift, 1.5, 2.4) * 0.5)
    colour = mix(colour, p["soil"], g.at(g.terrain.river, rows) * 0.45)  # dry river beds
    return np.asarray(colour * (1 + 0.02 * g.at(g.cover.grain, rows)), dtype=np.float32)


def _shrub(ground: Ground, rows: Rows) -> Paint:
    g, p = ground, ground.palette
    grain, mottle = g.at(g.cover.grain, rows), g.at(g.cover.mottle, rows)
    ground_colour = mix(p["dry"], p["dune"], np.clip(g.at(g.cover.dryness, rows) * 0.9 + 0.15 * mottle, 0, 1))
    return mix(ground_colour, p["shrub"] * 0.7, ramp(grain + 0.4 * mottle, 0.2, 1.6) * 0.85)


def _wetland(ground: Ground, rows: Rows) -> Paint:
    g, p = ground, ground.palette
    grain, mottle = g.at(g.cover.grain, rows), g.at(g.cover.mottle, rows)
    reed = mix(p["reed"], p["lush"], np.float32(0.75 * g.season.green))
    colour = mix(reed, p["dry"], np.clip(0.25 + 0.25 * mottle + 0.1 * grain, 0, 0.8))
    pools = ramp(0.55 * g.at(g.cover.conifer, rows) * 0 + np.abs(mottle) - 0.05 * grain, 0.32, 0.12)
    return mix(np.asarray(colour * (1 + 0.08 * grain), dtype=np.float32), p["lake"], pools * 0.92)


def _beach(ground: Ground, rows: Rows) -> Paint:
    g, p = ground, ground.palette
    wet = ramp(g.at(g.terrain.shore, rows), 1.6, 0.2)
    colour = mix(p["sand"], p["wet_sand"], wet * 0.8)
    return np.asarray(colour * (1 + 0.035 * g.at(g.cover.grain, rows) + 0.05 * g.at(g.cover.mottle, rows)), dtype=np.float32)


def _bare(ground: Ground, rows: Rows) -> Paint:
    g, p = ground, ground.palette
    colour = mix(p["stump"], p["soil_pale"], np.clip(0.4 + 0.3 * g.at(g.cover.mottle, rows), 0, 1))
    char = g.at(g.cover.burnt, rows)
    colour = mix(colour, p["char"], np.clip(char * 1.3, 0, 1))
    return np.asarray(colour * (1 + 0.09 * g.at(g.cover.grain, rows)), dtype=np.float32)


def _still_water(ground: Ground, rows: Rows) -> Paint:
    g, p = ground, ground.palette
    murk = np.clip(0.10 + 0.12 * g.at(g.cover.drift, rows) + 0.02 * g.at(g.cover.mottle, rows), 0.0, 0.5)
    return mix(p["lake"], p["silt"], murk)


def _river(ground: Ground, rows: Rows) -> Paint:
    g, p = ground, ground.palette
    return mix(p["lake"], p["silt"], np.clip(0.65 + 0.2 * g.at(g.cover.drift, rows), 0, 1))


def _sea(ground: Ground, rows: Rows) -> Paint:
    g, p = ground, ground.palette
    drift, mottle = g.at(g.cover.drift, rows), g.at(g.cover.mottle, rows)
    offshore = -g.at(g.terrain.shore, rows)
    depth = np.maximum(offshore * np.exp(0.55 * drift) * 0.26 + 0.8 * mottle * ramp(offshore, 3, 30), 0.15)
    fade = np.exp(-2 * depth * p.attenuation)
    bottom = mix(p["sand"], p["rock_dark"], ramp(mottle + 0.7 * drift + 0.12 * g.at(g.cover.grain, rows), 0.5, 1.5) * 0.65)
    return np.asarray(p["deep"] + (bottom * 0.78 - p["deep"]) * fade, dtype=np.float32)


_PAINTS: dict[LandCover, Callable[[Ground, Rows], Paint]] = {
    LandCover.SEA: _sea,
    LandCover.LAKE: _still_water,
    LandCover.RIVER: _river,
    LandCover.BEACH: _beach,
    LandCover.FOREST: _forest,
    LandCover.FARMLAND: _farmland,
    LandCover.MEADOW: _meadow,
    LandCover.MOUNTAIN: _mountain,
    LandCover.DESERT: _desert,
    LandCover.WETLAND: _wetland,
    LandCover.ORCHARD: _orchard,
    LandCover.BARE: _bare,
    LandCover.SNOW: _snow,
    LandCover.SHRUB: _shrub,
}
