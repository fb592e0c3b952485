"""Colours that mean the same everywhere: the score ramp that outlines, cards, legends and score surfaces share."""

from __future__ import annotations

from bisect import bisect_right
from math import log10
from typing import Final

VIRIDIS: Final = ("#443983", "#31688e", "#21918c", "#35b779", "#90d743", "#fde725")
"""Viridis without its darkest end, which is lost on dark water: equal steps, low to high. Published colour map of Matplotlib."""

SCORE_TICKS: Final = ("50", "90", "99.9")
"""What stands under the score ramp at its start, middle and end, percentiles."""

_NINES: Final = (log10(2), 1.0, 3.0)  # −log10 of the share of better tiles at the ticks: 50 %, 10 %, 0.1 %


def score_position(percentile: float) -> float:
    """Where a percentile lies on the score ramp, 0 to 1.

    The upper end is spread, since hits live there: 50 % is 0, 90 % is 0.5, 99.9 % is 1, straight in the logarithm between.

    Args:
        percentile: Share of tiles that score lower, 0 to 1.
    """
    nines = -log10(max(1.0 - percentile, 1e-9))
    low, middle, high = _NINES
    part = (nines - low) / (middle - low) / 2 if nines < middle else 0.5 + (nines - middle) / (high - middle) / 2
    return min(max(part, 0.0), 1.0)


def score_colour(percentile: float) -> str:
    """Colour of a hit, ``#rrggbb``.

    Args:
        percentile: Share of tiles that score lower, 0 to 1.
    """
    return viridis(score_position(percentile))


def viridis(position: float) -> str:
    """Colour on the ramp, ``#rrggbb``.

    Args:
        position: 0 (low) to 1 (high); beyond, the ends.
    """
    steps = len(VIRIDIS) - 1
    place = min(max(position, 0.0), 1.0) * steps
    index = min(bisect_right(range(1, steps + 1), place), steps - 1)
    share = place - index
    low, high = (tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5)) for colour in VIRIDIS[index : index + 2])
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(low, high, strict=True))
