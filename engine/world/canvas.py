"""A drawing board finer than the pixels, for what people build: edges come out smooth, houses smaller than a pixel count."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from engine.world.classes import LandCover
from engine.world.noise import FloatImage
from engine.world.palette import Colour

FINE: Final = 3
"""Drawing points a pixel, each way."""

_TOP: Final = 0.6  # reflectance of 255 on the board

Points = NDArray[np.float64]
Ink = tuple[int, int, int, int] | float


@dataclass(frozen=True, slots=True)
class Frame:
    """Local axes somewhere in the scene: u along ``angle``, v a quarter turn clockwise of it (rows run down)."""

    x: float
    y: float
    angle: float

    def points(self, uv: ArrayLike) -> Points:
        """(n, 2) local u, v → (n, 2) x, y in pixels."""
        local = np.asarray(uv, dtype=float).reshape(-1, 2)
        c, s = np.cos(self.angle), np.sin(self.angle)
        return np.column_stack([self.x + local[:, 0] * c - local[:, 1] * s, self.y + local[:, 0] * s + local[:, 1] * c])

    def box(self, u: float, v: float, length: float, width: float) -> Points:
        """The four corners of a rectangle around (u, v)."""
        a, b = length / 2, width / 2
        return self.points([(u - a, v - b), (u + a, v - b), (u + a, v + b), (u - a, v + b)])

    def at(self, u: float, v: float, turn: float = 0.0) -> Frame:
        """Another frame, moved and turned within this one."""
        ((x, y),) = self.points([(u, v)])
        return Frame(float(x), float(y), self.angle + turn)


class Canvas:
    """What has been drawn: colour, coverage and labels.

    Args:
        size: Side of the scene, pixels.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        side = size * FINE
        self._cover = Image.new("L", (side, side), 0)
        self._label = Image.new("L", (size, size), 0)
        self._sheets, self._ink = self._papers(side)
        self._inks = tuple(ImageDraw.Draw(sheet) for sheet in self._sheets)
        self._pens = (ImageDraw.Draw(self._cover), ImageDraw.Draw(self._label))

    def _papers(self, side: int) -> tuple[tuple[Image.Image, ...], Callable[[Colour], tuple[Ink, ...]]]:
        """Sheets of (side, side) points to draw on, and how a colour is inked on each of them."""
        # four plain channels (red, green, blue, near infrared): in RGBA the fourth would weigh the others
        return (Image.new("CMYK", (side, side), (0, 0, 0, 0)),), _inked

    def _colours(self) -> NDArray[np.float32]:
        """(size, size, 4) colour times coverage."""
        return np.asarray(self._sheets[0].reduce(FINE), dtype=np.float32) * np.float32(_TOP / 255)

    def polygon(self, points: Points, colour: Colour) -> None:
        """Fill a polygon; points in pixels."""
        fine = (points * FINE).ravel().tolist()
        for pen, ink in zip(self._inks, self._ink(colour), strict=True):
            pen.polygon(fine, fill=ink)
        self._pens[0].polygon(fine, fill=255)

    def box(
        self, frame: Frame, u: float, v: float, length: float, width: float, colour: Colour, shift: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        """Fill a rectangle around (u, v) of a frame, moved by ``shift`` pixels; the quick way for tens of thousands of roofs."""
        c, s = math.cos(frame.angle) * FINE, math.sin(frame.angle) * FINE
        x, y = (frame.x + shift[0]) * FINE + u * c - v * s, (frame.y + shift[1]) * FINE + u * s + v * c
        ax, ay, bx, by = c * length / 2, s * length / 2, -s * width / 2, c * width / 2
        corners = [x - ax - bx, y - ay - by, x + ax - bx, y + ay - by, x + ax + bx, y + ay + by, x - ax + bx, y - ay + by]
        for pen, ink in zip(self._inks, self._ink(colour), strict=True):
            pen.polygon(corners, fill=ink)
        self._pens[0].polygon(corners, fill=255)

    def building(
        self, place: tuple[Frame, float, float, float, float], roof: Colour, shadow: Colour, reach: tuple[float, float], height: float = 1.0
    ) -> None:
        """A flat roof with its shadow.

        Args:
            place: As for :meth:`box`: frame, u, v, length, width.
            roof: Its colour.
            shadow: Colour of the shadow.
            reach: Where the shadow of something 10 m high ends, pixels x, y.
            height: In units of 10 m.
        """
        self.box(*place, shadow, (reach[0] * height, reach[1] * height))
        self.box(*place, roof)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Fill a circle."""
        box = [(x - radius) * FINE, (y - radius) * FINE, (x + radius) * FINE, (y + radius) * FINE]
        for pen, ink in zip(self._inks, self._ink(colour), strict=True):
            pen.ellipse(box, fill=ink)
        self._pens[0].ellipse(box, fill=255)

    def shadow_disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """The shadow that something round casts in the sun."""
        self.disc(x, y, radius, colour)

    def line(self, points: Points, width: float, colour: Colour) -> None:
        """Draw a line of a width in pixels."""
        fine = [(float(x), float(y)) for x, y in points * FINE]
        thick = max(1, round(width * FINE))
        joint = "curve" if thick > 2 else None
        for pen, ink in zip(self._inks, self._ink(colour), strict=True):
            pen.line(fine, fill=ink, width=thick, joint=joint)
        self._pens[0].line(fine, fill=255, width=thick, joint=joint)

    def name(self, points: Points, kind: LandCover) -> None:
        """Label the inside of a polygon."""
        self._pens[1].polygon([(float(x), float(y)) for x, y in points - 0.5], fill=int(kind))

    def name_line(self, points: Points, width: float, kind: LandCover) -> None:
        """Label a line."""
        self._pens[1].line([(float(x), float(y)) for x, y in points - 0.5], fill=int(kind), width=max(1, round(width)))

    def name_disc(self, x: float, y: float, radius: float, kind: LandCover) -> None:
        """Label a circle."""
        self._pens[1].ellipse([x - radius - 0.5, y - radius - 0.5, x + radius - 0.5, y + radius - 0.5], fill=int(kind))

    def trees(self, spots: Iterable[tuple[float, float]], radius: float, colour: Colour) -> None:
        """Small round crowns."""
        for x, y in spots:
            self.disc(x, y, radius, colour)

    @property
    def labels(self) -> NDArray[np.uint8]:
        """(size, size) LandCover, 0 where nothing is named."""
        return np.asarray(self._label, dtype=np.uint8)

    def over(self, picture: NDArray[np.float32], texture: FloatImage) -> FloatImage:
        """Lay the drawing over a (size, size, 4) reflectance, in place.

        Args:
            picture: What to draw on.
            texture: (size, size) factors about 1, so that lawns and yards are not as flat as paint.

        Returns:
            (size, size) share of each pixel that is covered.
        """
        cover = np.asarray(self._cover.reduce(FINE), dtype=np.float32) / 255
        rows, columns = np.nonzero(cover)
        share = cover[rows, columns][:, None]
        ink = self._colours()[rows, columns]
        ink *= texture[rows, columns][:, None]
        picture[rows, columns] = picture[rows, columns] * (1 - share) + ink
        return cover.astype(np.float32)


def _inked(colour: Colour) -> tuple[Ink, ...]:
    r, g, b, n = (colour * np.float32(255 / _TOP) + np.float32(0.5)).tolist()
    return ((min(int(r), 255), min(int(g), 255), min(int(b), 255), min(int(n), 255)),)
