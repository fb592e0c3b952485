"""Where a frame resembles what the network has learned from; elsewhere it must not be asked.

A frame is cut into blocks. What a block looks like, on average over its sea, is compared with the blocks of the training windows under
the same light: each feature with its range, and all together with the nearest of a few hundred typical blocks.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from engine.fog.network.features import NAMES

if TYPE_CHECKING:
    from engine.fog.network.windows import Window

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

BLOCK: Final = 16
"""Cells of a side."""
LOOKED_AT: Final = (
    "above_sea", "near", "near_mirrored", "near_emitted", "visible", "red_edge", "snow_band", "split", "ice", "window", "sea",
    "rough_window", "rough_visible",
)  # fmt: skip
"""Features that are compared; the others follow from time and place."""
PAIRS: Final = (("red_edge", "visible"), ("snow_band", "visible"))
"""Differences that are compared, too: sea and water cloud are no brighter at 0.86 than at 0.64 µm, overgrown land is."""
_NEEDS: Final = {
    "above_sea": "has_sea", "sea": "has_sea", "near": "has_near", "near_mirrored": "has_near", "near_emitted": "has_near",
    "visible": "has_visible", "rough_visible": "has_visible", "red_edge": "has_red_edge", "snow_band": "has_snow_band",
    "split": "has_split", "ice": "has_ice",
}  # fmt: skip
_LIGHTS: Final = ("night", "twilight", "day")
_DAY: Final = float(np.cos(np.deg2rad(80)))
_SEA_SHARE: Final = 0.25
"""A block with less sea is not looked at: it goes with its neighbours."""
_RANGE: Final = (0.002, 0.998)
_MARGIN: Final = 0.15
"""Of the range, on both sides."""
_LEAST_MARGIN: Final = 0.1
"""In units of the features: about 5 % of a bright cloud's reflectance, or half a kelvin."""
_TYPICAL: Final = 160
_NEAR_SHARE: Final = 0.995
_SLACK: Final = 1.25


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """What blocks look like.

    Attributes:
        means: (N, F) average over the sea of the features of :data:`LOOKED_AT` and the differences of :data:`PAIRS`, NaN where a block
            has none of them.
        light: (N,) 0 night, 1 twilight, 2 day.
        sea: (N,) share of sea, 0–1.
        shape: Rows and columns of blocks.
    """

    means: Floats
    light: NDArray[np.int64]
    sea: Floats
    shape: tuple[int, int]

    @classmethod
    def of(cls, features: Floats, land: Bools) -> Self:
        """Cut a frame.

        Args:
            features: (C, n, m) of :data:`engine.fog.network.features.NAMES`.
            land: (n, m); not looked at.
        """
        sea = ~land
        rows, columns = (np.arange(0, side, BLOCK) for side in land.shape)

        def total(field: NDArray[Any]) -> Floats:
            summed = np.add.reduceat(np.add.reduceat(field.astype(np.float32), rows, axis=-2), columns, axis=-1)
            return np.asarray(summed.reshape(*summed.shape[:-2], -1), np.float32)

        cells = total(np.ones_like(sea))
        means = np.empty((rows.size * columns.size, len(LOOKED_AT)), np.float32)
        for column, name in enumerate(LOOKED_AT):
            there = sea & (features[NAMES.index(_NEEDS[name])] > 0) if name in _NEEDS else sea
            count = total(there)
            value = total(np.where(there, features[NAMES.index(name)], 0))
            means[:, column] = np.where(count > 0.1 * cells, value / np.maximum(count, 1), np.nan)
        pairs = [means[:, LOOKED_AT.index(one)] - means[:, LOOKED_AT.index(other)] for one, other in PAIRS]
        means = np.column_stack([means, *pairs])
        cosine = total(features[NAMES.index("sun")]) / cells
        light = np.where(cosine > _DAY, 2, np.where(cosine > 0, 1, 0))
        return cls(means, light, np.asarray(total(sea) / cells, np.float32), (rows.size, columns.size))


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """The training blocks of one light.

    Attributes:
        low: (F,) lower end of each feature.
        high: (F,) upper end.
        scale: (F,) standard deviation.
        typical: (K, F) blocks that stand for the others.
        reach: Largest distance from the nearest of them: root of the mean square of scaled differences.
    """

    low: Floats
    high: Floats
    scale: Floats
    typical: Floats
    reach: float

    @classmethod
    def fit(cls, means: Floats) -> Self:
        """From (N, F) blocks, NaN where a feature is missing."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a light may lack a feature altogether
            low, high = np.nanquantile(means, _RANGE, axis=0)
            scale = np.maximum(np.nan_to_num(np.nanstd(means, axis=0), nan=1.0), 0.02).astype(np.float32)
        wide = np.maximum(_MARGIN * (high - low), _LEAST_MARGIN)
        there = np.isfinite(means).sum(axis=1)
        complete = means[there == there.max()]
        typical = _spread(complete, scale)
        reach = float(np.quantile(_distances(complete[:: max(1, len(complete) // 20_000)], typical, scale), _NEAR_SHARE))
        return cls((low - wide).astype(np.float32), (high + wide).astype(np.float32), scale, typical, _SLACK * reach)

    def strange(self, means: Floats) -> Bools:
        """(N,) which blocks are not like any of these."""
        with np.errstate(invalid="ignore"):
            beyond = ((means < self.low) | (means > self.high)).any(axis=1)
        return np.asarray(beyond | (_distances(means, self.typical, self.scale) > self.reach))

    def record(self) -> dict[str, Any]:
        """As JSON, rounded."""
        return {
            "low": _rounded(self.low),
            "high": _rounded(self.high),
            "scale": _rounded(self.scale),
            "reach": round(self.reach, 4),
            "typical": [_rounded(row) for row in self.typical],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`record`."""
        low, high, scale, typical = (np.asarray(record[name], np.float32) for name in ("low", "high", "scale", "typical"))
        return cls(low, high, scale, typical, float(record["reach"]))


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """The training blocks of each light.

    Attributes:
        known: Light → its blocks; a light that was never seen is strange.
    """

    known: Mapping[str, Known]

    @classmethod
    def fit(cls, windows: Sequence[Window]) -> Self:
        """From windows that the network has learned from."""
        cut = [Blocks.of(window.sight.features(), window.sight.land) for window in windows]
        means, light = np.concatenate([each.means for each in cut]), np.concatenate([each.light for each in cut])
        sea = np.concatenate([each.sea for each in cut]) >= _SEA_SHARE
        found = {}
        for number, name in enumerate(_LIGHTS):
            here = means[sea & (light == number)]
            if len(here) >= 10:
                found[name] = Known.fit(here)
        return cls(found)

    def strange(self, features: Floats, land: Bools) -> tuple[Bools, float]:
        """Where a frame is unlike the training windows.

        Args:
            features: (C, n, m).
            land: (n, m).

        Returns:
            (n, m) cells of strange blocks, and the share of the blocks with sea that are.
        """
        blocks = Blocks.of(features, land)
        odd = np.zeros(len(blocks.means), dtype=bool)
        for number, name in enumerate(_LIGHTS):
            here = blocks.light == number
            if here.any():
                odd[here] = self.known[name].strange(blocks.means[here]) if name in self.known else True
        looked = blocks.sea >= _SEA_SHARE
        odd &= looked
        share = float(odd.sum() / max(int(looked.sum()), 1))
        rows, columns = land.shape
        cells = odd.reshape(blocks.shape).repeat(BLOCK, 0)[:rows].repeat(BLOCK, 1)[:, :columns]
        return cells, share

    def record(self) -> dict[str, Any]:
        """As JSON, rounded."""
        return {
            "features": _named(),
            "block": BLOCK,
            "lights": {name: known.record() for name, known in self.known.items()},
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`record`.

        Raises:
            KeyError, ValueError: If it is none.
        """
        if list(record["features"]) != _named() or record["block"] != BLOCK:
            raise ValueError("the gate's features are others")
        return cls({name: Known.from_record(known) for name, known in record["lights"].items()})


def _named() -> list[str]:
    return [*LOOKED_AT, *(f"{one} - {other}" for one, other in PAIRS)]


def _rounded(values: Floats) -> list[float | None]:
    """``None`` stands for NaN, which JSON doesn't know."""
    return [round(float(value), 4) if np.isfinite(value) else None for value in values]


def _distances(means: Floats, typical: Floats, scale: Floats) -> Floats:
    """(N,) distance of each block from the nearest typical one, over the features that both have."""
    there = np.isfinite(means) & np.isfinite(typical).all(axis=0)
    filled = np.where(there, means / scale, 0).astype(np.float32)
    known = np.nan_to_num(typical / scale).astype(np.float32)
    squares = (filled**2).sum(1)[:, None] - 2 * filled @ known.T + there.astype(np.float32) @ (known**2).T
    return np.asarray(np.sqrt(np.maximum(squares.min(axis=1), 0) / np.maximum(there.sum(axis=1), 1)), np.float32)


def _spread(means: Floats, scale: Floats) -> Floats:
    """At most so many blocks that stand for all: k-means from an even start, by Lloyd's steps."""
    some = np.nan_to_num(means[:: max(1, len(means) // 12_000)] / scale)
    dice = np.random.default_rng(0)
    centres = some[dice.permutation(len(some))[:_TYPICAL]]
    for _ in range(12):
        nearest = ((some**2).sum(1)[:, None] - 2 * some @ centres.T + (centres**2).sum(1)).argmin(1)
        counts = np.bincount(nearest, minlength=len(centres))
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, some)
        centres = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centres)
    out: Floats = (centres * scale).astype(np.float32)
    out[:, np.isnan(means).all(axis=0)] = np.nan
    return out
