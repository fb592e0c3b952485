"""Frames of a fog cube as pictures that lie exactly on a web map."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import CubeInvalid
from engine.fog.cube import Cube
from engine.fog.mask import FogMask, State, Validity
from engine.fog.physics import DUSK, THRESHOLD, detect
from engine.fog.sun import solar_zenith

Picture = NDArray[np.uint8]

LAYERS: Final = ("infrared", "natural", "fog")

AMBER: Final = (255, 190, 60)
ROSE: Final = (255, 80, 120)
HATCH: Final = (126, 148, 172)
CHECK: Final = (128, 128, 128)

_INFRARED_K: Final = (305.0, 200.0)
_NATURAL: Final = (("R0160", 75.0), ("R0086", 90.0), ("R0064", 90.0))
_TWILIGHT_FADE: Final = 0.55


@dataclass(frozen=True, slots=True)
class Legend:
    """What a layer's colours mean.

    Attributes:
        title: Name of the layer.
        unit: Unit of the stops.
        stops: Value, CSS colour and opacity 0–1, in rising order.
        patterns: Pattern name and what it stands for.
        note: What a reader must know.
    """

    title: str
    unit: str
    stops: tuple[tuple[float, str, float], ...]
    patterns: tuple[tuple[str, str], ...] = ()
    note: str = ""


def legend(layer: str) -> Legend:
    """The legend of a layer.

    Raises:
        CubeInvalid: If there is no such layer.
    """
    if layer not in _LEGENDS:
        raise CubeInvalid(layer, f"there is no such layer; choose from {', '.join(LAYERS)}.")
    return _LEGENDS[layer]


_LEGENDS: Final = {
    "infrared": Legend("Infrared 11 µm", "K", ((200.0, "#ffffff", 1.0), (305.0, "#000000", 1.0)), note="Cold tops are white."),
    "natural": Legend("Natural colour", "", (), note="By day only. Ice clouds are cyan, water clouds pale, land brown and green."),
    "fog": Legend(
        "Fog or very low stratus",
        "probability",
        ((THRESHOLD, "#ffbe3c", 0.35), (1.0, "#ff5078", 0.85)),
        (("hatch", State.OBSCURED.words), ("checks", State.NO_DATA.words)),
        "Seen from above only: tops, not the base. Twilight (sun 80–90° from the zenith) is weak and drawn paler. Land is not judged.",
    ),
}


def render_frame(cube: Cube, layer: str, index: int, *, width: int | None = None) -> bytes:
    """One frame of one layer as a PNG with alpha, in web-Mercator rows: laid between the cube's bounds it is exact.

    Args:
        cube: The cube.
        layer: ``infrared``, ``natural`` (transparent where the sun is down) or ``fog``.
        index: Frame, from 0.
        width: Width of the picture, pixels; by default one a cell. The height follows from the projection.

    Raises:
        CubeInvalid: If there is no such layer or frame, or an element that the layer needs is missing.
    """
    legend(layer)
    if layer == "fog":
        return render_mask(detect(cube, index), width=width)
    picture = _infrared(cube, index) if layer == "infrared" else _natural(cube, index)
    rows, columns = _mercator(cube.bounds.south, cube.bounds.north, cube.bounds.width, cube.shape, width)
    return _png(picture[rows][:, columns])


def render_mask(mask: FogMask, *, width: int | None = None) -> bytes:
    """A mask as a PNG with alpha, in web-Mercator rows.

    Fog runs from amber to rose with rising opacity from 0.35, obscured is hatched, no data checked (land stays free), twilight paler.
    """
    rows, columns = _mercator(mask.bounds.south, mask.bounds.north, mask.bounds.width, mask.state.shape, width)
    state, validity = mask.state[rows][:, columns], mask.validity[rows][:, columns]
    probability = mask.probability[rows][:, columns]
    y, x = np.ogrid[: state.shape[0], : state.shape[1]]
    out = np.zeros((*state.shape, 4), dtype=np.uint8)
    fog = state == State.FOG
    sure = np.clip((probability[fog] - THRESHOLD) / (1 - THRESHOLD), 0, 1)
    weak = (validity[fog] & (Validity.TWILIGHT | Validity.SLANT)) > 0
    tint = np.array(AMBER) + sure[:, None] * (np.array(ROSE) - np.array(AMBER))
    alpha = (0.35 + 0.50 * sure) * np.where(weak, _TWILIGHT_FADE, 1.0)
    out[fog] = np.column_stack([tint, alpha * 255]).round().astype(np.uint8)
    hatched = (state == State.OBSCURED) & ((x + y) % 7 < 2)
    out[hatched] = (*HATCH, 165)
    checked = (state == State.NO_DATA) & ((validity & Validity.LAND) == 0) & ((x // 4 + y // 4) % 2 == 0)
    out[checked] = (*CHECK, 110)
    return _png(out)


def _infrared(cube: Cube, index: int) -> Picture:
    kelvin = cube.element("BT1120", index)
    warm, cold = _INFRARED_K
    grey = np.clip((kelvin - warm) / (cold - warm), 0, 1) ** 0.75 * 255
    known = np.isfinite(kelvin)
    out = np.zeros((*kelvin.shape, 4), dtype=np.uint8)
    out[..., :3] = np.where(known, grey, 0).astype(np.uint8)[..., None]
    out[..., 3] = known * np.uint8(255)
    return out


def _natural(cube: Cube, index: int) -> Picture:
    """1.6, 0.86 and 0.64 µm as red, green and blue; without 0.86 µm green is made of the other two."""
    zenith = solar_zenith(cube.times[index], cube.lat[:, None], cube.lon[None, :])
    out = np.zeros((*cube.shape, 4), dtype=np.uint8)
    day = zenith < DUSK
    if not day.any():
        return out
    red, blue = cube.element("R0160", index), cube.element("R0064", index)
    green = cube.element("R0086", index) if "R0086" in cube.elements else 0.25 * red + 0.75 * blue
    for channel, (values, (_, full)) in enumerate(zip((red, green, blue), _NATURAL, strict=True)):
        bright = np.sqrt(np.clip(np.nan_to_num(values) / full, 0, 1))
        out[..., channel] = (bright * 255).astype(np.uint8)
    known = day & np.isfinite(red) & np.isfinite(blue)
    fade = np.clip((DUSK - zenith) / 6, 0, 1)
    out[..., 3] = np.where(known, 255 * fade, 0).astype(np.uint8)
    return out


def _mercator(
    south: float, north: float, across: float, shape: tuple[int, ...], width: int | None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which row and column of an equirectangular grid each pixel of a web-Mercator picture shows."""
    count, wide = shape[0], width or shape[1]
    limit = 85.05112878
    top, bottom = (np.arcsinh(np.tan(np.deg2rad(np.clip(side, -limit, limit)))) for side in (north, south))
    height = max(1, round(wide * float(top - bottom) / np.deg2rad(across)))
    y = top - (np.arange(height) + 0.5) / height * (top - bottom)
    lat = np.rad2deg(np.arctan(np.sinh(y)))
    rows = np.clip(((north - lat) / (north - south) * count).astype(np.intp), 0, count - 1)
    columns = ((np.arange(wide) + 0.5) / wide * shape[1]).astype(np.intp)
    return rows, np.clip(columns, 0, shape[1] - 1)


def _png(picture: Picture) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(stream, "PNG", compress_level=1)
    return stream.getvalue()
