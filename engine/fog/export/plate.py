"""A frame as a picture that explains itself: title, time, method, legend, scale of degrees, and SYNTHETIC where it is."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from engine.fog.export.about import CAVEAT
from engine.fog.export.lettering import font, legible
from engine.fog.layers import Lattice, Layer, Legend, Painted, Swatch, layer_named, paint_mask
from engine.fog.mask import WORDS, FogMask
from engine.types import Bounds

INK: Final = (22, 32, 43)
SOFT: Final = (88, 102, 116)
PAPER: Final = (247, 248, 250)
MARK: Final = (180, 84, 10)
SEA: Final = (205, 216, 224)
WIDTH: Final = 768
_PAD, _LINE, _SWATCH = 12, 20, 16


def mask_picture(mask: FogMask, under: Painted | None = None, layer: str = "fog", *, width: int = WIDTH, backdrop: str = "") -> bytes:
    """A mask over a picture, with everything that a reader needs, as PNG.

    Args:
        mask: The mask.
        under: A layer of the same frame and lattice to lie below it; by default plain sea.
        layer: How the mask is drawn: ``fog``, ``state``, ``probability`` or ``forecast``.
        width: Of the map, pixels.
        backdrop: Title of what lies under it.
    """
    recipe = layer_named(layer)
    lattice = Lattice.of(mask.bounds, mask.state.shape, width)
    drawn = plate(
        [each for each in (under, paint_mask(mask, recipe, lattice)) if each is not None],
        mask.bounds,
        [recipe],
        heading=heading(mask),
        lines=lines(mask, backdrop),
        synthetic=mask.synthetic,
    )
    out = io.BytesIO()
    drawn.save(out, "PNG", optimize=False, compress_level=6, pnginfo=_info(mask))
    return out.getvalue()


def heading(mask: FogMask) -> str:
    """What stands over a mask."""
    return f"{WORDS.capitalize()}  {mask.time:%Y-%m-%d %H:%M} UTC"


def lines(mask: FogMask, backdrop: str = "") -> list[str]:
    """What stands under it."""
    lights = [f"{name.replace('_', ' ')} {share:.0%}" for name, share in mask.validities.items() if name != "land"]
    return [
        f"Method: {mask.method}. Source: {mask.source}." + (f" Below: {backdrop}." if backdrop else ""),
        f"Judged: {', '.join(lights)}." if lights else "Nothing could be judged.",
        CAVEAT,
        *mask.notes[:2],
    ]


def plate(
    painted: Sequence[Painted],
    bounds: Bounds,
    layers: Sequence[Layer],
    *,
    heading: str,
    lines: Sequence[str],
    synthetic: bool,
) -> Image.Image:
    """Painted layers of one size, from bottom to top, with title, legends and lines of text.

    Args:
        painted: The layers.
        bounds: Where they lie.
        layers: Whose legends are drawn.
        heading: Title.
        lines: Text under the map; long ones are wrapped.
        synthetic: Whether the mark is set.
    """
    tall, wide = painted[0].pixels.shape[:2]
    room = max(wide, 360)
    text = [part for line in lines for part in wrapped(line, room - 2 * _PAD)]
    rows = sum(_legend_height(layer.legend, room) for layer in layers)
    top = 2 * _PAD + 24 + (_LINE if room < 560 else 0)
    sheet = Image.new("RGB", (room, top + tall + _PAD + rows + len(text) * _LINE + _PAD), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((_PAD, _PAD), legible(heading), INK, font(18))
    if synthetic:
        _mark(pen, room, top)
    sheet.paste(_stacked(painted), ((room - wide) // 2, top))
    _degrees(pen, bounds, ((room - wide) // 2, top, wide, tall))
    y = top + tall + _PAD
    for layer in layers:
        _legend(sheet, pen, layer.legend, y, room)
        y += _legend_height(layer.legend, room)
    for line in text:
        pen.text((_PAD, y), legible(line), SOFT, font(13))
        y += _LINE
    return sheet


def wrapped(line: str, room: int) -> list[str]:
    """A line in as many lines as it takes."""
    out = [""]
    for word in legible(line).split():
        longer = f"{out[-1]} {word}".strip()
        if font(13).getlength(longer) > room and out[-1]:
            out.append(word)
        else:
            out[-1] = longer
    return out


def _stacked(painted: Sequence[Painted]) -> Image.Image:
    sheet = Image.new("RGBA", painted[0].pixels.shape[1::-1], (*SEA, 255))
    for each in painted:
        sheet.alpha_composite(Image.fromarray(np.ascontiguousarray(each.rgba)))
    return sheet.convert("RGB")


def _mark(pen: ImageDraw.ImageDraw, room: int, top: int) -> None:
    words = "SYNTHETIC"
    wide = font(14).getlength(words)
    y = top - _LINE - 8 if room < 560 else _PAD
    x = _PAD if room < 560 else room - _PAD - wide - 16
    pen.rounded_rectangle((x, y, x + wide + 16, y + 24), 12, outline=MARK, width=2)
    pen.text((x + 8, y + 3), words, MARK, font(14))


def _degrees(pen: ImageDraw.ImageDraw, bounds: Bounds, place: tuple[int, int, int, int]) -> None:
    """The box's sides in its corners."""
    x, y, wide, tall = place
    north, south = (f"{abs(side):.1f}° {'N' if side >= 0 else 'S'}" for side in (bounds.north, bounds.south))
    west, east = (f"{abs(side):.1f}° {'E' if side >= 0 else 'W'}" for side in (bounds.west, bounds.east))
    for words, right, low in ((f"{north} {west}", False, False), (f"{south} {east}", True, True)):
        size = font(11).getlength(legible(words))
        at = (x + wide - size - 6 if right else x + 4, y + tall - 18 if low else y + 3)
        pen.rectangle((at[0] - 3, at[1] - 1, at[0] + size + 3, at[1] + 14), fill=PAPER)
        pen.text(at, legible(words), INK, font(11))
    pen.rectangle((x, y, x + wide - 1, y + tall - 1), outline=SOFT)


def _legend_height(legend: Legend, room: int) -> int:
    return _LINE + (_LINE + 18 if legend.ramp else 0) + _LINE * len(legend.swatches) + 6


def _legend(sheet: Image.Image, pen: ImageDraw.ImageDraw, legend: Legend, y: int, room: int) -> None:
    pen.text((_PAD, y), legible(legend.title + (f", {legend.unit}" if legend.unit else "")), INK, font(13))
    y += _LINE
    if legend.ramp:
        _ramp(sheet, pen, legend, y, min(room - 2 * _PAD, 320))
        y += _LINE + 18
    for swatch in legend.swatches:
        sheet.paste(_chip(swatch), (_PAD, y + 1))
        pen.text((_PAD + _SWATCH + 10, y), legible(swatch.label), SOFT, font(13))
        y += _LINE


def _ramp(sheet: Image.Image, pen: ImageDraw.ImageDraw, legend: Legend, y: int, wide: int) -> None:
    places = [value for value, _, _ in legend.ramp]
    low, high = places[0], places[-1]
    table = np.linspace(low, high, wide)
    stops = np.array([(*(int(c[i : i + 2], 16) for i in (1, 3, 5)), o) for _, c, o in legend.ramp], dtype=np.float64)
    red, green, blue, opacity = (np.interp(table, places, stops[:, channel]) for channel in range(4))
    ground = np.array(SEA)
    line = np.column_stack([red, green, blue]) * opacity[:, None] + ground * (1 - opacity[:, None])
    sheet.paste(Image.fromarray(np.repeat(line[None].round().astype(np.uint8), 12, axis=0)), (_PAD, y))
    for tick in legend.ticks:
        words = legible(f"{tick:g}".replace("-", "−"))
        x = _PAD + (tick - low) / (high - low) * (wide - 1)
        pen.text((min(max(x - font(11).getlength(words) / 2, _PAD), _PAD + wide), y + 15), words, SOFT, font(11))


def _chip(swatch: Swatch) -> Image.Image:
    red, green, blue = (int(swatch.colour[i : i + 2], 16) for i in (1, 3, 5))
    opacity = int(swatch.colour[7:9] or "ff", 16)
    y, x = np.ogrid[:_SWATCH, :_SWATCH]
    drawn = {
        "hatch": (x + y) % 7 < 2,
        "checks": (x // 4 + y // 4) % 2 == 0,
        "dashed": (x - y) % 6 >= 2,
        "colour": np.ones((_SWATCH, _SWATCH), dtype=bool),
    }[swatch.kind]
    share = np.asarray(drawn)[..., None] * (opacity / 255)
    chip = np.array([red, green, blue]) * share + np.array(SEA) * (1 - share)
    return Image.fromarray(chip.round().astype(np.uint8))


def _info(mask: FogMask) -> PngInfo:
    info = PngInfo()
    for key, value in (("Title", heading(mask)), ("Description", CAVEAT), ("Source", mask.source), ("Method", mask.method)):
        info.add_itxt(key, value)
    info.add_itxt("Synthetic", "1" if mask.synthetic else "0")
    return info
