"""Towns and villages: street grids with houses, gardens, parks and squares, growing from date to date."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.world.canvas import Canvas
from engine.world.classes import LandCover
from engine.world.lots import Block
from engine.world.palette import Colour, Palette
from engine.world.season import Season
from engine.world.works import cars, sun_reach

GROWING = 0.10
"""A block is a building site for this share of the series before it is built."""


@dataclass(frozen=True, slots=True)
class Town:
    """A settlement.

    Attributes:
        blocks: Its pieces.
        dense: Whether its centre has large buildings.
    """

    blocks: tuple[Block, ...]
    dense: bool

    def draw(self, canvas: Canvas, palette: Palette, season: Season) -> None:
        """Draw it as it stands on a date."""
        looks = _Looks.of(palette, season)
        for block in self.blocks:
            if block.built > season.share + GROWING:
                continue
            outline = block.frame.box(0, 0, block.length + 0.4, block.width + 0.4)
            if block.built > season.share:
                canvas.name(outline, LandCover.BARE)
                canvas.polygon(outline, palette["soil_pale"])
                continue
            canvas.name(outline, LandCover.RESIDENTIAL)
            canvas.polygon(outline, palette["asphalt"] * np.float32(1.6))
            _block(canvas, block, looks, self.dense)


@dataclass(frozen=True, slots=True)
class _Looks:
    palette: Palette
    garden: Colour
    tree: Colour
    sun: tuple[float, float]
    season: Season

    @classmethod
    def of(cls, palette: Palette, season: Season) -> _Looks:
        lush = np.float32(0.35 + 0.5 * season.lush)
        garden = 0.72 * (palette["dry"] + (palette["lush"] - palette["dry"]) * lush) + 0.28 * palette["soil_pale"]
        bare = palette["twig"] + (palette["leaf_gold"] - palette["twig"]) * np.float32(season.gold)
        tree = bare + (palette["leaf"] - bare) * np.float32(max(season.green, 0.3))
        return cls(palette, garden, tree, sun_reach(season), season)


def _block(canvas: Canvas, block: Block, looks: _Looks, dense: bool) -> None:
    rng = np.random.default_rng(block.seed)
    kind = rng.random()
    inner = block.frame.box(0, 0, block.length - 1.0, block.width - 1.0)
    if kind < 0.05:
        _park(canvas, block, looks, rng)
    elif kind < 0.09:
        _hall(canvas, block, looks, rng)
    elif dense and block.core < 0.36:
        canvas.polygon(inner, looks.palette["yard"])
        _perimeter(canvas, block, looks, rng)
    else:
        canvas.polygon(inner, looks.garden * np.float32(rng.uniform(0.8, 1.1)))
        _houses(canvas, block, looks, rng)


def _houses(canvas: Canvas, block: Block, looks: _Looks, rng: np.random.Generator) -> None:
    pitch = 1.95 + 0.9 * block.core
    count = max(2, int((block.length - 1.6) / pitch))
    roofs, names = looks.palette.roofs, looks.palette.house_roofs
    usual = names[int(rng.integers(len(names)))]
    for side in (-1, 1):
        v = side * (block.width / 2 - 1.75)
        for slot in range(count):
            if rng.random() < 0.10:
                continue
            u = (slot + 0.5 - count / 2) * pitch + rng.normal(0, 0.1)
            name = usual if rng.random() < 0.6 else names[int(rng.integers(len(names)))]
            length, width = rng.uniform(1.2, 1.75), rng.uniform(1.05, 1.45)
            roof = roofs[name] * np.float32(rng.uniform(0.85, 1.15))
            place = (block.frame, u, v + float(rng.normal(0, 0.12)), float(length), float(width))
            canvas.building(place, roof, looks.palette["shadow"], looks.sun, 0.66)
    spots = block.frame.points(rng.uniform(-0.5, 0.5, (int(2 + 3 * block.core), 2)) * [block.length - 1.5, 2.0])
    canvas.trees([(float(x), float(y)) for x, y in spots], 0.45, looks.tree)


def _perimeter(canvas: Canvas, block: Block, looks: _Looks, rng: np.random.Generator) -> None:
    roofs = looks.palette.roofs
    names = ("grey", "pale", "tile_old", "white", "slate", *looks.palette.house_roofs[:3])
    half_v = block.width / 2 - 1.5
    for side in (-1, 1):
        u = -block.length / 2 + 0.8
        while u < block.length / 2 - 1.6:
            length = min(float(rng.uniform(1.4, 3.4)), block.length / 2 - 0.8 - u)
            roof = roofs[names[int(rng.integers(len(names)))]] * np.float32(rng.uniform(0.85, 1.1))
            place = (block.frame, u + length / 2, side * half_v, length - 0.25, 1.9)
            canvas.building(place, roof, looks.palette["shadow"], looks.sun, float(rng.uniform(0.9, 2.7)))
            u += length


def _park(canvas: Canvas, block: Block, looks: _Looks, rng: np.random.Generator) -> None:
    canvas.box(block.frame, 0, 0, block.length - 1, block.width - 1, looks.garden * np.float32(0.9))
    canvas.line(
        block.frame.points([(-block.length / 2, -block.width / 3), (block.length / 2, block.width / 3)]), 0.5, looks.palette["track"]
    )
    spots = block.frame.points(rng.uniform(-0.42, 0.42, (16, 2)) * [block.length, block.width])
    canvas.trees([(float(x), float(y)) for x, y in spots], 0.6, looks.tree)


def _hall(canvas: Canvas, block: Block, looks: _Looks, rng: np.random.Generator) -> None:
    """A school or a market: one large roof and its cars."""
    canvas.box(block.frame, 0, 0, block.length - 1, block.width - 1, looks.palette["asphalt"])
    roof = looks.palette.roofs[("pale", "white", "grey")[int(rng.integers(3))]]
    place = (block.frame, -block.length / 5, 0.0, block.length * 0.42, block.width * 0.6)
    canvas.building(place, roof, looks.palette["shadow"], looks.sun, 1.05)
    cars(canvas, block.frame.at(block.length / 4, 0), block.length * 0.36, block.width * 0.7, looks.palette, looks.season, block.seed)
