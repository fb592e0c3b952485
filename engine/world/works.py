"""Industry: big roofs, yards, tank farms and parking lots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.world.canvas import Canvas, Frame
from engine.world.classes import LandCover
from engine.world.lots import Block
from engine.world.palette import Palette
from engine.world.season import Season

ROOFS = ("white", "white", "pale", "grey", "blue", "rust", "slate")


@dataclass(frozen=True, slots=True)
class Works:
    """An industrial estate made of blocks."""

    blocks: tuple[Block, ...]

    def draw(self, canvas: Canvas, palette: Palette, season: Season) -> None:
        """Draw it as it stands on a date."""
        sun = sun_reach(season)
        for number, block in enumerate(self.blocks):
            if block.built > season.share + 0.12:
                continue
            outline = block.frame.box(0, 0, block.length + 0.4, block.width + 0.4)
            if block.built > season.share:
                canvas.name(outline, LandCover.BARE)
                canvas.polygon(outline, palette["soil_pale"])
                continue
            canvas.name(outline, LandCover.INDUSTRIAL)
            canvas.polygon(outline, palette["asphalt"])
            inner = block.frame.box(0, 0, block.length - 1.3, block.width - 1.3)
            canvas.polygon(inner, palette["yard"])
            _DRAWN[number % 9](canvas, block, palette, season, sun)


def sun_reach(season: Season) -> tuple[float, float]:
    """Shadow of something 10 m high, in pixels of 10 m: x, y."""
    length = min(float(np.tan(np.deg2rad(season.sun_zenith))), 2.5)
    away = np.deg2rad(season.sun_azimuth)
    return -float(np.sin(away)) * length, float(np.cos(away)) * length


def cars(canvas: Canvas, frame: Frame, length: float, width: float, palette: Palette, season: Season, seed: int) -> None:
    """Rows of parked cars on asphalt; which bays are full changes with the date."""
    rng = np.random.default_rng([seed, season.when.toordinal()])
    canvas.box(frame, 0, 0, length, width, palette["asphalt"] * np.float32(1.05))
    paints = (palette["white"], palette.roofs["grey"], palette["shadow"], palette["container_red"], palette["container_blue"])
    for v in np.arange(-width / 2 + 0.5, width / 2 - 0.3, 1.35):
        for u in np.arange(-length / 2 + 0.4, length / 2 - 0.3, 0.62):
            if rng.random() < 0.72:
                canvas.box(frame, float(u), float(v), 0.36, 0.6, paints[int(rng.integers(5))] * np.float32(rng.uniform(0.35, 0.75)))


def _halls(canvas: Canvas, block: Block, palette: Palette, season: Season, sun: tuple[float, float]) -> None:
    rng = np.random.default_rng(block.seed)
    parts = int(rng.integers(1, 4))
    room = block.length - 2.6
    for part in range(parts):
        u = (part + 0.5) * room / parts - room / 2
        length, width = room / parts - 1.0, (block.width - 2.8) * rng.uniform(0.7, 1.0)
        roof = palette.roofs[ROOFS[int(rng.integers(len(ROOFS)))]] * np.float32(rng.uniform(0.8, 1.1))
        canvas.building((block.frame, u, 0, length, float(width)), roof, palette["shadow"], sun)
        for ridge in np.arange(-width / 2 + 1.2, width / 2 - 0.6, 2.2):
            canvas.line(block.frame.points([(u - length / 2, ridge), (u + length / 2, ridge)]), 0.34, roof * np.float32(0.86))


def _tanks(canvas: Canvas, block: Block, palette: Palette, season: Season, sun: tuple[float, float]) -> None:
    rng = np.random.default_rng(block.seed)
    canvas.name(block.frame.box(0, 0, block.length, block.width), LandCover.STORAGE_TANKS)
    canvas.box(block.frame, 0, 0, block.length - 1.3, block.width - 1.3, palette["soil_pale"] * np.float32(0.85))
    radius = float(rng.uniform(2.0, 2.9))
    pitch = 2 * radius + 1.5
    for i in range(int((block.length - 2) / pitch)):
        for j in range(int((block.width - 2) / pitch)):
            u = (i + 0.5) * pitch - int((block.length - 2) / pitch) * pitch / 2
            v = (j + 0.5) * pitch - int((block.width - 2) / pitch) * pitch / 2
            ((x, y),) = block.frame.points([(u, v)])
            r = radius * float(rng.choice([1.0, 1.0, 0.75]))
            canvas.shadow_disc(x + sun[0] * 1.3, y + sun[1] * 1.3, r, palette["shadow"])
            canvas.disc(x, y, r, palette["white"] * np.float32(rng.uniform(0.62, 0.8)))
            canvas.disc(x, y, r * 0.25, palette.roofs["grey"])


def _parking(canvas: Canvas, block: Block, palette: Palette, season: Season, sun: tuple[float, float]) -> None:
    canvas.name(block.frame.box(0, 0, block.length, block.width), LandCover.PARKING)
    cars(canvas, block.frame, block.length - 2, block.width - 2, palette, season, block.seed)


def _yard(canvas: Canvas, block: Block, palette: Palette, season: Season, sun: tuple[float, float]) -> None:
    rng = np.random.default_rng([block.seed, season.when.toordinal()])
    paints = [palette[name] for name in ("container_red", "container_blue", "container_green", "yard", "white")]
    for v in np.arange(-block.width / 2 + 1.8, block.width / 2 - 1.2, 1.5):
        for u in np.arange(-block.length / 2 + 1.8, block.length / 2 - 1.2, 1.4):
            if rng.random() < 0.7:
                canvas.box(block.frame, float(u), float(v), 1.2, 0.8, paints[int(rng.integers(5))])


_DRAWN = (_halls, _tanks, _halls, _parking, _halls, _yard, _halls, _tanks, _halls)
