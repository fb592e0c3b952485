"""How near a forecast picture is to what came: MAE, MSE, PSNR, SSIM and CSI at a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import ScoresInvalid
from engine.fog.scores.contingency import Contingency, rounded

Window = Literal["gaussian", "uniform"]
Field = NDArray[np.float64]

_K1, _K2 = 0.01, 0.03
_RADIUS: Final = {"gaussian": 5, "uniform": 3}
"""Half widths of the 11 × 11 and the 7 × 7 window."""


@dataclass(frozen=True, slots=True)
class Event:
    """What counts as an event in a field.

    Attributes:
        threshold: In the field's unit.
        above: Whether values at or above it count, or those at or below.
    """

    threshold: float
    above: bool = True

    def where(self, values: ArrayLike) -> NDArray[np.bool_]:
        """Where it is; never where there is no value."""
        field: Field = np.asarray(values)
        return np.asarray(field >= self.threshold if self.above else field <= self.threshold)

    def words(self, name: str, unit: str) -> str:
        """How a person reads it."""
        return f"{name} {'≥' if self.above else '≤'} {self.threshold:g} {unit}".rstrip()


@dataclass(frozen=True, slots=True)
class ImageScores:
    """A forecast field against what came.

    Attributes:
        mae: Mean absolute error, the field's unit.
        mse: Mean squared error, unit².
        psnr: 20 log10(L / RMSE), dB; infinite for a perfect forecast. L is the width of the field's physical range.
        ssim: Structural similarity, −1 to 1; ``None`` where no window fits into what is known.
        csi: Of the event, 0–1; ``None`` where it neither came nor was forecast.
        n: Pixels compared.
    """

    mae: float
    mse: float
    psnr: float
    ssim: float | None
    csi: float | None
    n: int

    @classmethod
    def of(cls, forecast: ArrayLike, truth: ArrayLike, span: float, event: Event, where: ArrayLike | None = None) -> Self | None:
        """Compare two (n, m) fields where both have a value.

        Args:
            forecast: NaN where it says nothing.
            truth: NaN where nothing was seen.
            span: L, the width of the physical range, the field's unit.
            event: For CSI.
            where: (n, m) bool, to compare less.

        Returns:
            ``None`` where they share no pixel.

        Raises:
            ScoresInvalid: If the shapes differ.
        """
        a, b = _pair(forecast, truth)
        known = np.isfinite(a) & np.isfinite(b)
        if where is not None:
            known &= np.asarray(where, dtype=bool)
        if not known.any():
            return None
        error = (a - b)[known]
        squared = float((error**2).mean())
        table = Contingency.of(event.where(a), event.where(b), known)
        return cls(float(np.abs(error).mean()), squared, psnr_of(squared, span), ssim(a, b, span, where=known), table.csi, int(known.sum()))

    @classmethod
    def mean(cls, parts: Sequence[Self]) -> Self:
        """Mean of the scores of several forecasts, each with equal weight; perfect ones are left out of the mean PSNR.

        Args:
            parts: At least one.
        """
        decibels = [part.psnr for part in parts if np.isfinite(part.psnr)]
        return cls(
            float(np.mean([part.mae for part in parts])),
            float(np.mean([part.mse for part in parts])),
            float(np.mean(decibels)) if decibels else float("inf"),
            _mean([part.ssim for part in parts]),
            _mean([part.csi for part in parts]),
            sum(part.n for part in parts),
        )

    @property
    def rmse(self) -> float:
        """Root of the mean squared error, the field's unit."""
        return float(self.mse**0.5)

    def record(self) -> dict[str, Any]:
        """As JSON; an infinite PSNR is ``None``."""
        return {
            "mae": rounded(self.mae),
            "rmse": rounded(self.rmse),
            "ssim": rounded(self.ssim),
            "psnr": rounded(self.psnr, 4),
            "csi": rounded(self.csi),
            "n": self.n,
        }


def psnr_of(mse: float, span: float) -> float:
    """Peak signal-to-noise ratio 10 log10(L² / MSE), dB."""
    return float("inf") if mse == 0 else float(10 * np.log10(span**2 / mse))


def ssim(
    forecast: ArrayLike, truth: ArrayLike, span: float, *, where: ArrayLike | None = None, window: Window = "gaussian"
) -> float | None:
    r"""Structural similarity, the mean over all windows that lie wholly inside what is known.

    .. math:: \frac{(2\mu_a\mu_b + (0.01 L)^2)(2\sigma_{ab} + (0.03 L)^2)}
        {(\mu_a^2 + \mu_b^2 + (0.01 L)^2)(\sigma_a^2 + \sigma_b^2 + (0.03 L)^2)}

    Args:
        forecast: (n, m).
        truth: (n, m).
        span: L, width of the physical range.
        where: (n, m) bool, what is known; by default where both are finite.
        window: The original's Gaussian of σ 1.5 in 11 × 11 (moments with divisor N), or 7 × 7 equal weights with sample
            covariance, which OpenSTL and so M4Fog's track C use.

    Returns:
        −1 to 1; ``None`` where no window fits.

    Raises:
        ScoresInvalid: If the shapes differ.

    Source: Wang et al. 2004, "Image Quality Assessment", eq. 13.
    """
    from scipy.ndimage import minimum_filter

    a, b = _pair(forecast, truth)
    known = np.isfinite(a) & np.isfinite(b)
    if where is not None:
        known &= np.asarray(where, dtype=bool)
    radius = _RADIUS[window]
    if min(a.shape) <= 2 * radius or not known.any():
        return None
    whole = np.asarray(minimum_filter(known, 2 * radius + 1, mode="constant", cval=False))
    if not whole.any():
        return None
    similar = _similarity(np.where(known, a, 0.0), np.where(known, b, 0.0), span, window)
    return float(similar[whole].mean())


def _similarity(a: Field, b: Field, span: float, window: Window) -> Field:
    import cv2

    if window == "uniform":
        kernel = np.full(7, 1 / 7)
    else:
        kernel = np.exp(-0.5 * (np.arange(-_RADIUS["gaussian"], _RADIUS["gaussian"] + 1) / 1.5) ** 2)
        kernel /= kernel.sum()

    def smooth(field: Field) -> Field:
        return np.asarray(cv2.sepFilter2D(field, cv2.CV_64F, kernel, kernel, borderType=cv2.BORDER_REFLECT))

    unbiased = 49 / 48 if window == "uniform" else 1.0
    c1, c2 = (_K1 * span) ** 2, (_K2 * span) ** 2
    mean_a, mean_b = smooth(a), smooth(b)
    var_a, var_b = unbiased * (smooth(a * a) - mean_a**2), unbiased * (smooth(b * b) - mean_b**2)
    both = unbiased * (smooth(a * b) - mean_a * mean_b)
    return np.asarray((2 * mean_a * mean_b + c1) * (2 * both + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)))


@dataclass(frozen=True, slots=True)
class SequenceScores:
    """Forecast sequences in the form of M4Fog's track C.

    Attributes:
        mse: Mean over samples and frames, **summed** over channels and pixels.
        mae: The same.
        ssim: Mean over frames, 7 × 7 window over each channel on 0–1.
        psnr: Mean over frames, dB, on 0–1.
        values: Channels × rows × columns, the divisor of a figure per value: 196,608 for 3 × 256 × 256.
    """

    mse: float
    mae: float
    ssim: float | None
    psnr: float
    values: int

    @classmethod
    def of(cls, forecast: ArrayLike, truth: ArrayLike) -> Self:
        """Compare sequences.

        Args:
            forecast: (N, T, C, n, m) on 0–1; values beyond are clipped for SSIM and PSNR alone, as OpenSTL does.
            truth: Same shape.

        Raises:
            ScoresInvalid: If the shapes differ, there are not five axes, or values are missing or far from 0–1.

        Source: OpenSTL (Tan et al. 2023), ``openstl/core/metrics.py``: MSE and MAE are means over N and T, sums over the rest.
        """
        a, b = np.asarray(forecast, dtype=np.float64), np.asarray(truth, dtype=np.float64)
        if a.shape != b.shape or a.ndim != 5 or not a.size:
            raise ScoresInvalid(f"sequences of the shape (N, T, C, rows, columns) are needed, not {a.shape} and {b.shape}.")
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            raise ScoresInvalid("the sequences hold values that are not finite.")
        if b.min() < 0 or b.max() > 1:
            raise ScoresInvalid(f"the true frames run from {b.min():g} to {b.max():g}; divide grey levels by 255 first.")
        frames, values = a.shape[0] * a.shape[1], int(np.prod(a.shape[2:]))
        mse, mae = float(((a - b) ** 2).sum() / frames), float(np.abs(a - b).sum() / frames)
        clipped = np.clip(a, 0, 1).reshape(frames, *a.shape[2:])
        came = b.reshape(clipped.shape)
        decibels = [psnr_of(float(((one - other) ** 2).mean()), 1.0) for one, other in zip(clipped, came, strict=True)]
        return cls(
            mse, mae, _mean([_channels(one, other) for one, other in zip(clipped, came, strict=True)]), float(np.mean(decibels)), values
        )

    @property
    def mse_per_value(self) -> float:
        """MSE of one value."""
        return self.mse / self.values

    @property
    def mae_per_value(self) -> float:
        """MAE of one value."""
        return self.mae / self.values

    def record(self) -> dict[str, Any]:
        """As JSON, both forms."""
        return {
            "mse_summed": rounded(self.mse),
            "mae_summed": rounded(self.mae),
            "mse": rounded(self.mse_per_value, 9),
            "mae": rounded(self.mae_per_value, 9),
            "ssim": rounded(self.ssim),
            "psnr": rounded(self.psnr, 4),
        }


def _channels(one: Field, other: Field) -> float | None:
    return _mean([ssim(a, b, 1.0, window="uniform") for a, b in zip(one, other, strict=True)])


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _pair(forecast: ArrayLike, truth: ArrayLike) -> tuple[Field, Field]:
    a, b = np.asarray(forecast, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 2:
        raise ScoresInvalid(
            f"the forecast has the shape {a.shape}, what came {b.shape}; two (rows, columns) fields of one shape are needed."
        )
    return a, b
