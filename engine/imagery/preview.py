"""What a person and an encoder see of a scene: 8-bit RGB with a mask, under one stretch per scene.

The stretch is computed once from a decimated read and then fixed, so that neighbouring tiles, thumbnails and the map agree.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]

LOW_HIGH: Final = (2.0, 98.0)
"""Percentiles of valid pixels that become black and white."""

WIDE_ENOUGH: Final = 64.0
"""An 8-bit picture whose percentiles lie this far apart is shown as it is."""


@dataclass(frozen=True, slots=True)
class TileImage:
    """Pixels to look at.

    Attributes:
        rgb: (H, W, 3) uint8.
        valid: (H, W) bool; ``False`` where the scene holds no data.
    """

    rgb: Picture
    valid: Mask

    @property
    def valid_share(self) -> float:
        """Share of valid pixels, 0 to 1."""
        return float(self.valid.mean()) if self.valid.size else 0.0

    def fill(self) -> Picture:
        """(H, W, 3) uint8 with invalid pixels set to the mean of the valid ones (mid grey where there are none)."""
        if self.valid.all():
            return self.rgb
        mean = self.rgb[self.valid].mean(axis=0) if self.valid.any() else np.full(3, 128.0)
        return np.where(self.valid[..., None], self.rgb, np.round(mean).astype(np.uint8))

    def resized(self, width: int, height: int) -> TileImage:
        """The picture at another size: averaged when it shrinks, bilinear when it grows; a pixel is valid by majority."""
        if (width, height) == (self.rgb.shape[1], self.rgb.shape[0]):
            return self
        from PIL import Image

        shrinks = width * height < self.valid.size
        method = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
        rgb = np.asarray(Image.fromarray(self.fill()).resize((width, height), method))
        if self.valid.all():
            return TileImage(rgb, np.ones((height, width), bool))
        mask = Image.fromarray(self.valid.astype(np.uint8) * 255).resize((width, height), method)
        return TileImage(rgb, np.asarray(mask) >= 128)

    def encode(self, kind: Literal["webp", "png", "jpeg"], size: int | None = None) -> bytes:
        """The picture as a file; where data are missing PNG and WebP are transparent, JPEG shows the mean colour.

        Args:
            kind: File format.
            size: Longer side in pixels; by default as it is.
        """
        from PIL import Image

        shown = self if size is None else self.resized(*fitted(self.rgb.shape[1], self.rgb.shape[0], size))
        picture = Image.fromarray(shown.fill())
        if kind != "jpeg" and not shown.valid.all():
            picture.putalpha(Image.fromarray(shown.valid.astype(np.uint8) * 255))
        options: dict[str, int] = {"png": {"compress_level": 1}, "webp": {"quality": 85, "method": 2}, "jpeg": {"quality": 88}}[kind]
        out = io.BytesIO()
        picture.save(out, kind.upper(), **options)
        return out.getvalue()


def fitted(width: int, height: int, size: int) -> tuple[int, int]:
    """Width and height with the longer side ``size`` and the aspect kept, at least one pixel each."""
    scale = size / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


@dataclass(frozen=True, slots=True)
class Stretch:
    """From stored values to 0–255, one linear ramp a channel.

    Attributes:
        low: Value of each channel that becomes 0.
        high: Value of each channel that becomes 255; always above ``low``.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def identity(cls, channels: int) -> Self:
        """Eight-bit values as they are."""
        return cls((0.0,) * channels, (255.0,) * channels)

    @classmethod
    def over(cls, data: NDArray[np.generic], valid: Mask, *, joint: bool, least: float = 0.0) -> Self:
        """The stretch that a scene needs.

        Percentiles 2 and 98 of valid pixels: over all channels together for natural colours, so that their balance stays,
        a channel at a time for false colours. An 8-bit picture with a wide range is left alone.

        Args:
            data: (C, H, W) sample of the scene, any numeric type.
            valid: (H, W) bool.
            joint: Whether the channels share one ramp.
            least: Smallest width of a ramp in stored units: keeps an even scene from being blown up to noise.
        """
        channels = len(data)
        values = data[:, valid].astype(np.float64)
        values = values[:, np.isfinite(values).all(axis=0)]
        if values.shape[1] == 0:
            return cls.identity(channels)
        low, high = (np.percentile(values, LOW_HIGH, axis=None if joint else 1)).reshape(2, -1)
        if data.dtype == np.uint8 and _already_good(values, np.percentile(values, LOW_HIGH)):
            return cls.identity(channels)
        low, high = np.broadcast_to(low, channels).copy(), np.broadcast_to(high, channels).copy()
        magnitude = float(np.abs(values).max()) or 1.0
        narrow = high - low < max(least, 1e-6 * magnitude)
        low = np.where(narrow & (least == 0), values.min(axis=None if joint else 1), low)
        high = np.where(narrow & (least == 0), values.max(axis=None if joint else 1), high)
        narrow &= high - low < max(least, 1e-6 * magnitude)  # a sparse class map has a range, though not between percentiles
        half = max(least, 1e-3 * magnitude) / 2
        middle = (low + high) / 2
        low, high = np.where(narrow, middle - half, low), np.where(narrow, middle + half, high)
        return cls(tuple(low.tolist()), tuple(high.tolist()))

    def of_one(self, channel: int) -> Self:
        """The ramp of one channel alone."""
        return replace(self, low=self.low[channel : channel + 1], high=self.high[channel : channel + 1])

    def apply(self, data: NDArray[np.generic]) -> Picture:
        """(C, H, W) stored values → (H, W, 3) uint8; one channel becomes grey; values that are not finite become 0."""
        if data.dtype == np.uint8 and self == Stretch.identity(len(self.low)):
            shown = data
        else:
            low = np.array(self.low, np.float32)[:, None, None]
            high = np.array(self.high, np.float32)[:, None, None]
            with np.errstate(invalid="ignore", over="ignore"):
                scaled = (data.astype(np.float32) - low) * (255.0 / (high - low))
            shown = np.clip(np.nan_to_num(np.rint(scaled), nan=0.0), 0, 255).astype(np.uint8)
        picture = np.moveaxis(shown, 0, -1)
        return np.ascontiguousarray(np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture)


def with_infrared(picture: Picture, infrared: NDArray[np.uint8]) -> Picture:
    """Colours in which plants are greener and water is bluer, for encoders that know colours alone.

    In near infrared water is dark and plants are bright, whatever colour they have: a green lake and a green field look alike to
    the eye and not there. G′ = (3 G + N) / 4 and B′ = (5 B − N) / 4; red stays.

    Args:
        picture: (…, H, W, 3) uint8.
        infrared: (…, H, W) uint8 near infrared, under the same ramp as the colours.

    Returns:
        (…, H, W, 3) uint8.

    Source: SPOT Image's pseudo-natural colours, (3 G + N) / 4 and (3 G − N) / 4; with a blue band, its own in the place of green's.
    """
    _, green, blue = np.moveaxis(picture.astype(np.int16), -1, 0)
    mixed = picture.copy()
    mixed[..., 1] = (3 * green + infrared + 2) // 4
    mixed[..., 2] = np.clip((5 * blue - infrared + 2) // 4, 0, 255)
    return mixed


def _already_good(values: NDArray[np.float64], joint: NDArray[np.float64]) -> bool:
    """Whether 8-bit values need no stretch: a wide range, or one even colour."""
    return bool(joint[1] - joint[0] >= WIDE_ENOUGH or values.min() == values.max())
